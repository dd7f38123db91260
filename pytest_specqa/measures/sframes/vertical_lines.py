"""Is anything left in an sframe at one wavelength in many neighbouring fibers?

Lines that are vertical in the image of an sframe (constant wavelength, many fibers) come from the sky model, the flat or the
sky itself; nothing that belongs to one target looks like that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pytest_specqa.instrument import Instrument
from pytest_specqa.measures.sframes.coherence import Coherence, search_bumps, search_lines
from pytest_specqa.measures.sframes.groups import Slit, group_rows
from pytest_specqa.measures.sframes.residuals import (
    BIN,
    LineTemplate,
    binned_residual,
    detailed_residual,
    line_template,
    object_brightness,
)
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Bools, Floats, Ints, global_sigma
from pytest_specqa.measures.where import NEBULAR_HALF_WIDTH, near_nebular
from pytest_specqa.values import Feature, Measured

NARROW_PIXELS = (1, 2, 3, 4, 6, 8, 12)
"""Widths in pixels of the narrow search: up to 10 Angstrom."""
BROAD_BINS = (2, 4, 8, 16, 32)
"""Widths in bins of eight pixels of the broad search: 13 to 205 Angstrom."""
SIGNIFICANT = 5.0
"""Sigmas after the search from which a broad feature is no noise; its size is then what is judged."""
ENDS = 3
"""Bins at either end of a spectrum, two line spreads: there the sky fit knows the resolution of a fiber from one side only."""
MAX_FEATURES = 12
"""Features that a report and a picture can hold."""
MIN_FIBERS = 100
"""Live fibers from which on the scatter between fibers is known at each wavelength."""


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
    residual: Floats
    error: Floats
    first_fiber: Ints


def vertical_lines(spectra: CameraSpectra) -> VerticalLines:
    """Search an sframe for residuals that are coherent over a 25- or 50-fiber group or over the whole camera.

    *Narrow* (0.8-10 Angstrom): each fiber's continuum, a running median over 80 Angstrom, is removed, and so is what scales with
    the brightness of the target (telluric absorption, common stellar lines). The robust mean of each group, less that of the
    camera, is compared with its error; the error comes from the scatter that the fibers of the camera really show at that
    wavelength, not from the inverse variance, which the sky code inflates near bright lines. *Broad* (13-205 Angstrom): a cubic
    per fiber is removed instead, and every width has its own scatter, since the objects' own features do not average down with
    width. *Nebular*: the narrow search, at the rest wavelengths of the Galaxy's lines only; the other two do not look
    there. The narrow search leaves out three bins at either end of a spectrum.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model. Groups are the instrument's slit blocks and patches.

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
    usable, wave, instrument = spectra.good, spectra.wave, spectra.instrument
    if usable.any(axis=1).sum() < MIN_FIBERS:
        nothing = Measured.impossible(f"only {int(usable.any(axis=1).sum())} fibers have data: {MIN_FIBERS} are needed")
        empty = np.empty((0, len(wave)))
        return VerticalLines(nothing, nothing, nothing, nothing, empty, empty, np.empty(0, dtype=int))
    flux, weight, slots_sky = _in_slots(spectra)
    template = line_template(spectra.median_sky, wave)
    nebular = near_nebular(wave, instrument, width=NEBULAR_HALF_WIDTH)
    brightness, continuum = object_brightness(flux, weight)
    slit = Slit(spectra.petal * instrument.fibers, (instrument.patch, instrument.block), slots_sky)
    detail = detailed_residual(flux, weight, continuum=continuum, brightness=brightness)
    rows = group_rows(*detail, slit=slit, template=template)
    ends = (np.arange(wave.size) < ENDS) | (np.arange(wave.size) >= wave.size - ENDS)
    fine = search_lines(rows, template=template, widths=NARROW_PIXELS, wave=wave, quiet=nebular | ends)
    nebula = search_lines(rows, template=template, widths=(3,), wave=wave, quiet=~nebular)
    coarse_data, coarse_wave, coarse_template = binned_residual(
        flux, weight, wave=wave, brightness=brightness, template=template, quiet=nebular
    )
    coarse = search_bumps(
        *coarse_data, brightness=brightness, slit=slit, template=coarse_template, widths=BROAD_BINS, wave=coarse_wave
    )
    continuum_sky = float(np.median(template.continuum))
    broad = _judged(coarse, "broad vertical feature", scale=continuum_sky, width=64 // BIN)
    patches = instrument.fibers // instrument.patch
    return VerticalLines(
        narrow=_judged(fine, "vertical line", scale=continuum_sky, width=3),
        broad=broad,
        broad_amplitude=_as_amplitude(broad, coarse, template=template, wave=wave),
        nebular=_judged(_named(nebula, instrument), "nebular emission", scale=continuum_sky, width=3),
        residual=fine.residual[:patches],
        error=fine.error[:patches],
        first_fiber=slit.first + instrument.patch * np.arange(patches),
    )


def _in_slots(spectra: CameraSpectra) -> tuple[Floats, Floats, Bools]:
    """Flux, weight and sky flag at their place in the slit, so that groups are slices; what is not there has no weight."""
    n_fiber = spectra.instrument.fibers
    clean = len(spectra.fiber) == n_fiber and np.isfinite(spectra.flux).all() and spectra.ivar.min() >= 0
    if clean and np.isfinite(spectra.ivar.max()):
        return spectra.flux, spectra.ivar, spectra.is_sky
    shape = (n_fiber, len(spectra.wave))
    flux, weight, is_sky = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape[0], dtype=bool)
    flux[spectra.slot] = np.where(spectra.good, spectra.flux, 0)
    weight[spectra.slot] = np.where(spectra.good, spectra.ivar, 0)
    is_sky[spectra.slot] = spectra.is_sky
    return flux, weight, is_sky


def _named(found: Coherence, instrument: Instrument) -> Coherence:
    """The same features, each labelled with the nebular line that it lies on."""
    names, lines = [line.name for line in instrument.nebular], np.array(instrument.nebular_waves)
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


def _as_amplitude(broad: Measured, coarse: Coherence, *, template: LineTemplate, wave: Floats) -> Measured:
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


def _sky_at(feature: Feature, template: LineTemplate, wave: Floats) -> float:
    inside = (wave >= feature.waves[0]) & (wave <= feature.waves[1])
    return max(float(np.median(template.continuum[inside])), 1e-6) if inside.any() else np.inf


def _places(features: tuple[Feature, ...]) -> str:
    low, high = min(f.waves[0] for f in features), max(f.waves[1] for f in features)
    groups = len({f.fibers for f in features})
    return f"{low:.0f}-{high:.0f} A in {groups} fiber group{'s' if groups > 1 else ''}"
