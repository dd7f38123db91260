"""Faults of the level of calibrated spectra, which only other petals, other exposures and images tell."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import everywhere


def _scaled(state: Exposure, factor: float) -> Place:
    """Give spectra that are brighter by a factor."""
    state.fluxcalib = (state.fluxcalib / np.float32(factor)).astype(np.float32)
    state.fluxcalib_ivar = state.fluxcalib_ivar * np.float32(factor**2)
    return everywhere(state)


def _one_camera(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    return _scaled(state, 1.0 + amplitude)


def _vega_for_ab(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    return _scaled(state, float(10 ** (0.4 * amplitude)))


LEVEL_FAULTS = (
    Fault(
        "bright_camera",
        "F42",
        "desispec#1249",
        "fluxcalib",
        "1",
        0.2,
        "One camera of one petal is calibrated brighter than all others.",
        cause="flux_calibration",
        camera=_one_camera,
        product="fluxcalib",
    ),
    Fault(
        "vega_for_ab",
        "F42",
        "desispec#1109",
        "fluxcalib",
        "mag",
        0.3,
        "Magnitudes of the standards are taken for those of another system: all petals are too bright.",
        cause="standards",
        camera=_vega_for_ab,
        product="fluxcalib",
    ),
)
