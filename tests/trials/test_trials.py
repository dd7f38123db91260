"""Trials: the suite on simulated products, and results that survive a stop."""

import json

import pytest

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.trials import plan, tables
from pytest_specqa.trials.runner import Suite
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.trials import Result, Store, Trial, run
from pytest_specqa.values import DataUnit


def test_clean_camera_fails_nothing_and_is_judged_by_every_camera_expectation():
    result = run(Trial("camera", "clean", seed=3, band="r"))
    judged = {name for name in result.outcomes if not name.startswith("pipeline:")}
    assert {"test_no_systematic_vertical_lines", "test_sky_model_smooth", "test_sframe_is_usable"} <= judged
    assert "failed" not in {result.outcomes[name] for name in judged}
    assert "sky_chromatic_block" in result.values


def test_same_trial_gives_the_same_values():
    trial = Trial("petal", "clean", seed=5)
    assert run(trial) == run(trial)


def test_sky_bump_fails_the_sky_model_and_not_the_flat():
    result = run(Trial("camera", "sky_bump", seed=1, amplitude=0.4, band="r"))
    assert result.outcomes["test_sky_model_smooth"] == "failed"
    assert result.outcomes["test_fiberflat_is_smooth_and_near_one"] == "passed"


def test_pile_up_of_redshifts_is_found_in_its_petal():
    result = run(Trial("petal", "line_scale_leak", seed=1, amplitude=2.0))
    assert result.outcomes["test_no_redshift_pileup_in_a_petal"] == "failed"


def test_a_check_that_crashes_is_a_failure_of_that_check(tmp_path):
    (tmp_path / "limits.toml").write_text("")
    (tmp_path / "test_it.py").write_text("def test_it(sky, expect):\n    raise ZeroDivisionError('no')\n")
    unit = DataUnit("camera", 20211014, expid=1, camera="r6")
    (found,) = Suite(tmp_path).judge("test_it", unit, fixtures={"sky": lambda: None})
    assert found.limit.name == "crash"
    assert found.outcome == "failed"


def test_store_goes_on_where_it_stopped(tmp_path):
    store = Store(tmp_path)
    trials = [Trial("petal", "clean", seed) for seed in range(2)]
    known = Result(trials[0], {"a": "passed"}, {"v": 1.0})
    tmp_path.mkdir(exist_ok=True)
    record = {"trial": {"kind": "petal", "case": "clean", "seed": 0, "amplitude": 0.0, "band": "r"}}
    store.path.write_text(json.dumps(record | {"outcomes": known.outcomes, "values": known.values}) + "\n{cut off")
    found = {result.trial.key: result for result in store.complete(trials, processes=1, progress=False)}
    assert found[trials[0].key] == known
    assert "test_no_redshift_pileup_in_a_petal" in found[trials[1].key].outcomes
    assert set(store.load()) == {trial.key for trial in trials}


def test_plans_plant_every_fault_that_is_one():
    planted = {trial.case for trial in plan.fault_trials(plan.QUICK)}
    assert planted == {name for name, fault in FAULTS.items() if fault.id not in plan.NO_FAULT}
    assert len({trial.key for trial in plan.fault_trials(plan.QUICK)}) == len(list(plan.fault_trials(plan.QUICK)))


def test_full_plan_is_large_enough_for_its_claims():
    assert plan.FULL.cameras >= 5000
    assert plan.FULL.petals >= 2000


@pytest.mark.parametrize(("outcome", "hits"), [("failed", 1), ("warned", 0)])
def test_only_failures_are_false_alarms(outcome, hits):
    (row,) = tables.false_alarms([Result(Trial("camera", "clean", 1), {"test_x": outcome})])
    assert row.failures.hits == hits
    assert row.failures.trials == 1


def test_best_expectation_is_the_one_that_finds_the_smallest_amplitude():
    def results(name, threshold):
        return {
            Trial("camera", "f", seed, amplitude=size): {name: "failed" if size >= threshold else "passed"}
            for size in (1.0, 2.0, 4.0, 8.0)
            for seed in range(4)
        }

    sharp, blunt = results("sharp", 2.0), results("blunt", 8.0)
    merged = [Result(trial, sharp[trial] | blunt[trial]) for trial in sharp]
    name, power = tables.best(tables.curves(merged)["camera", "f"])
    assert name == "sharp"
    assert 1.0 < power.half < 2.0


def test_a_measure_has_seen_a_fault_when_it_leaves_the_range_of_clean_values():
    clean = [Result(Trial("camera", "clean", seed), {}, {"size": value}) for seed, value in enumerate((0.0, 0.5, 1.0))]
    faulty = [
        Result(Trial("camera", "f", seed, amplitude=2.0), {}, {"size": value}) for seed, value in enumerate((0.9, 1.1, -0.1, 7))
    ]
    assert tables.seen(faulty, clean)["camera", "f"]["size"][2.0] == Rate(3, 4)
