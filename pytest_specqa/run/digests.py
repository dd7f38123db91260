"""What a value depends on, as short digests that travel with it: the code, the limits in force, the products that were read."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_specqa
from pytest_specqa.errors import SpecQAError
from pytest_specqa.remote import is_remote, state
from pytest_specqa.run import inputs, reading

if TYPE_CHECKING:
    from pytest_specqa.checks.check import Check
    from pytest_specqa.rules.limits import Limits
    from pytest_specqa.run.session import Session
    from pytest_specqa.values import Record

PACKAGE = Path(pytest_specqa.__file__).parent
SOURCES = (".py", ".toml", ".csv", ".txt")
LIBRARIES = ("numpy", "scipy", "numba", "astropy", "isal")
"""What measures compute with."""
SHORT = 16
"""Hex digits of a digest that a record carries."""


def digest(files: Iterable[Path] = (), *, below: Path = PACKAGE, more: Iterable[str] = ()) -> str:
    """Digest some texts, and the names and contents of some files."""
    whole = hashlib.sha256("\n".join(more).encode("utf-8", "surrogateescape"))
    for path in files:
        content = path.read_bytes()
        whole.update(f"{os.path.relpath(path, below)} {len(content)}\n".encode("utf-8", "surrogateescape"))
        whole.update(content)
    return whole.hexdigest()


@cache
def package() -> str:
    """Digest the sources of this package and the versions of what it computes with, as they are in this process."""
    versions = [f"{name} {_version(name)}" for name in LIBRARIES]
    sources = sorted(path for path in PACKAGE.rglob("*") if path.suffix in SOURCES)
    return digest(sources, more=[sys.version, *versions])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def tests(path: Path, rootpath: Path) -> str:
    """Digest what a test file is made of: itself, the files beside it, and what pytest loads for it."""
    around = [one for one in path.parent.iterdir() if one.suffix in (".py", ".toml")]
    above = [folder / "conftest.py" for folder in path.parents if folder.is_relative_to(rootpath)]
    return digest(sorted({path, *around, *(one for one in above if one.is_file())}), below=path.parent)


def limits(given: Limits) -> str:
    """Digest the layers of limits."""
    entries = (repr((name, entry.values, entry.overrides)) for layer in given.layers for name, entry in sorted(layer.items()))
    return digest(more=entries)


class Digests:
    """The digests of the checks of one process; what many of them share is looked at once.

    Parameters
    ----------
    running : Session
        The run. A file that has changed since it began has no state: what was read may be older than what is seen now.
    """

    def __init__(self, running: Session) -> None:
        self._running = running
        self._tests: dict[Path, tuple[str, str]] = {}
        self._states: dict[Path, str] = {}

    def put(self, records: list[Record], check: Check, path: Path) -> None:
        """Write into the records of a check what they depend on.

        Parameters
        ----------
        records : list of Record
            All of the check.
        check : Check
            Knows what was read.
        path : Path
            The test file.
        """
        if not records:
            return
        code, in_force = self._of_file(path)
        read = self._inputs(records[0], check)
        for record in records:
            record["code"], record["limits"], record["inputs"] = code, in_force, read

    def _of_file(self, path: Path) -> tuple[str, str]:
        if path not in self._tests:
            try:
                own = tests(path.resolve(), self._running.config.rootpath)
                code = digest(more=[package(), own])[:SHORT]
                self._tests[path] = code, limits(self._running.limits_for(path))[:SHORT]
            except (OSError, SpecQAError):
                self._tests[path] = "", ""
        return self._tests[path]

    def _inputs(self, record: Record, check: Check) -> str:
        """Digest the products and the exposure tables that a check rests on; empty if it rests on more, or one is not known."""
        if check.beyond_products:
            return ""
        root = check.root
        tables = [root / name for name in inputs.tables(record, record.get("products", []))]
        states = []
        for path in dict.fromkeys([*check.read, *tables]):
            if path not in self._states:
                self._states[path] = self._state(path)
            if not (known := self._states[path]):
                return ""
            states.append(f"{path.relative_to(root) if is_remote(path) else os.path.relpath(path, root)} {known}")
        return digest(more=sorted(states))[:SHORT]

    def _state(self, path: Path) -> str:
        """Tell one content of a file from another: by its sums where they were verified, else by size and time or by ETag."""
        if content := reading.ledger().content(path):
            return content
        try:
            if is_remote(path):
                return state(path)
            found = path.stat()
        except FileNotFoundError:
            return "absent"
        except (OSError, SpecQAError):
            return ""
        if max(found.st_mtime_ns, found.st_ctime_ns) >= self._running.since:
            return ""
        return f"{found.st_size} {found.st_mtime_ns}"
