"""Which trials make a judgement: enough for minutes, or for the full figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.instrument import DESI
from pytest_specqa.trials import interop
from pytest_specqa.trials.scenes import ONE_PETAL, WHOLE_EXPOSURES, band_of
from pytest_specqa.trials.trials import Trial

STEPS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0)
"""Amplitudes of a detection curve, in units of the fault's default."""
REPORTED = (1 / 3, 1.0, 3.0)
"""Amplitudes at which it is told whether, where and at which stage a fault is found, in units of the reported size."""

VISITED = ("bright_camera", "vega_for_ab", "standards_bias")
"""Faults that are also planted in one of the exposures of a tile, for the expectations that compare them."""
NO_FAULT = {"F33"}
"""Entries of the library that must not trigger: emission of the Galaxy."""


@dataclass(frozen=True)
class Plan:
    """Numbers of trials.

    Attributes
    ----------
    cameras, exposures, petals, tiles : int
        Clean camera-exposures (shared by the bands), whole exposures, tile petals, and tiles of three exposures.
    fitted : int
        Clean camera-exposures whose sky the survey's own code fits, where it is installed.
    quiet : int
        Trials of each must-not-trigger case.
    curve : int
        Trials of each fault at each amplitude.
    """

    cameras: int
    exposures: int
    petals: int
    tiles: int
    quiet: int
    curve: int
    fitted: int = 0


QUICK = Plan(cameras=240, exposures=6, petals=150, tiles=4, quiet=4, curve=2, fitted=6)
FULL = Plan(cameras=5000, exposures=1000, petals=5000, tiles=100, quiet=30, curve=4, fitted=102)


def clean_trials(plan: Plan) -> Iterator[Trial]:
    """List the trials in which nothing is wrong.

    Parameters
    ----------
    plan : Plan
        How many.

    Yields
    ------
    Trial
        Cameras of all bands, exposures, petals and tiles.
    """
    yield from (Trial("camera", "clean", seed, band=DESI.letters[seed % 3]) for seed in range(plan.cameras))
    yield from (Trial("exposure", "clean", seed, band=DESI.letters[seed % 3]) for seed in range(plan.exposures))
    yield from (Trial("petal", "clean", seed) for seed in range(plan.petals))
    yield from (Trial("tile", "clean", seed, band=DESI.letters[seed % 3]) for seed in range(plan.tiles))


def fitted_trials(plan: Plan) -> Iterator[Trial]:
    """List the clean trials whose sky the survey's own code fits; none where it is not installed.

    Parameters
    ----------
    plan : Plan
        How many.

    Yields
    ------
    Trial
        Cameras of all bands.
    """
    if interop.available():
        yield from (Trial("camera", interop.CASE, seed, band=DESI.letters[seed % 3]) for seed in range(plan.fitted))


def quiet_trials(plan: Plan) -> Iterator[Trial]:
    """List the trials of the must-not-trigger cases.

    Parameters
    ----------
    plan : Plan
        How many of each.

    Yields
    ------
    Trial
        Cameras and petals; a camera that is missing by decision has nothing to simulate.
    """
    kinds = {"camera": "camera", "tile": "petal"}
    for case in QUIET.values():
        if case.level in kinds:
            yield from (Trial(kinds[case.level], f"quiet:{case.name}", seed) for seed in range(plan.quiet))


def fault_trials(plan: Plan) -> Iterator[Trial]:
    """List the trials of every fault at every amplitude.

    Parameters
    ----------
    plan : Plan
        How many at each amplitude.

    Yields
    ------
    Trial
        One band for each fault: ``r`` where it shows there.
    """
    for fault in FAULTS.values():
        if fault.id in NO_FAULT:
            continue
        whole = fault.camera if fault.name in (*WHOLE_EXPOSURES, *ONE_PETAL) else None
        visits = fault.camera if fault.name in VISITED else None
        kinds = (("camera", fault.camera), ("exposure", whole), ("tile", visits), ("petal", fault.redshifts))
        for kind in (name for name, acts in kinds if acts is not None):
            for step in sorted({*STEPS, *REPORTED}):
                for seed in range(plan.curve):
                    yield Trial(kind, fault.name, seed, amplitude=step * fault.amplitude, band=band_of(fault))
