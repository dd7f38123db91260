"""Which camera is judged after which: its files are read from the server meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pytest_specqa import remote
from pytest_specqa.run.calls import TAKEN
from pytest_specqa.run.session import unit_of
from pytest_specqa.values import DataUnit

if TYPE_CHECKING:
    from pytest_specqa.remote import RemotePath


def successors(units: Iterable[DataUnit]) -> dict[DataUnit, DataUnit]:
    """Name the camera that is judged after each camera, in the order in which they first appear."""
    return dict(pairwise(dict.fromkeys(unit for unit in units if unit.kind == "camera")))


def renamed(path: RemotePath, here: DataUnit, there: DataUnit, *, root: RemotePath) -> RemotePath | None:
    """Name the file of one camera that stands where a file of another does.

    Parameters
    ----------
    path : RemotePath
        File of the camera `here`.
    here, there : DataUnit
        Two cameras.
    root : RemotePath
        Folder of the production.

    Returns
    -------
    RemotePath or None
        ``None`` for a file that belongs to no camera, or to another one.
    """
    if not path.is_relative_to(root) or f"-{here.camera}-" not in path.name:
        return None
    name = path.relative_to(root).as_posix()
    for old, new in (
        (f"-{here.camera}-", f"-{there.camera}-"),
        (f"{here.expid:08d}", f"{there.expid:08d}"),
        (str(here.night), str(there.night)),
    ):
        name = name.replace(old, new)
    return root / name


class Following:
    """Tells the reader of remote files which come next, camera by camera; where the run is shared out it does not know.

    Parameters
    ----------
    root : Path
        Folder of the production on its server.
    """

    def __init__(self, root: RemotePath) -> None:
        self._root = root
        remote.AHEAD.clear()
        self._next: dict[DataUnit, DataUnit] | None = None
        self._here: DataUnit | None = None

    def begin(self, unit: DataUnit, item: pytest.Item) -> None:
        """Begin a test of a unit; with the first of a camera the turn of that camera begins."""
        if unit.kind != "camera" or unit == self._here:
            return
        self._here = unit
        if self._next is None:
            tests = (one for one in item.session.items if TAKEN not in one.stash)
            self._next = successors(found for one in tests if (found := unit_of(one)) is not None)
        there = self._next.get(unit)
        remote.AHEAD.follow(None if there is None else lambda path: renamed(path, unit, there, root=self._root))
