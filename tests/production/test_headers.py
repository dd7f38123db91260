from __future__ import annotations

import pytest

from pytest_specqa.production.headers import parse_header


def cards(*lines: str) -> bytes:
    return "".join(f"{line:<80}" for line in (*lines, "END")).encode("latin-1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("                    T / yes", True),
        ("                    F", False),
        ("             20211014 / night", 20211014),
        ("            1.000D-03", 0.001),
        ("                 -1.5", -1.5),
        ("'r6      '           / camera", "r6"),
        ("'O''Neill / Sons'    / a comment", "O'Neill / Sons"),
        ("''", ""),
        ("                      / undefined", None),
        ("(1, 2)", "(1, 2)"),
        ("'never closed", "never closed"),
    ],
)
def test_values_have_the_type_that_their_card_says(field: str, value: object) -> None:
    found = parse_header(cards(f"KEY     = {field}"))["KEY"]
    assert found == value
    assert type(found) is type(value)


def test_long_strings_are_joined() -> None:
    header = parse_header(cards("FIBERFLT= 'SPECPROD/calibnight/&'", "CONTINUE  '20211014/&'", "CONTINUE  'flat.fits' / used"))
    assert header["FIBERFLT"] == "SPECPROD/calibnight/20211014/flat.fits"


def test_what_is_not_begun_is_not_continued() -> None:
    lines = ("A       = 'whole'", "CONTINUE  'more'", "B       = 'begun&'", "CONTINUE  7", "C       = 5", "CONTINUE  'more'")
    assert parse_header(cards(*lines)) == {"A": "whole", "B": "begun&", "C": 5}


def test_commentary_is_left_out_and_hierarch_keywords_are_whole() -> None:
    header = parse_header(cards("COMMENT = not a value", "HISTORY one", "", "HIERARCH ESO SKY = 12.5 / mag", "LAST    = 1"))
    assert header == {"ESO SKY": 12.5, "LAST": 1}


def test_nothing_behind_end_is_read_and_the_first_of_two_cards_counts() -> None:
    raw = cards("NIGHT   = 1", "NIGHT   = 2") + cards("LATE    = 3")
    assert parse_header(raw) == {"NIGHT": 1}


def test_control_characters_do_not_get_through() -> None:
    raw = cards("CAMERA  = 'r6\x1b[31m\n'")
    assert parse_header(raw)["CAMERA"] == "r6?[31m?"
