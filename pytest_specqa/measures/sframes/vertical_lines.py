"""Is anything left in an sframe at one wavelength in many neighbouring fibers?

Lines that are vertical in the image of an sframe (constant wavelength, many fibers) come from the sky model, the flat or the
sky itself; nothing that belongs to one target looks like that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.sframes.coherence import Coherence, group_rows, search_bumps, search_lines
from pytest_specqa.measures.sframes.residuals import (
    BIN,
    PETAL_FIBERS,
    FloatArray,
    LineTemplate,
    binned_residual,
    detailed_residual,
    line_template,
    object_brightness,
)
from pytest_specqa.measures.statistics import global_sigma
from pytest_specqa.values import Feature, Measured

NARROW_PIXELS = (1, 2, 3, 4, 6, 8, 12)
"""Widths in pixels of the narrow search: up to 10 Angstrom."""
BROAD_BINS = (2, 4, 8, 16, 32)
"""Widths in bins of eight pixels of the broad search: 13 to 205 Angstrom."""
NEBULAR_LINES = {
    "[O II]": 3728.5,
    "H-beta": 4862.69,
    "[O III] 4960": 4960.30,
    "[O III] 5008": 5008.24,
    "[N II] 6550": 6549.86,
    "H-alpha": 6564.61,
    "[N II] 6585": 6585.27,
    "[S II] 6718": 6718.29,
    "[S II] 6733": 6732.67,
    "[S III] 9071": 9071.1,
    "[S III] 9533": 9533.2,
}
"""Vacuum wavelengths in Angstrom; the grid of a science frame is barycentric, so that the Galaxy's lines lie at rest."""
NEBULAR_HALF_WIDTH = 4.0
"""Angstrom around a nebular line that only the nebular search looks at: 150 km/s and the line-spread function."""
SIGNIFICANT = 5.0
"""Sigmas after the search from which a broad feature is no noise; its size is then what is judged."""
MAX_FEATURES = 12
MIN_FIBERS = 100


@dataclass(frozen=True)
class VerticalLines:
    """What `vertical_lines` found.

    Attributes
    ----------
    narrow, broad, nebular : Measured
        Significance of the worst feature, in Gaussian sigmas after the search over places and widths.
    broad_amplitude : Measured
        Size of the largest broad feature that noise does not explain, as a fraction of the sky continuum; 0 if there is none.
    residual, error : ndarray, shape (n_group, n_wave)
        Residual of each 50-fiber group in electron/Angstrom, objects' continuum removed, and its standard error.
    first_fiber : ndarray of int, shape (n_group,)
        FIBER of the first fiber of each group.
    """

    narrow: Measured
    broad: Measured
    broad_amplitude: Measured
    nebular: Measured
    residual: FloatArray
    error: FloatArray
    first_fiber: NDArray[np.integer]


def vertical_lines(
    flux: FloatArray, ivar: FloatArray, *, wave: FloatArray, fiber: NDArray[np.integer], is_sky: NDArray[np.bool_], sky: FloatArray
) -> VerticalLines:
    """Search an sframe for residuals that are coherent over a 25- or 50-fiber group or over the whole camera.

    *Narrow* (0.8-10 Angstrom): each fiber's continuum, a running median over 80 Angstrom, is removed, and so is what scales with
    the brightness of the target (telluric absorption, common stellar lines). The robust mean of each group, less that of the
    camera, is compared with its error; the error comes from the scatter that the fibers of the camera really show at that
    wavelength, not from the inverse variance, which the sky code inflates near bright lines. *Broad* (13-205 Angstrom): a cubic
    per fiber is removed instead, and every width has its own scatter, since the objects' own features do not average down with
    width. *Nebular*: the narrow search, at the rest wavelengths of the Galaxy's lines only; the other two do not look there.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted spectra in electron/Angstrom, and their inverse variance. Pixels with ``ivar = 0`` or NaN are left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999; groups are cut at multiples of 25 and 50.
    is_sky : ndarray of bool, shape (n_fiber,)
        Fibers that the sky model was made from.
    sky : ndarray, shape (n_wave,) or (n_fiber, n_wave)
        Sky model in electron/Angstrom.

    Returns
    -------
    VerticalLines
        Three values with their features. With fewer than 100 usable fibers, nothing is measured. `sensitivity` is the smallest
        line of three pixels (narrow, nebular) or bump of 51 Angstrom (broad) in one group that would have been found, as a
        fraction of the sky continuum.

    Notes
    -----
    Null distribution: a robust mean over 25 to 500 fibers, close to Gaussian; the best of all widths, wavelengths and groups is
    turned into the significance of the search as a whole. Near sky lines a residual counts only by what exceeds a wavelength
    error of 0.02 Angstrom, a line-spread mismatch of 0.005 Angstrom**2 and 1 % of the line, and in the continuum 0.3 % of the
    sky (broad: 1 %): smaller residuals are the normal accuracy of sky subtraction. Blind to: what is smaller than that; steps
    and slopes over the whole camera; a camera-wide broad residual that the sky fibers do not share (they made the model).

    References
    ----------
    desispec PR #1452; desihub/desisurveyops#167; desispec#2152 and #2725 (line residuals and inflated variance).
    """
    usable = np.isfinite(flux) & (ivar > 0)
    if usable.any(axis=1).sum() < MIN_FIBERS:
        nothing = Measured.impossible(f"only {int(usable.any(axis=1).sum())} fibers have data: {MIN_FIBERS} are needed")
        empty = np.empty((0, len(wave)))
        return VerticalLines(nothing, nothing, nothing, nothing, empty, empty, np.empty(0, dtype=int))
    spectra, weight, slots_sky = _in_slots(np.where(usable, flux, 0), np.where(usable, ivar, 0), fiber=fiber, is_sky=is_sky)
    template = line_template(np.median(sky, axis=0) if np.ndim(sky) == 2 else sky, wave)
    nebular = _near_nebular(wave)
    brightness, continuum = object_brightness(spectra, weight)
    first = int(fiber[0]) // PETAL_FIBERS * PETAL_FIBERS
    detail = detailed_residual(spectra, weight, continuum=continuum, brightness=brightness)
    rows = group_rows(*detail, is_sky=slots_sky, template=template, first=first)
    fine = search_lines(rows, template=template, widths=NARROW_PIXELS, wave=wave, quiet=nebular)
    nebula = search_lines(rows, template=template, widths=(3,), wave=wave, quiet=~nebular)
    coarse_data, coarse_wave, coarse_template = binned_residual(
        spectra, weight, wave=wave, brightness=brightness, template=template, quiet=nebular
    )
    coarse = search_bumps(
        *coarse_data,
        brightness=brightness,
        is_sky=slots_sky,
        template=coarse_template,
        widths=BROAD_BINS,
        wave=coarse_wave,
        first=first,
    )
    continuum_sky = float(np.median(template.continuum))
    broad = _judged(coarse, "broad vertical feature", scale=continuum_sky, width=64 // BIN)
    return VerticalLines(
        narrow=_judged(fine, "vertical line", scale=continuum_sky, width=3),
        broad=broad,
        broad_amplitude=_as_amplitude(broad, coarse, template=template, wave=wave),
        nebular=_judged(_named(nebula), "nebular emission", scale=continuum_sky, width=3),
        residual=fine.residual[:10],
        error=fine.error[:10],
        first_fiber=first + 50 * np.arange(10),
    )


def _in_slots(
    flux: FloatArray, ivar: FloatArray, *, fiber: NDArray[np.integer], is_sky: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Rows at their place in the slit, so that groups are slices; fibers that are not there have no weight."""
    place = fiber % PETAL_FIBERS
    if len(fiber) == PETAL_FIBERS and np.array_equal(place, np.arange(PETAL_FIBERS)):
        return flux.astype(np.float32), ivar.astype(np.float32), is_sky
    spectra = np.zeros((PETAL_FIBERS, flux.shape[1]), dtype=np.float32)
    weight = np.zeros_like(spectra)
    slots_sky = np.zeros(PETAL_FIBERS, dtype=bool)
    spectra[place], weight[place], slots_sky[place] = flux, ivar, is_sky
    return spectra, weight, slots_sky


def _near_nebular(wave: FloatArray) -> NDArray[np.bool_]:
    lines = np.array(list(NEBULAR_LINES.values()))
    return np.asarray((np.abs(wave[:, None] - lines) <= NEBULAR_HALF_WIDTH).any(axis=1))


def _named(found: Coherence) -> Coherence:
    """The same features, each labelled with the nebular line that it lies on."""
    names, lines = list(NEBULAR_LINES), np.array(list(NEBULAR_LINES.values()))
    labels = [names[int(np.argmin(np.abs(lines - np.mean(f.waves))))] for f in found.features]
    features = tuple(replace(f, kind="nebular", label=label) for f, label in zip(found.features, labels, strict=True))
    return replace(found, features=features)


def _judged(found: Coherence, what: str, *, scale: float, width: int) -> Measured:
    """The worst feature as a value, the others as its company."""
    if not found.features:
        return Measured.impossible("no wavelength of this camera can be searched")
    trials = found.trials
    worst = found.features[0]
    value = max(0.0, float(global_sigma(worst.significance, n_trials=trials)))
    needed = 6.0 * found.typical_error / np.sqrt(width) / scale if scale > 0 else np.inf
    kept = tuple(
        replace(f, significance=significance)
        for f in found.features[:MAX_FEATURES]
        if (significance := float(global_sigma(f.significance, n_trials=trials))) > 3
    )
    company = f"; {len(kept) - 1} more features, {_places(kept[1:])}" if len(kept) > 1 else ""
    return Measured(
        value,
        error=1.0,
        sensitivity=needed,
        fibers=tuple(sorted({f.fibers for f in kept})) or (worst.fibers,),
        waves=(min(f.waves[0] for f in kept or (worst,)), max(f.waves[1] for f in kept or (worst,))),
        detail=_described(worst, what, scale) + company,
        features=kept,
    )


def _described(feature: Feature, what: str, scale: float) -> str:
    side = "excess" if feature.amplitude > 0 else "deficit"
    relative = f" ({feature.amplitude / scale:+.1%} of the sky continuum)" if scale > 0 else ""
    return (
        f"{' '.join([what, feature.label]).strip()}: {side} of {feature.amplitude:+.3g} +- {feature.error:.2g} electron/Angstrom"
        f"{relative} at {feature.waves[0]:.1f}-{feature.waves[1]:.1f} A in fibers {feature.fibers[0]}-{feature.fibers[1]}"
    )


def _as_amplitude(broad: Measured, coarse: Coherence, *, template: LineTemplate, wave: FloatArray) -> Measured:
    """The largest significant feature of the broad search, of any width, relative to the sky at its own wavelength."""
    if broad.reason:
        return broad
    sure = [f for f in coarse.candidates if global_sigma(f.significance, n_trials=coarse.trials) > SIGNIFICANT]
    found = [(abs(f.amplitude) / _sky_at(f, template, wave), f) for f in sure]
    if not found:
        return replace(broad, value=0.0, error=None, features=(), detail="no broad feature beyond noise")
    size, worst = max(found, key=lambda pair: pair[0])
    level = _sky_at(worst, template, wave)
    return replace(
        broad,
        value=size,
        error=worst.error / level,
        fibers=(worst.fibers,),
        waves=worst.waves,
        features=(worst,),
        detail=_described(worst, "broad vertical feature", level),
    )


def _sky_at(feature: Feature, template: LineTemplate, wave: FloatArray) -> float:
    inside = (wave >= feature.waves[0]) & (wave <= feature.waves[1])
    return max(float(np.median(template.continuum[inside])), 1e-6) if inside.any() else np.inf


def _places(features: tuple[Feature, ...]) -> str:
    low, high = min(f.waves[0] for f in features), max(f.waves[1] for f in features)
    groups = len({f.fibers for f in features})
    return f"{low:.0f}-{high:.0f} A in {groups} fiber group{'s' if groups > 1 else ''}"
