"""Limits as data: files in layers, read, checked and looked up for one unit.

A limits file holds one table per measure::

    [sky_chromatic_variation]
    high = 0.02            # outside low..high the measure has the severity below
    warn_high = 0.01       # inside, but outside warn_low..warn_high, it warns
    needs = 0.01           # the largest sensitivity at which it can be judged at all
    unit = ""
    severity = "fail"      # or "warn"
    source = "desispec PR 1452"
    doc = "what it means and what to do"

    [[sky_chromatic_variation.when]]   # applies where every given key matches; the last match wins
    nights = "20211101:"
    survey = "main"                    # survey, program, band and camera take one name or a list
    high = 0.03

A later layer (the user's file) changes only the keys that it gives, and always wins.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_specqa.errors import LimitError
from pytest_specqa.values import DataUnit, Limit, Severity

BOUNDS = ("low", "high", "warn_low", "warn_high", "needs")
TEXTS = ("unit", "severity", "source", "doc")
SELECTORS = ("nights", "survey", "program", "band", "camera")
_FOREVER = (0, 99999999)


@dataclass(frozen=True)
class Override:
    """Values that hold only for some nights, surveys, programs, bands or cameras."""

    values: Mapping[str, Any]
    nights: tuple[int, int]
    names: Mapping[str, tuple[str, ...]]
    line: int

    def matches(self, unit: DataUnit, *, survey: str, program: str) -> bool:
        """Tell whether every selector that is given accepts the unit."""
        found = {"survey": survey, "program": program, "band": (unit.camera or "")[:1], "camera": unit.camera or ""}
        return self.nights[0] <= unit.night <= self.nights[1] and all(found[key] in names for key, names in self.names.items())


@dataclass(frozen=True)
class Entry:
    """One table of one limits file."""

    name: str
    values: Mapping[str, Any]
    overrides: tuple[Override, ...]
    path: Path
    line: int


@dataclass(frozen=True)
class Limits:
    """All layers, lowest first."""

    layers: tuple[Mapping[str, Entry], ...] = field(default_factory=tuple)

    @property
    def names(self) -> list[str]:
        """Every measure that has a limit."""
        return sorted({name for layer in self.layers for name in layer})

    def find(self, name: str, unit: DataUnit, *, survey: str = "", program: str = "") -> Limit:
        """Return the limit of a measure for one unit.

        Parameters
        ----------
        name : str
            Name of the table.
        unit : DataUnit
            Decides, with `survey` and `program`, which overrides apply.
        survey, program : str
            As the exposure table has them.

        Returns
        -------
        Limit
            Its ``source`` names the file that the numbers come from.

        Raises
        ------
        LimitError
            If no layer has the name; the message gives the nearest names.
        """
        values: dict[str, Any] = {}
        for layer in self.layers:
            if name in layer:
                values |= layer[name].values
                for override in layer[name].overrides:
                    if override.matches(unit, survey=survey, program=program):
                        values |= override.values
        if not values:
            near = difflib.get_close_matches(name, self.names, n=3) or self.names[:3]
            raise LimitError(
                f"no limit is named {name!r}; nearest: {', '.join(near) or 'none'}; add a table [{name}] to limits.toml"
            )
        return _limit(name, values)

    def doc(self, name: str) -> str:
        """Return what a measure means and what to do about it."""
        docs = [layer[name].values["doc"] for layer in self.layers if "doc" in layer.get(name, _NOWHERE).values]
        return str(docs[-1]) if docs else ""

    def where(self, name: str) -> str:
        """Return ``file:line`` of the highest table of a measure."""
        entries = [layer[name] for layer in self.layers if name in layer]
        return f"{entries[-1].path}:{entries[-1].line}"


_NOWHERE = Entry("", {}, (), Path(), 0)


def _limit(name: str, values: Mapping[str, Any]) -> Limit:
    numbers = {key: float(values[key]) for key in BOUNDS if key in values}
    severity = Severity(values.get("severity", "fail"))
    return Limit(name=name, unit=values.get("unit", ""), severity=severity, source=values.get("source", ""), **numbers)


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
    import tomllib  # noqa: PLC0415

    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        return [f"{path}: cannot be read ({error.strerror}); expected a TOML file of limits"], limits
    except ValueError as error:
        found = re.search(r"at line (\d+)", str(error))
        return [f"{path}:{found[1] if found else 1}: is no TOML ({str(error).splitlines()[0]})"], limits
    source = _Source(path, text.splitlines())
    problems: list[str] = []
    layer: dict[str, Entry] = {}
    for name, table in tables.items():
        try:
            layer[name] = _entry(name, table, source=source)
            _check_reach(layer[name], Limits((*limits.layers, layer)), source=source)
        except LimitError as error:
            problems.append(str(error))
    return problems, Limits((*limits.layers, layer))


@dataclass(frozen=True)
class _Source:
    """The lines of a file, to say where a value was found."""

    path: Path
    lines: Sequence[str]

    def line(self, name: str, key: str = "", *, when: int | None = None) -> int:
        """Number of the line that opens a table (or its `when`-th override), or that sets `key` in it; 1 if unseen."""
        bare = re.escape(name)
        opening = rf"\s*\[\s*[\"']?{bare}[\"']?\s*\]" if when is None else rf"\s*\[\[\s*[\"']?{bare}[\"']?\s*\.\s*when\s*\]\]"
        starts = [number for number, text in enumerate(self.lines) if re.match(opening, text)]
        if len(starts) <= (when or 0):
            return 1
        start = starts[when or 0]
        for number in range(start + 1, len(self.lines)):
            if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", self.lines[number]):
                return number + 1
            if re.match(r"\s*\[", self.lines[number]):
                break
        return start + 1

    def error(self, name: str, text: str, *, key: str = "", when: int | None = None) -> LimitError:
        """Build the one-line message for a table."""
        where = f"[{name}]" if when is None else f"[[{name}.when]]"
        return LimitError(f"{self.path}:{self.line(name, key, when=when)}: {where} {text}")


def _entry(name: str, table: Any, *, source: _Source) -> Entry:
    if not isinstance(table, dict):
        raise LimitError(
            f"{source.path}: {name} = {table!r} stands outside a table; expected [{name}] with low or high, and source"
        )
    blocks = table.get("when", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise source.error(name, f"when is no list of tables; write [[{name}.when]]", key="when")
    values = _values(name, {key: value for key, value in table.items() if key != "when"}, source=source, when=None)
    overrides = tuple(_override(name, block, source=source, when=number) for number, block in enumerate(blocks))
    return Entry(name=name, values=values, overrides=overrides, path=source.path, line=source.line(name))


def _override(name: str, block: Mapping[str, Any], *, source: _Source, when: int) -> Override:
    selectors = {key: value for key, value in block.items() if key in SELECTORS}
    if not selectors:
        raise source.error(name, f"selects nothing; expected one or more of {', '.join(SELECTORS)}", when=when)
    names = {}
    for key, value in selectors.items():
        if key != "nights":
            names[key] = tuple(value) if isinstance(value, list) else (value,)
            if not names[key] or not all(isinstance(one, str) and one for one in names[key]):
                raise source.error(name, f"{key} = {value!r}: expected a name or a list of names", key=key, when=when)
    nights = _nights(selectors["nights"]) if "nights" in selectors else _FOREVER
    if nights is None:
        text = f"nights = {selectors['nights']!r}: expected a night or a range such as '20211101:' or '20210501:20211031'"
        raise source.error(name, text, key="nights", when=when)
    values = _values(name, {key: value for key, value in block.items() if key not in SELECTORS}, source=source, when=when)
    return Override(values=values, nights=nights, names=names, line=source.line(name, when=when))


def _nights(text: Any) -> tuple[int, int] | None:
    found = re.fullmatch(r"(20\d{6})?(:)?(20\d{6})?", str(text))
    if found is None or not (found[1] or found[3]):
        return None
    low = int(found[1] or _FOREVER[0])
    high = int(found[3] or (_FOREVER[1] if found[2] else low))
    return (low, high) if low <= high else None


def _values(name: str, values: dict[str, Any], *, source: _Source, when: int | None) -> dict[str, Any]:
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
            elif key == "severity" and value not in list(Severity):
                text = f"severity = {value!r}: expected {' or '.join(repr(str(one)) for one in Severity)}"
        else:
            near = difflib.get_close_matches(key, [*BOUNDS, *TEXTS, *SELECTORS], n=1)
            known = BOUNDS + TEXTS + (SELECTORS if when is not None else ("when",))
            text = f"unknown key {key!r}{f' (did you mean {near[0]!r}?)' if near else ''}; expected {', '.join(known)}"
        if text:
            raise source.error(name, text, key=key, when=when)
    if when is None and not values.get("source", "").strip():
        raise source.error(name, "has no source; say which paper, issue or measured false-alarm rate the numbers come from")
    return values


def _check_reach(entry: Entry, limits: Limits, *, source: _Source) -> None:
    """Refuse a limit that nothing can miss or nothing can meet, alone and with each of its overrides."""
    base: dict[str, Any] = {}
    for layer in limits.layers:
        base |= layer[entry.name].values if entry.name in layer else {}
    cases: list[tuple[int | None, Mapping[str, Any]]] = [(None, base)]
    cases += [(number, base | dict(override.values)) for number, override in enumerate(entry.overrides)]
    for when, values in cases:
        limit = _limit(entry.name, values)
        if text := _unreachable(limit):
            raise source.error(entry.name, text, when=when)


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


def default_file() -> Path:
    """Return the limits.toml that goes with the project's own expectations: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "qa_tests" / "limits.toml"
    return installed if installed.is_file() else package.parent / "qa_tests" / "limits.toml"
