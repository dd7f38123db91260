"""What history keeps of every fiber survives being stored, and what is damaged is refused in one line."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import InputError, ResultsError
from pytest_specqa.results import store
from pytest_specqa.vectors import Vector, decode, encode, unpack

NOISE = np.random.default_rng(12).normal(size=(500, 40))
EDGES = tuple(np.linspace(5760.0, 7620.0, 41))


def residual(values: Any = NOISE) -> Vector:
    return Vector("residual", 1500, values, step=0.25, waves=EDGES, unit="sigma")


def test_values_come_back_within_half_a_step_and_gaps_as_gaps():
    values = NOISE.copy()
    values[7], values[3, 5] = np.nan, np.inf
    found = decode(json.loads(json.dumps(encode(residual(values)))))
    known = np.isfinite(values)
    assert np.array_equal(np.isfinite(found.values), known)
    assert np.abs(found.values - values)[known].max() <= 0.125 + 1e-6
    assert (found.name, found.first, found.fibers, found.unit, found.step) == ("residual", 1500, (1500, 1999), "sigma", 0.25)
    assert found.waves == EDGES


def test_noise_of_four_steps_takes_less_than_five_bits_a_number():
    assert len(base64.b64decode(encode(residual())["data"])) < NOISE.size * 5 / 8


@pytest.mark.parametrize(
    ("largest", "step", "kind"), [(31.75, 0.25, "i1"), (32.0, 0.25, "i2"), (8192.0, 0.25, "i4"), (1e12, 0.25, "f4"), (3.0, 0, "f4")]
)
def test_the_narrowest_type_that_holds_all_values_is_taken(largest, step, kind):
    values = np.array([-largest, np.nan, 0.0, largest])
    made = encode(Vector("quality", 0, values, step=step))
    assert made["dtype"] == kind
    assert decode(made).values == pytest.approx(values, rel=1e-6, nan_ok=True)


def test_the_lowest_value_is_not_taken_for_a_gap():
    found = decode(encode(Vector("residual", 0, np.array([-31.75, -32.0]), step=0.25)))
    assert found.values.tolist() == [-31.75, -32.0]


def test_values_too_large_for_any_number_of_32_bits_are_not_known():
    assert np.isnan(decode(encode(Vector("quality", 0, np.array([1e300]), step=0))).values[0])


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"values": np.zeros((2, 2, 2))}, "shape"),
        ({"values": np.zeros((0, 3)), "waves": ()}, "shape"),
        ({"waves": EDGES[:-1]}, "40 edges for 40 bins"),
        ({"waves": EDGES[::-1]}, "rise"),
        ({"waves": (*EDGES[:-1], float("nan"))}, "rise"),
        ({"step": float("nan")}, "step"),
        ({"step": -1.0}, "step"),
        ({"first": -1}, "first"),
        ({"name": ""}, "name"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, said):
    given = {"name": "residual", "first": 0, "values": NOISE, "step": 0.25, "waves": EDGES}
    with pytest.raises(InputError, match=said):
        Vector(**{**given, **parts})


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "f8"},
        {"dtype": None},
        {"dtype": "i2"},
        {"data": "no base64!"},
        {"data": 7},
        {"data": base64.b64encode(b"not packed").decode()},
        {"data": packed(bytes(500 * 40 - 1))},
        {"data": packed(bytes(10**8))},
        {"data": packed(bytes(500 * 40))[:-8]},
        {"shape": [500, 41]},
        {"shape": [10**9, 10**9]},
        {"shape": [-500, -40]},
        {"shape": [500, 40, 1]},
        {"shape": [500.0, 40]},
        {"shape": None},
        {"step": 0},
        {"step": float("nan")},
        {"step": "wide"},
        {"first": None},
        {"first": float("inf")},
        {"waves": [1, 2]},
        {"waves": ["a"] * 41},
        {"name": "x" * 10_000},
        {"name": None},
    ],
)
def test_damaged_vectors_are_refused_in_one_line(change):
    with pytest.raises(ResultsError) as told:
        decode({**encode(residual()), **change})
    assert len(str(told.value).splitlines()) == 1
    assert len(str(told.value)) < 400
    assert "vector" in str(told.value)


def test_a_table_may_hold_the_data_as_bytes():
    made = encode(residual())
    told = {name: value for name, value in made.items() if name != "data"}
    assert np.array_equal(unpack(told, base64.b64decode(made["data"])).values, decode(made).values)


@pytest.mark.parametrize("name", ["results.jsonl", "results.parquet"])
def test_results_files_carry_vectors(tmp_path, name):
    vectors = [encode(residual()), encode(Vector("line_scale", 1500, NOISE[:, 0], step=0.01))]
    record: Any = {"unit": "20260101-00000001-r3", "expectation": "test", "measure": "one", "outcome": "passed", "vectors": vectors}
    store.write(tmp_path / name, [record, {**record, "measure": "two", "vectors": None}])
    first, second = store.read(tmp_path / name)
    assert first["vectors"] == vectors
    assert not second.get("vectors")


@pytest.mark.parametrize(
    "vectors", ["text", [1], [{}], [{**encode(residual()), "shape": "wide"}], [{**encode(residual()), "waves": 1}]]
)
def test_results_files_with_something_else_for_vectors_are_refused(tmp_path, vectors):
    record: Any = {"unit": "u", "expectation": "test", "measure": "one", "outcome": "passed", "vectors": vectors}
    with pytest.raises(ResultsError, match="'vectors' is"):
        store.write(tmp_path / "results.jsonl", [record])
