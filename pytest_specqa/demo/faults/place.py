"""Where faults strike: blocks of fibers, amplifiers, rows of the CCD, wavelengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.fault import Place
from pytest_specqa.demo.templates import amplifier_map, ccd_rows
from pytest_specqa.instrument import DESI

F32 = NDArray[np.float32]
Rows = NDArray[np.int64]

FIBER_PITCH = 7.3
"""Distance of neighbouring traces [pixel]."""

CLEAR = 5.0
"""Angstrom that a planted feature keeps from the ends of a line-free range, so that all of it lies inside."""


def everywhere(state: Exposure, rows: Rows | None = None) -> Place:
    """All wavelengths of some rows, of all if none are given."""
    return Place(np.arange(DESI.fibers) if rows is None else rows, (float(state.template.wave[0]), float(state.template.wave[-1])))


def touched(state: Exposure, change: NDArray[np.bool_]) -> Place:
    """Rows and the wavelength range of a changed area."""
    rows, bins = np.flatnonzero(change.any(axis=1)), np.flatnonzero(change.any(axis=0))
    if rows.size == 0:
        return Place(rows, (float("nan"), float("nan")))
    return Place(rows, (float(state.template.wave[bins[0]]), float(state.template.wave[bins[-1]])))


def amplifiers(state: Exposure) -> NDArray[np.int8]:
    """Amplifier number 0-3 of each fiber and bin."""
    return amplifier_map(state.conditions.band, state.conditions.heliocor, two_amp=state.conditions.two_amp)


def draw_amplifier(state: Exposure, rng: np.random.Generator) -> int:
    """One of the amplifiers in use."""
    return int(rng.integers(2 if state.conditions.two_amp else 4))


def pixel_rows(state: Exposure) -> F32:
    """CCD row of each fiber and bin."""
    return ccd_rows(state.conditions.band, state.conditions.heliocor)


def draw_block(rng: np.random.Generator, size: int) -> Rows:
    """Neighbouring fibers, beginning at a multiple of their number or of 25."""
    step = min(size, DESI.block)
    start = step * int(rng.integers((DESI.fibers - size) // step + 1))
    return np.arange(start, start + size)


def draw_clear_wave(state: Exposure, rng: np.random.Generator) -> float:
    """A wavelength in one of the line-free windows of the band."""
    band = DESI.bands[state.conditions.band]
    ranges = [(low, high) for low, high in DESI.line_free if band.first < low and high < band.last]
    low, high = ranges[int(rng.integers(len(ranges)))]
    return float(rng.uniform(low + CLEAR, high - CLEAR))


def wave_bins(state: Exposure, low: float, high: float) -> NDArray[np.bool_]:
    """Bins between two wavelengths."""
    inside: NDArray[np.bool_] = (state.template.wave >= low) & (state.template.wave <= high)
    return inside
