"""DATASUM, CHECKSUM and the CRC of gzip: files as astropy and fitsio write them are read, any change of them is named."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fitsio
import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError
from pytest_specqa.production.content import Image, read_content
from pytest_specqa.production.images import image_dtype, unpack_added, unpack_image
from pytest_specqa.production.stream import BLOCK, FitsStream
from pytest_specqa.production.sums import MODULUS, word_sum
from pytest_specqa.production.verified import LEDGER
from pytest_specqa.values import Verified

Pack = Callable[[Path], Path]
Change = Callable[[bytearray], None]


def rows() -> np.ndarray:
    """Text, unsigned and logical columns, and one of variable length, whose values lie in the heap behind the rows."""
    table = np.zeros(5, dtype=[("NAME", "S7"), ("COUNT", "u4"), ("GOOD", "?"), ("LIST", object)])
    table["NAME"], table["COUNT"], table["GOOD"] = [b"a", b"bb", b"", b"dddd", b"eeeeeee"], [0, 1, 2**31, 2**32 - 1, 7], True
    table["LIST"] = [np.arange(n, dtype="i4") for n in (3, 0, 11, 2, 1)]
    return table


def by_astropy(path: Path, *, sums: bool = True) -> Path:
    table = rows()
    columns = [
        fits.Column("NAME", "7A", array=table["NAME"]),
        fits.Column("COUNT", "J", bzero=2**31, array=table["COUNT"]),
        fits.Column("GOOD", "L", array=table["GOOD"]),
        fits.Column("LIST", "PJ()", array=table["LIST"]),
    ]
    rng = np.random.default_rng(1)
    hdus = [
        fits.PrimaryHDU(rng.normal(size=(7, 301)).astype("f4"), fits.Header({"EXTNAME": "FLUX", "CAMERA": "r6", "EXPTIME": 900.0})),
        fits.ImageHDU(rng.integers(0, 2**32, (3, 5), dtype="u4"), name="MASK"),
        fits.ImageHDU(rng.integers(0, 255, 13, dtype="u1"), name="BYTES"),
        fits.CompImageHDU(rng.integers(0, 9, (20, 30)).astype("i4"), name="TILES"),
        fits.BinTableHDU.from_columns(columns, name="TABLE"),
        fits.ImageHDU(name="NOTHING"),
    ]
    fits.HDUList(hdus).writeto(path, checksum=sums)
    return path


def by_fitsio(path: Path) -> Path:
    rng = np.random.default_rng(2)
    with fitsio.FITS(str(path), "rw") as file:
        file.write(rng.normal(size=(7, 301)).astype("f4"), extname="FLUX", header={"CAMERA": "r6", "EXPTIME": 900.0})
        file.write(rng.integers(0, 2**32, (3, 5), dtype="u4"), extname="MASK")
        file.write(rng.integers(0, 9, (20, 30)).astype("i4"), extname="TILES", compress="RICE")
        file.write(rows(), extname="TABLE")
        for hdu in file:
            hdu.write_checksum()
    return path


WRITERS = {"astropy": by_astropy, "fitsio": by_fitsio}


def read(path: Path) -> Verified:
    """Read all HDUs but compressed images, which no product has."""
    with FitsStream(path) as stream:
        for hdu in stream:
            if hdu.name != "TILES":
                stream.read(hdu)
        return stream.verified


def read_flux(path: Path) -> Verified | None:
    """Read the first HDU, as a product does."""
    read_content(path, {"FLUX": Image(("f4",), (None, None))})
    return LEDGER.weakest([path])


def message(path: Path, reading: Callable[[Path], Any] = read) -> str:
    with pytest.raises(ProductError) as error:
        reading(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def changed(path: Path, change: Change) -> Path:
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)
    return path


@pytest.fixture
def whole_files() -> Any:
    LEDGER.begin(whole=True)
    yield
    LEDGER.begin(whole=False)


@pytest.fixture(autouse=True)
def _no_notes() -> None:
    LEDGER.begin(whole=False)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_writers_write_is_what_its_sums_say(tmp_path: Path, writer: str, packed: bool, pack_file: Pack) -> None:
    path = WRITERS[writer](tmp_path / "x.fits")
    assert read(pack_file(path) if packed else path) == ("crc" if packed else "datasum")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_changed_byte_of_any_data_is_named(tmp_path: Path, writer: str, packed: bool, pack_file: Pack) -> None:
    """Rows and heap as much as pixels; packed anew, so that the CRC holds."""
    path = WRITERS[writer](tmp_path / "x.fits")
    whole = path.read_bytes()
    with fits.open(path, disable_image_compression=True) as hdus:
        places = [(hdu.name or "PRIMARY", hdu.fileinfo()["datLoc"], hdu.size) for hdu in hdus if hdu.size and hdu.name != "TILES"]
    assert len(places) >= 3
    for name, start, size in places:
        for place in (start, start + size // 2, start + size - 1):
            path.write_bytes(whole)
            changed(path, lambda raw, at=place: raw.__setitem__(at, raw[at] ^ 0x20))  # type: ignore[misc]
            text = message(pack_file(path) if packed else path)
            assert f"HDU {name}: found data that are not what their DATASUM says" in text


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"'r6      '", b"'r7      '"),
        (b"900.", b"100."),
        (b"EXTNAME = 'FLUX", b"EXTNAME = 'FLUY"),
        (b"EXPTIME ", b"EXPTIMF "),
        (b"DATASUM = '", b"DATASUN = '"),
        (b"HDU checksum updated", b"hdu checksum updated"),
    ],
)
def test_a_header_that_was_edited_without_its_sum_is_named(tmp_path: Path, writer: str, old: bytes, new: bytes) -> None:
    """Nobody can tell an edit from damage, and CHECKSUM alone speaks of CAMERA and EXPTIME."""
    path = WRITERS[writer](tmp_path / "x.fits")
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert re.search(r"a header (that is not what its|or data that are not what their) CHECKSUM says", message(path))
    if b"DATASUM" not in old:
        with FitsStream(path) as stream, pytest.raises(ProductError, match="a header that is not what its CHECKSUM says"):
            stream.advance()


@pytest.mark.parametrize("kind", ["header", "data"])
def test_an_edit_with_its_sums_is_none_of_our_business(tmp_path: Path, kind: str) -> None:
    path = by_astropy(tmp_path / "x.fits")
    with fits.open(path, mode="update") as hdus:
        if kind == "header":
            hdus[0].header["EXPTIME"] = 300.0
        else:
            hdus["MASK"].data[0, 0] ^= 8
    assert read(path) == Verified.DATASUM


def test_sums_that_a_copied_header_carried_over_are_named(tmp_path: Path) -> None:
    """astropy keeps them where it writes changed data without ``checksum=True``: the file contradicts itself."""
    path = by_astropy(tmp_path / "x.fits")
    with fits.open(path) as hdus:
        hdus["MASK"].data = hdus["MASK"].data + 1
        hdus.writeto(tmp_path / "stale.fits")
    assert "HDU MASK: found data that are not what their DATASUM says" in message(tmp_path / "stale.fits")


def test_a_checksum_without_datasum_speaks_of_both(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.arange(9, dtype="f4").reshape(3, 3), fits.Header({"EXTNAME": "FLUX"})).writeto(path)
    raw = bytearray(path.read_bytes())
    end = raw.index(b"END".ljust(80))
    raw[end : end + 160] = b"CHECKSUM= 'x       '".ljust(80) + b"END".ljust(80)
    # What must be added to make the sum of all words zero, as one word of the comment: blanks are no part of the encoding here.
    raw[end + 40 : end + 44] = bytes(4)
    raw[end + 40 : end + 44] = (MODULUS - word_sum(raw)).to_bytes(4, "big")
    path.write_bytes(raw)
    assert read(path) == Verified.DATASUM
    changed(path, lambda raw: raw.__setitem__(BLOCK + 2, raw[BLOCK + 2] ^ 1))
    assert "a header or data that are not what their CHECKSUM says" in message(path)


@pytest.mark.parametrize(("stated", "found"), [("'12three'", "DATASUM = '12three'"), ("-5", "DATASUM = '-5'"), ("1.5", "'1.5'")])
def test_a_datasum_that_is_no_number_is_named(tmp_path: Path, stated: str, found: str) -> None:
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.zeros((2, 2), "f4")).writeto(path)
    card = f"DATASUM = {stated}".ljust(80).encode() + b"END".ljust(80)
    path.write_bytes(path.read_bytes().replace(b"END".ljust(160), card, 1))
    assert found in message(path)


@pytest.mark.parametrize("card", ["DATASUM = '        '", "DATASUM =", "CHECKSUM= '        '"])
def test_an_empty_sum_says_nothing(tmp_path: Path, card: str) -> None:
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.ones((2, 2), "f4")).writeto(path)
    path.write_bytes(path.read_bytes().replace(b"END".ljust(160), card.ljust(80).encode() + b"END".ljust(80), 1))
    assert read(path) == Verified.NONE


def test_a_datasum_that_is_written_as_a_number_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.ones((2, 2), "f4")).writeto(path)
    total = word_sum(path.read_bytes()[BLOCK:])
    card = f"DATASUM = {total:20d}".ljust(80).encode() + b"END".ljust(80)
    path.write_bytes(path.read_bytes().replace(b"END".ljust(160), card, 1))
    assert read(path) == Verified.DATASUM


def test_padding_that_is_not_there_counts_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    data = np.ones((2, 3), "f4")
    fits.HDUList([fits.PrimaryHDU(data, fits.Header({"EXTNAME": "FLUX"}))]).writeto(path, checksum=True)
    path.write_bytes(path.read_bytes()[: BLOCK + data.nbytes])
    assert read(path) == Verified.DATASUM


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 4000, 4001, 4003, 200_000, 200_003])
def test_the_sum_is_that_of_big_endian_words_however_it_is_cut(length: int) -> None:
    raw = np.random.default_rng(length).bytes(length)
    filled = raw + bytes(-length % 4)
    expected = sum(int.from_bytes(filled[at : at + 4], "big") for at in range(0, len(filled), 4)) % MODULUS
    assert word_sum(raw) == expected
    for cut in (0, length // 3, length // 2):
        assert (word_sum(raw[:cut]) + word_sum(raw[cut:], at=cut)) % MODULUS == expected


def test_reading_part_of_a_packed_file_verifies_its_sums_and_not_its_crc(tmp_path: Path, pack_file: Pack) -> None:
    path = pack_file(by_astropy(tmp_path / "x.fits"))
    assert read_flux(path) == Verified.DATASUM
    changed(path, lambda raw: raw.__setitem__(-8, raw[-8] ^ 1))
    assert read_flux(path) == Verified.DATASUM


def test_files_without_sums_are_verified_by_nothing(tmp_path: Path, packed: bool, pack_file: Pack) -> None:
    path = by_astropy(tmp_path / "x.fits", sums=False)
    assert read_flux(pack_file(path) if packed else path) == Verified.NONE


def test_a_file_of_one_hdu_is_read_to_its_crc(tmp_path: Path, pack_file: Pack) -> None:
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.ones((30, 40), "f4"), fits.Header({"EXTNAME": "FLUX"})).writeto(path)
    packed = pack_file(path)
    assert read_flux(packed) == Verified.CRC
    changed(packed, lambda raw: raw.__setitem__(-8, raw[-8] ^ 1))
    assert "CRC check failed" in message(packed, read_flux)


@pytest.mark.usefixtures("whole_files")
@pytest.mark.parametrize("place", [-8, -400])
def test_whole_files_are_verified_on_demand(tmp_path: Path, pack_file: Pack, place: int) -> None:
    """Damage behind what is read: in the CRC, and in the data of the last HDUs, which have no sum."""
    path = pack_file(by_astropy(tmp_path / "x.fits", sums=False))
    assert read_flux(path) == Verified.CRC
    said = message(changed(path, lambda raw: raw.__setitem__(place, raw[place] ^ 1)), read_flux)
    assert re.search("found (unreadable data|a malformed header)", said), "a header that was damaged is met before the CRC"


@pytest.mark.usefixtures("whole_files")
def test_whole_plain_files_are_verified_by_the_sums_of_all_hdus(tmp_path: Path) -> None:
    path = by_astropy(tmp_path / "x.fits")
    assert read_flux(path) == Verified.CRC
    at = path.read_bytes().index(b"eeeeeee")
    assert "HDU TABLE: found data" in message(changed(path, lambda raw: raw.__setitem__(at, 0)), read_flux)


@pytest.mark.usefixtures("whole_files")
@pytest.mark.parametrize("writer", WRITERS)
def test_whole_files_may_hold_compressed_images(tmp_path: Path, writer: str) -> None:
    path = WRITERS[writer](tmp_path / "x.fits")
    assert read_flux(path) == Verified.CRC
    with fits.open(path, disable_image_compression=True) as hdus:
        end = hdus["TILES"].fileinfo()["datLoc"] + hdus["TILES"].size
    assert "HDU TILES: found data" in message(changed(path, lambda raw: raw.__setitem__(end - 1, raw[end - 1] ^ 1)), read_flux)


@pytest.mark.usefixtures("whole_files")
@pytest.mark.parametrize("what", ["an HDU without sums", "bytes behind the last HDU", "no sums"])
def test_whole_plain_files_with_anything_that_no_sum_speaks_of_are_not_verified_whole(tmp_path: Path, what: str) -> None:
    path = by_astropy(tmp_path / "x.fits", sums=what != "no sums")
    if what == "an HDU without sums":
        fits.append(path, np.zeros(4), fits.Header({"EXTNAME": "MORE"}))
    if what == "bytes behind the last HDU":
        path.write_bytes(path.read_bytes() + b"x" * BLOCK)
    assert read_flux(path) == (Verified.NONE if what == "no sums" else Verified.DATASUM)


@pytest.mark.usefixtures("whole_files")
def test_whole_files_of_several_members_end_with_their_last_crc(tmp_path: Path) -> None:
    raw, path = by_astropy(tmp_path / "x.fits").read_bytes(), tmp_path / "y.fits.gz"
    first, last = gzip.compress(raw[:9000]), gzip.compress(raw[9000:])
    path.write_bytes(first + last)
    assert read_flux(path) == Verified.CRC
    for place in (len(first) - 8, -8, -1):
        path.write_bytes(first + last)
        assert "unreadable data" in message(changed(path, lambda raw, at=place: raw.__setitem__(at, raw[at] ^ 1)), read_flux)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("tail", "what"), [(b"garbage" * 9, "unreadable data"), (b"\x1f\x8b\x08", "truncated"), (b"g", "truncated")]
)
def test_what_follows_the_gzip_members_is_named(tmp_path: Path, pack_file: Pack, tail: bytes, what: str) -> None:
    path = pack_file(by_astropy(tmp_path / "x.fits"))
    path.write_bytes(path.read_bytes() + tail)
    assert what in message(path, read_flux)


def test_zeros_behind_the_gzip_are_what_tapes_leave(tmp_path: Path, pack_file: Pack) -> None:
    path = pack_file(by_astropy(tmp_path / "x.fits"))
    path.write_bytes(path.read_bytes() + bytes(512))
    assert read_flux(path) is not None


def test_the_weakest_of_some_files_counts(tmp_path: Path) -> None:
    for name, level in (("a", Verified.CRC), ("b", Verified.DATASUM)):
        LEDGER.note(tmp_path / name, level)
    assert LEDGER.weakest([tmp_path / "a"]) == Verified.CRC
    assert LEDGER.weakest([tmp_path / "a", tmp_path / "b"]) == Verified.DATASUM
    assert LEDGER.weakest([tmp_path / "a", tmp_path / "read by other means.fits"]) == Verified.NONE
    assert LEDGER.weakest([]) is None
    LEDGER.note(tmp_path / "b", Verified.CRC)
    assert LEDGER.weakest([tmp_path / "b"]) == Verified.DATASUM


@pytest.mark.parametrize(("bitpix", "zero"), [(-32, 0), (32, 0), (32, 2**31)])
def test_an_image_is_unpacked_and_added_in_one_pass_as_it_is_in_two(bitpix: int, zero: int) -> None:
    header = {"BITPIX": bitpix, "BZERO": zero}
    dtype = image_dtype(header, bitpix)
    raw = np.random.default_rng(3).bytes(4 * 3 * 9001)
    added = unpack_added(raw, dtype, header=header, shape=(3, 9001))
    assert added is not None
    values, total = added
    expected = unpack_image(raw, dtype, header=header, shape=(3, 9001))
    assert (values.dtype, values.shape, values.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
    assert total == word_sum(raw) % MODULUS
    assert values.flags.writeable


@pytest.mark.parametrize(
    ("header", "count"), [({"BITPIX": -64}, 90_000), ({"BITPIX": 32, "BSCALE": 2}, 90_000), ({"BITPIX": -32}, 64)]
)
def test_only_large_images_of_plain_words_are_taken_in_one_pass(header: dict[str, int], count: int) -> None:
    raw = bytes(count)
    assert unpack_added(raw, image_dtype(header, header["BITPIX"]), header=header, shape=(count // 8,)) is None
