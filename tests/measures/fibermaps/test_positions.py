"""Places that no fiber can have are counted and named; flagged fibers, and fields across RA = 0, are not."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.positions import impossible_positions

NOBODY = np.zeros(500, dtype=bool)
COLUMNS = ("FIBERASSIGN_X", "FIBERASSIGN_Y", "FIBER_X", "FIBER_Y", "TARGET_RA", "TARGET_DEC")


@pytest.fixture
def table(simulated):
    """Positions of a petal by column."""
    fibermap = simulated("r").fibermap
    return {name: np.array(fibermap[name], dtype=float) for name in COLUMNS}


def measured(table, flagged=NOBODY):
    return impossible_positions(table, fiber=3000 + np.arange(500), flagged=flagged)


@pytest.mark.parametrize("shift", [0.0, 218.6, -141.0])
def test_a_petal_of_any_field_is_possible(table, shift):
    table["TARGET_RA"] = (table["TARGET_RA"] + shift) % 360
    assert measured(table).value == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("FIBERASSIGN_X", np.nan),
        ("FIBER_Y", np.inf),
        ("FIBERASSIGN_Y", 500.0),
        ("FIBER_X", 300.0),
        ("TARGET_RA", np.nan),
        ("TARGET_RA", 0.0),
        ("TARGET_DEC", -95.0),
    ],
)
def test_an_impossible_place_is_named(table, column, value):
    table[column][77] = value
    found = measured(table)
    assert found.value == 1
    assert found.fibers == ((3077, 3077),)
    assert column[:-1] in found.detail or "TARGET" in found.detail
    assert measured(table, np.arange(500) == 77).value == 0


def test_the_middle_of_the_focal_plane_is_no_place(table):
    for name in ("FIBER_X", "FIBER_Y"):
        table[name][[3, 4]] = 0.0
    assert measured(table).value == 2


def test_positions_of_another_petal_are_off_this_one(table):
    found = impossible_positions(table, fiber=3500 + np.arange(500), flagged=NOBODY)
    assert found.value > 400


def test_exchanged_targets_are_not_where_their_fibers_look(table):
    far = np.array([np.argmin(table["FIBERASSIGN_X"]), np.argmax(table["FIBERASSIGN_X"])])
    for name in ("TARGET_RA", "TARGET_DEC"):
        table[name][far] = table[name][far[::-1]]
    assert measured(table).value == 2


def test_a_fibermap_without_places_is_not_measured():
    assert measured({"FIBER": np.arange(500)}).reason
