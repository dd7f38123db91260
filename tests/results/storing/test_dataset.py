"""What is added to a store is there once, and the newest of it is current."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.vectors import Vector, encode


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", production="iron")


def current(store: Store) -> list[tuple[str, str, float | None]]:
    with store.connect() as connection:
        return sorted(connection.execute("SELECT unit, measure, value FROM records").fetchall())


def everything(store: Store) -> int:
    with store.connect() as connection:
        return int(connection.execute("SELECT count(*) FROM all_records").fetchall()[0][0])


def test_records_of_two_nights_come_back_as_they_were_measured(store, judged):
    added = store.add([judged(value=1.5), judged(night=20220102, camera="b3", value=None, outcome="not measured")])
    assert (added.new, added.present, store.nights) == (2, 0, [20220101, 20220102])
    table = store.measures("chi2", camera="b3").to_pylist()
    assert [(row["night"], row["unit"], row["value"], row["fibers"]) for row in table] == [
        (20220102, "20220102-00000007-b3", None, [[500, 524]])
    ]
    assert len(store.measures(nights=[20220101])) == 1
    assert len(store.measures(nights=[20220103])) == 0


@pytest.mark.parametrize("digests", [{}, {"code": "c", "limits": "l", "inputs": "i"}], ids=["by content", "by digests"])
def test_what_is_there_is_not_added_again(store, judged, digests):
    records = [judged(**digests), judged(measure="flux", **digests)]
    assert store.add(records + records).new == 2
    again = store.add([one | {"run": "another"} for one in records])
    assert (again.new, again.present) == (0, 2)
    assert everything(store) == 2


@pytest.mark.parametrize(
    "changed", [{"code": "d"}, {"limits": "m"}, {"inputs": "j"}, {"waiver": "known"}], ids=["code", "limits", "inputs", "waiver"]
)
def test_what_was_judged_anew_takes_the_place_of_the_old(store, judged, changed):
    digests = {"code": "c", "limits": "l", "inputs": "i"}
    store.add([judged(value=1.0, **digests), judged(value=3.0, camera="b3", **digests)])
    store.add([judged(value=2.0, **digests | changed)])
    assert current(store) == [("20220101-00000007-b3", "chi2", 3.0), ("20220101-00000007-r6", "chi2", 2.0)]
    assert everything(store) == 3


def test_old_results_without_digests_differ_by_what_they_say(store, judged):
    assert store.add([judged(value=1.0), judged(value=2.0)]).new == 2
    assert current(store) == [("20220101-00000007-r6", "chi2", 2.0)]


def test_a_file_that_came_back_is_current_again_in_a_run_and_not_by_old_results(store, judged):
    digests = {"code": "c", "limits": "l", "inputs": "i"}
    good, bad = (
        judged(value=1.0, **digests),
        judged(measure="product", value=None, outcome="failed", **digests | {"inputs": "none"}),
    )
    store.add([good])
    store.add([bad])
    assert current(store) == [("20220101-00000007-r6", "product", None)]
    assert store.add([good]).new == 0
    assert current(store) == [("20220101-00000007-r6", "product", None)]
    assert store.add([good], again=True).new == 1
    assert current(store) == [("20220101-00000007-r6", "chi2", 1.0)]
    assert store.add([good], again=True).new == 0


def test_vectors_are_kept_apart_and_come_back_in_order(store, judged):
    edges = (5700.0, 5800.0, 5900.0)

    def kept(expid, level):
        vector = Vector("residual", 3000, np.array([[level, np.nan]] * 3), 0.25, edges, "sigma")
        return judged(expid=expid) | {"vectors": [encode(vector)]}

    assert store.add([kept(9, 2.0), kept(8, 1.0), judged(expid=8, camera="b3")]).vectors == 2
    found = list(store.vectors("residual", camera="r6"))
    assert [(one.night, one.expid, one.camera, one.program) for one in found] == [
        (20220101, 8, "r6", "dark"),
        (20220101, 9, "r6", "dark"),
    ]
    assert found[1].vector.first == 3000
    assert found[1].vector.waves == edges
    np.testing.assert_array_equal(found[1].vector.values, [[2.0, np.nan]] * 3)
    assert not list(store.vectors("residual", camera="b3"))
    assert not list(store.vectors("line_shift"))
    # The same once more, and a newer one.
    assert store.add([kept(9, 2.0)]).vectors == 0
    assert store.add([kept(9, 5.0)]).vectors == 1
    assert [float(one.vector.values[0, 0]) for one in store.vectors("residual")] == [1.0, 5.0]
    with store.connect() as connection:
        assert len(connection.execute("SELECT * FROM vectors").fetchall()) == 2
        assert connection.execute("SELECT count(*) FROM all_records WHERE extra LIKE '%vectors%'").fetchall() == [(0,)]


def test_a_store_holds_one_production(store, judged):
    with pytest.raises(ResultsError, match=r"of production 'fuji'.*expected 'iron'"):
        store.add([judged(), judged() | {"versions": {"production": "fuji"}}])
    assert store.nights == []
    with pytest.raises(ResultsError, match="store of production 'iron', not of 'fuji'"):
        Store.create(store.root, production="fuji")
    assert Store.create(store.root, production="iron").production == "iron"


def test_what_is_no_store_is_refused(tmp_path: Path):
    with pytest.raises(ResultsError, match="is no store"):
        Store.open(tmp_path / "none")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ResultsError, match=r"holds 'thesis.txt'"):
        Store.create(tmp_path, production="iron")
    (tmp_path / "store.json").write_text(json.dumps({"format": 2, "production": "iron"}))
    with pytest.raises(ResultsError, match="format 2, expected 1"):
        Store.open(tmp_path)
    (tmp_path / "store.json").write_text("[")
    with pytest.raises(ResultsError, match="is damaged"):
        Store.open(tmp_path)


def test_damaged_records_and_vectors_are_refused_in_one_line(store, judged):
    broken = encode(Vector("residual", 0, np.zeros(3), 0.25)) | {"data": "!"}
    for bad in ({"night": None}, {"vectors": [broken]}, {"outcome": "fine"}):
        with pytest.raises(ResultsError) as told:
            store.add([judged() | bad])
        assert "\n" not in str(told.value)
    assert store.nights == []
