"""Measure what a production on a server costs beside one at hand, in bytes, requests and time, and what becomes of each fault.

Servers are started here, on 127.0.0.1: nginx (https in the field) and rclone (S3). A real frame is 47 MB, of which 18 % are asked
for; give a production of that size: ``specqa demo DIR --bands r --petals 6,7 --variants after --full-size``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.remote import servers  # noqa: E402 - the servers that the tests start

FAULTS = {
    "prod": "as it should be",
    "slow": "400 kB/s for each request",
    "whole": "parts of files are not given",
    "flaky": "connections break, then hold",
    "partly": "503 for each sframe",
    "busy": "503 and Retry-After",
    "crowded": "429",
    "dropped": "connections are closed without an answer",
    "reset": "connections are reset",
    "cut": "transfers end half way",
    "denied": "403",
    "moved": "302 to elsewhere",
    "unlisted": "folders are not listed",
    "absent": "404",
}
"""First names of an address of the server of the tests, and what it does there."""
AIM = 0.22
"""Part of a packed sframe of real size that may move."""
TRAFFIC = """
import json, os, pathlib, pytest
from pytest_specqa import remote

@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    found = remote.traffic()
    told = {"requests": found.requests, "bytes": found.bytes, "retries": found.retries, "by_kind": dict(found.by_kind)}
    pathlib.Path(os.environ["SPECQA_TRAFFIC"]).write_text(json.dumps(told))
"""


@dataclass(frozen=True)
class Run:
    """What one run of pytest came to."""

    seconds: float
    code: int
    verdict: str
    requests: int
    bytes: int
    retries: int
    outcomes: Counter[str]


def judge(address: str, scratch: Path, *words: str, most: float) -> Run:
    """Judge units of a production in a process of its own."""
    (scratch / "traffic_plugin.py").write_text(TRAFFIC, encoding="utf-8")
    told, results = scratch / "traffic.json", scratch / "results.jsonl"
    for path in (told, results):
        path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", str(REPOSITORY / "qa_tests"), "-p", "traffic_plugin", "-p", "no:cacheprovider", "-q"]
    command += [f"--specprod={address}", f"--specqa-results={results}", *words]
    path = os.pathsep.join([str(scratch), os.environ.get("PYTHONPATH", "")])
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": path, "SPECQA_TRAFFIC": str(told)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=most, env=environment, cwd=REPOSITORY)
    seconds = time.perf_counter() - began
    moved = json.loads(told.read_text(encoding="utf-8")) if told.exists() else {"requests": 0, "bytes": 0, "retries": 0}
    records = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []
    heads = r"(PASSED|WARNED|FAILED|UNREACHABLE|NOT MEASURED|INCOMPLETE): .*"
    said = re.search(rf"^{heads}", done.stdout, re.MULTILINE)
    error = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no verdict")
    verdict = said[0] if said else error
    outcomes = Counter(record["outcome"] for record in records)
    return Run(seconds, done.returncode, verdict, moved["requests"], moved["bytes"], moved["retries"], outcomes)


def scopes(night: int, expid: int, camera: str) -> dict[str, list[str]]:
    """One camera, one exposure, one night, as options."""
    return {
        "camera": [f"--night={night}", f"--expid={expid}", f"--camera={camera}", "--specqa-kinds=camera"],
        "exposure": [f"--night={night}", f"--expid={expid}", "--specqa-kinds=camera,exposure"],
        "night": [f"--night={night}"],
    }


def first_of(root: Path) -> tuple[int, int, str]:
    """First night, exposure and camera that a production holds."""
    frame = min(root.glob("exposures/*/*/sframe-*.fits.gz"))
    return int(frame.parent.parent.name), int(frame.parent.name), frame.name.split("-")[1]


def compared(root: Path, places: dict[str, str], scratch: Path, *, asked: list[str], most: float) -> Iterator[str]:
    """Lines of a table: each scope at each place."""
    chosen = scopes(*first_of(root))
    yield "| units | place | wall s | requests | MB | rows | like local |"
    yield "|---|---|---|---|---|---|---|"
    for name in asked:
        local: Counter[str] | None = None
        for place, address in places.items():
            run = judge(address, scratch, *chosen[name], most=most)
            local = run.outcomes if local is None else local
            same = "yes" if run.outcomes == local else f"no: {dict(run.outcomes)}"
            rows = sum(run.outcomes.values())
            yield f"| {name} | {place} | {run.seconds:.1f} | {run.requests} | {run.bytes / 1e6:.1f} | {rows} | {same} |"


def kept(root: Path, address: str, scratch: Path, *, most: float) -> Iterator[str]:
    """Lines of a table: one camera read into the local cache, and again out of it."""
    words = [*scopes(*first_of(root))["camera"], f"--specqa-remote-cache={scratch / 'cache'}"]
    yield "| one camera over nginx, local cache | wall s | requests | MB |"
    yield "|---|---|---|---|"
    for name in ("empty", "full"):
        run = judge(address, scratch, *words, most=most)
        yield f"| {name} | {run.seconds:.1f} | {run.requests} | {run.bytes / 1e6:.2f} |"


def part_of_sframe(root: Path, address: str) -> str:
    """Say how much of one sframe moves where a frame is read."""
    from pytest_specqa import remote  # noqa: PLC0415
    from pytest_specqa.production import Production  # noqa: PLC0415

    night, expid, camera = first_of(root)
    size = (root / f"exposures/{night}/{expid:08d}/sframe-{camera}-{expid:08d}.fits.gz").stat().st_size
    production = Production(remote.place(address))
    production.find("sframe", night=night, expid=expid, camera=camera)
    before = remote.traffic()
    _ = production.read_frame("sframe", night=night, expid=expid, camera=camera).flux
    now = remote.traffic()
    moved, requests = now.bytes - before.bytes, now.requests - before.requests
    verdict = "within" if moved <= AIM * size else "BEYOND"
    told = f"{moved / 1e6:.2f} MB = {moved / size:.1%} in {requests} requests; {verdict} the aim of {AIM:.0%}"
    return f"sframe of {size / 1e6:.1f} MB: {told}"


def faults(root: Path, url: Callable[[str], str], scratch: Path, *, most: float) -> Iterator[str]:
    """Lines of a table: what becomes of one camera under each fault of a server."""
    chosen = scopes(*first_of(root))["camera"]
    yield "| fault | exit | wall s | requests | retries | records | what is said |"
    yield "|---|---|---|---|---|---|---|"
    for name, what in FAULTS.items():
        try:
            run = judge(url(name), scratch, *chosen, most=most)
        except subprocess.TimeoutExpired:
            yield f"| {what} | - | over {most:.0f} | - | - | - | - |"
            continue
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(run.outcomes.items())) or "none"
        said = run.verdict.replace("|", "/")[:150]
        yield f"| {what} | {run.code} | {run.seconds:.1f} | {run.requests} | {run.retries} | {outcomes} | {said} |"


def main() -> int:
    """Start the servers, measure, print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("production", type=Path, help="folder of a production, best with frames of real size")
    parser.add_argument("--scopes", default="camera,exposure,night", help="some of camera, exposure, night")
    parser.add_argument("--parts", default="sframe,compare,cache,faults", help="some of sframe, compare, cache, faults")
    parser.add_argument("--most", type=float, default=1800.0, help="seconds that one run may take")
    args = parser.parse_args()
    root, scratch = args.production.resolve(), Path(tempfile.mkdtemp(prefix="specqa-remote-"))
    # nginx's workers may not belong to who started it.
    scratch.chmod(0o755)
    parts = args.parts.split(",")
    try:
        with ExitStack() as stack:
            (scratch / "nginx").mkdir()
            web = stack.enter_context(servers.nginx(scratch / "nginx", root))
            places = {"local": str(root), "nginx": web.url()}
            if "compare" in parts:
                try:
                    os.environ["AWS_ENDPOINT_URL"] = stack.enter_context(servers.s3(scratch, root.parent.parent))
                    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
                    places["S3 (rclone)"] = f"s3://{root.parent.name}/{root.name}"
                except pytest.skip.Exception as reason:
                    print(f"no S3: {reason}")
            if "sframe" in parts:
                print(part_of_sframe(root, web.url()), flush=True)
            if "compare" in parts:
                for line in compared(root, places, scratch, asked=args.scopes.split(","), most=args.most):
                    print(line, flush=True)
            if "cache" in parts:
                for line in kept(root, web.url(), scratch, most=args.most):
                    print(line, flush=True)
            if "faults" in parts:
                for line in faults(root, web.url, scratch, most=args.most):
                    print(line, flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
