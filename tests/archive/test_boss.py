"""The seam between the package and a survey's files: BOSS is read by a few lines outside the package, and judged unchanged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pytest_specqa.archive import Archive
from pytest_specqa.compare.redshifts import good
from pytest_specqa.errors import MissingProductError
from pytest_specqa.production import Production

from .boss import BINS, BOSS, BossArchive
from .conftest import BLOCK, CLEAN, LINE, PATCH
from .plate import NIGHT, PLATE

CAMERAS = ("b0", "r0", "b1", "r1")
MEASURED = (
    "vertical_lines_narrow",
    "vertical_lines_broad",
    "nebular_lines",
    "pull_width_amplifier",
    "pull_width_fiber",
    "amplifier_step",
    "amplifier_offset",
    "row_noise",
    "sky_fiber_light",
    "fiber_below_zero",
    "sky_line_scale",
    "sky_line_residual",
    "sky_line_fiber_scale",
    "unmasked_cosmics",
    "shared_lines",
    "sframe_good_pixel_fraction",
    "sky_chromatic_block",
    "sky_chromatic_run",
    "sky_line_offset",
)


ROUGH = ("pixel_correlation", "pixel_ringing")
"""Blocks of 20 fibers may have too few faint ones to show as little as the limit of DESI's blocks of 25."""


def unit(expid: int, camera: str) -> str:
    return f"{NIGHT}-{expid:08d}-{camera}"


def test_cameras_are_named_by_band_and_petal_whatever_the_files_are_called(archive):
    assert archive.nights() == [NIGHT]
    assert [sorted(one.cameras) for one in archive.exposures(NIGHT)] == [sorted(CAMERAS), ["r1"], ["r1"]]
    assert archive.find("sframe", night=NIGHT, expid=CLEAN, camera="r1").name == "spFrame-r2-00000100.fits"
    assert archive.tile_of(NIGHT, CLEAN) == PLATE


@pytest.mark.parametrize(
    ("word", "cameras"),
    [("r1", "r1"), ("b", "b0 b1"), ("a1", "b1 r1"), ("a", "b0 b1 r0 r1"), ("b0r1b0", "b0 r1"), ("b01", "b0 b1")],
)
def test_words_name_the_cameras_of_the_instrument(word, cameras):
    assert [str(camera) for camera in BOSS.cameras_of(word)] == cameras.split()


@pytest.mark.parametrize("word", ["", "z1", "r2", "a02", "1", "r1,b1", "R1"])
def test_words_that_name_no_camera_of_the_instrument_are_refused(word):
    with pytest.raises(ValueError, match="expected a camera r1, a band r, or a camword a01b1"):
        BOSS.cameras_of(word)


def test_a_survey_without_classes_of_targets_has_one_criterion_of_good_redshifts():
    values = {"spectype": np.array(["GALAXY"] * 3), "bits": np.array([0, 1, 2])}
    chi2 = np.array([16.0, 16.0, 26.0])
    assert good(np.zeros(3, dtype=int), chi2, **values).tolist() == [False, True, True]
    assert good(np.zeros(3, dtype=int), chi2, **values, instrument=BOSS).tolist() == [False, False, True]


def test_frame_and_sky_model_carry_their_instrument(archive):
    where = {"night": NIGHT, "expid": CLEAN, "camera": "r1"}
    frame, sky = archive.read_frame("sframe", **where), archive.read_sky(**where)
    assert (frame.instrument, sky.instrument) == (BOSS, BOSS)
    assert frame.flux.shape == sky.flux.shape == (500, BINS)
    assert (frame.fiber[0], frame.fiber[-1], sky.fiber[-1]) == (500, 999, 999)
    assert (frame.band, frame.petal) == ("r", 1)
    np.testing.assert_allclose(np.diff(np.log10(frame.wave)), 1e-4, rtol=1e-6)
    assert frame.is_sky.sum() == 41
    assert frame.fibermap.status[17] == 1 << BOSS.flags["NOPLUG"]
    assert not frame.ivar[17].any()
    with pytest.raises(MissingProductError):
        archive.read_frame("cframe", **where)


@pytest.mark.parametrize("camera", CAMERAS)
def test_sound_spectra_pass(judged, camera):
    found = {name: judged[unit(CLEAN, camera), name]["outcome"] for name in MEASURED}
    assert found == dict.fromkeys(MEASURED, "passed")
    assert {judged[unit(CLEAN, camera), name]["outcome"] for name in ROUGH} <= {"passed", "not measured"}


def test_nothing_else_of_a_sound_exposure_fails_or_warns(judged):
    assert [one["message"] for one in judged.values() if one["expid"] == CLEAN and one["outcome"] in ("failed", "warned")] == []


@pytest.mark.parametrize(("expid", "fibers"), [(BLOCK, [700, 719]), (PATCH, [600, 699])])
def test_a_line_that_neighbours_share_is_found_at_its_place(judged, expid, fibers):
    found = judged[unit(expid, "r1"), "vertical_lines_narrow"]
    assert found["outcome"] == "failed"
    assert fibers in found["fibers"]
    assert found["waves"][0] - 1 < LINE < found["waves"][1] + 1
    assert found["waves"][1] - found["waves"][0] < 30
    assert f"fibers {fibers[0]}-{fibers[1]}" in found["message"]
    assert found["product"] == f"{PLATE}/spFrame-r2-{expid:08d}.fits"


def test_what_the_survey_never_makes_is_not_measured_and_not_missed(judged):
    for name in ("test_fiberflat_is_smooth_and_near_one", "test_cframe_is_usable", "test_fibers_are_on_target"):
        found = judged[unit(CLEAN, "r1"), name]
        assert found["outcome"] == "not measured"
        assert "v5_7_0 of BOSS holds no" in found["message"]


@pytest.mark.parametrize("reader", [BossArchive, Production])
def test_readers_have_all_that_the_rest_asks_for(reader, archive):
    names = [name for name in vars(Archive) if not name.startswith("_")]
    assert len(names) == 17
    there = archive if reader is BossArchive else reader
    assert [name for name in names if name not in ("root", "name") and not hasattr(there, name)] == []


def test_other_folders_are_left_to_the_layout_of_desi(suite, tmp_path):
    folder = tmp_path / "daily/exposures/20211014/00104284"
    folder.mkdir(parents=True)
    (folder / "sky-z6-00104284.fits.gz").touch()
    done = suite("qa_tests/test_sky.py", f"--specprod={tmp_path / 'daily'}", "--collect-only", "-q")
    assert "test_sky_model_smooth[20211014-00104284-z6]" in done.stdout


def test_the_report_has_the_petals_of_the_survey(judged, project):
    page = (project / "page.html").read_text()
    assert '<th colspan="2" class="specqa-band">b petals</th><th colspan="2" class="specqa-band">r petals</th>' in page


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["--camera", "r1"], {"r1"}),
        (["--camera", "r"], {"r0", "r1"}),
        (["--petal", "0"], {"b0", "r0"}),
        (["--camera", "a1"], {"b1", "r1"}),
    ],
)
def test_cameras_are_selected_by_the_names_of_the_survey(suite, words, chosen, project):
    done = suite("qa_tests/test_sky.py", "-k", "smooth", "--expid", CLEAN, "--specqa-results=few.jsonl", *words)
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert {json.loads(line)["camera"] for line in (project / "few.jsonl").read_text().splitlines()} == chosen


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--camera", "z1"], "--camera z1: expected a camera r1, a band r, or a camword a01b1 (a is all bands)"),
        (["--camera", "r2"], "--camera r2: expected a camera r1"),
        (["--petal", "2"], "--petal 2: expected petals 0-1"),
    ],
)
def test_cameras_that_the_survey_does_not_have_are_refused(suite, words, message):
    done = suite("qa_tests/test_sky.py", *words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
