"""The sets of spectra in which a pile-up is looked for: classes of targets, petals, runs of petals and fiber groups."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.redshifts.petal_runs import adjacent_runs, counts_outside, independent_runs
from pytest_specqa.measures.redshifts.reference import CLASSES, GALAXIES, reference_density
from pytest_specqa.measures.redshifts.scan import EDGES, N_BINS, Samples, Window, bin_redshifts, least_likely_window
from pytest_specqa.measures.statistics import Bools, Floats, Ints

TARGETS, OTHER, SKY = "targets", "targets of no galaxy sample", "sky fibers"
"""Samples that are scanned apart, as they are called in messages."""
FEWEST = 20
"""Fewest spectra of a sample that are scanned."""


@dataclass(frozen=True)
class Spectra:
    """Columns of a sample: redshift, FIBER, whether the fit is a quasar or a galaxy that clusters, and the class of target.

    The instrument tells which petal and which patch of the focal plane a fiber belongs to.
    """

    z: Floats
    fiber: Ints
    quasar: Bools
    galaxy: Bools
    classes: NDArray[np.str_]
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
    return {name: keep & rows for name, rows in parts.items() if np.count_nonzero(keep & rows) >= FEWEST}


def scan(spectra: Spectra, *, walls: bool) -> tuple[Window | None, Ints]:
    """Find the least likely window of one sample.

    Parameters
    ----------
    spectra : Spectra
        The sample.
    walls : bool
        Whether walls of galaxies show in it.

    Returns
    -------
    tuple
        The window, or None where nothing exceeds its surroundings, and the positions of the spectra inside.
    """
    petals = np.unique(spectra.petal)
    sets = [np.isin(spectra.petal, run) for run in adjacent_runs(spectra.petal, n_petals=spectra.instrument.spectrographs)]
    samples = [_runs(spectra)]
    if len(petals) == 1:
        # The petals of a tile are judged one by one as well: their groups need no second look.
        group = spectra.fiber // spectra.instrument.patch
        sets += [group == number for number in np.unique(group)]
        samples.append(_groups(spectra, group=group))
    columns = [np.concatenate([getattr(one, item.name) for one in samples]) for item in fields(Samples)]
    window = least_likely_window(Samples(*columns), walls=walls)
    if window is None:
        return None, np.array([], dtype=np.intp)
    inside = sets[window.row] & (spectra.z >= window.low) & (spectra.z < window.high)
    return window, np.flatnonzero(inside)


def _runs(spectra: Spectra) -> Samples:
    petal, n_petals = spectra.petal, spectra.instrument.spectrographs
    runs = adjacent_runs(petal, n_petals=n_petals)
    counts = bin_redshifts(spectra.z, petal, n_rows=n_petals)
    galaxies = bin_redshifts(spectra.z[spectra.galaxy], petal[spectra.galaxy], n_rows=n_petals)
    member = np.array([[number in run for number in range(n_petals)] for run in runs], dtype=float)
    size = np.bincount(petal, minlength=n_petals).astype(float)
    return Samples(
        counts=member @ counts,
        around=member @ counts,
        clustered=member @ galaxies,
        share=np.ones(len(runs)),
        reference=member @ _reference(spectra),
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
