"""Redshifts of a fiber over many nights: outliers, pile-ups, and the residuals that make them, with their dates."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from pytest_specqa.results.history import pileups
from pytest_specqa.results.history.changes import Change, as_json, from_json
from pytest_specqa.results.history.found import Tally
from pytest_specqa.results.history.outliers import FAILURES, OUTLIERS
from pytest_specqa.results.history.pileups import PILEUP, find
from pytest_specqa.results.storing.dataset import Store
from tests.results.history.nights import Nights, Table

NIGHTS = [20220501 + day for day in range(30)] + [20220601 + day for day in range(15)]
BEGIN, END = 20220508, 20220524
FIBER, ROW = 3234, 234
LINE = 8600.0


def _found(nights: Nights, rate: float = 0.02) -> list[Change]:
    return find(cast("Store", nights), rate=rate)


def _bad(night: int) -> bool:
    return BEGIN <= night <= END


def _one_line(part: float) -> object:
    """A spurious line that a part of the objects of one fiber are fitted to: [O II] at 8600 A."""

    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if petal == 6 and _bad(night) and rng.random() < part:
            table["redshift"][ROW] = rng.normal(LINE, 2.0) / 3728.48 - 1.0
            table["spectype"][ROW], table["zwarn"][ROW] = 1, 0

    return change


def _dent(depth: float) -> object:
    def dent(night: int, camera: str, residual: np.ndarray, edges: np.ndarray) -> None:
        if camera == "z6" and _bad(night):
            residual[ROW, np.searchsorted(edges, LINE) - 1] -= depth

    return dent


def test_clean_nights_are_quiet_at_fifty_times_the_rate() -> None:
    assert _found(Nights(NIGHTS), rate=20.0) == []


def test_a_store_without_redshifts_is_quiet() -> None:
    assert _found(Nights([], petals=(6,))) == []


def test_a_pile_up_is_found_with_its_dates_and_what_it_is_taken_for() -> None:
    found = _found(Nights(NIGHTS, change=_one_line(0.3), dent=_dent(1.5)))
    assert {change.fibers for change in found} == {(FIBER, FIBER)}
    pile = next(change for change in found if change.what == PILEUP)
    assert BEGIN <= pile.first[0] <= BEGIN + 3
    assert END - 3 <= pile.last[0] <= END
    assert not pile.ongoing
    assert pile.camera == "z6"
    assert pile.waves is not None
    assert pile.waves[0] < LINE < pile.waves[1]
    assert pile.shape == "step"
    assert pile.bad <= pile.seen
    assert pile.size == pytest.approx(100 * pile.bad / pile.seen, abs=1.5)
    assert "in z6" in pile.joined[0]
    assert "one object per tile" in pile.detail
    assert from_json(as_json(found)) == found


def test_a_line_and_a_residual_together_are_found_where_each_alone_is_not() -> None:
    """Five objects are too few to be told by themselves, and the dent is not what they are told by."""
    several = [night for night in NIGHTS if _bad(night)][::3][:5]

    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if night in several and table["target"][ROW] != 9 and not table.get("used"):
            table["redshift"][ROW] = rng.normal(LINE, 1.0) / 3728.48 - 1.0
            table["spectype"][ROW], table["target"][ROW] = 1, 1 + 32

    def piles(nights: Nights) -> list[Change]:
        return [change for change in _found(nights) if change.what == PILEUP]

    def once(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if night not in done:
            done.add(night)
            table["target"][ROW] = 1 + 32
            change(night, petal, table, rng)

    done: set[int] = set()
    assert piles(Nights(NIGHTS, change=once)) == []
    done.clear()
    (pile,) = piles(Nights(NIGHTS, change=once, dent=_dent(2.0)))
    assert pile.fibers == (FIBER, FIBER)
    assert pile.camera == "z6"
    done.clear()
    # A dent elsewhere on the same fiber has nothing to do with it.
    elsewhere = Nights(NIGHTS, change=once, dent=_elsewhere)
    assert piles(elsewhere) == []


def _elsewhere(night: int, camera: str, residual: np.ndarray, _: np.ndarray) -> None:
    if camera == "z6" and _bad(night):
        residual[ROW, 3] -= 2.0


def test_outliers_at_any_redshift_are_found() -> None:
    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if _bad(night) and rng.random() < 0.25:
            table["redshift"][ROW], table["spectype"][ROW], table["zwarn"][ROW] = rng.uniform(4.5, 6.0), 2, 0

    found = [each for each in _found(Nights(NIGHTS, change=change)) if each.what == OUTLIERS]
    assert [each.fibers for each in found] == [(FIBER, FIBER)]
    assert BEGIN <= found[0].first[0] <= found[0].last[0] <= END
    assert found[0].level < 1.0 < found[0].size


def test_fits_that_fail_are_found_and_a_night_on_which_all_fail_is_not() -> None:
    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if night == 20220510:
            table["zwarn"][rng.random(500) < 0.9] = 4
        if night >= 20220520 and rng.random() < 0.7:
            table["zwarn"][ROW] = 4

    found = _found(Nights(NIGHTS, change=change))
    assert {(each.what, each.fibers) for each in found} == {(FAILURES, (FIBER, FIBER))}
    assert found[0].first[0] >= 20220518
    assert found[0].ongoing


def test_a_pile_up_of_a_whole_tile_is_not_told_of_its_fibers() -> None:
    """The founding case: a fifth of a petal at one redshift on one tile; other checks find that."""

    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if night == 20220512:
            rows = rng.random(500) < 0.2
            table["redshift"][rows], table["spectype"][rows] = 4.3 + rng.normal(0, 0.01, rows.sum()), 2

    assert [each for each in _found(Nights(NIGHTS, change=change)) if each.first != each.last] == []


def test_what_was_searched_is_counted() -> None:
    nights, tally = Nights(NIGHTS[:2]), Tally({"fibers": 3}, 5)
    find(cast("Store", nights), tally=tally)
    # Outliers, failures and pile-ups, each of all objects of a fiber and of those of each of four tracers.
    assert tally.series == {"fibers": 3, "redshifts": 500 * 3 * 5}
    targets = np.array([table["target"].astype(int) for *_, table in nights.kept])
    sizes = [len(targets) + np.zeros(500, dtype=int), *((targets & bit > 0).sum(axis=0) for bit in (8, 16, 32, 64))]
    assert tally.ranges == 5 + 3 * sum(int((size * (size - 1) // 2).sum()) for size in sizes)


def test_few_objects_say_nothing() -> None:
    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        table["redshift"][ROW] = 1.5

    assert [each.what for each in _found(Nights(NIGHTS[:1], tiles=2, change=change))] == []


def test_the_rate_is_shared_among_the_searches() -> None:
    assert sum(pileups.SHARES.values()) == pytest.approx(1.0)


def _residual(fiber: int, waves: tuple[float, float]) -> Change:
    return Change(
        what="residual", scope="fiber", shape="step", camera="z6", fibers=(fiber, fiber), waves=waves, first=(BEGIN, 1),
        last=(END, 2), ongoing=False, size=1.0, error=0.1, unit="", level=0.0, significance=9.0, bad=20, seen=20, detail="d",
    )  # fmt: skip


def test_a_residual_that_is_known_is_told_what_redshifts_show_there() -> None:
    """The other way round: objects with a line where a residual is known."""
    given = [_residual(FIBER, (8550.0, 8650.0)), _residual(FIBER + 1, (8550.0, 8650.0)), _residual(FIBER, (9300.0, 9350.0))]
    used: list[int] = []

    def change(night: int, petal: int, table: Table, rng: np.random.Generator) -> None:
        if _bad(night) and len(used) < 20 and table["target"][ROW] == 9:
            used.append(night)
            table["redshift"][ROW] = rng.normal(LINE, 3.0) / 3728.48 - 1.0

    found = find(cast("Store", Nights(NIGHTS, change=change)), residuals=given)
    told = {(each.fibers, each.waves): each.joined for each in found if each.what == "residual"}
    assert "objects of fiber 3234 with a line at 8550-8650 A" in told[(FIBER, FIBER), (8550.0, 8650.0)][0]
    assert told[(FIBER + 1, FIBER + 1), (8550.0, 8650.0)] == ()
    assert told[(FIBER, FIBER), (9300.0, 9350.0)] == ()
