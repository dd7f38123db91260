"""Faults of single fibers and of small groups of neighbours."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure, fitted_sky
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import draw_block, everywhere, pixel_rows

HOLE_FIBERS = 4
"""Neighbours that the hole of desispec #983 reached."""
HOLE_ROWS = 8.5
"""Standard deviation of the hole in rows of the CCD, 12 Angstrom (FWHM)."""


def _fiber_without_sky(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    sky = fitted_sky(state)
    row = int(rng.choice(np.setdiff1d(np.arange(len(sky.flux)), state.sky_rows)))
    sky.flux = sky.flux.copy()
    sky.flux[row] *= np.float32(1.0 - amplitude)
    return everywhere(state, np.array([row]))


def _ccd_hole(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    fibers = draw_block(rng, HOLE_FIBERS)
    rows, bins = pixel_rows(state)[fibers], state.template.wave.size
    centre = int(rng.uniform(0.1, 0.9) * bins)
    shape = np.exp(-0.5 * ((rows - rows[0, centre]) / HOLE_ROWS) ** 2)
    shape[shape < 0.05] = 0
    state.counts[fibers] -= (amplitude * shape).astype(np.float32)
    inside = np.flatnonzero((shape > 0).any(axis=0))
    return Place(fibers, (float(state.template.wave[inside[0]]), float(state.template.wave[inside[-1]])))


FIBER_FAULTS = (
    Fault(
        "fiber_without_sky",
        "F38",
        "desispec#1895",
        "sky",
        "1",
        1.0,
        "The sky of one fiber is not subtracted, or only a part of it.",
        cause="sky_subtraction",
        camera=_fiber_without_sky,
        product="sky",
    ),
    Fault(
        "ccd_hole",
        "F06",
        "desispec#983",
        "ccd",
        "electron/Angstrom",
        200.0,
        "A hole in the CCD that no mask knows takes light from four neighbouring fibers in 12 Angstrom.",
        cause="ccd_defect",
        camera=_ccd_hole,
        persistent=True,
    ),
)
