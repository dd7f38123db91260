"""The controlling process gathers the records of all tests, stores them and tells the story at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.checks.check import CRASH, Check
from pytest_specqa.errors import SpecQAError
from pytest_specqa.report import gather
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run import quota, reports, selection, session, terminal
from pytest_specqa.values import Outcome


class Recorder:
    """Gathers records.

    Attributes
    ----------
    records : list of dict
        As they arrive.
    stored : list of str
        What was said about each results file.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.records: list[dict[str, Any]] = []
        self.stored: list[str] = []
        given = session.of(config).waivers
        # The one of the session judges the tests of this process; this one takes stock of the reports of all processes.
        self.waivers = replace(given, covered={}, refused={}, measured={}) if given else None
        self._shown: Counter[tuple[str, str, bool]] = Counter()

    def receive(self, report: pytest.TestReport) -> None:
        """Take the records of a call, and limit its pictures to what the run as a whole may show."""
        found = self._records(report)
        for record in found:
            self.config.hook.pytest_specqa_record(config=self.config, record=record)
            if self.waivers is not None:
                self.waivers.see(record)
                self.waivers.judge(record)
        self.records += found
        extras = getattr(report, "extras", [])
        if found and extras:
            allowed = session.of(self.config).options.max_pictures
            failed = any(record["outcome"] == Outcome.FAILED for record in found)
            kept, dropped = quota.trim(extras, expectation=found[0]["expectation"], failed=failed, shown=self._shown, quota=allowed)
            report.extras = kept  # type: ignore[attr-defined]
            if dropped:
                note = f"{wording.count(dropped, 'picture')} not shown: {allowed} of this expectation are (--specqa-max-pictures)"
                report.sections.append(("specqa", note))

    def _records(self, report: pytest.TestReport) -> list[dict[str, Any]]:
        if str(report.when) != "???":
            return reports.records(report) if report.when == "call" else []
        # pytest-xdist reports so of a test whose worker died: it has measured nothing, and its unit must not go missing.
        running = session.of(self.config)
        units = {unit.id: unit for kind in running.kinds_used or selection.KINDS for unit in running.selection.units[kind]}
        name, _, instance = report.nodeid.rpartition("::")[2].partition("[")
        unit = next((unit for key, unit in units.items() if instance.removesuffix("]").endswith(key)), None)
        if unit is None:
            return []
        nodeid = f"{Path(report.nodeid.split('::')[0]).name}::{name}[{instance}"
        check = Check(unit=unit, expectation=name, nodeid=nodeid, limits=Limits(), root=running.production.root)
        check.fail(CRASH, f"the process that ran this check died: {report.longrepr}")
        return check.records()

    def waiver_lines(self) -> list[tuple[str, bool]]:
        """Say of each waiver what needs attention; the flag marks one that has expired, which fails the run."""
        if self.waivers is None:
            return []
        return [(text, str(state) == "expired") for _, state, text in self.waivers.states()]

    def expired(self) -> bool:
        """Tell whether a waiver of this run has expired."""
        return bool(self.records) and any(expired for _, expired in self.waiver_lines())

    def sorted(self) -> list[dict[str, Any]]:
        """Return the records by unit, expectation and measure, so that any order of running gives the same file."""
        return sorted(self.records, key=lambda record: (record["unit"], record["expectation"], record["measure"]))

    def store(self) -> bool:
        """Write the results files; tell whether all could be written."""
        paths = session.of(self.config).options.results
        if not paths or not self.records:
            return True
        from pytest_specqa.results import store  # noqa: PLC0415

        records, good = self.sorted(), True
        for path in paths:
            try:
                store.write(path, records)
                self.stored.append(f"{wording.count(len(records), 'measurement')} written to {_short(path)}")
            except (SpecQAError, OSError) as error:
                good = False
                self.stored.append(f"results NOT written: {error}")
        return good


RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def begin(config: pytest.Config) -> None:
    """Start to gather."""
    config.stash[RECORDER] = Recorder(config)


def of(config: pytest.Config) -> Recorder:
    """Return the recorder of a run."""
    return config.stash[RECORDER]


def clear(config: pytest.Config) -> None:
    """Remove results of an earlier run, so that they are not taken for those of a run that comes to nothing."""
    running = session.of(config)
    if running.announced and not running.is_worker and not config.option.collectonly:
        for path in running.options.results:
            path.unlink(missing_ok=True)


def finish(run: pytest.Session) -> None:
    """Store the records; results that cannot be delivered fail the run, and warnings do where the user asks for it."""
    recorder = of(run.config)
    if not recorder.store():
        run.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    strict = session.of(run.config).options.fail_on == "warnings"
    warned = strict and any(record["outcome"] == Outcome.WARNED and not record["waiver"] for record in recorder.records)
    if run.exitstatus == pytest.ExitCode.OK and (warned or recorder.expired()):
        run.exitstatus = pytest.ExitCode.TESTS_FAILED


def header(config: pytest.Config) -> list[str]:
    """Return the line that names the production and the number of units, for runs that announce themselves."""
    running = session.of(config)
    if not running.announced:
        return []
    try:
        return [terminal.header(running.production.root, running.selection)]
    except SpecQAError:
        return []


def summarize(config: pytest.Config, reporter: pytest.TerminalReporter) -> None:
    """Write the closing section."""
    recorder = of(config)
    if recorder.records:
        reporter.section("spectroscopic QA")
        for line, markup in terminal.summary(gather.of(config).records):
            reporter.line(line, **markup)
        for line, expired in recorder.waiver_lines():
            reporter.line(line, red=expired)
        for line in recorder.stored:
            reporter.line(line, red="NOT written" in line)
