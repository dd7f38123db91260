"""An exposure table as it is on disk: its rows, and what in it cannot be read or contradicts itself."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.opening import open_regular
from pytest_specqa.production.defects import defect, one_line
from pytest_specqa.production.tables import LASTSTEPS, ExposureRow, parse_badamps, parse_cameras

REQUIRED_COLUMNS = ("EXPID", "OBSTYPE", "TILEID", "CAMWORD")
# Tables from before 2021 lack some of these; desispec (workflow/exptable.py) fills in the same.
_DEFAULTS = {
    "LASTSTEP": "all",
    "BADCAMWORD": "",
    "BADAMPS": "",
    "SURVEY": "",
    "FAPRGRM": "",
    "EXPTIME": "",
    "EFFTIME_ETC": "",
    "NIGHT": "",
}
_USED = (*REQUIRED_COLUMNS, *_DEFAULTS)
CALIBRATIONS = frozenset({"zero", "dark", "arc", "flat", "twilight"})
UNSURE = frozenset({"sky", "other", "unknown", "none"})
"""Types that the pipeline knows and makes nothing of: an exposure with products of science was another type when it was reduced."""
MOST_BYTES = 10_000_000
"""A night has some hundred rows of 300 bytes."""
_EXPECTED = "the columns of an exposure table, parted by commas"
_SWALLOWED = re.compile(r"[\r\n]\s*[0-9]+\s*,")


@dataclass(frozen=True)
class ExposureTable:
    """What an exposure table says of a night.

    Attributes
    ----------
    rows : mapping of int to ExposureRow
        Science exposures by number. Of rows that contradict one another the one that asks for most, so that nothing is hidden.
    calibrations : mapping of int to str
        OBSTYPE of exposures that are no science.
    unsure : mapping of int to ExposureRow or None
        Exposures whose type cannot be known, with their rows as if they were science where those can be read.
    broken : frozenset of int
        Science exposures whose rows cannot be read.
    faults : tuple of str
        What cannot be read, with its line.
    conflicts : tuple of str
        What says two things of one exposure, or of another night.
    oddities : tuple of str
        What is strange, and hides nothing.
    """

    rows: Mapping[int, ExposureRow]
    calibrations: Mapping[int, str] = field(default_factory=dict)
    unsure: Mapping[int, ExposureRow | None] = field(default_factory=dict)
    broken: frozenset[int] = frozenset()
    faults: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    """A line with a row of an exposure."""

    number: int
    values: dict[str, str]
    obstype: str
    row: ExposureRow | None

    @property
    def asks(self) -> tuple[bool, int, int]:
        """How much the line asks for, to be compared with that of another."""
        step = LASTSTEPS.index(self.row.laststep) if self.row else 0
        return self.obstype not in CALIBRATIONS, step, len(self.row.cameras) if self.row else 0


def read_exposure_table(path: Path) -> ExposureTable:
    """Read an exposure table.

    Parameters
    ----------
    path : Path
        ``exposure_table_NIGHT.csv``.

    Returns
    -------
    ExposureTable
        Columns that older tables lack have the defaults of the pipeline (LASTSTEP ``all``, BADCAMWORD and BADAMPS none).

    Raises
    ------
    ProductError
        If it is missing, no regular file, larger than 10 MB, no table of comma-separated values, lacks a column, or has one twice
        with different values; one line.
    """
    names, lines = _read_lines(path)
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        raise defect(path, None, found=f"no column {', '.join(missing)}", expected=_EXPECTED, do="correct the table")
    found = _Found(names, night=path.stem[-8:])
    # Who mistypes the name of a column that older tables lack would lose what it says.
    strange = [name for name in names if name not in _USED]
    for name in (name for name in _DEFAULTS if name not in names):
        found.oddities += [f"column {near[:30]!r} where {name} is missing" for near in get_close_matches(name, strange, cutoff=0.8)]
    for number, fields in lines:
        found.add(number, fields)
    for name in sorted({name for name in names if names.count(name) > 1}):
        places = [place for place, other in enumerate(names) if other == name]
        same = all(len({fields[place] for place in places if place < len(fields)}) <= 1 for _, fields in lines)
        if name in _USED and not same:
            what = f"two columns {name} with different values"
            raise defect(path, None, found=what, expected="one of each", do="correct the table")
        found.oddities.append(f"column {name[:30]!r} twice")
    return found.table()


def _read_lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    with one_line(path), open_regular(path, limit=MOST_BYTES) as file:
        raw = file.read(MOST_BYTES + 1)
    if b"\0" in raw:
        raise defect(path, None, found="NUL bytes", expected="a table of comma-separated text", do="copy or write the file again")
    # A comment in another encoding makes no table unreadable.
    reader = csv.reader(io.StringIO(raw.decode("utf-8-sig", errors="replace"), newline=""), strict=True, skipinitialspace=True)
    try:
        lines = [(reader.line_num, [one.strip() for one in fields]) for fields in reader if any(fields) or len(fields) > 1]
    except csv.Error as error:
        what = f"line {reader.line_num}: no comma-separated values ({str(error)[:60]})"
        raise defect(path, None, found=what, expected="a table of comma-separated values", do="correct the table") from None
    return (lines[0][1], lines[1:]) if lines else ([], [])


class _Found:
    """Lines of a table, gathered one by one."""

    def __init__(self, names: Sequence[str], *, night: str) -> None:
        self.names, self.night = names, night
        self.lines: dict[int, list[_Line]] = {}
        self.broken: set[int] = set()
        self.faults: list[str] = []
        self.conflicts: list[str] = []
        self.oddities: list[str] = []

    def add(self, number: int, fields: list[str]) -> None:
        """Take a line."""
        values = _DEFAULTS | dict(zip(self.names, fields, strict=False))
        expid = int(values["EXPID"]) if re.fullmatch("[0-9]{1,8}", values["EXPID"]) else None
        if len(fields) < len(self.names) or any(fields[len(self.names) :]):
            self._cannot_read(number, expid, f"{len(fields)} fields in place of {len(self.names)}")
            return
        if any(_SWALLOWED.search(one) for one in fields):
            self.faults.append(f"line {number}, a quoted field holds other rows")
        if expid is None:
            self._cannot_read(number, None, f"EXPID {values['EXPID'][:30]!r} is no number of an exposure")
            return
        if values["NIGHT"] not in ("", self.night):
            self.conflicts.append(f"line {number}, exposure {expid} has NIGHT {values['NIGHT'][:30]!r}, not {self.night}")
        obstype = values["OBSTYPE"].lower()
        row = None
        if obstype not in CALIBRATIONS:
            row = self._row(number, expid, values, sure=obstype == "science")
            if obstype != "science" and obstype not in UNSURE:
                self.faults.append(f"line {number}, exposure {expid} has OBSTYPE {values['OBSTYPE'][:30]!r}, which is none")
        if row is not None or obstype != "science":
            self.lines.setdefault(expid, []).append(_Line(number, values, obstype, row))

    def _cannot_read(self, number: int, expid: int | None, why: str) -> None:
        self.faults.append(f"line {number}, {f'exposure {expid}, ' if expid is not None else ''}{why}")
        if expid is not None:
            self.broken.add(expid)

    def _row(self, number: int, expid: int, values: Mapping[str, str], *, sure: bool) -> ExposureRow | None:
        """Read a row of science; ``None`` where it does not say what is to be made."""
        try:
            row, faults, oddities = _science_row(expid, values)
        except (UsageError, ValueError) as error:
            if sure:
                self._cannot_read(number, expid, str(error)[:120])
            return None
        if sure:
            self.faults += [f"line {number}, exposure {expid}, {one}" for one in faults]
            self.oddities += [f"line {number}, exposure {expid}, {one}" for one in oddities]
        return row

    def table(self) -> ExposureTable:
        """Let one line speak for each exposure."""
        rows: dict[int, ExposureRow] = {}
        calibrations: dict[int, str] = {}
        unsure: dict[int, ExposureRow | None] = {}
        for expid, lines in self.lines.items():
            if len(lines) > 1:
                self._compare(expid, lines)
            line = max(lines, key=lambda one: one.asks)
            if line.obstype == "science" and line.row is not None:
                rows[expid] = line.row
            elif line.obstype in CALIBRATIONS:
                calibrations[expid] = line.obstype
            else:
                unsure[expid] = line.row
        said = (tuple(self.faults), tuple(self.conflicts), tuple(self.oddities))
        # A line that cannot be read leaves an exposure unknown unless another, which asks for something, tells.
        ignored = {expid for expid in self.broken if expid in rows and rows[expid].laststep == "ignore"}
        for expid in ignored:
            del rows[expid]
        for expid in self.broken:
            calibrations.pop(expid, None)
        return ExposureTable(rows, calibrations, unsure, frozenset(self.broken - rows.keys()), *said)

    def _compare(self, expid: int, lines: Sequence[_Line]) -> None:
        where = f"exposure {expid} on lines {', '.join(str(line.number) for line in lines[:6])}"
        said = {name: list(dict.fromkeys(line.values[name] for line in lines)) for name in _USED}
        apart = [f"{name} {' and '.join(repr(one[:20]) for one in values[:3])}" for name, values in said.items() if len(values) > 1]
        if apart:
            self.conflicts.append(f"{where} has {', '.join(apart[:4])}")
        else:
            self.oddities.append(f"{where}, alike")


def _science_row(expid: int, values: Mapping[str, str]) -> tuple[ExposureRow, list[str], list[str]]:
    """Read a row of science, and tell what cannot be read in it and what is strange."""
    laststep = values["LASTSTEP"].lower() or _DEFAULTS["LASTSTEP"]
    if laststep not in LASTSTEPS:
        raise ValueError(f"LASTSTEP {laststep[:30]!r} is none of {', '.join(LASTSTEPS)}")
    faults: list[str] = []
    oddities: list[str] = []
    tile = -1
    word: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    amps: tuple[str, ...] = ()
    try:
        tile = _tile(values["TILEID"])
        word = parse_cameras(values["CAMWORD"])
        cameras = _good_cameras(word, values, [] if laststep == "ignore" else oddities)
        if not values["CAMWORD"] and laststep != "ignore":
            raise ValueError("CAMWORD is empty though LASTSTEP is not ignore")
    except (UsageError, ValueError) as error:
        # Nothing is expected of what is to be ignored, whatever else its row says.
        if laststep != "ignore":
            raise
        oddities.append(str(error)[:120])
    try:
        amps = parse_badamps(values["BADAMPS"])
    except ValueError as error:
        (oddities if laststep == "ignore" else faults).append(str(error)[:120])
    row = ExposureRow(
        expid=expid,
        tile=tile if tile >= 0 else None,
        laststep=laststep,
        cameras=cameras,
        badamps=amps,
        survey=values["SURVEY"],
        program=values["FAPRGRM"],
        word=word,
        exptime=_seconds("EXPTIME", values, oddities),
        efftime=_seconds("EFFTIME_ETC", values, oddities),
    )
    return row, faults, oddities


def _tile(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,9}", text):
        raise ValueError(f"TILEID {text[:30]!r} is no number of a tile")
    return int(text)


def _good_cameras(word: tuple[str, ...], values: Mapping[str, str], oddities: list[str]) -> tuple[str, ...]:
    # The pipeline passes over bad cameras that CAMWORD does not have, and so hides nothing.
    bad = parse_cameras(values["BADCAMWORD"])
    good = tuple(camera for camera in word if camera not in bad)
    if word and not good:
        oddities.append("BADCAMWORD takes all cameras though LASTSTEP is not ignore")
    return good


def _seconds(name: str, values: Mapping[str, str], oddities: list[str]) -> float:
    # For information only: a table without it is no bad table.
    try:
        seconds = float(values[name] or "nan")
    except ValueError:
        seconds = math.inf
    if math.isinf(seconds):
        oddities.append(f"{name} {values[name][:30]!r} is no number of seconds")
        return math.nan
    return seconds
