"""Sizes that no product has are refused before memory is taken for them; those of real products are read."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from isal import igzip

from pytest_specqa.errors import ProductError
from pytest_specqa.production import sizes
from pytest_specqa.production.content import Image, Rows, read_content
from pytest_specqa.production.stream import BLOCK, FitsStream

ANY = Image(("f4", "f8"), (None, None))
ROWS = Rows(())
LITTLE = 30_000_000
Cards = dict[str, Any]


@pytest.fixture
def taken() -> Iterator[Callable[[], int]]:
    """Most bytes that Python and numpy had at once since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def header(cards: Cards) -> bytes:
    shown = ("".join(f"{name:<8}= {_shown(value):>20}".ljust(80) for name, value in cards.items()) + "END".ljust(80)).encode()
    return shown.ljust(-(-len(shown) // BLOCK) * BLOCK)


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


FIRST = header({"SIMPLE": "T", "BITPIX": 8, "NAXIS": 0}).replace(b"'T'", b"  T")


def image(name: str, *shape: int, bitpix: int = -32, **more: object) -> Cards:
    axes = {f"NAXIS{number}": size for number, size in enumerate(reversed(shape), start=1)}
    return {"XTENSION": "IMAGE", "BITPIX": bitpix, "NAXIS": len(shape), **axes, "EXTNAME": name, **more}


def table(name: str, rows: int, *forms: str, width: int, **more: object) -> Cards:
    columns = {f"TFORM{number}": form for number, form in enumerate(forms, start=1)}
    axes = {"NAXIS1": width, "NAXIS2": rows, "PCOUNT": 0, "GCOUNT": 1, "TFIELDS": len(forms)}
    return {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, **axes, "EXTNAME": name, **columns, **more}


def plain(path: Path, *hdus: Cards, length: int) -> Path:
    """A file as long as its headers claim, of zeros that take no room on the disk."""
    with path.open("wb") as file:
        file.write(FIRST + b"".join(map(header, hdus)))
        file.truncate(length)
    return path


def packed(path: Path, *hdus: Cards, size: int) -> Path:
    """A packed file that is large enough to hold what its headers claim, if it could be packed so tightly."""
    with igzip.open(path, "wb") as file:
        file.write(FIRST + b"".join(map(header, hdus)))
        file.write(np.random.default_rng(1).bytes(size))
    return path


def refusal(path: Path, name: str, spec: Image | Rows) -> str:
    with pytest.raises(ProductError) as caught:
        read_content(path, {name: spec})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("bitpix", [-32, 8])
def test_a_large_image_is_refused_by_what_it_takes_unpacked(tmp_path: Path, taken: Callable[[], int], bitpix: int) -> None:
    # Bytes that are scaled become eight times as many.
    width = 20_000 if bitpix == -32 else 10_000
    cards = image("FLUX", 4_000, width, bitpix=bitpix, **({"BSCALE": 0.5} if bitpix == 8 else {}))
    said = refusal(plain(tmp_path / "x.fits", cards, length=400_000_000), "FLUX", ANY)
    assert said == "x.fits HDU FLUX: found data of 320 MB; expected at most 260 MB; see what wrote it"
    assert taken() < LITTLE


def test_what_is_kept_of_a_file_is_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "MAX_KEPT", 900_000)
    path = tmp_path / "x.fits"
    fits.HDUList(
        [fits.PrimaryHDU(), *(fits.ImageHDU(np.zeros((100, 1000), "f4"), name=name) for name in ("ONE", "TWO", "THREE"))]
    ).writeto(path)
    assert len(read_content(path, {"ONE": ANY, "THREE": ANY}).data) == 2
    with pytest.raises(ProductError, match=r"HDU THREE: found data of 0 MB beside 1 MB of other HDUs; expected at most 1 MB"):
        read_content(path, {"ONE": ANY, "TWO": ANY, "THREE": ANY})


@pytest.mark.parametrize(
    ("cards", "found"),
    [
        (table("T", 2_000_000, "J", width=4), "2,000,000 rows"),
        (table("T", 10**9, "0D", width=0), "1,000,000,000 rows"),
        (table("T", 500_000, "100E", width=400), "a table of 200 MB"),
        (table("T", 1000, "10000B", width=10_000, TSCAL1=0.5), "a table of 80 MB"),
        (table("T", 500, "200000A", width=200_000), "rows of 200,000 bytes"),
        (table("T", 1, "300000000E", width=1_200_000_000), "rows of 1,200,000,000 bytes"),
    ],
    ids=["rows", "empty rows", "rows of real width", "scaled bytes", "text", "repeat"],
)
def test_a_large_table_is_refused(tmp_path: Path, taken: Callable[[], int], cards: Cards, found: str) -> None:
    said = [
        refusal(plain(tmp_path / "x.fits", cards, length=1_300_000_000), "T", ROWS),
        refusal(packed(tmp_path / "y.fits.gz", cards, size=1_300_000), "T", ROWS),
    ]
    assert f"HDU T: found {found}" in said[0]
    # What inflates to more than any product is refused for that.
    assert f"HDU T: found {found}" in said[1] or "found a file that inflates to 1,200 MB or more" in said[1]
    assert taken() < LITTLE


def test_a_table_as_large_as_that_of_a_deep_tile_is_read(tmp_path: Path) -> None:
    rows = np.zeros(50_000, dtype=[("TARGETID", "i8"), ("REST", "f8", (49,))])
    rows["TARGETID"] = np.arange(len(rows))
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows, name="T")]).writeto(path)
    assert np.array_equal(read_content(path, {"T": ROWS}).data["T"]["TARGETID"], rows["TARGETID"])


def test_scaled_columns_count_as_what_they_become_and_others_as_they_are(tmp_path: Path) -> None:
    cards = table("T", 1000, "10000B", "50000A", width=60_000, TSCAL1=1, TSCAL2=0.5)
    said = refusal(plain(tmp_path / "x.fits", cards, length=61_000_000), "T", ROWS)
    assert "found a table of 130 MB" in said
    del cards["TSCAL1"]
    assert len(read_content(plain(tmp_path / "x.fits", cards, length=61_000_000), {"T": ROWS}).data["T"]) == 1000


def test_a_spec_may_ask_for_fewer_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(np.zeros(11, dtype=[("A", "i4")]), name="T")]).writeto(path)
    assert len(read_content(path, {"T": Rows(("A",), most=11)}).data["T"]) == 11
    assert "HDU T: found 11 rows; expected at most 10" in refusal(path, "T", Rows(("A",), most=10))


def test_columns_are_unpacked_one_by_one(tmp_path: Path, taken: Callable[[], int]) -> None:
    rows = np.zeros(20_000, dtype=[(f"C{number}", "f8") for number in range(200)])
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows, name="T")]).writeto(path)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert read_content(path, {"T": ROWS}).data["T"].nbytes == rows.nbytes
    # The rows as stored and as given, and one column.
    assert taken() - before < 2.3 * rows.nbytes


def test_more_columns_than_fits_has_are_refused(tmp_path: Path) -> None:
    cards = table("T", 1, *["B"] * 1000, width=1000)
    assert "malformed header (ValueError: 'TFIELDS 1000')" in refusal(plain(tmp_path / "x.fits", cards, length=100_000), "T", ROWS)
    most = table("T", 1, *["B"] * 999, width=999)
    assert len(read_content(plain(tmp_path / "x.fits", most, length=200_000), {"T": ROWS}).data["T"].dtype) == 999


def test_zeros_before_what_is_wanted_are_not_inflated_without_end(tmp_path: Path, taken: Callable[[], int]) -> None:
    hdus = image("ZEROS", 500_000, 1000), image("LAST", 1, 1)
    path = packed(tmp_path / "x.fits.gz", *hdus, size=2_000_000)
    assert "HDU ZEROS: found a file that inflates to 2,000 MB or more; expected at most 1,000 MB" in refusal(path, "LAST", ANY)
    assert taken() < LITTLE


def test_what_need_not_be_inflated_may_lie_before_what_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    with path.open("wb") as file:
        file.write(FIRST + header(image("ZEROS", 500_000, 1000)))
        file.seek(-(-2_000_000_000 // BLOCK) * BLOCK, os.SEEK_CUR)
        file.write(header(image("LAST", 1, 1)) + bytes(BLOCK))
    assert read_content(path, {"LAST": ANY}).data["LAST"] == 0


def test_headers_of_a_file_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "MAX_HEADERS", 5)
    path = tmp_path / "x.fits"
    path.write_bytes(FIRST + b"".join(header(image(f"H{number}")) for number in range(4)))
    with FitsStream(path) as stream:
        assert len(list(stream)) == 5
    path.write_bytes(FIRST + b"".join(header(image(f"H{number}")) for number in range(5)))
    assert "found headers of more than 5 blocks" in refusal(path, "LAST", ANY)


def test_long_names_do_not_fill_the_message(tmp_path: Path) -> None:
    name = "N" * 67
    cards = header(image(name + "&")).rstrip(b" ").removesuffix(b"END") + b"".join(
        f"CONTINUE  '{'M' * 60}&'".ljust(80).encode() for _ in range(1000)
    )
    path = tmp_path / "x.fits"
    path.write_bytes(FIRST + (cards + b"END").ljust(-(-(len(cards) + 3) // BLOCK) * BLOCK))
    assert len(refusal(path, "LAST", ANY)) < 300


def test_an_image_of_many_axes_is_named_by_its_shape(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.fits", image("FLUX", 2, 3, 4, 5, 6), length=100_000)
    assert "found shape 2 x 3 x 4 x 5 x 6; expected any x any" in refusal(path, "FLUX", ANY)
