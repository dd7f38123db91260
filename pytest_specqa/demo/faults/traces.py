"""Faults of traces and bundles: fibers with the wavelengths or the names of others."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.extraction import displaced
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.place import everywhere
from pytest_specqa.instrument import DESI

_RANKS = 2
"""Processes that share the bundles of a camera; each repeats the correction for every bundle of its own."""


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


TRACE_FAULTS = (
    Fault(
        "repeated_barycenter",
        "F17",
        "desispec#941",
        "ccd",
        "Angstrom",
        0.35,
        "The barycentric correction is applied once more for every bundle that a process extracts.",
        cause="barycenter",
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
        cause="fiber_labels",
        camera=_shifted_labels,
    ),
)
