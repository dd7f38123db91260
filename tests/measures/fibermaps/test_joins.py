"""What two files both say: one fiber that differs is found, and what may differ is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.fibermaps.exposure_joins import coadd_sums, depth_sums, exposure_facts, left_out, not_asked_for
from pytest_specqa.measures.fibermaps.flag_joins import bad_in_one_file, bad_without_status, fibermaps_beside, flags_of_spectra
from pytest_specqa.measures.fibermaps.product_joins import KEYWORDS, SHARED, grids_beside, said_otherwise, versions_beside
from pytest_specqa.measures.fibermaps.redshift_joins import same_coadd, same_targets
from pytest_specqa.values import Tile, Visit

N, EXPIDS, NIGHT = 500, (104284, 104285), 20211014
TILE = Tile(7951, NIGHT, "cumulative", f"thru{NIGHT}", (6,))
BADPOSITION, BADAMPR, BROKEN, STUCK = (
    1 << DESI.flags[name] for name in ("BADPOSITION", "BADAMPR", "BROKENFIBER", "STUCKPOSITIONER")
)
GOOD = ("b6", "r6", "z6")
VISITS = [Visit(NIGHT, expid, 7951, cameras=GOOD, spectra=GOOD, exptime=1000.4, efftime=600) for expid in EXPIDS]


def assigned(**changes):
    """Fibermap of petal 6 in one exposure."""
    fiber = 3000 + np.arange(N)
    columns = {
        "FIBER": fiber,
        "TARGETID": 39_627_000_000 + fiber,
        "LOCATION": 6000 + np.arange(N),
        "OBJTYPE": np.where(fiber % 10 == 0, "SKY", "TGT"),
        "DESI_TARGET": np.ones(N, dtype=np.int64),
        "TARGET_RA": np.linspace(48, 49, N),
        "FIBER_X": np.linspace(-200, 200, N),
        "FIBERSTATUS": np.zeros(N, dtype=np.int32),
        "EXPTIME": np.full(N, 1000.0),
    }
    return columns | changes


def exposures(*maps, expids=EXPIDS):
    """EXP_FIBERMAP of some exposures."""
    kept = [name for name in maps[0] if name not in ("OBJTYPE", "DESI_TARGET", "TARGET_RA")]
    rows = {name: np.concatenate([each[name] for each in maps]) for name in kept}
    rows |= {"EXPID": np.repeat(expids, N), "NIGHT": np.full(N * len(maps), NIGHT), "TILEID": np.full(N * len(maps), 7951)}
    return rows


def coadded(**changes):
    """FIBERMAP of the coadd of two exposures."""
    whole = assigned()
    kept = {name: whole[name].copy() for name in whole if name not in ("FIBERSTATUS", "EXPTIME", "FIBER_X")}
    kept |= {"COADD_NUMEXP": np.full(N, 2), "COADD_EXPTIME": np.full(N, 2000.0), "COADD_FIBERSTATUS": np.zeros(N, dtype=np.int32)}
    return kept | changes


def changed(column, rows, value):
    """A copy of a column with other values in some rows."""
    other = np.array(column)
    other[rows] = value
    return other


ROWS = slice(20, 26)
MAPS = dict.fromkeys(EXPIDS, assigned())
SPECTRA = exposures(assigned(), assigned())


def test_other_targets_in_the_redshift_file_are_counted_and_named():
    targetid = changed(assigned()["TARGETID"], ROWS, 1000 + np.arange(6))
    found = same_targets(coadded(TARGETID=targetid), exposures(*[assigned(TARGETID=targetid)] * 2), assigned=MAPS)
    assert found.value == 6
    assert found.fibers == ((3020, 3025),)
    assert "fiber 3020 TARGETID" in found.detail


def test_the_same_is_found_without_rows_per_exposure():
    targetid = changed(assigned()["TARGETID"], ROWS, 1000 + np.arange(6))
    assert same_targets(coadded(TARGETID=targetid), None, assigned=MAPS).value == 6


@pytest.mark.parametrize(
    ("column", "value"), [("OBJTYPE", "SKY"), ("DESI_TARGET", 4), ("TARGET_RA", 10.0), ("LOCATION", 1), ("TARGET_RA", np.nan)]
)
def test_each_column_of_an_identity_counts(column, value):
    wrong = coadded(**{column: changed(coadded()[column], [21, 22], value)})
    assert same_targets(wrong, SPECTRA, assigned=MAPS).value == 2


def test_clean_redshifts_agree_to_the_bytes_that_store_places():
    shaken = assigned(FIBER_X=assigned()["FIBER_X"].astype("f4"), TARGET_RA=assigned()["TARGET_RA"] + 1e-9)
    assert same_targets(coadded(), exposures(shaken, shaken), assigned=MAPS).value == 0


def test_a_tile_that_was_designed_anew_keeps_its_targets():
    order = np.r_[np.arange(480), 480 + (np.arange(20) + 1) % 20]
    second = assigned(**{name: assigned()[name][order] for name in ("TARGETID", "OBJTYPE", "TARGET_RA")})
    maps = dict(zip(EXPIDS, (assigned(), second), strict=True))
    assert same_targets(coadded(), exposures(assigned(), second), assigned=maps).value == 0


def test_what_is_said_of_fibers_on_nothing_does_not_count_as_another_target():
    maps = dict.fromkeys(EXPIDS, assigned(OBJTYPE=changed(assigned()["OBJTYPE"], ROWS, "BAD"), DESI_TARGET=np.full(N, 1)))
    wrong = coadded(DESI_TARGET=changed(coadded()["DESI_TARGET"], ROWS, 1 << 35))
    assert same_targets(wrong, SPECTRA, assigned=maps).value == 0
    assert bad_in_one_file(wrong, {"the fibermap": maps[EXPIDS[0]]}).value == 6


def test_without_a_fibermap_nothing_is_measured():
    assert same_targets(coadded(), SPECTRA, assigned={}).reason


def test_an_exposure_that_is_left_out_is_named():
    found = left_out([104284], VISITS, tile=TILE, petal=6)
    assert found.value == 1
    assert found.detail.startswith("exposure 104285 not in the redshifts of petal 6 of tile 7951 though the cframes exist")
    assert left_out(EXPIDS, VISITS, tile=TILE, petal=6).value == 0


@pytest.mark.parametrize(
    "change",
    [
        {"laststep": "ignore"},
        {"laststep": "fluxcal"},
        {"cameras": ()},
        {"spectra": ()},
        {"efftime": 0.0},
        {"night": NIGHT + 1},
        {"tile": 1},
    ],
)
def test_exposures_that_no_redshift_can_rest_on_may_be_left_out(change):
    assert left_out([104284], [VISITS[0], replace(VISITS[1], **change)], tile=TILE, petal=6).value == 0


def test_earlier_nights_count_for_a_cumulative_tile_alone():
    visits = [replace(VISITS[0], night=NIGHT - 1), VISITS[1]]
    assert left_out([104285], visits, tile=TILE, petal=6).value == 1
    assert left_out([104285], visits, tile=replace(TILE, group="pernight"), petal=6).value == 0
    assert left_out([104285], visits, tile=replace(TILE, group="perexp"), petal=6).reason
    assert left_out([104285], None, tile=TILE, petal=6).reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"laststep": "ignore"}, "LASTSTEP ignore"),
        ({"laststep": "", "tile": None}, "does not list it"),
        ({"tile": 1298}, "says tile 1298"),
        ({"cameras": ()}, "no good camera of petal 6"),
        ({"night": NIGHT + 1}, "is after 20211014"),
    ],
)
def test_exposures_that_the_table_does_not_ask_for_are_named(change, words):
    found = not_asked_for(EXPIDS, [VISITS[0], replace(VISITS[1], **change)], tile=TILE, petal=6)
    assert found.value == 1
    assert words in found.detail


def test_exposures_of_nights_without_a_table_are_no_objection():
    assert not_asked_for(EXPIDS, VISITS[:1], tile=TILE, petal=6).value == 0
    assert not_asked_for(EXPIDS, None, tile=TILE, petal=6).reason


@pytest.mark.parametrize(("column", "value"), [("COADD_NUMEXP", 1), ("COADD_EXPTIME", 1000.0), ("COADD_NUMEXP", 3)])
def test_sums_that_are_not_those_of_the_exposures_are_found(column, value):
    wrong = coadded(**{column: changed(coadded()[column], [5, 9], value)})
    assert coadd_sums(wrong, SPECTRA).value == 2
    assert coadd_sums(coadded(), SPECTRA).value == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_flagged_exposures_may_count_or_not_where_the_file_does_not_tell(count):
    flagged = assigned(FIBERSTATUS=changed(assigned()["FIBERSTATUS"], [5], BADPOSITION))
    assert same_coadd(coadded(), coadded(), exposures=SPECTRA, coadded=None).value == N
    fewer = coadded(COADD_NUMEXP=changed(np.full(N, 2), [5], count), COADD_EXPTIME=changed(np.full(N, 2000.0), [5], 1000.0 * count))
    fewer["COADD_FIBERSTATUS"][5] = BADPOSITION
    assert coadd_sums(fewer, exposures(flagged, flagged)).value == 0
    told = exposures(flagged, flagged) | {"IN_COADD_R": np.tile(np.arange(N) != 5, 2)}
    assert coadd_sums(fewer, told).value == (count != 0)


def test_flags_of_a_coadd_are_those_that_its_exposures_share():
    flagged = assigned(FIBERSTATUS=changed(assigned()["FIBERSTATUS"], [5], BROKEN))
    assert coadd_sums(coadded(), exposures(flagged, assigned())).value == 0
    assert coadd_sums(coadded(), exposures(flagged, flagged)).value == 1
    assert coadd_sums(coadded(COADD_FIBERSTATUS=changed(np.zeros(N, dtype=int), [7], BROKEN)), SPECTRA).value == 1


def test_times_nights_and_tiles_of_exposures_are_held_against_the_table():
    assert exposure_facts(SPECTRA, VISITS, tile=TILE, assigned=MAPS).value == 0
    assert exposure_facts(SPECTRA | {"EXPTIME": np.full(2 * N, 900.0)}, VISITS, tile=TILE, assigned={}).value == N
    assert exposure_facts(SPECTRA | {"EXPTIME": np.full(2 * N, 900.0)}, None, tile=TILE, assigned=MAPS).value == N
    assert exposure_facts(SPECTRA | {"TILEID": np.full(2 * N, 1298)}, None, tile=TILE, assigned={}).value == N


def test_depths_of_other_targets_and_wrong_sums_are_found():
    fiber, table = assigned()["FIBER"], {"TARGETID": assigned()["TARGETID"]}
    depth = table | {"TSNR2_LRG_B": np.ones(N), "TSNR2_LRG_R": np.ones(N), "TSNR2_LRG": np.full(N, 2.0)}
    assert depth_sums(table, depth, fiber=fiber).value == 0
    assert depth_sums(table, depth | {"TSNR2_LRG": np.full(N, 1.0)}, fiber=fiber).value == N
    assert depth_sums(table, depth | {"TARGETID": changed(table["TARGETID"], [3], 1)}, fiber=fiber).value == 1


def test_coadd_and_redshifts_of_other_exposures_disagree():
    one = exposures(assigned(), expids=EXPIDS[:1])
    assert same_coadd(coadded(), coadded(), exposures=SPECTRA, coadded=SPECTRA).value == 0
    assert same_coadd(coadded(), coadded(), exposures=SPECTRA, coadded=one).value == N
    fewer = coadded(COADD_NUMEXP=changed(np.full(N, 2), [4], 1))
    assert same_coadd(coadded(), fewer, exposures=None, coadded=None).value == 1


@pytest.mark.parametrize(
    ("there", "here", "count"),
    [
        (BADPOSITION, 0, 1),
        (0, BADPOSITION, 1),
        (0, BADAMPR, 0),
        (0, BROKEN, 0),
        (BROKEN, 0, 1),
        (STUCK, 0, 0),
        (0, STUCK, 0),
    ],
)
def test_cameras_may_add_what_they_know_and_nothing_is_taken_away(there, here, count):
    known, seen = (assigned(FIBERSTATUS=changed(np.zeros(N, dtype=int), [8], bits)) for bits in (there, here))
    assert flags_of_spectra(exposures(seen, expids=EXPIDS[:1]), assigned={EXPIDS[0]: known}).value == count
    _, flags = fibermaps_beside({"frame": seen}, known)
    assert flags.value == count


def test_a_fibermap_inside_a_product_that_is_another_one_is_found():
    who, flags = fibermaps_beside(
        {"frame": assigned(), "cframe": assigned(TARGETID=np.roll(assigned()["TARGETID"], 1))}, assigned()
    )
    assert (who.value, flags.value) == (N, 0)
    assert "in FIBERMAP of the cframe" in who.detail
    moved = assigned(FIBER_X=assigned()["FIBER_X"] + 0.01)
    assert fibermaps_beside({"frame": moved}, assigned())[0].value == N


def test_fibers_that_are_bad_without_a_bit_are_counted_once():
    bad = assigned(OBJTYPE=changed(assigned()["OBJTYPE"], ROWS, "BAD"))
    assert bad_without_status({"one": bad, "other": bad, "good": assigned()}).value == 6
    assert bad_without_status({"one": bad | {"FIBERSTATUS": np.full(N, 1)}}).value == 0


HEADER = {"NIGHT": NIGHT, "EXPID": 104284, "TILEID": 7951, "CAMERA": "r6", "FLAVOR": "science", "EXPTIME": 1000.0}


@pytest.mark.parametrize(("keyword", "value"), [("TILEID", 1298), ("FLAVOR", "flat"), ("EXPTIME", 999.0), ("CAMERA", "r7")])
def test_a_header_that_says_otherwise_is_named(keyword, value):
    found = said_otherwise({"frame": HEADER, "sky": HEADER | {keyword: value}}, keywords=KEYWORDS)
    assert found.value == 1
    assert found.detail.startswith(f"{keyword} is ")
    assert "in sky" in found.detail


def test_rounded_tables_and_missing_keywords_say_nothing_else():
    sky = {"CAMERA": "R6 ", "EXPTIME": None, "NIGHT": str(NIGHT)}
    told = {"the exposure table": {"EXPTIME": 1000.4, "TILEID": None, "NIGHT": NIGHT, "CAMERA": "?"}}
    assert said_otherwise({"frame": HEADER, "sky": sky}, keywords=KEYWORDS, told=told).value == 0
    assert said_otherwise({"frame": HEADER}, keywords=KEYWORDS, told={"the exposure table": {"EXPTIME": 900.0}}).value == 1
    assert said_otherwise({"r6": HEADER, "r7": HEADER | {"EXPTIME": 1000.01}}, keywords=SHARED).value == 0
    assert said_otherwise({"frame": HEADER}, keywords=KEYWORDS).reason


def test_products_of_two_versions_are_told():
    made = {"DEPNAM00": "numpy", "DEPVER00": "2", "DEPNAM01": "desispec", "DEPVER01": "0.70.0"}
    found = versions_beside({"frame": made, "sky": made | {"DEPVER01": "0.71.0"}, "cframe": {}})
    assert found.value == 2
    assert "0.71.0 made sky" in found.detail
    assert versions_beside({"frame": made, "sky": made}).value == 1
    assert versions_beside({"frame": HEADER}).reason


def test_wavelengths_agree_to_the_bytes_that_store_them():
    wave = 5760 + 0.8 * np.arange(2326)
    stored = wave.astype("f4").astype("f8")
    cut = (np.round(wave * 2) / 2).astype("f4").astype("f8")
    assert grids_beside({"frame": wave, "sky": stored, "fluxcalib": cut}, flat=wave / 1.00009).value == 0
    found = grids_beside({"frame": wave, "sky": stored + 0.01, "cframe": wave[:-1]}, flat=wave + 0.8)
    assert found.value == 3
    assert "wavelengths of sky are +0.0100 A from those of frame" in found.detail
    assert grids_beside({"frame": wave}).reason
