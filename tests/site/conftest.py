"""A small store of three nights, with a fault in each of its parts, and the site made from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.results.history.changes import Change, as_json
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.site.build import build
from pytest_specqa.values import DataUnit, Feature, Limit, Measured, Measurement, Outcome, Record
from pytest_specqa.vectors import Vector, encode

NIGHTS = (20211012, 20211013, 20211014)
CAMERAS = ("b0", "r0", "r6")
HOSTILE = "<script>alert('x')</script> & \"quoted\""
PRODUCTION = "loa & <i>more</i>"
BAD_FIBER, BAD_BIN, BINS = 3234, 7, 12
"""Where the vectors of r6 have a fault on the last two nights."""
EDGES = tuple(float(edge) for edge in np.linspace(5760, 7620, BINS + 1))


def expids(night: int) -> tuple[int, int]:
    """Two exposures of a night."""
    first = 104000 + 10 * (night - NIGHTS[0])
    return first, first + 1


def record(
    unit: DataUnit,
    measure: str,
    value: float,
    *,
    outcome: Outcome = Outcome.PASSED,
    message: str = "",
    waiver: str = "",
    fibers: Any = (),
) -> Record:
    """One judged value; the limit is 1, with a warning from 0.5 on."""
    limit = Limit(
        measure, high=1.0, warn_high=0.5, unit="sigma", source="desispec PR 1452", plain=f"plain {measure}", doc="Look at it."
    )
    features = (Feature("line", (3234, 3234), (6800.0, 6900.0), 5.0, 1.0, 5.0),)
    measured = Measured(value, error=0.01, fibers=fibers, features=features)
    versions = {"production": PRODUCTION}
    made = Measurement(unit, f"test_{measure}_is_small", measured, limit, outcome, message or f"{measure} is {value}", stage="sky")
    return made.as_record() | {"versions": versions, "waiver": waiver, "code": "1", "limits": "2", "inputs": "3"}  # type: ignore[return-value]


def vectors(camera: str, night: int, seed: int) -> list[Any]:
    """Noise, with a line in one fiber of r6 from the second night on."""
    first = 500 * int(camera[1:])
    rng = np.random.default_rng([seed, night, *camera.encode()])
    residual = rng.normal(0, 0.5, (500, BINS))
    if camera == "r6" and night >= NIGHTS[1]:
        residual[BAD_FIBER - first, BAD_BIN] = 3.0
    scale = np.full(500, 0.01)
    return [encode(Vector("residual", first, residual, 0.25, EDGES)), encode(Vector("line_scale", first, scale, 0.001))]


def exposure(night: int, expid: int, cameras: Sequence[str] = CAMERAS) -> list[Record]:
    """All records of an exposure; on the last night r6 fails twice, once with a waiver, and b0 warns."""
    records: list[Record] = []
    last = night == NIGHTS[-1]
    for camera in cameras:
        unit = DataUnit("camera", night, expid, 7951, camera)
        bad = last and camera == "r6"
        one = (
            record(unit, "sky_line", 7.0, outcome=Outcome.FAILED, message=HOSTILE, fibers=((BAD_FIBER, BAD_FIBER),))
            if bad
            else record(unit, "sky_line", 0.1)
        )
        records.append(one | {"vectors": vectors(camera, night, expid)})  # type: ignore[arg-type]
        waived = record(unit, "offset", 2.0, outcome=Outcome.FAILED, waiver="known") if bad else record(unit, "offset", 0.2)
        warned = record(unit, "width", 0.7, outcome=Outcome.WARNED) if last and camera == "b0" else record(unit, "width", 0.3)
        records += [waived, warned, record(unit, "zero", 0.2)]
    records.append(record(DataUnit("exposure", night, expid, 7951), "gradient", 0.1))
    return records


def petals(night: int) -> list[Record]:
    """A petal of the tile with its redshifts: that of the bad fiber is 1.6."""
    z = np.random.default_rng(night).uniform(0, 2, 500)
    z[BAD_FIBER - 3000] = 1.6
    table = {"redshift": z, "zwarn": np.zeros(500), "target": np.ones(500)}
    kept = [encode(Vector(name, 3000, values, 0.0 if name == "redshift" else 1.0)) for name, values in table.items()]
    made = record(DataUnit("petal", night, None, 7951, petal=6, group="cumulative", suffix=f"thru{night}"), "pileup", 0.0)
    return [made | {"vectors": kept}]  # type: ignore[list-item]


def change(**more: Any) -> Change:
    """The change that the vectors have."""
    told: dict[str, Any] = {
        "what": "residual", "scope": "fiber", "shape": "step", "camera": "r6", "fibers": (BAD_FIBER, BAD_FIBER),
        "waves": (EDGES[BAD_BIN], EDGES[BAD_BIN + 1]),
        "first": (NIGHTS[1], expids(NIGHTS[1])[0]), "last": (NIGHTS[2], expids(NIGHTS[2])[1]),
        "ongoing": True, "size": 3.0, "error": 0.1, "unit": "sigma", "level": 0.0, "significance": 12.0, "bad": 4, "seen": 4,
        "detail": HOSTILE, "joined": ("redshift pile-up at z 1.6",), "cause": "a defect of the CCD",
    }  # fmt: skip
    return Change(**(told | more))


def write_store(root: Path, nights: Iterable[int] = NIGHTS) -> Store:
    """Write the store of some nights."""
    store = Store.create(root, production=PRODUCTION)
    for night in nights:
        for expid in expids(night):
            store.add(exposure(night, expid))
        store.add(petals(night))
    return store


@dataclass(frozen=True)
class Made:
    """A store and its site."""

    store: Store
    out: Path

    def text(self, name: str) -> str:
        """One of its files."""
        return (self.out / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A site that no test changes."""
    folder = tmp_path_factory.mktemp("site")
    store = write_store(folder / "store")
    (store.root / "history.json").write_text(
        as_json([change(), change(what="width", scope="camera", fibers=None, waves=None, ongoing=False)])
    )
    (folder / "reports").mkdir()
    (folder / "reports" / f"report-{NIGHTS[0]} & more.html").write_text("<p>a report</p>")
    build(store.root, folder / "out", reports=folder / "reports")
    return Made(store, folder / "out")


@pytest.fixture
def made(whole: Made, tmp_path: Path) -> Made:
    """A copy that a test may change."""
    shutil.copytree(whole.store.root, tmp_path / "store")
    shutil.copytree(whole.out, tmp_path / "out")
    return Made(Store.open(tmp_path / "store"), tmp_path / "out")
