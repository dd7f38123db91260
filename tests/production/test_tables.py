from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.production import parse_cameras
from pytest_specqa.production.tablefile import read_exposure_table
from pytest_specqa.production.tables import expected_kinds, parse_badamps

HEAD = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS,EXPTIME,SURVEY,FAPRGRM,HEADERERR,EXPFLAG\n"


def table(tmp_path: Path, *lines: str, head: str = HEAD) -> Path:
    path = tmp_path / "exposure_table_20211014.csv"
    path.write_text(head + "".join(line + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("text", "cameras"),
    [
        ("r6", "r6"),
        ("a0123b4", "b0 b1 b2 b3 b4 r0 r1 r2 r3 z0 z1 z2 z3"),
        ("a01234678b59z9", "b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 r0 r1 r2 r3 r4 r6 r7 r8 z0 z1 z2 z3 z4 z6 z7 z8 z9"),
        ("r", "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9"),
        ("z9b0", "b0 z9"),
        ("r66", "r6"),
        ("r6, b2", "b2 r6"),
        ("", ""),
    ],
)
def test_camera_words(text: str, cameras: str) -> None:
    assert parse_cameras(text) == tuple(cameras.split())


def test_a_alone_is_every_camera() -> None:
    assert len(parse_cameras("a")) == 30


@pytest.mark.parametrize("text", ["x6", "6", "r6x", "R6", "r-6", "../r6", "r6 b", "r٣"])
def test_what_is_no_camera_word_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="names no cameras: expected a camera r6, a band r or a camword"):
        parse_cameras(text)


def test_any_text_gives_cameras_or_a_usage_error() -> None:
    rng = random.Random(0)
    words = 0
    for _ in range(2000):
        text = "".join(rng.choices("abrz0123456789,x\n", k=rng.randrange(8)))
        with contextlib.suppress(UsageError):
            cameras = parse_cameras(text)
            assert parse_cameras("".join(cameras)) == cameras
            words += 1
    assert 100 < words < 1900


def test_laststep_tells_what_is_expected() -> None:
    assert expected_kinds("ignore") == ()
    assert expected_kinds("skysub") == ("frame", "sky", "sframe")
    assert expected_kinds("stdstarfit") == expected_kinds("skysub")
    assert expected_kinds("all") == expected_kinds("fluxcal") == ("frame", "sky", "sframe", "fluxcalib", "cframe")


def test_science_rows_are_read_by_column_name(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "104283,arc,-99,all,a0123456789,,,5,unknown,unknown,|,|",
        "104284,science,7951,skysub,a0123456789,b4a5,r1A;z8D,1000.5,main,dark,SEEING:1->2|FOO:a->b|,good|low_sn|",
        "104285,Science,-99,ALL,r6,,,,main,dark,|,|",
        "104286,science,-1,all,r6,,,,main,dark,|,|",
        "104287,science,0,all,r6,,,,main,dark,|,|",
    )
    rows = read_exposure_table(path).rows
    assert list(rows) == [104284, 104285, 104286, 104287]
    assert (rows[104286].tile, rows[104287].tile) == (None, 0)
    row = rows[104284]
    assert (row.tile, row.laststep, row.exptime, row.survey, row.program) == (7951, "skysub", 1000.5, "main", "dark")
    assert len(row.cameras) == 30 - 4
    assert not {"b4", "b5", "r5", "z5"} & set(row.cameras)
    assert row.badamps == ("r1A", "z8D")
    assert (rows[104285].tile, rows[104285].laststep, rows[104285].badamps) == (None, "all", ())


def test_column_order_and_optional_columns_do_not_matter(tmp_path: Path) -> None:
    path = table(tmp_path, "a0,,all,80605,science,7", head="CAMWORD,BADCAMWORD,LASTSTEP,TILEID,OBSTYPE,EXPID\n")
    assert read_exposure_table(path).rows[7].cameras == ("b0", "r0", "z0")


def test_amplifiers_may_be_joined_either_way() -> None:
    assert parse_badamps("b7D;z8A") == parse_badamps("b7D, z8A") == ("b7D", "z8A")
