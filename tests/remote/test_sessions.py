"""Runs of pytest on a production that lies on a server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Runs in this process forget what they import, and connections outlive them.
import pytest_specqa.production
import pytest_specqa.remote.bucket
import pytest_specqa.remote.web  # noqa: F401
from pytest_specqa import remote
from pytest_specqa.cli import main
from tests.production.conftest import EXPID, NIGHT, Writer
from tests.remote.conftest import SFRAME
from tests.remote.servers import Nginx, nginx

PROJECT = """
def test_sky(sframe, sky, expect):
    expect("level", float(sky.flux.mean()))
    expect("spread", float(sframe.flux.std()))
"""
LIMITS = """
[level]
high = 200
unit = "m"
source = "a test"

[spread]
high = 0.5
unit = "m"
source = "a test"
"""
DIFFER = {"run", "seconds", "started"}
Run = Callable[..., tuple[pytest.RunResult, list[dict[str, Any]]]]


def two_cameras(tmp_path: Path) -> Path:
    """Write sky models of two cameras, beside a folder for a server."""
    root, writer = tmp_path / "redux" / "daily", Writer()
    folder = root / f"exposures/{NIGHT}/{EXPID:08d}"
    folder.mkdir(parents=True)
    for camera in ("r6", "r7"):
        writer.write(folder / f"sky-{camera}-{EXPID:08d}.fits", writer.sky())
    (tmp_path / "nginx").mkdir()
    return root


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Judge a production; give what is said and what is recorded."""
    (pytester.path / "limits.toml").write_text(LIMITS)
    pytester.makepyfile(test_project=PROJECT)

    def run(specprod: str | Path, *words: str) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
        results = pytester.path / "r.jsonl"
        results.unlink(missing_ok=True)
        which = (f"--night={NIGHT}", f"--expid={EXPID}", "--camera=r6")
        said = pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", f"--specprod={specprod}", *which, f"--specqa-results={results}", *words
        )
        lines = results.read_text().splitlines() if results.exists() else []
        return said, [{key: value for key, value in json.loads(line).items() if key not in DIFFER} for line in lines]

    return run


def test_records_are_those_of_a_run_on_the_files_themselves(address: str, production: Path, run: Run) -> None:
    here, near = run(production)
    there, far = run(address)
    assert here.ret == there.ret == 1
    assert [(one["measure"], one["outcome"]) for one in near] == [("level", "passed"), ("spread", "failed")]
    assert [one | {"inputs": ""} for one in far] == [one | {"inputs": ""} for one in near]
    assert all(one["inputs"] for one in far)


def test_nothing_but_the_production_is_a_usage_error_in_one_line(web: Nginx, run: Run) -> None:
    for fault, word in [
        ("denied", "403 Forbidden"),
        ("locked", "401 Unauthorized"),
        ("moved", "302 Found"),
        ("nowhere", "no production"),
    ]:
        said, records = run(web.url(fault))
        assert said.ret == pytest.ExitCode.USAGE_ERROR
        (line,) = [line for line in said.errlines if word in line]
        assert web.url(fault) in line
        assert records == []


def test_a_server_that_does_not_answer_is_a_usage_error_in_one_line(web: Nginx, run: Run) -> None:
    said, records = run(web.url("busy"))
    assert said.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in said.errlines if "503" in line]
    assert "5 tries" in line
    assert records == []


def test_a_file_that_no_try_brings_is_unreachable_and_what_is_there_is_judged(web: Nginx, run: Run) -> None:
    said, records = run(web.url("partly"))
    assert said.ret == 0
    assert {one["outcome"] for one in records} == {"unreachable"}
    assert all("503" in one["message"] and "truncated" not in one["message"] for one in records)


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_file_that_is_refused_in_mid_run_is_told_with_its_address_and_is_no_crash(
    web: Nginx, run: Run, workers: tuple[str, ...]
) -> None:
    said, records = run(web.url("barred"), *workers)
    assert said.ret == 0
    assert {one["outcome"] for one in records} == {"unreachable"}
    (line,) = {one["message"] for one in records}
    assert line.startswith(f"{web.url('barred')}/{SFRAME}: found 403 Forbidden; expected leave to read it; ")
    assert "Traceback" not in said.stdout.str() + said.stderr.str()


def test_a_file_that_is_missing_is_a_failure_as_ever(web: Nginx, run: Run) -> None:
    said, records = run(web.url("lacking"))
    assert said.ret == 1
    assert {one["outcome"] for one in records} == {"failed"}
    assert all("not found" in one["message"] for one in records)


def test_a_second_run_reads_no_part_of_a_file_that_the_first_has_kept(
    web: Nginx, run: Run, moved: Callable[[], remote.Traffic], tmp_path: Path
) -> None:
    cache = f"--specqa-remote-cache={tmp_path / 'cache'}"
    _, first = run(web.url(), cache)
    before = moved()
    remote.forget()
    _, second = run(web.url(), cache)
    after = moved()
    assert second == first
    assert after.by_kind["file"] == before.by_kind["file"]
    assert after.bytes - before.bytes < 20_000


def test_the_next_camera_is_read_while_one_is_judged(pytester: pytest.Pytester, tmp_path: Path) -> None:
    root = two_cameras(tmp_path)
    (pytester.path / "limits.toml").write_text(LIMITS)
    pytester.makepyfile("def test_sky(sky, expect):\n    expect('level', float(sky.flux.mean()))\n")
    with nginx(tmp_path / "nginx", root) as web:
        pytester.runpytest_inprocess("-p", "no:cacheprovider", f"--specprod={web.url()}", f"--night={NIGHT}")
        asked = [[one for one in web.asked() if f"sky-{camera}" in one.path] for camera in ("r6", "r7")]
    moved = [sum(one.sent for one in requests) for requests in asked]
    assert len(asked[1]) < len(asked[0])
    assert moved[1] == pytest.approx(moved[0], rel=0.05)


def test_workers_judge_what_one_process_does_and_list_each_folder_once(pytester: pytest.Pytester, tmp_path: Path) -> None:
    root = two_cameras(tmp_path)
    (pytester.path / "limits.toml").write_text(LIMITS)
    pytester.makepyfile("def test_sky(sky, expect):\n    expect('level', float(sky.flux.mean()))\n")
    results = pytester.path / "r.jsonl"

    def judged(specprod: object, *words: str) -> list[dict[str, Any]]:
        results.unlink(missing_ok=True)
        where = (f"--specprod={specprod}", f"--night={NIGHT}", f"--specqa-results={results}")
        assert pytester.runpytest_inprocess("-p", "no:cacheprovider", *where, *words).ret == 0
        found = [json.loads(line) for line in results.read_text().splitlines()]
        return [{key: value for key, value in one.items() if key not in DIFFER | {"inputs"}} for one in found]

    with nginx(tmp_path / "nginx", root) as web:
        assert judged(web.url(), "-n2") == judged(root)
        asked = Counter(one.path for one in web.asked() if one.path.endswith("/"))
    assert max(asked.values()) <= 3, asked


def test_watch_needs_a_folder_of_this_machine(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", address, "--store", str(tmp_path / "store")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{address}: found an address; expected a folder of this machine" in line
    assert not (tmp_path / "store").exists()
