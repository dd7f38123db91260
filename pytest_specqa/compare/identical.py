"""Which data units have the same inputs in two productions, told by the content of the files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pytest_specqa.opening import open_regular
from pytest_specqa.run import inputs
from pytest_specqa.values import Record

CHUNK = 1 << 20
MAX_UNPACKED = 1_000_000_000
"""Bytes; the largest packed product is a tenth of it unpacked."""


@dataclass
class Inputs:
    """Compares the files of units; every pair of files is read at most once.

    Attributes
    ----------
    before, after : Path
        Roots of the two productions.
    """

    before: Path
    after: Path
    _known: dict[str, bool] = field(default_factory=dict)
    _listed: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def identical_units(self, records: Iterable[Record]) -> set[str]:
        """Ids of the units of which every check has the same inputs in both productions, as far as its records name them."""
        units: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            units[record["unit"]].append(record)
        return {unit for unit, found in units.items() if self._same_unit(found)}

    def _same_unit(self, records: list[Record]) -> bool:
        """Compare all that the checks of a unit read.

        Every record must name its products, and nothing beyond them. Beside these files the exposure tables of their nights are
        compared, which choose limits and say what is expected, and the names of the files around them: what is absent in one
        production only is a difference that no product tells.
        """
        if not inputs.are_named(records):
            return False
        record, products = records[0], inputs.products(records)
        roots = self.before, self.after
        tables = [name for name in inputs.tables(record, products) if any((root / name).exists() for root in roots)]
        return self._same_names(record, products) and all(self._same(name) for name in [*tables, *products])

    def _same_names(self, record: Record, products: Sequence[str]) -> bool:
        """Compare the names in the folders that the unit rests on."""
        names = frozenset[str]().union(*(self._differing(*folder) for folder in inputs.folders(record, products)))
        return not any(inputs.concerns(record, name) for name in names)

    def _differing(self, folder: str, pattern: str) -> frozenset[str]:
        """Names that only one of the productions has in a folder."""
        key = folder, pattern
        if key not in self._listed:
            one, other = (
                {str(path.relative_to(root / folder)) for path in (root / folder).glob(pattern)}
                for root in (self.before, self.after)
            )
            self._listed[key] = frozenset(one ^ other)
        return self._listed[key]

    def _same(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = same_content(self.before / name, self.after / name)
        return self._known[name]


def same_content(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same; packed ones are compared unpacked, so that another packing date is no difference.

    A file that is absent or cannot be read is the same as nothing: the checks will say what is wrong with it.
    """
    try:
        if one.samefile(other):
            return True
        with open_regular(one) as first, open_regular(other) as second:
            if _same_streams(first, second):
                return True
        if one.suffix != ".gz":
            return False
        with open_regular(one) as first, open_regular(other) as second:
            return _same_streams(_unpacked(first), _unpacked(second), most=MAX_UNPACKED)
    except (OSError, EOFError, ValueError):
        return False


def _unpacked(file: BinaryIO) -> Any:
    from isal import igzip  # noqa: PLC0415

    return igzip.IGzipFile(fileobj=file, mode="rb")  # type: ignore[no-untyped-call]


class Readable(Protocol):
    """Gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


def _same_streams(first: Readable, second: Readable, *, most: float = math.inf) -> bool:
    """Tell whether two streams give the same; not so beyond `most` bytes, which nobody waits for."""
    passed = 0
    while passed <= most:
        chunk = first.read(CHUNK)
        if chunk != second.read(CHUNK):
            return False
        if not chunk:
            return True
        passed += len(chunk)
    return False
