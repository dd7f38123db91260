"""Collection: one instance of a test per data unit, in the order in which products are loaded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.errors import SpecQAError, UsageError
from pytest_specqa.run import mistakes, selection
from pytest_specqa.run.calls import TAKEN
from pytest_specqa.run.plan import STAGE_MARKER
from pytest_specqa.run.session import UNIT_FIXTURES, Session, unit_of
from pytest_specqa.triage.stages import STAGES
from pytest_specqa.values import DataUnit

BANDS_MARKER = "specqa_bands"
REDUCES_MARKER = "specqa_reduces"
FIRST_MARKER = "specqa_first"
MARKERS = (
    f"{BANDS_MARKER}(*bands): the camera test is for these bands only; on others there is nothing to measure",
    f"{REDUCES_MARKER}(by): what the test gives to exposure_reduced or tile_reduced, to be called while cameras are in memory",
    f"{STAGE_MARKER}(stage): the stage of the reduction that the test judges, such as sky, for the first bad one of a run",
    f"{FIRST_MARKER}: the test runs before the others of its data unit",
)


def parametrize(session: Session, metafunc: pytest.Metafunc) -> None:
    """Give a test one instance per data unit, if it asks for units at all, directly or through a product.

    Parameters
    ----------
    session : Session
        Holds the selection; a usage error is kept there, for `arrange` to end the run with.
    metafunc : pytest.Metafunc
        The test.
    """
    kinds = [kind for fixture, kind in UNIT_FIXTURES.items() if fixture in metafunc.fixturenames]
    if not kinds:
        return
    narrowest = kinds[0]
    session.expectations.add(metafunc.function.__name__)
    if narrowest not in session.options.kinds:
        metafunc.parametrize(f"specqa_{narrowest}", [pytest.param(None, id=f"no-{narrowest}")], indirect=True)
        return
    session.kinds_used.add(narrowest)
    try:
        _verify_stage(metafunc.definition)
        _verify_reduction(metafunc.definition)
        units = session.selection.units[narrowest]
        session.limits_for(Path(metafunc.definition.path))
    except SpecQAError as error:
        session.usage_error = session.usage_error or str(error)
        units = ()
    marker = metafunc.definition.get_closest_marker(BANDS_MARKER)
    if marker is not None and narrowest == "camera":
        units = tuple(unit for unit in units if unit.camera is not None and unit.camera[0] in marker.args)
    session.counted += len(units)
    if mistakes.too_many(session):
        # Counted to the end, and not made: there may be millions.
        units = ()
    marks = pytest.mark.skip(reason=f"the selection holds no {narrowest} that this test is for")
    params: list[Any] = list(units) or [pytest.param(None, marks=marks, id=f"no-{narrowest}")]
    metafunc.parametrize(f"specqa_{narrowest}", params, indirect=True, ids=str if units else None)


def _verify_stage(test: pytest.Item) -> None:
    """Refuse a stage that no sentence could name: its failures would be left out of the order without a word."""
    marker = test.get_closest_marker(STAGE_MARKER)
    if marker is not None and not (len(marker.args) == 1 and marker.args[0] in STAGES):
        given = ", ".join(map(repr, marker.args)) or "nothing"
        raise UsageError(f"{test.nodeid}: {STAGE_MARKER} names {given}, expected one of {', '.join(STAGES)}")


def _verify_reduction(test: pytest.Item) -> None:
    """Refuse a marker that names no function: what it should make ahead would be read a second time without a word."""
    for marker in test.iter_markers(REDUCES_MARKER):
        if not callable(marker.kwargs.get("by")):
            raise UsageError(f"{test.nodeid}: {REDUCES_MARKER} names no function, expected {REDUCES_MARKER}(by=function)")


def arrange(session: Session, items: list[pytest.Item], *, broken: bool = False) -> None:
    """Put the tests of one unit together, those marked to be first before the others in file order; tests without units stay.

    Parameters
    ----------
    session : Session
        What `parametrize` has met.
    items : list of pytest.Item
        Reordered in place.
    broken : bool
        Whether a file could not be collected, of which pytest tells.

    Raises
    ------
    pytest.UsageError
        If nothing can be judged; a worker of pytest-xdist hands it to the controller, which alone can set the exit code.
    """
    session.usage_error = (
        session.usage_error or mistakes.too_many(session) or mistakes.why_nothing(session, left=bool(items) or broken)
    )
    if not session.usage_error and session.kinds_used and not any(session.selection.units[kind] for kind in session.kinds_used):
        session.usage_error = _nothing(session)
    if session.usage_error:
        if not session.is_worker:
            raise pytest.UsageError(session.usage_error)
        session.config.workeroutput["specqa_usage_error"] = session.usage_error  # type: ignore[attr-defined]
        items.clear()
        return
    if idle := [item for item in items if _is_idle(item, session)]:
        items[:] = [item for item in items if item not in idle]
        session.config.hook.pytest_deselected(items=idle)
    before = list(items)
    slots = [(number, unit) for number, item in enumerate(before) if (unit := unit_of(item)) is not None]
    first = [item.get_closest_marker(FIRST_MARKER) is not None for item in before]
    ordered = sorted(slots, key=lambda slot: (selection.order(slot[1], session.production.instrument), not first[slot[0]]))
    for (slot, _), (number, _) in zip(slots, ordered, strict=True):
        items[slot] = before[number]

    _announce_reductions(session, [(items[slot], unit) for (slot, _), (_, unit) in zip(slots, ordered, strict=True)])


def _is_idle(item: pytest.Item, session: Session) -> bool:
    """Tell whether a test has no unit because it is for other bands, or for a kind that the run does not judge."""
    if unit_of(item) is not None or (callspec := getattr(item, "callspec", None)) is None:
        return False
    kinds = [kind for fixture, kind in UNIT_FIXTURES.items() if fixture in callspec.params]
    return bool(kinds) and (item.get_closest_marker(BANDS_MARKER) is not None or kinds[0] not in session.options.kinds)


def _announce_reductions(session: Session, tests: list[tuple[pytest.Item, DataUnit]]) -> None:
    """Tell what tests of exposures and tiles will ask of cameras, so that it is made when those are in memory."""
    for item, unit in tests:
        if TAKEN in item.stash:
            continue
        for marker in item.iter_markers(REDUCES_MARKER):
            cameras = session.products.tile_cameras if unit.kind in ("tile", "petal") else session.products.cameras
            if unit.kind in ("exposure", "tile", "petal"):
                session.reductions.expect(marker.kwargs["by"], unit, cameras("sframe", unit))


def _nothing(session: Session) -> str:
    kinds = " or ".join(sorted(session.kinds_used))
    held = ", ".join(f"{len(units)} {kind}s" for kind, units in session.selection.units.items() if units)
    return f"the selected tests judge a {kinds}, and the selection holds none (it holds {held}); choose other tests or filters"
