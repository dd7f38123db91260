"""What makes a faint patch of the continuum stand out: no throughputs of single fibers, and all windows of a band together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_specqa.measures.focal.windows import Window, WindowMap
from pytest_specqa.measures.statistics import Floats

FEWEST = 20
"""Fewest sky fibers of all petals that tell how much of a throughput correction is true."""


def without_throughputs(maps: Sequence[WindowMap]) -> list[WindowMap]:
    """Take out of one continuum window what each fiber's throughput, as sky lines show it, does to its sky.

    Throughputs scatter by 1.0-1.7 % from fiber to fiber, and a patch has four sky fibers: their scatter would hide it. Only the
    difference of a fiber from its patch of the slit is used, so that airglow that varies over the field, in lines and otherwise
    in the continuum, is not carried from one to the other. How much of the correction is true (its own noise is not) is found
    by the sky fibers of all petals.

    Parameters
    ----------
    maps : sequence of WindowMap
        One per petal, all of the same window. Those without throughputs stay as they are.

    Returns
    -------
    list of WindowMap
        Corrected residuals, in the same order.
    """
    if maps[0].window.kind != "continuum":
        return list(maps)
    factors = [_beside_neighbours(one) for one in maps]
    pairs = [
        (factor[rows] - factor[rows].mean(), values[rows] - values[rows].mean())
        for one, factor in zip(maps, factors, strict=True)
        if (rows := one.is_sky & np.isfinite(values := one.residual / one.level)).any()
    ]
    known = np.concatenate([one for one, _ in pairs]) if pairs else np.array([])
    power = float(known @ known)
    if known.size < FEWEST or power == 0:
        return list(maps)
    slope = float(np.clip(known @ np.clip(np.concatenate([one for _, one in pairs]), -0.1, 0.1) / power, 0.0, 1.0))
    return [replace(one, residual=one.residual - slope * factor * one.level) for one, factor in zip(maps, factors, strict=True)]


def _beside_neighbours(one: WindowMap) -> Floats:
    """Throughput of each fiber less the mean of its patch of the slit; 0 where it is not known."""
    if one.throughput is None:
        return np.zeros(len(one.fiber))
    known = np.isfinite(one.throughput) & np.isfinite(one.residual)
    group = one.fiber // one.instrument.patch
    group = group - group.min()
    values = np.where(known, one.throughput, 0.0)
    mean = np.bincount(group, weights=values) / np.maximum(np.bincount(group, weights=known), 1)
    return np.asarray(np.where(known, values - mean[group], 0.0), dtype=float)


def whole_bands(by_window: dict[str, list[WindowMap]]) -> dict[str, list[WindowMap]]:
    """Combine the continuum windows of each band, in which a patch without colour stands out most.

    Parameters
    ----------
    by_window : dict of str to list of WindowMap
        Cameras by window.

    Returns
    -------
    dict of str to list of WindowMap
        By name; bands with a single window have none.
    """
    by_camera: dict[tuple[str, int], list[WindowMap]] = {}
    for maps in by_window.values():
        for one in maps:
            if one.window.kind == "continuum":
                by_camera.setdefault((one.window.band, one.petal), []).append(one)
    full = {band: max(len(maps) for (letter, _), maps in by_camera.items() if letter == band) for band, _ in by_camera}
    found: dict[str, list[WindowMap]] = {}
    for (band, _), maps in by_camera.items():
        if len(maps) == full[band] > 1:
            one = _together(maps)
            found.setdefault(one.window.name, []).append(one)
    return found


def _together(maps: Sequence[WindowMap]) -> WindowMap:
    """Weighted mean of the windows of one camera, relative to their skies."""
    band = maps[0].window.band
    core = (min(one.window.core[0] for one in maps), max(one.window.core[1] for one in maps))
    errors = np.array([np.nanmedian(one.error / one.level) if np.isfinite(one.error).any() else np.inf for one in maps])
    weights = 1.0 / np.maximum(errors, 1e-9) ** 2
    weights = weights / max(weights.sum(), 1e-30)
    level = float(sum(weight * one.level for weight, one in zip(weights, maps, strict=True)))
    residual, before = (
        level * sum(weight * getattr(one, name) / one.level for weight, one in zip(weights, maps, strict=True))
        for name in ("residual", "before")
    )
    error = level * np.sqrt(sum((weight * one.error / one.level) ** 2 for weight, one in zip(weights, maps, strict=True)))
    window = Window(f"{band} continuum", "continuum", band, core)
    return replace(maps[0], window=window, residual=residual, error=error, before=before, level=level)
