"""The triage, tried on all nights of a plan."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_specqa.trials import plan as plans
from pytest_specqa.trials.nights import Judged, Night, Plant
from pytest_specqa.trials.plan import Plan
from pytest_specqa.trials.stored import Lines
from pytest_specqa.trials.told import Pair, Told, failing, told, told_pair


@dataclass(frozen=True)
class Tried:
    """What the triage says of nights with faults.

    Attributes
    ----------
    told : list of Told
        Nights with one fault, of which something fails.
    unseen : list of Plant
        Faults of nights in which nothing fails.
    pairs : list of Pair
        Nights with two faults.
    seeds : list of int
        Of the nights.
    """

    told: list[Told] = field(default_factory=list)
    unseen: list[Plant] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)


def carry_out(
    plan: Plan, store: Lines[Night, Judged], *, processes: int, progress: bool = True, seconds: float = math.inf
) -> Tried:
    """Simulate and judge the nights of a plan that are not stored yet, and ask the triage about all of them.

    Parameters
    ----------
    plan : Plan
        How many.
    store : Lines
        Where the records of nights are kept.
    processes : int
        Workers.
    progress : bool
        Whether to show a progress bar.
    seconds : float
        Time after which no more nights are waited for.

    Returns
    -------
    Tried
        What is said of the nights that are there.
    """
    end = time.monotonic() + seconds

    def nights(wanted: Iterable[Night]) -> dict[str, Judged]:
        """What became of these nights, as far as the time reaches."""
        rest = max(end - time.monotonic(), 0.0)
        made = store.complete(wanted, processes=processes, progress=progress, seconds=rest)
        return {judged.night.key: judged for judged in made}

    clean = nights(plans.clean_nights(plan))
    seen: dict[str, bool] = {}
    ones: dict[str, Judged] = {}
    for _ in plans.SIZES:
        # What makes nothing fail is planted larger in the next round.
        ones = nights(plans.fault_nights(plan, seen))
        seen |= {key: bool(failing(one, good)) for key, one in ones.items() if (good := _beside(one, clean))}
    pairs = nights(plans.pair_nights(plan, seen))
    return tried(ones.values(), pairs.values(), clean, seeds=plans.night_seeds(plan))


def tried(ones: Iterable[Judged], pairs: Iterable[Judged], clean: Mapping[str, Judged], *, seeds: list[int]) -> Tried:
    """Ask the triage about nights.

    Parameters
    ----------
    ones, pairs : iterable of Judged
        Nights with one fault, and with two.
    clean : mapping of str to Judged
        Clean nights by key; a night without its clean one is left out.
    seeds : list of int
        Of the nights.

    Returns
    -------
    Tried
        What is said.
    """
    found = Tried(seeds=seeds)
    for one in sorted(ones, key=_key):
        if good := _beside(one, clean):
            said = told(one, good)
            if said is None:
                found.unseen.append(one.night.plants[0])
            else:
                found.told.append(said)
    found.pairs.extend(told_pair(pair, good) for pair in sorted(pairs, key=_key) if (good := _beside(pair, clean)))
    return found


def _key(judged: Judged) -> str:
    return judged.night.key


def _beside(judged: Judged, clean: Mapping[str, Judged]) -> dict[str, Judged]:
    """Clean nights of the same seed, by band; empty where that of its own band is not there."""
    night = judged.night
    found = {each.night.band: each for each in clean.values() if each.night.seed == night.seed}
    return found if night.band in found else {}
