"""What is planted in a store is found once, at its place, dates and size; what is clean, or common to all, is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pytest_specqa.cli import main
from pytest_specqa.measures.history.shapes import boundary, drift_start, mixture
from pytest_specqa.results.history.changes import from_json
from pytest_specqa.results.storing.dataset import Store

from .conftest import Nights


def _history(store, capsys, *options):
    code = main(["history", str(store.root), *options])
    return code, capsys.readouterr()


def test_clean_nights_with_a_new_code_in_all_cameras_are_quiet(clean, capsys):
    code, said = _history(clean, capsys)
    assert code == 0
    assert "nothing changed" in said.out
    assert "not searched" not in said.out
    kept = (clean.root / "history.json").read_text()
    assert from_json(kept) == []
    # 5 cameras: a measure, both halves in 2 bins; and in each 200 fibers, 8 blocks and 4 patches in 2 bins.
    assert json.loads(kept)["told"]["series"] == 5 * (1 + 2 * 2 + 2 * (200 + 8 + 4))


def test_what_is_planted_is_found_once_each_at_its_place_and_dates(planted, capsys, tmp_path):
    nights, store = planted
    code, said = _history(store, capsys, "--json", str(tmp_path / "out.json"))
    assert code == 1
    changes = from_json((tmp_path / "out.json").read_text())
    assert (store.root / "history.json").read_text() == (tmp_path / "out.json").read_text()
    found = {change.camera: change for change in changes}
    assert len(changes) == len(found) == 5

    fiber = found["r1"]
    assert (fiber.what, fiber.scope, fiber.fibers, fiber.waves) == ("residual", "fiber", (533, 534), (6050.0, 6100.0))
    assert fiber.first == (nights.days[12], nights.expid(12, 0))
    assert fiber.last == (nights.days[29], nights.expid(29, 1))
    assert (fiber.shape, fiber.ongoing, fiber.seen) == ("step", False, 36)
    assert fiber.size == pytest.approx(4, abs=5 * fiber.error)
    assert 0 < fiber.error < 0.5

    block = found["r2"]
    assert (block.scope, block.fibers, block.ongoing) == ("group", (1050, 1074), True)
    assert block.first == (nights.days[35], nights.expid(35, 0))
    assert block.size == pytest.approx(-1.5, abs=0.3)

    assert (found["r3"].scope, found["r3"].fibers[0]) == ("amplifier", 1500)
    assert (found["r3"].first[0], found["r3"].last[0]) == (nights.days[20], nights.days[31])

    part = found["r4"]
    assert part.shape == "intermittent"
    assert part.bad == nights.struck
    assert part.bad < part.seen <= 40
    assert part.size == pytest.approx(10, abs=1)

    measure = found["r0"]
    assert (measure.what, measure.scope, measure.first[0]) == ("sky_line_width", "camera", nights.days[40])
    assert measure.size == pytest.approx(1.5, abs=0.2)
    assert "r1 fibers 533-534 6050-6100 A" in said.out
    assert "still so" in said.out


def test_one_camera_or_some_nights_are_searched_and_the_history_of_the_store_is_left(planted, capsys):
    nights, store = planted
    (store.root / "history.json").write_text("kept")
    code, said = _history(store, capsys, "--camera", "r1", "--nights", f":{nights.days[45]}")
    assert code == 1
    assert said.out.count("sigma\n") == 1
    assert (store.root / "history.json").read_text() == "kept"


def test_what_cannot_be_searched_for_want_of_other_cameras_is_said(tmp_path, capsys):
    store = Store.create(tmp_path / "store", production="made")
    petal = {"unit": "7-3", "kind": "petal", "camera": None, "petal": 3}
    records = [record for record in Nights().records() if record["camera"] in ("r0", "r1")]
    store.add([*records, records[0] | petal | {"vectors": []}])
    for options, said in (
        ((), "; 1 petal and 2 cameras of r: fewer than 4"),
        (("--camera", "r0"), "; 2 cameras of r: fewer than 4"),
    ):
        assert said in _history(store, capsys, *options)[1].out
    # Neither camera's measure is; of the halves only how they differ, in each bin.
    told = json.loads((store.root / "history.json").read_text())["told"]
    assert told["series"] == 2 * (2 + 2 * (200 + 8 + 4))


def test_few_nights_unknown_cameras_and_no_store_are_misuse_in_one_line(planted, capsys, tmp_path):
    nights, store = planted
    for options, word in (
        (("--nights", f":{nights.days[18]}"), "found 19 nights"),
        (("--nights", "20990101:"), f"it holds {nights.days[0]} to {nights.days[-1]}"),
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


def test_a_slope_is_a_drift_and_a_step_is_not():
    noise = np.random.default_rng(2).standard_normal(100)
    slope, step = noise.copy(), noise.copy()
    slope[40:] += np.linspace(0, 6, 60)
    step[60:] += 5
    start = drift_start(slope, first=60, last=99)
    assert start is not None
    assert 30 <= start <= 50
    assert drift_start(step, first=60, last=99) is None
    step[90:] -= 5
    assert drift_start(step, first=60, last=84) is None  # the range that was found ends a few nights early


def test_a_mixture_is_told_from_a_shift_of_all():
    rng = np.random.default_rng(2)
    off = rng.random(200) < 0.3
    part = mixture(rng.standard_normal(200) + 5 * off)
    assert part.fraction == pytest.approx(0.3, abs=0.08)
    assert part.size == pytest.approx(5, abs=0.5)
    assert part.gain > 12
    assert mixture(rng.standard_normal(200) + 2).gain < 12
    assert mixture(1.5 * rng.standard_t(3, 200) + 2).gain < 12


def test_the_boundary_is_where_the_shift_begins():
    values = np.array([0.1, -0.4, np.nan, 0.3, 2.2, 1.8, 0.4, 2.5])
    assert boundary(values, size=2) == 4
    assert boundary(-values, size=-2) == 4
    assert boundary(np.zeros(4), size=2) == 4
