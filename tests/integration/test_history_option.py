"""``--specqa-history``: what passes is compared with the past of its own camera."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

# Runs in this process forget what they import, and these cannot be imported twice.
import duckdb  # noqa: F401
import numpy as np
import pyarrow.parquet  # noqa: F401
import pytest

import pytest_specqa.results.history.trend  # noqa: F401
from pytest_specqa.cli import main
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome

NIGHT = 20211014
CAMERAS = ("r5", "r6")
LIMITS = '[value]\nhigh = 2\nunit = "m"\nname = "size of x"\nsource = "a test"\n'
RESULTS = ("--specqa-results", "r.jsonl")


def past(number: int) -> list[int]:
    """Nights before the one that is judged."""
    last = datetime.date(2021, 10, 13)
    return [int(f"{last - datetime.timedelta(days=back):%Y%m%d}") for back in reversed(range(number))]


@pytest.fixture
def history(pytester) -> Callable[..., Store]:
    """Store a past: for each night the values of a camera."""

    def make(level: Callable[[str, int], float], *, nights: int = 30, exposures: int = 4, production: str = "daily") -> Store:
        generator, records = np.random.default_rng(4), []
        for number, night in enumerate(past(nights)):
            for place in range(exposures * len(CAMERAS)):
                camera = CAMERAS[place % len(CAMERAS)]
                unit = DataUnit("camera", night, expid=1000 * number + place // len(CAMERAS), tile=7951, camera=camera)
                value = Measured(level(camera, number) + 0.02 * generator.normal())
                one = Measurement(unit, "test_value", value, Limit("value", high=2, source="a test"), Outcome.PASSED, "value")
                records.append({**one.as_record(), "survey": "main", "program": "dark", "versions": {"production": production}})
        store = Store.create(pytester.path / "store", production=production)
        store.add(records)
        return store

    return make


@pytest.fixture
def judged(project, run, tree, pytester) -> Callable[..., Any]:
    """Judge the values of both cameras on the night."""
    tree.exposure(9000, CAMERAS)
    tree.row(9000, CAMWORD="r56", FAPRGRM="dark")

    def judge(r6: float, r5: float = 0.5, *args: object) -> Any:
        project(
            f"def test_value(specqa_camera, expect):\n    expect('value', {{'r6': {r6}, 'r5': {r5}}}[specqa_camera.camera])\n",
            limits=LIMITS,
        )
        return run("--specqa-history", "store", *RESULTS, *args)

    return judge


def found(pytester) -> dict[tuple[str, str], dict[str, Any]]:
    lines = (pytester.path / "r.jsonl").read_text().splitlines()
    return {(one["camera"], one["measure"]): one for one in map(json.loads, lines)}


def test_a_value_far_from_its_past_warns_though_it_is_within_its_limit(history, judged, pytester):
    history(lambda *_: 0.5)
    result = judged(0.9)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["specqa: history */store: values are compared with 30 nights before"])
    records = found(pytester)
    assert set(records) == {("r5", "value"), ("r6", "value"), ("r6", "value_trend")}
    trend, value = records["r6", "value_trend"], records["r6", "value"]
    assert (value["outcome"], trend["outcome"], trend["value"], trend["value_unit"]) == ("passed", "warned", 0.9, "m")
    assert 0.6 < trend["warn_high"] < 0.8 < trend["high"] < 2
    assert (trend["unit"], trend["expectation"], trend["low"]) == (value["unit"], value["expectation"], None)
    assert trend["message"].startswith("size of x against own nights, camera r6: 0.9 > 0.")
    assert "m (warns); usual is 0.5" in trend["message"]
    assert "off tonight" in trend["detail"]


NO_READING = """
def pytest_configure(config):
    if hasattr(config, "workerinput"):
        from pytest_specqa.results.storing.dataset import Store
        Store.ask = None
"""


def test_workers_judge_as_one_process_does_and_read_no_store(history, judged, pytester):
    history(lambda *_: 0.5)
    pytester.makeconftest(NO_READING)
    assert judged(0.9, 0.95, "-n", "2").ret == 0
    assert {("r5", "value_trend"), ("r6", "value_trend")} <= set(found(pytester))


def test_a_store_of_another_production_is_one_line(history, judged):
    history(lambda *_: 0.5, nights=2, production="iron")
    result = judged(0.5)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --specqa-history */store: is the store of production 'iron', this run is of 'daily'"])


def test_no_store_and_a_damaged_one_are_one_line(history, judged):
    result = judged(0.5)
    result.stderr.fnmatch_lines(["ERROR: --specqa-history */store: is no store *"])
    store = history(lambda *_: 0.5)
    part = sorted(store.root.glob("records/*/*.parquet"))[-1]
    part.write_bytes(part.read_bytes()[:300])
    result = judged(0.5)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --specqa-history */store: cannot be read *specqa store check*"])


def test_all_that_reads_results_knows_a_trend(history, judged, pytester, capsys):
    """Triage, gate, compare, waive, the report page, and a baseline that was judged without a history."""
    history(lambda *_: 0.5)
    judged(1.9)
    (pytester.path / "r.jsonl").rename(pytester.path / "after.jsonl")
    (pytester.path / "store").rename(pytester.path / "past")
    (pytester.path / "before.jsonl").write_text(
        "".join(line for line in (pytester.path / "after.jsonl").read_text().splitlines(keepends=True) if "value_trend" not in line)
    )
    capsys.readouterr()
    assert main(["triage", "after.jsonl"]) == 1
    assert "off against its own past" in capsys.readouterr().out
    assert main(["triage", "before.jsonl"]) == 0
    assert main(["gate", "before.jsonl"]) == 0
    assert main(["gate", "after.jsonl"]) == 1
    assert "size of x against own nights" in capsys.readouterr().out
    assert main(["compare", "before.jsonl", "after.jsonl"]) == 0
    assert "Nothing broke, 1 still failing" in capsys.readouterr().out
    assert main(["waive", "after.jsonl"]) == 0
    drafted = capsys.readouterr().out
    assert drafted.count("[[waiver]]") == 1
    assert 'measure = "value_trend"' in drafted
    for empty in ("reason", "issue", "owner"):
        drafted = drafted.replace(f'{empty} = ""', f'{empty} = "https://github.com/desihub/desispec/issues/1"')
    (pytester.path / "waivers.toml").write_text(drafted.replace('expires = ""', "expires = 2099-01-01"))
    assert main(["gate", "after.jsonl", "--waivers", "waivers.toml"]) == 0
    (pytester.path / "past").rename(pytester.path / "store")
    page = judged(1.9, 0.5, "--html", "page.html", "--specqa-baseline", "before.jsonl")
    page.stdout.fnmatch_lines(["*Nothing broke, 1 still failing*"])
    assert "size of x against own nights" in (pytester.path / "page.html").read_text()
