"""Faults of an older production in a newer one: gone only where they would have been seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.cli import main
from pytest_specqa.errors import ResultsError
from pytest_specqa.results.history import against, finding
from pytest_specqa.results.history.against import Compared, Known, State, compare, power, read_known, same_place, table
from pytest_specqa.results.history.changes import Change, as_json
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome
from pytest_specqa.vectors import Vector, encode

NIGHTS = tuple(20220501 + day for day in range(10))
SEARCHED = {"series": 1_000_000, "ranges": 500, "rate": 0.05}
WAS = Change(
    what="residual", scope="fiber", shape="step", camera="r6", fibers=(3234, 3234), waves=(6500.0, 6560.0),
    first=(20220502, 20), last=(20220505, 51), ongoing=False, size=2.0, error=0.1, unit="sigma", level=0.0, significance=9.0,
    bad=8, seen=8, detail="a dip",
)  # fmt: skip
PILE = replace(
    WAS, what="redshift pile-up", camera="r6", size=30.0, error=7.0, unit="%", level=0.1, bad=6, seen=20,
    first=(20220502, None), last=(20220506, None),
)  # fmt: skip


def _record(unit: DataUnit, vectors: list[Vector]) -> Any:
    measurement = Measurement(unit, "test_sky", Measured(0.5), Limit("sky_level", high=1.0), Outcome.PASSED, "fine")
    kept = {"vectors": [encode(vector) for vector in vectors]} if vectors else {}
    digests = {"code": "c", "limits": "l", "inputs": f"{unit.id}"}
    return measurement.as_record() | kept | {"versions": {"production": "new"}} | digests


def _night(night: int) -> list[Any]:
    """Two exposures of r6 with residuals, and four tiles of petal 6 with redshifts."""
    number = night % 100
    residual = Vector("residual", 3000, np.zeros((500, 2)), 0.25, (5800.0, 6600.0, 7400.0))
    records = [_record(DataUnit("camera", night, expid=10 * number + k, tile=7, camera="r6"), [residual]) for k in range(2)]
    values = {"redshift": 0.2, "spectype": 1.0, "zwarn": 0.0, "target": 9.0}
    vectors = [Vector(name, 3000, np.full(500, value), 0.0) for name, value in values.items()]
    return records + [
        _record(DataUnit("petal", night, tile=10 * number + k, petal=6, group="cumulative"), vectors) for k in range(4)
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    kept = Store.create(tmp_path_factory.mktemp("against") / "new", production="new")
    for night in NIGHTS:
        kept.add(_night(night))
    return kept


def _states(store: Store, now: list[Change], *known: Change, before: tuple[Change, ...] = ()) -> list[State]:
    older = [Known("old", known), *([Known("older", before)] if before else [])]
    return [each.state for each in compare(store, now, older, searched=SEARCHED)]


def test_still_there_gone_and_new(store: Store) -> None:
    again = replace(WAS, first=(20220503, 30), waves=(6510.0, 6590.0), size=1.5)
    assert _states(store, [again], WAS) == [State.STILL]
    assert _states(store, [], WAS) == [State.GONE]
    assert _states(store, [again]) == [State.NEW]
    elsewhere = [replace(again, fibers=(3236, 3236)), replace(again, waves=(7000.0, 7010.0)), replace(again, camera="b6")]
    assert _states(store, elsewhere, WAS) == [State.GONE, State.NEW, State.NEW, State.NEW]


def test_a_fault_of_the_other_sign_is_another_one(store: Store) -> None:
    assert WAS.size != 0
    other = replace(WAS, size=-WAS.size)
    assert _states(store, [other], WAS) == [State.GONE, State.NEW]
    # Less light in residuals is more outliers among redshifts: signs of different things do not compare.
    assert same_place(replace(WAS, size=-1.0), PILE)
    assert same_place(replace(WAS, size=float("nan")), WAS)


def test_gone_only_where_it_would_have_been_seen(store: Store) -> None:
    assert _states(store, [], replace(WAS, error=0.3)) == [State.UNKNOWN]
    # As large, but of a camera, dates or a measure of which there are no exposures.
    assert _states(store, [], replace(WAS, camera="z6")) == [State.UNKNOWN]
    assert _states(store, [], replace(WAS, first=(20230101, 1), last=(20230201, 2))) == [State.UNKNOWN]
    assert _states(store, [], replace(WAS, what="line_shift")) == [State.UNKNOWN]
    assert _states(store, [], replace(WAS, what="sky_level", scope="camera", fibers=None, waves=None)) == [State.GONE]
    # Two of twenty exposures are here: a third of the significance.
    few = replace(WAS, first=(20220510, 1), last=(20220601, 2), seen=20)
    assert _states(store, [], few) == [State.UNKNOWN]
    assert _states(store, [], replace(few, error=0.02)) == [State.GONE]
    assert _states(store, [], replace(WAS, error=0.0)) == [State.UNKNOWN]


def test_a_pile_up_is_gone_only_with_objects_enough(store: Store) -> None:
    assert _states(store, [], replace(PILE, size=60.0)) == [State.GONE]
    assert _states(store, [], PILE) == [State.UNKNOWN]
    assert _states(store, [], replace(PILE, fibers=(734, 734), size=60.0)) == [State.UNKNOWN]
    (compared,) = compare(store, [], [Known("old", (PILE,))], searched=SEARCHED)
    assert "20 objects" in compared.why


def test_the_chance_to_find_grows_with_data_and_size() -> None:
    for change in (WAS, PILE):
        chances = [power(replace(change, error=0.3), number, SEARCHED) for number in (1, 5, 20, 80)]
        assert chances == sorted(chances)
        assert power(replace(change, size=0.01, error=0.3), 20, SEARCHED) < 0.01
    assert power(WAS, 8, SEARCHED) > 0.999
    # A wider search needs more.
    assert power(PILE, 40, SEARCHED) > power(PILE, 40, SEARCHED | {"series": 10**9})


def test_back_after_its_end_and_back_after_a_production_without_it(store: Store) -> None:
    later = replace(WAS, first=(20220508, 80), last=(20220510, 101))
    assert _states(store, [later], WAS) == [State.GONE, State.BACK]
    # The release before had it, the last one did not, and here it is.
    assert _states(store, [WAS], before=(WAS,)) == [State.BACK]
    assert _states(store, [WAS], before=(replace(WAS, fibers=(1, 1)),)) == [State.NEW]


def test_one_defect_shows_in_residuals_or_redshifts() -> None:
    assert same_place(WAS, PILE)
    assert same_place(PILE, replace(PILE, what="redshift outliers", camera="", waves=None))
    assert same_place(WAS, replace(WAS, scope="group", fibers=(3225, 3249)))
    assert not same_place(WAS, replace(WAS, what="line_shift"))
    assert not same_place(WAS, replace(WAS, scope="camera", fibers=None))


def test_the_table_and_the_json_hold_every_fault() -> None:
    compared = [Compared(State.NEW, None, PILE, "nothing"), Compared(State.GONE, WAS, None, "8 exposures\nof these dates")]
    lines = table(compared).splitlines()
    assert [line.split()[0] for line in lines] == ["state", "gone", "new"]
    assert "r6 fiber 3234 6500-6560 A" in lines[1]
    rows = json.loads(against.as_text(compared))["compared"]
    assert [row["state"] for row in rows] == ["new", "gone"]
    assert rows[0]["was"] is None
    assert rows[1]["was"]["fibers"] == [3234, 3234]


def test_a_history_is_read_from_a_store_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(as_json([WAS]))
    assert read_known(tmp_path).changes == read_known(tmp_path / "history.json").changes == (WAS,)
    (tmp_path / "damaged.json").write_text("[]")
    for path, words in ((tmp_path / "none", "run that first"), (tmp_path / "damaged.json", "expected|no list of changes")):
        with pytest.raises(ResultsError, match=words) as told:
            read_known(path)
        assert "\n" not in str(told.value)


def test_the_verb_compares_and_drafts(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extent = finding.Extent(NIGHTS)
    monkeypatch.setattr(finding, "find_all", lambda *_, **__: ([WAS], extent))
    (tmp_path / "history.json").write_text(as_json([replace(WAS, fibers=(3300, 3300))]))
    asked = ["history", str(store.root), "--against", str(tmp_path), "--patches", str(tmp_path / "patches")]
    assert main(asked) == 1
    shown = capsys.readouterr().out
    assert "flagged_fibers.ecsv: 8 entries to review" in shown
    rows = json.loads((store.root / "against.json").read_text())["compared"]
    assert [row["state"] for row in rows] == ["gone", "new"]
    assert main(["history", str(store.root), "--against", str(tmp_path / "nothing")]) == 2
    assert "run that first" in capsys.readouterr().err
