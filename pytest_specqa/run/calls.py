"""A test becomes a check: it is set up, run, judged, and ends as passed, failed or skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pytest_specqa.checks import call
from pytest_specqa.checks.check import Check
from pytest_specqa.errors import SpecQAError
from pytest_specqa.printable import command, printable
from pytest_specqa.rules import expectations
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run import plan, reading, session
from pytest_specqa.run.plan import Planned
from pytest_specqa.run.session import Session
from pytest_specqa.values import NO_NIGHT, PROPERTY, DataUnit, NoValue, Record

CHECK: pytest.StashKey[Check] = pytest.StashKey()
TAKEN: pytest.StashKey[list[Record]] = pytest.StashKey()
"""Records of a test that an earlier run has judged: it is not set up, and reads nothing."""
SKIPS, STOPS = (pytest.skip.Exception,), (pytest.fail.Exception,)
"""What `pytest.skip` and `pytest.fail` raise; `pytest_specqa.checks.call` does not know pytest."""


def check_of(running: Session, planned: Planned, *, limits: Limits, rerun: str = "") -> Check:
    """Begin the check that was planned, with what the selection knows of its exposure or tile."""
    try:
        held = running.selection.exposure(planned.unit) or running.selection.tile(planned.unit)
    except (SpecQAError, KeyError):
        held = None
    return Check(
        unit=planned.unit,
        expectation=planned.expectation,
        nodeid=planned.instance,
        limits=limits,
        root=running.production.root,
        survey=held.survey if held else "",
        program=held.program if held else "",
        stage=planned.stage,
        versions=running.versions,
        rerun=rerun,
        keeps=running.options.vectors,
    )


def _begin(running: Session, item: pytest.Item) -> Check | None:
    planned = plan.planned_of(item)
    if planned is None or not isinstance(item, pytest.Function):
        return None
    words = rerun(running, item, unit=planned.unit)
    check = check_of(running, planned, limits=running.limits_for(item.path), rerun=words)
    check.unit = replace(planned.unit, tile=running.tile_of(planned.unit))
    item.stash[CHECK] = check
    return check


@contextmanager
def set_up(item: pytest.Item) -> Iterator[None]:
    """Set a test up; what goes wrong with its data is kept for the call, where it counts as a failed expectation."""
    running = session.of(item.config)
    check = None if TAKEN in item.stash else _begin(running, item)
    if check is None:
        yield
        return
    try:
        with call.undisturbed():
            unit = session.unit_of(item) or check.unit
            if running.following is not None:
                running.following.begin(unit, item)
            if check.unit.kind == "camera":
                running.reductions.prepare(unit)
            yield
    except (Exception, pytest.skip.Exception) as error:
        if isinstance(error, pytest.UsageError):
            raise
        check.setup_error = error


def tear_down(item: pytest.Item, following: pytest.Item | None) -> None:
    """Let go what was kept for the tests of a unit after the last of them."""
    unit = session.unit_of(item)
    if unit is None or (following is not None and session.unit_of(following) == unit):
        return
    running = session.of(item.config)
    if unit.kind != "camera":
        running.reductions.forget(unit)
    running.forget_unreachable()


@contextmanager
def judged(item: pytest.Item) -> Iterator[None]:
    """Run a test function, judge what it measured, and end it as passed, failed or skipped."""
    check = item.stash.get(CHECK, None)
    if check is None:
        yield
        return
    try:
        with call.recorded(check, skips=SKIPS, stops=STOPS):
            if check.setup_error is not None:
                raise check.setup_error
            yield
    finally:
        with call.undisturbed():
            _close(session.of(item.config), item, check=check)
    _end(check)


def _close(running: Session, item: pytest.Item, *, check: Check) -> None:
    """Attach what was measured to the reports of the test, and draw the pictures that they will show."""
    check.verified = reading.verified(check.read)
    try:
        if running.trends is not None:
            running.trends.judge(check)
    except SpecQAError as error:
        check.fail(NoValue.CRASH, str(error))
    if running.waivers is not None:
        check.waive(running.waivers.judge)
    check.excuse(running.known)
    records = check.records()
    if running.options.stored:
        running.digests.put(records, check, item.path)
    item.user_properties.extend((PROPERTY, record) for record in records)
    if getattr(running.config.option, "htmlpath", None):
        running.gallery.draw(check)


def _end(check: Check) -> None:
    result = check.result
    if result.fails:
        # The file that could not be read is in the text; its exception would be printed a second time.
        raise pytest.fail.Exception(check.failure(), pytrace=False) from None
    if result.excused:
        raise pytest.skip.Exception(printable(check.excused()), _use_item_location=True) from None
    if not result.outcome.judged:
        raise pytest.skip.Exception(printable(check.reason()), _use_item_location=True) from None


def rerun(running: Session, item: pytest.Function, *, unit: DataUnit) -> str:
    """Return the command that repeats one test on one unit.

    Parameters
    ----------
    running : Session
        What this run was asked for.
    item : pytest.Function
        The test.
    unit : DataUnit
        What it judges.

    Returns
    -------
    str
        To be typed where this run was started.
    """
    here, chosen = running.config.invocation_params.dir, running.options
    if module := expectations.module_of(item.path):
        words = ["pytest", "--pyargs", f"{module}::{item.originalname}"]
    else:
        path = item.path.relative_to(here) if item.path.is_relative_to(here) else item.path
        words = ["pytest", f"{path}::{item.originalname}"]
    words += ["--specprod", chosen.specprod or str(running.production.root)]
    words += ["--healpix", unit.suffix] if unit.kind == "healpix" else []
    words += ["--night", str(unit.night)] if unit.night != NO_NIGHT else []
    words += ["--expid", str(unit.expid)] if unit.expid is not None else []
    words += ["--tile", str(unit.tile)] if unit.kind in ("tile", "petal") else []
    words += ["--camera", unit.camera] if unit.camera else []
    words += ["--petal", str(unit.petal)] if unit.kind == "petal" else []
    if unit.kind not in ("camera", "petal", "healpix"):
        words += [word for text in chosen.cameras for word in ("--camera", text)]
        words += [word for petal in chosen.petals for word in ("--petal", str(petal))]
    words += ["--specqa-group", unit.group] if unit.group not in ("", "cumulative", "healpix") else []
    words += ["--specqa-limits", str(chosen.limits)] if chosen.limits else []
    words += ["--specqa-history", str(chosen.history)] if chosen.history else []
    words += ["--specqa-verify", chosen.verify] if chosen.verify != "read" else []
    return command(words)
