from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import fitsio
import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import MissingProductError, ProductError
from pytest_specqa.production.stream import BLOCK, FitsStream

Pack = Callable[[Path], Path]


def read_all(path: Path) -> dict[str, np.ndarray]:
    with FitsStream(path) as stream:
        return {hdu.name: stream.read(hdu) for hdu in stream}


def read_one(path: Path, wanted: str) -> np.ndarray:
    with FitsStream(path) as stream:
        hdu = next(hdu for hdu in stream if hdu.name == wanted)
        data = stream.read(hdu)
        stream.check_end()
        return data


def message(path: Path, wanted: str = "LAST") -> str:
    """The one line on a file of which HDU `wanted` is read."""
    with pytest.raises(ProductError) as error:
        read_one(path, wanted)
    assert "\n" not in str(error.value)
    return str(error.value)


def header_block(*lines: str) -> bytes:
    raw = "".join(f"{line:<80}" for line in (*lines, "END")).encode()
    return raw.ljust(-(-len(raw) // BLOCK) * BLOCK)


@pytest.fixture
def two_images(tmp_path: Path) -> Path:
    path = tmp_path / "x.fits"
    rng = np.random.default_rng(0)
    with fitsio.FITS(str(path), "rw") as file:
        file.write(rng.normal(size=(50, 400)).astype("f4"), extname="FIRST")
        file.write(rng.normal(size=(50, 4000)).astype("f4"), extname="LAST")
    return path


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_images_come_back_native_and_writable(tmp_path: Path, pack_file: Pack, packed: bool, kind: str) -> None:
    path = tmp_path / "x.fits"
    if np.dtype(kind).kind == "f":
        written = np.array([[1.5, -2.5, np.nan], [np.inf, 0, 3]], dtype=kind)
    else:
        bounds = np.iinfo(kind)
        written = np.array([[bounds.min, bounds.max, 0], [1, 2, 3]], dtype=kind)
    fits.PrimaryHDU(written, fits.Header({"EXTNAME": "DATA"})).writeto(path)
    read = read_all(pack_file(path) if packed else path)["DATA"]
    np.testing.assert_array_equal(read, written)
    assert read.dtype == np.dtype(kind)
    assert read.flags.writeable


def test_scaled_images_are_scaled(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    fitsio.write(str(path), np.array([1, 2, 3], "i2"), extname="DATA", header={"BSCALE": 0.5, "BZERO": 100.0})
    raw = path.read_bytes()
    if b"BSCALE" not in raw:
        path.write_bytes(raw.replace(b"EXTNAME = 'DATA    '".ljust(80), b"BSCALE  = 0.5".ljust(80), 1))
    np.testing.assert_allclose(read_all(path).popitem()[1], [100.5, 101.0, 101.5])


@pytest.mark.parametrize(("scale", "values"), [(1, [32769, 32770]), (2, [32770, 32772])])
def test_the_offset_of_unsigned_integers_counts_as_one_only_without_a_scale(tmp_path: Path, scale: int, values: list[int]) -> None:
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.array([1, 2], "i2"), fits.Header({"EXTNAME": "DATA"})).writeto(path)
    cards = f"BZERO   = {32768:20d}".ljust(80) + f"BSCALE  = {scale:20d}".ljust(80) + "END     ".ljust(80)
    path.write_bytes(path.read_bytes().replace("END     ".ljust(240).encode(), cards.encode(), 1))
    read = read_all(path)["DATA"]
    assert read.tolist() == values
    assert read.dtype == np.dtype("u2" if scale == 1 else "f8")


def test_an_empty_image_is_empty(tmp_path: Path, packed: bool, pack_file: Pack) -> None:
    path = tmp_path / "x.fits"
    empty, full = fits.ImageHDU(np.zeros(0, "f4"), name="SKYGRADPCACOEFF"), fits.ImageHDU(np.arange(3), name="SKYTARGETID")
    fits.HDUList([fits.PrimaryHDU(), empty, full]).writeto(path)
    read = read_all(pack_file(path) if packed else path)
    assert read["SKYGRADPCACOEFF"].size == 0
    assert read["SKYTARGETID"].tolist() == [0, 1, 2]


def test_reading_stops_at_the_last_wanted_hdu(two_images: Path, pack_file: Pack) -> None:
    path = pack_file(two_images)
    with FitsStream(path) as stream:
        hdu = stream.advance()
        assert hdu is not None
        stream.read(hdu)
        stream.check_end()
        assert stream.position == BLOCK + 50 * 400 * 4


def test_what_lies_behind_may_be_anything(two_images: Path, pack_file: Pack) -> None:
    """Damage after the wanted HDU is not seen, because those bytes are never inflated."""
    path = pack_file(two_images)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : -8] = bytes(len(raw) - 8 - len(raw) // 2)
    path.write_bytes(raw)
    with FitsStream(path) as stream:
        hdu = stream.advance()
        assert hdu is not None
        assert np.isfinite(stream.read(hdu)).all()
        stream.check_end()
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(raw)


def test_several_gzip_members_are_one_file(two_images: Path) -> None:
    raw, path = two_images.read_bytes(), two_images.with_name("y.fits.gz")
    cuts = [0, 1000, BLOCK + 77, len(raw) - 5, len(raw)]
    path.write_bytes(b"".join(gzip.compress(raw[a:b]) for a, b in pairwise(cuts)))
    for name, data in read_all(two_images).items():
        np.testing.assert_array_equal(read_all(path)[name], data)
    with FitsStream(path) as stream:
        stream.read(stream.advance())  # type: ignore[arg-type]
        stream.check_end()


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.999])
@pytest.mark.parametrize("wanted", ["FIRST", "LAST"])
def test_a_truncated_file_is_found_whatever_is_read(
    two_images: Path, pack_file: Pack, packed: bool, part: float, wanted: str
) -> None:
    path = pack_file(two_images) if packed else two_images
    # A plain file ends with padding, which carries nothing.
    size = path.stat().st_size - (0 if packed else BLOCK)
    path.write_bytes(path.read_bytes()[: int(size * part)])
    text = message(path, wanted)
    assert text.startswith(f"{path.name}")
    assert "truncated" in text


def test_a_truncated_file_that_was_packed_whole_is_found(two_images: Path) -> None:
    """The gzip is sound; what it holds ends within an HDU that is passed over."""
    path = two_images.with_name("y.fits.gz")
    path.write_bytes(gzip.compress(two_images.read_bytes()[: 3 * BLOCK]))
    assert "truncated" in message(path, "LAST")


def test_inflating_ends_where_the_headers_end(tmp_path: Path) -> None:
    """A megabyte of gzip that would inflate to a gigabyte of zeros costs nothing."""
    fitsio.write(str(tmp_path / "x.fits"), np.arange(10.0), extname="LAST")
    path = tmp_path / "bomb.fits.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write((tmp_path / "x.fits").read_bytes())
        for _ in range(64):
            file.write(bytes(1 << 20))
    with FitsStream(path) as stream:
        for hdu in stream:
            stream.read(hdu)
        assert stream.position <= 3 * BLOCK


def test_a_declaration_that_the_file_cannot_hold_takes_no_memory(tmp_path: Path, packed: bool, pack_file: Pack) -> None:
    path = tmp_path / "x.fits"
    axes = [f"NAXIS{i}  = 1000000" for i in (1, 2)]
    path.write_bytes(header_block("SIMPLE  = T", "BITPIX  = -64", "NAXIS   = 2", *axes, "EXTNAME = 'LAST'") + bytes(BLOCK))
    text = message(pack_file(path) if packed else path)
    assert "expected the 8000000000000 bytes that the header declares" in text
    assert text.startswith(f"{path.name}{'.gz' if packed else ''} HDU LAST: ")


def test_a_header_without_end_is_capped(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    path.write_bytes(b"SIMPLE  = T".ljust(80) + b" " * (BLOCK * 1100 - 80))
    assert "without END in 1000 blocks" in message(path)


def test_endless_hdus_are_capped(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    more = header_block("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0")
    path.write_bytes(header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0") + more * 300)
    assert "more than 200 HDUs" in message(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"hello world" * 400, "a file that begins with b'hello wo'"),
        (b"\x1f\x8b", "truncated file"),
        (b"\x1f\x8b\x08\x00garbage-garbage-garbage" * 50, "unreadable data"),
        (gzip.compress(b""), "an empty file"),
        (gzip.compress(b"no fits" * 1000), "a file that begins with"),
        (header_block("SIMPLE  = T", "BITPIX  = 7", "NAXIS   = 1", "NAXIS1  = 8"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = -8"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = -8", "NAXIS2  = -1"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 8", "PCOUNT  = -9"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 'many'"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 325", "NAXIS   = 1", "NAXIS1  = 2", "BZERO   = 7"), "a malformed header"),
        (header_block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 2", "BZERO   = 'x'"), "a malformed header"),
    ],
)
def test_what_is_no_fits_file_is_one_line(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "sframe-r6-00104284.fits"
    path.write_bytes(content)
    text = message(path)
    assert text.startswith("sframe-r6-00104284.fits")
    assert found in text
    assert "; expected " in text


@pytest.mark.parametrize("place", range(200_000, 600_000, 57_011))
def test_damage_in_a_gzip_stream_is_found_though_its_end_is_not_read(two_images: Path, pack_file: Pack, place: int) -> None:
    with fitsio.FITS(str(two_images), "rw") as file:
        file[1].write_checksum()
        file.write(np.zeros((500, 2000), "f4"), extname="BEHIND")
    path = pack_file(two_images)
    read_one(path, "LAST")
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x40
    path.write_bytes(raw)
    assert "HDU LAST: found data that are not what their DATASUM says" in message(path)


def test_missing_files_and_folders_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingProductError, match=r"^gone.fits: not found; expected .*/gone.fits"):
        FitsStream(tmp_path / "gone.fits")
    assert "found a folder; expected a file" in message(tmp_path)


def test_a_forbidden_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    assert message(tmp_path / "x.fits").startswith("x.fits: found permission denied; expected a readable file")


def test_data_cannot_be_read_after_they_have_passed(two_images: Path) -> None:
    with FitsStream(two_images) as stream:
        first = stream.advance()
        stream.advance()
        assert first is not None
        with pytest.raises(ValueError, match="passed"):
            stream.read(first)
