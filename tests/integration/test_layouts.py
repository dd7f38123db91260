"""Runs on pixels of the sky, reductions of single exposures, tiles from before Everest, and releases without exposure tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.results.storing.checking import problems
from pytest_specqa.results.storing.dataset import Store

SUITE = Path(__file__).parents[2] / "qa_tests"
TARGETS = 300

READS = """
def test_camera(specqa_camera, expect): expect("value", 0.5)
def test_pixel(pixel_redshifts, specqa_healpix, expect): expect("value", pixel_redshifts["Z"].min())
def test_petal(redshifts, tile, tile_exposures, expect): expect("other", len(redshifts) - 2)
def test_tile(tile_redshifts, expect): expect("other", len(tile_redshifts))
"""


def rows(names: list[tuple[str, str]], **columns: Any) -> np.ndarray:
    made = np.zeros(len(next(iter(columns.values()))), dtype=names)
    for name, values in columns.items():
        made[name] = values
    return made


def write(path: Path, hdus: dict[str, np.ndarray], **keywords: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = fits.HDUList([fits.PrimaryHDU()])
    written[0].header.update(keywords)
    for name, data in hdus.items():
        written.append(fits.BinTableHDU(data, name=name))
    written.writeto(path, overwrite=True)


def pixel(root: Path, name: str, *, gathered: int = 0, exposures: int = 2, coadd: bool = True, lost: int = 0) -> None:
    """Write a pixel whose redshifts are smooth but for some that share one; the coadd may lack targets."""
    survey, program, number = name.split("-")
    target = 39_000_000 + np.arange(TARGETS)
    z = 0.6 + np.random.default_rng(5).random(TARGETS)
    z[:gathered] = 1.1 + 1e-6 * np.arange(gathered)
    fit = [("TARGETID", "i8"), ("Z", "f8"), ("ZERR", "f8"), ("ZWARN", "i8"), ("SPECTYPE", "S6"), ("DELTACHI2", "f8")]
    fits_made = rows(fit, TARGETID=target, Z=z, SPECTYPE=b"GALAXY", DELTACHI2=100.0, ZERR=1e-4)
    who = [("TARGETID", "i8"), ("COADD_FIBERSTATUS", "i4"), ("OBJTYPE", "S3"), ("COADD_NUMEXP", "i2"), ("DESI_TARGET", "i8")]
    fibermap = rows(who, TARGETID=target, OBJTYPE=b"TGT", COADD_NUMEXP=exposures)
    seen = [("TARGETID", "i8"), ("EXPID", "i4"), ("NIGHT", "i4"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("IN_COADD_B", "?")]
    each = {"TARGETID": np.repeat(target, 2), "FIBER": np.repeat(np.arange(TARGETS) * 16, 2)}
    visits = rows(seen, EXPID=np.tile([7, 8], TARGETS), NIGHT=20211014, IN_COADD_B=True, **each)
    depth = rows([("TARGETID", "i8"), ("TSNR2_LRG", "f4")], TARGETID=target)
    folder = root / f"healpix/{survey}/{program}/{int(number) // 100}/{number}"
    keywords = {"SPGRP": "healpix", "SPGRPVAL": int(number), "HPXPIXEL": int(number), "SURVEY": survey, "PROGRAM": program}
    tables = {"REDSHIFTS": fits_made, "FIBERMAP": fibermap, "EXP_FIBERMAP": visits, "TSNR2": depth}
    write(folder / f"redrock-{name}.fits", tables, **keywords)
    if coadd:
        kept = np.isin(visits["TARGETID"], target[lost:])
        write(folder / f"coadd-{name}.fits", {"FIBERMAP": fibermap[lost:], "EXP_FIBERMAP": visits[kept]}, **keywords)


def petal(path: Path, **keywords: Any) -> None:
    """Write the redshifts of petal 6 of a tile."""
    fit = [("TARGETID", "i8"), ("Z", "f8"), ("ZERR", "f8"), ("ZWARN", "i8"), ("SPECTYPE", "S6"), ("DELTACHI2", "f8")]
    who = [("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3")]
    tables = {
        "ZBEST" if path.name.startswith("zbest") else "REDSHIFTS": rows(fit, TARGETID=[1, 2], Z=0.5, SPECTYPE=b"QSO"),
        "FIBERMAP": rows(who, TARGETID=[1, 2], FIBER=[3000, 3001], OBJTYPE=b"TGT"),
    }
    visits = rows([("TARGETID", "i8"), ("EXPID", "i4")], TARGETID=[1, 2], EXPID=7)
    more = {} if path.name.startswith("zbest") else {"EXP_FIBERMAP": visits}
    write(path, tables | more, TILEID=7951, PETAL=6, **keywords)


@pytest.fixture
def judge(run, tree):
    """Run the expectations of pixels on the production."""

    def judge(*args: object, **how: bool) -> pytest.RunResult:
        return run(SUITE / "test_healpix.py", f"--rootdir={SUITE}", "--specqa-results", "r.jsonl", "-p", "no:xdist", *args, **how)

    return judge


def outcomes(records: list[dict[str, Any]], pixel: str) -> dict[tuple[str, str], str]:
    return {(one["expectation"], one["measure"]): one["outcome"] for one in records if one["unit"] == f"healpix-{pixel}"}


def test_pixels_are_judged_told_shown_and_stored(judge, tree, records, pytester):
    pixel(tree.root, "main-dark-27247", gathered=90)
    pixel(tree.root, "main-dark-311")
    result = judge("--html", "report.html", "--specqa-store", "store")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    sound, gathered = (outcomes(records(), name) for name in ("main-dark-311", "main-dark-27247"))
    assert [name for name, outcome in sound.items() if outcome != "passed"] == [
        ("test_sky_fibers_of_a_pixel_share_no_redshift", "not_expected")
    ]
    assert sound["test_redshifts_and_coadd_of_a_pixel_agree", "coadd_conflicts"] == "passed"
    assert gathered["test_no_redshift_pileup_in_a_pixel", "redshift_pileup"] == "failed"
    failed = {expectation for (expectation, _), outcome in gathered.items() if outcome == "failed"}
    assert failed == {"test_no_redshift_pileup_in_a_pixel"}
    one = next(one for one in records() if one["unit"] == "healpix-main-dark-311")
    assert [one[name] for name in ("kind", "night", "tile", "petal", "survey", "program")] == [
        "healpix",
        0,
        None,
        None,
        "main",
        "dark",
    ]
    result.stdout.fnmatch_lines(
        [
            "specqa: production */daily, 2 healpix pixels",
            "healpix pixel main-dark-27247*rerun: *::test_no_redshift_pileup_in_a_pixel --specprod * --healpix main-dark-27247",
            "  where:*pixel main-dark-27247",
            "  look: * specqa spectra * --healpix main-dark-27247 --z 1.*",
        ]
    )
    html = (pytester.path / "report.html").read_text()
    assert "Spectroscopic QA: production daily, 2 healpix pixels" in html
    assert '<th scope="row">main-dark <span class="specqa-faint">27200-27299</span></th>' in html
    store = Store.open(pytester.path / "store")
    assert store.nights == [], "a pixel is of no night"
    with store.connect() as connection:
        found = connection.execute("SELECT DISTINCT unit, night, kind FROM records ORDER BY unit").fetchall()
    assert found == [(f"healpix-main-dark-{number}", 0, "healpix") for number in (27247, 311)]
    assert list(problems(store)) == []


def test_a_pixel_whose_files_disagree_or_are_missing_fails(judge, tree, records):
    pixel(tree.root, "main-dark-311", exposures=3, lost=2)
    pixel(tree.root, "main-dark-313", coadd=False)
    (tree.root / "healpix/main/dark/3/312").mkdir()
    judge()
    found = outcomes(records(), "main-dark-311")
    assert found["test_redshifts_of_a_pixel_add_up_to_their_exposures", "coadd_sums"] == "failed"
    assert found["test_redshifts_and_coadd_of_a_pixel_agree", "coadd_conflicts"] == "failed"
    assert set(outcomes(records(), "main-dark-312").values()) == {"failed"}
    assert set(outcomes(records(), "main-dark-313").values()) == {"passed", "not measured"}
    assert any("there is no coadd of the pixel" in one["message"] for one in records())


def test_tests_of_pixels_are_left_out_where_there_are_none(project, run, night):
    project("\n".join(READS.splitlines()[:3]))
    run().assert_outcomes(passed=4, deselected=1)


def test_reductions_of_one_exposure_each_are_units_of_their_own(project, run, tree, records):
    project(READS)
    for expid in (104284, 104285):
        tree.exposure(expid)
        petal(tree.root / f"tiles/perexp/7951/{expid:08d}/redrock-6-7951-exp{expid:08d}.fits", SPGRP="perexp", SPGRPVAL=expid)
    run("--specqa-group", "perexp", "--specqa-results", "r.jsonl", "-k", "petal or tile").assert_outcomes(passed=4, deselected=3)
    assert {(one["unit"], one["expid"], one["night"]) for one in records()} == {
        (f"7951-20211014-{expid:08d}{more}", expid, 20211014) for expid in (104284, 104285) for more in ("", "-petal6")
    }


def test_tiles_from_before_everest_are_read_without_being_asked_for(project, run, tree, records):
    project(READS)
    petal(tree.root / "tiles/7951/20200314/zbest-6-7951-20200314.fits")
    run("--specqa-results", "r.jsonl", "-k", "petal or tile").assert_outcomes(passed=2, deselected=2)
    assert {one["unit"] for one in records()} == {"7951-20200314", "7951-20200314-petal6"}
