"""Exposure tables that are damaged, contradict themselves, or are only old, and what is said of each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production.tablefile import ExposureTable, read_exposure_table

HEAD = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS,EXPTIME,SURVEY,NIGHT,COMMENTS"
GOOD = "1,science,7951,all,a6,,,900.0,main,20211014,|"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exposure_table_20211014.csv"


def read(path: Path, *lines: str, head: str = HEAD) -> ExposureTable:
    path.write_text("".join(f"{line}\n" for line in (head, *lines)))
    return read_exposure_table(path)


def row(**values: object) -> str:
    plain = dict(zip(HEAD.split(","), GOOD.split(","), strict=True))
    return ",".join(str(value) for value in (plain | values).values())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (row(EXPID="x"), "line 3, EXPID 'x' is no number of an exposure"),
        (row(EXPID=-1), "line 3, EXPID '-1' is no number of an exposure"),
        (row(EXPID=""), "line 3, EXPID '' is no number of an exposure"),
        (row(EXPID="123456789"), "line 3, EXPID '123456789' is no number of an exposure"),
        (row(EXPID=2, LASTSTEP="soon"), "line 3, exposure 2, LASTSTEP 'soon' is none of ignore, skysub"),
        (row(EXPID=2, CAMWORD="q6"), "line 3, exposure 2, 'q6' names no cameras"),
        (row(EXPID=2, CAMWORD=""), "line 3, exposure 2, CAMWORD is empty though LASTSTEP is not ignore"),
        (row(EXPID=2, BADCAMWORD="6"), "line 3, exposure 2, '6' names no cameras"),
        (row(EXPID=2, TILEID="79.5"), "line 3, exposure 2, TILEID '79.5' is no number of a tile"),
        (row(EXPID=2) + ",,x", "line 3, exposure 2, 13 fields in place of 11"),
        ("2,science,7951,all", "line 3, exposure 2, 4 fields in place of 11"),
        ("3,fl", "line 3, exposure 3, 2 fields in place of 11"),
        (",,,,,,,,,,", "line 3, EXPID '' is no number of an exposure"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_count(path: Path, line: str, words: str) -> None:
    table = read(path, GOOD, line)
    assert len(table.faults) == 1
    assert table.faults[0].startswith(words)
    assert (list(table.rows), table.conflicts, table.oddities) == ([1], (), ())


def test_a_bad_amplifier_is_named_and_the_cameras_are_asked_for_all_the_same(path: Path) -> None:
    table = read(path, row(BADAMPS="r6E"))
    assert table.faults == ("line 2, exposure 1, BADAMPS 'r6E' is no amplifier like b7D",)
    assert (table.rows[1].cameras, table.rows[1].badamps) == (("b6", "r6", "z6"), ())


def test_a_type_that_is_none_is_named_and_known_as_unsure(path: Path) -> None:
    table = read(path, GOOD, row(EXPID=2, OBSTYPE="sciense"), row(EXPID=3, OBSTYPE="other"), row(EXPID=4, OBSTYPE="flat"))
    assert table.faults == ("line 3, exposure 2 has OBSTYPE 'sciense', which is none",)
    assert (list(table.rows), list(table.unsure), table.calibrations) == ([1], [2, 3], {4: "flat"})


def test_what_is_to_be_ignored_may_say_anything_else(path: Path) -> None:
    table = read(path, row(LASTSTEP="ignore", CAMWORD=""), row(EXPID=2, LASTSTEP="ignore", CAMWORD="q6", BADAMPS="x"))
    assert (table.faults, table.conflicts) == ((), ())
    assert [table.rows[expid].laststep for expid in (1, 2)] == ["ignore", "ignore"]
    assert len(table.oddities) == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([GOOD, row(LASTSTEP="ignore")], "exposure 1 on lines 2, 3 has LASTSTEP 'all' and 'ignore'"),
        ([row(LASTSTEP="ignore"), GOOD], "exposure 1 on lines 2, 3 has LASTSTEP 'ignore' and 'all'"),
        ([row(OBSTYPE="flat"), GOOD], "exposure 1 on lines 2, 3 has OBSTYPE 'flat' and 'science'"),
        ([GOOD, row(CAMWORD="r6")], "exposure 1 on lines 2, 3 has CAMWORD 'a6' and 'r6'"),
        ([row(NIGHT=20211015)], "line 2, exposure 1 has NIGHT '20211015', not 20211014"),
    ],
)
def test_of_contradictions_the_row_that_asks_for_most_counts(path: Path, lines: list[str], words: str) -> None:
    table = read(path, *lines)
    assert table.conflicts == (words,)
    assert table.rows[1].cameras == ("b6", "r6", "z6")
    assert table.rows[1].laststep == "all"
    assert table.faults == ()


def test_a_row_that_cannot_be_read_does_not_leave_the_word_to_one_that_ignores(path: Path) -> None:
    table = read(path, row(LASTSTEP="al"), row(LASTSTEP="ignore"))
    assert (dict(table.rows), table.broken) == ({}, {1})


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([GOOD, GOOD], "exposure 1 on lines 2, 3, alike"),
        ([GOOD, row(COMMENTS="again")], "exposure 1 on lines 2, 3, alike"),
        ([row(BADCAMWORD="a6")], "line 2, exposure 1, BADCAMWORD takes all cameras though LASTSTEP is not ignore"),
        ([row(EXPTIME="long")], "line 2, exposure 1, EXPTIME 'long' is no number of seconds"),
    ],
)
def test_what_hides_nothing_is_only_said(path: Path, lines: list[str], words: str) -> None:
    table = read(path, *lines)
    assert (table.oddities, table.faults, table.conflicts, list(table.rows)) == ((words,), (), (), [1])


def test_bad_cameras_that_the_word_lacks_are_nothing_to_speak_of(path: Path) -> None:
    table = read(path, row(BADCAMWORD="b6a7"))
    assert (table.oddities, table.faults, table.conflicts, table.rows[1].cameras) == ((), (), (), ("r6", "z6"))


def test_a_quoted_field_that_holds_rows_is_named(path: Path) -> None:
    table = read(path, row(COMMENTS='"oh'), row(EXPID=2, COMMENTS='"'), row(EXPID=3, COMMENTS='"two\nlines"'))
    assert table.faults == ("line 3, a quoted field holds other rows",)
    assert list(table.rows) == [1, 3]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "found no column EXPID, OBSTYPE, TILEID, CAMWORD; expected the columns of an exposure table, parted by commas"),
        (HEAD.replace(",", ";").encode(), "found no column EXPID, OBSTYPE"),
        (HEAD.replace("CAMWORD", "X", 1).encode(), "found no column CAMWORD"),
        (f"{HEAD}\n{GOOD}\n".encode("utf-16"), "found NUL bytes"),
        (f"{HEAD}\n1,sci\0ence".encode(), "found NUL bytes"),
        (b"\x1f\x8b\x08\x01\xff\xfe\x80", "found no column EXPID"),
        (f"{HEAD}\n{GOOD}{'x' * 200_000}\n".encode(), "found line 2: no comma-separated values (field larger than field limit"),
        (f'{HEAD}\n{GOOD}"\n{GOOD[:-1]}"\n'.encode(), "found line 3: no comma-separated values"),
        (f"{HEAD},CAMWORD\n{GOOD},r6\n".encode(), "found two columns CAMWORD with different values"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(path: Path, raw: bytes, words: str) -> None:
    path.write_bytes(raw)
    with pytest.raises(ProductError) as error:
        read_exposure_table(path)
    assert str(error.value).startswith(f"exposure_table_20211014.csv: {words}")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_what_is_no_file_or_too_large_is_one_line(path: Path) -> None:
    path.symlink_to(path)
    with pytest.raises(ProductError, match="found a loop of links"):
        read_exposure_table(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ProductError, match="found a FIFO; expected a regular file"):
        read_exposure_table(path)
    path.unlink()
    path.touch()
    os.truncate(path, 300_000_000)
    with pytest.raises(ProductError, match="found a file of 300 MB; expected at most 10 MB"):
        read_exposure_table(path)


def test_columns_that_older_tables_lack_have_the_defaults_of_the_pipeline(path: Path) -> None:
    table = read(path, "1,science,7951,a6", "2,science,-99,r6", head="EXPID,OBSTYPE,TILEID,CAMWORD")
    assert (table.faults, table.conflicts, table.oddities) == ((), (), ())
    assert (table.rows[1].laststep, table.rows[1].cameras, table.rows[1].badamps) == ("all", ("b6", "r6", "z6"), ())
    assert table.rows[2].tile is None
    assert read(path, row(LASTSTEP="")).rows[1].laststep == "all"


def test_a_mistyped_column_is_said(path: Path) -> None:
    table = read(path, row(BADCAMWORD="b6"), head=HEAD.replace("BADCAMWORD", "BADCAMWROD"))
    assert table.oddities == ("column 'BADCAMWROD' where BADCAMWORD is missing",)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + f"{HEAD}\n{GOOD}\n".encode(),
        f"{HEAD}\r\n{GOOD}\r\n".encode(),
        f"{HEAD}\n\n{GOOD}\n\n".encode(),
        f"{HEAD.replace(',', ' , ')}\n{GOOD.replace(',', ' , ')}\n".encode(),
        f"{HEAD}\n{GOOD},\n".encode(),
        f"{HEAD}\n{GOOD[:-1]}caf\xe9\n".encode("latin-1"),
        f"{HEAD},CAMWORD\n{GOOD},a6\n".encode(),
    ],
)
def test_marks_line_ends_blanks_and_comments_change_nothing(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    table = read_exposure_table(path)
    assert (table.faults, table.conflicts) == ((), ())
    assert repr(table.rows) == repr(read(path, GOOD).rows)
