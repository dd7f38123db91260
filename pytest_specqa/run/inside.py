"""A run within a program, such as a notebook: pytest judges in this process, says nothing, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_specqa.checks.check import Picture
from pytest_specqa.errors import UsageError
from pytest_specqa.rules import expectations
from pytest_specqa.run import calls, gatherer
from pytest_specqa.run import session as running
from pytest_specqa.run.quota import chosen
from pytest_specqa.values import Measurement, Outcome, Record

PLUGIN = "pytest_specqa.plugin"
QUIET = ("cacheprovider", "faulthandler", "logging", "terminal", "threadexception", "unraisableexception", "warnings", "xdist")
"""Plugins of pytest that write, or that change the process they are in."""
JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


@dataclass(frozen=True)
class Shown:
    """What a check has to show.

    Attributes
    ----------
    unit : str
        What was judged.
    expectation : str
        Name of the test.
    outcome : Outcome
        What became of it.
    pictures : sequence of Picture
        What its pictures need.
    measurement : Measurement or None
        What they show, where the check failed or warned.
    """

    unit: str
    expectation: str
    outcome: Outcome
    pictures: Sequence[Picture]
    measurement: Measurement | None = None


@dataclass
class Judged:
    """What a run found.

    Attributes
    ----------
    records : list of Record
        By unit, expectation and measure, as in results files.
    shown : list of Shown
        Checks with pictures, in the order in which they were judged.
    """

    records: list[Record] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)


class _Witness:
    """Takes what a run would otherwise let go: pictures before they are cleared, records before the process ends."""

    def __init__(self) -> None:
        self.judged = Judged()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Keep what the pictures of a check need."""
        try:
            yield
        finally:
            check = item.stash.get(calls.CHECK, None)
            if check is not None and check.pictures:
                outcome = check.result.outcome
                bad = outcome in (Outcome.FAILED, Outcome.WARNED)
                measurement, pictures = chosen(check) if bad else (None, list(check.pictures))
                self.judged.shown.append(Shown(str(check.unit), check.expectation, outcome, pictures, measurement))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take the records, and let the products go that are in no picture."""
        self.judged.records = gatherer.of(session.config).sorted()
        running.of(session.config).release()


def judge(
    production: Path,
    *,
    selection: Mapping[str, object],
    folders: Sequence[Path] = (),
    limits: Path | None = None,
) -> Judged:
    """Judge units of a production in this process, as ``pytest qa_tests`` with the same options does.

    The expectations, the limits and the runner are the same. Plugins that others have installed are left out, and so are the ini
    file and the environment variables of pytest.

    Parameters
    ----------
    production : Path
        Its folder.
    selection : mapping of str to object
        Option to value, such as ``{"night": 20211014, "camera": "r6"}``; ``None`` for one that is not given.
    folders : sequence of Path
        Folders of tests or test files to judge by besides the project's own.
    limits : Path or None
        Limits of the user, which go before all others.

    Returns
    -------
    Judged
        Records, and what pictures need. A check that fails or breaks is a record.

    Raises
    ------
    UsageError
        If nothing can be judged: no such unit, a malformed limits file, tests that cannot be collected; one line.
    KeyboardInterrupt
        If it was interrupted.
    """
    witness, said = _Witness(), io.StringIO()
    given = [expectations.folder(), *(Path(folder).expanduser().resolve() for folder in folders)]
    words = [f"--{name}={value}" for name, value in selection.items() if value is not None]
    words += [f"--specqa-limits={Path(limits).expanduser().resolve()}"] if limits is not None else []
    with _undisturbed(given), redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*map(str, given), f"--specprod={production}", *words, *_options(given)], plugins=[witness])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in JUDGED or not witness.judged.records:
        raise UsageError(_reason(said.getvalue()))
    return witness.judged


def _options(given: Sequence[Path]) -> list[str]:
    folders = [path if path.is_dir() else path.parent for path in given]
    root = os.path.commonpath(folders)
    quiet = [word for name in QUIET for word in ("-p", f"no:{name}")]
    # Without an ini file, and so without options that it adds; modules are named by their paths, and no path is put before others.
    return [
        *quiet,
        *("-p", PLUGIN, "-c", os.devnull, f"--rootdir={root}", f"--confcutdir={root}"),
        *("--assert=plain", "--capture=no", "--import-mode=importlib"),
    ]


@contextmanager
def _undisturbed(given: Sequence[Path]) -> Iterator[None]:
    """Let a run neither depend on the environment variables of pytest nor leave its own; test files are read anew each time."""
    before, modules = dict(os.environ), set(sys.modules)
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for name in sys.modules.keys() - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and any(Path(file).is_relative_to(path) for path in given):
                del sys.modules[name]


def _reason(said: str) -> str:
    """The line in which pytest says why it could not run, without its own mark."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith("ERROR: ")), lines[-1] if lines else "pytest judged nothing")
    return told.removeprefix("ERROR: ")
