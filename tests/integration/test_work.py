"""How much work the whole suite does for a camera: counted, as seconds cannot be asserted. A slow-down shows here first."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pytest

import pytest_specqa.measures
from pytest_specqa.demo import write_production
from pytest_specqa.production.stream import HDU, FitsStream
from pytest_specqa.trials.prepare import judge_everything

EXPOSURES = 4
LOOPS = 126
"""Compiled loops that a camera of b may cost, each one or two passes over its pixels or over fewer values; there are 125."""
ONCE = ("_fill_sums", "_fill_variance", "_fill_probe", "_fill_detail", "_fill_smooth", "_fill_hits", "_fill_algebra", "_fill_flux")
"""Loops behind what several checks use, or what no check may make twice."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One camera of b in four exposures, in real size."""
    root = tmp_path_factory.mktemp("demo") / "made"
    return write_production(root, bands="b", petals=[6], variants=["after"], progress=False, workers=1) / "after"


def compiled_loops() -> Iterator[tuple[ModuleType, str, Any]]:
    """Every compiled loop of the measures: its module, its name and itself."""
    for found in pkgutil.walk_packages(pytest_specqa.measures.__path__, "pytest_specqa.measures."):
        module = importlib.import_module(found.name)
        for name, value in list(vars(module).items()):
            if isinstance(value, numba.core.dispatcher.Dispatcher) and value.py_func.__module__ == module.__name__:
                yield module, name, value


@pytest.fixture
def loops(monkeypatch) -> Counter[str]:
    """Counts the calls of each compiled loop."""
    counts: Counter[str] = Counter()

    def counted(name: str, loop: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            counts[name] += 1
            return loop(*arguments)

        return call

    for module, name, value in compiled_loops():
        monkeypatch.setattr(module, name, counted(f"{module.__name__.rpartition('.')[2]}.{name}", value))
    return counts


@pytest.fixture
def opened(monkeypatch) -> Counter[str]:
    """Counts how often data of each file are read anew, and so inflated from its start; headers may be looked at besides."""
    counts: Counter[str] = Counter()
    seen: list[FitsStream] = []
    read = FitsStream.read

    def count(stream: FitsStream, hdu: HDU) -> Any:
        if not any(stream is one for one in seen):
            seen.append(stream)
            counts[stream.path.name] += 1
        return read(stream, hdu)

    monkeypatch.setattr(FitsStream, "read", count)
    return counts


def test_files_are_read_and_fits_are_made_once(demo, pytester, loops, opened):
    suite = Path(__file__).parents[2] / "qa_tests"
    result = pytester.runpytest_inprocess(str(suite), "-p", "no:cacheprovider", f"--specprod={demo}", "-q")
    assert result.parseoutcomes().get("failed", 0) == 0
    many = {name: count for name, count in opened.items() if count > 1}
    assert many == {}
    kinds = Counter(name.split("-")[0] for name in opened)
    assert {kinds[kind] for kind in ("frame", "sframe", "sky", "cframe", "fluxcalib", "fibermap")} == {EXPOSURES}
    assert kinds["fiberflatnight"] == 1
    total = {name: sum(count for loop, count in loops.items() if loop.endswith(f".{name}")) for name in ONCE}
    twice = dict.fromkeys(("_fill_hits", "_fill_sums", "_fill_variance", "_fill_algebra"), 2 * EXPOSURES)
    assert total == dict.fromkeys(ONCE, EXPOSURES) | twice, (
        "hits of cosmic rays and of shared lines; lines of the sframe and of the frame; algebra of flat and of sky"
    )
    assert loops["fiberflats._fill_binned"] <= EXPOSURES
    over_pixels = Counter({name: count for name, count in loops.items() if "._fill_" in name})
    assert over_pixels.total() <= LOOPS * EXPOSURES, over_pixels.most_common(12)


def test_what_is_prepared_is_all_that_a_run_needs(demo, pytester):
    judge_everything()
    prepared = {f"{module.__name__}.{name}": set(loop.signatures) for module, name, loop in compiled_loops()}
    assert [name for name, signatures in prepared.items() if "._fill_" in name and not signatures] == []
    suite = Path(__file__).parents[2] / "qa_tests"
    result = pytester.runpytest_inprocess(str(suite), "-p", "no:cacheprovider", f"--specprod={demo}", "-q", "--expid", "104284")
    assert result.parseoutcomes().get("failed", 0) == 0
    used = {f"{module.__name__}.{name}": set(loop.signatures) for module, name, loop in compiled_loops()}
    assert used == prepared, "types of arrays that specqa prepare did not foresee"
