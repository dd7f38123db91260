"""What is compared: stored results, or a production on which the suite is run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_specqa.compare import skip_units
from pytest_specqa.compare.identical import Inputs
from pytest_specqa.errors import UsageError
from pytest_specqa.production import resolve
from pytest_specqa.results import store
from pytest_specqa.rules import expectations
from pytest_specqa.values import Record

USER_ERRORS = (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared.

    Attributes
    ----------
    name : str
        As the user gave it.
    root : Path or None
        The production, for measuring and for pictures; ``None`` where only results are given.
    stored : Path or None
        Results file to read instead of measuring.
    """

    name: str
    root: Path | None
    stored: Path | None = None


@dataclass(frozen=True)
class Suite:
    """How the suite is run on a production.

    Attributes
    ----------
    filters : tuple of str
        Options such as ``--night=20211014`` that select units.
    group : str
        Folder below ``tiles/``.
    processes : int
        Number of worker processes.
    tests : tuple of str
        What pytest is asked to run; the project's expectations where nothing is given.
    """

    filters: tuple[str, ...] = ()
    group: str = "cumulative"
    processes: int = 0
    tests: tuple[str, ...] = ()

    def measure(self, root: Path, *, skipping: Collection[str] = ()) -> list[Record]:
        """Run the suite in a process of its own and return what it measured.

        Raises
        ------
        UsageError
            If pytest cannot carry out the selection; its own line.
        RuntimeError
            If it breaks down.
        """
        with tempfile.TemporaryDirectory(prefix="specqa-compare-") as scratch:
            results, listed = Path(scratch) / "results.jsonl", Path(scratch) / "units.txt"
            # Options as one word each: pytest looks for its configuration beside the words that name folders.
            words = [sys.executable, "-m", "pytest", *(self.tests or _suite()), "-q", "-p", "no:cacheprovider", *self.filters]
            words += [f"--specprod={root}", f"--specqa-group={self.group}", f"--specqa-results={results}"]
            words += ["-n", str(self.processes)] if self.processes else []
            if skipping:
                listed.write_text("\n".join(sorted(skipping)), encoding="utf-8")
                words += ["-p", skip_units.__name__, f"{skip_units.OPTION}={listed}"]
            environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
            done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
            if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED and skipping:
                return []
            if done.returncode in USER_ERRORS:
                raise UsageError(f"{root}: {_complaint(done.stdout + done.stderr)}")
            if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                raise RuntimeError(f"pytest ended with {done.returncode} on {root}:\n{(done.stdout + done.stderr)[-4000:]}")
            if not results.exists():
                raise UsageError(f"{root}: the suite measured nothing there; see pytest --co {' '.join(self.filters)}".rstrip())
            return store.read(results)


def _suite() -> list[str]:
    """How pytest is told where the expectations are."""
    folder = expectations.folder()
    if not folder.is_dir():
        raise UsageError(f"found no expectations, neither pytest_specqa.qa_tests nor {folder}; reinstall pytest-specqa")
    module = expectations.module_of(folder)
    return ["--pyargs", module] if module else [str(folder)]


def _complaint(output: str) -> str:
    """The line in which pytest says what it cannot do."""
    lines = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.strip()]
    marked = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    return (marked or lines or ["pytest gave no reason"])[-1]


def open_side(text: str, *, stored: Path | None) -> Side:
    """Understand BEFORE or AFTER: a results file, a production folder, or the name of a production.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    if store.is_results_file(text):
        if stored:
            raise UsageError(f"{text} holds results already; give a production where you also give stored results for it")
        return Side(text, None, Path(text))
    return Side(text, resolve(text, os.environ), stored)


def records_of(before: Side, after: Side, suite: Suite) -> tuple[list[Record], list[Record]]:
    """Read or measure both sides; units whose inputs are identical are measured once.

    Returns
    -------
    list of dict, list of dict
        Records of before and after; those taken over carry ``reused``.
    """
    if (old := _stored(before)) is None:
        old = _kept(before, suite.measure(_root(before)))
    if (new := _stored(after)) is None:
        root = _root(after)
        same = Inputs(before.root, root).identical_units(old) if before.root else set()
        taken_over: list[Record] = [{**record, "reused": True} for record in old if record["unit"] in same]
        new = _kept(after, [*suite.measure(root, skipping=same), *taken_over])
    return old, new


def _stored(side: Side) -> list[Record] | None:
    """Results on file; with a production, a file that is not there yet is to be written."""
    if side.stored is None or (side.root and not side.stored.exists()):
        return None
    return store.read(side.stored)


def _root(side: Side) -> Path:
    if side.root is None:
        raise UsageError(f"{side.name}: no such results file")
    return side.root


def _kept(side: Side, records: list[Record]) -> list[Record]:
    """Write what was measured where the user wants to keep it."""
    if side.stored:
        store.write(side.stored, records)
    return records
