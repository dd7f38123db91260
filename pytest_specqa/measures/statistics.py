"""Robust location and scale with standard errors, and significance after a search over many places.

How a measure turns a search into one number to judge: every place searched has an amplitude and a standard error. Amplitudes
that could be chance anywhere in the search (probability above `FALSE_ALARM` for the search as a whole) count as zero. From those
that are left `MARGIN` errors are taken off, so that the value is an amplitude that the data prove, in physical units, and a poor
measurement of something small and sound does not fail. The limit is the physical size at which it matters. The sensitivity is
the amplitude that the noise would just have let through: where it exceeds what the limit needs, the outcome is *not measured*
rather than passed.

In all functions NaN marks a missing value; results are NaN where nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtri_exp

from pytest_specqa.values import Feature, Measured

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Ints = NDArray[np.integer]

FALSE_ALARM = 1e-7
"""Chance that noise alone passes one search. A night has 900 camera-exposures and the suite some 30 searches for each, so that
ten clean nights see 3e5 searches; 1e-7 each leaves a few per cent of one false alarm, and room for tails that are not Gaussian."""

MARGIN = 3.0
"""Errors by which a significant amplitude is lowered before it is compared with its limit."""
FEW_MISSING = 16
"""Where more than one value in so many is missing, sorting is the faster way to a median."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation over median absolute deviation of a Gaussian: 1 / ndtri(3/4)."""
MEDIAN_EFFICIENCY = 1.2533
"""Standard error of a median over that of a mean, for many Gaussian values: sqrt(pi / 2)."""


class Found(NamedTuple):
    """What a measure has to say about the worst place of its search.

    Attributes
    ----------
    fibers : tuple of int
        First and last FIBER, both included.
    detail : str
        One phrase: what was found and what it suggests.
    kind : str
        Of the `Feature`; empty for none.
    waves : tuple of float or None
        Wavelength range in Angstrom.
    unit, label : str
        Of the amplitude; a short name for the picture.
    """

    fibers: tuple[int, int]
    detail: str
    kind: str = ""
    waves: tuple[float, float] | None = None
    unit: str = ""
    label: str = ""


class Strongest(NamedTuple):
    """The worst significant amplitude of a search: its place, its signed size as far as proved, and what would have been seen."""

    place: int
    amplitude: float
    error: float
    significance: float
    sensitivity: float

    def measured(self, describe: Callable[[int], Found], *, nothing: str, signed: bool = False) -> Measured:
        """Turn the result of a search into the value of a measure.

        Parameters
        ----------
        describe : callable
            Takes the flat index of the worst place and says what lies there; called only if something was found.
        nothing : str
            Why nothing can be measured, where no place could be searched.
        signed : bool
            Whether the value keeps the sign of the amplitude.

        Returns
        -------
        Measured
            The amplitude with its place and `Feature`; 0, without a place, if noise explains all; *not measured* if nothing was
            searched.
        """
        if self.place < 0:
            return Measured.impossible(nothing)
        if not self.amplitude:
            return Measured(value=0.0, error=self.error, sensitivity=self.sensitivity)
        found = describe(self.place)
        feature = Feature(
            found.kind,
            found.fibers,
            found.waves or (0.0, 0.0),
            self.amplitude,
            self.error,
            self.significance,
            found.unit,
            found.label,
        )
        return Measured(
            value=self.amplitude if signed else abs(self.amplitude),
            error=self.error,
            sensitivity=self.sensitivity,
            fibers=(found.fibers,),
            waves=found.waves,
            detail=found.detail,
            features=(feature,) if found.kind else (),
        )


def nan_median(values: ArrayLike, *, axis: int = 0) -> Floats:
    """Median along one axis, several times faster than `numpy.nanmedian`.

    Parameters
    ----------
    values : array_like
        Any shape; NaN is missing.
    axis : int
        Axis that is collapsed.

    Returns
    -------
    ndarray
        `values` without `axis`; NaN where all are missing.
    """
    data = np.asarray(values)
    moved = np.moveaxis(data, axis, -1)
    shape, size = moved.shape[:-1], moved.shape[-1]
    if size == 0:
        return np.full(shape, np.nan)
    precision: type[np.floating] = np.float32 if data.dtype == np.float32 else np.float64
    rows: Floats = np.array(moved, dtype=precision, order="C").reshape(-1, size)
    missing = np.flatnonzero(np.isnan(rows)) if np.isnan(rows.min(initial=np.inf)) else np.zeros(0, dtype=np.intp)
    found = _middle_of_some(rows) if missing.size * FEW_MISSING > rows.size else _middle(rows, missing)
    return found.reshape(shape)


def _middle(rows: Floats, missing: Ints) -> Floats:
    """Median of each row, whose order is lost; `missing` are the places without a value in all rows together."""
    size, half = rows.shape[1], rows.shape[1] // 2
    row = missing // size
    number = np.bincount(row, minlength=len(rows))
    if missing.size:
        # As many below all others as above, or one less: the middle stays where it is, or lies half a rank higher.
        order = np.arange(missing.size) - (np.cumsum(number) - number)[row]
        rows.reshape(-1)[missing] = np.where(order < number[row] // 2, -np.inf, np.inf)
    # One rank is found faster than two: the other is the largest below.
    rows.partition(half, axis=1)
    upper, odd = rows[:, half], (size - number) % 2 == 1
    if not (size % 2 and odd.all()):
        lower = rows[:, :half].max(axis=1, initial=-np.inf)
        one = upper if size % 2 else lower
        lower, upper = np.where(odd, one, lower), np.where(odd, one, upper)
    else:
        lower = upper
    known = number < size
    return np.where(known, 0.5 * np.add(lower, upper, where=known, out=np.zeros_like(upper)).astype(float), np.nan)


def _middle_of_some(rows: Floats) -> Floats:
    """Median of what each row has, whose order is lost; NaN where it has nothing."""
    rows.sort(axis=1)
    count = rows.shape[1] - np.isnan(rows).sum(axis=1)
    place = np.arange(len(rows))
    middle = rows[place, np.maximum((count - 1) // 2, 0)] + rows[place, np.minimum(count // 2, rows.shape[1] - 1)]
    return np.where(count > 0, 0.5 * middle.astype(float), np.nan)


def mad_scale(values: ArrayLike, *, axis: int = 0, center: ArrayLike | None = None) -> Floats:
    """Standard deviation from the median absolute deviation.

    Parameters
    ----------
    values : array_like
        Any shape; NaN is missing.
    axis : int
        Axis that is collapsed.
    center : array_like, optional
        Location to deviate from, without `axis`; default the median.

    Returns
    -------
    ndarray
        Scale that is a standard deviation for Gaussian values.
    """
    data = np.asarray(values)
    middle = nan_median(data, axis=axis) if center is None else np.asarray(center)
    return MAD_TO_SIGMA * nan_median(np.abs(data - np.expand_dims(middle.astype(data.dtype, copy=False), axis)), axis=axis)


def median_and_error(values: ArrayLike, *, axis: int = 0) -> tuple[Floats, Floats]:
    """Median and its standard error, from the scatter of the values themselves.

    Parameters
    ----------
    values : array_like
        Any shape; NaN is missing.
    axis : int
        Axis that is collapsed.

    Returns
    -------
    tuple of ndarray
        Median, and 1.2533 times the robust scatter over the square root of the number of values.
    """
    data = np.asarray(values, dtype=float)
    median = nan_median(data, axis=axis)
    count = np.isfinite(data).sum(axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = MEDIAN_EFFICIENCY * mad_scale(data, axis=axis, center=median) / np.sqrt(count)
    return median, np.where(count > 1, error, np.nan)


def clipped_mean(values: ArrayLike, errors: ArrayLike, *, axis: int = 0, clip: float = 4.0) -> tuple[Floats, Floats]:
    """Inverse-variance mean without outliers, and its standard error.

    Nearly as precise as the mean for sound values and, as the median is, unmoved by a few wild ones. Values farther than `clip`
    from the median, in units of their error or of the common scatter if that is larger, have no weight. Where the values scatter
    more than their errors say, the error of the mean grows by the same factor.

    Parameters
    ----------
    values, errors : array_like
        Same shape; NaN, or an error that is not finite and positive, is missing.
    axis : int
        Axis that is collapsed.
    clip : float
        Distance from the median beyond which a value has no weight.

    Returns
    -------
    tuple of ndarray
        Mean and its error, without `axis`.
    """
    data, sigma = np.broadcast_arrays(np.asarray(values, dtype=float), np.asarray(errors, dtype=float))
    good = np.isfinite(data) & np.isfinite(sigma) & (sigma > 0)
    data, sigma = np.where(good, data, np.nan), np.where(good, sigma, 1.0)
    median = nan_median(data, axis=axis)
    pull = (data - np.expand_dims(median, axis)) / sigma
    scale = np.maximum(mad_scale(pull, axis=axis, center=np.zeros_like(median)), 1.0)
    with np.errstate(invalid="ignore"):
        weight = np.where(np.abs(pull) <= clip * np.expand_dims(scale, axis), 1.0 / sigma**2, 0.0)
    total = weight.sum(axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(weight > 0, weight * data, 0.0).sum(axis=axis) / total
        return mean, np.where(total > 0, scale / np.sqrt(total), np.nan)


def global_sigma(local_sigma: ArrayLike, *, n_trials: float) -> Floats:
    """Gaussian significance of the best of many places searched.

    Parameters
    ----------
    local_sigma : array_like
        Significance at its own place; the sign is ignored, both signs were searched.
    n_trials : float
        Number of independent places.

    Returns
    -------
    ndarray
        One-sided Gaussian sigmas with the same chance as this excess or more, anywhere; exact for hundreds of sigmas too.
    """
    log_p = log_ndtr(-np.abs(np.asarray(local_sigma, dtype=float)))
    with np.errstate(divide="ignore", over="ignore"):
        log_none = 2.0 * n_trials * np.log1p(-np.exp(np.minimum(log_p, np.log(0.5))))
        exact = np.log(-np.expm1(log_none))
    small = log_p < np.log(1e-12 / max(n_trials, 1.0))
    log_any = np.where(small, log_p + np.log(2.0 * n_trials), exact)
    return np.asarray(-ndtri_exp(np.minimum(log_any, -1e-16)), dtype=float)


def local_threshold(n_trials: float, *, false_alarm: float = FALSE_ALARM) -> float:
    """Local significance that noise reaches, with either sign and anywhere, with the given chance.

    Parameters
    ----------
    n_trials : float
        Number of independent places searched.
    false_alarm : float
        Chance for the whole search.

    Returns
    -------
    float
        Gaussian sigmas.
    """
    log_p = np.log(-np.expm1(np.log1p(-false_alarm) / (2.0 * max(n_trials, 1.0))))
    return float(-ndtri_exp(log_p))


def strongest(amplitudes: ArrayLike, errors: ArrayLike, *, n_trials: float | None = None) -> Strongest:
    """Largest amplitude of a search that noise alone does not explain.

    Parameters
    ----------
    amplitudes, errors : array_like
        Same shape, any; NaN or a non-positive error means not searched.
    n_trials : float, optional
        Number of independent places; default the number searched.

    Returns
    -------
    Strongest
        Flat index of the worst place; the amplitude there less `MARGIN` errors, or 0 if none is significant; its error; its
        significance after the search; and the sensitivity, the median amplitude that would have counted. All NaN with place -1
        if nothing was searched.
    """
    size, sigma = np.ravel(np.asarray(amplitudes, dtype=float)), np.ravel(np.asarray(errors, dtype=float))
    searched = np.isfinite(size) & np.isfinite(sigma) & (sigma > 0)
    if not searched.any():
        return Strongest(-1, np.nan, np.nan, np.nan, np.nan)
    trials = float(searched.sum()) if n_trials is None else n_trials
    threshold = local_threshold(trials)
    local = np.where(searched, np.abs(size) / np.where(searched, sigma, 1.0), 0.0)
    significant = local >= threshold
    proved = np.where(significant, np.abs(size) - MARGIN * sigma, -1.0)
    place = int(np.argmax(proved) if significant.any() else np.argmax(local))
    return Strongest(
        place=place,
        amplitude=float(np.copysign(proved[place], size[place])) if significant.any() else 0.0,
        error=float(sigma[place]),
        significance=float(global_sigma(local[place], n_trials=trials)),
        sensitivity=threshold * float(np.median(sigma[searched])),
    )
