"""Sessions of pytest in this process, one after the other, that judge given units or tell what they would judge."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

import pytest

from pytest_specqa.errors import ResultsError, SpecQAError, UsageError
from pytest_specqa.results.writable import why_not
from pytest_specqa.run import apart, plan, session
from pytest_specqa.run.session import unit_of

JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
"""Exit codes of a session that judged its units: that something fails is a verdict on the data."""
AGAIN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""A second session finds imported what the first has rewritten, and would complain."""
Expected = tuple[str, str, str, str, str]
"""Kind of unit, band of a camera, expectation, and the digests of code and limits."""


class OtherDigestsError(SpecQAError):
    """Tests that are not those that were planned."""


class Only:
    """A plugin that leaves out what judges other units than those that are given.

    Parameters
    ----------
    units : collection of str
        Their names.
    digests : collection of (str, str), optional
        Of code and limits. Where a test has others, nothing is judged.
    """

    def __init__(self, units: Collection[str], *, digests: Collection[tuple[str, str]] | None = None) -> None:
        self.units = frozenset(units)
        self.digests = digests
        self.expected: set[Expected] = set()
        self.changed = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the tests of other units."""
        others = [item for item in items if (unit := unit_of(item)) is not None and unit.id not in self.units]
        if others:
            config.hook.pytest_deselected(items=others)
            left_out = set(others)
            items[:] = [item for item in items if item not in left_out]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is expected of each kind of unit."""
        self.expected = set(expected(session.config, session.items))
        if self.digests is not None and (others := sorted(one for one in self.expected if one[3:] not in self.digests)):
            self.changed = f"the package, its tests or limits changed after it was planned ({others[0][2]})"
            raise pytest.UsageError(self.changed)


def expected(config: pytest.Config, items: Iterable[pytest.Item]) -> Iterable[Expected]:
    """Yield what tests expect of units, each with the digests of its code and limits."""
    digests = session.of(config).digests
    for item in items:
        if (planned := plan.planned_of(item)) is not None:
            code, limits = digests.of_file(item.path)
            yield planned.unit.kind, (planned.unit.camera or "")[:1], planned.expectation, code, limits


def judge(words: Sequence[str], *, units: Collection[str], log: Path, digests: Collection[tuple[str, str]] | None = None) -> str:
    """Run a session that judges units.

    Parameters
    ----------
    words : sequence of str
        The command line of pytest, which selects these units and perhaps more.
    units : collection of str
        Their names.
    log : Path
        Takes what pytest says.
    digests : collection of (str, str), optional
        Of the code and limits that may judge; by default any.

    Returns
    -------
    str
        Why they are not judged; empty if they are.

    Raises
    ------
    ResultsError
        If the log cannot be written.
    OtherDigestsError
        In one line, if a test has other digests; none has judged then.
    """
    only = Only(units, digests=digests)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            code = _session([*words, "-q"], only, stream)
    except OSError as error:
        raise ResultsError(f"{log}: cannot be written: {why_not(error)}") from None
    if only.changed:
        raise OtherDigestsError(only.changed)
    if code in JUDGED:
        return ""
    return f"pytest ended with exit code {code} ({_complaint(log.read_text(encoding='utf-8'))})"


def collect(words: Sequence[str], *, units: Collection[str]) -> set[Expected]:
    """Tell what a session would judge of some units.

    Parameters
    ----------
    words : sequence of str
        The command line of pytest.
    units : collection of str
        Names of units.

    Raises
    ------
    UsageError
        In pytest's own line, if it cannot carry that out.
    """
    said, only = io.StringIO(), Only(units)
    code = _session([*words, "--collect-only", "-q", "-q"], only, said)
    if code not in (*JUDGED, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise UsageError(_complaint(said.getvalue()))
    return only.expected


def _session(words: list[str], only: Only, stream: TextIO) -> int:
    with redirect_stdout(stream), redirect_stderr(stream):
        return int(pytest.main([*words, *AGAIN], plugins=[only]))


def _complaint(output: str) -> str:
    """Find the line in which pytest says what it cannot do, or what went wrong with a file of tests."""
    errors = [line.removeprefix("E").strip() for line in output.splitlines() if line.startswith("E   ")]
    return errors[-1] if errors and "ERROR: usage: " not in output else apart.complaint(output)
