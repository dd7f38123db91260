"""What becomes of a check that could not tell: its process died, or it broke before or after its call."""

from __future__ import annotations

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.report import gather
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run import calls, plan, session
from pytest_specqa.values import NoValue, Record

DIED = "???"
"""What pytest-xdist calls the phase of a test whose worker died."""


def records_of(config: pytest.Config, report: pytest.TestReport) -> list[Record]:
    """Return what a report adds to the records of a run: those of the call, or one that says why there are none.

    Parameters
    ----------
    config : pytest.Config
        The run, in its controlling process.
    report : pytest.TestReport
        Of one phase of a test.

    Returns
    -------
    list of Record
        Empty for a phase that went well, and for a test that judges no unit.
    """
    phase = str(report.when)
    found = gather.records_of(report) if phase == "call" else []
    planned = (plan.of(config).checks or {}).get(report.nodeid)
    if found or planned is None:
        return found
    check = calls.check_of(session.of(config), planned, limits=Limits())
    if phase == DIED:
        check.fail(NoValue.CRASH, f"the process that ran this check died: {report.longrepr}")
    elif phase == "setup" and report.skipped:
        check.not_measured(NoValue.SKIPPED, _why(report))
    elif phase == "call" or (report.failed and phase in ("setup", "teardown")):
        broke = {"setup": "the check could not be set up", "teardown": "the check broke when it was torn down"}
        check.fail(NoValue.CRASH, f"{broke.get(phase, 'the check told nothing')}: {_why(report)}")
    return check.records()


def _why(report: pytest.TestReport) -> str:
    """The one line that says most."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return wording.one_line(str(crash.message))
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "no reason given")
    return wording.one_line(text.strip().splitlines()[-1] if text.strip() else "no reason given")
