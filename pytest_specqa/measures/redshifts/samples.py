"""The sets of spectra in which a pile-up is looked for: classes of targets, petals, runs of petals and fiber groups."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.redshifts.clues import galactic_redshifts
from pytest_specqa.measures.redshifts.known import Part, breaks, high_redshifts
from pytest_specqa.measures.redshifts.narrow import Set, tightest_windows, velocities
from pytest_specqa.measures.redshifts.petal_runs import adjacent_runs, counts_outside, independent_runs, together
from pytest_specqa.measures.redshifts.reference import CLASSES, GALAXIES, reference_density
from pytest_specqa.measures.redshifts.scan import EDGES, N_BINS, Samples, Window, bin_redshifts, least_likely_window
from pytest_specqa.measures.statistics import Bools, Floats, Ints

TARGETS, OTHER, SKY = "targets", "targets of no galaxy sample", "sky fibers"
"""Samples that are scanned apart, as they are called in messages."""
FEWEST, FEWEST_SKY = 20, 10
"""Fewest spectra of a sample that are scanned, and fewest sky fibers."""


@dataclass(frozen=True)
class Spectra:
    """Columns of a sample: redshift, FIBER, whether the fit is a quasar or a galaxy that clusters, the class of target,
    and whether the fit is uncertain.

    The instrument tells which petal and which patch of the focal plane a fiber belongs to.
    """

    z: Floats
    fiber: Ints
    quasar: Bools
    galaxy: Bools
    classes: NDArray[np.str_]
    uncertain: Bools
    instrument: Instrument = DESI

    @property
    def petal(self) -> Ints:
        """Petal of each."""
        return self.fiber // self.instrument.fibers

    def select(self, rows: Bools) -> Spectra:
        """The same columns for a boolean mask."""
        return replace(
            self,
            z=self.z[rows],
            fiber=self.fiber[rows],
            quasar=self.quasar[rows],
            galaxy=self.galaxy[rows],
            classes=self.classes[rows],
            uncertain=self.uncertain[rows],
        )


def samples_of(classes: NDArray[np.str_], sky: Bools, *, keep: Bools) -> dict[str, Bools]:
    """Split spectra into all targets; those of no galaxy sample, in which walls of galaxies hardly show; and sky fibers.

    Parameters
    ----------
    classes : ndarray of str, shape (n,)
        As `target_classes` gives them; all empty where they are not known.
    sky, keep : ndarray of bool, shape (n,)
        Sky fibers, and spectra with data.

    Returns
    -------
    dict of str to ndarray of bool
        The samples that are large enough to scan.
    """
    other = ~sky & ~np.isin(classes, GALAXIES)
    parts = {TARGETS: ~sky, SKY: sky}
    if (classes != "").any() and (other != parts[TARGETS]).any():
        parts[OTHER] = other
    fewest = {SKY: FEWEST_SKY}
    return {name: keep & rows for name, rows in parts.items() if np.count_nonzero(keep & rows) >= fewest.get(name, FEWEST)}


@dataclass(frozen=True)
class Found:
    """A window that stands out, and the positions of its spectra in the sample."""

    window: Window
    inside: Ints


def scan(spectra: Spectra, *, walls: bool) -> Found | None:
    """Find the least likely window of one sample that is at least 600 km/s wide.

    Parameters
    ----------
    spectra : Spectra
        The sample.
    walls : bool
        Whether walls of galaxies show in it.

    Returns
    -------
    Found or None
        None where nothing exceeds its surroundings.
    """
    sets = _run_sets(spectra)
    samples = [_runs(spectra)]
    if _single(spectra):
        # The petals of a tile are judged one by one as well: their groups need no second look.
        group = spectra.fiber // spectra.instrument.patch
        sets += [group == number for number in np.unique(group)]
        samples.append(_groups(spectra, group=group))
    columns = [np.concatenate([getattr(one, item.name) for one in samples]) for item in fields(Samples)]
    return _found(spectra, least_likely_window(Samples(*columns), walls=walls), sets)


def scan_closely(spectra: Spectra) -> tuple[Found | None, Found | None]:
    """Find the least likely window that is narrower than the velocities of galaxies that belong together.

    Parameters
    ----------
    spectra : Spectra
        The sample.

    Returns
    -------
    tuple of Found or None
        The least likely window, and the least likely of those where emission of the Galaxy is read as a redshift.
    """
    sets, narrow = narrow_sets(spectra)
    aside = galactic_redshifts(spectra.instrument)
    plain, galactic = tightest_windows(narrow, aside=aside)
    return _found(spectra, plain, sets), _found(spectra, galactic, sets)


def narrow_sets(spectra: Spectra) -> tuple[list[Bools], list[Set]]:
    """Runs of petals or, of a single one, its patches and slit blocks: which spectra, and what a close scan needs of them."""
    sets, petals = _run_sets(spectra), adjacent_runs(spectra.petal, n_petals=spectra.instrument.spectrographs)
    size = [float(len(run)) for run in petals]
    weights = [float(len(set(size)))] * len(sets)
    if _single(spectra):
        for length in (spectra.instrument.patch, spectra.instrument.block):
            group = spectra.fiber // length
            every = [group == number for number in np.unique(group)]
            sets += every
            size += len(every) * [length / spectra.instrument.fibers]
        # Half of the search is for the whole petal, a quarter each for patches and blocks.
        weights = [2.0 if each == 1.0 else 4.0 for each in size]
    cumulative = np.concatenate([[0.0], np.cumsum(_reference(spectra).sum(axis=0))])
    return sets, [
        Set(k, velocities(spectra.z[rows]), size[k], cumulative * np.mean(rows), weights[k] * len(rows))
        for k, rows in enumerate(sets)
    ]


def scan_known(spectra: Spectra, *, sky: bool) -> list[Found]:
    """Count spectra at the redshifts of flux steps, in parts of one petal, and where quasars are rare.

    Parameters
    ----------
    spectra : Spectra
        The sample.
    sky : bool
        Sky fibers: too few of them to look at two slit blocks at a time, beside the halves of the petal, and no galaxies.

    Returns
    -------
    list of Found
        Those that hold more than a few.
    """
    instrument, whole = spectra.instrument, np.ones(len(spectra.z), dtype=bool)
    lengths = [(instrument.fibers // 2, instrument.fibers // 2), (instrument.patch, instrument.block)][: 1 if sky else 2]
    parts = [(whole, float(len(np.unique(spectra.petal))), 1.0)]
    if _single(spectra):
        slot = instrument.slot(spectra.fiber)
        for length, step in lengths:
            starts = range(0, instrument.fibers - length + 1, step)
            share = length / instrument.fibers
            parts += [((slot >= start) & (slot < start + length), share, float(len(starts))) for start in starts]
    levels = len({number for *_, number in parts})
    # Steps and high redshifts have half of this search each.
    known = [Part(rows, petals, 2.0 * levels * number) for rows, petals, number in parts if rows.any()]
    found = [
        breaks(spectra.z, known, clustered=not sky),
        high_redshifts(spectra.z, classes=spectra.classes, uncertain=spectra.uncertain),
    ]
    return [Found(one.window, np.flatnonzero(one.rows)) for one in found if one is not None]


def _single(spectra: Spectra) -> bool:
    return len(np.unique(spectra.petal)) == 1


def _run_sets(spectra: Spectra) -> list[Bools]:
    return [np.isin(spectra.petal, run) for run in adjacent_runs(spectra.petal, n_petals=spectra.instrument.spectrographs)]


def _found(spectra: Spectra, window: Window | None, sets: list[Bools]) -> Found | None:
    if window is None:
        return None
    inside = sets[window.row] & (spectra.z >= window.low) & (spectra.z < window.high)
    return Found(window, np.flatnonzero(inside))


def _runs(spectra: Spectra) -> Samples:
    petal, n_petals = spectra.petal, spectra.instrument.spectrographs
    runs = adjacent_runs(petal, n_petals=n_petals)
    counts = bin_redshifts(spectra.z, petal, n_rows=n_petals)
    galaxies = bin_redshifts(spectra.z[spectra.galaxy], petal[spectra.galaxy], n_rows=n_petals)
    member = np.array([[number in run for number in range(n_petals)] for run in runs], dtype=float)
    size = np.bincount(petal, minlength=n_petals).astype(float)
    every, clustered, model = (together(member, one) for one in (counts, galaxies, _reference(spectra)))
    return Samples(
        counts=every,
        around=every,
        clustered=clustered,
        share=np.ones(len(runs)),
        reference=model,
        outside=counts_outside(counts, member=member, size=size),
        petals=member.sum(axis=1),
        trials=independent_runs(runs),
    )


def _groups(spectra: Spectra, *, group: Ints) -> Samples:
    """The patches of one petal; what to expect of them is the petal's share."""
    number, place, size = np.unique(group, return_inverse=True, return_counts=True)
    share, every = size / len(group), np.zeros(len(group), dtype=np.intp)
    whole = [bin_redshifts(spectra.z[rows], every[rows], n_rows=1) for rows in (np.full(len(group), True), spectra.galaxy)]
    return Samples(
        counts=bin_redshifts(spectra.z, place, n_rows=len(number)),
        around=np.repeat(whole[0], len(number), axis=0),
        clustered=np.repeat(whole[1], len(number), axis=0),
        share=share,
        reference=share[:, None] * _reference(spectra).sum(axis=0),
        outside=np.zeros((len(number), N_BINS)),
        petals=np.full(len(number), spectra.instrument.patch / spectra.instrument.fibers),
        trials=np.full(len(number), float(len(number))),
    )


def _reference(spectra: Spectra) -> Floats:
    middle, width = 0.5 * (EDGES[1:] + EDGES[:-1]), np.diff(EDGES)
    n_petals = spectra.instrument.spectrographs
    expected = np.zeros((n_petals, N_BINS))
    for name in CLASSES:
        number = np.bincount(spectra.petal[spectra.classes == name], minlength=n_petals)
        expected += number[:, None] * (reference_density(middle, name) * width)[None, :]
    return expected
