"""What the report knows of a run: one entry per test, with its records and the node id that its row carries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    from pytest_html.report_data import ReportData

PROPERTY = "specqa"
WAIVED = "waived"


@dataclass(frozen=True)
class Entry:
    """One test on one data unit.

    Attributes
    ----------
    nodeid : str
        Joins the entry to its row.
    outcome : Outcome
        What became of the test.
    records : tuple of dict
        Its measurements, each with the ``nodeid`` added.
    """

    nodeid: str
    outcome: Outcome
    records: tuple[dict[str, Any], ...]

    @property
    def waived(self) -> bool:
        """Whether a waiver covers all that failed."""
        return self.outcome is not Outcome.FAILED and any(_is_waived(record) for record in self.records)

    @property
    def word(self) -> str:
        """What the page calls the outcome."""
        return WAIVED if self.waived else str(self.outcome)

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

    def take(self, report: pytest.TestReport) -> Entry | None:
        """Remember the call of a test that judged a data unit; ``None`` for other reports."""
        found = [value for name, value in report.user_properties if name == PROPERTY and isinstance(value, dict)]
        if report.when != "call" or not found:
            return None
        records = tuple({**record, "nodeid": report.nodeid} for record in found)
        entry = Entry(report.nodeid, outcome_of(report, records), records)
        self.entries[report.nodeid] = entry
        return entry

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records."""
        return [record for entry in self.entries.values() for record in entry.records]


def outcome_of(report: pytest.TestReport, records: tuple[dict[str, Any], ...]) -> Outcome:
    """Outcome of a test: pytest's where it failed, else the worst of its records, where what is waived weighs like a warning."""
    if report.failed:
        return Outcome.FAILED
    found = [Outcome.WARNED if _is_waived(record) else Outcome(record["outcome"]) for record in records]
    return max(found, key=lambda outcome: outcome.rank)


def _is_waived(record: dict[str, Any]) -> bool:
    return bool(record.get("waiver")) and record["outcome"] == str(Outcome.FAILED)


GATHERED: pytest.StashKey[Gathered] = pytest.StashKey()


def of(config: pytest.Config) -> Gathered:
    """Return what was gathered for the report of a run."""
    if GATHERED not in config.stash:
        config.stash[GATHERED] = Gathered()
    return config.stash[GATHERED]
