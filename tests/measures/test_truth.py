"""Every value of the measures on noise of known size and on planted truths: value, error, sensitivity, place, reason."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

import pytest_specqa.measures
from pytest_specqa.instrument import DESI
from pytest_specqa.measures.fibermaps import coverage, targets
from pytest_specqa.measures.focal.plane import focal_plane
from pytest_specqa.measures.focal.windows import WINDOWS, WindowMap
from pytest_specqa.measures.frames.amplifiers import amplifiers
from pytest_specqa.measures.models import fiberflats, fluxcalibration
from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.models.imaging import imaging_agreement
from pytest_specqa.measures.models.sky_smoothness import sky_smoothness
from pytest_specqa.measures.models.truths import sky_lowest
from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.repeats import repeated_redshifts
from pytest_specqa.measures.redshifts.success import petal_shortfall
from pytest_specqa.measures.sframes.collimator import DIP, WIDTH, collimator_dip
from pytest_specqa.measures.sframes.cosmics import sharp_hits
from pytest_specqa.measures.sframes.fibers import fiber_residuals, fiber_scale, throughput_outlier, throughput_scatter
from pytest_specqa.measures.sframes.noise import noise
from pytest_specqa.measures.sframes.shared_lines import shared_lines
from pytest_specqa.measures.sframes.skylines import line_residual, line_scale
from pytest_specqa.measures.sframes.vertical_lines import vertical_lines
from pytest_specqa.measures.sframes.wavelength import sky_line_places, wavelength_errors
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import FALSE_ALARM, MARGIN, global_sigma
from pytest_specqa.measures.where import sky_continuum
from pytest_specqa.values import Measured

SEEDS = range(16)
FEW = range(3)
SIGMA, CONTINUUM = 10.0, 120.0
N, M = 200, 1400
F0 = 6 * N
WAVE = 6100.0 + 0.8 * np.arange(M)
FIBER = F0 + np.arange(N)
SPAN = ((F0, F0 + N - 1),)
SHORT_SLIT = replace(DESI, fibers=N)
"""DESI with shorter slits of 8 blocks: 15 times fewer pixels than a camera, with the same statistics in each."""
FOUND = 4.0
"""Sigmas after the search that no noise of these tests reaches, for values that are significances."""
UNKNOWN = math.nan
"""An error that no formula gives: it must still be that of the scatter over seeds."""


@dataclass(frozen=True)
class Case:
    """One value, and the truth that it must tell. Amplitudes are in the unit of the value.

    `take` measures what `clean` makes of a seed and `plant` has changed; `broken` makes of it what nothing can be measured on.
    The amplitude `size` (None: three times the sensitivity) is what `says` turns into the value, less `margin` errors; `unit`
    makes the error one of the value. In noise the value is `null` within `close`, or within `slack` errors. `error` is what
    noise of this size gives, `within` a part of the amplitude that the method is off by; values that are `counted` do not
    scatter as long as the truth is the same. A search has a sensitivity (`reach`) and so many independent places (`trials`).
    Where something was planted at `fibers` (exactly) or `inside`, at wavelength `wave` (give or take a `spread`), a `feature` of
    this kind tells of it, with an amplitude of this `sign`, and of the other one for the opposite truth if `both` count; `names`
    says that the value has a place whatever it is, `same_words` that it says what it means and not what it found. `short` names
    assertions that the measure is known to fail, and why.
    """

    take: Callable[[Any], Measured]
    plant: Callable[[Any, float], Any]
    clean: Callable[[int], Any]
    broken: Callable[[Any], Any] | None
    size: float | None = None
    says: Callable[[float], float] | None = float
    null: float = 0.0
    close: float = 0.0
    slack: float = 0.0
    unit: Callable[[float], float] = float
    margin: float = 0.0
    error: float | None = 0.0
    within: float = 1e-6
    reach: bool = False
    trials: float | None = None
    needs: float = 0.0
    fibers: tuple[tuple[int, int], ...] | None = None
    inside: tuple[tuple[int, int], ...] = ()
    wave: float | None = None
    spread: float = 0.0
    feature: str = ""
    both: bool = False
    sign: int = 1
    counted: bool = False
    names: bool = False
    same_words: bool = False
    short: Mapping[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------- sky-subtracted spectra


def sky_spectrum(wave: np.ndarray) -> np.ndarray:
    """Continuum, and lines at random except where something will be planted."""
    rng = np.random.default_rng(2)
    sky = np.full(wave.size, CONTINUUM)
    for centre in rng.uniform(wave[20], wave[-20], 24):
        if abs(centre - 6590.0) < 45 or abs(centre - 6820.0) < 12:
            continue
        sky = sky + 10 ** rng.uniform(2.7, 3.5) * gaussian(wave, centre, 0.8)
    return sky


def gaussian(wave: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((wave - centre) / width) ** 2)


def camera(seed: int, *, wave: np.ndarray = WAVE, sigma: float = SIGMA, fibers: int = N) -> CameraSpectra:
    """Noise of known size under a sky of a continuum and lines; every eleventh fiber is a sky fiber."""
    flux = np.float32(sigma) * np.random.default_rng(seed).standard_normal((fibers, wave.size), dtype=np.float32)
    ivar = np.full(flux.shape, sigma**-2, dtype=np.float32)
    slit, sky = 6 * fibers + np.arange(fibers), np.tile(sky_spectrum(wave), (fibers, 1))
    instrument = replace(DESI, fibers=fibers)
    return CameraSpectra(flux, ivar, wave, slit, np.arange(fibers) % 11 == 0, sky, exptime=1000.0, instrument=instrument)


def blue(seed: int) -> CameraSpectra:
    return camera(seed, wave=WAVE - 2100.0)


def loud(seed: int) -> CameraSpectra:
    """So much noise that the floor of half a per cent of the sky, which no flat reaches, adds little to it."""
    return camera(seed, sigma=10 * SIGMA)


def full_slit(seed: int) -> CameraSpectra:
    """A whole slit, of which a patch is a tenth: groups are compared with the mean of all."""
    return camera(seed, wave=WAVE[200:1100], fibers=500)


def lines(spectra: CameraSpectra) -> np.ndarray:
    return spectra.sky_spectrum - sky_continuum(spectra.sky_spectrum)


def dead(spectra: CameraSpectra) -> CameraSpectra:
    return replace(spectra, ivar=0 * spectra.ivar)


def lineless(spectra: CameraSpectra) -> CameraSpectra:
    return replace(spectra, sky=np.full(spectra.flux.shape, CONTINUUM))


def added(rows: slice | np.ndarray, shape: Callable[[CameraSpectra], np.ndarray]) -> Callable[[Any, float], Any]:
    """Add a shape times the amplitude to some fibers."""

    def plant(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
        flux = spectra.flux.copy()
        flux[rows] += (amplitude * shape(spectra)).astype(np.float32)
        return replace(spectra, flux=flux)

    return plant


def window(spectra: CameraSpectra) -> np.ndarray:
    """One of the windows of 100 bins that broad residuals are looked for in."""
    return (np.arange(spectra.wave.size) // 100 == 4).astype(float)


def everywhere(spectra: CameraSpectra) -> np.ndarray:
    """Light at all wavelengths, for which the sensitivity of the broad residuals of fibers holds."""
    return np.ones(spectra.wave.size)


def jump(spectra: CameraSpectra) -> np.ndarray:
    return (np.arange(spectra.wave.size) >= spectra.wave.size // 2).astype(float)


def shift(spectra: CameraSpectra) -> np.ndarray:
    return -np.gradient(lines(spectra), spectra.wave)


def broadening(spectra: CameraSpectra) -> np.ndarray:
    return np.gradient(np.gradient(lines(spectra), spectra.wave), spectra.wave)


def in_one_piece(shape: Callable[[CameraSpectra], np.ndarray]) -> Callable[[CameraSpectra], np.ndarray]:
    """The third of the nine pieces of the spectrum in which lines are also fitted alone."""
    return lambda spectra: np.where(np.arange(M) * 9 // M == 2, shape(spectra), 0.0)


def dip(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    x = (spectra.wave - DIP) / WIDTH
    shape = x * np.exp(0.5 - 0.5 * x**2) * CONTINUUM
    return replace(spectra, flux=spectra.flux + amplitude * np.linspace(-1, 1, N)[:, None] * shape)


def louder(rows: slice, columns: slice) -> Callable[[Any, float], Any]:
    """Scatter `exp(amplitude)` times what the inverse variance says."""

    def plant(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
        flux = spectra.flux.copy()
        flux[rows, columns] *= np.exp(amplitude)
        return replace(spectra, flux=flux)

    return plant


def correlated(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    """Give neighbouring pixels of a slit block the correlation `2 amplitude / (1 + amplitude)`; the scatter stays."""
    share = (1 - math.sqrt(1 - 4 * half_of(amplitude) ** 2)) / (2 * half_of(amplitude)) if amplitude else 0.0
    flux = spectra.flux.copy()
    flux[100:125, 1:] = (flux[100:125, 1:] + share * flux[100:125, :-1]) / math.sqrt(1 + share**2)
    return replace(spectra, flux=flux)


def half_of(amplitude: float) -> float:
    """Correlation of neighbours at which scatter over one and two pixels differ by `amplitude` of their sum."""
    return 2 * amplitude / (1 + amplitude)


def rows_of_ccd(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    """Noise of standard deviation `amplitude` that the fibers of the right half share at each wavelength."""
    shared = np.random.default_rng(spectra.flux[0, :4].view(np.uint32)).standard_normal(M) * (np.arange(M) < M // 2)
    return added(slice(100, 200), lambda _: shared)(spectra, amplitude)


def in_many_fibers(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    """A bright narrow line at the same place in so many fibers."""
    rows = 5 + 6 * np.arange(round(amplitude))
    return added(rows, lambda s: gaussian(s.wave, 6500.0, 0.8))(spectra, 30 * SIGMA)


def hit(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    """Single bright pixels between the lines, one in a fiber."""
    flux = spectra.flux.copy()
    place = int(np.flatnonzero(np.convolve(spectra.between_lines, np.ones(9), "same") == 9)[100])
    flux[2 * np.arange(round(amplitude)), place] = 30 * SIGMA
    return replace(spectra, flux=flux)


def to_and_fro(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    """Shift the lines of every second fiber to one side and those of the others to the other, by a part of their light."""
    sign = np.where(np.arange(N) % 2, 1.0, -1.0)[:, None]
    shape = shift(spectra) * np.sqrt(np.sum(lines(spectra) ** 2) / np.sum(shift(spectra) ** 2))
    return replace(spectra, flux=spectra.flux + amplitude * sign * shape)


def line_at(wave: float) -> Callable[[Any, float], Any]:
    """A narrow line in one patch of 50 fibers, as a fraction of the sky continuum."""
    return added(slice(150, 200), lambda s: CONTINUUM * gaussian(s.wave, wave, 1.0))


broad_light = added(slice(150, 200), lambda s: CONTINUUM * (np.abs(s.wave - 6600.0) < 26))
"""Light over 51 Angstrom, a width of the search, in one patch of 50 fibers, as a fraction of the sky continuum."""


RED = np.arange(8000.0, 9824.0, 0.8)


def known_lines(seed: int) -> CameraSpectra:
    """Isolated sky lines, each with an error of its place of 0.1 Angstrom."""
    rng = np.random.default_rng(seed)
    return sky_of(0.1 * rng.standard_normal(20), 0.8)


def sky_of(offsets: np.ndarray, width: float) -> CameraSpectra:
    lines = [line for line in DESI.sky_lines if line > RED[0]]
    sky = 100 + sum(1e3 * gaussian(RED, line + off, width) for line, off in zip(lines, offsets, strict=False))
    zero = np.zeros((2, RED.size))
    return CameraSpectra(zero, zero + 1, RED, np.array([3, 7]), np.ones(2, dtype=bool), np.tile(sky, (2, 1)))


def moved(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    return replace(spectra, sky=np.tile(np.interp(RED - amplitude, RED, spectra.sky_spectrum), (2, 1)))


def search(take: Callable[[Any], Measured], plant: Callable[[Any, float], Any], **known: Any) -> Case:
    """A search of one camera, whose value is what noise cannot explain, less `MARGIN` errors."""
    known = {"clean": camera, "broken": dead, "margin": MARGIN, "error": UNKNOWN, "within": 0.05, "reach": True} | known
    return Case(take, plant, **known)


def one(row: int) -> tuple[tuple[int, int], ...]:
    return ((F0 + row, F0 + row),)


def block(first: int) -> tuple[tuple[int, int], ...]:
    return ((F0 + first, F0 + first + 24),)


def sigmas(take: Callable[[Any], Measured], plant: Callable[[Any, float], Any], **known: Any) -> Case:
    """A significance: it grows with what was planted, and noise alone stays below `FOUND`."""
    return search(
        take,
        plant,
        **{"clean": full_slit, "says": None, "needs": FOUND, "close": FOUND, "error": 1.0, "names": True, "inside": PATCH} | known,
    )


NAMES_WHERE_IT_LOOKED = "names the least likely place also where nothing was found, so that a pass has fibers in the results"
FLOOR_LEFT_OUT = "the sensitivity leaves out the floor of 1 % of the sky: it says 0.9 %, and 2.7 % is seen in half of the cases"
ALLOWANCE = "the error is what a faint model is allowed, which is not how far the achromatic factor of each fiber moves the value"
CORRELATED = "the worst of many places that nearly agree scatters less than one of them"
PATCH = ((3150, 3199),)
WINDOWS_OF_FIBER = M // 100 + -(-M // 400) + 1
"""Windows of 100 and 400 bins, and all of the spectrum."""
OF_ALL = float(np.ptp(WAVE))
"""Light of all the spectrum may be surest in any window."""
HALVES = ((F0, F0 + 99), (F0 + 100, F0 + 199))
SFRAMES = {
    "fiber_residuals.sky_fiber": search(
        lambda s: fiber_residuals(s).sky_fiber,
        added(slice(110, 111), everywhere),
        error=math.hypot(SIGMA / 10, 0.005 * CONTINUUM),
        fibers=one(110),
        wave=WAVE[450],
        spread=OF_ALL,
        within=0.1,
        trials=19 * WINDOWS_OF_FIBER,
        feature="fiber",
        both=True,
    ),
    "fiber_residuals.below_zero": search(
        lambda s: fiber_residuals(s).below_zero,
        added(slice(110, 111), lambda s: -everywhere(s)),
        error=math.hypot(SIGMA / 10, 0.005 * CONTINUUM),
        fibers=one(110),
        wave=WAVE[450],
        spread=OF_ALL,
        within=0.1,
        trials=N * WINDOWS_OF_FIBER,
        feature="fiber",
    ),
    "fiber_scale": search(
        fiber_scale,
        added(slice(37, 38), in_one_piece(lines)),
        fibers=one(37),
        wave=WAVE[M * 5 // 18],
        trials=N * 10,
        feature="fiber",
        both=True,
    ),
    "throughput_scatter": Case(
        lambda corrections: throughput_scatter(corrections, fiber=FIBER, error=0.01),
        lambda corrections, size: 1 + (corrections - 1) * math.hypot(0.01, size) / 0.01,
        lambda seed: 1 + 0.01 * np.random.default_rng(seed).standard_normal(N),
        lambda corrections: 0 * corrections,
        says=lambda size: math.sqrt(size**2 + 0.01**2 - 0.03**2),
        error=1.17 * 0.01 / math.sqrt(N),
        within=0.05,
        reach=True,
        names=True,
        fibers=SPAN,
    ),
    "throughput_outlier": Case(
        lambda corrections: throughput_outlier(corrections, fiber=FIBER),
        lambda corrections, size: np.where(np.arange(N) == 37, 1 - size, corrections),
        lambda _: np.ones(N),
        lambda corrections: 0 * corrections,
        size=0.4,
        names=True,
        fibers=one(37),
    ),
    "amplifiers.step": search(
        lambda s: amplifiers(s).step,
        added(slice(100, 200), jump),
        inside=HALVES,
        wave=WAVE[700],
        spread=30.0,
        within=0.2,
        feature="step",
        short={"scatter": CORRELATED},
    ),
    "amplifiers.offset": search(
        lambda s: amplifiers(s).offset,
        added(slice(100, 200), window),
        within=0.4,
        inside=HALVES,
        wave=WAVE[450],
        spread=30.0,
        feature="offset",
        short={"scatter": CORRELATED},
    ),
    "amplifiers.row_noise": search(
        lambda s: amplifiers(s).row_noise, rows_of_ccd, within=0.1, names=False, fibers=SPAN, wave=WAVE[350]
    ),
    "collimator_dip": search(collimator_dip, dip, clean=blue, fibers=SPAN, wave=DIP, trials=2, feature="dip", both=True),
    "sharp_hits": Case(
        sharp_hits,
        hit,
        camera,
        dead,
        size=20,
        says=lambda size: proved_rate(round(size)),
        counted=True,
        error=1.0,
        fibers=tuple((F0 + 2 * k, F0 + 2 * k) for k in range(20)),
        feature="cosmic",
    ),
    "noise.amplifier_width": search(
        lambda s: noise(s).amplifier_width,
        louder(slice(100, 200), slice(700, M)),
        null=1.0,
        unit=math.log,
        error=1.35 / math.sqrt(100 * 287),
        fibers=((F0 + 100, F0 + 199),),
        wave=WAVE[1000],
        short={"noise_place": NAMES_WHERE_IT_LOOKED},
    ),
    "noise.fiber_width": search(
        lambda s: noise(s).fiber_width,
        louder(slice(37, 38), slice(None)),
        null=1.0,
        unit=math.log,
        error=1.35 / math.sqrt(412),
        fibers=one(37),
        both=False,
    ),
    "noise.correlation": search(
        lambda s: noise(s).correlation,
        correlated,
        size=0.08,
        error=1 / math.sqrt(25 * 412),
        fibers=block(100),
        trials=8,
        feature="correlation",
    ),
    "noise.ringing": search(
        lambda s: noise(s).ringing,
        added(slice(100, 125), lambda _: SIGMA * np.where(np.arange(M) % 2, -1.0, 1.0)),
        error=1 / math.sqrt(25 * 412),
        fibers=block(100),
        trials=8,
        feature="ringing",
        both=True,
    ),
    "shared_lines": Case(
        shared_lines,
        in_many_fibers,
        camera,
        dead,
        size=20,
        counted=True,
        error=math.sqrt(0.02),
        within=0.05,
        reach=True,
        fibers=tuple((F0 + 5 + 6 * k, F0 + 5 + 6 * k) for k in range(20)),
        wave=6500.0,
        feature="line",
    ),
    "line_residual": search(line_residual, to_and_fro, margin=0.0, within=0.15, names=True, fibers=SPAN, broken=lineless),
    "line_scale": search(
        line_scale,
        added(slice(None), lines),
        margin=0.0,
        slack=4.0,
        needs=math.inf,
        within=0.0,
        broken=lineless,
        names=True,
        fibers=SPAN,
    ),
    "vertical_lines.narrow": sigmas(lambda s: vertical_lines(s).narrow, line_at(6820.0), wave=6820.0, feature="line", both=True),
    "vertical_lines.broad": sigmas(
        lambda s: vertical_lines(s).broad,
        broad_light,
        size=0.06,
        wave=6600.0,
        feature="bump",
        both=True,
        short={"reach": FLOOR_LEFT_OUT},
    ),
    "vertical_lines.broad_amplitude": search(
        lambda s: vertical_lines(s).broad_amplitude,
        broad_light,
        clean=full_slit,
        size=0.06,
        within=0.2,
        margin=0.0,
        inside=PATCH,
        wave=6600.0,
        spread=26.0,
        short={
            "noise_place": NAMES_WHERE_IT_LOOKED,
            "noise_error": "has no error where nothing was found",
            "reach": FLOOR_LEFT_OUT,
        },
        feature="bump",
        both=True,
    ),
    "vertical_lines.nebular": sigmas(lambda s: vertical_lines(s).nebular, line_at(6564.61), wave=6564.61, feature="nebular"),
    "wavelength_errors.fiber_shift": search(
        lambda s: wavelength_errors(s).fiber_shift,
        added(slice(37, 38), shift),
        fibers=one(37),
        wave=WAVE[700],
        trials=N,
        feature="shift",
    ),
    "wavelength_errors.group_shift": search(
        lambda s: wavelength_errors(s).group_shift,
        added(slice(100, 125), shift),
        fibers=block(100),
        wave=WAVE[700],
        trials=8,
        feature="shift",
        both=True,
    ),
    "wavelength_errors.local_shift": search(
        lambda s: wavelength_errors(s).local_shift,
        added(slice(100, 125), in_one_piece(shift)),
        fibers=block(100),
        wave=WAVE[M * 5 // 18],
        trials=8 * 9,
        feature="shift",
        both=True,
    ),
    "wavelength_errors.group_width": search(
        lambda s: wavelength_errors(s).group_width,
        added(slice(100, 125), broadening),
        fibers=block(100),
        wave=WAVE[700],
        trials=8,
        feature="shift",
        both=True,
    ),
    "sky_line_places.offset": Case(
        lambda s: sky_line_places(s).offset,
        moved,
        known_lines,
        lambda s: replace(s, sky=np.full(s.flux.shape, CONTINUUM)),
        size=0.4,
        slack=4.0,
        error=0.1 / math.sqrt(11),
        within=0.02,
        names=True,
        fibers=((3, 7),),
    ),
    "sky_line_places.width": Case(
        lambda s: sky_line_places(s).width,
        lambda _, size: sky_of(np.zeros(20), size / 2.3548),
        known_lines,
        lambda s: replace(s, sky=np.full(s.flux.shape, CONTINUUM)),
        size=2.6,
        null=0.8 * 2.3548,
        close=0.05,
        within=0.02,
        names=True,
        fibers=((3, 7),),
    ),
}


def proved_rate(count: int) -> float:
    """Rate at which so many hits or more have the chance `FALSE_ALARM`."""
    low, high = 0.0, float(count)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if poisson.sf(count - 1, middle) < FALSE_ALARM else (low, middle)
    return low


# --------------------------------------------------------------------------------------- flats, calibration, sky models

Arrays = dict[str, np.ndarray]


def changed(name: str, change: Callable[[np.ndarray, float], np.ndarray]) -> Callable[[Arrays, float], Arrays]:
    """Replace one of several arrays by what a change of some size makes of it."""
    return lambda arrays, size: arrays | {name: change(arrays[name], size)}


def no_weight(arrays: Arrays) -> Arrays:
    return arrays | {"ivar": 0 * arrays["ivar"]}


def changed_sign(arrays: Arrays) -> Arrays:
    return arrays | {"ivar": -arrays["ivar"]}


def scaled(rows: slice, shape: np.ndarray | float) -> Callable[[np.ndarray, float], np.ndarray]:
    """Multiply some rows by one plus the amplitude times a shape."""

    def change(values: np.ndarray, size: float) -> np.ndarray:
        values = values.copy()
        values[rows] *= 1 + size * shape
        return values

    return change


def flat(seed: int) -> Arrays:
    """Response of 1 with an error of 1 % in each bin."""
    noisy = 1 + 0.01 * np.random.default_rng(seed).standard_normal((N, M), dtype=np.float32)
    return {"fiberflat": noisy, "ivar": np.full((N, M), 1e4, dtype=np.float32)}


def shape_of(value: str) -> Callable[[Arrays], Measured]:
    return lambda arrays: getattr(fiberflats.flat_shape(**arrays, wave=WAVE, fiber=FIBER), value)


def first_bins(values: np.ndarray, share: float) -> np.ndarray:
    """Let so large a part of the fibers see three times as much light at one end."""
    values = values.copy()
    values[: round(share * N), :16] *= 3
    return values


def screen(seed: int) -> Arrays:
    """Response of 1 with a scatter of 1 %, all over the focal plane."""
    rng = np.random.default_rng(seed)
    radius, angle = DESI.radius * np.sqrt(rng.random(N)), 2 * np.pi * rng.random(N)
    return {"level": 1 + 0.01 * rng.standard_normal(N), "x": radius * np.cos(angle), "y": radius * np.sin(angle)}


def applied(seed: int) -> tuple[CameraSpectra, np.ndarray, np.ndarray]:
    """Spectra, the frame that they were made of with an error of 0.1 % in each bin, and the flat of the file."""
    rng = np.random.default_rng(100 + seed)
    spectra = camera(seed)
    fiberflat = np.tile(1 + 0.05 * np.sin(WAVE / 300), (N, 1)) * rng.uniform(0.9, 1.1, N)[:, None]
    frame = (spectra.flux + spectra.known_sky) * fiberflat * (1 + 0.001 * rng.standard_normal((N, M)))
    return spectra, frame, fiberflat


def vectors(seed: int) -> Arrays:
    """Calibration of twenty fibers with a slope, and an error of 1 % in each bin."""
    rng = np.random.default_rng(seed)
    values = 30.0 + 0.01 * (WAVE - WAVE[0]) + np.zeros((20, 1))
    return {"fluxcalib": values * (1 + 0.01 * rng.standard_normal(values.shape)), "ivar": np.full(values.shape, 10.0)}


def calibrated(seed: int) -> Arrays:
    """Faint spectra before and after calibration by 25."""
    flux = np.random.default_rng(seed).standard_normal((40, 300))
    same = {"sframe_flux": flux, "sframe_ivar": np.ones(flux.shape), "fluxcalib": np.full(flux.shape, 25.0)}
    return same | {"cframe_flux": flux / 25, "cframe_ivar": np.full(flux.shape, 625.0)}


def alike(number: int) -> Callable[[Arrays], Measured]:
    return lambda arrays: fluxcalibration.calibrated_alike(**arrays, fiber=FIBER[:40])[number]


IMAGED = 10 ** np.linspace(0.0, 2.0, 60)
"""Fluxes in images, nanomaggies."""


def imaged(seed: int) -> Arrays:
    """Targets whose light in the fiber scatters by 3 % about that in the image."""
    light = IMAGED * 1.0885e7 / 6400**2 * np.exp(0.03 * np.random.default_rng(seed).standard_normal(60))
    flux = np.tile(light[:, None], (1, M))
    return {"flux": flux, "ivar": np.full(flux.shape, 1e4)}


def agreement(value: str) -> Callable[[Arrays], Measured]:
    def take(arrays: Arrays) -> Measured:
        found = imaging_agreement(
            **arrays, wave=WAVE, fiber=FIBER[:60], photometry={"FIBERFLUX_R": IMAGED}, band="r", is_target=np.ones(60, dtype=bool)
        )
        return getattr(found, value)

    return take


def exchanged(flux: np.ndarray, pairs: float) -> np.ndarray:
    rows = np.arange(60)
    for k in range(round(pairs)):
        rows[[k, 40 + 9 * k]] = 40 + 9 * k, k
    return flux[rows]


def model(seed: int) -> Arrays:
    """Sky model of fibers that differ by one factor each, and by 0.1 % from bin to bin."""
    rng = np.random.default_rng(seed)
    factor = 1 + 0.01 * rng.standard_normal((N, 1))
    sky = factor * sky_spectrum(WAVE) * (1 + 0.001 * rng.standard_normal((N, M)))
    return {"sky": sky, "ivar": np.full((N, M), 2.0)}


def smoothness(value: str) -> Callable[[Arrays], Measured]:
    return lambda arrays: getattr(sky_smoothness(**arrays, wave=WAVE, fiber=FIBER, instrument=SHORT_SLIT), value)


def count(take: Callable[[Any], Measured], plant: Callable[[Any, float], Any], **known: Any) -> Case:
    """A number that is not a question of noise."""
    return Case(take, plant, **known)


BUMP = gaussian(WAVE, 6820.0, 40.0)
MODELS = {
    "applied_flat.shape": count(
        lambda given: applied_flat(given[0], given[1], given[0].ivar, fiberflat=given[2]).shape,
        lambda given, size: (given[0], given[1] * (1 + size * (BUMP > 0.01)), given[2]),
        clean=applied,
        broken=lambda given: (dead(given[0]), given[1], given[2]),
        size=0.01,
        slack=5.0,
        error=0.001 * 1.25 / math.sqrt(N * 50),
        within=0.02,
        names=True,
        fibers=SPAN,
        wave=6820.0,
        spread=100.0,
    ),
    "flat_shape.typical": count(
        shape_of("typical"),
        changed("fiberflat", lambda values, size: values * np.float32(size)),
        clean=flat,
        broken=no_weight,
        size=1.3,
        null=1.0,
        close=0.01,
        within=0.01,
        same_words=True,
    ),
    "flat_shape.low_fibers": count(
        shape_of("low_fibers"),
        changed("fiberflat", scaled(slice(37, 38), -1.0)),
        clean=flat,
        broken=no_weight,
        size=0.4,
        says=lambda size: 1 - size,
        null=1.0,
        close=0.01,
        within=0.005,
        names=True,
        fibers=one(37),
    ),
    "flat_shape.extremes": count(
        shape_of("extremes"),
        changed("fiberflat", first_bins),
        clean=flat,
        broken=no_weight,
        size=0.1,
        fibers=((F0, F0 + 19),),
    ),
    "flat_shape.edges": count(
        shape_of("edges"),
        changed("fiberflat", scaled(slice(None), (WAVE[-97] < WAVE).astype(np.float32))),
        clean=flat,
        broken=no_weight,
        size=0.2,
        close=0.002,
        within=0.01,
        names=True,
        fibers=SPAN,
        wave=WAVE[-48],
    ),
    "flat_shape.narrow": search(
        shape_of("narrow"),
        changed("fiberflat", scaled(slice(37, 38), (np.arange(M) // 8 == 90).astype(np.float32))),
        clean=flat,
        broken=no_weight,
        error=0.01 / math.sqrt(8) * math.sqrt(1 + 1 / 4),
        fibers=one(37),
        wave=WAVE[724],
        trials=N * (175 - 16),
        feature="line",
        both=True,
    ),
    "plane_gradient": search(
        lambda arrays: fiberflats.plane_gradient(**arrays, fiber=FIBER),
        lambda arrays, size: arrays | {"level": arrays["level"] + size * arrays["x"] / DESI.radius},
        clean=screen,
        broken=lambda arrays: arrays | {"x": np.full(N, np.nan)},
        margin=0.0,
        error=0.01 / (0.5 * math.sqrt(N)),
        names=True,
        fibers=SPAN,
    ),
    "usable_calibration": count(
        lambda arrays: fluxcalibration.usable_calibration(**arrays, fiber=FIBER[:20], expected=np.any(arrays["ivar"] > 0, axis=1)),
        changed("fluxcalib", lambda values, size: np.where(np.arange(20)[:, None] < 20 * size, 0, values)),
        clean=vectors,
        broken=no_weight,
        size=0.25,
        says=lambda size: 1 - size,
        null=1.0,
        fibers=((F0, F0 + 4),),
    ),
    "largest_ivar": count(
        lambda arrays: fluxcalibration.largest_ivar(arrays["ivar"], fiber=FIBER[:20]),
        changed("ivar", lambda values, size: np.where(np.arange(20)[:, None] == 7, size, values)),
        clean=vectors,
        broken=None,
        size=1e6,
        null=10.0,
        names=True,
        fibers=one(7),
    ),
    "calibration_lines": search(
        lambda arrays: fluxcalibration.calibration_lines(**arrays, wave=WAVE, fiber=FIBER[:20]),
        changed("fluxcalib", scaled(slice(None), gaussian(WAVE, 6564.6, 3.0))),
        clean=vectors,
        broken=changed_sign,
        fibers=((F0, F0 + 19),),
        wave=6564.6,
        feature="line",
        both=True,
    ),
    "calibrated_alike[0]": count(
        alike(0),
        lambda arrays, size: arrays | {"cframe_flux": arrays["cframe_flux"] + size / 25},
        clean=calibrated,
        broken=lambda arrays: arrays | {"cframe_ivar": 0 * arrays["cframe_ivar"]},
        size=3.0,
        same_words=True,
    ),
    "calibrated_alike[1]": count(
        alike(1),
        changed("cframe_ivar", scaled(slice(7, 8), -1.0)),
        clean=calibrated,
        broken=lambda arrays: arrays | {"cframe_ivar": 0 * arrays["cframe_ivar"]},
        size=0.96,
        says=lambda size: 1 - size,
        null=1.0,
        names=True,
        fibers=one(7),
    ),
    "imaging_agreement.level": count(
        agreement("level"),
        changed("flux", lambda flux, size: size * flux),
        clean=imaged,
        broken=no_weight,
        size=0.5,
        null=1.0,
        slack=4.0,
        error=1.25 * 0.03 / math.sqrt(60),
        within=0.0,
        names=True,
        fibers=((F0, F0 + 59),),
        wave=6400.0,
    ),
    "imaging_agreement.swapped": count(
        agreement("swapped"),
        changed("flux", exchanged),
        clean=imaged,
        broken=no_weight,
        size=2.0,
        fibers=(*one(0), *one(40), *one(1), *one(49)),
    ),
    "sky_lowest": count(
        lambda arrays: sky_lowest(**arrays, wave=WAVE, fiber=FIBER),
        changed("sky", scaled(slice(37, 38), -1.0)),
        clean=model,
        broken=no_weight,
        size=0.7,
        says=lambda size: 1.0 - size,
        null=1.0,
        close=0.06,
        error=None,
        within=0.06,
        names=True,
        fibers=one(37),
    ),
    "sky_smoothness.block": search(
        smoothness("block"),
        changed("sky", scaled(slice(100, 150), BUMP)),
        clean=model,
        broken=no_weight,
        size=0.1,
        close=0.002,
        reach=False,
        within=0.1,
        short={"scatter": ALLOWANCE},
        names=True,
        inside=((F0 + 98, F0 + 151),),
        wave=6820.0,
        feature="bump",
        both=True,
    ),
    "sky_smoothness.run": search(
        smoothness("run"),
        changed("sky", scaled(slice(100, 112), BUMP)),
        clean=model,
        broken=no_weight,
        size=0.1,
        close=0.002,
        reach=False,
        within=0.1,
        short={"scatter": ALLOWANCE},
        names=True,
        inside=((F0 + 98, F0 + 114),),
        wave=6820.0,
        feature="bump",
        both=True,
    ),
}


# ------------------------------------------------------------------------------------------------ fibers and their masks

ROWS = np.arange(100)
NUMBERS = F0 + ROWS


def weights(seed: int) -> Arrays:
    """Inverse variances of a hundred fibers, of all sizes."""
    return {"ivar": np.random.default_rng(seed).uniform(0.1, 10.0, (100, 60))}


def lose(arrays: Arrays, rows: float) -> Arrays:
    return arrays | {"ivar": np.where(ROWS[:, None] < round(rows), 0, arrays["ivar"])}


def placed(seed: int) -> Arrays:
    """Positioners that are off by some 5 micron."""
    rng = np.random.default_rng(seed)
    return {"delta_x": rng.uniform(0.001, 0.005, 100), "delta_y": rng.uniform(0.001, 0.005, 100)}


def unmeasured(arrays: Arrays) -> Arrays:
    return {name: 0 * values for name, values in arrays.items()}


def off_by_a_mm(share: float, arrays: Arrays, *, first: int, size: int) -> Arrays:
    rows = (first <= ROWS) & (first + round(share * size) > ROWS)
    return arrays | {"delta_y": np.where(rows, -1.0, arrays["delta_y"])}


def identities(seed: int) -> Arrays:
    names = np.random.default_rng(seed).permutation(10_000)[:100]
    return {"fiber": 500 * 6 + ROWS, "location": 6000 + ROWS, "targetid": 1 + names}


FIBERMAPS = {
    "good_pixels": count(
        lambda arrays: coverage.good_pixels(**arrays, fiber=NUMBERS, flagged=ROWS >= 80 if arrays["ivar"].any() else ROWS >= 0),
        lambda arrays, size: lose(arrays, size * 80),
        clean=weights,
        broken=lambda arrays: arrays | {"ivar": 0 * arrays["ivar"]},
        size=0.25,
        says=lambda size: 1 - size,
        null=1.0,
        fibers=((F0, F0 + 19),),
    ),
    "sky_fibers_left": count(
        lambda arrays: coverage.sky_fibers_left(**arrays, fiber=NUMBERS, is_sky=ROWS % 10 == 0),
        lambda arrays, size: lose(arrays, 10 * size),
        clean=weights,
        broken=None,
        size=3.0,
        says=lambda size: 10 - size,
        null=10.0,
        fibers=(*one(0), *one(10), *one(20)),
    ),
    "masked_columns": count(
        lambda arrays: coverage.masked_columns(**arrays, wave=WAVE[:60], fiber=NUMBERS),
        changed("ivar", lambda ivar, size: np.where((ROWS[:, None] < 100 * size) & (abs(np.arange(60) - 20) < 3), 0, ivar)),
        clean=weights,
        broken=no_weight,
        size=0.25,
        error=UNKNOWN,
        counted=True,
        names=True,
        fibers=((F0, F0 + 99),),
        wave=WAVE[19],
    ),
    "masked_with_weight": count(
        lambda arrays: coverage.masked_with_weight(
            arrays["ivar"], np.where((arrays["ivar"] == 0) | (ROWS[:, None] < arrays.get("masked", 0)), 4, 0), fiber=NUMBERS
        ),
        lambda arrays, size: lose(arrays, 50 * (1 - size)) | {"masked": np.full((100, 1), 50)},
        clean=weights,
        broken=None,
        size=0.2,
        fibers=((F0 + 40, F0 + 49),),
    ),
    "flagged_with_weight": count(
        lambda arrays: coverage.flagged_with_weight(**arrays, fiber=NUMBERS, flagged=ROWS < 30),
        changed("ivar", lambda ivar, size: np.where(ROWS[:, None] >= round(size), ivar, 1.0)),
        clean=lambda seed: lose(weights(seed), 30),
        broken=None,
        size=12.0,
        fibers=((F0, F0 + 11),),
    ),
    "misplaced_fibers": count(
        lambda arrays: targets.misplaced_fibers(**arrays, fiber=NUMBERS, tolerance=0.03),
        lambda arrays, size: off_by_a_mm(size, arrays, first=20, size=100),
        clean=placed,
        broken=unmeasured,
        size=0.1,
        fibers=((F0 + 20, F0 + 29),),
    ),
    "misplaced_cassette": count(
        lambda arrays: targets.misplaced_cassette(**arrays, fiber=NUMBERS, tolerance=0.03),
        lambda arrays, size: off_by_a_mm(size, arrays, first=50, size=50),
        clean=placed,
        broken=unmeasured,
        size=0.4,
        fibers=((F0 + 50, F0 + 69),),
    ),
    "standard_stars": count(
        lambda arrays: targets.standard_stars(
            np.where(ROWS % 5 == 0, 1 << 33 + ROWS % 3, 1) * arrays["ivar"].any(), fiber=NUMBERS, flagged=ROWS >= 90, **arrays
        ),
        lambda arrays, size: lose(arrays, 5 * size),
        clean=weights,
        broken=no_weight,
        size=4.0,
        says=lambda size: 18 - size,
        null=18.0,
        names=True,
        fibers=(*one(0), *one(5), *one(10), *one(15), *one(90), *one(95)),
    ),
    "identity_conflicts": count(
        lambda arrays: targets.identity_conflicts(**arrays, petal=6),
        changed("targetid", lambda values, size: np.where(size > ROWS, values[0], values)),
        clean=identities,
        broken=None,
        size=3.0,
        fibers=((3000, 3002),),
    ),
}


# --------------------------------------------------------------------------------------------- focal plane and redshifts

LEVEL = 100.0


def exposure(seed: int) -> list[WindowMap]:
    """Noise of 1 % of the sky in every fiber, sky fibers with no mean offset, and targets of all brightnesses.

    Each petal sees the light of its targets better or worse than the others do, by some 15 %.
    """
    rng = np.random.default_rng(seed)
    maps = []
    for petal in range(10):
        radius = np.sqrt(28**2 + (409**2 - 28**2) * (np.repeat(np.arange(5), 100) + rng.random(500)) / 5)
        angle = np.deg2rad(252 + 36 * petal + 18 * (np.tile(np.repeat([0, 1], 50), 5) + rng.random(500)))
        is_sky = np.isin(np.arange(500), rng.choice(500, size=40, replace=False))
        light = np.where(is_sky, 0.0, np.exp(rng.normal(np.log(8.0), 1.15, size=500)) * (1 + 0.15 * rng.standard_normal()))
        for one_window in (window for window in WINDOWS if window.band == "r"):
            residual = rng.standard_normal(500)
            residual -= residual[is_sky].mean()
            residual += light * (one_window.kind == "continuum")
            maps.append(
                WindowMap(
                    window=one_window,
                    petal=petal,
                    residual=residual,
                    error=np.ones(500),
                    before=residual + LEVEL,
                    level=LEVEL,
                    fiber=500 * petal + np.arange(500),
                    x=radius * np.cos(angle),
                    y=radius * np.sin(angle),
                    is_sky=is_sky,
                )
            )
    return maps


def over(name: str, shape: Callable[[WindowMap], np.ndarray]) -> Callable[[list[WindowMap], float], list[WindowMap]]:
    """Add percents of the sky to the residual in one window, or in all of a kind."""

    def plant(maps: list[WindowMap], size: float) -> list[WindowMap]:
        return [
            replace(one, residual=one.residual + size / 100 * LEVEL * shape(one))
            if name in (one.window.name, one.window.kind)
            else one
            for one in maps
        ]

    return plant


def patch(one: WindowMap) -> np.ndarray:
    return np.where(one.fiber // 50 == 53, 1.0, 0.0)


def petal(one: WindowMap) -> np.ndarray:
    """What its sky fibers, to which the model was fitted, do not show."""
    return np.where((one.petal == 5) & ~one.is_sky, -1.0, 0.0)


def dark_patch(one: WindowMap) -> np.ndarray:
    return -patch(one)


def tilt(one: WindowMap) -> np.ndarray:
    """A gradient of 1 from edge to edge, less its mean over the sky fibers of the petal."""
    slope = one.x / (2 * DESI.radius)
    return slope - slope[one.is_sky].mean()


def focal(value: str, plant: Callable[[Any, float], Any], **known: Any) -> Case:
    return search(
        lambda maps: getattr(focal_plane(maps), value),
        plant,
        **{"clean": exposure, "broken": lambda maps: [replace(one, residual=one.residual + np.nan) for one in maps]} | known,
    )


GALAXY_FREE = 300


def spectra_of_a_petal(seed: int) -> Arrays:
    """Quasars all over the redshifts."""
    rng = np.random.default_rng(seed)
    return {"z": 1.1 * np.exp(np.log(6.0 / 1.1) * rng.random(GALAXY_FREE)) - 1 + 0.1, "zwarn": np.zeros(GALAXY_FREE, dtype=int)}


def pileup(value: str) -> Callable[[Arrays], Measured]:
    def take(arrays: Arrays) -> Measured:
        found = redshift_pileup(
            **arrays,
            fiber=3000 + np.arange(GALAXY_FREE),
            spectype=np.full(GALAXY_FREE, "QSO"),
            is_sky=np.zeros(GALAXY_FREE, dtype=bool),
        )
        return getattr(found, value)

    return take


def same_redshift(z: np.ndarray, percent: float) -> np.ndarray:
    number = round(percent * GALAXY_FREE / 100)
    return np.where(np.arange(GALAXY_FREE) < number, 2.0 + 0.0005 * (np.arange(GALAXY_FREE) % 3), z)


def galactic_line(z: np.ndarray, percent: float) -> np.ndarray:
    """H-beta on [N II] of the Galaxy."""
    number = round(percent * GALAXY_FREE / 100)
    return np.where(np.arange(GALAXY_FREE) < number, 6585.27 / 4862.68 - 1 + 1e-5 * (np.arange(GALAXY_FREE) % 3), z)


def pileup_case(value: str, planted: Callable[[np.ndarray, float], np.ndarray], **expected: Any) -> Case:
    """Ten percent of a petal at one redshift."""
    return count(
        pileup(value),
        changed("z", planted),
        clean=spectra_of_a_petal,
        broken=lambda arrays: arrays | {"zwarn": arrays["zwarn"] + 512},
        size=10.0,
        fibers=((3000, 3049),),
        feature="window",
        **expected,
    )


SIGMAS: dict[str, Any] = {"says": None, "needs": FOUND, "close": FOUND, "error": None, "names": True}
"""What a value in sigmas of a search promises."""


def copied(z: np.ndarray, rows: float) -> np.ndarray:
    return np.concatenate([z[: -round(rows)], z[: round(rows)]]) if round(rows) else z


def repeats(arrays: Arrays) -> Measured:
    return repeated_redshifts(**arrays, targetid=np.arange(GALAXY_FREE), fiber=3000 + np.arange(GALAXY_FREE))


TILE_FIBERS = np.arange(5000)


def petals_alike(seed: int) -> Arrays:
    return {"zwarn": np.where(np.random.default_rng(seed).random(5000) < 0.75, 0, 4), "is_target": np.full(5000, fill_value=True)}


def without_redshifts(zwarn: np.ndarray, part: float) -> np.ndarray:
    """Petal 3, of which so many targets lose their redshift."""
    lost = np.random.default_rng([1648, 3]).random(5000) < part / 0.75
    return np.where((TILE_FIBERS // 500 == 3) & lost, 4, zwarn)


SEARCHED = 10
"""Continuum windows of b, r and z and the three bands as a whole: any part of an exposure counts the chance of all of it."""
EXPOSURES = {
    "focal_plane.patch": focal(
        "patch",
        over("continuum", dark_patch),
        within=0.12,
        fibers=((2650, 2699),),
        wave=6600.0,
        spread=500.0,
        feature="patch",
        sign=-1,
    ),
    "focal_plane.petal": focal(
        "petal",
        over("r 6500-6700 A", petal),
        size=5.0,
        within=0.1,
        fibers=((2500, 2999),),
        wave=6600.0,
        trials=SEARCHED * 10,
        feature="petal",
        sign=-1,
    ),
    "focal_plane.gradient": focal(
        "gradient", over("r 6500-6700 A", tilt), within=0.1, fibers=((0, 4999),), wave=6600.0, trials=SEARCHED, feature="gradient"
    ),
    "focal_plane.sky_line": focal(
        "sky_line", over("[O I] 6302", patch), within=0.12, fibers=((2650, 2699),), wave=6302.0, feature="line", both=True
    ),
    "focal_plane.nebular": focal(
        "nebular", over("H-alpha 6564.6", patch), within=0.12, fibers=((2650, 2699),), wave=6564.6, feature="nebular", both=True
    ),
    "redshift_pileup.significance": pileup_case("significance", same_redshift, **SIGMAS),
    "redshift_pileup.excess": pileup_case(
        "excess", same_redshift, short={"noise_place": NAMES_WHERE_IT_LOOKED}, error=UNKNOWN, reach=True
    ),
    "redshift_pileup.galactic": pileup_case("galactic", galactic_line, **SIGMAS),
    "repeated_redshifts": count(
        repeats,
        changed("z", copied),
        clean=spectra_of_a_petal,
        broken=lambda arrays: arrays | {"zwarn": arrays["zwarn"] + 512},
        size=40.0,
        error=None,
        reach=True,
        within=0.01,
        fibers=((3000, 3039), (3260, 3299)),
    ),
    "petal_shortfall": count(
        lambda arrays: petal_shortfall(**arrays, fiber=TILE_FIBERS),
        changed("zwarn", without_redshifts),
        clean=petals_alike,
        broken=lambda arrays: arrays | {"is_target": ~arrays["is_target"]},
        size=0.4,
        error=math.sqrt(0.75 * 0.25 / 500 * 1.17),
        reach=True,
        margin=3.0,
        within=0.05,
        fibers=((1500, 1999),),
        feature="petal",
    ),
}

CASES = SFRAMES | MODELS | FIBERMAPS | EXPOSURES
ELSEWHERE = {
    **dict.fromkeys(("measured_of", "most_seen", "worse"), "put a search of focal_plane into a value, which is here"),
    "with_bright_star": "gives a patch on: tests/measures/focal/test_patch_star.py",
    "row_noise": "amplifiers gives it the probe that it takes, and is here with its row_noise",
    "zero_levels.step": "amplifiers gives it on, and is here",
    "zero_levels.offset": "amplifiers gives it on, and is here",
    "line_places": "needs sky lines of a known list: tests/measures/frames/test_line_places.py",
    "light_kept_back": "needs the sky lines of a real band: tests/measures/frames/test_traps.py",
    "neighbours_light.moved": "needs targets with images: tests/measures/frames/test_labels.py",
    "neighbours_throughput": "needs a flat: tests/measures/frames/test_labels.py",
    **dict.fromkeys(
        ("applied_flat.exponent", "applied_flat.pattern", "applied_flat.sky"),
        "need a flat with a pattern that is not that of a sine: tests/measures/models/test_applied_flat.py",
    ),
    "ccd_defects.hole": "needs lines that a defect takes: tests/measures/sframes/test_holes.py",
    "ccd_defects.spot": "needs light that goes on over fibers: tests/measures/sframes/test_holes.py",
    "fiber_sky": "needs the sky that each fiber had before: tests/measures/sframes/test_sky_levels.py",
    "flat_shape.masked": "counts fibers without weight, so that nothing breaks it: tests/measures/models/test_truths.py",
    "focal_plane.seen": "is the significance of patch and petal, which are here: tests/measures/focal/test_parts.py",
    **dict.fromkeys(
        (
            *("bad_in_one_file", "bad_without_status", "coadd_sums", "depth_sums", "exposure_facts", "fibermaps_beside[0]"),
            *("fibermaps_beside[1]", "flags_of_spectra", "grids_beside", "left_out", "not_asked_for", "product_conflicts"),
            *("said_otherwise", "same_coadd", "same_targets", "versions_beside"),
        ),
        "compare two products, exactly: tests/measures/fibermaps/test_joins.py",
    ),
    "impossible_positions": "holds columns to their bounds: tests/measures/fibermaps/test_positions.py",
    **dict.fromkeys(
        (
            *("exposure_levels.petal", "exposure_levels.color", "exposure_levels.exposure", "camera_joins", "light_streak"),
            *("calibration_vectors.throughput", "calibration_vectors.shape"),
            *("compare_visits.petal", "compare_visits.exposure", "compare_visits.vector"),
        ),
        "need the light of many petals and exposures: tests/measures/focal/test_levels.py",
    ),
    **dict.fromkeys(
        (
            *("barycentric_corrections.change", "barycentric_corrections.spread", "line_changes.offset", "line_changes.width"),
            *("petals_see_one_sky", "sky_left"),
        ),
        "need the skies of many cameras: tests/measures/focal/test_sky_state.py",
    ),
    "line_evenness": "needs fibers of unlike throughputs: tests/measures/models/test_truths.py",
    **dict.fromkeys(
        (f"calibration_truths.{value}" for value in ("roughness", "fiber_roughness", "fiber_level", "certainty")),
        "need vectors as even as those of stars: tests/measures/models/test_truths.py",
    ),
}
"""Functions that give a `Measured` and are not in the table, and why."""


# -------------------------------------------------------------------------------------------------------------- the tests


def those(test: str, chosen: Callable[[Case], object] = bool) -> pytest.MarkDecorator:
    """The cases that a test is for; those that are known to fail it must do so."""
    named = [(name, case) for name, case in CASES.items() if chosen(case)]
    marks = {name: [pytest.mark.xfail(strict=True, reason=case.short[test])] for name, case in named if test in case.short}
    return pytest.mark.parametrize("name", [pytest.param(name, marks=marks.get(name, ()), id=name) for name, _ in named])


@cache
def in_noise(name: str) -> list[Measured]:
    return [CASES[name].take(CASES[name].clean(seed)) for seed in FEW]


def with_truth(name: str, size: float, seed: int) -> Measured:
    case = CASES[name]
    return case.take(case.plant(case.clean(seed), size))


@cache
def planted_size(name: str) -> float:
    return CASES[name].size or 3.0 * typing.cast("float", in_noise(name)[0].sensitivity)


@cache
def planted(name: str) -> list[Measured]:
    return [with_truth(name, planted_size(name), seed) for seed in SEEDS]


def proved(case: Case, found: Measured) -> float:
    return case.unit(found.value) + case.margin * (found.error or 0.0)


@those("noise_value")
def test_noise_alone_gives_the_null_value(name):
    case = CASES[name]
    for found in in_noise(name):
        allowed = case.close + case.slack * (found.error or 0.0)
        assert found.value == pytest.approx(case.null, abs=allowed), f"{name}: value in noise"
        assert found.reason == "", f"{name}: reason in noise"


@those("noise_place", lambda case: not case.names)
def test_noise_alone_has_no_place(name):
    for found in in_noise(name):
        assert found.fibers == (), f"{name}: fibers in noise"
        assert found.features == (), f"{name}: features in noise"


@those("noise_error")
def test_the_error_in_noise_is_that_of_noise_of_this_size(name):
    case = CASES[name]
    for found in in_noise(name):
        if not case.error:
            assert found.error == case.error, f"{name}: error of a value that has none"
            continue
        assert found.error is not None, f"{name}: error in noise"
        assert math.isfinite(found.error), f"{name}: error in noise"
        assert math.isnan(case.error) or 0.5 < found.error / case.error < 2, f"{name}: error in noise"


@those("reach")
def test_the_sensitivity_is_what_would_just_have_been_seen(name):
    case = CASES[name]
    sensitivity = in_noise(name)[0].sensitivity
    if not case.reach:
        assert sensitivity is None, f"{name}: sensitivity of a value that has none"
        return
    assert sensitivity is not None, f"{name}: sensitivity"
    assert 0 < sensitivity < math.inf, f"{name}: sensitivity"
    needed = sensitivity if case.needs == math.inf else case.needs
    for seed in FEW:
        seen, unseen = (case.unit(with_truth(name, size * sensitivity, seed).value) for size in (2.0, 0.3))
        assert abs(seen - case.unit(case.null)) > needed, f"{name}: value at twice the sensitivity"
        assert abs(unseen - case.unit(case.null)) <= needed, f"{name}: value at 0.3 times the sensitivity"


@those("cover")
def test_the_error_covers_what_was_planted(name):
    case = CASES[name]
    if case.says is None:
        assert min(found.value for found in planted(name)) > case.needs, f"{name}: value with a truth"
        return
    truth = case.says(planted_size(name))
    for found in planted(name):
        allowed = 4 * (found.error or 0.0) + case.within * abs(truth)
        assert proved(case, found) == pytest.approx(truth, abs=allowed), f"{name}: value with a truth"
    values, errors = [proved(case, found) for found in planted(name)], [found.error or 0.0 for found in planted(name)]
    allowed = 2.5 * float(np.mean(errors)) / math.sqrt(len(errors)) + case.within * abs(truth)
    assert np.mean(values) == pytest.approx(truth, abs=allowed), f"{name}: mean value with a truth"


@those("scatter", lambda case: case.error and case.says and not case.counted)
def test_values_scatter_as_their_error_says(name):
    case = CASES[name]
    errors = [found.error for found in planted(name)]
    scatter = float(np.std([proved(case, found) for found in planted(name)], ddof=1))
    assert 0.5 < scatter / np.mean(errors) < 2, f"{name}: scatter of the value over its error"


@those("place", lambda case: case.fibers or case.inside)
def test_what_was_planted_has_its_place(name):
    case = CASES[name]
    for found in planted(name):
        if case.fibers:
            assert found.fibers == case.fibers, f"{name}: fibers of a truth"
        for low, high in found.fibers if case.inside else ():
            assert any(first <= low <= high <= last for first, last in case.inside), f"{name}: fibers of a truth"
        assert found.fibers, f"{name}: fibers of a truth"
        if case.wave is not None:
            assert found.waves is not None, f"{name}: waves of a truth"
            assert found.waves[0] - case.spread <= case.wave <= found.waves[1] + case.spread, f"{name}: waves of a truth"


@those("words", lambda case: not case.names and not case.same_words)
def test_what_is_said_of_a_truth_is_not_what_is_said_of_noise(name):
    said = {found.detail for found in planted(name)}
    assert "" not in said, f"{name}: detail of a truth"
    assert not said & {found.detail for found in in_noise(name)}, f"{name}: detail in noise"


# Powers of the unit of flux in what is measured, and in the values that have one.
GIVEN_POWERS = {"flux": 1, "sky": 1, "fluxcalib": 1, "sframe_flux": 1, "ivar": -2, "sframe_ivar": -2}
POWERS = {
    "fiber_residuals.sky_fiber": 1,
    "fiber_residuals.below_zero": 1,
    "amplifiers.step": 1,
    "amplifiers.offset": 1,
    "amplifiers.row_noise": 1,
    "largest_ivar": -2,
}


def in_units(given: Any, factor: float) -> Any:
    """The same data in a unit that is smaller by a factor, a power of two, so that no digit is lost."""
    if isinstance(given, CameraSpectra):
        kind = given.flux.dtype.type
        sky = None if given.sky is None else given.sky * given.sky.dtype.type(factor)
        return replace(given, flux=given.flux * kind(factor), ivar=given.ivar / kind(factor**2), sky=sky)
    if isinstance(given, tuple):
        return in_units(given[0], factor), given[1] * factor, *given[2:]
    return {name: values * factor ** GIVEN_POWERS.get(name, 0) for name, values in given.items()}


def masked(given: CameraSpectra, light: float) -> CameraSpectra:
    """Spectra of which every 31st pixel, and 40 in a row of every ninth fiber, have no weight and hold this light."""
    there = (np.arange(given.flux.size) % 31 == 5).reshape(given.flux.shape)
    there[4::9, 300:340] = True
    flux, ivar = np.where(there, given.flux.dtype.type(light), given.flux), np.where(there, given.ivar.dtype.type(0), given.ivar)
    return replace(given, flux=flux, ivar=ivar)


OF_SPECTRA = (camera, blue, loud, full_slit, known_lines)


@those("units", lambda case: case.clean in (*OF_SPECTRA, applied, vectors, model, calibrated))
@pytest.mark.parametrize("factor", [2.0**-12, 2.0**7])
def test_no_value_depends_on_the_unit_of_the_flux(name, factor):
    case = CASES[name]
    given = case.plant(case.clean(0), planted_size(name))
    if isinstance(given, CameraSpectra):
        given = masked(given, 0.0)
    here, there = case.take(given), case.take(in_units(given, factor))
    unit = factor ** POWERS.get(name, 0)
    assert there.value == pytest.approx(unit * here.value, rel=1e-4), f"{name}: value in another unit"
    assert there.error == (here.error if here.error is None else pytest.approx(unit * here.error, rel=1e-4)), f"{name}: error"
    assert (there.fibers, there.waves) == (here.fibers, here.waves), f"{name}: place in another unit"


@those("mask", lambda case: case.clean in OF_SPECTRA)
def test_what_stands_in_a_pixel_without_weight_does_not_matter(name):
    case = CASES[name]
    given = case.plant(case.clean(0), planted_size(name))
    nothing, wild, negative = (case.take(masked(given, light)) for light in (0.0, 1e7, -1e7))
    assert not nothing.reason, f"{name}: reason with a mask"
    assert nothing.value == pytest.approx(wild.value, rel=1e-5), f"{name}: value with light in the mask"
    assert nothing.value == pytest.approx(negative.value, rel=1e-5), f"{name}: value with holes in the mask"
    assert nothing.fibers == wild.fibers == negative.fibers, f"{name}: place with light in the mask"


@those("feature")
def test_what_was_planted_is_a_feature_of_its_kind_and_sign(name):
    case = CASES[name]
    for sign in (1, -1) if case.both else (1,):
        found = with_truth(name, sign * planted_size(name), 0)
        if not case.feature:
            assert found.features == (), f"{name}: features"
            continue
        feature = found.features[0]
        assert feature.kind == case.feature, f"{name}: kind of the feature"
        assert feature.significance >= FOUND, f"{name}: significance of the feature"
        assert feature.error >= 0, f"{name}: error of the feature"
        assert found.fibers[0][0] <= feature.fibers[0] <= feature.fibers[1] <= found.fibers[-1][1], f"{name}: fibers of the feature"
        assert found.value > 0, f"{name}: value with sign {sign}"
        if case.both or case.sign < 0:
            assert np.sign(feature.amplitude) == sign * case.sign, f"{name}: sign of the feature"


@those("trials", lambda case: case.trials)
def test_the_significance_counts_the_places_that_were_searched(name):
    case, feature = CASES[name], planted(name)[0].features[0]
    assert case.trials is not None
    # Features of the focal plane hold the amplitude that was found, the others what is left of it after the margin.
    local = abs(feature.amplitude) / feature.error + (0.0 if case.clean is exposure else MARGIN)
    assert feature.significance == pytest.approx(global_sigma(local, n_trials=case.trials), abs=1e-3), f"{name}: significance"


@those("broken", lambda case: case.broken)
def test_what_cannot_be_measured_says_why(name):
    case = CASES[name]
    assert case.broken is not None
    found = case.take(case.broken(case.clean(0)))
    assert found.reason, f"{name}: reason"
    assert math.isnan(found.value), f"{name}: value without data"
    assert found.fibers == (), f"{name}: fibers without data"
    assert found.features == (), f"{name}: features without data"


@pytest.mark.xfail(strict=True, reason="a petal that is too bright raises its own error, which allows for 15 % of the offset")
def test_a_petal_that_is_too_bright_is_found_as_well_as_one_that_is_too_faint():
    size = 3 * in_noise("focal_plane.petal")[0].sensitivity
    assert with_truth("focal_plane.petal", -size, 0).value > 0


def test_a_patch_that_is_too_bright_is_found_at_twice_the_sensitivity():
    size = 2 * in_noise("focal_plane.patch")[0].sensitivity
    assert min(with_truth("focal_plane.patch", -size, seed).value for seed in FEW) > 0


@pytest.mark.xfail(strict=True, reason="the value is half of the correlation, for small ones")
def test_the_correlation_is_that_of_neighbouring_pixels():
    found = with_truth("noise.correlation", 0.08, 0)
    assert proved(CASES["noise.correlation"], found) == pytest.approx(half_of(0.08), abs=3 * found.error)


def is_measured(kind: object) -> bool:
    """Tell whether a part of a result is a value, be it one that some data do not have."""
    return kind is Measured or Measured in typing.get_args(kind)


def values_of_measures() -> Iterator[str]:
    """Every value that a public function of the measures gives, alone or in a result."""
    for found in pkgutil.walk_packages(pytest_specqa.measures.__path__, "pytest_specqa.measures."):
        module = importlib.import_module(found.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("_") or function.__module__ != found.name:
                continue
            result = typing.get_type_hints(inspect.unwrap(function)).get("return")
            parts = typing.get_args(result)
            if result is Measured:
                yield name
            elif Measured in parts:
                yield from (f"{name}[{k}]" for k, part in enumerate(parts) if part is Measured)
            elif inspect.isclass(result):
                yield from (f"{name}.{part}" for part, kind in typing.get_type_hints(result).items() if is_measured(kind))


def test_every_value_of_the_measures_is_in_the_table():
    assert set(values_of_measures()) == set(CASES) | set(ELSEWHERE)
