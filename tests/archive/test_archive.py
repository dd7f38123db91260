"""Another survey's files are judged by the same expectations, unchanged, through the hook for archives."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from pytest_specqa.production import Archive, Production

HERE = Path(__file__).parent
QA_TESTS = HERE.parents[1] / "qa_tests"
NIGHT, CLEAN, BROKEN = 20110512, 123456, 123457
SHARED = ("vertical_lines", "ivar_predicts", "amplifiers_agree", "hold_no_sky", "shared_by_unrelated", "sky_model_smooth")
HOOK = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("boss", {str(HERE / "boss.py")!r})
boss = importlib.util.module_from_spec(spec)
spec.loader.exec_module(boss)

def pytest_specqa_archive(config, specprod):
    from pathlib import Path
    root = Path(specprod or ".")
    return boss.BossArchive(root) if list(root.glob("*/spCFrame-*")) else None
"""


@pytest.fixture(scope="module")
def boss():
    spec = importlib.util.spec_from_file_location("boss", HERE / "boss.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(boss, tmp_path_factory):
    """A sound exposure, and one in which a line stands in fibers 600 to 699: rows 100 to 199 of r2."""
    root = tmp_path_factory.mktemp("boss") / "v5_13_2"
    boss.write_exposure(root, NIGHT, CLEAN)
    boss.write_exposure(root, NIGHT, BROKEN, line=("r2", slice(100, 200), 6120.0))
    return root


@pytest.fixture
def judged(pytester, files):
    """Run expectations of the project, unchanged, on the files, and give the exit code and the records."""

    def run(*options: str):
        pytester.makepyfile(boss_survey=HOOK)
        words = [str(QA_TESTS / "test_sframe.py"), str(QA_TESTS / "test_sky.py"), "-k", " or ".join(SHARED)]
        done = pytester.runpytest_subprocess(
            "-p", "boss_survey", "--import-mode=importlib", f"--specprod={files}", "--specqa-results=r.jsonl", *words, *options
        )
        return done, [json.loads(line) for line in (pytester.path / "r.jsonl").read_text().splitlines()]

    return run


def test_a_sound_exposure_of_another_survey_is_quiet(judged):
    done, records = judged("--expid", str(CLEAN))
    assert done.ret == 0, done.stdout.str()
    assert {record["camera"] for record in records} == {"b0", "b1", "r0", "r1"}
    passed = {record["measure"] for record in records if record["outcome"] == "passed"}
    assert {"vertical_lines_narrow", "pull_width_fiber", "amplifier_offset", "fiber_below_zero", "sky_chromatic_block"} <= passed
    assert not [record for record in records if record["measure"] in ("crash", "product")]


def test_a_line_in_a_patch_of_its_slit_is_found_where_it_is(judged):
    done, records = judged("--expid", str(BROKEN))
    assert done.ret == 1
    failed = [record for record in records if record["outcome"] == "failed"]
    assert {(record["expectation"], record["camera"]) for record in failed} <= {
        ("test_no_systematic_vertical_lines", "r1"),
        ("test_no_line_is_shared_by_unrelated_fibers", "r1"),
    }
    (lines,) = [record for record in failed if record["measure"] == "vertical_lines_narrow"]
    assert [600, 699] in lines["fibers"]
    assert "A in fibers 600-699" in lines["message"]
    assert lines["waves"][0] < 6120 < lines["waves"][1]
    assert lines["product"] == f"{NIGHT}/spCFrame-r2-{BROKEN:08d}.fits"


def test_cameras_that_another_survey_does_not_have_are_refused_with_those_that_it_has(pytester, files):
    pytester.makepyfile(boss_survey=HOOK)
    done = pytester.runpytest_subprocess(
        "-p", "boss_survey", str(QA_TESTS / "test_sky.py"), f"--specprod={files}", "--camera", "z1"
    )
    assert done.ret == 4
    done.stderr.fnmatch_lines(["*--camera z1: no such camera; nearest: b0, b1, r0, r1*"])


def test_the_archive_is_what_productions_have(boss, tmp_path):
    asked = {name for name in vars(Archive) if not name.startswith("_")}
    (tmp_path / "exposures").mkdir()
    for one in (Production(tmp_path), boss.BossArchive(tmp_path)):
        assert [name for name in sorted(asked) if not hasattr(one, name)] == []
        assert {"root", "name", "instrument"} <= {*dir(one)}
