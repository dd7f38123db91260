"""Robust means over groups of neighbouring fibers at each wavelength, with the errors that the fibers themselves show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.ranks import group_median
from pytest_specqa.measures.sframes.residuals import LineTemplate
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Bools, Floats, Ints

CLIP = 1.5
"""Deviation in sigmas from which a fiber pulls the robust mean no further (Huber)."""
ROUNDS = 3
"""Rounds of reweighting in which a robust mean settles."""
TILE = 64
"""Wavelengths that are taken together: what belongs to them stays in a near cache."""
CLIP_EFFICIENCY = 0.96
"""Variance of the plain mean over that of the robust mean, for Gaussian noise."""
MIN_MEMBERS = 8
"""Fibers with data that a robust mean needs: one wild fiber of eight is outvoted."""


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
    residual, weight = rows_of(residual), rows_of(weight)
    large = _huber(residual, weight, group_median(residual, patch))
    spread = _spread(residual, weight, large.mean, patch)
    small = _huber(residual, weight, np.repeat(large.mean, patch // block, axis=0))
    means, variances = [large.mean, small.mean], [_variance(found, spread) for found in (large, small)]
    fibers = [(first + k, first + k + size - 1) for size in slit.groups for k in range(0, len(residual), size)]
    precision = inverse(variances[0])
    total = precision.sum(axis=0)
    camera = (precision * large.mean).sum(axis=0) / np.maximum(total, 1e-30)
    sky_mean, sky_variance = camera, np.full(len(camera), np.inf)
    if is_sky.sum() >= MIN_MEMBERS:
        sky = _huber(residual[is_sky], weight[is_sky], camera[None])
        sky_mean, sky_variance = sky.mean[0], _variance(sky, spread)[0]
    camera_variance = np.where(total > 0, 1 / np.maximum(total, 1e-30), np.inf) + sky_variance
    groups = _without_line_shapes(np.concatenate([mean - camera for mean in means]), np.concatenate(variances), template)
    everything = (first, first + len(residual) - 1)
    return Rows(
        np.concatenate([groups, camera[None], sky_mean[None]]),
        np.concatenate([*variances, camera_variance[None], sky_variance[None]]),
        [*fibers, everything, everything],
        len(large.mean),
    )


def inverse(variance: Floats) -> Floats:
    """Weight of each variance; 0 for one that is infinite, NaN or so small that it is no noise of anything."""
    known = np.isfinite(variance) & (variance >= np.finfo(np.float32).tiny)
    return np.divide(1, variance, out=np.zeros_like(variance), where=known)


class Robust(NamedTuple):
    """Huber means of groups of fibers at each wavelength, the weight they rest on, and how many fibers of how many have any.

    All but `size` are of shape (n_group, n).
    """

    mean: Floats
    mass: Floats
    members: Ints
    size: int


def _huber(residual: Floats, weight: Floats, start: Floats) -> Robust:
    """Huber mean at each wavelength of as many consecutive groups of rows as `start` has."""
    mean = np.array(start, dtype=np.float32, order="C")
    mass, members = np.empty_like(mean), np.empty(mean.shape, np.int32)
    _fill_huber(residual, weight, mean, mass, members)
    return Robust(mean, mass, members, len(residual) // len(mean))


@compiled
def _fill_huber(residual: Floats, weight: Floats, mean: Floats, mass: Floats, members: Ints) -> None:
    n_group, n = mean.shape
    size = residual.shape[0] // n_group
    clip = np.float32(CLIP)
    top, bottom = np.empty(n, np.float32), np.empty(n, np.float32)
    for group in range(n_group):
        for _ in range(ROUNDS):
            top[:] = 0
            bottom[:] = 0
            for row in range(group * size, (group + 1) * size):
                for k in range(n):
                    pull = abs(residual[row, k] - mean[group, k]) * np.sqrt(weight[row, k])
                    share = weight[row, k] * (clip / max(pull, clip))
                    top[k] += share * residual[row, k]
                    bottom[k] += share
            for k in range(n):
                mean[group, k] = top[k] / max(bottom[k], np.float32(1e-30))
        mass[group] = 0
        members[group] = 0
        for row in range(group * size, (group + 1) * size):
            for k in range(n):
                mass[group, k] += weight[row, k]
                members[group, k] += 1 if weight[row, k] > 0 else 0


def _spread(residual: Floats, weight: Floats, means: Floats, size: int) -> Floats:
    """Real scatter of the fibers about their group, in units of what their weights say, at each wavelength."""
    middle, count = np.empty(residual.shape[1], np.float32), np.empty(residual.shape[1], np.int32)
    _fill_middle_pull(residual, weight, means, middle, count)
    return np.where(count >= 2 * size, MAD_TO_SIGMA * middle.astype(float) * np.sqrt(size / (size - 1)), np.inf)


@compiled
def _fill_middle_pull(residual: Floats, weight: Floats, means: Floats, middle: Floats, count: Ints) -> None:
    """Middle one of the distances of fibers from their group in sigmas, at each wavelength, and how many fibers have data there.

    The bits of numbers that are not negative rise with the number: the middle one is found bit by bit, by counting what lies below.
    """
    n_row, n = residual.shape
    size = n_row // len(means)
    pulls = np.empty((n_row, TILE), np.float32)
    bits = pulls.view(np.int32)
    found, trial, below, rank = (
        np.empty(TILE, np.int32),
        np.empty(TILE, np.int32),
        np.empty(TILE, np.int32),
        np.empty(TILE, np.int32),
    )
    for first in range(0, n, TILE):
        width = min(TILE, n - first)
        found[:], rank[:] = 0, 0
        for row in range(n_row):
            last, pull = first + width, pulls[row]
            value, mass, mean = residual[row, first:last], weight[row, first:last], means[row // size, first:last]
            for k in range(width):
                pull[k] = abs(value[k] - mean[k]) * np.sqrt(mass[k]) if mass[k] > 0 else np.float32(np.inf)
                rank[k] += 1 if mass[k] > 0 else 0
        for k in range(width):
            count[first + k] = rank[k]
            rank[k] //= 2
        for bit in range(30, -1, -1):
            for k in range(TILE):
                trial[k], below[k] = found[k] | np.int32(1 << bit), 0
            for row in range(n_row):
                number = bits[row]
                for k in range(TILE):
                    below[k] += np.int32(1) if number[k] < trial[k] else np.int32(0)
            for k in range(TILE):
                found[k] = trial[k] if below[k] <= rank[k] else found[k]
        value = found.view(np.float32)
        for k in range(width):
            middle[first + k] = value[k]


def _variance(found: Robust, spread: Floats) -> Floats:
    known = found.members >= min(MIN_MEMBERS, found.size)
    with np.errstate(divide="ignore"):
        return np.where(known, spread**2 / np.maximum(found.mass, 1e-30) / CLIP_EFFICIENCY, np.inf)


def _without_line_shapes(rows: Floats, variance: Floats, template: LineTemplate) -> Floats:
    """Group residuals less the smooth wavelength and line-width errors that they show; other checks judge those."""
    if not np.any(template.first):
        return rows
    ramp = np.linspace(-1, 1, rows.shape[1])
    design = np.stack([template.first, template.first * ramp, template.second, template.second * ramp])
    weight = inverse(variance + template.floor**2)
    weight *= np.abs(rows) * np.sqrt(weight) < 6
    normal = (weight @ (design[:, None] * design[None]).reshape(16, -1).T).reshape(-1, 4, 4)
    normal += 1e-9 * np.eye(4) * np.maximum(np.trace(normal, axis1=1, axis2=2), 1e-9)[:, None, None]
    target = (weight * rows) @ design.T
    solution = np.linalg.solve(normal, target[..., None])[..., 0]
    return np.asarray(rows - solution @ design)
