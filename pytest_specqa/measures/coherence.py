"""Which residuals do neighbouring fibers share, and with what error?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from pytest_specqa.measures.residuals import BoolArray, FloatArray, LineTemplate
from pytest_specqa.measures.robust import MAD_TO_SIGMA
from pytest_specqa.values import Feature

GROUPS = (50, 25)
"""Fibers of a group: a cassette, local on the focal plane, and a slit block."""
CLIP = 1.5
"""Deviation in sigmas from which a fiber pulls the robust mean no further (Huber)."""
CLIP_EFFICIENCY = 0.96
"""Variance of the plain mean over that of the robust mean, for Gaussian noise."""
MIN_MEMBERS = 8
MAX_FEATURES = 40


@dataclass(frozen=True)
class Coherence:
    """Residual spectra of fiber groups and what stands out of them.

    Attributes
    ----------
    residual, error : ndarray, shape (n_row, n)
        Rows: ten groups of 50, twenty of 25, all fibers, the sky fibers. Groups are less the camera's mean.
    features : tuple of Feature
        Places that stand out most, worst first; `significance` is still the local one.
    trials : float
        Number of independent places that were searched.
    typical_error : float
        Median error of one pixel (bin) of a 50-fiber group.
    """

    residual: FloatArray
    error: FloatArray
    features: tuple[Feature, ...]
    trials: float
    typical_error: float


@dataclass(frozen=True)
class _Rows:
    mean: FloatArray
    variance: FloatArray
    fibers: list[tuple[int, int]]


def coherent_residuals(
    residual: FloatArray,
    weight: FloatArray,
    *,
    is_sky: BoolArray,
    template: LineTemplate,
    widths: tuple[int, ...],
    wave: FloatArray,
    first: int,
    quiet: BoolArray,
    correlated: bool = False,
) -> Coherence:
    """Search the robust means of fiber groups for residuals at one wavelength, at several widths.

    Parameters
    ----------
    residual, weight : ndarray, shape (500, n)
        Residual in electron/Angstrom and its weight; zero weight is no data.
    is_sky : ndarray of bool, shape (500,)
        Sky fibers.
    template : LineTemplate
        Sky on the same grid.
    widths : tuple of int
        Widths to search, in grid steps.
    wave : ndarray, shape (n,)
        Wavelength in Angstrom.
    first : int
        FIBER of the first row.
    quiet : ndarray of bool, shape (n,)
        Wavelengths not to search.
    correlated : bool
        Whether neighbouring steps of one fiber share structure (a target's own broad features), so that each width needs
        means and errors of its own.

    Returns
    -------
    Coherence
        Rows at full resolution, and the features.
    """
    searched = (weight > 0) & ~quiet
    base = _rows(residual, np.where(searched, weight, 0), is_sky=is_sky, template=template, first=first)
    extra = _line_scatter(base, template.floor)
    found: list[Feature] = []
    trials = 0.0
    for width in widths:
        if correlated:
            held = np.where(searched, weight, 0)
            mass = uniform_filter1d(held, width, axis=1, mode="constant") * width
            mean = uniform_filter1d(held * residual, width, axis=1, mode="constant") * width / np.maximum(mass, 1e-30)
            enough = mass > 0.5 * width * np.median(held, axis=1, keepdims=True)
            rows = _rows(mean, np.where(enough, mass, 0), is_sky=is_sky, template=template, first=first)
            amplitude, error = rows.mean, np.sqrt(rows.variance)
            floor = np.broadcast_to(template.floor, amplitude.shape)
        else:
            rows = base
            amplitude, error, floor = _windowed(base, template.floor, width)
        excess = np.sign(amplitude) * np.clip(np.abs(amplitude) - floor, 0, None)
        with np.errstate(invalid="ignore"):
            error = np.hypot(error, extra * floor)
            local = np.where(np.isfinite(error), excess / error / _inflation(amplitude / error, floor < error), 0)
        trials += np.isfinite(error).sum() / width
        found += _peaks(local, amplitude, error, width=width, wave=wave, fibers=rows.fibers)
    found.sort(key=lambda feature: -abs(feature.significance))
    errors = np.sqrt(base.variance)
    return Coherence(base.mean, errors, tuple(_distinct(found)), max(trials, 1.0), _typical(errors[:10]))


def _typical(errors: FloatArray) -> float:
    finite = errors[np.isfinite(errors)]
    return float(np.median(finite)) if finite.size else np.inf


def _rows(residual: FloatArray, weight: FloatArray, *, is_sky: BoolArray, template: LineTemplate, first: int) -> _Rows:
    """Robust mean and variance of groups of 50, of 25, of all fibers and of the sky fibers."""
    large = _robust_mean(residual, weight, GROUPS[0])
    spread = _spread(residual, weight, large)
    means, variances, fibers = [], [], []
    for size in GROUPS:
        mean = large if size == GROUPS[0] else _robust_mean(residual, weight, size)
        variance = _variance(weight, spread, size)
        means.append(mean)
        variances.append(variance)
        fibers += [(first + k * size, first + (k + 1) * size - 1) for k in range(len(mean))]
    precision = np.where(np.isfinite(variances[0]), 1 / variances[0], 0)
    total = precision.sum(axis=0)
    camera = (precision * np.where(precision > 0, means[0], 0)).sum(axis=0) / np.maximum(total, 1e-30)
    sky_weight = weight[is_sky]
    sky_variance = (
        _variance(sky_weight, spread, len(sky_weight))[0] if is_sky.sum() >= MIN_MEMBERS else np.full(len(camera), np.inf)
    )
    sky_mean = _robust_mean(residual[is_sky], sky_weight, len(sky_weight))[0] if is_sky.sum() >= MIN_MEMBERS else camera
    camera_variance = np.where(total > 0, 1 / np.maximum(total, 1e-30), np.inf) + sky_variance
    group_rows = np.concatenate([mean - camera for mean in means])
    rows = np.concatenate([_without_line_shapes(group_rows, np.concatenate(variances), template), camera[None], sky_mean[None]])
    variance = np.concatenate([*variances, camera_variance[None], sky_variance[None]])
    everything = (first, first + len(residual) - 1)
    return _Rows(rows, variance, [*fibers, everything, everything])


def _robust_mean(residual: FloatArray, weight: FloatArray, size: int) -> FloatArray:
    """Huber mean of consecutive groups of `size` rows at each wavelength, started from the median."""
    shape = (-1, size, residual.shape[1])
    data, mass = residual.reshape(shape), weight.reshape(shape)
    mean = np.median(data, axis=1, keepdims=True)
    root = np.sqrt(mass)
    for _ in range(2):
        pull = np.abs(data - mean) * root
        share = mass * np.minimum(1, CLIP / np.maximum(pull, CLIP))
        mean = np.einsum("ijk,ijk->ik", share, data)[:, None] / np.maximum(share.sum(axis=1, keepdims=True), 1e-30)
    return np.asarray(mean[:, 0])


def _spread(residual: FloatArray, weight: FloatArray, means: FloatArray) -> FloatArray:
    """Real scatter of the fibers about their group, in units of what their weights say, at each wavelength."""
    pull = np.abs(residual - np.repeat(means, GROUPS[0], axis=0)) * np.sqrt(weight)
    present = weight > 0
    count = present.sum(axis=0)
    ordered = np.sort(np.where(present, pull, np.inf), axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count // 2, 0)[None].clip(max=len(pull) - 1), axis=0)[0]
    return np.where(count >= 2 * GROUPS[0], MAD_TO_SIGMA * middle * np.sqrt(GROUPS[0] / (GROUPS[0] - 1)), np.inf)


def _variance(weight: FloatArray, spread: FloatArray, size: int) -> FloatArray:
    shape = (-1, size, weight.shape[1])
    mass = weight.reshape(shape).sum(axis=1)
    members = (weight.reshape(shape) > 0).sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.where(members >= min(MIN_MEMBERS, size), spread**2 / np.maximum(mass, 1e-30) / CLIP_EFFICIENCY, np.inf)


def _without_line_shapes(rows: FloatArray, variance: FloatArray, template: LineTemplate) -> FloatArray:
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


def _line_scatter(rows: _Rows, floor: FloatArray) -> float:
    """How large this camera's normal residuals at sky lines are, in units of the floor; zero if noise explains them.

    One number for all lines and groups, from the bulk of them: a camera whose resolution is known badly scatters everywhere.
    """
    groups = slice(0, sum(10 * 50 // size for size in GROUPS))
    amplitude, variance = rows.mean[groups], rows.variance[groups]
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


def _windowed(rows: _Rows, floor: FloatArray, width: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Inverse-variance mean, its error and the floor, over windows of `width` steps."""
    precision = np.where(np.isfinite(rows.variance), 1 / rows.variance, 0)
    amplitude = np.where(precision > 0, rows.mean, 0)
    allowed = np.broadcast_to(floor, amplitude.shape)
    if width > 1:
        total = uniform_filter1d(precision, width, axis=1, mode="constant") * width
        scale = width / np.maximum(total, 1e-30)
        amplitude = uniform_filter1d(precision * amplitude, width, axis=1, mode="constant") * scale
        allowed = uniform_filter1d(precision * allowed, width, axis=1, mode="constant") * scale
        precision = np.where(total > 1e-20, total, 0)
    with np.errstate(divide="ignore"):
        return amplitude, np.where(precision > 0, 1 / np.sqrt(np.maximum(precision, 1e-30)), np.inf), allowed


def _inflation(pull: FloatArray, plain: BoolArray) -> FloatArray:
    """How much wider than Gaussian the group means really scatter at this width; never less than one."""
    chosen = np.abs(pull[:30][plain[:30] & np.isfinite(pull[:30])])
    return np.asarray(max(1.0, MAD_TO_SIGMA * float(np.median(chosen))) if chosen.size > 100 else 1.0)


def _peaks(
    local: FloatArray, amplitude: FloatArray, error: FloatArray, *, width: int, wave: FloatArray, fibers: list[tuple[int, int]]
) -> Iterator[Feature]:
    """The places of one width that stand out most, at most one for each row and window."""
    size = np.abs(local)
    step = float(np.median(np.diff(wave)))
    for place in np.argsort(size, axis=None)[::-1][: 4 * MAX_FEATURES]:
        row, column = np.unravel_index(int(place), size.shape)
        if size[row, column] < 4 and place != np.argmax(size):
            return
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
