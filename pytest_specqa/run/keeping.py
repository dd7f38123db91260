"""What is judged is on disk when its unit ends; earlier results stay until new ones are whole; no two runs write one file."""

from __future__ import annotations

import datetime
import os
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa.errors import SpecQAError
from pytest_specqa.printable import printable
from pytest_specqa.run import plan, session
from pytest_specqa.values import Record

if TYPE_CHECKING:
    from pytest_specqa.results.holding import Journal
    from pytest_specqa.results.journal import Contents
    from pytest_specqa.run.resume import Snapshot


class Keeper:
    """Keeps the journals of a run, one beside each results file: the first takes what is judged, the others keep other runs away.

    Attributes
    ----------
    journals : list of Journal
        Open ones; none for a run that stores nothing.
    left_over : list of Contents
        Journals of earlier runs that did not end.
    refused : str
        Why results may not be written; empty if they may.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.journals: list[Journal] = []
        self.left_over: list[Contents] = []
        self.refused = ""
        self.stopped = False
        self._targets: list[Path] = []
        self._old: dict[Path, float] = {}
        self._snapshot: Snapshot | None = None
        self._told: set[str] = set()
        self._seen: dict[str, bool] = {}
        self._left: dict[str, set[str]] | None = None
        self._handled = False

    def watch(self) -> None:
        """Remember which results files are there."""
        self._targets = list(dict.fromkeys(session.of(self.config).options.results))
        self._old = {path: path.stat().st_mtime for path in self._targets if path.exists()}

    def open(self) -> None:
        """Begin the journals.

        Raises
        ------
        ResultsError
            If another run writes one of the files, or a journal cannot be written.
        """
        from pytest_specqa.results import holding, journal  # noqa: PLC0415
        from pytest_specqa.run.resume import Snapshot  # noqa: PLC0415

        self._snapshot = Snapshot(self.config)
        since = f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z}"
        header: dict[str, Any] = {
            "run": plan.of(self.config).run,
            "targets": [str(target) for target in self._targets],
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": since,
            "base": self._snapshot.base,
        }
        for path in dict.fromkeys(map(journal.beside, self._targets)):
            self.journals.append(holding.begin(path.with_name(path.name.removesuffix(journal.SUFFIX)), header))
        self._find_left_over()
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._stop)
            self._handled = True

    def _find_left_over(self) -> None:
        from pytest_specqa.results import journal  # noqa: PLC0415

        for own in self.journals:
            for path in journal.asides(own.path):
                try:
                    self.left_over.append(journal.read(path))
                except SpecQAError:
                    # `specqa results recover` says what is wrong with it.
                    continue

    def _stop(self, *_: object) -> None:
        """End in order when the process is told to; told a second time, it ends at once."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.stopped = True
        raise KeyboardInterrupt

    def note(self, report: pytest.TestReport, records: list[Record]) -> None:
        """Take what a test has judged to disk; all of a unit is there for good when its last test has reported."""
        if not session.of(self.config).options.results or self.refused:
            return
        if not self.journals:
            # Nothing on the command line had announced that units would be judged.
            try:
                self.open()
            except SpecQAError as error:
                self.refused = str(error)
                return
        lost = str(report.when) == "???"
        unit = records[0]["unit"]
        lines = self._plan_lines()
        if self._snapshot is not None:
            states = self._snapshot.inputs(report.nodeid, records)
            if new := {name: state for name, state in states.items() if name not in self._told}:
                lines.append({"inputs": new})
                self._told.update(new)
        lines.append({"check": report.nodeid, "unit": unit, "records": records} | ({"lost": True} if lost else {}))
        self._seen[report.nodeid] = lost
        self.journals[0].append(lines, sync=self._ends(report.nodeid, unit))

    def _plan_lines(self) -> list[dict[str, Any]]:
        checks = plan.of(self.config).checks
        if checks is None or self._left is not None:
            return []
        self._left = {}
        for nodeid, planned in checks.items():
            self._left.setdefault(planned.unit.id, set()).add(nodeid)
        for nodeid in self._seen:
            self._left[checks[nodeid].unit.id].discard(nodeid)
        return [{"plan": len(checks), "units": {unit: len(names) for unit, names in self._left.items()}}]

    def _ends(self, nodeid: str, unit: str) -> bool:
        if self._left is None:
            return True
        names = self._left.get(unit, set())
        names.discard(nodeid)
        return not names

    @property
    def is_whole(self) -> bool:
        """Whether all that was planned has been judged."""
        checks = plan.of(self.config).checks
        return checks is not None and all(nodeid in self._seen for nodeid in checks)

    def why_not(self) -> str:
        """Say why results may not take the place of those that are there; empty if they may."""
        if not self.refused and any(not one.is_ours() for one in self.journals):
            self.refused = f"{self.journals[0].path}: another run has taken it away, and will write the results"
        return self.refused

    def settle(self, *, stored: bool) -> list[str]:
        """End the journals: what is stored whole needs none. Return what there is to say."""
        if not self.journals:
            return []
        first, lines = self.journals[0], []
        done = stored and self.is_whole
        if not done and self._seen:
            first.append([], sync=True)
            lines.append(self._told_unfinished(first.path, stored=stored))
        if first.problem and not done:
            lines.append(f"journal NOT written whole: {first.problem}")
        for own in self.journals:
            own.close(remove=done or not self._seen)
        self.journals = []
        if done:
            covered = [one for one in self.left_over if set(one.checks) <= set(self._seen)]
            for one in covered:
                one.path.unlink(missing_ok=True)
            self._old = {}
        elif stored:
            self._old = {}
        return lines

    def _told_unfinished(self, path: Path, *, stored: bool) -> str:
        checks = plan.of(self.config).checks
        total = f" of {len(checks)}" if checks is not None else ""
        why = "stopped by SIGTERM" if self.stopped else "the run is not whole" if stored else "the results are kept in the journal"
        return (
            f"{why}: {len(self._seen)}{total} checks judged; {short(path)} holds them: "
            f"--specqa-resume goes on from there, specqa results recover makes results of it"
        )

    def header(self) -> list[str]:
        """Say what earlier runs have left."""
        lines = []
        for one in self.left_over:
            lines.append(
                f"specqa: an earlier run did not end: {one.progress} in {short(one.path)}; "
                f"specqa results recover {short(one.path)}, or --specqa-resume to go on"
            )
        return lines

    def leave(self) -> list[str]:
        """Let go of all; say which results are those of an earlier run."""
        for own in self.journals:
            own.close(remove=not self._seen)
        self.journals = []
        if self._handled:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        old = [
            f"{short(path)}: still the results of an earlier run, of {datetime.datetime.fromtimestamp(when):%Y-%m-%d %H:%M}; "
            "this run has stored none"
            for path, when in self._old.items()
            if path.exists()
        ]
        self._old = {}
        return old


def short(path: Path) -> Path:
    """Write a path as it is seen from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


KEEPER: pytest.StashKey[Keeper] = pytest.StashKey()


def of(config: pytest.Config) -> Keeper:
    """Return the keeper of a run, in its controlling process."""
    if KEEPER not in config.stash:
        config.stash[KEEPER] = Keeper(config)
    return config.stash[KEEPER]


def _stores(config: pytest.Config) -> bool:
    running = session.of(config)
    return not running.is_worker and not config.option.collectonly and bool(running.options.results)


def watch(config: pytest.Config) -> None:
    """Remember which results are there, to say so if they stay; call it first."""
    if _stores(config):
        of(config).watch()


def begin(config: pytest.Config) -> None:
    """Keep other runs from the results files of this one, if it announces that it will judge; call it before the first check."""
    running = session.of(config)
    if _stores(config) and running.announced:
        with session.usage_errors():
            of(config).open()


def end(config: pytest.Config) -> None:
    """Let go of the results files, and say which of them are old."""
    if KEEPER not in config.stash:
        return
    reporter = config.pluginmanager.getplugin("terminalreporter")
    for line in of(config).leave():
        if reporter:
            reporter.write_line(printable(line), yellow=True)
