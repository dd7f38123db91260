"""Pictures of expectations that fail, drawn as the report draws them, and the report of the demo night."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from html import unescape
from pathlib import Path

import numpy as np

from making import judged
from making.facts import ROOT, Facts, expectations, suite
from pytest_specqa import plots
from pytest_specqa.checks.call import undisturbed
from pytest_specqa.run.quota import chosen, mark_of
from pytest_specqa.trials.trials import unit_and_fixtures
from pytest_specqa.values import Outcome

SEED = 1
MOST = 2
"""Pictures of one expectation."""
NIGHT, PETAL = 20211014, 6
Scene = tuple[str, str, float, str]
"""Kind of unit, fault, amplitude and band."""


def scenes() -> Mapping[Scene, list[str]]:
    """What is simulated, with the expectations that have their pictures from it."""
    found: dict[Scene, list[str]] = defaultdict(list)
    for facts in expectations():
        own = judged.faults_of(facts)[:1]
        if facts.pictures and own:
            size = max(own[0].fault.amplitude, own[0].smallest)
            found[own[0].kind, own[0].fault.name, size, _band(facts, own[0].fault.bands)].append(facts.name)
    return found


def _band(facts: Facts, shows: Sequence[str]) -> str:
    """The band of a fault's picture: r where it shows there."""
    return next(band for band in ("r", *facts.bands) if band in facts.bands and band in shows)


def draw_all(folder: Path, *, processes: int) -> None:
    """Draw the pictures of every expectation that has any, its own fault planted.

    Parameters
    ----------
    folder : Path
        Where ``EXPECTATION-N-FAMILY.png`` are written; what is there is kept.
    processes : int
        How many simulate at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(scene, names) for scene, names in scenes().items() if not all(_drawn(folder, name) for name in names)]
    with ProcessPoolExecutor(processes) as pool:
        for done in [pool.submit(_draw, folder, scene, names) for scene, names in wanted]:
            done.result()


def _drawn(folder: Path, name: str) -> bool:
    return any(folder.glob(f"{name}-*.png"))


def _draw(folder: Path, scene: Scene, names: Sequence[str]) -> None:
    kind, fault, amplitude, band = scene
    unit, fixtures = unit_and_fixtures(kind, fault, amplitude, band=band, rng=np.random.default_rng(SEED))
    for name in names:
        check = suite().check(name, unit, fixtures=fixtures)
        if check.result.outcome not in (Outcome.FAILED, Outcome.WARNED):
            continue
        found, pictures = chosen(check)
        for number, (family, arrays, _) in enumerate(pictures[:MOST]):
            with undisturbed():
                made = {key: value() if callable(value) else value for key, value in arrays.items()}
            figure = plots.draw(family, mark=mark_of(found), **made)
            plots.stamp(figure, str(unit))
            (folder / f"{name}-{number}-{family}.png").write_bytes(plots.to_png(figure))


def judge_demo(folder: Path) -> None:
    """Write one petal of the demo night, judge it as it was before the fix, and keep the report and its pictures.

    Parameters
    ----------
    folder : Path
        Where ``report.html``, ``results.jsonl`` and ``pictures/*.png`` with ``pictures.json`` are written; what is there is kept.

    Raises
    ------
    RuntimeError
        If nothing fails, though a fault is planted.
    """
    report = folder / "report.html"
    if report.is_file():
        return
    production = folder / "production"
    run = (sys.executable, "-m", "pytest_specqa.cli", "demo", production, "--petals", str(PETAL), "--bands", "r")
    subprocess.run([*map(str, run), "--variants", "before", "--quiet"], check=True, cwd=ROOT)
    options = ("--specprod", production / "before", "--night", NIGHT, "--html", report, "-q", "--no-header")
    judge = (sys.executable, "-m", "pytest", ROOT / "qa_tests", *options, "--specqa-results", folder / "results.jsonl")
    done = subprocess.run([*map(str, judge)], check=False, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 1:
        raise RuntimeError(f"the demo night ended with exit code {done.returncode}, expected 1:\n{done.stdout}")
    told = {}
    for number, (words, content) in enumerate(_shown(report.read_text(encoding="utf-8"))):
        path = folder / "pictures" / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        told[path.name] = words
    (folder / "pictures.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def _shown(page: str) -> Iterator[tuple[str, bytes]]:
    """Pictures of a report with what they are called, the first of each expectation and family."""
    seen = set()
    for tag in re.findall(r"<img[^>]*>", unescape(page).replace('\\"', '"')):
        data = re.search(r'src="?data:image/png;base64,([A-Za-z0-9+/=]+)', tag)
        title = re.search(r'alt="([^"]*)"', tag)
        if data and title and ": " in title[1] and (kind := title[1].rpartition(",")[0]) not in seen:
            seen.add(kind)
            yield title[1], b64decode(data[1])
