"""What checks of a whole exposure or tile need of each camera, made while the camera is in memory, so that no file is read again.

A test names the function in its marker ``specqa_reduces``; the function asks for products of a camera by name, as a test asks for
fixtures, and returns what is small. It is called when the first test of the camera is set up. Workers of pytest-xdist hand the
results to one another as files of a folder that lives as long as the run.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_specqa.checks.call import NotExpected
from pytest_specqa.checks.check import Check
from pytest_specqa.errors import ProductError, UnreachableError
from pytest_specqa.run.loader import Products
from pytest_specqa.run.reading import Notes
from pytest_specqa.values import DataUnit

Reduce = Callable[..., Any]


@dataclass
class Reduced:
    """What a function made of one camera, or why it could not, and what was read for it."""

    value: Any = None
    error: ProductError | NotExpected | None = None
    notes: Notes = field(default_factory=Notes)


class Reductions:
    """The reductions of one process.

    Parameters
    ----------
    products : Products
        Loads what the functions ask for.
    folder : Path or None
        Where other processes of the run put theirs; None where there are none.
    """

    def __init__(self, products: Products, folder: Path | None = None) -> None:
        self._products = products
        self._folder = folder
        self._wanted: dict[DataUnit, list[Reduce]] = {}
        self._cameras: dict[DataUnit, set[DataUnit]] = {}
        self._users: dict[DataUnit, set[DataUnit]] = {}
        self._kept: dict[tuple[str, str], Reduced] = {}

    def expect(self, function: Reduce, unit: DataUnit, cameras: Iterable[DataUnit]) -> None:
        """Announce that a collected test of `unit` will ask for what `function` makes of these cameras."""
        for camera in cameras:
            self._cameras.setdefault(unit, set()).add(camera)
            self._users.setdefault(camera, set()).add(unit)
            wanted = self._wanted.setdefault(camera, [])
            if function not in wanted:
                wanted.append(function)

    def prepare(self, camera: DataUnit) -> None:
        """Make what was announced for a camera, now that its products will be read for its own tests."""
        for function in self._wanted.pop(camera, ()):
            # What crashes is not kept: it crashes again in the test that asks for it, where it can be seen.
            with suppress(Exception):
                found = self._reduce(function, camera)
                # What no server gave is asked for again by the test that needs it, and so is told there.
                if not isinstance(found.error, UnreachableError):
                    self._keep(function, camera, found)

    def of(self, function: Reduce, cameras: Iterable[DataUnit], check: Check) -> list[Any]:
        """Return what `function` makes of each camera, and let the check know what was read for it.

        Raises
        ------
        ProductError, NotExpected
            As the first camera says whose products cannot be had.
        """
        values = []
        for camera in cameras:
            found = self._find(function, camera) or self._reduce(function, camera)
            found.notes.add_to(check)
            if found.error is not None:
                raise found.error
            values.append(found.value)
        return values

    def forget(self, unit: DataUnit) -> None:
        """Drop what was kept for the tests of an exposure or tile alone, which have ended."""
        for camera in self._cameras.pop(unit, ()):
            self._users[camera].discard(unit)
            if self._users[camera]:
                continue
            del self._users[camera]
            for key in [key for key in self._kept if key[1] == camera.id]:
                del self._kept[key]
            for path in self._folder.glob(f"*-{camera.id}.pickle") if self._folder else ():
                path.unlink(missing_ok=True)

    def _reduce(self, function: Reduce, camera: DataUnit) -> Reduced:
        notes = Notes()
        try:
            asked = inspect.signature(function).parameters
            return Reduced(function(**{name: self._products.give(name, camera, check=notes) for name in asked}), notes=notes)
        except (ProductError, NotExpected) as error:
            return Reduced(error=error, notes=notes)
        finally:
            notes.keep_levels()

    def _keep(self, function: Reduce, camera: DataUnit, found: Reduced) -> None:
        if self._folder is None:
            self._kept[_name(function), camera.id] = found
            return
        path = self._path(function, camera)
        partial = path.with_suffix(".partial")
        # A full disk costs a second reading of the camera, nothing else.
        with suppress(OSError):
            partial.write_bytes(pickle.dumps(found))
            partial.replace(path)

    def _find(self, function: Reduce, camera: DataUnit) -> Reduced | None:
        if self._folder is None:
            return self._kept.get((_name(function), camera.id))
        try:
            found: Reduced = pickle.loads(self._path(function, camera).read_bytes())
        except OSError:
            return None
        return found

    def _path(self, function: Reduce, camera: DataUnit) -> Path:
        return Path(self._folder or "") / f"{_name(function)}-{camera.id}.pickle"


def _name(function: Reduce) -> str:
    return f"{function.__module__}.{function.__qualname__}"
