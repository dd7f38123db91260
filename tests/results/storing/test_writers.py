"""Writers at once, and writers that are killed: no measurement is lost, none is there twice, no part is half written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.storing.checking import problems
from pytest_specqa.results.storing.compacting import compact
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.locking import locked
from pytest_specqa.results.storing.shelf import Shelf
from pytest_specqa.vectors import Vector, encode


class KilledError(BaseException):
    """Stands for a signal that nothing survives."""


@pytest.fixture
def with_vector(judged):
    def make(**more):
        return judged(**more) | {"vectors": [encode(Vector("residual", 3000, np.arange(4.0), 0.25))]}

    return make


def rows(store):
    """Return what is current, and how often each measurement was added."""
    with store.connect() as connection:
        records = connection.execute("SELECT unit, measure, value FROM records ORDER BY ALL").fetchall()
        added = connection.execute("SELECT unit, measure, value, count(*) FROM all_records GROUP BY ALL ORDER BY ALL").fetchall()
    return records, added, [(one.expid, one.vector.values.tolist()) for one in store.vectors("residual")]


def die_after(patched, steps):
    """Let this process die before its next change of a folder but `steps`; nothing that would tidy up works from then on."""
    left = [steps]

    def mortal(whole):
        def step(*args, **more):
            left[0] -= 1
            if left[0] < 0:
                raise KilledError
            return whole(*args, **more)

        return step

    for name in ("replace", "rename", "unlink"):
        patched.setattr(Path, name, mortal(getattr(Path, name)))


def test_a_compaction_that_is_killed_at_any_step_changes_nothing_that_is_read(tmp_path, judged, with_vector, monkeypatch):
    store = Store.create(tmp_path / "store", production="iron")
    store.add([with_vector(expid=7, value=1.0), judged(expid=7, camera="b3")])
    store.add([with_vector(expid=8, value=2.0)])
    store.add([judged(expid=7, value=5.0)])
    before, deaths = rows(store), 0
    assert [len(shelf.parts(20220101)) for shelf in (store.records, store.kept)] == [3, 2]
    for steps in range(100):
        with monkeypatch.context() as patched:
            die_after(patched, steps)
            try:
                list(compact(store))
                break
            except KilledError:
                deaths += 1
        assert rows(store) == before
        # Another writer comes before the next compaction.
        assert store.add([judged(expid=7, value=5.0)]).new == 0
        assert rows(store) == before
    assert deaths >= 4
    assert rows(store) == before
    assert [len(shelf.parts(20220101)) for shelf in (store.records, store.kept)] == [1, 1]
    list(compact(store))
    assert list(problems(store)) == []


def test_an_add_that_is_killed_at_any_step_is_made_good_by_the_next(tmp_path, judged, with_vector, monkeypatch):
    records = [with_vector(value=1.0), judged(camera="b3"), judged(night=20220102, value=4.0)]
    for steps in range(100):
        store = Store.create(tmp_path / f"store{steps}", production="iron")
        with monkeypatch.context() as patched:
            die_after(patched, steps)
            try:
                store.add(records)
                break
            except KilledError:
                pass
        for night in store.nights:
            assert all(path.name.endswith(".parquet") for path in store.records.parts(night))
        store.add(records)
        list(compact(store))
        assert list(problems(store)) == []
        current, added, vectors = rows(store)
        assert [row[1:] for row in current] == [("chi2", 1.0), ("chi2", 1.0), ("chi2", 4.0)]
        assert [row[-1] for row in added] == [1, 1, 1]
        assert len(vectors) == 1
    assert steps >= 3


ADDER = """
import json, sys
from pathlib import Path
from pytest_specqa.results.storing.compacting import compact
from pytest_specqa.results.storing.dataset import Store
root, what = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
if what == "compact":
    for _ in range(10):
        list(compact(Store.create(root, production="iron")))
else:
    records = json.loads(Path(what).read_text())
    for start in range(0, len(records), 3):
        Store.create(root, production="iron").add(records[start : start + 3])
"""


def test_processes_that_add_at_once_lose_nothing_and_double_nothing(tmp_path, judged, with_vector):
    made = [with_vector(expid=expid, camera=camera, value=float(expid)) for expid in range(5) for camera in ("r6", "b3")]
    made.append(judged(night=20220102))
    given = tmp_path / "records.json"
    given.write_text(json.dumps(made))
    root = tmp_path / "store"
    processes = [
        subprocess.Popen([sys.executable, "-c", ADDER, str(root), what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for what in (str(given), str(given), "compact")
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0]
    store = Store.open(root)
    assert list(problems(store)) == []
    current, added, vectors = rows(store)
    assert len(current) == len(made)
    assert {row[-1] for row in added} == {1}
    assert len(vectors) == 10


def test_a_writer_waits_for_the_lock_no_longer_than_it_must(tmp_path):
    with locked(tmp_path), pytest.raises(ResultsError, match="another process has been writing"), locked(tmp_path, patience=0.0):
        pass
    with locked(tmp_path, patience=0.0):
        pass


def test_who_reads_while_parts_are_replaced_reads_the_new_ones(tmp_path, with_vector, monkeypatch):
    store = Store.create(tmp_path / "store", production="iron")
    store.add([with_vector(expid=7)])
    store.add([with_vector(expid=8)])
    parts, done = Shelf.parts, []

    def late(shelf, night):
        """Return the parts of a night, which has others when they are read for the first time."""
        found = parts(shelf, night)
        if not done:
            done.append(night)
            list(compact(store))
        return found

    monkeypatch.setattr(Shelf, "parts", late)
    assert len(store.measures("chi2", nights=[20220101])) == 2
    assert done
    store.add([with_vector(expid=9)])
    done.clear()
    assert [one.expid for one in store.vectors("residual", nights=[20220101])] == [7, 8, 9]
    assert done
