"""One line says what was measured, where, and against what."""

from __future__ import annotations

import math

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome

LIMIT = Limit("chi2", low=0.5, high=1.5, warn_high=1.2, source="PR 1452", needs=0.1)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (
            DataUnit("camera", 20211014, expid=104284, tile=7951, camera="r6", petal=6),
            "night 20211014 expid 00104284 tile 7951 camera r6",
        ),
        (DataUnit("exposure", 20211014, expid=104284), "night 20211014 expid 00104284"),
        (DataUnit("petal", 20211014, tile=7951, petal=0), "night 20211014 tile 7951 petal 0"),
        (DataUnit("night", 20211014), "night 20211014"),
    ],
)
def test_place_names_the_unit_in_full(unit, text):
    assert wording.place(unit) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(-math.inf, 2, "at most 2"), (0.1, math.inf, "at least 0.1"), (1, 2, "1 to 2"), (-math.inf, math.inf, "none")],
)
def test_allowed_names_the_finite_bounds(low, high, text):
    assert wording.allowed(Limit("x", low=low, high=high)) == text


@pytest.mark.parametrize(
    ("measured", "outcome", "text"),
    [
        (Measured(2.123456, error=0.1234), Outcome.FAILED, "chi2: 2.123 +- 0.12 > 1.5"),
        (Measured(0.1), Outcome.FAILED, "chi2: 0.1 < 0.5"),
        (Measured(1.3, error=0.0), Outcome.WARNED, "chi2: 1.3 > 1.2 (warns)"),
        (Measured(1.6), Outcome.WARNED, "chi2: 1.6 > 1.5 (warns)"),
        (Measured(1.0), Outcome.PASSED, "chi2: 0.5 <= 1 <= 1.5"),
        (Measured(math.nan), Outcome.FAILED, "chi2: no number (NaN), where 0.5 to 1.5 is allowed"),
        (Measured.impossible("no sky"), Outcome.NOT_MEASURED, "chi2 not measured: no sky"),
        (
            Measured(1.0, sensitivity=0.3),
            Outcome.NOT_MEASURED,
            "chi2 not measured: these data reach 0.3, 0.1 is needed",
        ),
        (
            Measured(2, fibers=((0, 49), (75, 75)), waves=(6500.04, 6600), detail="a step"),
            Outcome.FAILED,
            "chi2, fibers 0-49, 75, 6500-6600 A: 2 > 1.5; a step",
        ),
        (Measured(2, fibers=((7, 7),), detail="+3 too many"), Outcome.FAILED, "chi2, fiber 7: 2 > 1.5; +3 too many"),
        (Measured(2, fibers=tuple((k, k) for k in range(9))), Outcome.FAILED, "chi2, fibers 0, 1 and 7 more: 2 > 1.5"),
        (
            Measured(2, fibers=((0, 49),), detail="lines of fibers 0-49 are wide: the PSF is off"),
            Outcome.FAILED,
            "lines of fibers 0-49 are wide: 2 > 1.5; the PSF is off",
        ),
    ],
)
def test_describe(measured, outcome, text):
    assert wording.describe(measured, LIMIT, outcome=outcome) == text


def test_a_measure_is_called_by_its_plain_name_and_the_value_has_its_unit():
    limit = Limit("row_noise", high=1.5, unit="electron", plain="noise shared along rows")
    assert wording.describe(Measured(2.0), limit, outcome=Outcome.FAILED) == "noise shared along rows: 2 > 1.5 electron"


CLAIM = "the sky model of fibers 3250-3299 is 21.1% above the camera's median sky at 6546.25 A"


@pytest.mark.parametrize("rest", ["", " (half maximum 6458-6606 A) after an achromatic factor", ": its sky was scaled " * 9])
@pytest.mark.parametrize("tail", ["", ", in 11 of 20 groups, at 6500, 6510, 6520 and 6530 A" * 3])
def test_a_sentence_with_the_name_of_its_measure_fills_two_lines_at_most(rest, tail):
    measured = Measured(0.21123, error=0.00019, fibers=((3250, 3299),), waves=(6458.0, 6606.0), detail=CLAIM + rest + tail)
    limit = Limit("sky_chromatic_block", high=0.01, unit="fraction of sky")
    text = wording.describe(measured, limit, outcome=Outcome.FAILED)
    assert len(f"{text} [{limit.name}]") <= 160
    assert text.startswith(f"{CLAIM}: 0.2112 +- 0.00019 > 0.01 fraction of sky")


@pytest.mark.parametrize("room", range(1, 120))
def test_no_number_is_cut_or_parted_from_its_unit(room):
    whole = (
        "a deficit of -139.25 +- 5.1 electron at 6555.2-6556.8 A in fibers 3250-3299, 3300, and more: (-107.0 % of it), seen; end"
    )
    cut = wording.shortened(whole, room)
    assert len(cut) <= room
    if cut != whole:
        kept = cut.removesuffix(wording.DOTS)
        assert whole.startswith(kept)
        assert kept.count("(") == kept.count(")")
        after = whole[len(kept) :]
        assert not kept or after[0] in " ,;:"
        assert not (kept[-1:].isdigit() and after.lstrip(" ,")[:1].isalpha() and after[0] == " ")
        assert cut == kept or kept[-1:].isalpha()


def test_the_text_of_a_failed_test_says_what_failed_before_where_and_how_to_repeat_it():
    unit = DataUnit("camera", 20211014, expid=104284, camera="r6")
    found = [
        Measurement(unit, "test_x", Measured(2), Limit(name), Outcome.FAILED, f"{name} is off", product)
        for name, product in (("one", "a.fits"), ("two", "a.fits"), ("three", "b.fits"), ("four", ""))
    ]
    assert wording.failure(found, rerun="pytest x").splitlines() == [
        "one is off [one]",
        "two is off [two]",
        "three is off [three]",
        "four is off [four]",
        "night 20211014 expid 00104284 camera r6 | file a.fits, b.fits | rerun: pytest x",
    ]
    assert wording.failure([], rerun="pytest x") == ""


def test_one_line_folds_whatever_a_file_says():
    assert wording.one_line("a\n\tb\r\n c") == "a b c"


def test_counts_lists_all_outcomes_worst_first():
    assert wording.counts({"failed": 2, "passed": 1}) == "2 failed, 0 warned, 0 not measured, 1 passed"
    assert wording.counts({"unreachable": 3, "passed": 1}) == "0 failed, 0 warned, 3 unreachable, 0 not measured, 1 passed"
