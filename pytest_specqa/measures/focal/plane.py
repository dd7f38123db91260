"""Is the sky-subtracted light the same all over the focal plane?

A good sky subtraction leaves no patch, no petal and no gradient. The founding case had patches of 50 neighbouring fibers with
10 % of the sky too much or too little, which no number of the pipeline showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.focal.continuum import whole_bands, without_throughputs
from pytest_specqa.measures.focal.gradient import fit_plane, without_sky_gradient
from pytest_specqa.measures.focal.places import Places, full_patches, independent_places, places
from pytest_specqa.measures.focal.shifts import FEWEST_PETALS, ShiftMap, shift_map
from pytest_specqa.measures.focal.told import NOTHING, PERCENT, Seen, measured_of, most_seen, worse
from pytest_specqa.measures.focal.windows import WINDOWS, WindowMap
from pytest_specqa.measures.statistics import Floats, global_sigma, local_threshold, strongest
from pytest_specqa.values import Measured

FEWEST = 8
"""Fewest fibers with data that make a place."""
PATCH_FLOOR, PETAL_FLOOR = 0.005, 0.010
"""What airglow and throughputs leave in a patch once a plane is taken out, and what the targets of petals differ by."""


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
    seen : Measured
        Significance, in sigma after the search, of the patch or petal that stands out most beyond what a sound sky leaves in the
        continuum.
    sky_line : Measured or None
        Largest patch or petal offset in the windows of [O I] 5578.9 and 6302; None where no camera of their bands is there.
    nebular : Measured or None
        Largest patch or petal offset at Galactic H-alpha and [S II], in percent of the sky there; None likewise.
    maps : dict of str to ShiftMap
        The windows by name, for pictures.
    """

    patch: Measured
    petal: Measured
    gradient: Measured
    seen: Measured
    sky_line: Measured | None
    nebular: Measured | None
    maps: dict[str, ShiftMap]

    def map_of(self, measured: Measured) -> ShiftMap | None:
        """Return the window in which a value was found, for its picture; None where it was found in none.

        Parameters
        ----------
        measured : Measured
            One of the values above.

        Returns
        -------
        ShiftMap or None
            Light of each fiber, before and after sky subtraction.
        """
        return next((self.maps.get(feature.label.split(":")[0]) for feature in measured.features), None)


def focal_plane(maps: Iterable[WindowMap]) -> FocalPlane:
    """Search the residuals of an exposure for patches, petal offsets and gradients.

    *Statistic*: each fiber estimates a local shift of the residual in each window (`focal_windows.WINDOWS`). Sky fibers do so by
    their value; targets, which only add light, by a bounded score at the faint edge of their distribution. Weighted means of these
    estimates over patches of the slit and over round ones of 35, 60 and 90 mm are compared with their petals; a plane is fitted
    with the petals' offsets free; petals are compared through their targets, since sky fibers have no mean offset where the model
    was fitted to them. *Null distribution*: Gaussian, with the scatter of neighbouring fibers for sky fibers, the scatter of the
    scores for targets, the error of the sky model common to a petal for petal offsets, and a correction for the skewness of the
    scores. An amplitude that chance can produce anywhere in the search counts as zero. *Blind to*: what all fibers of all petals
    share, patches much smaller than 35 mm, petal offsets and gradients with fewer than 6 petals, and structure that the targets
    themselves have (a cluster of bright galaxies raises no score, a lack of faint targets does).

    *What is no fault*: the sky of a sound exposure varies by 0.3-2.6 % from the center of the field to its edge, and throughputs
    scatter by 1.0-1.7 % from fiber to fiber. Patches are what is left of the continuum when a plane of that size and the
    throughputs of single fibers are taken out. These, and the light of unknown targets, set what can be seen: photons do not.

    *A part of an exposure* is judged as the whole would be: each search counts the chance of a whole focal plane, and a petal is
    apart from where the median of all ten must lie, whatever the others hold.

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
    bands = {cameras[0].window.band for cameras in by_window.values()}
    corrected = {name: without_throughputs(cameras) for name, cameras in by_window.items()}
    corrected |= whole_bands(corrected)
    found = [shifts for shifts in map(shift_map, corrected.values()) if shifts is not None]
    where = _all_places(found)
    continuum, lines, nebular = ([one for one in found if one.window.kind == kind] for kind in ("continuum", "line", "nebular"))
    searched = (_worst_patch(list(map(without_sky_gradient, continuum)), where), _worst_petal(continuum))
    patch, petal = (measured for measured, _ in searched)
    gradient = _worst_gradient(continuum)
    sky_line = nebula = None
    if not bands or bands & _bands("line"):
        sky_line = worse(
            _worst_patch(list(map(without_sky_gradient, lines)), where, kind="line")[0], _worst_petal(lines, kind="line")[0]
        )
    if not bands or bands & _bands("nebular"):
        nebula = worse(_worst_patch(nebular, where, kind="nebular")[0], _worst_petal(nebular, kind="nebular")[0])
    shown = {shifts.window.name: shifts for shifts in found}
    return FocalPlane(patch, petal, gradient, most_seen(searched), sky_line, nebula, shown)


def _bands(kind: str) -> set[str]:
    """Bands that have windows of a kind."""
    return {window.band for window in WINDOWS if window.kind == kind}


def _windows(kind: str) -> int:
    """Windows of a kind in all bands, by which every search counts its chance; for a continuum also the bands as a whole."""
    numbers = [sum(window.kind == kind and window.band == band for window in WINDOWS) for band in _bands(kind)]
    return sum(numbers) + (sum(number > 1 for number in numbers) if kind == "continuum" else 0)


def _all_places(found: Sequence[ShiftMap]) -> Places:
    """Places over the fibers of all windows; each window knows its own by FIBER."""
    if not found:
        empty = np.array([])
        return places(empty.astype(np.int64), empty, empty)
    fiber, first = np.unique(np.concatenate([one.fiber for one in found]), return_index=True)
    x, y = (np.concatenate([getattr(one, axis) for one in found])[first] for axis in ("x", "y"))
    return places(fiber, x, y, instrument=found[0].instrument)


def _worst_patch(found: Sequence[ShiftMap], where: Places, *, kind: str = "patch") -> tuple[Measured, Seen]:
    """Largest group or round patch in any of some windows, against its petals."""
    if not found:
        return Measured.impossible("no camera with a sky and enough good fibers in these windows"), NOTHING
    trials = _windows(found[0].window.kind) * independent_places(found[0].instrument)
    threshold = local_threshold(trials)
    searched = [_patches(one, where, threshold=threshold) for one in found]
    sizes, scales = (np.concatenate([search[k] for search in searched]) for k in (0, 1))
    worst = strongest(sizes, scales, n_trials=trials)
    if worst.place < 0:
        return Measured.impossible("no place with enough good fibers in these windows"), NOTHING
    # A patch without colour is told by the window that sees farthest.
    farthest = min(threshold * float(np.nanmedian(search[1])) for search in searched if np.isfinite(search[1]).any())
    number, place = divmod(worst.place, len(where.names))
    worst = worst._replace(error=float(searched[number][2][place]), sensitivity=farthest)
    size = float(sizes[worst.place])
    members = where.fiber[where.member[place].indices]
    one = found[number]
    measured = measured_of(
        worst, one, size=size, kind=kind, fibers=full_patches(members, patch=one.instrument.patch), where=where.names[place]
    )
    with np.errstate(invalid="ignore"):
        beyond = np.nan_to_num((np.abs(sizes) - PATCH_FLOOR) / scales)
    top = int(np.argmax(beyond))
    number, place = divmod(top, len(where.names))
    seen = full_patches(where.fiber[where.member[place].indices], patch=one.instrument.patch)
    return measured, Seen(
        float(global_sigma(max(beyond[top], 0.0), n_trials=trials)),
        f"{where.names[place]} in {found[number].window.name}, {PERCENT * sizes[top]:+.2g} % of the sky",
        found[number],
        seen,
        float(sizes[top]),
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


def _median_range(offsets: Floats, total: int) -> tuple[float, float]:
    """Smallest and largest median that all petals can have, whatever is in those that are not there."""
    ordered, missing = np.sort(offsets), max(total - offsets.size, 0)
    middle = np.array([(total + 1) // 2, total // 2 + 1]) if missing else np.array([(offsets.size + 1) // 2, offsets.size // 2 + 1])
    return float(ordered[middle - 1 - missing].mean()), float(ordered[middle - 1].mean())


def _worst_petal(found: Sequence[ShiftMap], *, kind: str = "petal") -> tuple[Measured, Seen]:
    """Largest difference of a petal from the median petal."""
    found = [one for one in found if len(one.petals) >= FEWEST_PETALS]
    if not found:
        return Measured.impossible(f"petals can be compared from {FEWEST_PETALS} petals with targets on"), NOTHING
    total = found[0].instrument.spectrographs
    offsets = np.concatenate([one.offset - np.clip(one.offset, *_median_range(one.offset, total)) for one in found])
    # The median of the petals is less certain than their mean.
    by_window = [np.hypot(one.offset_error, 1.25 * np.median(one.offset_error) / np.sqrt(len(one.petals))) for one in found]
    errors = np.concatenate(by_window)
    trials = float(_windows(found[0].window.kind) * total)
    worst = strongest(offsets, errors, n_trials=trials)
    worst = worst._replace(sensitivity=local_threshold(trials) * min(float(np.median(each)) for each in by_window))
    ends = np.cumsum([len(one.petals) for one in found])
    number = int(np.searchsorted(ends, worst.place, side="right"))
    petal = int(found[number].petals[worst.place - (ends[number - 1] if number else 0)])
    fibers = (found[number].instrument.petal_range(petal),)
    size = float(offsets[worst.place])
    beyond = max(float(((np.abs(offsets) - PETAL_FLOOR) / errors).max()), 0.0)
    name = f"petal {petal} in {found[number].window.name}, {PERCENT * size:+.2g} % of the sky"
    measured = measured_of(worst, found[number], size=size, kind=kind, fibers=fibers, where=f"petal {petal}")
    return measured, Seen(float(global_sigma(beyond, n_trials=trials)), name, found[number], fibers, size)


def _worst_gradient(found: Sequence[ShiftMap]) -> Measured:
    """Steepest plane through the shifts, the petals' offsets left free."""
    whole = [one for one in found if np.unique(one.fiber[one.weight > 0] // one.instrument.fibers).size >= FEWEST_PETALS]
    if found and not whole:
        return Measured.impossible(f"a gradient over the focal plane can be told from {FEWEST_PETALS} petals on")
    fits = [(one, plane) for one in whole if (plane := fit_plane(one)) is not None]
    if not fits:
        return Measured.impossible("no camera with placed fibers in these windows")
    trials = float(_windows("continuum"))
    sizes = np.array([plane.size for _, plane in fits])
    # The error that gives the chance of a size with two free slopes.
    errors = np.array([plane.size / max(plane.sigma, 1e-3) for _, plane in fits])
    worst = strongest(sizes, errors, n_trials=trials)
    worst = worst._replace(sensitivity=local_threshold(trials) * min(plane.error for _, plane in fits))
    one, plane = fits[worst.place]
    fibers = ((int(one.fiber.min()), int(one.fiber.max())),)
    where = f"rising towards {plane.angle:.0f} deg (0: +x, 90: +y)"
    return measured_of(worst, one, size=plane.size, kind="gradient", fibers=fibers, where=where)
