"""What is known of a run: one entry per test, with its records and what its row opens to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, cast

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.checks.outcome import is_excused, reduce
from pytest_specqa.triage import Finding, lead
from pytest_specqa.values import PROPERTY, Outcome, Record

if TYPE_CHECKING:
    from pytest_html.report_data import ReportData

    from pytest_specqa.report.quota import Piece

WAIVED, KNOWN = "waived", "known"
"""What a run calls a failed check that does not count."""


@dataclass(frozen=True)
class Entry:
    """One test on one data unit.

    Attributes
    ----------
    nodeid : str
        Name of the test in pytest.
    records : tuple of Record
        Its measurements.
    failed : bool
        Whether pytest says that the test failed, which no record can undo.
    """

    nodeid: str
    records: tuple[Record, ...]
    failed: bool = False

    @cached_property
    def outcome(self) -> Outcome:
        """What became of the test, where a failure that does not count weighs like a warning."""
        return Outcome.FAILED if self.failed else reduce(self.records).weight

    @cached_property
    def word(self) -> str:
        """What the page calls the outcome."""
        result = reduce(self.records)
        excuse = WAIVED if result.waived else KNOWN if result.known else ""
        return str(self.outcome) if self.failed or not excuse else excuse

    @cached_property
    def lead(self) -> Record:
        """The record that tells most."""
        return lead(self.records)

    @property
    def expectation(self) -> str:
        """Name of the test as recorded."""
        return str(self.records[0]["expectation"])

    @property
    def unit(self) -> str:
        """The data unit."""
        return str(self.records[0]["unit"])

    @property
    def check(self) -> tuple[str, str]:
        """Unit and expectation."""
        return self.unit, self.expectation

    @property
    def anchor(self) -> str:
        """What an address names its row by."""
        return anchor(*self.check)

    @property
    def claim(self) -> str:
        """The test's name as words: names are claims."""
        return wording.claim(self.expectation)


def anchor(unit: str, expectation: str) -> str:
    """Name the row of a check as an address does; whatever a unit is called, it holds no space."""
    return re.sub(r"\s", "-", f"{unit}/{expectation}")


@dataclass
class Gathered:
    """The entries of a run, in the order in which they finished.

    Attributes
    ----------
    show_passed : bool
        Whether passed tests get a row.
    page : ReportData or None
        What pytest-html is going to write, if it is.
    root : str
        Folder or address of the production; empty if it is not known.
    entries : dict of str to Entry
        By node id.
    details : dict of str to (str, str)
        HTML of what the rows open to, by node id: what stands above the pictures, and what below.
    shown : dict of str to list of Piece
        Pictures and what else they show, by node id.
    """

    show_passed: bool = False
    page: ReportData | None = None
    root: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    details: dict[str, tuple[str, str]] = field(default_factory=dict)
    shown: dict[str, list[Piece]] = field(default_factory=dict)
    _found: list[Finding] | None = None

    def add(self, report: pytest.TestReport, records: list[Record]) -> Entry:
        """Keep the records of a test; those of an earlier try give way to them, those of its call do not."""
        before = self.entries.get(report.nodeid)
        if report.when == "teardown" and before is not None:
            records = [*before.records, *records]
        entry = Entry(report.nodeid, tuple(records), failed=report.failed)
        self.entries[report.nodeid] = entry
        self._found = None
        return entry

    @property
    def records(self) -> list[Record]:
        """All records."""
        return [record for entry in self.entries.values() for record in entry.records]

    @property
    def findings(self) -> Sequence[Finding]:
        """What the failures and warnings of the run come to, those left out that somebody answers for."""
        if self._found is None:
            from pytest_specqa.triage.findings import findings  # noqa: PLC0415

            self._found = findings(record for record in self.records if not is_excused(record))
        return self._found

    def has_row(self, entry: Entry) -> bool:
        """Tell whether the page lists a test."""
        return self.show_passed or entry.outcome is not Outcome.PASSED


def records_of(report: pytest.TestReport) -> list[Record]:
    """Return the records that a report carries."""
    return [cast("Record", value) for name, value in report.user_properties if name == PROPERTY and isinstance(value, dict)]


GATHERED: pytest.StashKey[Gathered] = pytest.StashKey()


def of(config: pytest.Config) -> Gathered:
    """Return what was gathered of a run."""
    if GATHERED not in config.stash:
        config.stash[GATHERED] = Gathered()
    return config.stash[GATHERED]
