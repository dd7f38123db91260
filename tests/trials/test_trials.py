"""Trials: the suite on simulated products, and results that survive a stop."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy

import pytest_specqa
from pytest_specqa.cli import main
from pytest_specqa.demo import Conditions, simulate_camera
from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.errors import MissingProductError
from pytest_specqa.triage import STAGES
from pytest_specqa.trials import distributions, document, plan, scenes, tables
from pytest_specqa.trials.fixtures import KINDS, camera_fixtures, camera_unit, exposure_fixtures, redshift_fixtures
from pytest_specqa.trials.runner import Suite
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.stored import fingerprint, store
from pytest_specqa.trials.trials import Result, Trial, run
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


@pytest.fixture
def judged(tmp_path):
    """What becomes of an expectation with this body, by its one measurement."""

    def judged(body):
        (tmp_path / "limits.toml").write_text("")
        head = "import pytest\nfrom pytest_specqa.checks.call import NotExpected\npytestmark = pytest.mark.specqa_stage('sky')\n"
        (tmp_path / "test_it.py").write_text(f"{head}def test_it(sky, expect):\n    {body}\n")
        unit = DataUnit("camera", 20211014, expid=1, camera="r6")
        (found,) = Suite(tmp_path).judge("test_it", unit, fixtures={"sky": lambda: None})
        return found

    return judged


@pytest.mark.parametrize(
    ("body", "measure", "outcome"),
    [
        ("pytest.skip('not today')", "not_expected", "not measured"),
        ("raise NotExpected('planned')", "product", "not measured"),
        ("expect.not_expected('planned')", "not_expected", "not measured"),
        ("pytest.fail('by hand')", "crash", "failed"),
        ("pass", "made_no_measurement", "failed"),
    ],
)
def test_an_expectation_ends_as_in_a_run_of_pytest(judged, body, measure, outcome):
    found = judged(body)
    assert (found.limit.name, found.outcome) == (measure, outcome)


def test_a_trial_knows_the_stage_that_the_expectation_declares(judged):
    assert judged("pass").as_record()["stage"] == "sky"


@pytest.mark.parametrize(
    ("marker", "outcome", "said"),
    [
        ("skip('not today')", "not measured", "not today"),
        ("skip(reason='not today')", "not measured", "not today"),
        ("skipif(True, reason='not here')", "not measured", "not here"),
        ("skipif(condition=True, reason='not here')", "not measured", "not here"),
        ("skipif(False, reason='not here')", "failed", "made no measurement"),
        ("specqa_bands('r')", "failed", "made no measurement"),
    ],
)
def test_markers_that_skip_count_in_a_trial(judged, marker, outcome, said):
    found = judged(f"pass\n\ntest_it = pytest.mark.{marker}(test_it)")
    assert found.outcome == outcome
    assert said in found.message


class Absent(dict):
    """Fixtures of a production that holds nothing."""

    def __missing__(self, name):
        def read():
            raise MissingProductError(f"no {name}")

        return read


@pytest.mark.parametrize("name", Suite().expectations)
def test_every_expectation_of_the_project_declares_its_stage(name):
    (found,) = Suite().judge(name, DataUnit("camera", 20211014, expid=1, camera="r6"), fixtures=Absent())
    assert (found.limit.name, found.outcome) == ("product", "failed")
    assert found.stage in STAGES


SOURCE = """
def test_camera(sky, sframe, expect): pass
def test_night(specqa_night, exposures, expect): pass
def test_both(sky, redshifts, expect): pass
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "limits.toml").write_text("")
    (tmp_path / "test_it.py").write_text(SOURCE)
    return Suite(tmp_path)


def test_what_no_trial_can_judge_is_known_with_what_is_in_the_way(suite):
    assert suite.unjudged(KINDS.values()) == {"test_night": ("specqa_night", "exposures"), "test_both": ("sky", "redshifts")}


def test_the_page_lists_what_is_not_judged(suite, tmp_path):
    nothing = {"clean": [], "quiet": [], "faulty": [], "matched": {}, "limits": suite.limits, "command": "make"}
    page = document.write(document.Judgement(**nothing, unjudged=suite.unjudged(KINDS.values())), tmp_path / "docs").read_text()
    assert "not judged: `test_night` (no trial gives specqa_night, exposures)" in page
    assert "not judged: `test_both` (no trial gives sky, redshifts)" in page
    assert "test_camera" not in page


def test_the_verb_says_what_is_not_judged(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pytest_specqa.trials.plan.QUICK", plan.Plan(cameras=0, exposures=0, petals=0, tiles=0, quiet=0, curve=0))
    monkeypatch.setattr("pytest_specqa.trials.matched.matched_amplitudes", dict)
    assert main(["judgement", "--docs", str(tmp_path), "--work", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "not judged: test_night_has_every_tile (no trial gives specqa_night, exposures)" in out.splitlines()
    assert "not judged: `test_night_has_every_tile`" in (tmp_path / "judgement.md").read_text()


def test_the_kinds_name_the_fixtures_that_trials_give():
    rng = np.random.default_rng(1)
    camera = scenes.simulate("clean", 0.0, band="r", rng=rng)
    assert set(camera_fixtures(camera)) == set(KINDS["camera"])
    assert set(exposure_fixtures([camera])) == set(KINDS["exposure"])
    assert set(redshift_fixtures([], 6)) == set(KINDS["petal"])


FILES = (
    "pytest_specqa/values.py",
    "pytest_specqa/rules/limits.py",
    "pytest_specqa/checks/check.py",
    "pytest_specqa/trials/scenes.py",
    "pytest_specqa/production/frames.py",
    "pytest_specqa/production/fibermap.py",
    "pytest_specqa/instrument.py",
    "pytest_specqa/demo/lines.csv",
    "pytest_specqa/measures/redshifts/n_of_z.txt",
    "qa_tests/limits.toml",
    "qa_tests/test_sky.py",
)


@pytest.fixture
def sources(tmp_path):
    """A tree like that of the package, with a file of each kind."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return [tmp_path / "pytest_specqa", tmp_path / "qa_tests"]


@pytest.mark.parametrize("name", FILES)
def test_trials_are_done_anew_when_any_file_that_they_rest_on_changes(sources, tmp_path, name):
    before = fingerprint(sources)
    (tmp_path / name).write_text("changed")
    changed = fingerprint(sources)
    (tmp_path / name).unlink()
    assert len({before, changed, fingerprint(sources)}) == 3


def test_what_python_compiled_is_no_change_and_a_new_numpy_is(sources, tmp_path, monkeypatch):
    before = fingerprint(sources)
    (tmp_path / "pytest_specqa/__pycache__").mkdir()
    (tmp_path / "pytest_specqa/__pycache__/values.pyc").write_bytes(b"compiled")
    assert fingerprint(sources) == before
    for module in (np, scipy):
        with monkeypatch.context() as patch:
            patch.setattr(module, "__version__", "0.0")
            assert fingerprint(sources) != before


def test_the_store_is_named_by_the_whole_package_and_the_expectations(tmp_path):
    package = Path(pytest_specqa.__file__).parent
    assert store(tmp_path).path.name == f"trials-{fingerprint([package, Suite().folder])}.jsonl"


def test_store_goes_on_where_it_stopped(tmp_path):
    stored = store(tmp_path)
    trials = [Trial("petal", "clean", seed) for seed in range(2)]
    known = Result(trials[0], {"a": "passed"}, {"v": 1.0})
    tmp_path.mkdir(exist_ok=True)
    record = {"trial": {"kind": "petal", "case": "clean", "seed": 0, "amplitude": 0.0, "band": "r"}}
    stored.path.write_text(json.dumps(record | {"outcomes": known.outcomes, "values": known.values}) + "\n{cut off")
    found = {result.trial.key: result for result in stored.complete(trials, processes=1, progress=False)}
    assert found[trials[0].key] == known
    assert "test_no_redshift_pileup_in_a_petal" in found[trials[1].key].outcomes
    assert set(stored.load()) == {trial.key for trial in trials}


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


def test_clean_values_are_kept_as_a_distribution_for_each_band():
    results = [
        Result(Trial("camera", "clean", seed, band="brz"[seed % 3]), {}, {"size": float(seed % 3) + 1e-4 * seed})
        for seed in range(1500)
    ]
    everything, *bands = distributions.quantiles(results)
    assert (everything.band, everything.count) == ("", 1500)
    assert [each.band for each in bands] == ["b", "r", "z"]
    middle = distributions.LEVELS.index(0.5)
    assert [round(each.levels[middle]) for each in bands] == [0, 1, 2]
    assert everything.smallest == 0.0
    assert everything.largest == pytest.approx(2.1499)


def test_a_quantile_that_few_values_support_is_left_out():
    results = [Result(Trial("petal", "clean", seed), {}, {"size": float(seed)}) for seed in range(100)]
    (only,) = distributions.quantiles(results)
    known = dict(zip(distributions.LEVELS, only.levels, strict=True))
    assert known[0.05] == pytest.approx(4.95)
    assert np.isnan(known[0.99])


def test_a_distribution_stands_beside_the_limits_of_its_band():
    results = [
        Result(Trial("camera", "clean", seed, band="brz"[seed % 3]), {}, {"sky_line_offset": 0.001 * seed}) for seed in range(30)
    ]
    header, (everything, blue, *_) = distributions.table(results, Suite().limits)
    assert header[:6] == ["measure", "unit", "band", "values", "smallest", "0.01 %"]
    assert everything[-2:] == ["-0.1", "0.1"]
    assert blue[-2:] == ["-0.2", "0.2"]


def throughput_outcome(case: str, amplitude: float, seed: int) -> str:
    trial = Trial("camera", case, seed, amplitude=amplitude, band="r")
    return run(trial).outcomes["test_throughputs_are_those_of_the_flat"]


def test_a_flat_that_tilts_more_than_the_sky_ever_does_fails():
    assert throughput_outcome("flat_screen_gradient", 0.075, 1) == "failed"


def test_a_flat_that_tilts_as_reported_is_at_least_seen():
    assert throughput_outcome("flat_screen_gradient", 0.05, 1) in ("failed", "warned")


def test_a_steep_sky_is_no_tilt_of_the_flat():
    camera = simulate_camera(Conditions(sky_gradient=0.026, throughput_scatter=0.015), np.random.default_rng(2))
    found = Suite().judge("test_throughputs_are_those_of_the_flat", camera_unit(camera), fixtures=camera_fixtures(camera))
    assert {str(each.outcome) for each in found} == {"passed"}
