"""One expectation can be tried alone: what it says of clean units and of a fault, and what cannot be tried."""

from __future__ import annotations

import re

import pytest

from pytest_specqa import cli

SKY = "qa_tests/test_sky.py::test_sky_model_smooth"
LEVELS = """
import numpy as np

def test_exposures_agree(tile_exposures, tile_skies, expect):
    levels = {one.expid: [] for one in tile_exposures}
    for sky in tile_skies:
        levels[sky.expid].append(np.median(sky.flux))
    assert len(levels) == 3
    found = [np.median(level) for level in levels.values()]
    expect("my_levels", np.ptp(found) / np.median(found))

def test_of_nothing(no_such_fixture, expect): expect("my_levels", 0)
def test_that_always_fails(sky, expect): expect("my_levels", 1.0)
"""
LIMIT = """
[my_levels]
high = 0.1
source = "a test"
doc = "Spread of the sky levels of the exposures of a tile."
"""


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "test_levels.py").write_text(LEVELS)
    (tmp_path / "limits.toml").write_text(LIMIT)
    return f"{tmp_path / 'test_levels.py'}::"


def test_a_fault_that_is_found_and_clean_units_that_are_quiet(capsys):
    assert cli.main(["try", SKY, "--fault", "sky_bump", "--trials", "2"]) == 0
    out = capsys.readouterr().out
    assert "The sky model of a camera is one sky" in out
    assert "clean         2 passed" in out
    assert "sky_bump 0.3  2 failed" in out
    assert re.search(r"failed: the sky model of fibers .* > 0.015 fraction of sky", out)
    assert "passed: sky_chromatic_block = " in out


def test_a_fault_that_is_not_found_is_told_by_the_exit_code(capsys):
    assert cli.main(["try", SKY, "--fault", "sky_bump=0.003", "--trials", "2"]) == 1
    assert "sky_bump 0.003  2 passed" in capsys.readouterr().out


def test_an_expectation_of_ones_own_on_the_exposures_of_a_tile(mine, capsys):
    assert cli.main(["try", f"{mine}test_exposures_agree", "--trials", "1"]) == 0
    assert "passed: my_levels = " in capsys.readouterr().out


def test_clean_units_that_fail_are_told_by_the_exit_code(mine, capsys):
    assert cli.main(["try", f"{mine}test_that_always_fails", "--trials", "1"]) == 1
    assert "clean  1 failed" in capsys.readouterr().out


def test_the_band_is_one_that_the_test_is_for(capsys):
    words = ["try", "qa_tests/test_sframe.py::test_collimator_dip_is_where_the_flat_had_it", "--trials", "1"]
    assert cli.main(words) == 0
    assert "band b, 1 simulated units" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["qa_tests/test_sky.py"], "expected a file and a test in it"),
        (["no_such.py::test_sky"], "expected a file and a test in it"),
        (["qa_tests/test_sky.py::test_sky_smooth"], "nearest are test_sky_model_smooth"),
        ([SKY, "--fault", "sky_bumps"], "fault 'sky_bumps' does not exist: nearest are sky_bump"),
        ([SKY, "--trials", "0"], "expected at least 1"),
    ],
)
def test_what_cannot_be_tried_is_one_line(words, said, capsys):
    assert cli.main(["try", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_fixture_that_no_trial_gives_is_named(mine, capsys):
    assert cli.main(["try", f"{mine}test_of_nothing"]) == 2
    assert "no simulated unit has no_such_fixture" in capsys.readouterr().err
