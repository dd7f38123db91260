"""The judge judged on a production: units taken as clean, their values beside the simulated ones, and the limits they would set."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from pytest_specqa.checks.outcome import by_check, reduce
from pytest_specqa.results.store import write_text
from pytest_specqa.rules.limits import Limits
from pytest_specqa.trials import distributions, tables
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.trials import Result, Trial
from pytest_specqa.trials.writing import rate, table, write_csv
from pytest_specqa.values import Record

RATE = 1e-4
"""False alarms of one measure on one unit that an own limit allows: one in some ten nights of 900 camera-exposures."""
TAIL = 0.1
"""Part of the values that make the tail."""
FEWEST = 100
"""Values without which there is no tail to go by."""


@dataclass(frozen=True)
class Known:
    """What simulated clean units gave for a measure: how many values, the smallest and the largest."""

    count: int
    smallest: float
    largest: float


def as_results(records: Iterable[Record], *, bad: Collection[str] = ()) -> list[Result]:
    """Take the units of a run as clean trials.

    Parameters
    ----------
    records : iterable of Record
        What was measured.
    bad : collection of str
        Units in which something is known to be wrong: ids as in results, such as ``20211014-00104284-r6``, or the beginning of
        some, such as ``20211014-00104284`` for all cameras of an exposure. A unit that holds a bad one is left out with it.

    Returns
    -------
    list of Result
        One for each unit that is left.
    """
    units: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        units[record["unit"]].append(record)
    return [_result(name, found) for name, found in units.items() if not any(_related(name, each) for each in bad)]


def _related(unit: str, bad: str) -> bool:
    """Tell whether one of the two is the other or a part of it."""
    return unit == bad or unit.startswith(f"{bad}-") or bad.startswith(f"{unit}-")


def _result(name: str, records: list[Record]) -> Result:
    outcomes = {expectation: str(reduce(found).outcome) for (_, expectation), found in by_check(records).items()}
    values = {record["measure"]: record["value"] for record in records if record["value"] is not None}
    camera = records[0]["camera"]
    return Result(Trial(records[0]["kind"], name, seed=0, band=camera[0] if camera else ""), outcomes, values)


def own_limit(values: ArrayLike, *, chance: float = RATE) -> float:
    """Value that clean units would exceed with a given chance.

    Parameters
    ----------
    values : array_like
        Values of clean units, the larger the worse.
    chance : float
        Of one unit.

    Returns
    -------
    float
        The upper tenth of the values is continued as an exponential, and never falls below the largest one; NaN where there are
        fewer than 100 values, or the tail is all alike.

    References
    ----------
    Coles 2001, An Introduction to Statistical Modeling of Extreme Values, ch. 4: excesses over a high threshold, with shape 0.
    """
    known = np.sort(np.asarray(values, dtype=float))
    if known.size < FEWEST:
        return float("nan")
    start = float(np.quantile(known, 1 - TAIL))
    excess = known[known > start] - start
    if not excess.size:
        return float("nan")
    share = excess.size / known.size
    return max(float(known[-1]), start + float(excess.mean()) * float(np.log(share / chance)))


def read_known(path: Path) -> dict[tuple[str, str, str], Known]:
    """Read what simulated clean units gave, from the table that a judgement writes.

    Parameters
    ----------
    path : Path
        ``clean_values.csv``.

    Returns
    -------
    dict of (str, str, str) to Known
        By measure, kind of unit, and band (empty for all together); empty where there is no such file.
    """
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["measure"], row["unit"], row["band"]): Known(int(row["values"]), float(row["smallest"]), float(row["largest"]))
        for row in rows
    }


def write(results: list[Result], *, name: str, limits: Limits, folder: Path, command: str) -> Path:
    """Write ``judgement-NAME.md`` with its tables.

    Parameters
    ----------
    results : list of Result
        Of the units that are taken as clean.
    name : str
        Of the production.
    limits : Limits
        What the values were judged by.
    folder : Path
        Where to; ``judgement/clean_values.csv`` in it holds the simulated values, if there are any.
    command : str
        What repeats the run.

    Returns
    -------
    Path
        The page.
    """
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    data = folder / "judgement"
    data.mkdir(parents=True, exist_ok=True)
    known = read_known(data / "clean_values.csv")
    write_csv(data / f"{safe}.csv", *distributions.table(results, limits))
    header = ["measure", "unit", "band", "values", "median", "largest", "simulated", "beyond", "limit", "own limit"]
    rows = [_row(each, results, known, limits=limits) for each in distributions.quantiles(results)]
    write_csv(data / f"{safe}-limits.csv", header, rows)
    alarms = [row for row in tables.false_alarms(results) if row.failures.hits or row.warnings.hits or row.not_measured.hits]
    failing = sum(any(one == tables.FAILED for one in result.outcomes.values()) for result in results)
    counts = [
        [r.expectation, r.kind, r.failures.trials, r.failures.hits, rate(r.failures.upper), r.warnings.hits, r.not_measured.hits]
        for r in alarms
    ]
    outside = [row for row in rows if row[7] not in ("", 0)]
    compared = f"{len(outside)} of {len(rows)} rows have values outside the simulated range" if known else "nothing is simulated"
    page = folder / f"judgement-{safe}.md"
    write_text(
        page,
        f"""# Judgement on {name}

{len(results)} units of a production, each taken as clean: {failing} fail in some expectation (95 % upper limit
{rate(Rate(failing, len(results)).upper)} per unit), so these are false alarms, or faults that nobody has listed. From

    {command}

## What fails, warns or cannot be measured

{table(["expectation", "unit", "checks", "failures", "95 % upper limit", "warnings", "not measured"], counts)}

## Values

Beside the range of values in simulated clean units (`judgement/clean_values.csv`): {compared}. *Beyond* counts the values outside
that range. The *own limit* is what these units would set: exceeded by one clean unit in {1 / RATE:,.0f}, by an exponential tail
through the upper tenth of the values (of their sizes, where a limit has two sides); a dash where there are fewer than {FEWEST}
values, or the tail is all alike. Quantiles are in `judgement/{safe}.csv`.

{table(header, rows)}
""",
    )
    return page


def _row(
    each: distributions.Quantiles, results: Iterable[Result], known: Mapping[tuple[str, str, str], Known], *, limits: Limits
) -> list[object]:
    values = [
        result.values[each.measure]
        for result in results
        if each.measure in result.values and result.trial.kind == each.kind and each.band in ("", result.trial.band)
    ]
    low, high = distributions.bounds(limits, each)
    simulated = known.get((each.measure, each.kind, each.band)) or known.get((each.measure, each.kind, ""))
    beyond = sum(not simulated.smallest <= value <= simulated.largest for value in values) if simulated else ""
    sides = {(False, True): 1.0, (True, False): -1.0}
    side = sides.get((low not in ("", "-inf"), high not in ("", "inf")), 0.0)
    own = side * own_limit(np.asarray(values) * side) if side else own_limit(np.abs(values))
    return [
        each.measure,
        each.kind,
        each.band,
        each.count,
        f"{float(np.median(values)):.4g}",
        f"{each.largest:.4g}",
        f"{simulated.smallest:.4g} to {simulated.largest:.4g}" if simulated else "",
        beyond,
        f"{low} to {high}" if low else "",
        f"{own:.4g}" if np.isfinite(own) else "-",
    ]


def read_bad(words: Iterable[str]) -> list[str]:
    """Read which units are known to be bad: their ids, or files that hold one on each line, with comments behind ``#``."""
    bad: list[str] = []
    for word in words:
        path = Path(word)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [word]
        bad += [unit for line in lines if (unit := line.partition("#")[0].strip())]
    return bad
