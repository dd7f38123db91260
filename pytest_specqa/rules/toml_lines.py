"""TOML files whose mistakes are named with their line, which `tomllib` itself cannot do for values."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_specqa.errors import UsageError

TABLE = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?")


class LinedToml:
    """A TOML file with the line of every table and key.

    Parameters
    ----------
    path : Path
        The file.
    error : type
        Subclass of `UsageError` that its mistakes raise.

    Raises
    ------
    UsageError
        If the file is missing or is no TOML.
    """

    def __init__(self, path: Path, error: type[UsageError]) -> None:
        self.path, self._error = path, error
        try:
            text = path.read_text(encoding="utf-8")
            self.content: dict[str, Any] = tomllib.loads(text)
        except OSError as failure:
            raise error(f"{path}: cannot be read ({failure.strerror}); give the path of a TOML file") from None
        except ValueError as failure:
            line = re.search(r"at line (\d+)", str(failure))
            where = f"{path}:{line[1]}" if line else str(path)
            raise error(f"{where}: is no TOML ({failure})") from None
        self._lines = text.splitlines()

    def tables(self, name: str) -> list[dict[str, Any]]:
        """Entries ``[[name]]`` in file order; an empty list where there are none."""
        entries = self.content.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.wrong(name, 0, f"found [{name}] once, expected a list of tables [[{name}]]")
        return entries

    def line(self, table: str, index: int = 0, key: str = "") -> int:
        """Line of the `index`-th table of that name, or of a key within it; 1 where it cannot be told."""
        starts = [number for number, line in enumerate(self._lines, start=1) if (found := TABLE.match(line)) and found[1] == table]
        if index >= len(starts):
            return 1
        start = starts[index]
        if key:
            for number, line in enumerate(self._lines[start:], start=start + 1):
                if TABLE.match(line) and not line.lstrip().startswith("[[" + table + "."):
                    break
                if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
                    return number
        return start

    def wrong(self, table: str, index: int, problem: str, *, key: str = "") -> UsageError:
        """The error for one entry, ready to raise."""
        return self._error(f"{self.path}:{self.line(table, index, key)}: {problem}")

    def reject_unknown(self, table: str, index: int, entry: dict[str, Any], *, known: tuple[str, ...]) -> None:
        """Raise for a key that nothing reads: a misspelt one would otherwise be silently without effect."""
        for key in entry:
            if key not in known:
                raise self.wrong(table, index, f"{key!r} is unknown in [{table}], expected one of {', '.join(known)}", key=key)

    def take(
        self, table: str, index: int, entry: dict[str, Any], *, key: str, convert: Callable[[Any], Any], default: Any = None
    ) -> Any:
        """Convert one value; `ValueError` of `convert` becomes a message with the line."""
        if key not in entry:
            return default
        try:
            return convert(entry[key])
        except (ValueError, TypeError) as failure:
            raise self.wrong(table, index, f"{key} = {entry[key]!r}: {failure}", key=key) from None
