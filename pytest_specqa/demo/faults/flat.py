"""Faults of the fiberflat."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import F32, Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import everywhere, touched
from pytest_specqa.demo.focalplane import fiber_positions
from pytest_specqa.demo.instrument import set_true_flat
from pytest_specqa.demo.templates import flat_modes, gaussian
from pytest_specqa.instrument import DESI, SPEED_OF_LIGHT


def _reshape(state: Exposure, *, dip_shift: float) -> None:
    """Change the smooth part of the measured flat, keeping its noise."""
    band, wave = state.conditions.band, state.template.wave
    coefficients = state.flat_coefficients.astype(np.float32)
    wanted = coefficients @ flat_modes(band, wave, dip_shift=dip_shift)
    state.fiberflat = state.fiberflat * wanted / (coefficients @ flat_modes(band, wave))


def _collimator_dip(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    _reshape(state, dip_shift=amplitude)
    return Place(np.arange(DESI.fibers), (4200.0, 4600.0))


def _flat_wavelength_frame(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    band, wave = state.conditions.band, state.template.observed
    coefficients = state.flat_coefficients.astype(np.float32)
    beside = coefficients @ flat_modes(band, wave * (1 + amplitude / SPEED_OF_LIGHT))
    shifted: F32 = (beside / (coefficients @ flat_modes(band, wave))).astype(np.float32)
    state.flattened = state.flattened / shifted
    state.flattened_ivar = state.flattened_ivar * shifted**2
    return Place(np.arange(DESI.fibers), (4200.0, 4600.0))


def _flat_applied_again(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    again = np.maximum(state.flat_used, np.float32(1e-2)) ** np.float32(amplitude)
    state.flattened = state.flattened / again
    state.flattened_ivar = state.flattened_ivar * again**2
    return everywhere(state)


def _flat_of_other_fibers(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    rows = np.arange(round(min(abs(amplitude), 1.0) * DESI.fibers))
    other = np.maximum(state.flat_used[np.roll(rows, 1)], np.float32(1e-2)) / np.maximum(state.flat_used[rows], np.float32(1e-2))
    state.flattened[rows] = state.flattened[rows] / other
    state.flattened_ivar[rows] = state.flattened_ivar[rows] * other**2
    return everywhere(state, rows)


def _flat_masked(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    rows = np.arange(round(min(abs(amplitude), 1.0) * DESI.fibers))
    state.flat_ivar = np.array(state.flat_ivar)
    state.flat_ivar[rows] = 0
    state.flattened_ivar[rows] = 0
    return everywhere(state, rows)


def _flat_screen_gradient(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    x, y = fiber_positions(state.conditions.petal)
    angle = rng.uniform(0, 2 * np.pi)
    tilt = 1 + amplitude * (x * np.cos(angle) + y * np.sin(angle)) / DESI.radius
    state.fiberflat = state.fiberflat * tilt.astype(np.float32)[:, None]
    return everywhere(state)


def _flat_stray_light(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    fiber, wave = int(rng.integers(DESI.fibers)), state.template.wave
    centre = 5880.0 if state.conditions.band == "r" else float(rng.uniform(wave[100], wave[-100]))
    profile = gaussian(wave, centre, 8)
    state.fiberflat[fiber] *= (1 + amplitude * profile).astype(np.float32)
    return Place(np.array([fiber]), (centre - 16, centre + 16))


def _flat_lamp_off(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    wave = state.template.wave
    u = (2 * wave - wave[0] - wave[-1]) / (wave[-1] - wave[0])
    state.fiberflat = state.fiberflat * (1 + amplitude * u**4).astype(np.float32)
    return everywhere(state)


def _dead_fiber(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    fiber = int(rng.integers(DESI.fibers))
    state.flat_coefficients[fiber] *= 1 - amplitude
    set_true_flat(state)
    where = np.zeros(state.true_flat.shape, dtype=bool)
    where[fiber] = True
    return touched(state, where)


FLAT_FAULTS = (
    Fault(
        "collimator_dip",
        "F21",
        "desispec#1565",
        "flat",
        "Angstrom",
        4.0,
        "The coating dip near 4400 Angstrom has moved since the flats were taken.",
        cause="flat_taken",
        camera=_collimator_dip,
        bands="b",
        product="fiberflat",
    ),
    Fault(
        "flat_wavelength_frame",
        "F23",
        "desispec#1111",
        "flattened",
        "km/s",
        30.0,
        "The flat is applied in another frame of reference than the spectra; its file is right.",
        cause="flat_applied",
        camera=_flat_wavelength_frame,
        bands="b",
        product="sframe",
    ),
    Fault(
        "flat_applied_again",
        "F23",
        "desispec#1111",
        "flattened",
        "1",
        1.0,
        "The flat is applied to all fibers again, in whole or in part; -1: it is not applied at all.",
        cause="flat_applied",
        camera=_flat_applied_again,
        product="sframe",
    ),
    Fault(
        "flat_of_other_fibers",
        "F23",
        "desispec#1111",
        "flattened",
        "1",
        1.0,
        "A part of the fibers is divided by the flat of their neighbours.",
        cause="flat_applied",
        camera=_flat_of_other_fibers,
        product="sframe",
    ),
    Fault(
        "flat_masked",
        "F26",
        "desispec#856",
        "flattened",
        "1",
        1.0,
        "The flat of a part of the fibers, or of all, is masked, and is used.",
        cause="flat_applied",
        camera=_flat_masked,
        product="sframe.ivar",
    ),
    Fault(
        "flat_screen_gradient",
        "F24",
        "desispec#2172",
        "flat",
        "1",
        0.05,
        "The flat screen was lit unevenly: the flat tilts over the focal plane.",
        cause="flat_taken",
        camera=_flat_screen_gradient,
        persistent=True,
        product="fiberflat",
    ),
    Fault(
        "flat_stray_light",
        "F25",
        "desispec#1946",
        "flat",
        "1",
        0.2,
        "Stray light in the flats of one fiber over-corrects it at one wavelength.",
        cause="flat_taken",
        camera=_flat_stray_light,
        persistent=True,
        product="fiberflat",
    ),
    Fault(
        "flat_lamp_off",
        "F25",
        "desispec#897",
        "flat",
        "1",
        2.0,
        "A missing lamp makes the flat of a petal rise to 3 at both ends.",
        cause="flat_taken",
        camera=_flat_lamp_off,
        product="fiberflat",
    ),
    Fault(
        "dead_fiber",
        "F26",
        "desispec#2332",
        "scene",
        "1",
        0.55,
        "A broken fiber that no list knows.",
        cause="dead_fiber",
        camera=_dead_fiber,
        persistent=True,
        product="fiberflat",
    ),
)
