"""Which residuals do neighbouring fibers share, and with what error?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from pytest_specqa.measures.sframes.residuals import LineTemplate
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Bools, Floats
from pytest_specqa.values import Feature

CLIP = 1.5
"""Deviation in sigmas from which a fiber pulls the robust mean no further (Huber)."""
CLIP_EFFICIENCY = 0.96
"""Variance of the plain mean over that of the robust mean, for Gaussian noise."""
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
ROUNDING = 1e-9
"""Part of the largest weight below which a running sum of weights is what rounding left of none."""
MIN_MEMBERS = 8
"""Fibers with data that a robust mean needs: one wild fiber of eight is outvoted."""
MAX_FEATURES = 40
"""Features that are kept apart; a report shows fewer."""


@dataclass(frozen=True)
class Slit:
    """The fibers of one slit, in order and complete.

    Attributes
    ----------
    first : int
        FIBER of the first.
    groups : tuple of int
        Fibers of a group: a patch, local on the focal plane, and a slit block.
    is_sky : ndarray of bool, shape (n_fiber,)
        Sky fibers; the noise of their mean is the sky model's, and so all fibers have it in common.
    """

    first: int
    groups: tuple[int, int]
    is_sky: Bools


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


@dataclass(frozen=True)
class Rows:
    """Robust means of fiber groups at each wavelength.

    Attributes
    ----------
    mean, variance : ndarray, shape (n_row, n)
        Patches and slit blocks, each less the camera's mean; all fibers; the sky fibers. In electron/Angstrom and its
        square; the variance is infinite where too few fibers have data.
    fibers : list of (int, int)
        First and last FIBER of each row.
    n_patch : int
        Number of patches, which are the first rows; all fibers and the sky fibers are the last two.
    """

    mean: Floats
    variance: Floats
    fibers: list[tuple[int, int]]
    n_patch: int


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
    variance = np.where(quiet, np.inf, rows.variance)
    looked_at = replace(rows, variance=variance)
    found: list[Feature] = []
    trials = 0.0
    for width in widths:
        amplitude, error, floor = _windowed(looked_at, template.floor, width)
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
    for width in widths:
        mass = uniform_filter1d(weight, width, axis=1, mode="constant") * width
        mean = uniform_filter1d(weight * residual, width, axis=1, mode="constant") * width / np.maximum(mass, 1e-30)
        inside = uniform_filter1d((weight > 0).astype(np.float32), width, axis=1, mode="constant") > INSIDE
        enough = inside & (mass > 0.5 * width * np.median(weight, axis=1, keepdims=True))
        deserved = _knowing_targets(mean, np.where(enough, mass, 0), brightness)
        rows = group_rows(mean, deserved, slit=slit, template=template)
        base = base or replace(rows, variance=rows.variance * width)
        floor = np.broadcast_to(template.floor, rows.mean.shape)
        error = np.sqrt(rows.variance)
        error[ALL_FIBERS] = np.inf
        more, places = _stand_out(rows.mean, error, floor, noise=error, width=width, wave=wave, rows=rows)
        found += more
        trials += places
    if base is None:
        raise ValueError("widths is empty: expected at least one")
    return _summary(base, found, trials)


def _knowing_targets(mean: Floats, weight: Floats, brightness: Floats) -> Floats:
    """Weights that allow for breaks and colours of the targets, as large relative to their light as bright ones show them.

    A few galaxies with the same kind of break must not pull a group: their residuals lie all on one side.
    """
    level = np.clip(brightness, 0, None)[:, None]
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
    excess = np.sign(amplitude) * np.clip(np.abs(amplitude) - floor, 0, None)
    there = np.isfinite(error)
    with np.errstate(invalid="ignore"):
        wider = _inflation((amplitude / noise)[:ALL_FIBERS], (floor < noise)[:ALL_FIBERS])
        local = np.where(there, excess / error / wider, 0)
    return list(_peaks(local, amplitude, error, width=width, wave=wave, fibers=rows.fibers)), there.sum() / width


def _summary(rows: Rows, found: list[Feature], trials: float) -> Coherence:
    found.sort(key=lambda feature: -abs(feature.significance))
    errors = np.sqrt(rows.variance)
    return Coherence(rows.mean, errors, tuple(_distinct(found)), tuple(found), max(trials, 1.0), _typical(errors[: rows.n_patch]))


def _typical(errors: Floats) -> float:
    finite = errors[np.isfinite(errors)]
    return float(np.median(finite)) if finite.size else np.inf


def group_rows(residual: Floats, weight: Floats, *, slit: Slit, template: LineTemplate) -> Rows:
    """Take robust means over patches, slit blocks, all fibers and the sky fibers.

    Parameters
    ----------
    residual, weight : ndarray, shape (n_fiber, n)
        Residual in electron/Angstrom and its weight; zero weight is no data.
    slit : Slit
        Its fibers.
    template : LineTemplate
        Sky on the same grid; smooth wavelength and line-width errors of each group are fitted and removed.

    Returns
    -------
    Rows
        Means and variances.
    """
    (patch, block), first, is_sky = slit.groups, slit.first, slit.is_sky
    start = np.median(residual.reshape(-1, patch, residual.shape[1]), axis=1)
    large = _robust_mean(residual, weight, start)
    spread = _spread(residual, weight, large, patch)
    means = [large, _robust_mean(residual, weight, np.repeat(large, patch // block, axis=0))]
    variances = [_variance(weight, spread, size) for size in slit.groups]
    fibers = [(first + k, first + k + size - 1) for size in slit.groups for k in range(0, len(residual), size)]
    precision = np.where(np.isfinite(variances[0]), 1 / variances[0], 0)
    total = precision.sum(axis=0)
    camera = (precision * large).sum(axis=0) / np.maximum(total, 1e-30)
    sky_mean, sky_variance = camera, np.full(len(camera), np.inf)
    if is_sky.sum() >= MIN_MEMBERS:
        sky_mean = _robust_mean(residual[is_sky], weight[is_sky], camera[None])[0]
        sky_variance = _variance(weight[is_sky], spread, int(is_sky.sum()))[0]
    camera_variance = np.where(total > 0, 1 / np.maximum(total, 1e-30), np.inf) + sky_variance
    groups = _without_line_shapes(np.concatenate([mean - camera for mean in means]), np.concatenate(variances), template)
    everything = (first, first + len(residual) - 1)
    return Rows(
        np.concatenate([groups, camera[None], sky_mean[None]]),
        np.concatenate([*variances, camera_variance[None], sky_variance[None]]),
        [*fibers, everything, everything],
        len(large),
    )


def _robust_mean(residual: Floats, weight: Floats, start: Floats) -> Floats:
    """Huber mean at each wavelength of as many consecutive groups of rows as `start` has."""
    shape = (len(start), -1, residual.shape[1])
    data, mass = residual.reshape(shape), weight.reshape(shape)
    root = np.sqrt(mass)
    mean = start[:, None]
    for _ in range(3):
        pull = np.abs(data - mean) * root
        share = mass * (CLIP / np.maximum(pull, CLIP))
        mean = np.einsum("ijk,ijk->ik", share, data)[:, None] / np.maximum(share.sum(axis=1, keepdims=True), 1e-30)
    return np.asarray(mean[:, 0])


def _spread(residual: Floats, weight: Floats, means: Floats, size: int) -> Floats:
    """Real scatter of the fibers about their group, in units of what their weights say, at each wavelength."""
    pull = np.abs(residual - np.repeat(means, size, axis=0)) * np.sqrt(weight)
    present = weight > 0
    count = present.sum(axis=0)
    ordered = np.sort(np.where(present, pull, np.inf), axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count // 2, 0)[None].clip(max=len(pull) - 1), axis=0)[0]
    return np.where(count >= 2 * size, MAD_TO_SIGMA * middle * np.sqrt(size / (size - 1)), np.inf)


def _variance(weight: Floats, spread: Floats, size: int) -> Floats:
    shape = (-1, size, weight.shape[1])
    mass = weight.reshape(shape).sum(axis=1)
    members = (weight.reshape(shape) > 0).sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.where(members >= min(MIN_MEMBERS, size), spread**2 / np.maximum(mass, 1e-30) / CLIP_EFFICIENCY, np.inf)


def _without_line_shapes(rows: Floats, variance: Floats, template: LineTemplate) -> Floats:
    """Group residuals less the smooth wavelength and line-width errors that they show; other checks judge those."""
    if not np.any(template.first):
        return rows
    ramp = np.linspace(-1, 1, rows.shape[1])
    design = np.stack([template.first, template.first * ramp, template.second, template.second * ramp])
    weight = np.where(np.isfinite(variance), 1 / (variance + template.floor**2), 0)
    weight *= np.abs(rows) * np.sqrt(weight) < 6
    normal = np.einsum("ij,kj,lj->ikl", weight, design, design, optimize=True)
    normal += 1e-9 * np.eye(4) * np.maximum(np.trace(normal, axis1=1, axis2=2), 1e-9)[:, None, None]
    target = (weight * rows) @ design.T
    solution = np.linalg.solve(normal, target[..., None])[..., 0]
    return np.asarray(rows - solution @ design)


def _line_scatter(rows: Rows, floor: Floats) -> float:
    """How large this camera's normal residuals at sky lines are, in units of the floor; zero if noise explains them.

    One number for all lines and groups, from the bulk of them: a camera whose resolution is known badly scatters everywhere.
    """
    amplitude, variance = rows.mean[:ALL_FIBERS], rows.variance[:ALL_FIBERS]
    chosen = np.isfinite(variance) & (floor**2 > variance)
    if chosen.sum() < 100:
        return 0.0
    allowed = np.broadcast_to(floor, amplitude.shape)[chosen]
    low, high = 0.0, 4.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        pull = np.abs(amplitude[chosen]) / np.sqrt(variance[chosen] + (middle * allowed) ** 2)
        low, high = (middle, high) if MAD_TO_SIGMA * np.median(pull) > 1 else (low, middle)
    return low


def _windowed(rows: Rows, floor: Floats, width: int) -> tuple[Floats, Floats, Floats]:
    """Inverse-variance mean, its error and the floor, over windows of `width` steps."""
    precision = np.where(np.isfinite(rows.variance), 1 / rows.variance, 0)
    amplitude = np.where(precision > 0, rows.mean, 0)
    allowed = np.broadcast_to(floor, amplitude.shape)
    if width > 1:
        total = uniform_filter1d(precision, width, axis=1, mode="constant") * width
        scale = width / np.maximum(total, 1e-30)
        amplitude = uniform_filter1d(precision * amplitude, width, axis=1, mode="constant") * scale
        allowed = uniform_filter1d(precision * allowed, width, axis=1, mode="constant") * scale
        precision = np.where(total > ROUNDING * precision.max(), total, 0)
    with np.errstate(divide="ignore"):
        return amplitude, np.where(precision > 0, 1 / np.sqrt(np.maximum(precision, 1e-30)), np.inf), allowed


def _inflation(pull: Floats, plain: Bools) -> Floats:
    """How much wider than Gaussian the group means really scatter at this width; never less than one."""
    chosen = np.abs(pull[plain & np.isfinite(pull)])
    return np.asarray(max(1.0, MAD_TO_SIGMA * float(np.median(chosen))) if chosen.size > 100 else 1.0)


def _peaks(
    local: Floats, amplitude: Floats, error: Floats, *, width: int, wave: Floats, fibers: list[tuple[int, int]]
) -> Iterator[Feature]:
    """The places of one width that stand out most, at most one for each row and window."""
    size = np.abs(local)
    step = float(np.median(np.diff(wave)))
    high = np.flatnonzero(size >= 4)
    chosen = high[np.argsort(size.flat[high])[::-1]][: 4 * MAX_FEATURES] if len(high) else [int(np.argmax(size))]
    for place in chosen:
        row, column = np.unravel_index(int(place), size.shape)
        reach = width * step / 2
        kind = "line" if width * step < 12 else "bump"
        yield Feature(
            kind,
            fibers[row],
            (float(wave[column] - reach), float(wave[column] + reach)),
            float(amplitude[row, column]),
            float(error[row, column]),
            float(size[row, column]),
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
