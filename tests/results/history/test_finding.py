"""What is planted in a store is found once, at its place, dates and size; what is clean, or common to all, is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pytest_specqa.cli import main
from pytest_specqa.results.history.changes import from_json, told_of


def _history(store, capsys, *options):
    code = main(["history", str(store.root), *options])
    return code, capsys.readouterr()


def test_clean_nights_with_a_new_code_in_all_cameras_are_quiet(nights, keep, capsys):
    store = keep(nights)
    code, said = _history(store, capsys)
    assert code == 0
    assert "nothing changed" in said.out
    kept = (store.root / "history.json").read_text()
    assert from_json(kept) == []
    # 4 cameras: a measure, both halves in 3 bins; and in each 100 fibers, 4 blocks and 2 patches in 3 bins.
    assert told_of(kept)["series"] == 4 * (1 + 2 * 3 + 3 * (100 + 4 + 2))


def test_what_is_planted_is_found_once_each_at_its_place_and_dates(nights, keep, capsys, tmp_path):
    nights.residual[1, 12:30, :, 33, 1] += 4  # a fiber of r1, in one bin
    nights.residual[1, 12:30, :, 34, 1] += 4  # and its neighbour: one change
    nights.residual[2, 25:, :, 50:75] -= 1.5  # a block of r2
    nights.residual[3, 20:32, :, :50] += 1.5  # an amplifier of r3
    nights.width[0, 30:] += 1.5  # a measure of r0
    code, said = _history(keep(nights), capsys, "--json", str(tmp_path / "out.json"))
    assert code == 1
    found = {change.camera: change for change in from_json((tmp_path / "out.json").read_text())}
    assert len(from_json((tmp_path / "out.json").read_text())) == len(found) == 4

    fiber = found["r1"]
    assert (fiber.what, fiber.scope, fiber.fibers, fiber.waves) == ("residual", "fiber", (533, 534), (6050.0, 6100.0))
    assert fiber.first == (nights.days[12], nights.expid(12, 0))
    assert fiber.last == (nights.days[29], nights.expid(29, 1))
    assert (fiber.shape, fiber.ongoing, fiber.seen) == ("step", False, 36)
    assert fiber.size == pytest.approx(4, abs=5 * fiber.error)
    assert 0 < fiber.error < 0.5

    block = found["r2"]
    assert (block.scope, block.fibers, block.ongoing) == ("group", (1050, 1074), True)
    assert block.first == (nights.days[25], nights.expid(25, 0))
    assert block.size == pytest.approx(-1.5, abs=0.2)

    assert (found["r3"].scope, found["r3"].fibers[0]) == ("amplifier", 1500)
    assert (found["r3"].first[0], found["r3"].last[0]) == (nights.days[20], nights.days[31])

    measure = found["r0"]
    assert (measure.what, measure.scope, measure.first[0]) == ("sky_line_width", "camera", nights.days[30])
    assert measure.size == pytest.approx(1.5, abs=0.2)
    assert "r1 fibers 533-534 6050-6100 A" in said.out
    assert "still so" in said.out


def test_a_slope_is_a_drift_and_part_of_the_exposures_is_intermittent(nights, keep, capsys):
    nights.width[0, 15:] += np.linspace(0, 2.5, 25)[:, None]
    struck = np.random.default_rng(3).random((25, 2)) < 0.5
    nights.residual[1, 10:35, :, 33, 1] += 10 * struck
    store = keep(nights)
    assert _history(store, capsys)[0] == 1
    found = {change.camera: change for change in from_json((store.root / "history.json").read_text())}
    assert (found["r0"].shape, found["r0"].ongoing) == ("drift", True)
    assert nights.days[11] <= found["r0"].first[0] <= nights.days[20]
    assert found["r0"].size == pytest.approx(2.5, abs=0.6)
    assert found["r1"].shape == "intermittent"
    assert abs(found["r1"].bad - struck.sum()) <= 3
    assert found["r1"].size == pytest.approx(10, abs=1.5)


def test_one_camera_or_some_nights_are_searched_and_the_history_of_the_store_is_left(nights, keep, capsys):
    nights.residual[1, 12:30, :, 33, 1] += 4
    store = keep(nights)
    assert _history(store, capsys, "--camera", "r2")[0] == 0
    assert _history(store, capsys, "--camera", "r1")[0] == 1
    assert _history(store, capsys, "--nights", f"{nights.days[0]}:{nights.days[25]}")[0] == 1
    assert not (store.root / "history.json").exists()


def test_few_nights_unknown_cameras_and_no_store_are_misuse_in_one_line(nights, keep, capsys, tmp_path):
    store = keep(nights)
    for options, word in (
        (("--nights", f":{nights.days[18]}"), "found 19 nights"),
        (("--camera", "r9"), "found no camera r9"),
    ):
        code, said = _history(store, capsys, *options)
        assert (code, said.out) == (2, "")
        assert word in said.err
        assert said.err.count("\n") == 1
    assert main(["history", str(tmp_path / "none")]) == 2
    for wrong in (("--nights", "7:8"), ("--camera", "r"), ("--rate", "0"), ("--rate", "nan")):
        with pytest.raises(SystemExit) as ended:
            main(["history", str(store.root), *wrong])
        assert ended.value.code == 2


def test_the_file_is_json_that_other_programs_read(nights, keep, capsys):
    nights.residual[1, 12:30, :, 33, 1] += 4
    store = keep(nights)
    _history(store, capsys)
    read = json.loads((store.root / "history.json").read_text())
    assert read["changes"][0]["fibers"] == [533, 533]
    assert read["told"]["rate"] == 0.05
