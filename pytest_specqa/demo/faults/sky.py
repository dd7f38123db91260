"""Faults of the sky and of its model."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo import exposure as stages
from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.skyfit import line_scale


def _line_scale_leak(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    sky = stages.fitted_sky(state)
    factor = line_scale(state.flattened - sky.flux, state.flattened_ivar, sky)
    factor *= np.float32(amplitude)
    sky.flux = sky.flux * (1 + factor)
    rows = np.flatnonzero(np.abs(factor).max(axis=1) > 0.03 * abs(amplitude))
    return Place(rows, (float(state.template.wave[0]), float(state.template.wave[-1])))


SKY_FAULTS = (
    Fault(
        name="line_scale_leak",
        id="F27",
        reference="desispec#1452",
        stage="sky",
        unit="1",
        amplitude=1.0,
        doc="The amplitude fitted on each bright line of each fiber scales the whole sky model, continuum included.",
        camera=_line_scale_leak,
        product="sky",
    ),
)
