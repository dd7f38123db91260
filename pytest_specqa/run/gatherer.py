"""The controlling process gathers the records of all tests, stores them and tells the story at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.errors import SpecQAError
from pytest_specqa.printable import printable
from pytest_specqa.report import gather
from pytest_specqa.run import keeping, plan, session, storing, terminal, unmade, writable
from pytest_specqa.values import Outcome, Record, key_of


class Gatherer:
    """Takes the reports of all processes; the records themselves are kept once, with what the report page needs.

    Attributes
    ----------
    kept : Gathered
        Tests with their records, as they arrive.
    stored : list of str
        What was said about each results file.
    others : set of str
        Tests that failed and judge no unit.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.kept = gather.of(config)
        self.stored: list[str] = []
        self.others: set[str] = set()
        given = session.of(config).waivers
        # The one of the session judges the tests of this process; this one takes stock of the reports of all processes.
        self.waivers = replace(given, covered={}, refused={}, measured={}) if given else None

    @property
    def records(self) -> list[Record]:
        """All records, as they arrived."""
        return self.kept.records

    def receive(self, report: pytest.TestReport) -> None:
        """Take the records of a call."""
        found = unmade.records_of(self.config, report)
        if not found:
            if report.failed and report.nodeid not in self.kept.entries:
                self.others.add(report.nodeid)
            return
        plan.of(self.config).mark(found)
        for record in found:
            self.config.hook.pytest_specqa_record(config=self.config, record=record)
            if self.waivers is not None:
                self.waivers.see(record)
                self.waivers.judge(record)
        self.kept.add(report, found)
        self.kept.root = self.kept.root or self._root()
        keeping.of(self.config).note(report, found)

    def _root(self) -> str:
        """Where the files of the production are; empty for records that come without one."""
        try:
            return str(session.of(self.config).production.root)
        except SpecQAError:
            return ""

    def circumstances(self) -> Circumstances:
        """What the verdict depends on besides the records."""
        running = session.of(self.config)
        return Circumstances(lost=running.lost, planned=plan.of(self.config).planned or 0, beside=self._beside())

    def _beside(self) -> str:
        """Say what fails the run, and is no check."""
        tests = f"{wording.count(len(self.others), 'test')} that judge{'s' * (len(self.others) == 1)} no unit failed"
        return "; ".join(part for part in (tests if self.others else "", session.of(self.config).beside) if part)

    def waiver_lines(self) -> list[tuple[str, bool]]:
        """Say of each waiver what needs attention; the flag marks one that has expired, which fails the run."""
        if self.waivers is None:
            return []
        return [(text, str(state) == "expired") for _, state, text in self.waivers.states()]

    def whole(self) -> bool:
        """Tell whether all that was planned is judged, as far as it is known."""
        return not Verdict.of(self.records, self.circumstances()).partial

    def expired(self) -> bool:
        """Tell whether a waiver of this run has expired."""
        return bool(self.records) and any(expired for _, expired in self.waiver_lines())

    def sorted(self) -> list[Record]:
        """Return the records by unit, expectation and measure, so that any order of running gives the same file."""
        return sorted(self.records, key=key_of)

    def add_to_store(self) -> bool:
        """Add the records to the store of the run, if it has one; tell whether that could be done."""
        good, line = storing.add(self.config, self.records)
        self.stored += [line] if line else []
        return good

    def store(self) -> bool:
        """Write the results files; tell whether all could be written."""
        paths = session.of(self.config).options.results
        if not paths or not self.records:
            return True
        if why := keeping.of(self.config).why_not():
            self.stored.append(f"results NOT written: {why}")
            return False
        # What writes them needs as much memory as the products of two cameras.
        session.of(self.config).release()
        from pytest_specqa.results import store  # noqa: PLC0415

        records, good = self.sorted(), True
        for path in paths:
            try:
                store.write(path, records)
                self.stored.append(f"{wording.count(len(records), 'measurement')} written to {keeping.short(path)}")
            except (SpecQAError, OSError) as error:
                good = False
                self.stored.append(f"results NOT written: {error}")
        return good


STOPPED = {
    int(pytest.ExitCode.INTERRUPTED): "the run was interrupted",
    int(pytest.ExitCode.INTERNAL_ERROR): "the run ended in an internal error",
}
"""What an exit code says of a run that has judged something."""
GATHERER: pytest.StashKey[Gatherer] = pytest.StashKey()


def begin(config: pytest.Config) -> None:
    """Start to gather."""
    config.stash[GATHERER] = Gatherer(config)


def of(config: pytest.Config) -> Gatherer:
    """Return the gatherer of a run."""
    return config.stash[GATHERER]


def finish(run: pytest.Session) -> None:
    """Store the records; results that cannot be delivered fail the run, and warnings do where the user asks for it."""
    gatherer = of(run.config)
    stored = gatherer.store()
    if not (gatherer.add_to_store() and stored):
        run.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    gatherer.stored += keeping.of(run.config).settle(stored=stored)
    session.of(run.config).beside = STOPPED.get(int(run.exitstatus), "") if gatherer.records else ""
    strict = session.of(run.config).options.fail_on == "warnings"
    warned = strict and any(record["outcome"] == Outcome.WARNED and not record["waiver"] for record in gatherer.records)
    if run.exitstatus == pytest.ExitCode.OK and (warned or gatherer.expired() or not gatherer.whole()):
        run.exitstatus = pytest.ExitCode.TESTS_FAILED


def header(config: pytest.Config) -> list[str]:
    """Return the line that names the production and the number of units, for runs that announce themselves."""
    running = session.of(config)
    if not running.announced:
        return []
    try:
        chosen = bool(running.options.cameras)
        lines = [terminal.header(running.production.root, running.selection, cameras=chosen), *keeping.of(config).header()]
        lines += [running.trends.told(running.selection.nights)] if running.trends is not None else []
        return [printable(line) for line in lines]
    except SpecQAError:
        return []


def summarize(config: pytest.Config, reporter: pytest.TerminalReporter) -> None:
    """Write the closing section."""
    gatherer = of(config)
    for line in writable.unwritten(config):
        reporter.line(printable(line), red=True)
    if gatherer.records:
        reporter.section("spectroscopic QA")
        verdict, body = terminal.summary(
            gatherer.records, gatherer.kept.findings, root=gatherer.kept.root, told=gatherer.circumstances()
        )
        for line, markup in (verdict, *body):
            reporter.line(printable(line), **markup)
        for line, expired in gatherer.waiver_lines():
            reporter.line(printable(line), red=expired)
        for line in gatherer.stored:
            reporter.line(printable(line), red="NOT written" in line)
        reporter.line(printable(verdict[0]), **verdict[1])
    elif not gatherer.whole():
        reporter.section("spectroscopic QA")
        reporter.line(printable(Verdict.of([], gatherer.circumstances()).sentence), red=True, bold=True)
