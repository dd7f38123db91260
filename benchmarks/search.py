"""How often does the search over the nights find something in clean series, how little does it find, and how long does it take?

Series are drawn, standardised and searched as `specqa history` does with a camera: independent Gaussian nights, heavy tails
(Student's t with 3 degrees of freedom), nights that remember (AR(1)), a yearly wave of its own in each series, gaps and noise that
changes with the program. What is counted are series at or above the threshold for an expected number of false alarms in the whole
search, against that number with its 95 % range.

    python benchmarks/search.py clean --series 660000 --nights 1000 --kind normal
    python benchmarks/search.py power --nights 200
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import poisson

from pytest_specqa.measures.history.chance import chance_of_maximum, threshold
from pytest_specqa.measures.history.search import search

KINDS = ("normal", "t3", "ar", "season", "gaps", "mixed")
PANEL = 22_000
"""Series of one kind in a camera: 500 fibers in 44 bins and measures."""


def clean(kind: str, rng: np.random.Generator, *, series: int, nights: int) -> NDArray[np.floating]:
    """Draw series in which nothing happens."""
    shape = (series, nights)
    if kind == "t3":
        return rng.standard_t(3, shape).astype("f4")
    values = rng.standard_normal(shape, dtype="f4")
    if kind == "ar":
        values = lfilter([1.0], [1.0, -0.4], values, axis=1).astype("f4")
    if kind == "season":
        phase = rng.uniform(0, 2 * np.pi, (series, 1))
        values += (0.3 * np.sin(2 * np.pi * np.arange(nights) / 330 + phase)).astype("f4")
    if kind in ("gaps", "mixed"):
        start = int(rng.integers(nights // 2))
        values[:, start : start + nights // 12] = np.nan
        values[rng.random(shape, dtype="f4") < 0.12] = np.nan
        values *= rng.choice([0.7, 1.0, 1.6], nights).astype("f4")
    if kind == "mixed":
        # A tenth of the series is wild one night in a hundred.
        wild = (rng.random(shape, dtype="f4") < 0.01) & (np.arange(series) % 10 == 0)[:, None]
        values += np.where(wild, rng.standard_normal(shape, dtype="f4") * 8, 0)
    return values


def measure_clean(kind: str, *, series: int, nights: int, most: float, seed: int, panel: int = PANEL) -> None:
    """Count clean series that are found at several expected numbers of false alarms."""
    rng = np.random.default_rng(seed)
    expected = (100.0, 10.0, 1.0, 0.5, 0.05)
    chances, spent, searched = [], 0.0, 0
    while searched < series:
        values = clean(kind, rng, series=min(panel, series - searched), nights=nights)
        start = time.perf_counter()
        found = search(values, chance=expected[0] / series, most=most)
        spent += time.perf_counter() - start
        searched += found.searched
        chances += [chance_of_maximum(abs(hit.statistic), hit.nights) for hit in found.hits]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    counts = []
    for number in expected:
        seen = int(np.sum(np.array(chances) * searched <= number))
        low, high = (poisson.ppf(0.025, number), poisson.ppf(0.975, number))
        counts.append(f"{seen} of {number:g} ({low:.0f}-{high:.0f})")
    print(
        f"{kind}: {searched:,} series x {nights:,} nights, {spent:.0f} s, {peak:.1f} GB; false alarms {', '.join(counts)}",
        flush=True,
    )


def measure_power(*, nights: int, series: int, seed: int) -> None:
    """Find the shift that half and nine tenths of changed series are found at, against the test that knows the range."""
    rng = np.random.default_rng(seed)
    chance = 0.05 * nights / 1000 / 3 / 660_000
    for kind in ("normal", "t3"):
        for length in (3, 5, 10, 20, 50, 100):
            ideal = threshold(chance, nights) / np.sqrt(length * (1 - length / nights))
            part = {}
            for ratio in (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0):
                values = clean(kind, rng, series=PANEL // 2, nights=nights)
                changed = np.arange(series)
                start = int(rng.integers(nights - length + 1))
                values[changed, start : start + length] += ratio * ideal
                hits = search(values, chance=chance, most=6.0).hits
                part[ratio] = len({hit.series for hit in hits} & set(changed)) / series
                if part[ratio] > 0.95:
                    break
            half, most = (next((r for r, p in part.items() if p >= wanted), np.nan) for wanted in (0.5, 0.9))
            told = f"matched range {ideal:.2f} sigma; 50 % at {half} times that, 90 % at {most} times"
            print(f"{kind}, {length} of {nights} nights: {told}", flush=True)


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("clean", "power"))
    parser.add_argument("--kind", choices=KINDS, default="normal")
    parser.add_argument("--series", type=int, default=660_000)
    parser.add_argument("--nights", type=int, default=1_000)
    parser.add_argument("--panel", type=int, default=PANEL)
    parser.add_argument("--most", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=12)
    options = parser.parse_args()
    if options.what == "power":
        measure_power(nights=options.nights, series=200, seed=options.seed)
    else:
        sizes = {"series": options.series, "nights": options.nights, "panel": options.panel}
        measure_clean(options.kind, most=options.most, seed=options.seed, **sizes)


if __name__ == "__main__":
    main()
