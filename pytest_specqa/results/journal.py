"""The journal beside a results file: what a run has judged so far, on disk before the run has ended.

Lines are JSON objects ``{"sum": CRC32, "line": {...}}``; the sum is that of the bytes of the inner object. The first line is the
header (key ``run``); then come ``plan`` (how many checks each unit has), ``inputs`` (what files were like, by name) and ``check``
(one test with its records). A line whose sum is wrong, such as the last one after a power cut, is left out and named.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.opening import open_regular
from pytest_specqa.results.records import check
from pytest_specqa.values import Record

FORMAT = 1
SUFFIX = ".journal"
LINE = re.compile(rb'\{"sum": "([0-9a-f]{8})", "line": (.*)\}\n?', re.DOTALL)

JOURNAL_NAME = re.compile(rf"(.*{re.escape(SUFFIX)})(?:\.[0-9]+)?", re.DOTALL)

Line = Mapping[str, Any]


def beside(target: Path) -> Path:
    """Name the journal of a results file."""
    target = Path(os.path.realpath(target))
    return target.with_name(target.name + SUFFIX)


def asides(path: Path) -> list[Path]:
    """Journals of earlier runs that did not end, moved out of the way of `path`; oldest first."""
    found = [(int(end), other) for other in path.parent.glob("*") if (end := number_of(path, other))]
    return [other for _, other in sorted(found)]


def number_of(path: Path, other: Path) -> str:
    """Digits that follow the name of a journal in the name of another; empty if it is no earlier one of `path`."""
    end = other.name.removeprefix(f"{path.name}.")
    return end if end != other.name and end.isdecimal() else ""


def unfinished(targets: Iterable[Path]) -> list[Path]:
    """Journals that lie beside results files, those of earlier runs too; each folder is looked at once, not once for each file."""
    names: dict[Path, set[str]] = {}
    for path in map(beside, targets):
        names.setdefault(path.parent, set()).add(path.name)
    found = []
    for folder, wanted in names.items():
        lying = ((entry.name, JOURNAL_NAME.fullmatch(entry.name)) for entry in os.scandir(folder))
        found += [folder / name for name, match in lying if match and match[1] in wanted]
    return sorted(found)


@dataclass(frozen=True)
class Judged:
    """A test that has reported.

    Attributes
    ----------
    nodeid, unit : str
        The test and what it judged.
    records : list of Record
        What it measured.
    lost : bool
        Whether the process that ran it died: it has to be judged again.
    """

    nodeid: str
    unit: str
    records: list[Record]
    lost: bool = False


@dataclass
class Contents:
    """What a journal holds.

    Attributes
    ----------
    path : Path
        Where it lies.
    header : dict
        ``journal`` (version of the format), ``run``, ``target``, ``pid``, ``host``, ``since``, ``base`` ...
    planned : int or None
        Number of checks that the run meant to make, if it came to know.
    units : dict of str to int
        The same for each unit.
    inputs : dict of str to object
        What files and folders were like when a check had read them, by name.
    checks : dict of str to Judged
        By node id.
    damaged : list of int
        Numbers of the lines that cannot be trusted, from 1; the last one is often cut short.
    lines : int
        Number of lines.
    cut : bool
        Whether the last one has no end.
    """

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    planned: int | None = None
    units: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Judged] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)
    lines: int = 0
    cut: bool = False

    @property
    def told(self) -> str:
        """Say in a few words who wrote it."""
        who = f"pid {self.header.get('pid', '?')} on {self.header.get('host', '?')}"
        return f"{who} since {self.header.get('since', '?')}"

    @property
    def progress(self) -> str:
        """Say how far the run came."""
        return f"{len(self.checks)} of {self.planned if self.planned is not None else 'an unknown number of'} checks"

    def take(self, line: Line) -> None:
        """Take in one line."""
        if "run" in line:
            self.header = dict(line)
        elif "plan" in line:
            self.planned, self.units = int(line["plan"]), {str(unit): int(number) for unit, number in line["units"].items()}
        elif "inputs" in line:
            self.inputs.update(line["inputs"])
        else:
            records = [check(record, where=f"{self.path}: {line['check']}") for record in line["records"]]
            self.checks[str(line["check"])] = Judged(str(line["check"]), str(line["unit"]), records, bool(line.get("lost")))


def read(path: Path) -> Contents:
    """Read a journal, as far as it can be trusted.

    Raises
    ------
    ResultsError
        If it is no regular file, cannot be read or is no journal.
    """
    try:
        with open_regular(path) as stream:
            found = Contents(path)
            for found.lines, raw in enumerate(stream, start=1):
                _take(found, raw)
                found.cut = not raw.endswith(b"\n")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not found.header and not found.checks:
        raise ResultsError(f"{path}: is no journal of pytest-specqa, or all of it is damaged")
    if found.header.get("journal", FORMAT) != FORMAT:
        form = found.header.get("journal")
        raise ResultsError(f"{path}: is a journal of format {form!r}, expected {FORMAT}; use the version that wrote it")
    return found


def _take(found: Contents, raw: bytes) -> None:
    match = LINE.fullmatch(raw)
    if match is None or f"{zlib.crc32(match[2]):08x}" != match[1].decode():
        found.damaged.append(found.lines)
        return
    try:
        found.take(json.loads(match[2]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ResultsError):
        found.damaged.append(found.lines)


def packed(line: Line) -> bytes:
    """Return a line with its sum, as it is on disk."""
    body = json.dumps(line, allow_nan=False).encode()
    return b'{"sum": "%08x", "line": %s}\n' % (zlib.crc32(body), body)
