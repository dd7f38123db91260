"""Which residuals do neighbouring fibers share, and with what error?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.sframes.groups import Rows, Slit, group_rows, inverse
from pytest_specqa.measures.sframes.residuals import BRIGHTEST, LineTemplate
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Bools, Floats
from pytest_specqa.values import Feature

STRUCTURE_SIGNAL = 20.0
"""Signal to noise of the targets from which the structure of targets is learnt."""
STRUCTURE_TARGETS = 20
"""Bright targets from which on their structure is learnt: a 90 % quantile of fewer is one target's."""
STRUCTURE_DEFAULT = 0.3
"""Structure relative to the light of a target where too few bright ones tell."""
INSIDE = 0.75
"""Part of a broad window that must hold data: a cubic is worth little beyond its ends."""
ALL_FIBERS = -2
"""Row of all fibers. Targets as a population have colours, so that a broad search trusts groups and sky fibers only."""
ENOUGH = 100
"""Group means from which on their scatter is known."""
MAX_FEATURES = 40
"""Features that are kept apart; a report shows fewer."""


@dataclass(frozen=True)
class Coherence:
    """Residual spectra of fiber groups and what stands out of them.

    Attributes
    ----------
    residual, error : ndarray, shape (n_row, n)
        In electron/Angstrom. Rows: patches, slit blocks, all fibers, the sky fibers. Groups are less the camera's mean.
    features : tuple of Feature
        Places that stand out most, worst first; `significance` is still the local one.
    candidates : tuple of Feature
        The same before overlapping ones were merged into the most significant.
    trials : float
        Number of independent places that were searched.
    typical_error : float
        Median error of one pixel (bin) of a patch.
    """

    residual: Floats
    error: Floats
    features: tuple[Feature, ...]
    candidates: tuple[Feature, ...]
    trials: float
    typical_error: float


def search_lines(rows: Rows, *, template: LineTemplate, widths: tuple[int, ...], wave: Floats, quiet: Bools) -> Coherence:
    """Search group means for residuals at one wavelength; every wavelength has noise of its own.

    Parameters
    ----------
    rows : Rows
        What `group_rows` gave.
    template : LineTemplate
        Sky on the same grid.
    widths : tuple of int
        Widths to search, in pixels.
    wave : ndarray, shape (n,)
        Wavelength in Angstrom.
    quiet : ndarray of bool, shape (n,)
        Wavelengths not to search.

    Returns
    -------
    Coherence
        Rows at full resolution, and the features.
    """
    extra = _line_scatter(rows, template.floor)
    precision = np.where(quiet, 0, inverse(rows.variance))
    mean, floors = rows.mean.astype(float), np.asarray(template.floor, dtype=float)
    found: list[Feature] = []
    trials = 0.0
    for width in widths:
        amplitude, error, floor = np.empty((3, *precision.shape))
        _fill_windows(precision, mean, floors, width, amplitude, error, floor)
        more, places = _stand_out(amplitude, np.hypot(error, extra * floor), floor, noise=error, width=width, wave=wave, rows=rows)
        found += more
        trials += places
    return _summary(rows, found, trials)


def search_bumps(
    residual: Floats,
    weight: Floats,
    *,
    brightness: Floats,
    slit: Slit,
    template: LineTemplate,
    widths: tuple[int, ...],
    wave: Floats,
) -> Coherence:
    """Search for broad residuals; targets have structure of their own at every width, so that each has its own scatter.

    Parameters
    ----------
    residual, weight : ndarray, shape (n_fiber, n)
        Residual of wavelength bins in electron/Angstrom and its inverse variance; zero weight is no data.
    brightness : ndarray, shape (n_fiber,)
        Median level of each target in electron/Angstrom.
    slit : Slit
        Its fibers.
    template : LineTemplate
        Sky on the same grid.
    widths : tuple of int
        Widths to search, in bins.
    wave : ndarray, shape (n,)
        Wavelength of the bins in Angstrom.

    Returns
    -------
    Coherence
        Rows at full resolution, and the features.
    """
    base: Rows | None = None
    found: list[Feature] = []
    trials = 0.0
    residual, weight = rows_of(residual), rows_of(weight)
    usual = np.median(weight, axis=1)
    for width in widths:
        mean, mass = np.empty_like(residual), np.empty_like(weight)
        _fill_wide(residual, weight, 0.5 * width * usual, width, mean, mass)
        rows = group_rows(mean, _knowing_targets(mean, mass, brightness), slit=slit, template=template)
        base = base or replace(rows, variance=rows.variance * width)
        floor = np.array(np.broadcast_to(template.floor, rows.mean.shape), dtype=float)
        error = np.sqrt(rows.variance)
        error[ALL_FIBERS] = np.inf
        more, places = _stand_out(rows.mean.astype(float), error, floor, noise=error, width=width, wave=wave, rows=rows)
        found += more
        trials += places
    if base is None:
        raise ValueError("widths is empty: expected at least one")
    return _summary(base, found, trials)


@compiled
def _fill_wide(residual: Floats, weight: Floats, least: Floats, width: int, mean: Floats, mass: Floats) -> None:
    """Weighted mean over windows of `width` bins and its weight, which is 0 where too little of the window holds data."""
    n_row, n = residual.shape
    light, held, count, upto = np.empty(n), np.empty(n), np.empty(n), np.empty(n + 1)
    for row in range(n_row):
        for k in range(n):
            light[k] = weight[row, k] * residual[row, k]
            held[k] = 1.0 if weight[row, k] > 0 else 0.0
        _window_sums(held, width, upto, count)
        _window_sums(weight[row], width, upto, mass[row])
        _window_sums(light, width, upto, mean[row])
        for k in range(n):
            enough = count[k] > INSIDE * width and mass[row, k] > least[row]
            mean[row, k] = mean[row, k] / max(mass[row, k], np.float32(1e-30)) if count[k] > 0.5 else np.float32(0)
            mass[row, k] = mass[row, k] if enough else np.float32(0)


def _knowing_targets(mean: Floats, weight: Floats, brightness: Floats) -> Floats:
    """Weights that allow for breaks and colours of the targets, as large relative to their light as bright ones show them.

    A few galaxies with the same kind of break must not pull a group: their residuals lie all on one side.
    """
    level = np.clip(brightness, 0, BRIGHTEST)[:, None]
    bright = level * np.sqrt(weight) > STRUCTURE_SIGNAL
    rows = bright.any(axis=1)
    share = np.where(bright[rows], np.abs(mean[rows]) / np.maximum(level[rows], 1e-30), np.inf)
    count = bright.sum(axis=0)
    structure = np.full(mean.shape[1], STRUCTURE_DEFAULT)
    known = count >= STRUCTURE_TARGETS
    if known.any():
        place = (0.9 * (count[known] - 1)).astype(int)
        structure[known] = np.take_along_axis(np.sort(share[:, known], axis=0), place[None], axis=0)[0] / 1.645
    structure = maximum_filter1d(structure, 9)
    return np.asarray(weight / (1 + weight * (structure * level) ** 2))


def _stand_out(
    amplitude: Floats, error: Floats, floor: Floats, *, noise: Floats, width: int, wave: Floats, rows: Rows
) -> tuple[list[Feature], float]:
    """Peaks of what exceeds the floor, and the number of independent places of this width."""
    local, pulls = np.empty_like(amplitude), np.empty(amplitude[:ALL_FIBERS].size)
    places, plain, narrow = _fill_local(amplitude, error, floor, noise, local, pulls)
    # The median that shows no excess need not be known.
    if plain > ENOUGH and 2 * narrow <= plain:
        local /= max(1.0, MAD_TO_SIGMA * float(np.median(pulls[:plain])))
    return list(_peaks(local, amplitude, error, width=width, wave=wave, fibers=rows.fibers)), places / width


@compiled
def _fill_local(
    amplitude: Floats, error: Floats, floor: Floats, noise: Floats, local: Floats, pulls: Floats
) -> tuple[int, int, int]:
    """What exceeds the floor, in sigmas, 0 where nothing can be searched; and how widely groups scatter where noise sets the scale.

    Returns the number of places searched, that of group means in `pulls`, and of those how many are as close as Gaussian noise
    has half of them.
    """
    n_row, n = amplitude.shape
    places, plain, narrow = 0, 0, 0
    for row in range(n_row):
        for k in range(n):
            size, there = abs(amplitude[row, k]), np.isfinite(error[row, k])
            places += 1 if there else 0
            local[row, k] = max(size - floor[row, k], 0.0) / error[row, k] if there else 0.0
            if row < n_row + ALL_FIBERS and floor[row, k] < noise[row, k]:
                pulls[plain] = size / noise[row, k]
                narrow += 1 if pulls[plain] * MAD_TO_SIGMA <= 1 else 0
                plain += 1
    return places, plain, narrow


def _summary(rows: Rows, found: list[Feature], trials: float) -> Coherence:
    found.sort(key=lambda feature: -abs(feature.significance))
    errors = np.sqrt(rows.variance)
    return Coherence(rows.mean, errors, tuple(_distinct(found)), tuple(found), max(trials, 1.0), _typical(errors[: rows.n_patch]))


def _typical(errors: Floats) -> float:
    finite = errors[np.isfinite(errors)]
    return float(np.median(finite)) if finite.size else np.inf


def _line_scatter(rows: Rows, floor: Floats) -> float:
    """How large this camera's normal residuals at sky lines are, in units of the floor; zero if noise explains them.

    One number for all lines and groups, from the bulk of them: a camera whose resolution is known badly scatters everywhere.
    """
    amplitude, variance = rows.mean[:ALL_FIBERS], rows.variance[:ALL_FIBERS]
    chosen = np.isfinite(variance) & (floor**2 > variance)
    if chosen.sum() < 100:
        return 0.0
    allowed = np.broadcast_to(floor, amplitude.shape)[chosen]
    return _part_of_floor(
        np.square(amplitude[chosen]).astype(float), variance[chosen].astype(float), np.square(allowed).astype(float)
    )


@compiled
def _part_of_floor(amplitude: Floats, variance: Floats, allowed: Floats) -> float:
    """Part of what is allowed that makes half of the amplitudes as close as Gaussian noise has half of them; all are squares."""
    low, high = 0.0, 4.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        count = 0
        for k in range(len(amplitude)):
            count += 1 if MAD_TO_SIGMA * MAD_TO_SIGMA * amplitude[k] > variance[k] + middle * middle * allowed[k] else 0
        if 2 * count > len(amplitude):
            low = middle
        else:
            high = middle
    return low


@compiled
def _fill_windows(
    precision: Floats, mean: Floats, floor: Floats, width: int, amplitude: Floats, error: Floats, allowed: Floats
) -> None:
    """Inverse-variance mean, its error and the floor, over windows of `width` steps."""
    n_row, n = precision.shape
    held, light, floored, total, count, upto = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n + 1)
    for row in range(n_row):
        for k in range(n):
            held[k] = 1.0 if precision[row, k] > 0 else 0.0
            light[k] = precision[row, k] * mean[row, k] if precision[row, k] > 0 else 0.0
            floored[k] = precision[row, k] * floor[k]
        _window_sums(held, width, upto, count)
        _window_sums(precision[row], width, upto, total)
        _window_sums(light, width, upto, amplitude[row])
        _window_sums(floored, width, upto, allowed[row])
        for k in range(n):
            # Counted, since a difference of sums is not quite 0 where nothing is.
            there = count[k] > 0.5
            scale = 1.0 / total[k] if there else np.inf
            amplitude[row, k] = amplitude[row, k] * scale if there else 0.0
            allowed[row, k] = allowed[row, k] * scale if there else floor[k]
            error[row, k] = np.sqrt(scale)


@compiled
def _window_sums(values: Floats, width: int, upto: Floats, sums: Floats) -> None:
    """Sums over windows of `width` places about each place, beyond the ends of which there is nothing; f8 `upto` has one more."""
    n = len(values)
    upto[0] = 0
    for k in range(n):
        upto[k + 1] = upto[k] + values[k]
    first, last = width // 2, width - width // 2
    # Slices count from 0, so that no index can be negative: only then are the loops made of vectors.
    upper, lower, rest = upto[min(last, n) :], upto[1:], sums[min(first + 1, n) :]
    sums[:] = upto[n]
    for k in range(len(upper) - 1):
        sums[k] = upper[k]
    for k in range(len(rest)):
        rest[k] -= lower[k]


def _peaks(
    local: Floats, amplitude: Floats, error: Floats, *, width: int, wave: Floats, fibers: list[tuple[int, int]]
) -> Iterator[Feature]:
    """The places of one width that stand out most, at most one for each row and window."""
    step = float(np.median(np.diff(wave)))
    high = np.flatnonzero(local >= 4)
    chosen = high[np.argsort(local.flat[high])[::-1]][: 4 * MAX_FEATURES] if len(high) else [int(np.argmax(local))]
    for place in chosen:
        row, column = divmod(int(place), local.shape[1])
        reach = width * step / 2
        kind = "line" if width * step < 12 else "bump"
        yield Feature(
            kind,
            fibers[row],
            (float(wave[column] - reach), float(wave[column] + reach)),
            float(amplitude[row, column]),
            float(error[row, column]),
            float(local[row, column]),
            unit="electron/Angstrom",
        )


def _distinct(features: list[Feature]) -> Iterator[Feature]:
    """Features that do not overlap a worse one in both fiber and wavelength."""
    kept: list[Feature] = []
    for feature in features:
        if len(kept) == MAX_FEATURES:
            return
        if not any(_overlap(feature.fibers, other.fibers) and _overlap(feature.waves, other.waves) for other in kept):
            kept.append(feature)
            yield feature


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
