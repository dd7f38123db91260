"""From the frame to the cframe: the pipeline's own algebra, as desispec 0.70 does it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.exposure import F32, Exposure, fitted_sky
from pytest_specqa.demo.instrument import slit_waves
from pytest_specqa.demo.skyfit import SkyModel, fit_sky, inverse
from pytest_specqa.demo.templates import STEP, wave_grid
from pytest_specqa.instrument import DESI
from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.production.skyterm import BLUEST_LINE, LINE_HALF_WIDTH, sky_lines


def apply_flat(state: Exposure) -> None:
    """Divide by the flat, interpolated to the barycentric grid as the pipeline does.

    Parameters
    ----------
    state : Exposure
        Gains `flat_used`, `flattened`, `flattened_ivar`.
    """
    place = np.clip((state.template.observed - state.template.wave[0]) / STEP, 0, state.fiberflat.shape[1] - 1.001)
    lower = place.astype(np.int64)
    share = (place - lower).astype(np.float32)
    share2 = ((1 - share) ** 2 + share**2).astype(np.float32) * np.float32(state.conditions.flat_error**2)
    state.flat_used, state.flattened, state.flattened_ivar = (np.empty(state.flux.shape, np.float32) for _ in range(3))
    frame = (rows_of(state.flux), rows_of(state.ivar))
    _fill_flattened(
        rows_of(state.fiberflat), frame, (lower, share, share2), (state.flat_used, state.flattened, state.flattened_ivar)
    )


@compiled
def _fill_flattened(
    flat: F32, frame: tuple[F32, F32], bins: tuple[NDArray[np.int64], F32, F32], made: tuple[F32, F32, F32]
) -> None:
    """Flat between its bins, the spectra over it, and their inverse variance with the noise of the flat in one pass."""
    flux, ivar = frame
    lower, share, share2 = bins
    used, flattened, flattened_ivar = made
    for row in range(flux.shape[0]):
        for k in range(flux.shape[1]):
            below = flat[row, lower[k]]
            value = below + (flat[row, lower[k] + 1] - below) * share[k]
            safe = max(value, np.float32(1e-4))
            light = flux[row, k] / safe
            own = np.float32(1) / ivar[row, k] if ivar[row, k] > 0 else np.float32(0)
            positive = max(light, np.float32(0))
            variance = own / (safe * safe) + share2[k] * (positive * positive)
            used[row, k] = value
            flattened[row, k] = light
            flattened_ivar[row, k] = np.float32(1) / variance if own > 0 and variance > 0 else np.float32(0)


def model_sky(state: Exposure) -> None:
    """Fit the sky to the sky fibers.

    Parameters
    ----------
    state : Exposure
        Gains `sky`.
    """
    wave, rows = state.template.wave, state.sky_rows
    state.sky = fit_sky(state.flattened, state.flattened_ivar, wave=wave, rows=rows, resolution=state.resolution)


def subtract_sky(state: Exposure) -> None:
    """Flat-fielded frame minus the sky term; ivar 0 in masked bins and fatal fibers.

    Parameters
    ----------
    state : Exposure
        Gains `sframe`, `sframe_ivar`.
    """
    sky = fitted_sky(state)
    state.sframe = state.flattened - sky.flux
    if state.conditions.band != "b":
        _subtract_line_corrections(state, sky)
    state.sframe_ivar = state.flattened_ivar * sky.ivar * inverse(state.flattened_ivar + sky.ivar)
    fatal = (state.targets.fibermap["FIBERSTATUS"] & DESI.fatal[state.conditions.band]) != 0
    state.sframe_ivar[fatal] = 0


@lru_cache(maxsize=3)
def _line_bins(band: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], F32]:
    """Bins that belong to lines, the nearest line-free bins below and above each, and the share of the upper one."""
    wave = wave_grid(band)
    lines = sky_lines()[sky_lines() >= BLUEST_LINE]
    near = (np.abs(wave[:, None] - lines) <= LINE_HALF_WIDTH).any(axis=1)
    clear, bins = np.flatnonzero(~near), np.flatnonzero(near)
    place = np.searchsorted(clear, bins)
    above = clear[place.clip(max=clear.size - 1)]
    below = np.where(place < clear.size, clear[(place - 1).clip(min=0)], above)
    span = np.where(above > below, wave[above] - wave[below], 1)
    return bins, below, above, ((wave[bins] - wave[below]) / span).astype(np.float32)


def _subtract_line_corrections(state: Exposure, sky: SkyModel) -> None:
    """Subtract (THRPUTCORR - 1) times the lines of the model above their continuum, as desispec does in r and z."""
    bins, below, above, share = _line_bins(state.conditions.band)
    lines = sky.flux[:, bins] - sky.flux[:, below] * (1 - share) - sky.flux[:, above] * share
    state.sframe[:, bins] -= (sky.thrputcorr - 1)[:, None] * np.maximum(lines, 0)


def calibrate(state: Exposure) -> None:
    """Flux calibration vectors from the standards.

    Parameters
    ----------
    state : Exposure
        Gains `fluxcalib`, `fluxcalib_ivar`.
    """
    cond, rng = state.conditions, state.streams.scene
    vector = np.float32(state.scale * cond.transparency) * state.template.sensitivity
    fiber = 1 + slit_waves(rng, size=0.004)
    state.fluxcalib = fiber.astype(np.float32)[:, None] * vector
    state.fluxcalib_ivar = np.broadcast_to((1 / (0.01 * vector) ** 2).astype(np.float32), state.fluxcalib.shape)


def apply_calibration(state: Exposure) -> None:
    """Divide the sframe by the calibration vectors.

    Parameters
    ----------
    state : Exposure
        Gains `cframe` [1e-17 erg/s/cm2/Angstrom], `cframe_ivar`.
    """
    good = state.fluxcalib > 0
    state.cframe = np.divide(state.sframe, state.fluxcalib, out=np.zeros_like(state.sframe), where=good)
    state.cframe_ivar = state.sframe_ivar * state.fluxcalib**2
