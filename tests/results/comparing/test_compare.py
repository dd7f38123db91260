"""What broke is told from what was fixed, and change from noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pytest_specqa.results.comparing.changes import SMALLEST_SAMPLE, distributions, false_discovery_threshold, measure_changes
from pytest_specqa.results.comparing.compare import against_baseline, compare, known_failures, summary
from pytest_specqa.results.comparing.flips import Flip
from pytest_specqa.values import Limit, Measured, Outcome, Severity

IMPOSSIBLE = Measured.impossible("too few sky fibers")
INSENSITIVE = Measured(0.1, error=0.1, sensitivity=5.0)
UNREAD = {"measured": Measured.impossible("503"), "outcome": Outcome.UNREACHABLE}
NEEDS = Limit("sky_chromatic", high=1.0, needs=2.0)
WARN = Limit("sky_chromatic", high=1.0, severity=Severity.WARN)


@pytest.mark.parametrize(
    ("before", "after", "flip", "breaks"),
    [
        ({"value": 2.0}, {"value": 0.5}, Flip.FIXED, False),
        ({"value": 0.5}, {"value": 2.0}, Flip.BROKEN, True),
        ({"value": 2.0, "limit": WARN}, {"value": 2.0}, Flip.BROKEN, True),
        ({"measured": IMPOSSIBLE}, {"value": 2.0}, Flip.BROKEN, True),
        ({"value": 2.0}, {"value": 3.0}, Flip.STILL_FAILING, False),
        ({"value": 0.5}, {"value": 2.0, "waiver": "w"}, Flip.WAIVED, False),
        ({"value": 2.0}, {"value": 2.0, "waiver": "w"}, Flip.WAIVED, False),
        ({"value": 2.0, "waiver": "w"}, {"value": 2.0}, Flip.BROKEN, True),
        ({"value": 0.5}, {"measured": IMPOSSIBLE}, Flip.LOST, True),
        ({"value": 0.5}, {"measured": INSENSITIVE, "limit": NEEDS}, Flip.UNSEEN, False),
        ({"value": 0.5}, {"measured": Measured.impossible("faint", sensitivity=1.0), "limit": NEEDS}, Flip.LOST, True),
        ({"value": 2.0}, {"measured": IMPOSSIBLE}, Flip.UNPROVED, False),
        ({"measured": IMPOSSIBLE}, {"measured": IMPOSSIBLE}, Flip.SAME, False),
        ({"measured": IMPOSSIBLE}, {"value": 0.5}, Flip.BETTER, False),
        ({"value": 0.5}, {"value": 2.0, "limit": WARN}, Flip.WORSE, False),
        ({"value": 2.0, "limit": WARN}, {"value": 0.5}, Flip.BETTER, False),
        ({"value": 0.5}, {"value": 0.6}, Flip.SAME, False),
        ({"value": math.nan}, {"value": math.nan}, Flip.STILL_FAILING, False),
        ({"value": 0.5}, UNREAD, Flip.UNREAD, True),
        ({"value": 2.0}, UNREAD, Flip.UNPROVED, False),
        ({"measured": IMPOSSIBLE}, UNREAD, Flip.SAME, False),
        (UNREAD, UNREAD, Flip.SAME, False),
        (UNREAD, {"value": 0.5}, Flip.BETTER, False),
        (UNREAD, {"value": 2.0}, Flip.BROKEN, True),
    ],
)
def test_each_change_of_a_verdict_has_its_name(record, before, after, flip, breaks):
    found = compare([record(**before)], [record(**after)])
    assert [change.flip for change in found.verdicts] == [flip]
    assert bool(found.broken) is breaks


def test_the_worst_measure_decides_and_no_waiver_hides_another_failure(record):
    before = [record(0.5), record(0.5, measure="other")]
    after = [record(2.0, waiver="w"), record(3.0, measure="other")]
    (change,) = compare(before, after).verdicts
    assert change.flip is Flip.BROKEN
    assert "other 0.5 -> 3" in summary(compare(before, after))


def test_another_fault_of_a_check_that_failed_already_is_broken(record):
    one, other = record(2.0), record(2.0, measure="other")
    assert [change.flip for change in compare([one, other | {"outcome": "passed"}], [one, other]).verdicts] == [Flip.BROKEN]
    unreadable = record(math.nan, measure="product")
    assert [change.flip for change in compare([unreadable], [one]).verdicts] == [Flip.STILL_FAILING]


def test_a_measure_that_only_warned_before_excuses_no_failure(record):
    fails, warns = record(2.0), record(2.0, measure="other", limit=Limit("other", high=1.0, severity=Severity.WARN))
    (change,) = compare([fails, warns], [fails, warns | {"outcome": "failed"}]).verdicts
    assert change.flip is Flip.BROKEN


def test_a_hole_in_what_both_cover_is_missing_and_another_selection_is_not(record):
    before = [record(), record(camera="r7"), record(night=20211015), record(expectation="test_old")]
    found = compare(before, [record()])
    assert [(change.unit, change.flip) for change in found.broken] == [("20211014-00104284-r7", Flip.MISSING)]
    assert found.left_out == ("night 20211015 is only in before", "expectation test_old is only in before")


def test_a_new_unit_that_fails_breaks_and_one_that_passes_does_not(record):
    found = compare([record()], [record(), record(camera="r7"), record(2.0, camera="r8")])
    assert {change.unit[-2:]: change.flip for change in found.flips} == {"r7": Flip.NEW, "r8": Flip.BROKEN}


def test_against_a_baseline_only_what_ran_is_judged(record):
    baseline = [record(2.0), record(camera="r7"), record(night=20211015)]
    found = against_baseline([record(2.0), record(3.0, night=20211016)], baseline)
    assert [change.flip for change in found.verdicts] == [Flip.BROKEN, Flip.STILL_FAILING]
    assert known_failures(baseline) == {("20211014-00104284-r6", "test_sky_model_smooth", "sky_chromatic")}


def test_a_change_is_measured_in_its_error_and_noise_is_none(record):
    rng = np.random.default_rng(1)
    cameras = [f"{band}{petal}" for band in "brz" for petal in range(10)]

    def run(shift):
        noise = rng.normal(0.5, 0.1, size=(40, len(cameras)))
        return [
            record(noise[expid, column] + (shift if (expid, camera) == (3, "r6") else 0), expid=expid, camera=camera)
            for expid in range(40)
            for column, camera in enumerate(cameras)
        ]

    assert compare(run(0), run(0)).significant == ()
    (change,) = compare(run(0), run(1.0)).significant
    assert change.after["unit"] == "20211014-00000003-r6"
    assert change.sigma == pytest.approx(0.1 * math.sqrt(2))
    assert change.worse


def test_the_stated_rate_is_kept_over_many_comparisons_of_pure_noise(record):
    rng = np.random.default_rng(7)
    one = [record(expid=expid) for expid in range(100)]
    other = [dict(item) for item in one]
    false = 0
    for _ in range(400):
        for items in (one, other):
            for item, value in zip(items, rng.normal(0.5, 0.1, 100), strict=True):
                item["value"] = value
        false += any(change.significant for change in measure_changes(one, other, rate=0.05))
    assert 8 <= false <= 36


def test_without_errors_the_scatter_over_units_is_the_error(record):
    rng = np.random.default_rng(2)

    def run(extra=0.0):
        return [record(rng.normal(0.5, 0.1) + (extra if n == 4 else 0), error=None, expid=n) for n in range(60)]

    assert not any(change.significant for change in measure_changes(run(), run()))
    found = [change for change in measure_changes(run(), run(3.0)) if change.significant]
    assert [(change.after["expid"], change.origin) for change in found] == [(4, "scatter")]
    assert found[0].sigma == pytest.approx(0.14, abs=0.04)


def test_a_jump_that_is_small_beside_the_limits_is_none(record):
    limit = Limit("sky_chromatic", low=0.8, high=1.25)
    before = [record(0.9975 + 1e-5 * n, error=None, expid=n, limit=limit) for n in range(40)]
    after = [item | {"value": 1.0025 if item["expid"] % 5 == 0 else item["value"] + 1e-5} for item in before]
    assert not any(change.significant for change in measure_changes(before, after))
    after[7]["value"] = 1.1
    assert [change.after["expid"] for change in measure_changes(before, after) if change.significant] == [7]


@pytest.mark.parametrize(
    ("limits", "before", "after", "worse"),
    [
        ({"high": 1.0}, 0.5, 0.6, True),
        ({"high": 1.0}, 0.6, 0.5, False),
        ({"low": 1.0}, 2.0, 1.5, True),
        ({"low": 1.0}, 1.5, 2.0, False),
        ({"low": 0.8, "high": 1.2}, 0.95, 1.1, True),
        ({"low": 0.8, "high": 1.2}, 1.1, 0.95, False),
        ({"low": 0.8, "high": 1.2}, 0.95, 0.85, True),
        ({"low": -3.0, "high": 1.0}, -1.0, 0.5, True),
        ({"low": -3.0, "high": 1.0}, 0.5, -1.5, False),
        ({}, 0.5, 0.6, None),
    ],
)
def test_worse_is_towards_the_limit_on_its_side(record, limits, before, after, worse):
    limit = Limit("sky_chromatic", **limits)
    (change,) = measure_changes([record(before, limit=limit)], [record(after, limit=limit)])
    assert change.worse is worse


@pytest.mark.parametrize(
    ("limits", "floor"), [({"low": 3.0}, 0.06), ({"high": -2.0}, 0.04), ({"low": -1.0, "high": 4.0}, 0.1), ({}, 0)]
)
def test_an_error_from_scatter_is_no_smaller_than_two_per_cent_of_the_limits(record, limits, floor):
    limit = Limit("sky_chromatic", **limits)
    before = [record(1.0, error=None, expid=n, limit=limit) for n in range(20)]
    after = [item | {"value": 1.0 + 1e-6 * (1 + item["expid"] % 3)} for item in before]
    for change in measure_changes(before, after):
        assert change.sigma == pytest.approx(floor or 1.4826 * 2e-6)


def test_significant_changes_come_first_then_those_without_an_error_then_noise(record):
    def run(moves):
        return [record(0.5 + move, error=error, camera=camera) for camera, (move, error) in moves.items()]

    moves = {"b0": (0.0, None), "b1": (0.01, 0.1), "b2": (0.3, None), "b3": (1.0, 0.01), "b4": (-9.0, None), "b5": (-0.02, 0.1)}
    before = run({camera: (0.0, error) for camera, (_, error) in moves.items()})
    found = measure_changes(before, run(moves))
    assert [change.after["camera"] for change in found] == ["b3", "b4", "b2", "b5", "b1", "b0"]
    assert [change.significant for change in found] == [True, *[False] * 5]


@pytest.mark.parametrize("limit", [Limit("sky_chromatic", high=0.0), Limit("sky_chromatic")])
def test_a_change_without_a_scale_is_listed_all_the_same(record, limit):
    before = [record(0.5, error=None, expid=n, limit=limit) for n in range(2)]
    after = [item | {"value": 0.6 + item["expid"]} for item in before]
    assert [change.after["expid"] for change in measure_changes(before, after)] == [1, 0]


def test_the_probability_from_scatter_is_two_sided(record):
    before = [record(0.5, error=None, expid=n, limit=Limit("sky_chromatic")) for n in range(8)]
    after = [item | {"value": 0.5 + (-1) ** item["expid"] * (0.3 if item["expid"] == 3 else 0.1)} for item in before]
    found = {change.after["expid"]: change for change in measure_changes(before, after)}
    assert found[3].sigma == pytest.approx(0.1 * 1.4826)
    assert found[3].p_value == pytest.approx(2 * stats.t.sf(0.3 / 0.14826, 0.37 * 8))
    assert found[0].p_value == pytest.approx(2 * stats.t.sf(1 / 1.4826, 0.37 * 8))


def test_too_few_units_without_errors_are_listed_but_not_judged(record):
    (change,) = measure_changes([record(0.5, error=None)], [record(0.9, error=None)])
    assert change.significance is None
    assert not change.significant
    assert change.delta == pytest.approx(0.4)


def test_a_shift_that_all_units_share_shows_in_the_distribution(record):
    rng = np.random.default_rng(3)
    before = [record(rng.normal(0.5, 0.1), error=None, expid=n) for n in range(30)]
    after = [item | {"value": item["value"] + 0.05} for item in before]
    found = compare(before, after)
    assert found.significant == ()
    (spread,) = found.spread
    assert spread.significant
    assert spread.shift == pytest.approx(0.05)


def test_the_pull_width_tells_whether_the_errors_are_right(record):
    rng = np.random.default_rng(4)
    before, after = ([record(rng.normal(0.5, 0.2), error=0.1, expid=n) for n in range(200)] for _ in range(2))
    (spread,) = compare(before, after).spread
    assert spread.pull_width == pytest.approx(2.0, abs=0.4)


def test_errors_that_are_too_small_make_no_change_of_noise(record):
    rng = np.random.default_rng(5)
    before, after = ([record(rng.normal(0.5, 0.1), error=0.01, expid=n) for n in range(60)] for _ in range(2))
    assert compare(before, after).significant == ()
    after[7]["value"] += 3
    (change,) = compare(before, after).significant
    assert change.after["expid"] == 7
    assert change.inflation == pytest.approx(10, rel=0.4)


def test_units_with_identical_inputs_are_no_trials(record):
    before = [record(0.5, expid=n) for n in range(50)]
    after = [item | {"reused": True} for item in before[1:]] + [before[0] | {"value": 0.95}]
    found = compare(before, after)
    assert found.reused == 49
    assert len(found.changes) == 1


def test_benjamini_hochberg_on_its_textbook_case():
    published = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert false_discovery_threshold(published, rate=0.05) == 0.0095
    assert false_discovery_threshold([], rate=0.05) < 0


@pytest.mark.parametrize(("moved", "judged"), [(SMALLEST_SAMPLE, True), (SMALLEST_SAMPLE - 1, False), (0, False)])
def test_a_shift_needs_enough_units_that_moved(record, moved, judged):
    before = [record(0.5, error=None, expid=n) for n in range(30)]
    after = [item | {"value": 0.6 + item["expid"] / 1000 if item["expid"] < moved else 0.5} for item in before]
    (spread,) = distributions(measure_changes(before, after))
    assert (spread.p_value < 1) is judged
    assert spread.significant is judged
    assert spread.pull_width is None, "without errors there is no pull"
    assert spread.unit == "fraction"


def test_a_comparison_without_a_change_prints_no_empty_table(record):
    found = compare([record()], [record()])
    assert summary(found).splitlines() == ["", found.sentence]


def section(text, title):
    """Lines of the summary from a title to the next empty line."""
    lines = text.splitlines()
    first = lines.index(title)
    return lines[first : lines.index("", first)]


def test_a_long_table_is_cut_and_counted(record):
    before = [record(expectation=f"test_claim_{number}") for number in range(5)]
    broken = compare(before, [item | {"outcome": "failed"} for item in before])
    lines = section(summary(broken, shown=2), "Checks that changed or fail (5)")
    assert lines[1].split() == ["checks", "claim", "before", "after", "measure", "unit"]
    assert [line.split()[:4] for line in lines[2:4]] == [["broken", "1", "claim", f"{number}"] for number in (0, 1)]
    assert lines[4:] == ["... and 3 more"]
    assert "... and" not in summary(broken, shown=5)


def test_a_claim_of_many_cameras_is_one_row(record):
    before = [record(camera=f"r{petal}") for petal in range(5)]
    broken = compare(before, [record(2.0 + int(item["camera"][1]), camera=item["camera"]) for item in before])
    lines = section(summary(broken), "Checks that changed or fail (5)")
    assert [line.split() for line in lines[2:]] == [
        ["broken", "5", "sky", "model", "smooth", "passed", "failed", "sky_chromatic", "0.5", "->", "6", "20211014-00104284-r4"]
    ]


def test_a_change_beyond_noise_is_told_in_its_error(record):
    text = summary(compare([record(0.5, error=0.01)], [record(0.9, error=0.01)]))
    lines = section(text, "Measurements beyond noise (1)")
    assert lines[2].split() == ["20211014-00104284-r6", "sky_chromatic", "0.5", "0.9", "+28.3", "sigma"]


def test_a_unit_that_one_run_lacks_has_a_dash_there(record):
    lines = summary(compare([record(), record(camera="r7")], [record(), record(2.0, camera="r8", waiver="w")])).splitlines()
    rows = {line.split()[-1][-2:]: line.split(maxsplit=5)[5] for line in lines if "  20211014-" in line}
    assert rows["r7"].split() == ["passed", "-", "sky_chromatic", "0.5", "->", "-", "20211014-00104284-r7"]
    assert rows["r8"].split() == ["-", "failed", "(waived)", "sky_chromatic", "-", "->", "2", "20211014-00104284-r8"]


def test_the_summary_ends_with_the_verdict(record):
    found = compare([record(2.0), record(camera="r7")], [record(0.5), record(2.0, camera="r7")])
    lines = summary(found).splitlines()
    assert lines[-1].startswith("1 broke, 1 fixed, of 2 checks; findings: 1 new, 1 gone; 2 of 2 measurements changed by more than")
    assert any(line.startswith("broken") and "20211014-00104284-r7" in line for line in lines)
