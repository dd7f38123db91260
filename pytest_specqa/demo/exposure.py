"""One camera exposure on its way through the instrument and the pipeline, stage by stage.

scene -> ccd -> frame -> flat -> sky -> sframe -> fluxcalib -> cframe. A fault acts on the `Exposure` right after the stage that it
belongs to, so that all later stages see it as the real pipeline would.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import Conditions
from pytest_specqa.demo.focalplane import RADIUS, fiber_positions, nebular_map
from pytest_specqa.demo.galaxies import library
from pytest_specqa.demo.skyfit import SkyModel, fit_sky, inverse
from pytest_specqa.demo.targets import BROKENFIBER, FATAL, Targets
from pytest_specqa.demo.templates import STEP, BandTemplate, amplifier_map, derivatives, flat_modes, wave_grid
from pytest_specqa.errors import SpecQAError
from pytest_specqa.production.skyterm import BLUEST_LINE, LINE_HALF_WIDTH, sky_lines
from pytest_specqa.values import FIBERS_PER_PETAL

F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]

READ_NOISE = 3.1
"""Typical read noise of an amplifier [electron per pixel]."""

_EXTRACTION = 2.1
SOMEBADPIX, COSMIC, NODATA, BADFIBER, BADCOLUMN = 1 << 0, 1 << 2, 1 << 8, 1 << 9, 1 << 10
_NAN = np.zeros((0, 0), dtype=np.float32)


@dataclass
class Streams:
    """Independent random streams, so that a fault does not change anyone else's numbers."""

    scene: np.random.Generator
    noise: np.random.Generator
    instrument: np.random.Generator
    fault_seed: int
    instrument_seed: int
    noisy: bool = True


@dataclass
class Exposure:
    """Working state: arrays f4[500, nw], filled stage by stage.

    Attributes
    ----------
    sky_light, object_light : ndarray
        Light before the fibers' own throughput [electron/Angstrom].
    flat_coefficients : ndarray f8[500, 5]
        Strengths of `templates.flat_modes` for each fiber.
    true_flat : ndarray
        Relative throughput of the fibers.
    counts, variance : ndarray
        Expected frame and its variance.
    flux, ivar, mask : ndarray
        The frame.
    fiberflat, flat_ivar : ndarray
        The flat as measured, on the Earth-frame grid.
    flat_used : ndarray
        The flat on the barycentric grid, as applied.
    flattened, flattened_ivar : ndarray
        Flat-fielded frame.
    resolution : ndarray f4[500]
        Half the excess LSF variance that the sky model knows [square Angstrom].
    sky : SkyModel
        The fitted sky.
    sframe, sframe_ivar, fluxcalib, fluxcalib_ivar, cframe, cframe_ivar : ndarray
        Later products.
    read_noise : tuple of float
        Read noise of the amplifiers A-D [electron per pixel].
    """

    conditions: Conditions
    template: BandTemplate
    targets: Targets
    streams: Streams
    sky_light: F32 = field(default_factory=lambda: _NAN)
    object_light: F32 = field(default_factory=lambda: _NAN)
    flat_coefficients: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    true_flat: F32 = field(default_factory=lambda: _NAN)
    counts: F32 = field(default_factory=lambda: _NAN)
    variance: F32 = field(default_factory=lambda: _NAN)
    flux: F32 = field(default_factory=lambda: _NAN)
    ivar: F32 = field(default_factory=lambda: _NAN)
    mask: U32 = field(default_factory=lambda: np.zeros((0, 0), dtype=np.uint32))
    fiberflat: F32 = field(default_factory=lambda: _NAN)
    flat_ivar: F32 = field(default_factory=lambda: _NAN)
    flat_used: F32 = field(default_factory=lambda: _NAN)
    flattened: F32 = field(default_factory=lambda: _NAN)
    flattened_ivar: F32 = field(default_factory=lambda: _NAN)
    resolution: F32 = field(default_factory=lambda: _NAN)
    sky: SkyModel | None = None
    sframe: F32 = field(default_factory=lambda: _NAN)
    sframe_ivar: F32 = field(default_factory=lambda: _NAN)
    fluxcalib: F32 = field(default_factory=lambda: _NAN)
    fluxcalib_ivar: F32 = field(default_factory=lambda: _NAN)
    cframe: F32 = field(default_factory=lambda: _NAN)
    cframe_ivar: F32 = field(default_factory=lambda: _NAN)
    read_noise: tuple[float, ...] = ()

    @property
    def scale(self) -> float:
        """Exposure time over 1000 s."""
        return self.conditions.exptime / 1000.0

    @property
    def typical_sky(self) -> F32:
        """Mean sky spectrum before the fibers [electron/Angstrom]."""
        mean: F32 = self.sky_light.mean(axis=0)
        return mean

    @property
    def sky_rows(self) -> NDArray[np.int64]:
        """Rows of the sky fibers that the pipeline uses."""
        fm = self.targets.fibermap
        usable = (fm["OBJTYPE"] == b"SKY") & ((fm["FIBERSTATUS"] & FATAL[self.conditions.band]) == 0)
        return np.flatnonzero(usable)


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
    u = (np.arange(FIBERS_PER_PETAL) - 250) / 250
    smooth = np.polynomial.legendre.legval(u, np.r_[0.0, rng.normal(0, 1, order)])
    return size * smooth / max(float(smooth.std()), 1e-9)


def open_scene(state: Exposure) -> None:
    """Light that reaches the fibers: sky with each fiber's resolution, nebulae, targets.

    Parameters
    ----------
    state : Exposure
        Gains `sky_light`, `object_light`, `true_flat`, `resolution`.
    """
    cond, template, rng = state.conditions, state.template, state.streams.scene
    n = FIBERS_PER_PETAL
    sky = template.continuum + (cond.sky_brightness - 1) * template.moon + cond.line_strength * template.lines
    first, second = derivatives(np.float32(state.scale) * sky.astype(np.float32))
    throughput = 1 + np.clip(rng.normal(0, cond.throughput_scatter, n), -4 * cond.throughput_scatter, 4 * cond.throughput_scatter)
    known = slit_waves(rng, size=0.8 * cond.lsf_scatter) + rng.normal(0, 0.6 * cond.lsf_scatter, n)
    width = known + rng.normal(0, cond.lsf_error, n)
    shift = slit_waves(rng, size=0.9 * cond.wave_error) + rng.normal(0, 0.45 * cond.wave_error, n)
    x, y = fiber_positions(cond.petal)
    angle = rng.uniform(0, 2 * np.pi)
    gradient = cond.sky_gradient * (x * np.cos(angle) + y * np.sin(angle)) / RADIUS
    continuum = template.continuum + (cond.sky_brightness - 1) * template.moon
    nebular = cond.nebular * nebular_map(x, y, kind=cond.nebular_map)
    coefficients = np.stack([throughput, throughput * width * template.sigma**2, throughput * shift, throughput * gradient], axis=1)
    basis = np.stack([np.float32(state.scale) * sky, second, -first, np.float32(state.scale) * continuum])
    state.sky_light = coefficients.astype(np.float32) @ basis.astype(np.float32)
    if cond.nebular > 0:
        state.sky_light += (throughput * nebular * state.scale).astype(np.float32)[:, None] * template.nebular
    state.resolution = (known * template.sigma**2).astype(np.float32)
    state.object_light = _targets_light(state)
    state.flat_coefficients = flat_coefficients(state.streams.instrument, cond.band)
    broken = (state.targets.fibermap["FIBERSTATUS"] & BROKENFIBER) != 0
    state.flat_coefficients[broken] *= 0.002
    set_true_flat(state)


def set_true_flat(state: Exposure) -> None:
    """Throughput of the fibers at the wavelengths of the photons.

    Parameters
    ----------
    state : Exposure
        Gains `true_flat`, from its `flat_coefficients`.
    """
    state.true_flat = state.flat_coefficients.astype(np.float32) @ flat_modes(state.conditions.band, state.template.observed)


def _targets_light(state: Exposure) -> F32:
    cond, targets = state.conditions, state.targets
    flux = library().flux[cond.band][targets.template]
    efficiency = np.float32(state.scale * cond.transparency) * state.template.sensitivity
    flux *= targets.fiberflux.astype(np.float32)[:, None]
    flux *= efficiency
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
    n = FIBERS_PER_PETAL
    level = 1 + np.clip(slit_waves(rng, size=0.03) + rng.normal(0, 0.05, n), -0.25, 0.25)
    bends = [slit_waves(rng, size=size) + rng.normal(0, size / 2, n) for size in (0.015, 0.01, 0.006)]
    dip = (0.2 + 0.1 * (np.arange(n) - 250) / 250 + rng.normal(0, 0.01, n)) if band == "b" else np.zeros(n)
    return np.stack([level, *(level * bend for bend in bends), level * dip], axis=1)


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
    read = ((_EXTRACTION * noise) ** 2).astype(np.float32)[amplifier_map(cond.band, cond.heliocor, two_amp=cond.two_amp)]
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
    state.ivar = 1 / state.variance
    state.mask = np.zeros(state.flux.shape, dtype=np.uint32)
    noise = rng.standard_normal(state.flux.shape, dtype=np.float32)
    if state.streams.noisy:
        noise *= np.sqrt(state.variance)
        state.flux += noise
    _add_cosmics(state)
    rows = rng.permutation(FIBERS_PER_PETAL)
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
    fiber = rng.integers(0, FIBERS_PER_PETAL, n_hits)
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


def apply_flat(state: Exposure) -> None:
    """Divide by the flat, interpolated to the barycentric grid as the pipeline does.

    Parameters
    ----------
    state : Exposure
        Gains `flat_used`, `flattened`, `flattened_ivar`.
    """
    place = np.clip((state.template.observed - state.template.wave[0]) / STEP, 0, state.fiberflat.shape[1] - 1.001)
    lower = place.astype(int)
    upper_share = (place - lower).astype(np.float32)
    share2 = ((1 - upper_share) ** 2 + upper_share**2).astype(np.float32)
    if np.any(upper_share > 0):
        state.flat_used = state.fiberflat[:, lower] * (1 - upper_share) + state.fiberflat[:, lower + 1] * upper_share
    else:
        state.flat_used = state.fiberflat
    safe = np.maximum(state.flat_used, np.float32(1e-4))
    state.flattened = state.flux / safe
    variance = inverse(state.ivar) / safe**2
    variance += np.float32(state.conditions.flat_error**2) * share2 * np.maximum(state.flattened, 0) ** 2
    state.flattened_ivar = inverse(variance)
    state.flattened_ivar[state.ivar <= 0] = 0


def model_sky(state: Exposure) -> None:
    """Fit the sky to the sky fibers.

    Parameters
    ----------
    state : Exposure
        Gains `sky`.
    """
    state.sky = fit_sky(state.flattened, state.flattened_ivar, rows=state.sky_rows, resolution=state.resolution)


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
    fatal = (state.targets.fibermap["FIBERSTATUS"] & FATAL[state.conditions.band]) != 0
    state.sframe_ivar[fatal] = 0


def fitted_sky(state: Exposure) -> SkyModel:
    """The sky model of an exposure that has one.

    Parameters
    ----------
    state : Exposure
        After `model_sky`.

    Returns
    -------
    SkyModel
        Its sky model.
    """
    if state.sky is None:
        raise SpecQAError("the sky model is used before it is fitted: call model_sky first")
    return state.sky


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
    state.cframe = np.where(good, state.sframe / np.where(good, state.fluxcalib, 1), 0).astype(np.float32)
    state.cframe_ivar = state.sframe_ivar * state.fluxcalib**2
