"""From the sky to the frame: light in the fibers, on the CCD, and the noise of the readout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.airglow import FAMILIES
from pytest_specqa.demo.exposure import BADCOLUMN, BADFIBER, COSMIC, EXTRACTION, F32, NODATA, READ_NOISE, Exposure
from pytest_specqa.demo.focalplane import fiber_positions, nebular_map, sky_structure
from pytest_specqa.demo.galaxies import ELG, add_emission, library
from pytest_specqa.demo.targets import BROKENFIBER
from pytest_specqa.demo.templates import STEP, amplifier_map, derivatives, flat_modes
from pytest_specqa.instrument import DESI

F64 = NDArray[np.float64]

DRIFT_ORDER = 12
"""Highest Legendre order along the slit of errors that the pipeline leaves: they change over a slit block or two."""


def slit_waves(rng: np.random.Generator, *, size: float, order: int = 4) -> NDArray[np.float64]:
    """Smooth random function of the position on the slit.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    size : float
        Its standard deviation.
    order : int
        Highest Legendre order.

    Returns
    -------
    ndarray f8[500]
        Values in slit order.
    """
    u = (np.arange(DESI.fibers) - 250) / 250
    smooth = np.polynomial.legendre.legval(u, np.r_[0.0, rng.normal(0, 1, order)])
    return np.asarray(size * smooth / max(float(smooth.std()), 1e-9), dtype=np.float64)


def open_scene(state: Exposure) -> None:
    """Light that reaches the fibers: sky with each fiber's resolution, nebulae, targets.

    Parameters
    ----------
    state : Exposure
        Gains `sky_light`, `object_light`, `true_flat`, `resolution`.
    """
    cond, template, rng = state.conditions, state.template, state.streams.scene
    n = DESI.fibers
    sky = template.continuum + (cond.sky_brightness - 1) * template.moon + cond.line_strength * template.lines
    first, second = derivatives(np.float32(state.scale) * sky.astype(np.float32))
    throughput = 1 + np.clip(rng.normal(0, cond.throughput_scatter, n), -4 * cond.throughput_scatter, 4 * cond.throughput_scatter)
    known = slit_waves(rng, size=0.8 * cond.lsf_scatter) + rng.normal(0, 0.6 * cond.lsf_scatter, n)
    width = known + rng.normal(0, cond.lsf_error, n)
    shift = cond.wave_offset + slit_waves(rng, size=0.9 * cond.wave_error) + rng.normal(0, 0.45 * cond.wave_error, n)
    x, y = fiber_positions(cond.petal)
    nebular = cond.nebular * nebular_map(x, y, kind=cond.nebular_map)
    even = 1 + sky_structure(x, y, gradient=cond.sky_gradient, patches=0.0, seed=(cond.sky_seed,))
    emitters = _emitters(state, x, y)
    coefficients = np.stack([throughput * even, throughput * width * template.sigma**2, throughput * shift], axis=1)
    coefficients = np.concatenate([coefficients, throughput[:, None] * emitters], axis=1)
    lines = np.float32(state.scale * cond.line_strength) * template.families
    basis = np.concatenate([np.stack([np.float32(state.scale) * sky, second, -first]), lines])
    state.sky_light = coefficients.astype(np.float32) @ basis.astype(np.float32)
    if cond.wave_drift > 0 or cond.lsf_drift > 0:
        state.sky_light += _drifts(rng, state, first, second)
    if cond.nebular > 0:
        state.sky_light += (throughput * nebular * state.scale).astype(np.float32)[:, None] * template.nebular
    state.resolution = (known * template.sigma**2).astype(np.float32)
    state.object_light = _targets_light(state)
    state.flat_coefficients = flat_coefficients(state.streams.instrument, cond.band)
    broken = (state.targets.fibermap["FIBERSTATUS"] & BROKENFIBER) != 0
    state.flat_coefficients[broken] *= 0.002
    set_true_flat(state)


def _emitters(state: Exposure, x: F64, y: F64) -> F64:
    """Brightness of each emitter of sky lines in each fiber, beyond what the whole sky does, [500, n_family]."""
    cond = state.conditions
    own = {"gradient": cond.airglow_gradient, "patches": cond.airglow_patches}
    return np.stack([sky_structure(x, y, seed=(cond.sky_seed, number), **own) for number in range(1, len(FAMILIES) + 1)], axis=1)


def _drifts(rng: np.random.Generator, state: Exposure, first: F32, second: F32) -> F32:
    """Light that moves when line places and widths err by smooth functions of slit and wavelength, [500, nw]."""
    cond, template = state.conditions, state.template
    u = np.linspace(-1, 1, template.wave.size)
    flat, slope, bend = np.stack([np.ones_like(u), u, 1.5 * u**2 - 0.5]).astype(np.float32)
    weight = first**2 / np.maximum((first**2).sum(), np.float32(1e-9))
    slope, bend = slope - weight @ slope, bend - weight @ bend
    sizes = (cond.wave_drift, cond.wave_drift, cond.lsf_drift, cond.lsf_drift)
    along = np.stack([slit_waves(rng, size=size, order=DRIFT_ORDER) for size in sizes], axis=1).astype(np.float32)
    wider = np.float32(template.sigma**2) * second
    moved: F32 = along @ np.stack([-first * slope, -first * bend, wider * flat, wider * slope])
    return moved


def _targets_light(state: Exposure) -> F32:
    cond, targets = state.conditions, state.targets
    flux = library().flux[cond.band][targets.template]
    efficiency = np.float32(state.scale * cond.transparency) * state.template.sensitivity
    flux *= targets.fiberflux.astype(np.float32)[:, None]
    flux *= efficiency
    galaxies = np.flatnonzero(targets.kind == ELG)
    add_emission(flux, state.template.wave, rows=galaxies, z=targets.z[galaxies])
    if cond.bright_star > 0 and cond.model_error > 0:
        star = int(np.argmax(targets.fiberflux))
        flux[star] *= 1 + np.float32(cond.model_error) * np.sin(state.template.wave / 7.0).astype(np.float32)
    return flux


def flat_coefficients(rng: np.random.Generator, band: str) -> NDArray[np.float64]:
    """Strengths of the flat-field modes of each fiber.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    band : str
        ``b``, ``r`` or ``z``.

    Returns
    -------
    ndarray f8[500, 5]
        Coefficients of `templates.flat_modes`: throughput 6 %, colour 1.5 %, dip depth about 0.2 in b.
    """
    n = DESI.fibers
    level = 1 + np.clip(slit_waves(rng, size=0.015) + rng.normal(0, 0.05, n), -0.25, 0.25)
    bends = [slit_waves(rng, size=size) + rng.normal(0, size / 2, n) for size in (0.015, 0.01, 0.006)]
    dip = (0.2 + 0.1 * (np.arange(n) - 250) / 250 + rng.normal(0, 0.01, n)) if band == "b" else np.zeros(n)
    return np.stack([level, *(level * bend for bend in bends), level * dip], axis=1)


def set_true_flat(state: Exposure) -> None:
    """Throughput of the fibers at the wavelengths of the photons.

    Parameters
    ----------
    state : Exposure
        Gains `true_flat`, from its `flat_coefficients`.
    """
    state.true_flat = state.flat_coefficients.astype(np.float32) @ flat_modes(state.conditions.band, state.template.observed)


def expose(state: Exposure) -> None:
    """Light on the CCD: expected counts and their variance.

    Parameters
    ----------
    state : Exposure
        Gains `counts`, `variance`.
    """
    cond = state.conditions
    state.counts = (state.sky_light + state.object_light) * state.true_flat
    noise = READ_NOISE * (1 + 0.04 * state.streams.scene.standard_normal(4))
    state.read_noise = tuple(float(value) for value in noise)
    read = ((EXTRACTION * noise) ** 2).astype(np.float32)[amplifier_map(cond.band, cond.heliocor, two_amp=cond.two_amp)]
    state.variance = np.maximum(state.counts, 0) * np.float32(1 / STEP) + read


def read_out(state: Exposure) -> None:
    """Noise, cosmic rays and masks: the frame.

    Parameters
    ----------
    state : Exposure
        Gains `flux`, `ivar`, `mask`.
    """
    cond, rng = state.conditions, state.streams.noise
    state.flux = state.counts.copy()
    state.ivar = np.reciprocal(state.variance)
    state.mask = np.zeros(state.flux.shape, dtype=np.uint32)
    noise = rng.standard_normal(state.flux.shape, dtype=np.float32)
    if state.streams.noisy:
        noise *= np.sqrt(state.variance)
        state.flux += noise
    _add_cosmics(state)
    rows = rng.permutation(DESI.fibers)
    for fiber in rows[:3]:
        start = int(rng.integers(0, state.flux.shape[1] - 120))
        state.mask[fiber, start : start + 120] |= BADCOLUMN
    state.mask[rows[3 : 3 + cond.masked_fibers]] |= NODATA
    broken = (state.targets.fibermap["FIBERSTATUS"] & BROKENFIBER) != 0
    state.mask[broken] |= BADFIBER
    state.ivar[state.mask > 0] = 0


def _add_cosmics(state: Exposure) -> None:
    """Hits of 1-4 bins; all but a few are masked."""
    rng = state.streams.noise
    n_hits = rng.poisson(state.conditions.cosmics * state.scale)
    fiber = rng.integers(0, DESI.fibers, n_hits)
    first = rng.integers(0, state.flux.shape[1] - 4, n_hits)
    width = rng.integers(1, 5, n_hits)
    charge = rng.exponential(400, n_hits) + 30
    missed = rng.random(n_hits) < state.conditions.unmasked_cosmics
    for step in range(4):
        hit = width > step
        where = (fiber[hit], first[hit] + step)
        if state.streams.noisy:
            np.add.at(state.flux, where, (charge[hit] * np.where(missed[hit], 0.3, 1.0)).astype(np.float32))
        hidden = hit & ~missed
        state.mask[fiber[hidden], first[hidden] + step] |= COSMIC


def measure_flat(state: Exposure) -> None:
    """The nightly flat: the true one on the Earth-frame grid, with its noise.

    Parameters
    ----------
    state : Exposure
        Gains `fiberflat`, `flat_ivar`.
    """
    cond = state.conditions
    state.fiberflat = state.flat_coefficients.astype(np.float32) @ flat_modes(cond.band, state.template.wave)
    if state.streams.noisy:
        noise = state.streams.instrument.standard_normal(state.fiberflat.shape, dtype=np.float32)
        noise *= np.float32(cond.flat_error)
        noise += 1
        state.fiberflat *= noise
    state.flat_ivar = np.broadcast_to(np.float32(1 / max(cond.flat_error, 1e-4) ** 2), state.fiberflat.shape)
