"""How often the history of redshifts tells of sound fibers, and how many objects of a bad one it needs.

Usage: ``python benchmarks/redshifts.py [--stores 10] [--tiles 300] [--times 100]``. Redshifts of all fibers of clean stores are
drawn from the n(z) of the tracers; sound fibers differ in their rate of outliers by 30 %, tiles by 40 %, and fits that fail have
any redshift. False findings are counted at many times the rate that they are promised at, so that there are some. Then one
fiber in fifty is bad at the reported rates for as many objects as a multiple of the binomial limit.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np

from pytest_specqa.measures.history.chances import log_product
from pytest_specqa.measures.history.objects import TRACERS, Objects, state_of
from pytest_specqa.measures.redshifts.reference import reference_density
from pytest_specqa.results.history.outliers import OUTLIERS, SERIES, Bar, Usual, find_outliers
from pytest_specqa.results.history.pileups import RATE, SHARES
from pytest_specqa.results.history.suspects import SEARCHES, find_suspects, line_density

FIBERS, PETALS, BASE = 500, 10, 0.0018
GRID = np.linspace(0.0, 4.5, 4501)
FAILED = {"BGS": 0.03, "LRG": 0.03, "ELG": 0.28, "QSO": 0.15}
LIMITS = {0.022: 703, 0.043: 279, 0.255: 30}


def draw(rng: np.random.Generator, tiles: int, *, bright: float, petals: int = PETALS) -> list[Objects]:
    """Draw the objects of clean petals."""
    cumulative = {name: np.cumsum(reference_density(GRID, name)) for name in TRACERS}
    poor = rng.lognormal(-0.08, 0.4, tiles)
    is_bright = rng.random(tiles) < bright
    found = []
    for petal in range(petals):
        rates = BASE * rng.lognormal(-0.045, 0.3, FIBERS) * poor[:, None]
        shape = (tiles, FIBERS)
        names = np.where(is_bright[:, None], "BGS", rng.choice(["LRG", "ELG", "QSO", ""], shape, p=[0.2, 0.5, 0.2, 0.1]))
        z, spectype, target, failed = np.zeros(shape), np.ones(shape), np.ones(shape), np.zeros(shape, dtype=bool)
        for name, bit in TRACERS.items():
            rows = names == name
            z[rows] = np.interp(rng.random(rows.sum()), cumulative[name] / cumulative[name][-1], GRID)
            failed[rows] = rng.random(rows.sum()) < FAILED[name]
            target[rows] += bit
            spectype[rows] = 2 if name == "QSO" else 1
        lost = failed & (rng.random(shape) < 0.5)
        z[lost] = rng.uniform(0.0, 1.7, lost.sum())
        wrong = ~failed & (rng.random(shape) < rates)
        z[wrong] = rng.uniform(1.65, 1.7, wrong.sum())
        state = state_of(z, spectype=spectype, zwarn=4.0 * failed, target=target)
        found.append(Objects(np.arange(tiles), np.arange(tiles), FIBERS * petal, z.astype(np.float32), state))
    return found


def false_findings(rng: np.random.Generator, tiles: int, times: float) -> Counter[str]:
    """Count what is told of a clean store at so many times the rate of 1,000 nights."""
    petals = draw(rng, tiles, bright=0.5)
    every = float(np.log(RATE * times))
    ones = {name: every + float(np.log(share / FIBERS / PETALS)) for name, share in SHARES.items()}
    told = Counter(
        change.what for change in find_outliers(petals, Usual.of(petals), bar=Bar(ones["outliers"] - np.log(SERIES), every))
    )
    for suspect in find_suspects(petals, line_density(petals)):
        told["pile-up"] += suspect.clump.log_number <= ones["pile-ups"] - np.log(SEARCHES)
        # Without a fault any chance of the residuals is as likely.
        both = log_product(suspect.clump.log_number, float(np.log(rng.random())), most=1e-3)
        told["joined"] += both <= ones["joined"] - np.log(SEARCHES)
    return told


def power(rng: np.random.Generator, rate: float, objects: int) -> float:
    """Part of the bad fibers that is found among sound ones: bright galaxies, a thousand and more for each."""
    petals = draw(rng, 1500, bright=1.0, petals=4)
    bad = np.arange(0, FIBERS, 50)
    for each in petals:
        for column in bad:
            begin = rng.integers(0, 1500 - objects)
            rows = begin + np.flatnonzero(rng.random(objects) < rate)
            each.z[rows, column] = rng.uniform(1.0, 1.7, len(rows))
            each.state[rows, column] &= 31
    every = float(np.log(RATE))
    bar = Bar(every + float(np.log(SHARES["outliers"] / FIBERS / PETALS / SERIES)), every)
    found = {
        change.fibers[0] for change in find_outliers(petals, Usual.of(petals), bar=bar) if change.fibers and change.what == OUTLIERS
    }
    planted = {each.first + int(column) for each in petals for column in bad}
    return len(found & planted) / len(planted)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=10)
    parser.add_argument("--tiles", type=int, default=300)
    parser.add_argument("--times", type=float, default=100.0)
    asked = parser.parse_args()
    rng = np.random.default_rng(1)
    told: Counter[str] = Counter()
    begin = time.process_time()
    for _ in range(asked.stores):
        told += false_findings(rng, asked.tiles, asked.times)
    spent = (time.process_time() - begin) / max(asked.stores, 1)
    allowed = {name: RATE * asked.times * share * asked.stores for name, share in SHARES.items()}
    print(f"{asked.stores} clean stores of {asked.tiles} tiles, {spent:.0f} CPU s each: told {dict(told)}, allowed {allowed}")
    for rate, limit in LIMITS.items():
        for multiple in (1.0, 1.25, 1.5):
            found = power(rng, rate, round(multiple * limit))
            print(f"outliers {100 * rate:.1f} %, {multiple:g} x {limit} objects: {100 * found:.0f} % of the bad fibers found")


if __name__ == "__main__":
    main()
