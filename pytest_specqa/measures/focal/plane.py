"""Is the sky-subtracted light the same all over the focal plane?

A good sky subtraction leaves no patch, no petal and no gradient. The founding case had patches of 50 neighbouring fibers with
10 % of the sky too much or too little, which no number of the pipeline showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri_exp

from pytest_specqa.measures.focal.places import Places, full_patches, places
from pytest_specqa.measures.focal.shifts import ShiftMap, shift_map
from pytest_specqa.measures.focal.windows import WindowMap
from pytest_specqa.measures.statistics import MARGIN, Floats, Strongest, local_threshold, strongest
from pytest_specqa.values import Feature, Measured

FEWEST = 8
"""Fewest fibers with data that make a place."""
FEWEST_PETALS = 3
"""Petals from which on a median petal means something."""
PERCENT = 100.0
"""Values are in percent of the sky."""


@dataclass(frozen=True)
class FocalPlane:
    """What `focal_plane` found. Values are what is proved (the size less three errors), in percent.

    Percent of the sky; for sky lines, of the line. The size itself and its sign are in the detail and the features.

    Attributes
    ----------
    patch : Measured
        Largest patch in the continuum windows: a patch of the slit or a round one, relative to its petals.
    petal : Measured
        Largest offset of a petal from the median petal, from its targets.
    gradient : Measured
        Largest gradient, edge to edge of the focal plane.
    sky_line : Measured
        Largest patch or petal offset in the windows of [O I] 5578.9 and 6302.
    nebular : Measured
        Largest patch or petal offset at Galactic H-alpha and [S II], in percent of the sky there.
    shown : ShiftMap or None
        The window with the largest of these, for the picture; None where nothing could be measured.
    """

    patch: Measured
    petal: Measured
    gradient: Measured
    sky_line: Measured
    nebular: Measured
    shown: ShiftMap | None

    @property
    def features(self) -> tuple[Feature, ...]:
        """What stands out in the window that is shown, continuum first."""
        found = (self.patch, self.petal, self.sky_line, self.nebular, self.gradient)
        name = self.shown.window.name if self.shown else ""
        return tuple(feature for one in found for feature in one.features if feature.label.startswith(name))


def focal_plane(maps: Iterable[WindowMap]) -> FocalPlane:
    """Search the residuals of an exposure for patches, petal offsets and gradients.

    *Statistic*: each fiber estimates a local shift of the residual in each window (`focal_windows.WINDOWS`). Sky fibers do so by
    their value; targets, which only add light, by a bounded score at the faint edge of their distribution. Weighted means of these
    estimates over patches of the slit and over round ones of 35, 60 and 90 mm are compared with their petals; a plane is fitted
    with the petals' offsets free; petals are compared through their targets, since sky fibers have no mean offset where the model
    was fitted to them. *Null distribution*: Gaussian, with the scatter of neighbouring fibers for sky fibers, the scatter of the
    scores for targets, the error of the sky model common to a petal for petal offsets, and a correction for the skewness of the
    scores. An amplitude that chance can produce anywhere in the search counts as zero. *Blind to*: what all fibers of all petals
    share, patches much smaller than 35 mm, petal offsets with fewer than 3 petals, and structure that the targets themselves have
    (a cluster of bright galaxies raises no score, a lack of faint targets does).

    Parameters
    ----------
    maps : iterable of WindowMap
        Of all cameras of one exposure, as `focal_windows.window_maps` gives them.

    Returns
    -------
    FocalPlane
        Numbers, features and the map of the worst window.

    References
    ----------
    Guy et al. 2023, AJ 165, 144, sec. 4.4 (sky subtraction); desispec pull request 1452 (the founding case).
    """
    by_window: dict[str, list[WindowMap]] = {}
    for one in maps:
        by_window.setdefault(one.window.name, []).append(one)
    found = [shifts for shifts in map(shift_map, by_window.values()) if shifts is not None]
    where = _all_places(found)
    continuum, lines, nebular = ([one for one in found if one.window.kind == kind] for kind in ("continuum", "line", "nebular"))
    patch, petal, gradient = _worst_patch(continuum, where), _worst_petal(continuum), _worst_gradient(continuum)
    sky_line = _worse(_worst_patch(lines, where), _worst_petal(lines))
    nebula = _worse(_worst_patch(nebular, where, kind="nebular"), _worst_petal(nebular, kind="nebular"))
    order = sorted((patch, petal, sky_line, nebula, gradient), key=lambda measured: -np.nan_to_num(measured.value))
    named = [feature.label.split(":")[0] for measured in order for feature in measured.features]
    shown = next((one for name in named for one in found if one.window.name == name), found[0] if found else None)
    return FocalPlane(patch, petal, gradient, sky_line, nebula, shown)


def _all_places(found: Sequence[ShiftMap]) -> Places:
    """Places over the fibers of all windows; each window knows its own by FIBER."""
    if not found:
        empty = np.array([])
        return places(empty.astype(np.int64), empty, empty)
    fiber, first = np.unique(np.concatenate([one.fiber for one in found]), return_index=True)
    x, y = (np.concatenate([getattr(one, axis) for one in found])[first] for axis in ("x", "y"))
    return places(fiber, x, y, instrument=found[0].instrument)


def _worst_patch(found: Sequence[ShiftMap], where: Places, *, kind: str = "patch") -> Measured:
    """Largest group or round patch in any of some windows, against its petals."""
    if not found:
        return Measured.impossible("no camera with a sky and enough good fibers in these windows")
    trials = len(found) * where.independent
    threshold = local_threshold(trials)
    searched = [_patches(one, where, threshold=threshold) for one in found]
    sizes, scales = (np.concatenate([search[k] for search in searched]) for k in (0, 1))
    worst = strongest(sizes, scales, n_trials=trials)
    if worst.place < 0:
        return Measured.impossible("no place with enough good fibers in these windows")
    number, place = divmod(worst.place, len(where.names))
    worst = worst._replace(error=float(searched[number][2][place]))
    size = float(sizes[worst.place])
    members = where.fiber[where.member[place].indices]
    one = found[number]
    return _measured(
        worst, one, size=size, kind=kind, fibers=full_patches(members, patch=one.instrument.patch), where=where.names[place]
    )


def _patches(one: ShiftMap, where: Places, *, threshold: float) -> tuple[Floats, Floats, Floats]:
    """Shift of every place, the error that gives its significance, and the standard error; NaN for places with few fibers."""
    position = np.searchsorted(where.fiber, one.fiber)
    sums = [_sum(where, position, values) for values in (one.weight, one.weight * one.shift, one.weight**1.5 * one.skew)]
    weight = np.where(_sum(where, position, (one.weight > 0).astype(float)) >= FEWEST, sums[0], np.nan)
    total = np.bincount(one.fiber // one.instrument.fibers, weights=one.weight, minlength=one.instrument.spectrographs)
    share = np.where(where.petal >= 0, weight / np.maximum(total[where.petal], 1e-30), 0.0)
    amplitude = sums[1] / weight
    error = np.sqrt(np.maximum(1.0 - share, 1e-6) / weight)
    # The scores of targets are skewed: chance reaches farther on one side than a Gaussian of the same width.
    scale = error * (1.0 + np.maximum(amplitude / error * sums[2] / weight**1.5, 0.0) / 6.0)
    # A mean of bounded scores is too small for a large shift: solve for the shift, keep the significance.
    for place in np.flatnonzero(np.nan_to_num(np.abs(amplitude) / scale) >= threshold):
        solved = one.amplitude(np.flatnonzero(np.isin(position, where.member[place].indices)))
        scale[place] *= abs(solved / amplitude[place])
        amplitude[place] = solved
    return amplitude, scale, error


def _sum(where: Places, position: NDArray[np.intp], values: Floats) -> Floats:
    everywhere = np.zeros(where.fiber.size)
    everywhere[position] = values
    return np.asarray(where.member @ everywhere, dtype=float)


def _worst_petal(found: Sequence[ShiftMap], *, kind: str = "petal") -> Measured:
    """Largest difference of a petal from the median petal."""
    found = [one for one in found if len(one.petals) >= FEWEST_PETALS]
    if not found:
        return Measured.impossible(f"petals can be compared from {FEWEST_PETALS} petals with targets on")
    offsets = np.concatenate([one.offset - np.median(one.offset) for one in found])
    # The median of the petals is less certain than their mean.
    errors = np.concatenate(
        [np.hypot(one.offset_error, 1.25 * np.median(one.offset_error) / np.sqrt(len(one.petals))) for one in found]
    )
    worst = strongest(offsets, errors)
    ends = np.cumsum([len(one.petals) for one in found])
    number = int(np.searchsorted(ends, worst.place, side="right"))
    petal = int(found[number].petals[worst.place - (ends[number - 1] if number else 0)])
    fibers = (found[number].instrument.petal_range(petal),)
    size = float(offsets[worst.place])
    return _measured(worst, found[number], size=size, kind=kind, fibers=fibers, where=f"petal {petal}")


def _worst_gradient(found: Sequence[ShiftMap]) -> Measured:
    """Steepest plane through the shifts, the petals' offsets left free."""
    fits = [(one, *fit) for one in found if (fit := _plane(one)) is not None]
    if not fits:
        return Measured.impossible("no camera with placed fibers in these windows")
    sizes = np.array([size for _, size, _, _ in fits])
    worst = strongest(sizes, np.array([error for _, _, error, _ in fits]))
    one, size, _, angle = fits[worst.place]
    fibers = ((int(one.fiber.min()), int(one.fiber.max())),)
    where = f"rising towards {angle:.0f} deg (0: +x, 90: +y)"
    return _measured(worst, one, size=size, kind="gradient", fibers=fibers, where=where)


def _plane(one: ShiftMap) -> tuple[float, float, float] | None:
    """Edge-to-edge size of the gradient, the error that gives its chance with two free slopes, and its direction in degrees."""
    weight = np.where(np.isfinite(one.x) & np.isfinite(one.y), one.weight, 0.0)
    where = np.nan_to_num(np.column_stack([one.x, one.y]))
    shift = one.shift.copy()
    petals = one.fiber // one.instrument.fibers
    for petal in np.unique(petals):
        rows = petals == petal
        if weight[rows].sum() > 0:
            where[rows] -= np.average(where[rows], axis=0, weights=weight[rows])
            shift[rows] -= np.average(shift[rows], weights=weight[rows])
    normal = where.T @ (weight[:, None] * where)
    if np.linalg.det(normal) <= 0:
        return None
    slope = np.linalg.solve(normal, where.T @ (weight * shift))
    chi2 = float(slope @ normal @ slope)
    size = 2.0 * one.instrument.radius * float(np.hypot(*slope))
    sigma = float(-ndtri_exp(-0.5 * chi2 - np.log(2.0)))
    return size, size / max(sigma, 1e-3), float(np.degrees(np.arctan2(slope[1], slope[0])))


def _measured(
    worst: Strongest, one: ShiftMap, *, size: float, kind: str, fibers: tuple[tuple[int, int], ...], where: str
) -> Measured:
    """Value of a search: the size that is proved, in percent; the detail has the size that was found."""
    window, error = one.window, PERCENT * worst.error
    needed = PERCENT * worst.sensitivity
    if worst.amplitude == 0.0:
        detail = f"nothing beyond noise; the largest is {worst.significance:.1f} sigma, {where} in {window.name}"
        return Measured(0.0, error=error, sensitivity=needed, detail=detail)
    electrons = size * one.level
    detail = (
        f"{PERCENT * size:+.2g} +- {error:.2g} % of the {'line' if window.kind == 'line' else 'sky'} "
        f"({electrons:+.2g} electron/Angstrom) at {window.name}, {where}, {worst.significance:.1f} sigma after the search"
    )
    feature = Feature(
        kind=kind,
        fibers=fibers[0],
        waves=window.core,
        amplitude=electrons,
        error=worst.error * one.level,
        significance=worst.significance,
        unit="electron/Angstrom",
        label=f"{window.name}: {where}",
    )
    proved = max(PERCENT * abs(size) - MARGIN * error, 0.0)
    return Measured(proved, error=error, sensitivity=needed, fibers=fibers, waves=window.core, detail=detail, features=(feature,))


def _worse(first: Measured, second: Measured) -> Measured:
    """The larger of two values, with the coarser sensitivity; one that could not be measured gives way."""
    known = [one for one in (first, second) if not one.reason]
    if not known:
        return first
    worst = max(known, key=lambda one: one.value)
    return replace(worst, sensitivity=max(one.sensitivity or 0.0 for one in known))
