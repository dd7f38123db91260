"""Faults of the sky, of its model and of its subtraction."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure, fitted_sky
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.leaks import fake_break_redshifts, line_scale_redshifts
from pytest_specqa.demo.faults.place import draw_block, draw_clear_wave, everywhere, wave_bins
from pytest_specqa.demo.focalplane import fiber_positions
from pytest_specqa.demo.skyfit import line_scale
from pytest_specqa.demo.templates import derivatives, gaussian
from pytest_specqa.instrument import DESI


def _line_scale_leak(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    sky = fitted_sky(state)
    factor = line_scale(state.flattened - sky.flux, state.flattened_ivar, sky)
    sky.flux = sky.flux * (1 + np.float32(amplitude) * factor)
    return everywhere(state, np.flatnonzero(np.abs(factor).max(axis=1) > 0))


def _sky_line_mismatch(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    u = (np.arange(DESI.fibers) - 250) / 250
    first, second = derivatives(state.typical_sky)
    shift = amplitude * rng.choice([-1, 1]) * u**2
    state.sky_light += shift.astype(np.float32)[:, None] * (first + np.float32(0.25 * 0.5) * second)
    return everywhere(state, np.flatnonzero(u != 0))


def _vertical_feature(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    centre = draw_clear_wave(state, rng)
    bins = wave_bins(state, centre - 1.6, centre + 1.6)
    state.sframe[:, bins] += np.float32(amplitude) * fitted_sky(state).mean[bins]
    return Place(np.arange(DESI.fibers), (centre - 1.6, centre + 1.6))


def _sky_bump(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows = draw_block(rng, 10)
    sky, wave = fitted_sky(state), state.template.wave
    centre = float(rng.uniform(wave[0] + 200, wave[-1] - 200))
    triangle = np.clip(1 - np.abs(wave - centre) / 84, 0, None)
    sky.flux = sky.flux.copy()
    sky.flux[rows] *= (1 - amplitude * triangle).astype(np.float32)
    return Place(rows, (centre - 84, centre + 84))


def _group_line(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows, centre = draw_block(rng, 50), draw_clear_wave(state, rng)
    near = np.abs(state.template.wave - centre) < 6
    profile = np.float32(amplitude) * np.where(near, gaussian(state.template.wave, centre, 1.0), 0).astype(np.float32)
    state.sframe[rows] += profile * fitted_sky(state).mean
    return Place(rows, (centre - 6.0, centre + 6.0))


def _scattered_light(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    x, y = fiber_positions(state.conditions.petal)
    centre = int(rng.integers(DESI.fibers))
    patch = np.exp(-0.5 * ((x - x[centre]) ** 2 + (y - y[centre]) ** 2) / 40**2)
    patch[patch < 0.1] = 0
    state.sky_light += (amplitude * patch).astype(np.float32)[:, None] * np.median(state.typical_sky)
    return everywhere(state, np.flatnonzero(patch))


def _edge_excess(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    state.sframe[:, :5] += np.float32(amplitude)
    wave = state.template.wave
    return Place(np.arange(DESI.fibers), (float(wave[0]), float(wave[4])))


def _contaminated_sky(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows = np.sort(rng.permutation(state.sky_rows)[:3])
    star = (state.template.observed / 6500) ** -1.0 * (1 - 0.2 * gaussian(state.template.observed, 5175, 30))
    level = np.float32(amplitude) * np.median(state.typical_sky)
    state.sky_light[rows] += level * star.astype(np.float32)
    return everywhere(state, rows)


def _nebular_lines(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    x, y = fiber_positions(state.conditions.petal)
    centre = int(rng.integers(DESI.fibers))
    map_ = np.exp(-0.5 * ((x - x[centre]) ** 2 + (y - y[centre]) ** 2) / 60**2)
    state.sky_light += (amplitude * state.scale * map_).astype(np.float32)[:, None] * state.template.nebular
    return Place(np.flatnonzero(map_ > 0.1), (6548.0, 6734.0))


def _sky_ivar_zero(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows = np.flatnonzero(rng.random(DESI.fibers) < abs(amplitude))
    state.sframe_ivar[rows] = 0
    return everywhere(state, rows)


def _satellite(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    x, y = fiber_positions(state.conditions.petal)
    through, angle = int(rng.integers(DESI.fibers)), rng.uniform(0, np.pi)
    distance = np.abs((x - x[through]) * np.sin(angle) - (y - y[through]) * np.cos(angle))
    rows = np.flatnonzero(distance < 0.6)
    sun = np.float32(amplitude * state.scale) * state.template.moon
    state.sky_light[rows] += sun
    return everywhere(state, rows)


def _laser(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    rows = np.sort(rng.permutation(DESI.fibers)[:8])
    lines = sum(
        height * gaussian(state.template.observed, centre, 1.0) for centre, height in ((5891.6, 1.0), (6485.0, 0.2), (6827.2, 0.3))
    )
    state.sky_light[rows] += np.float32(amplitude * state.scale) * np.asarray(lines, dtype=np.float32)
    return Place(rows, (5885.0, 6833.0))


def _double_sky(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    state.sframe -= np.float32(amplitude) * fitted_sky(state).flux
    return everywhere(state)


def _residual_floor(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    state.sframe += np.float32(amplitude) * fitted_sky(state).mean
    return everywhere(state)


_ELECTRONS = "electron/Angstrom"
SKY_FAULTS = (
    Fault(
        "line_scale_leak",
        "F27",
        "desispec#1452",
        "sky",
        "1",
        1.0,
        "The amplitude fitted on each bright line of each fiber scales the whole sky model, continuum included.",
        cause="sky_model",
        camera=_line_scale_leak,
        redshifts=line_scale_redshifts,
        product="sky",
    ),
    Fault(
        "sky_bump",
        "F27",
        "desispec#1452",
        "sky",
        "1",
        0.3,
        "The sky model of ten neighbouring fibers is too low in a triangle between two lines.",
        cause="sky_model",
        camera=_sky_bump,
        product="sky",
    ),
    Fault(
        "group_line",
        "F29",
        "desisurveyops#167",
        "sframe",
        "1",
        0.5,
        "A line, as a fraction of the sky continuum, in 50 neighbouring fibers.",
        cause="sky_subtraction",
        camera=_group_line,
        product="sframe",
    ),
    Fault(
        "scattered_light",
        "F24",
        "desispec#1452",
        "scene",
        "1",
        0.05,
        "Light without features on a patch of the focal plane, as a fraction of the sky.",
        cause="stray_light",
        camera=_scattered_light,
        product="frame",
    ),
    Fault(
        "sky_line_mismatch",
        "F28",
        "desispec#1008",
        "scene",
        "Angstrom",
        0.02,
        "Line centres and widths differ along the slit in a way that the sky model does not know.",
        cause="line_shape",
        camera=_sky_line_mismatch,
    ),
    Fault(
        "vertical_feature",
        "F29",
        "desisurveyops#167",
        "sframe",
        "1",
        0.15,
        "All fibers have an excess at one wavelength, a fraction of the sky.",
        cause="sky_subtraction",
        camera=_vertical_feature,
        redshifts=fake_break_redshifts((0.5,), share=1.0),
        product="sframe",
    ),
    Fault(
        "edge_excess",
        "F29",
        "desispec#2316",
        "sframe",
        _ELECTRONS,
        3.0,
        "The bluest bins of all fibers are high.",
        cause="sky_subtraction",
        camera=_edge_excess,
        product="sframe",
    ),
    Fault(
        "contaminated_sky",
        "F32",
        "desispec#1367",
        "scene",
        "1",
        0.3,
        "Starlight in three sky fibers, a fraction of the sky.",
        cause="sky_fiber_light",
        camera=_contaminated_sky,
    ),
    Fault(
        "nebular_lines",
        "F33",
        "desispec#1253",
        "scene",
        _ELECTRONS,
        300.0,
        "Galactic H-alpha, [N II] and [S II] in a patch of the focal plane: real light, to be named and not failed.",
        cause="nebular",
        camera=_nebular_lines,
        bands="r",
    ),
    Fault(
        "sky_ivar_zero",
        "F35",
        "desispec#1414",
        "sframe",
        "1",
        1.0,
        "Spectra have ivar 0 although their data are good.",
        cause="masking",
        camera=_sky_ivar_zero,
        product="sframe.ivar",
    ),
    Fault(
        "satellite",
        "F37",
        "desispec#1760",
        "scene",
        "1",
        3.0,
        "A satellite crosses: sunlight in fibers on a straight line, in units of the dark sky.",
        cause="satellite",
        camera=_satellite,
    ),
    Fault(
        "laser_guide_star",
        "F37",
        "desispec#2599",
        "scene",
        _ELECTRONS,
        400.0,
        "Laser and Raman lines in some fibers.",
        cause="laser",
        camera=_laser,
        bands="r",
    ),
    Fault(
        "double_sky",
        "F38",
        "desispec#1895",
        "sframe",
        "1",
        1.0,
        "The sky is subtracted twice, or a fraction of it.",
        cause="sky_subtraction",
        camera=_double_sky,
        product="sframe",
    ),
    Fault(
        "residual_floor",
        "F39",
        "desispec#1238",
        "sframe",
        "1",
        0.002,
        "The same fraction of the sky is left in all fibers of all exposures.",
        cause="sky_subtraction",
        camera=_residual_floor,
        product="sframe",
    ),
)
