"""Redshifts that move together are found, and what scatters or jumps is not taken for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_specqa.compare.shifts import LIGHT, Moved, median_shifts
from pytest_specqa.instrument import DESI

TYPES = {"GALAXY": "LRG", "QSO": "QSO", "STAR": "MWS"}


@pytest.fixture
def columns():
    """Ten petals of 300 galaxies, 80 quasars and 40 stars each, the same in both productions."""
    rng = np.random.default_rng(1)
    types = np.tile(np.repeat(list(TYPES), [300, 80, 40]), 10).astype("U16")
    z = np.where(types == "STAR", rng.normal(0, 3e-4, len(types)), rng.uniform(0.3, 1.5, len(types)) + (types == "QSO"))
    bits = np.array([1 << DESI.targets[TYPES[name]] for name in types])
    everything = np.ones(len(types), dtype=bool)
    return {
        "z_before": z, "z_after": z.copy(), "type_before": types, "type_after": types.copy(), "bits": bits,
        "fiber": np.repeat(np.arange(10) * 500, 420), "clean": everything, "is_sky": ~everything,
    }  # fmt: skip


def move(columns, change, rows):
    columns["z_after"] = columns["z_before"] + np.where(rows, change * (1 + columns["z_before"]), 0)
    return {(one.kind, one.name): one for one in median_shifts(columns, DESI)}


def states(found, wanted):
    return {key for key, one in found.items() if one.state is wanted}


def test_an_offset_of_all_quasars_breaks_and_nothing_else_does(columns):
    found = move(columns, 0.0005, columns["type_before"] == "QSO")
    assert states(found, Moved.BROKEN) == {("SPECTYPE", "QSO"), ("targets", "QSO")}
    assert states(found, Moved.WARNED) == set()
    quasars = found["SPECTYPE", "QSO"]
    assert quasars.shift == pytest.approx(0.0005)
    assert (quasars.objects, quasars.moved) == (800, 800)
    assert "spectra of type QSO: median dz/(1+z) +0.0005" in quasars.sentence


def test_the_offset_is_found_under_the_scatter_of_single_quasars(columns):
    noise = np.random.default_rng(2).normal(0, 0.0015, 4200)
    found = move(columns, 0.0005 + noise, columns["type_before"] == "QSO")
    quasars = found["SPECTYPE", "QSO"]
    assert quasars.state is Moved.BROKEN
    assert quasars.error == pytest.approx(0.0015 * math.sqrt(math.pi / 2 / 800), rel=0.3)
    assert abs(quasars.shift - 0.0005) < 4 * quasars.error


def test_a_scatter_of_that_size_is_no_shift(columns):
    rng = np.random.default_rng(3)
    told = 0
    for _ in range(100):
        found = move(columns, rng.normal(0, 0.0005, 4200), columns["type_before"] != "STAR")
        told += bool(states(found, Moved.BROKEN) | states(found, Moved.WARNED))
    assert told <= 5, "at a rate of 0.01"


def test_three_quasars_that_move_say_nothing_of_the_others(columns):
    rows = np.zeros(4200, dtype=bool)
    rows[np.flatnonzero(columns["type_before"] == "QSO")[:3]] = True
    found = move(columns, 0.0005, rows)
    assert {one.state for one in found.values()} == {Moved.STILL}
    assert found["SPECTYPE", "QSO"].moved == 3
    assert found["SPECTYPE", "QSO"].shift == 0


def test_redshifts_that_jump_to_another_line_do_not_drag_the_median(columns):
    quasars = np.flatnonzero(columns["type_before"] == "QSO")
    rows = np.zeros(4200, dtype=bool)
    rows[quasars[:200]] = True
    assert move(columns, 0.5, rows)["SPECTYPE", "QSO"].state is Moved.STILL


@pytest.mark.parametrize(
    ("velocity", "kind", "state"),
    [
        (5, "GALAXY", Moved.STILL), (20, "GALAXY", Moved.WARNED), (70, "GALAXY", Moved.BROKEN),
        (70, "QSO", Moved.WARNED), (130, "QSO", Moved.BROKEN),
        (0.5, "STAR", Moved.STILL), (5, "STAR", Moved.WARNED), (25, "STAR", Moved.BROKEN), (-25, "STAR", Moved.BROKEN),
    ],
)  # fmt: skip
def test_each_class_is_held_against_what_is_asked_of_it(columns, velocity, kind, state):
    found = move(columns, velocity / LIGHT, columns["type_before"] == kind)
    assert found["SPECTYPE", kind].state is state
    assert found["targets", TYPES[kind]].state is state


def test_a_petal_that_moves_alone_is_found(columns):
    found = move(columns, 0.0003, columns["fiber"] == 3000)
    assert states(found, Moved.BROKEN) == {("petal", "6")}
    assert found["SPECTYPE", "GALAXY"].state is Moved.STILL


def test_a_class_too_small_to_show_a_shift_is_not_called_still(columns):
    columns["clean"] = (columns["type_before"] != "QSO") | (np.cumsum(columns["type_before"] == "QSO") <= 6)
    noise = np.random.default_rng(4).normal(0, 0.001, 4200)
    found = move(columns, noise, columns["type_before"] == "QSO")
    assert found["SPECTYPE", "QSO"].objects == 6
    assert found["SPECTYPE", "QSO"].state is Moved.UNKNOWN


@pytest.mark.parametrize("hidden", ["clean", "is_sky", "type", "nan"])
def test_what_is_no_sure_redshift_of_one_type_counts_nowhere(columns, hidden):
    quasars = columns["type_before"] == "QSO"
    if hidden == "clean":
        columns["clean"] = ~quasars
    elif hidden == "is_sky":
        columns["is_sky"] = quasars
    elif hidden == "type":
        columns["type_after"] = np.where(quasars, "GALAXY", columns["type_after"])
    found = move(columns, math.nan if hidden == "nan" else 0.0005, quasars)
    assert ("SPECTYPE", "QSO") not in found
    assert (("targets", "QSO") in found) is (hidden == "type"), "a class of targets holds whatever its spectra are"
