"""What exposures need of cameras is made once, and found again in this process and in others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.checks.check import Check
from pytest_specqa.errors import MissingProductError
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run.reductions import Reductions
from pytest_specqa.values import DataUnit

CAMERAS = [DataUnit("camera", 20211014, expid=1, camera=name, petal=int(name[1])) for name in ("r6", "r7")]
EXPOSURE = DataUnit("exposure", 20211014, expid=1)
TILE = DataUnit("tile", 20211014, tile=7951)


class Products:
    """Gives a text for each product, and counts."""

    def __init__(self, missing: str = "") -> None:
        self.given: list[str] = []
        self.missing = missing

    def give(self, name: str, unit: DataUnit, *, check: Any) -> str:
        if unit.camera == self.missing:
            check.beyond_products = True
            raise MissingProductError(f"no {name} of {unit.camera}")
        self.given.append(f"{name} {unit.camera}")
        check.products.append(Path(f"{name}-{unit.camera}"))
        check.read.append(Path(f"{name}-{unit.camera}"))
        return self.given[-1]


def together(sframe: str, sky: str) -> str:
    return f"{sframe} and {sky}"


def crash(sframe: str) -> str:
    raise ZeroDivisionError(sframe)


@pytest.fixture
def check() -> Check:
    return Check(EXPOSURE, "test_exposure", "test_exposure", Limits(), root=Path())


def test_what_is_prepared_is_not_made_again(check):
    products = Products()
    reductions = Reductions(products)
    reductions.expect(together, EXPOSURE, CAMERAS)
    for _ in range(2):
        for camera in CAMERAS:
            reductions.prepare(camera)
    made = list(products.given)
    assert made == ["sframe r6", "sky r6", "sframe r7", "sky r7"]
    assert reductions.of(together, CAMERAS, check) == ["sframe r6 and sky r6", "sframe r7 and sky r7"]
    assert products.given == made
    assert [str(path) for path in check.read] == ["sframe-r6", "sky-r6", "sframe-r7", "sky-r7"]
    assert check.products == check.read


def test_what_nobody_announced_is_made_when_it_is_asked_for(check):
    products = Products()
    reductions = Reductions(products)
    reductions.prepare(CAMERAS[0])
    assert products.given == []
    assert reductions.of(together, CAMERAS[:1], check) == ["sframe r6 and sky r6"]


def test_a_missing_product_fails_the_exposure_and_not_the_camera(check):
    reductions = Reductions(Products(missing="r7"))
    reductions.expect(together, EXPOSURE, CAMERAS)
    for camera in CAMERAS:
        reductions.prepare(camera)
    with pytest.raises(MissingProductError, match="no sframe of r7"):
        reductions.of(together, CAMERAS, check)
    assert check.beyond_products


def test_a_crash_is_seen_in_the_test_that_asks(check):
    reductions = Reductions(Products())
    reductions.expect(crash, EXPOSURE, CAMERAS)
    reductions.prepare(CAMERAS[0])
    with pytest.raises(ZeroDivisionError, match="sframe r6"):
        reductions.of(crash, CAMERAS, check)


def test_processes_hand_one_another_what_they_made(tmp_path, check):
    one, other = Reductions(Products(), tmp_path), Reductions(Products(missing="r6"), tmp_path)
    for each in (one, other):
        each.expect(together, EXPOSURE, CAMERAS)
    one.prepare(CAMERAS[0])
    assert other.of(together, CAMERAS, check) == ["sframe r6 and sky r6", "sframe r7 and sky r7"]
    assert str(check.read[0]) == "sframe-r6"
    other.forget(EXPOSURE)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_costs_a_second_reading(tmp_path, check):
    products = Products()
    reductions = Reductions(products, tmp_path / "gone")
    reductions.expect(together, EXPOSURE, CAMERAS)
    reductions.prepare(CAMERAS[0])
    assert reductions.of(together, CAMERAS[:1], check) == ["sframe r6 and sky r6"]
    assert products.given == ["sframe r6", "sky r6"] * 2


def test_what_a_tile_needs_too_stays_until_the_tile_has_ended(check):
    products = Products()
    reductions = Reductions(products)
    for unit in (EXPOSURE, TILE):
        reductions.expect(together, unit, CAMERAS)
    reductions.prepare(CAMERAS[0])
    reductions.forget(EXPOSURE)
    reductions.of(together, CAMERAS[:1], check)
    assert len(products.given) == 2
    reductions.forget(TILE)
    reductions.of(together, CAMERAS[:1], check)
    assert len(products.given) == 4
