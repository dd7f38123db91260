"""Calibrated limits as a limits file: what changes with its source, and beside it what was and what was found."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_specqa.checks import wording
from pytest_specqa.printable import printable
from pytest_specqa.results.calibrating.calibrate import Bound, Calibrated
from pytest_specqa.results.calibrating.clean import Choice


@dataclass(frozen=True)
class Told:
    """What the file says of itself.

    Attributes
    ----------
    store, date, version : str
        Where the values come from, the day, and the version of the program.
    """

    store: str
    date: str
    version: str


def text_of(found: Sequence[Calibrated], choice: Choice, *, told: Told, command: str) -> str:
    """Write a limits file.

    Parameters
    ----------
    found : sequence of Calibrated
        In the order of the measures.
    choice : Choice
        What the values were chosen by: limits that change hold for these units only.
    told : Told
        For the head and the sources.
    command : str
        What makes the file again.

    Returns
    -------
    str
        To lie on top of the shipped limits.
    """
    head = [
        f"# Limits of {told.store}, {told.date}, by pytest-specqa {told.version}: use it with --specqa-limits FILE.",
        f"# {command}",
        "#",
        "# What changes stands in a table; what stays, and what the clean values of the store do, is told in comments.",
        "# Each limit holds its level and one standard error of it. Statistical limits move; physical and exact ones never loosen.",
    ]
    by_name: dict[str, list[Calibrated]] = {}
    for one in found:
        by_name.setdefault(one.clean.measure, []).append(one)
    blocks = [_block(same, choice, told=told) for _, same in sorted(by_name.items())]
    return "\n\n".join(["\n".join(printable(line) for line in head), *blocks]) + "\n"


def _block(same: Sequence[Calibrated], choice: Choice, *, told: Told) -> str:
    first = same[0]
    everywhere = not choice.names and not choice.apart
    lines: list[str] = []
    if any(one.new for one in same):
        lines.append(f"[{first.clean.measure}]")
        if not everywhere:
            lines.append(f"source = {json.dumps(printable(first.limit.source))}")
    else:
        lines.append(printable(f"# {first.clean.measure} stays"))
    for one in same:
        selectors = {
            **{name: list(values) for name, values in choice.names.items()},
            **{k: [v] for k, v in one.clean.group.items()},
        }
        where = ", ".join(f"{name} {', '.join(values)}" for name, values in selectors.items())
        lines += [printable(f"#   {line}") for line in _comments(one, where)]
        if one.new:
            if not everywhere:
                lines += [f"[[{first.clean.measure}.when]]", *(_selector(*pair) for pair in selectors.items())]
            lines += [f"{name} = {value!r}" for name, value in one.new.items()]
            lines.append(f"source = {json.dumps(printable(source(one, told=told)))}")
    return "\n".join(lines)


def _selector(name: str, values: Sequence[str]) -> str:
    return f"{name} = {json.dumps([printable(value) for value in values])}"


def _comments(one: Calibrated, where: str) -> list[str]:
    clean = one.clean
    nights = sorted(set(clean.nights.tolist()))
    span = f"nights {nights[0]}-{nights[-1]} ({len(nights)})" if nights else "no night"
    lines = [f"{where + ': ' if where else ''}{len(clean.values):,} clean values, {span}; {clean.apart:,} left out"]
    if one.note:
        lines.append(one.note)
    return lines + [describe(bound) for bound in one.bounds]


def describe(bound: Bound) -> str:
    """Say of one bound what it was, what clean values do and what becomes of it."""
    level = bound.level
    share = f"{bound.beyond:,} of {level.values + level.outliers:,} beyond it"
    start = f"{bound.name} = {wording.number(bound.shipped)} shipped ({bound.basis}; {share})"
    apart = f"; {level.outliers:,} outliers apart" if level.outliers else ""
    if not level.found:
        return f"{start}; {level.method}{apart}"
    value, error = bound.sign * level.value, level.error
    said = f"{start}; {bound.rate:g} of clean values are beyond {wording.number(value)} +- {error:.2g} ({level.method}){apart}"
    if bound.new is None:
        return said
    if bound.new != bound.found:
        return f"{said}; moved to {bound.new:g}, where it fails"
    return said


def source(one: Calibrated, *, told: Told) -> str:
    """Write where the changed numbers of a limit come from."""
    nights = one.clean.nights
    parts = []
    for bound in one.bounds:
        if bound.new is not None and bound.new == bound.found:
            level = bound.level
            parts.append(
                f"{bound.name}: {bound.rate:g} of {level.values:,} clean values of {level.nights} nights, "
                f"{wording.number(bound.sign * level.value)} +- {level.error:.2g}, {level.method}"
            )
        elif bound.new is not None:
            parts.append(f"{bound.name}: not beyond what fails")
    span = f"{int(nights.min())}-{int(nights.max())}"
    return f"calibrated {told.date} on {told.store}, nights {span}: {'; '.join(parts)}"


def summary(found: Sequence[Calibrated]) -> list[str]:
    """Say in a line each what changes, and count what stays and why."""
    lines, stays = [], dict[str, int]()
    for one in found:
        of = "".join(f" {name} {value}" for name, value in one.clean.group.items())
        for bound in one.bounds:
            if bound.new is not None:
                ratio = "looser" if bound.sign * (bound.new - bound.shipped) > 0 else "tighter"
                error = f"+- {bound.level.error:.2g}" if math.isfinite(bound.level.error) else ""
                lines.append(f"{one.clean.measure}{of}: {bound.name} {bound.shipped:g} -> {bound.new:g} {error} ({ratio})")
            else:
                why = one.note.split(":")[0] or (str(bound.basis) if bound.level.found else bound.level.method.split(":")[0])
                stays[why] = stays.get(why, 0) + 1
    lines += [f"{wording.count(number, 'bound')} as shipped: {why}" for why, number in sorted(stays.items())]
    return lines
