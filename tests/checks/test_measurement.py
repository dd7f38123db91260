"""A judged value as a line of a results file."""

import pytest

from pytest_specqa.values import MAX_FEATURES, DataUnit, Feature, Limit, Measured, Measurement, Outcome


def record(outcome, features):
    """One value with what it found."""
    measured = Measured(3.0, detail="a bump", features=features)
    return Measurement(DataUnit("night", 20211014), "test_it", measured, Limit("it", high=2.0), outcome, "it is").as_record()


BUMP = Feature("bump", fibers=(3000, 3024), waves=(6500.0, 6600.0), amplitude=0.2, error=float("nan"), significance=9.0, unit="%")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.WARNED])
def test_what_fails_or_warns_says_what_it_found(outcome):
    found = record(outcome, (BUMP,))
    assert found["detail"] == "a bump"
    assert found["features"] == [
        {
            "kind": "bump",
            "fibers": [3000, 3024],
            "waves": [6500.0, 6600.0],
            "amplitude": 0.2,
            "error": None,
            "significance": 9.0,
            "unit": "%",
            "label": "",
        }
    ]


def test_no_more_features_are_kept_than_a_person_reads():
    assert len(record(Outcome.FAILED, (BUMP,) * 50)["features"]) == MAX_FEATURES


def test_what_passed_has_nothing_to_show():
    assert "features" not in record(Outcome.PASSED, (BUMP,))
