"""Faults of traces and bundles: fibers with the wavelengths or the names of others, and holes in the CCD."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.extraction import displaced
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import draw_clear_wave, everywhere, pixel_rows, touched
from pytest_specqa.instrument import DESI

_RANKS = 2
"""Processes that share the bundles of a camera; each repeats the correction for every bundle of its own."""
_HOLE_FIBERS = 4
_HOLE_WIDTH = 8.5
"""Standard deviation of a hole along the CCD in rows: 12 Angstrom at half depth."""


def _repeated_barycenter(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    bundle = np.arange(DESI.fibers) // DESI.block
    times = (bundle % (DESI.fibers // DESI.block // _RANKS)).astype(np.float64)
    state.counts = displaced(state.counts, amplitude * times)
    return everywhere(state)


def _shifted_labels(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    count = int(np.clip(round(abs(amplitude)), 2, DESI.fibers))
    rows = int(rng.integers(DESI.fibers - count + 1)) + np.arange(count)
    source = np.roll(rows, -1)
    state.counts[rows], state.variance[rows] = state.counts[source], state.variance[source]
    return everywhere(state, rows)


def _ccd_hole(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    first = int(rng.integers(DESI.fibers - _HOLE_FIBERS + 1))
    fibers = np.arange(first, first + _HOLE_FIBERS)
    rows = pixel_rows(state)
    center = np.interp(draw_clear_wave(state, rng), state.template.wave, rows[first])
    change = np.zeros(state.counts.shape, dtype=np.float32)
    change[fibers] = np.exp(-0.5 * ((rows[fibers] - np.float32(center)) / np.float32(_HOLE_WIDTH)) ** 2)
    change[change < 0.01] = 0
    state.counts -= np.float32(amplitude) * change
    return touched(state, change > 0)


TRACE_FAULTS = (
    Fault(
        "repeated_barycenter",
        "F17",
        "desispec#941",
        "ccd",
        "Angstrom",
        0.35,
        "The barycentric correction is applied once more for every bundle that a process extracts.",
        camera=_repeated_barycenter,
    ),
    Fault(
        "shifted_labels",
        "F59",
        "KPF-Pipeline#1446",
        "ccd",
        "fibers",
        75.0,
        "A run of fibers holds the spectra of the next fibers; the flat was taken with the right labels.",
        camera=_shifted_labels,
    ),
    Fault(
        "ccd_hole",
        "F06",
        "desispec#983",
        "ccd",
        "electron/Angstrom",
        200.0,
        "A hole that no mask knows pulls four neighbouring fibers below zero over 12 Angstrom.",
        camera=_ccd_hole,
        persistent=True,
    ),
)
