"""Patches in the survey's formats: what they hold, that others read them, and that nothing of others is overwritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from pytest_specqa.errors import ResultsError
from pytest_specqa.production.tables import parse_badamps
from pytest_specqa.results.history import patches
from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.rules import waiver_file
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome

NIGHTS = (20220501, 20220502, 20220503, 20220504)
CHANGE = Change(
    what="residual", scope="fiber", shape="step", camera="r6", fibers=(3234, 3234), waves=(6500.0, 6560.0),
    first=(20220502, 21), last=(20220503, 31), ongoing=False, size=1.0, error=0.1, unit="sigma", level=0.0, significance=9.0,
    bad=3, seen=3, detail="a dip, of some | kind",
)  # fmt: skip
HALF = replace(CHANGE, what="amplifier_step", scope="amplifier", fibers=(3250, 3499), waves=(7000.0, 7500.0))


def _record(night: int, expid: int, camera: str, *, measure: str = "sky_level", failed: bool = False) -> Any:
    unit = DataUnit("camera", night, expid=expid, tile=7, camera=camera)
    fibers = ((3230, 3240),) if camera[1] == "6" else ()
    measured = Measured(9.0 if failed else 0.5, fibers=fibers)
    limit = Limit(measure, high=1.0)
    outcome = Outcome.FAILED if failed else Outcome.PASSED
    record = Measurement(unit, "test_sky", measured, limit, outcome, f"{measure} of {camera}").as_record()
    return record | {"versions": {"production": "loa"}, "code": "c", "limits": "l", "inputs": f"{unit.id}"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    kept = Store.create(tmp_path_factory.mktemp("patches") / "store", production="loa")
    kept.add(
        _record(night, expid, camera, failed=camera == "r6" and expid == 30)
        for number, night in enumerate(NIGHTS, start=1)
        for expid in (10 * number, 10 * number + 1)
        for camera in ("b6", "r6", "r7")
    )
    return kept


def test_a_fiber_is_flagged_at_each_exposure_from_the_first_to_the_last(store: Store, tmp_path: Path) -> None:
    written = patches.write(store, [CHANGE], tmp_path / "new")
    assert [(each.path.name, each.entries) for each in written] == [("flagged_fibers.ecsv", 3), ("waivers.toml", 1)]
    table = Table.read(tmp_path / "new" / "flagged_fibers.ecsv")
    assert table["EXPID"].tolist() == [21, 30, 31]
    assert table["NIGHT"].tolist() == [20220502, 20220503, 20220503]
    assert set(table["FIBERS"]) == {"3234"}
    assert table["FIBERS"].dtype.kind == "U"
    assert set(table["FIBERSTATUS_BITNAME"]) == {"BADFIBER"}
    assert set(table["TILEID"]) == {7}
    assert all("a dip" in comment and "|" not in comment and "," not in comment for comment in table["COMMENTS"])
    # A second draft replaces the first.
    patches.write(store, [replace(CHANGE, fibers=(3225, 3249), scope="group")], tmp_path / "new")
    assert set(Table.read(tmp_path / "new" / "flagged_fibers.ecsv")["FIBERS"]) == {"3225-3249"}


def test_redshifts_name_no_camera_and_flag_each_exposure_of_the_petal_once(store: Store) -> None:
    change = replace(CHANGE, what="redshift outliers", camera="", waves=None, first=(20220502, None), last=(20220503, None))
    rows = patches.flagged_rows([change], patches.exposures_of(store, [change]))
    assert [row["EXPID"] for row in rows] == [20, 21, 30, 31]
    other = replace(change, fibers=(3700, 3700))
    assert len(patches.flagged_rows([other], patches.exposures_of(store, [other]))) == 4
    nowhere = replace(change, fibers=(100, 100))
    assert patches.flagged_rows([nowhere], patches.exposures_of(store, [nowhere])) == []


@pytest.mark.parametrize(
    ("what", "shape", "bit"),
    [
        ("line_scale", "step", "LOWTRANSMISSION"),
        ("flux_over_imaging", "intermittent", "VARIABLETHRU"),
        ("line_shift", "drift", "BADARC"),
        ("line_width", "step", "BADTRACE"),
        ("redshift pile-up", "one-off", "BADFIBER"),
    ],
)
def test_bits_are_those_of_the_survey(what: str, shape: str, bit: str) -> None:
    assert patches.bit_of(replace(CHANGE, what=what, shape=shape)) == bit


@pytest.mark.parametrize(
    ("fibers", "waves", "letters"),
    [
        ((3000, 3249), (5800.0, 6600.0), "A"),
        ((3250, 3499), (5800.0, 6600.0), "B"),
        ((3000, 3249), (6800.0, 7500.0), "C"),
        ((3250, 3499), None, "BD"),
        ((3000, 3499), (6800.0, 7500.0), "CD"),
        (None, None, "ABCD"),
    ],
)
def test_an_amplifier_is_that_of_its_fibers_and_wavelengths(fibers: Any, waves: Any, letters: str) -> None:
    assert patches.amplifiers_of(replace(HALF, fibers=fibers, waves=waves)) == letters


def test_amplifiers_are_written_as_exposure_tables_have_them(store: Store, tmp_path: Path) -> None:
    other = replace(HALF, fibers=(3000, 3249), first=(20220503, 31))
    written = patches.write(store, [HALF, other], tmp_path)
    assert "badamps.csv" in {each.path.name for each in written}
    table = Table.read(tmp_path / "badamps.csv", format="ascii.csv")
    assert table["EXPID"].tolist() == [21, 30, 31]
    assert [parse_badamps(text) for text in table["BADAMPS"]] == [("r6D",), ("r6D",), ("r6C", "r6D")]
    assert all(text.endswith("|") for text in table["COMMENTS"])


def test_waivers_are_drafts_of_the_failures_at_the_place(store: Store, tmp_path: Path) -> None:
    patches.write(store, [CHANGE], tmp_path)
    text = (tmp_path / "waivers.toml").read_text()
    assert text.count("[[waiver]]") == 1
    assert 'camera = "r6"' in text
    with pytest.raises(Exception, match="expected text that a person has written"):
        waiver_file.load(tmp_path / "waivers.toml")
    complete = text.replace('= ""', '= "known"').replace('expires = "known"', "expires = 2030-01-01")
    (tmp_path / "complete.toml").write_text(complete)
    (waiver,) = waiver_file.load(tmp_path / "complete.toml")
    assert waiver.scope.nights == (20220503, 20220503)
    assert patches.failures_of(store, [replace(CHANGE, camera="r7", fibers=(3700, 3700))]) == []
    assert patches.failures_of(store, [replace(CHANGE, fibers=(3400, 3400))]) == []


def test_nothing_changed_writes_nothing(store: Store, tmp_path: Path) -> None:
    assert patches.write(store, [], tmp_path / "none") == []
    assert patches.write(store, [replace(CHANGE, scope="night", fibers=None, camera="r9")], tmp_path / "none") == []
    assert list((tmp_path / "none").iterdir()) == []


@pytest.mark.parametrize("name", ["flagged_fibers.ecsv", "badamps.csv", "waivers.toml"])
def test_files_of_others_stay(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# the survey's own\n")
    with pytest.raises(ResultsError, match="left as it is") as told:
        patches.write(store, [CHANGE, HALF], tmp_path)
    assert "\n" not in str(told.value)
    assert (tmp_path / name).read_text() == "# the survey's own\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_cannot_be_made_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="patches cannot be written"):
        patches.write(store, [CHANGE], tmp_path / "file" / "below")


@pytest.mark.filterwarnings("ignore")
def test_desispec_reads_the_flags(store: Store, tmp_path: Path) -> None:
    calibfinder = pytest.importorskip("desispec.calibfinder", reason="desispec is not installed")
    if not hasattr(calibfinder, "get_flagged_fibers"):
        pytest.skip("desispec is older than flagged_fibers.ecsv (pull request 2588)")
    patches.write(store, [CHANGE, replace(CHANGE, fibers=(3225, 3227), scope="group", what="line_shift")], tmp_path)
    fibers, masks = calibfinder.get_flagged_fibers(30, filename=str(tmp_path / "flagged_fibers.ecsv"))
    assert dict(zip(fibers, masks, strict=True)) == {3234: 1 << 16, 3225: 1 << 19, 3226: 1 << 19, 3227: 1 << 19}
    assert calibfinder.get_flagged_fibers(20, filename=str(tmp_path / "flagged_fibers.ecsv")) == ([], [])


@pytest.mark.filterwarnings("ignore")
def test_desispec_reads_the_amplifiers(store: Store, tmp_path: Path) -> None:
    tableio = pytest.importorskip("desispec.workflow.tableio", reason="desispec is not installed")
    util = pytest.importorskip("desispec.io.util", reason="desispec is not installed")
    patches.write(store, [HALF], tmp_path)
    table = tableio.load_table(str(tmp_path / "badamps.csv"), tabletype="exptable")
    assert [util.parse_badamps(str(row["BADAMPS"])) for row in table] == [[("r", 6, "D")]] * 3
    assert table["EXPID"].tolist() == [21, 30, 31]


def test_a_camera_whose_name_has_no_petal_is_of_none(tmp_path: Path) -> None:
    kept = Store.create(tmp_path / "store", production="loa")
    kept.add([_record(20220502, 21, "r6", failed=True), _record(20220502, 21, "arm1x", failed=True)])
    change = replace(CHANGE, what="redshift outliers", camera="", waves=None, first=(20220502, None), last=(20220503, None))
    assert [row["EXPID"] for row in patches.flagged_rows([change], patches.exposures_of(kept, [change]))] == [21]
    assert {record["camera"] for record in patches.failures_of(kept, [change])} == {"r6"}


def test_a_damaged_part_of_the_store_is_told_in_one_line(tmp_path: Path) -> None:
    kept = Store.create(tmp_path / "store", production="loa")
    kept.add([_record(20220502, 21, "r6")])
    (part,) = (kept.root / "records").rglob("*.parquet")
    raw = part.read_bytes()
    part.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ResultsError) as told:
        patches.write(kept, [CHANGE], tmp_path / "patches")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "patches").exists()
