"""Clean trials with the sky model of the survey's own code."""

import numpy as np
import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.trials import document, interop, plan, scenes
from pytest_specqa.trials.runner import Suite
from pytest_specqa.trials.trials import Result, Trial, run


def test_without_the_survey_s_code_no_trial_asks_for_it(monkeypatch):
    monkeypatch.setattr(interop, "available", lambda: False)
    assert list(plan.fitted_trials(plan.FULL)) == []
    with pytest.raises(UsageError, match="interop"):
        scenes.simulate(interop.CASE, 0.0, band="r", rng=np.random.default_rng(1))


def test_with_it_every_band_is_tried(monkeypatch):
    monkeypatch.setattr(interop, "available", lambda: True)
    assert {trial.band for trial in plan.fitted_trials(plan.FULL)} == set("brz")
    assert len(list(plan.fitted_trials(plan.FULL))) >= 100


@pytest.mark.filterwarnings("ignore")
def test_a_camera_with_its_sky_fails_nothing():
    pytest.importorskip("desispec", reason="desispec is not installed (pip install pytest-specqa[interop])")
    result = run(Trial("camera", interop.CASE, seed=0, band="r"))
    assert "test_sky_model_smooth" in result.outcomes
    assert [name for name, one in result.outcomes.items() if one == "failed" and ":" not in name] == []


def test_the_page_counts_what_fails_warns_or_cannot_be_measured(tmp_path):
    fitted = [
        Result(Trial("camera", interop.CASE, seed), {"test_a": one, "test_b": "passed", "pipeline: x": "failed"})
        for seed, one in enumerate(["failed", "warned", "not measured", "passed"])
    ]
    judgement = document.Judgement(
        clean=[], fitted=fitted, quiet=[], faulty=[], matched={}, limits=Suite().limits, command="make", unjudged={}
    )
    page = document.write(judgement, tmp_path).read_text()
    assert "4 clean cameras whose sky desispec fitted and subtracted: 1 fail in some expectation" in page
    assert "1 of 8 checks are not measured" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| test_a | 4 | 1 |")]
    assert row.endswith("| 1 | 1 |")
