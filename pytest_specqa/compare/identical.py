"""Which data units have the same inputs in two productions, told by the content of the files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

CHUNK = 1 << 20
CAMERA_OR_PETAL = re.compile(r"-(?:[brz])?([0-9])-")


@dataclass
class Inputs:
    """Compares the files of units; every pair of files is read at most once.

    Attributes
    ----------
    before, after : Path
        Roots of the two productions.
    group : str
        Folder below ``tiles/``.
    """

    before: Path
    after: Path
    group: str = "cumulative"
    _known: dict[str, bool] = field(default_factory=dict)

    def identical_units(self, records: Iterable[Mapping[str, Any]]) -> set[str]:
        """Ids of the units among `records` whose every input exists in both productions with the same content."""
        units = {record["unit"]: record for record in records}
        return {unit for unit, record in units.items() if self._same_unit(record)}

    def _same_unit(self, record: Mapping[str, Any]) -> bool:
        """Compare all that a check of this unit may read.

        A camera depends on its own files and on those of the whole exposure and night; a tile on its folder and, for what is
        missing, on the names of the exposures of its night. A night is never taken as identical: it may depend on anything.
        """
        if record["kind"] == "night":
            return False
        night, expid, camera = record["night"], record["expid"], record["camera"]
        table = [f"exposure_tables/{str(night)[:6]}/exposure_table_{night}.csv"]
        if expid is not None:
            folders = [f"exposures/{night}/{expid:08d}", f"calibnight/{night}", f"preproc/{night}/{expid:08d}"]
            return self._same_files([*table, *self._within(folders, camera=camera)])
        if self._listing(self.before, night) != self._listing(self.after, night):
            return False
        return self._same_files([*table, *self._within([f"tiles/{self.group}/{record['tile']}/{night}"], camera=None)])

    def _within(self, folders: list[str], *, camera: str | None) -> list[str]:
        """Files of these folders in either production; with a camera, those of other cameras are left out."""
        found: set[str] = set()
        for root in (self.before, self.after):
            for folder in folders:
                found.update(f"{folder}/{path.name}" for path in (root / folder).glob("*") if path.is_file())
        if camera is None:
            return sorted(found)
        mine = (f"-{camera}-", f"-{camera[1]}-")
        return sorted(name for name in found if not CAMERA_OR_PETAL.search(name) or any(part in name for part in mine))

    def _listing(self, root: Path, night: int) -> list[str]:
        return sorted(str(path.relative_to(root)) for path in (root / f"exposures/{night}").glob("*/*"))

    def _same_files(self, names: Iterable[str]) -> bool:
        names = list(names)
        present = [name for name in names if (self.before / name).exists() or (self.after / name).exists()]
        return len(present) > 1 and all(self._same(name) for name in present)

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
        with one.open("rb") as first, other.open("rb") as second:
            if _same_streams(first, second):
                return True
        if one.suffix != ".gz":
            return False
        with _unpacked(one) as first, _unpacked(other) as second:
            return _same_streams(first, second)
    except (OSError, EOFError, ValueError):
        return False


def _unpacked(path: Path) -> Any:
    from isal import igzip  # noqa: PLC0415

    return igzip.IGzipFile(path, "rb")  # type: ignore[no-untyped-call]


class Readable(Protocol):
    """Gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


def _same_streams(first: Readable, second: Readable) -> bool:
    while True:
        chunk = first.read(CHUNK)
        if chunk != second.read(CHUNK):
            return False
        if not chunk:
            return True
