"""Two limits files side by side: what is tighter, what is looser, what stands in one only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_specqa.results.calibrating.calibrate import BOUNDS
from pytest_specqa.rules import limits_file
from pytest_specqa.rules.limits import SELECTORS, Entry, Limits, Override

KEYS = (*BOUNDS, "needs")
Case = tuple[str, str]
"""A measure, and what its override is for; empty for the table itself."""


def diff(first: Path, second: Path) -> list[str]:
    """Compare two limits files, each as it reads on top of the shipped one.

    Parameters
    ----------
    first, second : Path
        Limits files.

    Returns
    -------
    list of str
        A line for each bound that differs; what neither file names has none.

    Raises
    ------
    LimitError
        If one of them is malformed.
    """
    one, other = _cases(first), _cases(second)
    lines = []
    for case in sorted({*one, *other}):
        if case not in other or case not in one:
            held = one.get(case, other.get(case, {}))
            told = ", ".join(f"{key} = {value:g}" for key, value in held.items()) or "texts only"
            lines.append(f"{_name(case)}: only in {first if case in one else second}: {told}")
            continue
        for key in KEYS:
            a, b = one[case].get(key, math.nan), other[case].get(key, math.nan)
            if word := _compared(key, a, b):
                lines.append(f"{_name(case)}: {key} {_number(a)} against {_number(b)}: {word}")
    return lines


def _compared(key: str, a: float, b: float) -> str:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return ""
    if math.isnan(b) or math.isnan(a):
        return "only here" if math.isnan(b) else "only there"
    return "tighter" if (a > b) == ("low" in key) else "looser"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:g}"


def _name(case: Case) -> str:
    return f"{case[0]} ({case[1]})" if case[1] else case[0]


def _cases(path: Path) -> dict[Case, Mapping[str, float]]:
    """Every table and override of a file with its numbers; keys that it leaves out are those of the shipped limits."""
    default = limits_file.default_file()
    ours = path.exists() and path.samefile(default)
    found = limits_file.load([default] if ours else [default, path])
    top = found.layers[-1]
    return {(name, told): values for name, entry in top.items() for told, values in _tables(name, entry, found)}


def _tables(name: str, entry: Entry, limits: Limits) -> Iterator[tuple[str, Mapping[str, float]]]:
    below: dict[str, Any] = {}
    for layer in limits.layers:
        below |= layer[name].values if name in layer else {}
    yield "", _numbers(below)
    for override in entry.overrides:
        yield _where(override), _numbers(below | dict(override.values))


def _numbers(values: Mapping[str, Any]) -> Mapping[str, float]:
    return {key: float(values[key]) for key in KEYS if key in values}


def _where(override: Override) -> str:
    parts = [f"{key} {', '.join(override.names[key])}" for key in SELECTORS if key in override.names]
    if override.nights != limits_file.FOREVER:
        parts.append("nights {}:{}".format(*override.nights))
    return " ".join(parts)
