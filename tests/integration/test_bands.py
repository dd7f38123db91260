"""Tests that are for some bands only run on cameras of those bands and nowhere else."""

from __future__ import annotations

SOURCE = """
import pytest

@pytest.mark.specqa_bands("b")
def test_blue(specqa_camera, expect):
    expect("value", 0)

def test_all(specqa_camera, expect):
    expect("value", 0)
"""


def test_only_cameras_of_the_band_are_judged(project, run, tree):
    tree.exposure(104284, ("b6", "r6"))
    project(SOURCE)
    result = run("-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*test_blue*104284-b6*PASSED*"])
    result.stdout.no_fnmatch_line("*test_blue*r6*")


def test_a_selection_without_the_band_deselects_the_test(project, run, tree):
    tree.exposure(104284, ("r6", "r7"))
    project(SOURCE)
    run().assert_outcomes(passed=2, deselected=1)
