"""Faults of the PSF, the wavelengths and the extraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, spline_filter1d
from scipy.ndimage import shift as shift_spline

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import F32, everywhere
from pytest_specqa.demo.templates import STEP
from pytest_specqa.instrument import DESI


def displaced(spectra: F32, shift: NDArray[np.float64]) -> F32:
    """Spectra moved along wavelength.

    Parameters
    ----------
    spectra : ndarray f4[500, nw]
        Spectra.
    shift : ndarray f8[500]
        Displacement of each [Angstrom].

    Returns
    -------
    ndarray f4[500, nw]
        Cubic-spline interpolated; the edge bins are repeated.
    """
    coefficients = spline_filter1d(spectra, order=3, axis=1, output=np.float32, mode="nearest")
    out = np.empty_like(spectra)
    for row, offset in enumerate(shift / STEP):
        shift_spline(coefficients[row], offset, output=out[row], order=3, mode="nearest", prefilter=False)
    return out


def _wavelength_shift(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    u = (np.arange(DESI.fibers) - 250) / 250
    shape = rng.uniform(-0.5, 0.5) + rng.choice([-1, 1]) * u + rng.uniform(-1, 1) * u**2
    state.counts = displaced(state.counts, amplitude * shape / np.abs(shape).max())
    return everywhere(state)


def _psf_fallback(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    u = (np.arange(DESI.fibers) - 250) / 250
    width = state.template.sigma * np.sqrt((1 + abs(amplitude)) ** 2 - 1) * np.sign(amplitude)
    blurred = gaussian_filter1d(state.counts, abs(width) / STEP, axis=1, mode="nearest")
    moved = displaced(blurred, 0.3 * amplitude / 0.4 * (0.5 + 0.5 * u))
    leak = np.float32(0.02 * amplitude / 0.4)
    state.counts = (1 - leak) * moved + leak * 0.5 * (np.roll(moved, 1, axis=0) + np.roll(moved, -1, axis=0))
    return everywhere(state)


def _trace_offset_variance(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    state.ivar *= np.float32(1 + amplitude)
    return everywhere(state)


EXTRACTION_FAULTS = (
    Fault(
        "wavelength_shift",
        "F17",
        "desispec#953",
        "ccd",
        "Angstrom",
        0.05,
        "The wavelengths of the fibers are off by a quadratic along the slit.",
        cause="wavelengths",
        camera=_wavelength_shift,
        persistent=True,
    ),
    Fault(
        "psf_fallback",
        "F18",
        "desispec#2133",
        "ccd",
        "1",
        0.4,
        "A default PSF is used: wider lines, a shift, and light of the neighbours.",
        cause="extraction",
        camera=_psf_fallback,
    ),
    Fault(
        "trace_offset_variance",
        "F20",
        "desispec#1368",
        "frame",
        "1",
        0.2,
        "Traces that are off sideways give the wrong variance: ivar is too large.",
        cause="extraction",
        camera=_trace_offset_variance,
        product="frame.ivar",
    ),
)
