"""Products that are missing, damaged or not expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SFRAME = "def test_value(sframe, expect): expect('value', 0)\n"
CFRAME = "def test_value(cframe, expect): expect('value', 0)\n"
ARGS = ("--specqa-results", "r.jsonl")


def test_a_damaged_product_fails_the_expectations_of_its_unit_in_one_line(project, run, tree, records):
    tree.exposure(1)
    project(SFRAME)
    result = run(*ARGS)
    result.assert_outcomes(failed=1, errors=0)
    (line,) = [line for line in result.outlines if line.endswith(" [product]")]
    assert "sframe-r6-00000001.fits.gz" in line
    assert "Traceback" not in result.stdout.str()
    assert [(one["measure"], one["outcome"]) for one in records()] == [("product", "failed")]


def test_a_missing_sframe_fails_where_no_table_speaks(project, run, tree, records):
    tree.exposure(1, kinds=("sky",))
    project(SFRAME)
    run(*ARGS).assert_outcomes(failed=1)
    assert "sframe-r6-00000001.fits" in records()[0]["message"]


@pytest.mark.parametrize("kind", ["cframe", "fluxcalib"])
def test_later_products_are_not_measured_where_no_table_asks_for_them(project, run, tree, records, kind):
    tree.exposure(1)
    project(f"def test_value({kind}, expect): expect('value', 0)\n")
    assert run(*ARGS).ret == pytest.ExitCode.OK
    assert [(one["measure"], one["outcome"]) for one in records()] == [("product", "not measured")]


def test_a_camera_that_the_table_expects_is_judged_without_a_file(project, run, tree, records):
    tree.exposure(1, ("r6",))
    tree.row(1, CAMWORD="r67")
    project(SFRAME)
    run(*ARGS, "--camera", "r7").assert_outcomes(failed=1)
    assert records()[0]["unit"] == "20211014-00000001-r7"


def test_a_bad_camera_need_not_have_its_products(project, run, tree, records):
    tree.exposure(1, ("r6", "r7"), kinds=("sky",))
    tree.row(1, CAMWORD="r67", BADCAMWORD="r7")
    project(SFRAME)
    run(*ARGS)
    outcomes = {one["camera"]: (one["outcome"], one["message"]) for one in records()}
    assert outcomes["r6"][0] == "failed"
    assert outcomes["r7"] == ("not measured", "the exposure table expects no product of camera r7")


def test_laststep_decides_what_is_missing(project, run, tree, records):
    tree.exposure(1, ("b6", "r6", "z6"))
    tree.row(1, CAMWORD="a6", LASTSTEP="skysub")
    project(CFRAME)
    run(*ARGS, "--camera", "r6")
    assert (records()[0]["outcome"], records()[0]["message"]) == (
        "not measured",
        "the exposure table expects no cframe of camera r6 (LASTSTEP skysub)",
    )
    tree.row(2, CAMWORD="a6", LASTSTEP="all")
    run(*ARGS, "--camera", "r6", "--expid", 2)
    assert records()[0]["outcome"] == "failed"


def test_survey_and_program_of_the_table_are_recorded(project, run, tree, records):
    tree.exposure(1)
    tree.row(1, SURVEY="sv3", FAPRGRM="bright")
    project("def test_value(specqa_camera, expect): expect('value', 0)\n")
    run(*ARGS)
    assert (records()[0]["survey"], records()[0]["program"], records()[0]["tile"]) == ("sv3", "bright", 7951)


def test_cameras_of_an_exposure_come_one_by_one_without_those_not_expected(project, run, tree):
    tree.exposure(1, ("r6", "r7"), kinds=("sky",))
    tree.exposure(2, ("r6", "r7"))
    tree.row(1, CAMWORD="r67", BADCAMWORD="r67")
    tree.row(2, CAMWORD="r67")
    project(
        """
def test_value(exposure, exposure_sframes, expect):
    expect("value", len(exposure_sframes) - (2 if exposure.expid == 2 else 0))
"""
    )
    run().assert_outcomes(passed=2)


def test_a_damaged_camera_fails_the_exposure(project, run, tree):
    tree.exposure(1, ("r6", "r7"))
    project("def test_value(exposure_sframes, expect): expect('value', len(list(exposure_sframes)))\n")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*sframe-r6-00000001.fits.gz*[[]product]", "night 20211014 expid 00000001*"])


def test_a_product_that_fails_in_the_middle_of_a_test_is_said_once(project, run, tree):
    tree.exposure(1)
    project("def test_value(exposure_sframes, expect): expect('value', len(list(exposure_sframes)))\n")
    output = run().stdout.str()
    assert "During handling" not in output
    assert "exposure_sframes, expect" not in output


@dataclass(frozen=True)
class Large:
    """Stands for a frame that fills half of the memory for cameras."""

    path: Path
    camera: str
    nbytes: int = 40_000_000
    load_fibermap: Callable[[], object] | None = None
    load_resolution: Callable[[], object] | None = None


def test_a_product_is_loaded_once_however_many_tests_use_it(project, run, tree, monkeypatch):
    for expid in (1, 2, 3):
        tree.exposure(expid, ("r6", "r7"))
    loads = []

    def read(production: object, kind: str, *, night: int, expid: int, camera: str) -> Large:
        loads.append((expid, camera))
        return Large(tree.root / f"{expid}-{camera}", camera)

    monkeypatch.setattr("pytest_specqa.production.Production.read_frame", read)
    project(
        """
def test_first(sframe, expect): expect("value", 0)
def test_exposure(exposure_sframes, expect): expect("value", len([one.camera for one in exposure_sframes]) - 2)
def test_second(sframe, expect): expect("value", 0)
"""
    )
    run("--specqa-cache-mb", 200).assert_outcomes(passed=15)
    assert loads == [(expid, camera) for expid in (1, 2, 3) for camera in ("r6", "r7")]
