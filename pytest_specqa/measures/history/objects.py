"""Redshifts of the fibers of one petal, tile after tile: which tracer an object is of, what is improbable for it, what repeats."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.history.clumps import BIN, Places
from pytest_specqa.measures.redshifts.clues import GALAXY_LINES, QUASAR_LINES
from pytest_specqa.measures.statistics import Bools, Floats, Ints

TRACERS = {"BGS": 8, "LRG": 16, "ELG": 32, "QSO": 64}
"""Bit of each tracer in the vector `target`; an object of several counts for the last, whose redshifts range most widely."""
ASSIGNED = 1
"""Bit of `target` of an object that was assigned."""
NODATA = 1 << 9
"""ZWARN bit of a spectrum without data."""
GALAXY, QSO, STAR = 1, 2, 3
"""Codes of the vector `spectype`."""
LEAST_Z, MOST_Z = 0.01, 6.2
"""Range of redshifts whose places are searched: stars, and galaxies that are Galactic light, lie below."""
COARSE = 0.01
"""Bin of ln(1+z) in which it is said which redshifts a tracer has."""
UNLIKELY = 0.005
"""Density over that at the peak of a tracer below which a class and redshift is improbable: 0.02 per unit of redshift for bright
galaxies. What lies there is some 0.2 % of all, which is also the rate at which redshifts of bright galaxies differ between two
reductions of the same spectra (0.18 %, desispec issue 2295)."""
NARROW = 11
"""Bins over which a median is taken, so that a pile-up does not make its own redshift a probable one."""
SAME, TOGETHER = 1e-4, 8
"""Difference in ln(1+z), and number of fibers that agree so well on two tiles, from which on two tiles hold the same objects. Of
500 fibers 0.5 agree by chance."""
Z_BINS = int(np.ceil(np.log1p(MOST_Z) / BIN)) + 1
COARSE_BINS = int(np.ceil(np.log1p(MOST_Z) / COARSE)) + 1
WAVE_BINS = 10_100
"""Bins of ln(wavelength) from the blue end of the instrument to its red one."""


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects of one petal: rows are tiles in the order of their last night. A production has 100 million; one takes five bytes.

    Attributes
    ----------
    night, tile : ndarray of int, shape (n_tile,)
        Last night and number of each tile.
    first : int
        FIBER of column 0.
    z : ndarray of f4, shape (n_tile, n_fiber)
        Redshifts; NaN where there is none.
    state : ndarray of u1, shape (n_tile, n_fiber)
        Tracer, class and whether the fit has a warning, as `state_of` packs them.
    """

    night: Ints
    tile: Ints
    first: int
    z: Floats
    state: NDArray[np.uint8]

    @property
    def tracer(self) -> NDArray[np.int8]:
        """Number of the tracer of each object in `TRACERS`; -1 for none, for no data, and for what is no target."""
        return np.asarray((self.state & 7).astype(np.int8) - 1, dtype=np.int8)

    @property
    def spectype(self) -> NDArray[np.uint8]:
        """Code of the class of each object: 0 none, then `GALAXY`, `QSO` and `STAR`."""
        return np.asarray((self.state >> 3) & 3, dtype=np.uint8)

    @property
    def failed(self) -> Bools:
        """Whether the fit of each object has a warning."""
        return np.asarray(self.state >> 5 & 1, dtype=bool)

    @property
    def kind(self) -> Ints:
        """Class and coarse bin of ln(1+z) of each object as one number below ``4 * COARSE_BINS``; stars have one bin."""
        bins = np.clip(np.log1p(np.maximum(np.nan_to_num(self.z), 0.0)) / COARSE, 0, COARSE_BINS - 1).astype(np.int64)
        spectype = self.spectype
        return np.where(spectype == STAR, 0, bins) + COARSE_BINS * spectype.astype(np.int64)


def state_of(z: Floats, *, spectype: Floats, zwarn: Floats, target: Floats) -> NDArray[np.uint8]:
    """Pack what is needed of each object.

    Parameters
    ----------
    z, spectype, zwarn, target : ndarray, same shape
        Redshift, code of the class, ZWARN and bits of the target, as the vectors of these names have them; NaN is not known.

    Returns
    -------
    ndarray of u1
        Tracer number + 1 in bits 0-2 (0: not used), class in bits 3-4, bit 5 where the fit has a warning.
    """
    known = np.isfinite(z) & np.isfinite(spectype) & np.isfinite(zwarn) & np.isfinite(target)
    code, warning, bits = (np.where(known, each, 0).astype(np.int64) for each in (spectype, zwarn, target))
    used = known & (bits & ASSIGNED > 0) & (warning & NODATA == 0)
    tracer = np.zeros(z.shape, dtype=np.uint8)
    for number, bit in enumerate(TRACERS.values(), start=1):
        tracer[used & (bits & bit > 0)] = number
    return np.asarray(tracer | np.clip(code, 0, 3).astype(np.uint8) << 3 | (warning != 0).astype(np.uint8) << 5, dtype=np.uint8)


def coarse_counts(objects: Objects) -> Floats:
    """Count objects whose fit has no warning by tracer and `Objects.kind`, shape (n_tracer, 4 * COARSE_BINS).

    Fits with a warning lie anywhere: among them those that go astray for a fault would drown.
    """
    return _by_tracer(np.where(objects.failed, -1, objects.tracer), objects.kind, 4 * COARSE_BINS)


def _by_tracer(tracer: Ints, bins: Ints, number: int) -> Floats:
    used = tracer >= 0
    flat = tracer[used].astype(np.int64) * number + bins[used]
    return np.bincount(flat, minlength=len(TRACERS) * number).astype(float).reshape(len(TRACERS), number)


def improbable(counts: Floats, *, below: float = UNLIKELY) -> Bools:
    """Tell the least likely classes and redshifts of each tracer.

    Parameters
    ----------
    counts : ndarray, shape (n_tracer, n_kind)
        Objects of all fibers, as `coarse_counts` counts them.
    below : float
        Density over the highest of the tracer below which a place is improbable.

    Returns
    -------
    ndarray of bool, shape (n_tracer, n_kind)
        From the running median of the n(z) of each class over a tenth in ln(1+z), and the number of stars as it is.
    """
    by_class = counts.reshape(len(counts), 4, -1)
    smooth = median_filter(by_class, size=(1, 1, NARROW), mode="nearest")
    smooth[:, STAR] = by_class[:, STAR]
    return np.asarray(smooth < below * smooth[:, :STAR].max(axis=(1, 2), keepdims=True)).reshape(counts.shape)


def redshift_counts(objects: Objects) -> Floats:
    """Count the redshifts that are searched by tracer and `BIN` of ln(1+z), shape (n_tracer, Z_BINS)."""
    tracer, x = _searched(objects), np.log1p(np.nan_to_num(objects.z))
    return _by_tracer(tracer, np.clip(x / BIN, 0, Z_BINS - 1).astype(np.int64), Z_BINS)


def wave_counts(objects: Objects, *, instrument: Instrument = DESI) -> Floats:
    """Count the lines by tracer and `BIN` of ln(wavelength), shape (n_tracer, WAVE_BINS)."""
    counts = np.zeros((len(TRACERS), WAVE_BINS))
    tracer, low = _searched(objects), _ends(instrument)[0]
    for seen, x in _lines(objects, instrument):
        bins = np.clip((x - low) / BIN, 0, WAVE_BINS - 1).astype(np.int64)
        counts += _by_tracer(np.where(seen, tracer, -1), bins, WAVE_BINS)
    return counts


def redshift_places(objects: Objects, number: int) -> Places:
    """Places of the redshifts of one tracer, a series for each fiber."""
    own = objects.tracer == number
    return _places(own[..., None], own & (_searched(objects) >= 0), [(own, np.log1p(np.nan_to_num(objects.z)))])


def wave_places(objects: Objects, *, instrument: Instrument = DESI) -> Places:
    """Places of the lines of all tracers, a series for each fiber: an object has one for each line that it can show."""
    tracer = objects.tracer
    every = tracer[..., None] == np.arange(len(TRACERS))
    return _places(every, _searched(objects) >= 0, _lines(objects, instrument))


def first_wave(instrument: Instrument = DESI) -> float:
    """Lower end of the bins of ln(wavelength)."""
    return _ends(instrument)[0]


def _ends(instrument: Instrument) -> tuple[float, float]:
    first, *_, last = instrument.bands.values()
    return float(np.log(first.first)), float(np.log(last.last))


def _searched(objects: Objects) -> NDArray[np.int8]:
    """Tracer of each object whose redshift is searched; -1 elsewhere."""
    inside = (objects.z >= LEAST_Z) & (objects.z < MOST_Z) & (objects.spectype != STAR)
    return np.where(inside, objects.tracer, -1).astype(np.int8)


def _lines(objects: Objects, instrument: Instrument) -> list[tuple[Bools, Floats]]:
    """Which objects can show a line, and ln(wavelength) of it; by line of galaxies, then of quasars."""
    x, (low, high) = np.log1p(np.maximum(np.nan_to_num(objects.z), 0.0)), _ends(instrument)
    found = []
    for code, lines in ((GALAXY, GALAXY_LINES), (QSO, QUASAR_LINES)):
        for rest in lines.values():
            at = x + np.log(rest)
            found.append(((objects.spectype == code) & (at >= low) & (at < high), at))
    return found


def _places(kinds: Bools, searched: Bools, lines: list[tuple[Bools, Floats]]) -> Places:
    """Sort places by fiber and place; `kinds` (n_tile, n_fiber, n_kind) says what an object counts as."""
    used: Bools = np.asarray(kinds.any(axis=2))
    n_fiber, sizes = used.shape[1], used.sum(axis=0)
    order = np.cumsum(used, axis=0) - 1
    fiber, place, number = [], [], []
    for seen, x in lines:
        rows, columns = np.nonzero(seen & searched & used)
        fiber.append(columns)
        place.append(x[rows, columns])
        number.append(order[rows, columns])
    fibers, every, numbers = (np.concatenate(each) for each in (fiber, place, number))
    by = np.lexsort((every, fibers))
    starts = np.searchsorted(fibers[by], np.arange(n_fiber + 1))
    seen_starts = np.concatenate([[0], np.cumsum(sizes + 1)])
    seen_rows = np.zeros((int(seen_starts[-1]), kinds.shape[2]))
    for column in range(n_fiber):
        own = kinds[used[:, column], column].cumsum(axis=0)
        seen_rows[seen_starts[column] + 1 : seen_starts[column + 1]] = own
    return Places(starts, every[by], numbers[by].astype(np.int64), seen_starts, seen_rows)


def without_repeats(objects: Objects) -> Objects:
    """Drop the objects of tiles that were seen again in the same fibers on a later tile.

    Deep fields put the same targets on the same fibers on many tiles. What they share are redshifts of many kinds: two tiles
    on which so many fibers agree, each at its own redshift, hold the same objects. A defect that gives many fibers one redshift is
    kept.

    Parameters
    ----------
    objects : Objects
        Of one petal.

    Returns
    -------
    Objects
        With NaN as the redshift of what was dropped.
    """
    x = np.where(_searched(objects) >= 0, np.log1p(np.nan_to_num(objects.z)), np.nan)
    row, column = np.nonzero(np.isfinite(x))
    by = np.lexsort((x[row, column], column))
    row, column, value = row[by], column[by], x[row, column][by]
    agree = [np.zeros((3, 0))]
    for apart in (1, 2, 3):
        close = (column[apart:] == column[:-apart]) & (value[apart:] - value[:-apart] < SAME)
        at = np.flatnonzero(close)
        pair = np.sort([row[at], row[at + apart]], axis=0)
        agree.append(np.stack([pair[0] * len(x) + pair[1], column[at], np.floor(value[at] / COARSE)]))
    pairs, fibers, bins = np.concatenate(agree, axis=1).astype(np.int64)
    tiles = np.unique(np.stack([pairs, bins]), axis=1)[0]
    same, number = np.unique(tiles, return_counts=True)
    repeated = np.isin(pairs, same[number >= TOGETHER])
    z = objects.z.copy()
    z[pairs[repeated] // len(x), fibers[repeated]] = np.nan
    return replace(objects, z=z)
