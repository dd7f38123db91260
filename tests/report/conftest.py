"""A run of pytest over synthetic records, and the page that it writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

HOSTILE = "<script>alert('x')</script> & \"quoted\""

SUPPORT = """
import base64, io
import numpy as np
import pytest
import pytest_html
from PIL import Image
from pytest_specqa.values import DataUnit, Feature, Limit, Measured, Measurement, Outcome

def png(seed):
    noise = np.random.default_rng(seed).integers(0, 16, (20, 1500), dtype=np.uint8) * 16
    out = io.BytesIO()
    Image.fromarray(noise).save(out, format="PNG")
    return base64.b64encode(out.getvalue()).decode()

@pytest.fixture
def judge(record_property, extras, request):
    def act(unit, expectation, outcome, message="all is well", pictures=0, product=""):
        stage = request.node.get_closest_marker("specqa_stage").args[0]
        measure = "sky_chromatic_block" if stage == "sky" else "redshift_pileup" if unit.petal is not None else "size"
        fibers, waves, features = ((3400, 3449),), (6441.0, 6605.0), ()
        if unit.petal is not None:
            fibers, waves = ((500 * unit.petal, 500 * unit.petal + 499),), None
            features = (Feature("window", fibers[0], (4.25, 4.45), 106.0, 10.0, 20.0),)
        measured = Measured(0.12, error=0.01, fibers=fibers, waves=waves, sensitivity=0.002, features=features)
        limit = Limit(measure, high=0.05, unit="fraction of sky", source="PR #1452")
        made = {"product": product, "versions": {"production": "daily"}, "stage": stage}
        found = Measurement(unit, expectation, measured, limit, Outcome(outcome), message, **made)
        record_property("specqa", found.as_record())
        for k in range(pictures):
            extras.append(pytest_html.extras.png(png(k), name="sky_model"))
        if outcome == "failed":
            rerun = f"pytest qa_tests --specprod 'a b' --camera {unit.camera}"
            pytest.fail(f"{unit}: {message} | file {product} | rerun: {rerun}", pytrace=False)
        if outcome == "not measured":
            pytest.skip(message)
    return act
"""

SKY = """
import pytest
from pytest_specqa.values import DataUnit

pytestmark = pytest.mark.specqa_stage("sky")
TILES = {104282: 1298, 104284: 7951, 104285: 7951, 104286: 6699}
UNITS = [DataUnit("camera", 20211014, expid, tile, f"r{petal}") for expid, tile in TILES.items() for petal in range(10)]

@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_sky_model_smooth(unit, judge):
    bad = unit.tile == 7951 and unit.camera in ("r6", "r7", "r8")
    outcome = "failed" if bad else {"r6": "warned", "r9": "not measured"}.get(unit.camera, "passed")
    message = HOSTILE if bad else "nearly smooth"
    judge(unit, "test_sky_model_smooth", outcome, message, pictures=2 * bad, product="exposures/sky-r6.fits")

@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_sky_model_is_usable(unit, judge):
    judge(unit, "test_sky_model_is_usable", "passed")

@pytest.mark.parametrize("unit", UNITS[:1], ids=str)
def test_nothing_crashes(unit, judge, record_property):
    from pytest_specqa.values import Limit, Measured, Measurement, Outcome
    nothing = Measured(float("nan"))
    lost = Measurement(unit, "test_nothing_crashes", nothing, Limit("crash"), Outcome.FAILED, "ZeroDivisionError")
    record_property("specqa", lost.as_record())
    1 / 0
""".replace("HOSTILE", repr(HOSTILE))

FRAME = """
import pytest
from test_sky import UNITS

pytestmark = pytest.mark.specqa_stage("frame")

@pytest.mark.parametrize("unit", UNITS[:2], ids=str)
def test_noise_follows_ivar(unit, judge):
    judge(unit, "test_noise_follows_ivar", "passed")
"""

REDSHIFTS = """
import pytest
from pytest_specqa.values import DataUnit

pytestmark = pytest.mark.specqa_stage("redshifts")
PETALS = [DataUnit("petal", 20211014, tile=7951, petal=petal, group="cumulative", suffix="thru20211014") for petal in range(10)]

@pytest.mark.parametrize("unit", PETALS, ids=str)
def test_no_redshift_pileup(unit, judge):
    judge(unit, "test_no_redshift_pileup", "failed" if unit.petal in (6, 7, 8) else "passed", "106 of 500 at 4.25 < z < 4.45")

def test_tile(judge):
    judge(DataUnit("tile", 20211014, tile=7951), "test_tile", "warned", "whole tile")

def test_night(judge):
    judge(DataUnit("night", 20211014), "test_night", "passed")

@pytest.mark.parametrize("unit", [1])
def test_broken_setup(unit, no_such_fixture):
    pass
"""


@dataclass(frozen=True)
class Row:
    """A row of the page.

    Attributes
    ----------
    word : str
        What became of the test.
    name : str
        Unit and claim.
    line : str
        The sentence that shows while it is closed.
    opened : bool
        Whether it is open from the start.
    html : str
        All of it.
    """

    word: str
    name: str
    line: str
    opened: bool
    html: str


@dataclass(frozen=True)
class Page:
    """A report page as written.

    Attributes
    ----------
    path : Path
        The file.
    html : str
        Its text.
    """

    path: Path
    html: str

    @property
    def top(self) -> str:
        """What stands above the rows."""
        return self.html.split('id="specqa-rows"')[0]

    @property
    def rows(self) -> dict[str, Row]:
        """Its rows by anchor, in their order."""
        found = {}
        for html in self.html.split('<details class="specqa-row" id="')[1:]:
            anchor, _, rest = html.partition('"')
            summary = rest.split("</summary>")[0]
            name, _, line = summary.split('<span class="specqa-name">')[1].partition('<span class="specqa-line">')
            word = summary.split('data-outcome="')[1].split('"')[0]
            opened = rest.split("><summary>")[0].endswith(" open")
            found[unescape(anchor)] = Row(word, re.sub(r"<[^>]*>", "", name), re.sub(r"<[^>]*>", "", line), opened, html)
        return found

    def data(self) -> dict[str, list[dict[str, object]]]:
        """Return what pytest-html's own table holds, by node id."""
        blob = json.loads(unescape(self.html.split('data-jsonblob="')[1].split('"></div>')[0]))
        return blob["tests"]


MANY = """
import pytest
from pytest_specqa.values import DataUnit

pytestmark = pytest.mark.specqa_stage("sky")
UNITS = [DataUnit("camera", 20211014, 104280 + k, 7000 + k, f"r{petal}") for k in range(4) for petal in range(10)]

@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_sky_model_smooth(unit, judge):
    judge(unit, "test_sky_model_smooth", "failed", "rough", pictures=2 * (unit is UNITS[0]))
"""
"""More failures than are opened."""


def build(folder: Path, *options: str, fill: bool = True) -> Page:
    """Run the tests in `folder` and read the page they write; first fill it with the synthetic ones."""
    tests = folder / "qa_tests"
    tests.mkdir(exist_ok=True)
    for name, text in (
        {"conftest": SUPPORT, "test_sky": SKY, "test_frame": FRAME, "test_redshifts": REDSHIFTS}.items() if fill else ()
    ):
        (tests / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = qa_tests\n", encoding="utf-8")
    path = folder / "report.html"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "SPECPROD", "DESI_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(["qa_tests"] if fill else []),
        "--html",
        str(path),
        "-p",
        "no:cacheprovider",
        *options,
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    return Page(path, path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def build_page() -> Callable[..., Page]:
    """The function that runs tests and reads their page."""
    return build


@pytest.fixture(scope="session")
def support() -> str:
    """The ``conftest.py`` of synthetic tests: a fixture ``judge`` that records what it is told."""
    return SUPPORT


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of the synthetic run."""
    return build(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of a run with forty failures."""
    folder = tmp_path_factory.mktemp("crowded")
    (folder / "qa_tests").mkdir()
    (folder / "qa_tests" / "conftest.py").write_text(SUPPORT, encoding="utf-8")
    (folder / "qa_tests" / "test_many.py").write_text(MANY, encoding="utf-8")
    return build(folder, "qa_tests", fill=False)
