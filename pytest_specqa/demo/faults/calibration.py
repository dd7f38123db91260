"""Faults of the flux calibration and of the variances after it."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import everywhere
from pytest_specqa.demo.focalplane import fiber_positions
from pytest_specqa.demo.targets import STUCKPOSITIONER
from pytest_specqa.demo.templates import derivatives, gaussian
from pytest_specqa.instrument import DESI, SPEED_OF_LIGHT

_ISM = {"b": (3934.8, 3969.6), "r": (5891.6, 5897.6)}


def _fluxcalib_scale(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    state.fluxcalib = state.fluxcalib * np.float32(1 + amplitude)
    return everywhere(state)


def _fluxcalib_zero(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows = np.flatnonzero(rng.random(DESI.fibers) < abs(amplitude))
    state.fluxcalib[rows] = 0
    return everywhere(state, rows)


def _fluxcalib_ivar(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    state.fluxcalib_ivar = state.fluxcalib_ivar * np.float32(10**amplitude)
    return everywhere(state)


def _standards_bias(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    wave = state.template.wave
    u = (2 * wave - wave[0] - wave[-1]) / (wave[-1] - wave[0])
    tilt = 1 + amplitude * (0.7 + 0.3 * rng.choice([-1, 1]) * u)
    state.fluxcalib = state.fluxcalib * tilt.astype(np.float32)
    return everywhere(state)


def _calibration_ism(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    lines = _ISM[state.conditions.band]
    dip = np.ones_like(state.template.wave)
    for centre in lines:
        dip *= 1 - amplitude * gaussian(state.template.wave, centre, 3)
    state.fluxcalib = state.fluxcalib * dip.astype(np.float32)
    return Place(np.arange(DESI.fibers), (lines[0] - 3, lines[-1] + 3))


def _rough_calibration(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    wave = state.template.wave
    first = int(rng.integers(20, wave.size - 320))
    rough = np.ones(wave.size, dtype=np.float32)
    rough[first : first + 300] = np.exp(amplitude * rng.standard_normal(300))
    state.fluxcalib = state.fluxcalib * rough
    state.fluxcalib_ivar = state.fluxcalib_ivar / rough**2
    return Place(np.arange(DESI.fibers), (float(wave[first]), float(wave[first + 299])))


def _stuck_variance(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    rows = np.flatnonzero((state.targets.fibermap["FIBERSTATUS"] & STUCKPOSITIONER) != 0)
    state.cframe_ivar[rows] /= np.float32((1 + amplitude) ** 2)
    return everywhere(state, rows)


def _barycenter_per_tile(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    x, y = fiber_positions(state.conditions.petal)
    angle = rng.uniform(0, 2 * np.pi)
    velocity = amplitude * (x * np.cos(angle) + y * np.sin(angle)) / DESI.radius
    stretch = (velocity / SPEED_OF_LIGHT).astype(np.float32)[:, None] * state.template.wave.astype(np.float32)
    state.cframe = state.cframe - stretch * derivatives(state.cframe)[0]
    return everywhere(state)


def _junk_exposure(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    holes = state.mask > 0
    state.cframe[holes] = np.float32(amplitude) * rng.standard_normal(int(holes.sum()), dtype=np.float32)
    state.cframe_ivar[holes] = np.float32(1 / max(abs(amplitude), 1e-3) ** 2)
    return everywhere(state, np.flatnonzero(holes.any(axis=1)))


CALIBRATION_FAULTS = (
    Fault(
        "fluxcalib_scale",
        "F41",
        "desispec#1103",
        "fluxcalib",
        "1",
        2.0,
        "The calibration of a petal is off by a factor.",
        cause="flux_calibration",
        camera=_fluxcalib_scale,
        product="fluxcalib",
    ),
    Fault(
        "fluxcalib_zero",
        "F41",
        "desispec#1103",
        "fluxcalib",
        "1",
        1.0,
        "Calibration vectors are zero.",
        cause="flux_calibration",
        camera=_fluxcalib_zero,
        product="fluxcalib",
    ),
    Fault(
        "fluxcalib_ivar",
        "F41",
        "desispec#1103",
        "fluxcalib",
        "dex",
        12.0,
        "The ivar of the calibration is absurdly large.",
        cause="flux_calibration",
        camera=_fluxcalib_ivar,
        product="fluxcalib.ivar",
    ),
    Fault(
        "standards_bias",
        "F42",
        "desispec#2718",
        "fluxcalib",
        "1",
        0.2,
        "Wrong or mispositioned standards bias level and colour of a petal.",
        cause="standards",
        camera=_standards_bias,
        product="fluxcalib",
    ),
    Fault(
        "calibration_ism",
        "F44",
        "desispec#1160",
        "fluxcalib",
        "1",
        0.03,
        "Interstellar Ca and Na lines of the standards are printed in the calibration.",
        cause="star_lines",
        camera=_calibration_ism,
        bands="br",
        product="fluxcalib",
    ),
    Fault(
        "rough_calibration",
        "F41",
        "desispec#1108",
        "fluxcalib",
        "1",
        0.5,
        "A chunk of 300 pixels of the calibration vector has wild values, of which its ivar knows.",
        cause="flux_calibration",
        camera=_rough_calibration,
        product="fluxcalib",
    ),
    Fault(
        "stuck_variance",
        "F45",
        "desispec#2452",
        "cframe",
        "1",
        27.0,
        "The ivar of stuck sky fibers is too small: their errors are too large by a factor.",
        cause="variance",
        camera=_stuck_variance,
        product="cframe.ivar",
    ),
    Fault(
        "junk_exposure",
        "F46",
        "desispec#2839",
        "cframe",
        "10**-17 erg/(s cm2 Angstrom)",
        1e4,
        "An exposure without light fills the masked bins of a coadd with huge values.",
        cause="no_light",
        camera=_junk_exposure,
        product="cframe",
    ),
    Fault(
        "barycenter_per_tile",
        "F49",
        "desispec#2182",
        "cframe",
        "km/s",
        0.8,
        "One barycentric correction for all fibers of a tile: a velocity gradient.",
        cause="barycenter",
        camera=_barycenter_per_tile,
        product="cframe",
    ),
)
