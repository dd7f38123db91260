"""Lists of a production: ``exposures-SPECPROD.csv`` and ``tiles-SPECPROD.csv``, which releases have in place of exposure tables."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_specqa.opening import open_regular
from pytest_specqa.production import listing

LIST_BYTES = 200_000_000
"""A production has 30,000 exposures, of some hundred bytes each."""
_NUMBER = re.compile("[0-9]{1,9}")
_EXPOSURES = re.compile(r"(?:tsnr-)?exposures(?:-.+)?\.csv")
_TILES = re.compile(r"tiles(?:-.+)?\.csv")


@dataclass(frozen=True)
class ListedExposure:
    """What the list of a production says of an exposure; `tile` is ``None`` and `exptime` (s) NaN where it does not say."""

    night: int
    expid: int
    tile: int | None
    survey: str = ""
    program: str = ""
    exptime: float = math.nan


@dataclass(frozen=True)
class ListedTile:
    """What the list of a production says of a tile: its last night, survey and program."""

    tile: int
    night: int
    survey: str = ""
    program: str = ""


class Summaries:
    """The lists of one production, each read once, when it is asked for.

    Parameters
    ----------
    root : Path
        Folder of the production.
    name : str
        Name of the production: of several lists that of this name is taken, else all.

    Notes
    -----
    A list with a line that cannot be read does not count as `whole`: who goes by it looks into the folders, too, so that no line
    hides anything.
    """

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self._name = name
        self._broken: set[str] = set()

    @cached_property
    def exposures(self) -> Mapping[int, Mapping[int, ListedExposure]]:
        """Exposures by night and number; empty where there is no list."""
        found: dict[int, dict[int, ListedExposure]] = {}
        for name, row in self._rows(_EXPOSURES):
            night, expid, tile = (_number(row, column) for column in ("NIGHT", "EXPID", "TILEID"))
            if night is None or expid is None or len(str(night)) != 8:
                self._broken.add(name)
                continue
            program = row.get("FAPRGRM", "").strip() or row.get("PROGRAM", "").strip()
            found.setdefault(night, {})[expid] = ListedExposure(
                night, expid, tile, survey=row.get("SURVEY", "").strip(), program=program, exptime=_seconds(row)
            )
        return found

    @cached_property
    def tiles(self) -> Mapping[int, ListedTile]:
        """Tiles by number; empty where there is no list."""
        found: dict[int, ListedTile] = {}
        for name, row in self._rows(_TILES):
            tile, night = _number(row, "TILEID"), _number(row, "LASTNIGHT")
            if tile is None or night is None or len(str(night)) != 8:
                self._broken.add(name)
                continue
            program = row.get("FAPRGRM", "").strip() or row.get("PROGRAM", "").strip()
            found[tile] = ListedTile(tile, night, survey=row.get("SURVEY", "").strip(), program=program)
        return found

    @property
    def whole(self) -> bool:
        """Whether every line of the lists that were asked for could be read."""
        return not self._broken

    @property
    def exposure_list(self) -> str:
        """Name of the list of exposures, for messages."""
        return ", ".join(path.name for path in self._paths(_EXPOSURES))

    @cached_property
    def nights_of_tiles(self) -> Mapping[int, set[int]]:
        """Nights on which each tile was observed."""
        found: dict[int, set[int]] = {}
        for night, exposures in self.exposures.items():
            for one in exposures.values():
                if one.tile is not None:
                    found.setdefault(one.tile, set()).add(night)
        return found

    @cached_property
    def _names(self) -> list[str]:
        return listing.names_in(self._root)

    def _paths(self, names: re.Pattern[str]) -> list[Path]:
        there = [name for name in self._names if names.fullmatch(name)]
        own = [name for name in there if name.removesuffix(".csv").endswith(f"-{self._name}")]
        return [self._root / name for name in own or there]

    def _rows(self, names: re.Pattern[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
        for path in self._paths(names):
            try:
                with io.TextIOWrapper(open_regular(path, limit=LIST_BYTES), newline="", encoding="utf-8", errors="replace") as file:
                    yield from ((path.name, row) for row in csv.DictReader(file, restval="", restkey="more"))
            except (OSError, csv.Error):
                self._broken.add(path.name)


def _number(row: Mapping[str, str], column: str) -> int | None:
    text = row.get(column, "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _seconds(row: Mapping[str, str]) -> float:
    try:
        return float(row.get("EXPTIME", ""))
    except ValueError:
        return math.nan
