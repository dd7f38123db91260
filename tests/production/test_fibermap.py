from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import DESI, Camera
from pytest_specqa.production.fibermap import Fibermap, badamp_bits, read_fibermap


def test_fatal_bits_are_those_of_the_pipeline() -> None:
    assert DESI.fatal == {"b": 8323844, "r": 12518148, "z": 20906756}


def test_a_petal_comes_in_order_of_its_fibers(products: Any, fibermap: Any, tmp_path: Path, packed: bool) -> None:
    rows = fibermap((2, 6))[::-1]
    path = products.write(tmp_path / "fibermap-00104284.fits", {"": None, "FIBERMAP": rows}, packed=packed)
    petal = read_fibermap(path).of_petal(6)
    assert petal["FIBER"].tolist() == list(range(3000, 3500))
    assert len(petal) == 500


def test_a_petal_with_a_fiber_twice_is_one_line(fibermap: Any) -> None:
    rows = fibermap()
    rows["FIBER"][1] = 3000
    with pytest.raises(ProductError, match="found 499 different FIBER of petal 6 in 500 rows; expected 3000-3499, once each"):
        Fibermap(rows, {}, Path("fibermap-00104284.fits")).of_petal(6)


def test_text_is_stripped_and_unknown_columns_are_one_line(fibermap: Any) -> None:
    rows = fibermap()
    rows["OBJTYPE"][0] = b"NO "
    table = Fibermap(rows, {}, Path("x.fits"))
    assert table["OBJTYPE"][:2].tolist() == ["NO", "TGT"]
    assert "FIBER_X" in table
    assert "EBV" not in table
    with pytest.raises(ProductError, match=r"x.fits HDU FIBERMAP: found columns TARGETID, .*; expected column EBV"):
        _ = table["EBV"]


def test_more_status_bits_do_not_change_the_original(fibermap: Any) -> None:
    table = Fibermap(fibermap(), {}, Path("x.fits"))
    more = table.with_status(np.full(500, 1 << 23))
    assert (more.status == 1 << 23).all()
    assert (table.status == 0).all()


def test_coadds_have_their_own_status_column() -> None:
    rows = np.array([(5,)], dtype=[("COADD_FIBERSTATUS", "i4")])
    assert Fibermap(rows, {}, Path("x.fits")).status.tolist() == [5]


@pytest.mark.parametrize(
    ("amps", "halves"),
    [(["r6A"], (1, 0)), (["r6C"], (1, 0)), (["r6B"], (0, 1)), (["r6D", "r6A"], (1, 1)), (["b6A", "r7A"], (0, 0))],
)
def test_an_amplifier_covers_half_a_petal(amps: list[str], halves: tuple[int, int]) -> None:
    bits = badamp_bits(Camera("r", 6), amps)
    assert (bits[:250] == halves[0] << 23).all()
    assert (bits[250:] == halves[1] << 23).all()


def test_fibers_on_nothing_are_no_targets(tmp_path: Path) -> None:
    rows = np.zeros(5, dtype=[("OBJTYPE", "S3"), ("FIBERSTATUS", "i4")])
    rows["OBJTYPE"] = [b"TGT", b"SKY", b"BAD", b"NON", b"TGT"]
    rows["FIBERSTATUS"] = [1 << 9, 0, 0, 0, 1]
    assert Fibermap(rows, {}, tmp_path).is_target.tolist() == [True, False, False, False, False]
