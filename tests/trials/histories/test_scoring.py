"""What counts as found, and what as a false alarm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_specqa.results.history.changes import Change
from pytest_specqa.trials.histories.plants import OUTLIERS, REDSHIFT, Plant
from pytest_specqa.trials.histories.rates import fewest
from pytest_specqa.trials.histories.scoring import score
from pytest_specqa.trials.histories.survey import Survey, observe

SURVEY = Survey(nights=20, exposures=3, cameras=("r3",))
EXPOSURES = observe(SURVEY)
NIGHTS = sorted({exposure.night for exposure in EXPOSURES})
PLANT = Plant("defect", "residual", "r3", (5, 9), 2.0, (1534, 1534), (6500.0, 6500.0))


def change(first=NIGHTS[5], last=NIGHTS[9], **changes):
    made = Change(
        "residual", "fiber", "step", "r3", (1534, 1534), (6480.0, 6530.0), (first, None), (last, None), False, 2.0, 0.1, "sigma",
        0.0, 9.0, 12, 12, "",
    )  # fmt: skip
    return replace(made, **changes)


def scored(*changes, plant=PLANT):
    (found,), alarms = score([plant], changes, EXPOSURES, seed=1)
    return found, alarms


def test_a_fault_that_is_found_is_no_false_alarm_and_its_dates_are_compared():
    found, alarms = scored(change(first=NIGHTS[6], last=NIGHTS[9]))
    assert not alarms
    assert (found.first, found.last) == (NIGHTS[5], NIGHTS[9])
    assert (found.early, found.late) == (1, 0)
    assert found.struck == sum(5 <= exposure.day <= 9 for exposure in EXPOSURES)


def test_of_two_pieces_the_more_significant_is_compared():
    found, alarms = scored(change(significance=6.0, first=NIGHTS[8]), change(significance=12.0))
    assert not alarms
    assert [one.significance for one in found.changes] == [12.0, 6.0]
    assert found.early == 0


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"fibers": (1540, 1540)},
        {"camera": "r4", "fibers": (2034, 2034)},
        {"waves": (7000.0, 7050.0)},
        {"what": "line_shift"},
        {"first": (NIGHTS[11], None), "last": (NIGHTS[12], None)},
    ],
)
def test_what_lies_elsewhere_is_a_false_alarm(elsewhere):
    wrong = replace(change(), **elsewhere)
    found, alarms = scored(wrong)
    assert alarms == [wrong]
    assert not found.changes
    assert found.early is None


def test_a_change_of_the_whole_group_or_camera_holds_the_fiber():
    assert scored(change(fibers=(1525, 1549), scope="group"))[0].changes
    assert scored(change(fibers=None, waves=None, scope="camera"))[0].changes


@pytest.mark.parametrize("what", [REDSHIFT, OUTLIERS])
def test_redshifts_are_found_under_either_name_whatever_the_camera(what):
    plant = replace(PLANT, what=what)
    found, alarms = scored(change(what="redshift pile-up", camera="", waves=(8000.0, 8010.0)), plant=plant)
    assert found.changes
    assert not alarms


def test_observations_that_a_binomial_test_needs():
    """The limits that were worked out for the rates of desispec issue 2295, to within the steps that whole numbers make."""
    limits = [fewest(rate, clean=0.0018) for rate in (0.022, 0.043, 0.255)]
    assert limits == pytest.approx([703, 279, 30], rel=0.03)
