"""How the values of each measure are distributed where nothing is wrong: what limits are set from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pytest_specqa.rules.limits import Limits
from pytest_specqa.trials.fixtures import NIGHT
from pytest_specqa.trials.trials import Result
from pytest_specqa.values import DataUnit

LEVELS = (0.0001, 0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999, 0.9999)
"""Parts of the clean values below each stored quantile."""
FEWEST = 5
"""Values that have to lie beyond a quantile on either side for it to be more than the extreme value."""


@dataclass(frozen=True)
class Quantiles:
    """How the values of one measure are distributed where nothing is wrong.

    Attributes
    ----------
    kind, measure : str
        Kind of unit, and name of the measure.
    band : str
        Band of the units; empty for all of them together.
    count : int
        Number of values.
    smallest, largest : float
        Extremes.
    levels : tuple of float
        Quantiles at `LEVELS`; NaN where fewer than `FEWEST` values would lie beyond.
    """

    kind: str
    measure: str
    band: str
    count: int
    smallest: float
    largest: float
    levels: tuple[float, ...]


def quantiles(results: Iterable[Result]) -> list[Quantiles]:
    """Describe the distribution of each measure, for each band and for all units.

    Parameters
    ----------
    results : iterable of Result
        Of trials in which nothing is wrong, whatever made them.

    Returns
    -------
    list of Quantiles
        By measure and kind of unit; all bands first. A measure of one band only, or of units without one, has one row.
    """
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for name, value in result.values.items():
            values[name, result.trial.kind][result.trial.band].append(value)
    found = []
    for (name, kind), bands in sorted(values.items()):
        found.append(_quantiles(kind, name, "", [value for band in bands.values() for value in band]))
        if len(bands) > 1:
            found += [_quantiles(kind, name, band, own) for band, own in sorted(bands.items())]
    return found


def _quantiles(kind: str, measure: str, band: str, values: list[float]) -> Quantiles:
    known = np.sort(np.asarray(values, dtype=float))
    levels = [float(np.quantile(known, level)) if min(level, 1 - level) * known.size >= FEWEST else np.nan for level in LEVELS]
    return Quantiles(kind, measure, band, known.size, float(known[0]), float(known[-1]), tuple(levels))


def table(results: Iterable[Result], limits: Limits) -> tuple[list[str], list[list[object]]]:
    """List the distribution of each measure by kind of unit and band, with the limits that they were judged by.

    Parameters
    ----------
    results : iterable of Result
        Of units in which nothing is wrong.
    limits : Limits
        What the values are judged by; those of a program or night are left out.

    Returns
    -------
    tuple of (list of str, list of list)
        Names of the columns, and a row for each measure, kind of unit and band; quantiles that few values support are empty.
    """
    rows: list[list[object]] = []
    for each in quantiles(results):
        levels = ["" if np.isnan(level) else f"{level:.4g}" for level in each.levels]
        ends = f"{each.largest:.4g}", *bounds(limits, each)
        rows.append([each.measure, each.kind, each.band, each.count, f"{each.smallest:.4g}", *levels, *ends])
    names = [f"{100 * level:g} %" for level in LEVELS]
    return ["measure", "unit", "band", "values", "smallest", *names, "largest", "low", "high"], rows


def bounds(limits: Limits, each: Quantiles) -> tuple[str, str]:
    """Return the limits of a measure, for the band of its values, as text; empty for one that has none.

    Parameters
    ----------
    limits : Limits
        Any; those of a program or night are left out.
    each : Quantiles
        Names the measure, the kind of unit and the band.

    Returns
    -------
    tuple of (str, str)
        Lowest and highest value that passes.
    """
    if each.measure not in limits.names:
        return "", ""
    camera = f"{each.band}0" if each.band and each.kind == "camera" else None
    limit = limits.find(each.measure, DataUnit(each.kind, NIGHT, camera=camera))
    return f"{limit.low:.4g}", f"{limit.high:.4g}"
