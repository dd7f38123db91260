"""The suite run on a production in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.results import store
from pytest_specqa.rules import expectations
from pytest_specqa.run import skip_units
from pytest_specqa.values import Record

USER_ERRORS = (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True)
class Suite:
    """How the suite is run on a production.

    Attributes
    ----------
    filters : tuple of str
        Options such as ``--night=20211014`` that select units.
    group : str
        Group of reductions; empty for what each production has.
    processes : int
        Number of worker processes.
    tests : tuple of str
        What pytest is asked to run; the project's expectations where nothing is given.
    """

    filters: tuple[str, ...] = ()
    group: str = ""
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
        with tempfile.TemporaryDirectory(prefix="specqa-run-") as scratch:
            results, listed = Path(scratch) / "results.jsonl", Path(scratch) / "units.txt"
            # Options as one word each: pytest looks for its configuration beside the words that name folders.
            words = [sys.executable, "-m", "pytest", *(self.tests or suite()), "-q", "-p", "no:cacheprovider", *self.filters]
            words += [f"--specprod={root}", f"--specqa-results={results}"]
            words += [f"--specqa-group={self.group}"] if self.group else []
            # What a configuration file asks for besides is for its own production: no store, no past and nothing to keep for one.
            words += ["-o", "specqa_store=", "-o", "specqa_history=", "-o", "specqa_vectors=false"]
            words += ["-n", str(self.processes)] if self.processes else []
            if skipping:
                listed.write_text("\n".join(sorted(skipping)), encoding="utf-8")
                words += ["-p", skip_units.__name__, f"{skip_units.OPTION}={listed}"]
            environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
            done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
            if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED and skipping:
                return []
            if done.returncode in USER_ERRORS:
                raise UsageError(f"{root}: {complaint(done.stdout + done.stderr)}")
            if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                raise RuntimeError(f"pytest ended with {done.returncode} on {root}:\n{(done.stdout + done.stderr)[-4000:]}")
            if not results.exists():
                raise UsageError(f"{root}: the suite measured nothing there; see pytest --co {' '.join(self.filters)}".rstrip())
            return store.read(results)


def suite() -> list[str]:
    """Return how pytest is told where the expectations are; `UsageError` if there are none."""
    folder = expectations.folder()
    if not folder.is_dir():
        raise UsageError(f"found no expectations, neither pytest_specqa.qa_tests nor {folder}; reinstall pytest-specqa")
    module = expectations.module_of(folder)
    return ["--pyargs", module] if module else [str(folder)]


def complaint(output: str) -> str:
    """Find the line in which pytest says what it cannot do."""
    lines = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.strip()]
    marked = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    # What it makes of a word that it does not know stands below how it is used.
    said = [line.partition(": error: ")[2] for line in lines if ": error: " in line] if "ERROR: usage: " in output else []
    return (said or marked or lines or ["pytest gave no reason"])[-1]
