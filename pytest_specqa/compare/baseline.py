"""A run of pytest against a baseline: what is a regression, what was known, and the comparison in summary and report."""

from __future__ import annotations

import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.compare.runs import open_side
from pytest_specqa.compare.tables import flips_table
from pytest_specqa.printable import escape, printable
from pytest_specqa.results import store
from pytest_specqa.results.comparing.compare import Comparison, against_baseline, known_failures, summary
from pytest_specqa.results.comparing.flips import Flip
from pytest_specqa.run import gatherer
from pytest_specqa.run import session as running
from pytest_specqa.run.apart import Suite
from pytest_specqa.run.options import FILTERS
from pytest_specqa.values import Record

MOST = 400_000
"""Measurements of a baseline, which each process keeps: some nights, and 800 MB."""
WORKERINPUT = "specqa_baseline"
REGRESSIONS = "regressions"


class Baseline:
    """Hooks of a run with ``--specqa-baseline``; with ``--specqa-fail-on regressions`` what failed before does not fail the run.

    Parameters
    ----------
    config : pytest.Config
        The run. Its controlling process reads or measures the baseline once and hands the file to the workers.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = running.of(config).options
        self.name = str(self.options.baseline)
        self.only_regressions = self.options.fail_on == REGRESSIONS
        self.records: list[Record] = []
        self._scratch = ""

    @cached_property
    def comparison(self) -> Comparison:
        """This run against the baseline; ask only when the run has ended."""
        return against_baseline(gatherer.of(self.config).records, self.records)

    def pytest_sessionstart(self) -> None:
        """Read or measure the baseline."""
        with running.usage_errors():
            workerinput = getattr(self.config, "workerinput", None)
            self.records = store.read(workerinput[WORKERINPUT], most=MOST) if workerinput else self._obtain()
        if self.only_regressions:
            running.of(self.config).known = known_failures(self.records)

    def _obtain(self) -> list[Record]:
        side = open_side(self.name, stored=None)
        if side.root is None:
            return store.read(self.name, most=MOST)
        filters = [f"--{name}={value}" for name in FILTERS for value in self.config.getoption(f"specqa_{name}")]
        tests = [*(["--pyargs"] if self.config.getoption("pyargs") else []), *self.config.args]

        return Suite(tuple(filters), self.options.group, tests=tuple(tests)).measure(side.root)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the baseline to a worker of pytest-xdist."""
        if not self._scratch:
            self._scratch = tempfile.mkdtemp(prefix="specqa-baseline-")
            store.write(Path(self._scratch) / "baseline.jsonl", self.records)
        node.workerinput[WORKERINPUT] = f"{self._scratch}/baseline.jsonl"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run for what is lost, too, before report and summary are written: a check that is not made fails no test."""
        if hasattr(self.config, "workerinput") or not self.only_regressions:
            return
        # A server that was out of reach fails no run, with a baseline or without: the verdict tells of it.
        broken = [change for change in self.comparison.broken if change.flip is not Flip.UNREAD]
        running.of(self.config).lost = sum(change.flip is not Flip.BROKEN for change in broken)
        if session.exitstatus == pytest.ExitCode.OK and broken:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Remove what was written for the workers."""
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what changed."""
        if gatherer.of(self.config).records:
            terminalreporter.section(f"against the baseline {printable(self.name)}")
            for line in summary(self.comparison).strip().splitlines():
                terminalreporter.line(printable(line))

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put what changed on the report page."""
        if gatherer.of(self.config).records:
            title = f"<b>Against the baseline {escape(self.name)}:</b> {escape(self.comparison.sentence)}"
            prefix.append(f"<details open><summary>{title}</summary>{flips_table(self.comparison.flips)}</details>")
