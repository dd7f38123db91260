"""Faults of positions, identities and flags."""

from __future__ import annotations

import numpy as np

from pytest_specqa.demo.exposure import Exposure
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.leaks import mispositioned_redshifts
from pytest_specqa.demo.faults.place import everywhere
from pytest_specqa.demo.targets import BADPOSITION
from pytest_specqa.instrument import DESI

_BADAMP = {"b": 1 << 22, "r": 1 << 23, "z": 1 << 24}


def _mispositioned_petal(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    lit = np.flatnonzero(state.targets.fiberflux > 0)
    state.object_light *= np.float32(1 - min(abs(amplitude), 1.0))
    fm = state.targets.fibermap
    for axis in "XY":
        offset = rng.normal(0, 1.0, DESI.fibers) * amplitude
        fm[f"DELTA_{axis}"] += offset
        fm[f"FIBER_{axis}"] -= offset
    fm["FIBERSTATUS"] &= ~BADPOSITION
    return everywhere(state, lit)


def _swapped_fibers(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    lit = rng.permutation(np.flatnonzero(state.targets.fiberflux > 0.3))
    pairs = min(round(abs(amplitude)), lit.size // 2)
    one, other = lit[:pairs], lit[pairs : 2 * pairs]
    state.object_light[np.r_[one, other]] = state.object_light[np.r_[other, one]]
    return everywhere(state, np.sort(np.r_[one, other]))


def _shifted_ids(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    count = round(min(abs(amplitude), 1.0) * DESI.fibers)
    first = int(rng.integers(DESI.fibers - count + 1))
    rows = np.arange(first, first + count)
    state.targets.fibermap["TARGETID"][rows] = np.roll(state.targets.fibermap["TARGETID"][rows], 1)
    return everywhere(state, rows)


def _flag_ignored(state: Exposure, amplitude: float, rng: np.random.Generator) -> Place:
    half = 250 * int(rng.integers(2))
    rows = np.arange(half, half + round(min(abs(amplitude), 1.0) * 250))
    state.targets.fibermap["FIBERSTATUS"][rows] |= _BADAMP[state.conditions.band]
    return everywhere(state, rows)


BOOKKEEPING_FAULTS = (
    Fault(
        "mispositioned_petal",
        "F57",
        "desispec#1648",
        "scene",
        "1",
        0.98,
        "The positioners of a petal miss their targets and no flag says so; the amplitude is the lost light.",
        cause="positioning",
        camera=_mispositioned_petal,
        redshifts=mispositioned_redshifts,
    ),
    Fault(
        "swapped_fibers",
        "F59",
        "desispec#1380",
        "scene",
        "pairs",
        1.0,
        "Two fibers are taken for each other.",
        cause="fiber_labels",
        camera=_swapped_fibers,
    ),
    Fault(
        "shifted_ids",
        "F59",
        "desitarget#892",
        "cframe",
        "1",
        0.27,
        "TARGETID is off by one row in a part of the petal.",
        cause="fiber_labels",
        camera=_shifted_ids,
        product="fibermap",
    ),
    Fault(
        "flag_ignored",
        "F60",
        "desispec#1351",
        "cframe",
        "1",
        1.0,
        "A half petal is flagged as behind a bad amplifier, and its data are kept.",
        cause="flags",
        camera=_flag_ignored,
        product="fibermap",
    ),
)
