"""What is verified of the files that a run reads: how far it goes, and how far it came with each of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_specqa.values import Verified


class Ledger:
    """How much of each file was verified in this process, and whether files are to be verified as a whole.

    A check names its files by their paths, and many checks share what was read once: that is why the level is kept by path.

    Attributes
    ----------
    whole : bool
        Whether every file that is read is read to its end, for the sums of what no check asks for.
    """

    def __init__(self) -> None:
        self.whole = False
        self._levels: dict[str, Verified] = {}
        self._contents: dict[str, str] = {}

    def begin(self, *, whole: bool) -> None:
        """Begin a run that verifies files as a whole, or what it reads of them only; forget those of another run."""
        self.whole = whole
        self._levels.clear()
        self._contents.clear()

    def note(self, path: Path, level: Verified, *, content: str = "") -> None:
        """Note what was verified of a file; of several readings the weakest level counts, and the first content.

        Parameters
        ----------
        path : Path
            The file.
        level : Verified
            How far it went.
        content : str
            The sums of what was read, which tell one content from another.
        """
        key = str(path)
        self._contents.setdefault(key, content)
        self._levels[key] = min(level, self._levels.get(key, level), key=lambda one: one.rank)

    def level(self, path: Path) -> Verified:
        """Return what was verified of a file; `Verified.NONE` for one that another reader read."""
        return self._levels.get(str(path), Verified.NONE)

    def content(self, path: Path) -> str:
        """Return the sums of what was read of a file; empty unless all of it was verified by them."""
        return self._contents.get(str(path), "") if self.level(path) is not Verified.NONE else ""

    def weakest(self, paths: Iterable[Path]) -> Verified | None:
        """Return the weakest level of some files; ``None`` without any."""
        return min(map(self.level, paths), key=lambda one: one.rank, default=None)


LEDGER = Ledger()
"""That of this process."""
