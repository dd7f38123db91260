"""What checks share: cameras reduced for their exposure, findings on what is the same all night."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_specqa.results import store
from pytest_specqa.run.cache import ProductCache
from pytest_specqa.run.reductions import Reductions

REDUCED = """
import pytest

def name_of(sky):
    return sky.path.name

@pytest.mark.specqa_reduces(by=name_of)
def test_exposure(exposure_reduced, expect):
    expect("value", len(set(exposure_reduced(name_of))) - 2)

def test_camera(sky, expect): expect("value", 0)
def test_again(sky, expect): expect("value", 0)
"""


@dataclass(frozen=True)
class Flat:
    """Stands for a flat of the night."""

    path: Path
    night: int


@pytest.fixture
def filled(tree, monkeypatch):
    """Three exposures with two cameras, and readers that note in a file what they read."""
    log = tree.root / "read.txt"
    for expid in (1, 2, 3):
        tree.exposure(expid, ("r6", "r7"), kinds=("sframe", "sky"))
    for camera in ("r6", "r7"):
        (tree.root / "calibnight/20211014").mkdir(parents=True, exist_ok=True)
        (tree.root / f"calibnight/20211014/fiberflatnight-{camera}-20211014.fits").touch()

    def read(path: Path, **_: object) -> SimpleNamespace:
        with log.open("a") as stream:
            stream.write(f"{path.name}\n")
        return Flat(path, 20211014) if "flat" in path.name else SimpleNamespace(path=path, nbytes=1)

    monkeypatch.setattr("pytest_specqa.production.production.read_sky", read)
    monkeypatch.setattr("pytest_specqa.production.production.read_fiberflat", read)
    return SimpleNamespace(tree=tree, read=lambda: log.read_text().split())


def test_a_file_is_read_once_for_its_camera_and_its_exposure(project, run, filled, records):
    project(REDUCED)
    run("--specqa-cache-mb", "0", "--specqa-results", "r.jsonl", "-k", "exposure or again").assert_outcomes(passed=9)
    assert sorted(filled.read()) == sorted(f"sky-{camera}-{expid:08d}.fits.gz" for expid in (1, 2, 3) for camera in ("r6", "r7"))
    (exposure,) = [one for one in records() if one["unit"] == "20211014-00000002"]
    assert exposure["products"] == [f"exposures/20211014/00000002/sky-{camera}-00000002.fits.gz" for camera in ("r6", "r7")]


def test_what_exposures_needed_is_gone_when_they_have_ended(project, run, filled, monkeypatch):
    made: list[Reductions] = []
    start = Reductions.__init__
    monkeypatch.setattr(Reductions, "__init__", lambda one, *given: made.append(one) or start(one, *given))
    project(REDUCED)
    run().assert_outcomes(passed=15)
    assert [one._kept for one in made] == [{}]


def test_products_are_let_go_before_results_are_written(project, run, filled, monkeypatch):
    alive: list[weakref.ref[ProductCache]] = []
    start, write = ProductCache.__init__, store.write

    def note(path: Path, records: list[dict[str, object]]) -> None:
        gc.collect()
        assert [one() for one in alive] == [None]
        write(path, records)

    monkeypatch.setattr(ProductCache, "__init__", lambda one, *given: alive.append(weakref.ref(one)) or start(one, *given))
    monkeypatch.setattr(store, "write", note)
    project(REDUCED)
    run("--specqa-results", "r.jsonl").assert_outcomes(passed=15)


def test_an_exposure_alone_reads_its_cameras(project, run, filled):
    project(REDUCED)
    run("-k", "test_exposure", "--expid", "2").assert_outcomes(passed=1)
    assert sorted(filled.read()) == ["sky-r6-00000002.fits.gz", "sky-r7-00000002.fits.gz"]


def test_a_camera_that_is_gone_fails_its_exposure_by_name(project, run, filled):
    (filled.tree.root / "exposures/20211014/00000002/sky-r7-00000002.fits.gz").unlink()
    filled.tree.row(2, CAMWORD="r67")
    project(REDUCED)
    result = run("-k", "test_exposure", "--expid", "2")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["sky-r7-00000002.fits: not found; *", "night 20211014 expid 00000002 *"])


def test_a_function_that_crashes_fails_the_exposure_and_no_camera(project, run, filled):
    project(REDUCED.replace("return sky.path.name", "return 1 / 0"))
    result = run("--expid", "2", "-v")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_a_product_that_no_camera_has_is_a_usage_error(project, run, filled):
    project(REDUCED.replace("name_of(sky)", "name_of(skies)"))
    run("-k", "test_exposure", "--expid", "2").stdout.fnmatch_lines(["*no product 'skies' of a camera: expected frame, sframe*"])


@pytest.mark.parametrize("written", ["", "by=3"])
def test_a_marker_without_a_function_is_a_usage_error(project, run, filled, written):
    project(REDUCED.replace("by=name_of", written))
    result = run("-k", "test_exposure", "--expid", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_exposure*specqa_reduces names no function, expected specqa_reduces(by=function)"])


FLATS = """
import numpy as np

def count(fiberflat, flagged):
    with open("found.txt", "a") as stream:
        stream.write(f"{fiberflat.path.name} {flagged.sum()}\\n")
    return int(flagged.sum())

def test_flat(specqa_camera, fiberflat, once_a_night, expect):
    assert once_a_night(count, fiberflat, np.arange(3) < specqa_camera.expid // 2) == specqa_camera.expid // 2
    expect("value", 0)
"""


def test_a_flat_is_read_once_a_night_and_judged_once_for_the_same_flags(project, run, filled, pytester):
    project(FLATS)
    run().assert_outcomes(passed=6)
    flats = [f"fiberflatnight-{camera}-20211014.fits" for camera in ("r6", "r7")]
    assert sorted(filled.read()) == flats
    found = (pytester.path / "found.txt").read_text().splitlines()
    assert sorted(found) == sorted(f"{flat} {flags}" for flat in flats for flags in (0, 1))
    assert np.unique(found).size == len(found)
