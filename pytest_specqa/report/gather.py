"""What is known of a run: one entry per test, with its records and the node id that its row carries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, cast

import pytest

from pytest_specqa.checks.outcome import reduce
from pytest_specqa.values import PROPERTY, Outcome, Record

if TYPE_CHECKING:
    from pytest_html.report_data import ReportData

WAIVED, KNOWN = "waived", "known"
"""What a run calls a failed check that does not count."""


@dataclass(frozen=True)
class Entry:
    """One test on one data unit.

    Attributes
    ----------
    nodeid : str
        Joins the entry to its row.
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

    @property
    def expectation(self) -> str:
        """Name of the test as recorded."""
        return str(self.records[0]["expectation"])

    @property
    def unit(self) -> str:
        """The data unit."""
        return str(self.records[0]["unit"])

    @property
    def claim(self) -> str:
        """The test's name as words: names are claims."""
        return re.sub(r"^test ", "", self.expectation.replace("_", " "))


@dataclass
class Gathered:
    """The entries of a run, in the order in which they finished.

    Attributes
    ----------
    show_passed : bool
        Whether passed tests get a row.
    page : ReportData or None
        What pytest-html is going to write, if it is.
    entries : dict of str to Entry
        By node id.
    pictures : list of str
        PNG files in base64, in the order in which rows refer to them.
    """

    show_passed: bool = False
    page: ReportData | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)

    def add(self, report: pytest.TestReport, records: list[Record]) -> Entry:
        """Keep the records of a test; those that it left in an earlier try give way to them."""
        entry = Entry(report.nodeid, tuple(records), failed=report.failed)
        self.entries[report.nodeid] = entry
        return entry

    @property
    def records(self) -> list[Record]:
        """All records."""
        return [record for entry in self.entries.values() for record in entry.records]


def records_of(report: pytest.TestReport) -> list[Record]:
    """Return the records that a report carries."""
    return [cast("Record", value) for name, value in report.user_properties if name == PROPERTY and isinstance(value, dict)]


GATHERED: pytest.StashKey[Gathered] = pytest.StashKey()


def of(config: pytest.Config) -> Gathered:
    """Return what was gathered of a run."""
    if GATHERED not in config.stash:
        config.stash[GATHERED] = Gathered()
    return config.stash[GATHERED]
