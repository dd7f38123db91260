"""What is ready to be judged, and when: complete and left alone for a while, or as it is after the patience."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_specqa.watch import jobs
from pytest_specqa.watch.memory import Memory

from .conftest import CALIBRATED, NIGHT, WHOLE, Looks, Made

ONE, TWO = "20211014-exposure-00000001", "20211014-exposure-00000002"
TILE, WHOLE_NIGHT = "20211014-tile-7951", "20211014-night"


def test_a_complete_exposure_is_ready_when_its_files_have_settled(made: Made, looks: Looks) -> None:
    made.complete(1)
    assert looks.at(0) == []
    assert looks.at(29) == []
    assert looks.waiting[ONE].complete
    assert looks.at(30) == [ONE]


def test_a_file_that_grows_is_not_ready_however_long_it_takes(made: Made, looks: Looks) -> None:
    made.row(1)
    made.exposure(1)
    path = made.product(1, "sframe", "r7", content=WHOLE[:10])
    for step in range(11, len(WHOLE)):
        with path.open("ab") as file:
            file.write(WHOLE[step - 1 : step])
        # Its time says nothing, as on a disk that is served by another machine.
        os.utime(path, (1, 1))
        assert looks.at(step * 1000) == []
    path.write_bytes(WHOLE)
    assert looks.at(1e6) == []
    assert looks.at(1e6 + 30) == [ONE]


def test_a_file_that_was_left_half_written_is_judged_as_it_is_after_the_patience(made: Made, looks: Looks) -> None:
    made.complete(1)
    made.product(1, "sframe", "r7", content=WHOLE[:-3])
    looks.at(0)
    assert looks.at(3599) == []
    assert "sframe-r7-00000001.fits.gz is missing or cut short" in looks.waiting[ONE].why
    (ripe,) = looks.ripe(3600)
    assert ripe.lacks == ("sframe-r7-00000001.fits.gz",)


@pytest.mark.parametrize("missing", ["frame", "sky", "sframe", "fluxcalib", "cframe"])
def test_a_late_product_is_waited_for(made: Made, looks: Looks, missing: str) -> None:
    made.row(1, camword="a6")
    made.exposure(1, cameras=("b6", "r6", "z6"), kinds=CALIBRATED)
    (made.folder(1) / f"{missing}-z6-00000001.fits.gz").unlink()
    looks.at(0)
    assert looks.at(3000) == []
    made.product(1, missing, "z6")
    assert looks.at(3100) == []
    (ripe,) = looks.ripe(3130)
    assert (ripe.sight.job.key, ripe.lacks) == (ONE, ())


def test_what_stays_missing_is_judged_after_the_patience_and_again_when_it_comes(made: Made, looks: Looks) -> None:
    made.complete(1)
    (made.folder(1) / "sky-r7-00000001.fits.gz").unlink()
    looks.at(0)
    (ripe,) = looks.ripe(3600)
    assert ripe.lacks == ("sky-r7-00000001.fits",)
    assert looks.judge(3600) == [ONE]
    assert looks.at(9999) == []
    made.product(1, "sky", "r7")
    assert looks.at(10000) == []
    assert looks.at(10030) == [ONE]


@pytest.mark.parametrize(("bad", "last"), [("r7", "all"), ("", "skysub")])
def test_what_the_table_does_not_ask_for_is_not_waited_for(made: Made, looks: Looks, bad: str, last: str) -> None:
    made.row(1, camword="a6r7", bad=bad, last=last)
    cameras = ("b6", "r6", "z6", "r7")
    made.exposure(1, cameras=cameras if last == "skysub" else cameras[:3], kinds=CALIBRATED if last == "all" else CALIBRATED[:3])
    looks.at(0)
    assert looks.at(30) == [ONE]


def test_the_patience_begins_anew_while_the_pipeline_works_on_the_tile(made: Made, looks: Looks) -> None:
    for expid, tile in ((1, 7951), (2, 7951), (3, 1000)):
        made.row(expid, tile=tile)
    made.product(1, "frame")
    made.product(3, "frame")
    looks.at(0)
    made.product(2, "frame")
    looks.at(3000)
    assert looks.at(3600) == ["20211014-exposure-00000003"]
    assert looks.at(6600) == ["20211014-exposure-00000003", TWO, ONE]


def test_an_exposure_that_only_the_table_knows_is_judged_after_the_patience(made: Made, looks: Looks) -> None:
    made.row(1)
    looks.at(0)
    assert looks.at(3599) == []
    assert looks.at(3600) == [ONE]


def test_without_a_table_an_exposure_is_left_alone_for_the_patience(made: Made, looks: Looks) -> None:
    made.exposure(1)
    looks.at(0)
    assert looks.at(3599) == []
    assert "no exposure table" in looks.waiting[ONE].why
    assert looks.at(3600) == [ONE]


def test_a_temporary_file_that_grows_holds_an_exposure_up_and_one_left_over_does_not(made: Made, looks: Looks) -> None:
    made.complete(1)
    path = made.folder(1) / "sframe-r6-00000001_tmp77.fits.gz"
    for step in range(1, 4):
        path.write_bytes(bytes(step))
        assert looks.at(step * 100) == []
    assert looks.at(400) == [ONE]


def test_a_product_made_anew_is_judged_again(made: Made, looks: Looks) -> None:
    made.complete(1)
    looks.at(0)
    assert looks.judge(30) == [ONE]
    made.product(1, "sframe")
    assert looks.at(100) == []
    assert looks.at(130) == [ONE]


def test_what_is_no_product_of_the_exposure_is_no_reason_to_judge_it_again(made: Made, looks: Looks) -> None:
    made.complete(1)
    looks.at(0)
    assert looks.judge(30) == [ONE]
    made.write(made.folder(1) / "exposure-qa-00000001.fits")
    made.write(made.folder(1) / "sframe-r6-00000001_tmp9.fits.gz")
    made.row(2)
    path = made.folder(1) / "sframe-r6-00000001.fits.gz"
    path.read_bytes()
    os.utime(path, ns=(1, path.stat().st_mtime_ns))
    looks.at(100)
    assert ONE not in looks.at(3650)


def test_another_line_in_the_table_for_an_exposure_is_a_reason(made: Made, looks: Looks) -> None:
    made.complete(1)
    looks.at(0)
    looks.judge(30)
    made.row(1, bad="r7")
    looks.at(100)
    assert looks.at(130) == [ONE]


def test_a_tile_is_ready_when_all_petals_that_can_be_made_are_there(made: Made, looks: Looks) -> None:
    made.row(1, camword="a67")
    made.exposure(1, cameras=("b6", "r6", "z6", "b7", "r7", "z7"), kinds=CALIBRATED)
    made.tile(petals=(6,))
    looks.at(0)
    assert looks.judge(30) == [ONE]
    assert "redrock-7-7951-thru20211014.fits and 1 more" in looks.waiting[TILE].why
    made.tile(petals=(7,))
    looks.at(100)
    assert looks.at(130) == [TILE]


def test_a_night_is_judged_when_the_next_begins_and_all_of_it_is_judged(made: Made, looks: Looks) -> None:
    made.complete(1)
    looks.at(0)
    assert looks.judge(30) == [ONE]
    assert looks.at(200) == []
    assert looks.waiting[WHOLE_NIGHT].why == "the night is not over"
    made.row(5, night=20211015)
    made.product(1, "sframe")
    looks.at(300)
    assert "1 of its exposures and tiles are not judged" in looks.waiting[WHOLE_NIGHT].why
    assert looks.judge(330) == [ONE]
    assert looks.at(360) == [WHOLE_NIGHT]


def test_a_night_is_over_at_noon_of_the_next_day_and_waits_for_its_tiles(made: Made, looks: Looks) -> None:
    made.row(1, camword="a6")
    made.exposure(1, cameras=("b6", "r6", "z6"), kinds=CALIBRATED)
    looks.at(0)
    noon = 15 * 3600
    assert looks.judge(noon - 1) == [ONE]
    assert looks.at(noon - 1) == []
    made.write(made.root / f"exposures/{NIGHT}/00000001/sframe-r6-00000001.fits.gz")
    looks.at(noon)
    assert looks.judge(noon + 30) == [ONE]
    assert looks.at(noon + 31) == []
    assert "redshifts of tile 7951" in looks.waiting[WHOLE_NIGHT].why
    assert looks.at(noon + 3599) == []
    assert looks.at(noon + 3600) == [WHOLE_NIGHT]


def test_a_night_is_judged_again_after_one_of_its_exposures(made: Made, looks: Looks) -> None:
    made.complete(1)
    made.complete(5, night=20211015)
    looks.at(0)
    assert looks.judge(30) == ["20211015-exposure-00000005", ONE]
    assert looks.judge(31) == [WHOLE_NIGHT]
    made.product(1, "sframe")
    looks.at(100)
    assert looks.judge(130) == [ONE]
    assert looks.at(131) == [WHOLE_NIGHT]


def test_the_latest_exposure_comes_first(made: Made, looks: Looks) -> None:
    made.complete(1)
    made.complete(2)
    made.complete(5, night=20211015)
    looks.at(0)
    assert looks.at(30) == ["20211015-exposure-00000005", TWO, ONE]


def test_calibrations_and_folders_that_are_no_nights_are_passed_over(made: Made, looks: Looks) -> None:
    made.complete(1)
    for name in ("20211399", "notes"):
        (made.root / "exposures" / name).mkdir()
    made.write(made.folder(9) / "fiberflat-r6-00000009.fits.gz")
    looks.at(0)
    assert looks.at(30) == [ONE]


def test_files_of_older_nights_are_looked_at_where_their_folder_has_changed(
    made: Made, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.complete(1)
    made.complete(5, night=20211015)
    looks.at(0)
    looks.judge(30)
    looks.judge(31)
    asked: list[str] = []
    stat = jobs._stat
    monkeypatch.setattr(jobs, "_stat", lambda entry: asked.append(entry.path) or stat(entry))
    looks.at(60)
    assert {path for path in asked if "/exposures/" in path and str(NIGHT) in path} == set()
    assert any("/20211015/" in path for path in asked)
    made.product(1, "sframe")
    looks.at(100)
    assert looks.at(130) == [ONE]


def test_since_when_files_are_as_they_are_outlives_the_watch(made: Made, looks: Looks) -> None:
    made.complete(1)
    looks.at(0)
    looks.memory.save()
    again = Looks(made, Memory.load(looks.memory.path, production="daily"))
    assert again.at(29) == []
    assert again.at(30) == [ONE]


def test_a_clock_that_was_put_back_delays_and_does_not_block(made: Made, looks: Looks) -> None:
    made.complete(1)
    looks.at(1e6)
    assert looks.at(0) == []
    assert looks.at(30) == [ONE]


def test_the_memory_of_a_finished_night_is_what_was_judged(made: Made, looks: Looks, tmp_path: Path) -> None:
    made.complete(1)
    made.complete(5, night=20211015)
    looks.at(0)
    looks.judge(30)
    looks.judge(31)
    looks.at(32)
    assert {key[:8] for key in looks.memory.seen} == {"20211015"}
