"""One kind of rows of a store: a folder for each night, in it parts that appear whole and are replaced all at once."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.store import replacing, write_text
from pytest_specqa.values import NO_NIGHT

if TYPE_CHECKING:
    import pyarrow

PART = re.compile(r"[0-9a-f]{16}(-once)?\.parquet")
FOLDER = re.compile(r"night=(\d{8})")
"""What is of no night, as pixels of the sky are, is kept below ``night=00000000``."""
SWAP = ".replacing"
"""Says which parts a new one stands for; as long as it is there they are none, whether or not they are removed yet."""
ONCE = "-once"
"""Ends the name of a part with one row for each unit, expectation and measure: where it is alone, all of its rows are current."""
Writer = Callable[[Path, "pyarrow.Table"], None]


@dataclass(frozen=True)
class Shelf:
    """The rows of one kind.

    Attributes
    ----------
    root : Path
        ``STORE/records`` or ``STORE/vectors``.
    write : callable
        Writes a table as one Parquet file, sorted as it will be asked for.
    """

    root: Path
    write: Writer

    def folder(self, night: int) -> Path:
        """Where the parts of a night are."""
        return self.root / f"night={night:08d}"

    def folders(self) -> list[int]:
        """Nights that have a folder, in order, and `NO_NIGHT` where that has one."""
        try:
            return sorted(int(match[1]) for entry in os.scandir(self.root) if (match := FOLDER.fullmatch(entry.name)))
        except FileNotFoundError:
            return []

    def nights(self) -> list[int]:
        """Nights that have parts, in order; what is of no night is not among them."""
        return [night for night in self.folders() if night != NO_NIGHT and self.parts(night)]

    def parts(self, night: int) -> list[Path]:
        """Parts that count, in order of their names; a replacement that was cut short counts as done."""
        folder = self.folder(night)
        while True:
            try:
                names = {entry.name for entry in os.scandir(folder)}
                swap = _swap(folder) if SWAP in names else None
            except FileNotFoundError:
                if not folder.is_dir():
                    return []
                continue  # the replacement has ended meanwhile
            parts = {name for name in names if PART.fullmatch(name)}
            if swap is not None:
                parts = parts - set(swap[1]) - {swap[0]}
            found = [folder / name for name in sorted(parts)]
            if swap is None:
                return found
            hidden, new = folder / f".{swap[0]}", folder / swap[0]
            return [*found, hidden if hidden.exists() else new]

    def put(self, night: int, table: pyarrow.Table, *, once: bool = False) -> Path:
        """Add a part; `once` says that it holds one row for each unit, expectation and measure."""
        folder = self.folder(night)
        make_folder(folder)
        path = folder / _name(once=once)
        with replacing(path) as temporary:
            self.write(temporary, table)
        return path

    def replace(self, night: int, table: pyarrow.Table, old: Sequence[Path], *, once: bool = False) -> Path:
        """Put one part in the place of others; whenever it is cut short, the night has either the old ones or the new one.

        The lock of the night must be held.
        """
        folder = self.folder(night)
        name = _name(once=once)
        hidden = folder / f".{name}"
        with replacing(hidden) as temporary:
            self.write(temporary, table)
        try:
            write_text(folder / SWAP, json.dumps({"new": name, "old": [path.name for path in old]}))
        except ResultsError:
            hidden.unlink(missing_ok=True)
            raise
        self.mend(night)
        return folder / name

    def mend(self, night: int) -> None:
        """End a replacement that was cut short; the lock of the night must be held."""
        folder = self.folder(night)
        try:
            new, old = _swap(folder)
        except FileNotFoundError:
            return
        try:
            with suppress(FileNotFoundError):
                (folder / f".{new}").rename(folder / new)
            for name in old:
                (folder / name).unlink(missing_ok=True)
            (folder / SWAP).unlink(missing_ok=True)
        except OSError as error:
            raise ResultsError(f"{folder}: a compaction that was cut short cannot be ended ({error.strerror or error})") from None


def _name(*, once: bool) -> str:
    return f"{secrets.token_hex(8)}{ONCE * once}.parquet"


def make_folder(folder: Path) -> None:
    """Make the folder of a shelf or a night; `ResultsError` if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(f"{folder}: cannot be made ({error.strerror or error}); choose a store that is yours") from None


def _swap(folder: Path) -> tuple[str, list[str]]:
    """Read which parts are replaced."""
    path = folder / SWAP
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        new, old = found["new"], found["old"]
        if not all(PART.fullmatch(name) for name in (new, *old)):
            raise ValueError
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        raise ResultsError(f"{path}: is damaged; expected the names of parts; put the store back from a copy") from None
    return new, old
