"""TOML files whose mistakes are named with their line, which `tomllib` itself cannot do for values."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from pytest_specqa.errors import UsageError
from pytest_specqa.opening import read_text

Table = str | tuple[str, ...]
"""A table as the keys of its header, ``("x.y", "when")`` for ``[["x.y".when]]``; a text is a header of one key."""
Mistake = TypeVar("Mistake", bound=UsageError)

MOST_BYTES = 5_000_000
"""Ten thousand waivers or limits; larger files take minutes to be read."""
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*\[\[?\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]\]?\s*(?:#.*)?")
_LONG_TEXT = re.compile(r'(?<==)\s*(?:"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\')', re.DOTALL)


DEEPEST = 16
LONGEST = 600
"""Characters of a problem before its middle is cut."""


def _short(text: str) -> str:
    """Cut the middle out of a long text: what is wrong stands at its begin, what is expected at its end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _hostile(content: object) -> str:
    """Say what no reader of values is prepared for: depth, and whole numbers of hundreds of digits; empty if there is none."""
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        if any(isinstance(one, int) and not -(2**63) <= one < 2**63 for one in level):
            return "found a whole number of more than 64 bits, which TOML does not have"
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in inner for value in values]
        if not level:
            return ""
    return f"is nested too deep; no table needs more than {DEEPEST} levels"


class LinedToml(Generic[Mistake]):
    """A TOML file with the line of every table and key; lines are looked for when a message needs one.

    Parameters
    ----------
    path : Path
        The file.
    error : type
        Subclass of `UsageError` that its mistakes raise.
    expected : str
        What to do about a file that cannot be read.

    Raises
    ------
    UsageError
        If the file is missing or is no TOML.
    """

    def __init__(self, path: Path, error: type[Mistake], *, expected: str = "give the path of a TOML file") -> None:
        # The plugin starts in projects that have no limits to read: they need not pay for the parser.
        import tomllib  # noqa: PLC0415

        self.path, self._error = path, error
        try:
            self._text = read_text(path, limit=MOST_BYTES).removeprefix("\ufeff").replace("\r\n", "\n")
            self.content: dict[str, Any] = tomllib.loads(self._text)
        except OSError as failure:
            raise error(f"{path}: cannot be read ({failure.strerror or failure}); {expected}") from None
        except RecursionError:
            raise error(f"{path}:1: is nested too deep; no table needs more than {DEEPEST} levels") from None
        except ValueError as failure:
            found = re.search(r"at line (\d+)", str(failure))
            raise error(f"{path}:{found[1] if found else 1}: is no TOML ({_short(str(failure).splitlines()[0])})") from None
        for name, value in self.content.items():
            if problem := _hostile(value):
                raise self.wrong(name, 0, f"{_short(name)}: {problem}")

    def tables(self, name: str) -> list[dict[str, Any]]:
        """Entries ``[[name]]`` in file order; an empty list where there are none."""
        entries = self.content.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.wrong(name, 0, f"found [{name}] once, expected a list of tables [[{name}]]")
        return entries

    @cached_property
    def _lines(self) -> list[str]:
        """The lines of the file, without the contents of texts of several lines: what looks like a table there is none."""
        return _LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), self._text).splitlines()

    @cached_property
    def _headers(self) -> dict[int, tuple[str, ...]]:
        """Keys of each table header by its line."""
        found = {number: _HEADER.fullmatch(line) for number, line in enumerate(self._lines, start=1)}
        return {
            number: tuple(key.strip("\"'") for key in re.findall(_KEY, header[1])) for number, header in found.items() if header
        }

    def line(self, table: Table, index: int = 0, key: str = "") -> int:
        """Line of the `index`-th table of that name, or of a key within it; 1 where it cannot be told."""
        keys = (table,) if isinstance(table, str) else table
        starts = [number for number, header in self._headers.items() if header == keys]
        if index >= len(starts):
            return 1
        start = starts[index]
        for number, line in enumerate(self._lines[start:] if key else [], start=start + 1):
            header = self._headers.get(number)
            if header == (*keys, key) or (header is None and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line)):
                return number
            if header and (header[: len(keys)] != keys or header == keys):
                break
        return start

    def where(self, table: Table, index: int = 0) -> str:
        """``file:line`` of a table."""
        return f"{self.path}:{self.line(table, index)}"

    def wrong(self, table: Table, index: int, problem: str, *, key: str = "") -> Mistake:
        """The error for one entry, ready to raise."""
        return self._error(f"{self.path}:{self.line(table, index, key)}: {_short(problem)}")

    def reject_unknown(self, table: Table, index: int, entry: dict[str, Any], *, known: tuple[str, ...]) -> None:
        """Raise for a key that nothing reads: a misspelt one would otherwise be silently without effect."""
        for key in entry:
            if key not in known:
                raise self.wrong(table, index, f"{key!r} is unknown in [{table}], expected one of {', '.join(known)}", key=key)

    def take(
        self, table: Table, index: int, entry: dict[str, Any], *, key: str, convert: Callable[[Any], Any], default: Any = None
    ) -> Any:
        """Convert one value; `ValueError` of `convert` becomes a message with the line."""
        if key not in entry:
            return default
        try:
            return convert(entry[key])
        except (ValueError, TypeError, LookupError, ArithmeticError) as failure:
            raise self.wrong(table, index, f"{key} = {entry[key]!r}: {failure}", key=key) from None
