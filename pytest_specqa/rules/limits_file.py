"""``limits.toml``: reading it strictly, so that no limit is malformed, without a source, or such that nothing can miss it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from pytest_specqa.errors import LimitError
from pytest_specqa.rules import expectations
from pytest_specqa.rules.limits import BOUNDS, SELECTORS, TEXTS, Basis, Entry, Limits, Override, Source, limit_of
from pytest_specqa.rules.toml_lines import LinedToml
from pytest_specqa.values import TREND, Limit, Severity

NAME = "limits.toml"
WHEN = "when"
WORDS: dict[str, type[StrEnum]] = {"severity": Severity, "basis": Basis, "warn_basis": Basis}
"""Keys that take one of a few words."""
FOREVER = (0, 99999999)


def default_file() -> Path:
    """Return the limits.toml that goes with the project's own expectations."""
    return expectations.folder() / NAME


def load(paths: Iterable[Path]) -> Limits:
    """Read limits files, lowest layer first.

    Raises
    ------
    LimitError
        For the first entry that is malformed or can never fail, with file and line.
    """
    limits = Limits()
    for path in dict.fromkeys(paths):
        problems, limits = _add(path, limits)
        if problems:
            raise LimitError(problems[0])
    return limits


def lint(path: Path, below: Sequence[Path] = ()) -> list[str]:
    """Return every problem of a limits file, one line each, as it reads on top of the layers `below`."""
    return _add(path, load(below))[0]


def _add(path: Path, limits: Limits) -> tuple[list[str], Limits]:
    try:
        source = LinedToml(path, LimitError, expected="expected a TOML file of limits")
    except LimitError as error:
        return [str(error)], limits
    problems: list[str] = []
    layer: dict[str, Entry] = {}
    for name, table in source.content.items():
        try:
            layer[name] = _entry(name, table, source=source, known=[other for below in limits.layers for other in below])
            _check_reach(layer[name], Limits((*limits.layers, layer)))
        except LimitError as error:
            problems.append(str(error))
    return problems, Limits((*limits.layers, layer))


def _error(source: Source, name: str, text: str, *, key: str = "", when: int | None = None) -> LimitError:
    """The error for a table, or for its `when`-th override."""
    if when is None:
        return source.wrong(name, 0, f"[{name}] {text}", key=key)
    return source.wrong((name, WHEN), when, f"[[{name}.{WHEN}]] {text}", key=key)


def _entry(name: str, table: Any, *, source: Source, known: Sequence[str]) -> Entry:
    if not isinstance(table, dict):
        raise LimitError(
            f"{source.path}: {name} = {table!r} stands outside a table; expected [{name}] with low or high, and source"
        )
    if name.endswith(TREND):
        text = "sets no limit: what is far from its own past is told by the nights of a store (--specqa-history), not by a file"
        raise _error(source, name, text)
    blocks = table.get("when", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise _error(source, name, f"when is no list of tables; write [[{name}.when]]", key="when")
    if "source" not in table and name not in known and (near := difflib.get_close_matches(name, known, n=1)):
        text = f"is the limit of no measure; did you mean [{near[0]}]? One for a measure of your own needs a source"
        raise _error(source, name, text)
    values = _values(name, {key: value for key, value in table.items() if key != "when"}, source=source, when=None)
    overrides = tuple(_override(name, block, source=source, when=number) for number, block in enumerate(blocks))
    return Entry(name=name, values=values, overrides=overrides, source=source)


def _override(name: str, block: Mapping[str, Any], *, source: Source, when: int) -> Override:
    selectors = {key: value for key, value in block.items() if key in SELECTORS}
    if not selectors:
        raise _error(source, name, f"selects nothing; expected one or more of {', '.join(SELECTORS)}", when=when)
    names = {}
    for key, value in selectors.items():
        if key != "nights":
            names[key] = tuple(value) if isinstance(value, list) else (value,)
            if not names[key] or not all(isinstance(one, str) and one for one in names[key]):
                raise _error(source, name, f"{key} = {value!r}: expected a name or a list of names", key=key, when=when)
    nights = _nights(selectors["nights"]) if "nights" in selectors else FOREVER
    if nights is None:
        text = f"nights = {selectors['nights']!r}: expected a night or a range such as '20211101:' or '20210501:20211031'"
        raise _error(source, name, text, key="nights", when=when)
    values = _values(name, {key: value for key, value in block.items() if key not in SELECTORS}, source=source, when=when)
    return Override(values=values, nights=nights, names=names)


def _is_ours(path: Path) -> bool:
    """Whether a file is that of the project: its measures are shown to people who have never seen their names."""
    return path.exists() and path.samefile(default_file())


def _nights(text: Any) -> tuple[int, int] | None:
    found = re.fullmatch(r"(20\d{6})?(:)?(20\d{6})?", str(text))
    if found is None or not (found[1] or found[3]):
        return None
    low = int(found[1] or FOREVER[0])
    high = int(found[3] or (FOREVER[1] if found[2] else low))
    return (low, high) if low <= high else None


def _values(name: str, values: dict[str, Any], *, source: Source, when: int | None) -> dict[str, Any]:
    for key, value in values.items():
        text = ""
        if key in BOUNDS:
            if isinstance(value, bool) or not isinstance(value, int | float):
                text = f"{key} = {value!r}: expected a number"
            elif not math.isfinite(value):
                text = f"{key} = {value}: can never be decided; give a finite number, or leave the key out"
        elif key in TEXTS:
            if not isinstance(value, str):
                text = f"{key} = {value!r}: expected text in quotes"
            elif key in WORDS and value not in list(WORDS[key]):
                text = f"{key} = {value!r}: expected {' or '.join(repr(str(one)) for one in WORDS[key])}"
        else:
            near = difflib.get_close_matches(key, [*BOUNDS, *TEXTS, *SELECTORS], n=1)
            known = BOUNDS + TEXTS + (SELECTORS if when is not None else ("when",))
            text = f"unknown key {key!r}{f' (did you mean {near[0]!r}?)' if near else ''}; expected {', '.join(known)}"
        if text:
            raise _error(source, name, text, key=key, when=when)
    if when is None and _is_ours(source.path) and not values.get("name", "").strip():
        raise _error(source, name, "has no name; call what it measures by a few plain words, as a page shall show it")
    if when is None and _is_ours(source.path) and "basis" not in values:
        text = f"has no basis; say what low and high rest on: {', '.join(Basis)}"
        raise _error(source, name, text)
    if when is None and not values.get("source", "").strip():
        raise _error(source, name, "has no source; say which paper, issue or measured false-alarm rate the numbers come from")
    return values


def _check_reach(entry: Entry, limits: Limits) -> None:
    """Refuse a limit that nothing can miss or nothing can meet, alone and with each of its overrides."""
    base: dict[str, Any] = {}
    for layer in limits.layers:
        base |= layer[entry.name].values if entry.name in layer else {}
    cases: list[tuple[int | None, Mapping[str, Any]]] = [(None, base)]
    cases += [(number, base | dict(override.values)) for number, override in enumerate(entry.overrides)]
    for when, values in cases:
        limit = limit_of(entry.name, values)
        if text := _unreachable(limit):
            raise _error(entry.source, entry.name, text, when=when)


def _unreachable(limit: Limit) -> str:
    """Say why a limit is no limit; empty if values can meet it and can miss it."""
    low, high, warn_low, warn_high = limit.low, limit.high, limit.warn_low, limit.warn_high
    hint = (
        "; for a warning only, give low or high with severity = 'warn'"
        if math.isfinite(warn_low) or math.isfinite(warn_high)
        else ""
    )
    faults = (
        (not (math.isfinite(low) or math.isfinite(high)), f"can never fail: it has neither low nor high{hint}"),
        (low > high, f"can never pass: low {low:g} is above high {high:g}"),
        (warn_low > warn_high, f"warns always: warn_low {warn_low:g} is above warn_high {warn_high:g}"),
        (math.isfinite(warn_low) and warn_low < low, f"warn_low {warn_low:g} can never warn: it lies below low {low:g}"),
        (math.isfinite(warn_high) and warn_high > high, f"warn_high {warn_high:g} can never warn: it lies above high {high:g}"),
        (limit.needs <= 0, f"needs {limit.needs:g}: no data can be that sensitive; expected a number above 0"),
    )
    return next((text for wrong, text in faults if wrong), "")
