"""Which trials make a judgement: enough for minutes, or for the full figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.instrument import DESI
from pytest_specqa.trials import interop
from pytest_specqa.trials.nights import Night, planted_in
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
    nights, pairs : int
        Nights with each fault alone, and nights with two of them.
    """

    cameras: int
    exposures: int
    petals: int
    tiles: int
    quiet: int
    curve: int
    fitted: int = 0
    nights: int = 0
    pairs: int = 0


QUICK = Plan(cameras=240, exposures=6, petals=150, tiles=4, quiet=4, curve=2, fitted=6, nights=1, pairs=24)
FULL = Plan(cameras=5000, exposures=1000, petals=5000, tiles=100, quiet=30, curve=4, fitted=102, nights=4, pairs=200)

SIZES = (1.0, 3.0)
"""Sizes at which faults are planted in nights, in units of the reported one: the second where nothing fails at the first."""


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


def night_seeds(plan: Plan) -> list[int]:
    """Seeds of the nights that the triage is measured on: odd ones from 3 on.

    Rules are made on nights of even seeds, and were mended for kinds of mistakes that seed 1 showed.

    Parameters
    ----------
    plan : Plan
        How many.

    Returns
    -------
    list of int
        Ascending.
    """
    return [2 * number + 3 for number in range(plan.nights)]


def clean_nights(plan: Plan) -> list[Night]:
    """List the nights in which nothing is wrong, of all bands: the good units of every other night.

    Parameters
    ----------
    plan : Plan
        How many.

    Returns
    -------
    list of Night
        One of each seed and band.
    """
    return [Night(seed, band) for seed in night_seeds(plan) for band in DESI.letters]


def fault_nights(plan: Plan, seen: Mapping[str, bool]) -> list[Night]:
    """List the nights with one fault, at the smallest of `SIZES` at which it makes something fail.

    Parameters
    ----------
    plan : Plan
        How many.
    seen : mapping of str to bool
        Whether something fails, by night, as far as it is known.

    Returns
    -------
    list of Night
        One of each seed and fault; larger ones replace those of which nothing fails.
    """
    found = []
    for seed in night_seeds(plan):
        for fault in FAULTS.values():
            sizes = [Night(seed, band_of(fault), (planted_in(fault, size=size, seed=seed),)) for size in SIZES]
            found.append(next((night for night in sizes if seen.get(night.key, True)), sizes[-1]))
    return found


def pair_nights(plan: Plan, seen: Mapping[str, bool]) -> list[Night]:
    """Draw nights with two faults of different causes, each at a size at which it makes something fail alone.

    Parameters
    ----------
    plan : Plan
        How many.
    seen : mapping of str to bool
        Whether something fails in nights with one fault.

    Returns
    -------
    list of Night
        In turn in different petals and in the same one; what strikes all petals is in the same one always.
    """
    alone = {
        seed: [night for night in fault_nights(plan, seen) if night.seed == seed and seen.get(night.key)]
        for seed in night_seeds(plan)
    }
    rng = np.random.default_rng(2)
    found: dict[str, Night] = {}
    usual = {seed: [night.plants[0] for night in nights if night.band == "r"] for seed, nights in alone.items()}
    possible = [seed for seed, plants in usual.items() if len({FAULTS[plant.fault].cause for plant in plants}) > 1]
    while possible and len(found) < plan.pairs:
        seed = int(rng.choice(possible))
        first, second = (usual[seed][number] for number in rng.permutation(len(usual[seed]))[:2])
        step = int(rng.integers(1, DESI.spectrographs))
        if FAULTS[first.fault].cause == FAULTS[second.fault].cause:
            continue
        petal = first.petals[0] if len(found) % 2 else (first.petals[0] + step) % DESI.spectrographs
        moved = planted_in(FAULTS[second.fault], size=second.size, seed=seed, petal=petal)
        night = Night(seed, "r", (first, moved))
        found[night.key] = night
    return list(found.values())
