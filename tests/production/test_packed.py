"""Images in compressed tiles and tables of compressed columns: the same products, and the same words where they are damaged."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
from pathlib import Path

import fitsio
import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import Camera
from pytest_specqa.production.frames import read_frame
from pytest_specqa.production.stream import FitsStream
from pytest_specqa.values import Verified

UNIT = {"night": 20211014, "expid": 104284, "camera": Camera("r", 6)}
CARDS = {"CAMERA": "r6", "NIGHT": 20211014, "EXPID": 104284, "TILEID": 7951, "EXPTIME": 900.0, "BUNIT": "electron/Angstrom"}
BINS = 2326
LOSSLESS = {"compression_type": "GZIP_2", "quantize_level": 0}
RNG = np.random.default_rng(5)
IMAGE = RNG.normal(size=(40, 90)).astype("f4")
BITS = np.where(RNG.random((40, 90)) < 0.1, RNG.integers(0, 2**32, (40, 90)), 0).astype("u4")
TABLE = np.zeros(700, dtype=[("TARGETID", ">i8"), ("FIBER", ">i4"), ("OBJTYPE", "S3"), ("XY", ">f8", 2), ("FLAG", ">i2")])
TABLE["TARGETID"], TABLE["FIBER"], TABLE["FLAG"] = RNG.integers(-(2**62), 2**62, 700), np.arange(700), RNG.integers(-9, 9, 700)
TABLE["OBJTYPE"], TABLE["XY"] = np.where(np.arange(700) % 5, b"TGT", b"SKY"), RNG.normal(size=(700, 2))
FORMS = {"TARGETID": "1K", "FIBER": "1J", "OBJTYPE": "3A", "XY": "2D", "FLAG": "1I"}


def read(path: Path) -> dict[str, np.ndarray]:
    with FitsStream(path) as stream:
        return {hdu.name: stream.read(hdu) for hdu in stream if hdu.nbytes}


def write_images(path: Path, *images: fits.CompImageHDU, **how: object) -> Path:
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path, **how)
    return path


def frame_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    mask = np.where(rng.random((500, BINS)) < 0.01, 4, 0).astype("u4")
    return {
        "FLUX": rng.normal(size=mask.shape).astype("f4"),
        "IVAR": np.where(mask, 0, 2).astype("f4"),
        "MASK": mask,
        "WAVELENGTH": 5760 + 0.8 * np.arange(BINS),
    }


def packed_table(packers: dict[str, str], *, length: int = 300) -> fits.BinTableHDU:
    """Write a table of compressed columns by the words of the standard: columns by tile, each packed by itself."""
    heap, rows = b"", []
    for start in range(0, len(TABLE), length):
        row: list[int] = []
        for name, packer in packers.items():
            whole = TABLE[name][start : start + length].tobytes()
            width = TABLE[name].dtype.base.itemsize if name != "OBJTYPE" else 1
            if packer == "RICE_1":
                packed = riced(TABLE[name][start : start + length])
            else:
                shuffled = np.frombuffer(whole, "u1").reshape(-1, width).T.tobytes() if packer == "GZIP_2" else whole
                packed = gzip.compress(shuffled)
            row += [len(packed), len(heap)]
            heap += packed
        rows.append(row)
    data = np.array(rows, ">i4").tobytes()
    cards: dict[str, object] = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8 * len(packers), "NAXIS2": len(rows)}
    cards |= {"PCOUNT": len(heap), "GCOUNT": 1, "TFIELDS": len(packers), "EXTNAME": "PACKED", "ZTABLE": True, "ZTILELEN": length}
    cards |= {"ZNAXIS1": TABLE.itemsize, "ZNAXIS2": len(TABLE), "ZPCOUNT": 0}
    for number, (name, packer) in enumerate(packers.items(), start=1):
        cards |= {f"TTYPE{number}": name, f"TFORM{number}": "1PB", f"ZFORM{number}": FORMS[name], f"ZCTYP{number}": packer}
    return fits.BinTableHDU.fromstring(
        fits.Header(cards.items()).tostring().encode() + data + heap + bytes(-len(data + heap) % 2880)
    )


def riced(column: np.ndarray) -> bytes:
    """Pack integers as cfitsio does: one tile of an image of one row."""
    native = column.astype(column.dtype.newbyteorder("="))
    whole = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(native[None], compression_type="RICE_1")]).writeto(whole)
    whole.seek(0)
    with fits.open(whole, disable_image_compression=True) as file:
        return bytes(file[1].data["COMPRESSED_DATA"][0])


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
def test_packed_integers_are_those_that_were_packed(tmp_path, compression):
    small = (BITS % 1000).astype("i4")
    path = write_images(tmp_path / "i.fits", fits.CompImageHDU(small, name="A", compression_type=compression), checksum=True)
    np.testing.assert_array_equal(read(path)["A"], small)


@pytest.mark.parametrize("checksum", [True, False])
def test_packed_images_of_astropy_are_those_that_were_packed(tmp_path, checksum):
    images = [
        fits.CompImageHDU(IMAGE, name="FLOATS", **LOSSLESS),
        fits.CompImageHDU(BITS, name="UNSIGNED", compression_type="RICE_1", tile_shape=(7, 90)),
        fits.CompImageHDU(IMAGE.astype("f8"), name="DOUBLES", compression_type="GZIP_1", quantize_level=0),
        fits.ImageHDU(IMAGE, name="PLAIN"),
        fits.CompImageHDU((BITS % 200).astype("u1"), name="BYTES"),
        fits.CompImageHDU((BITS % 60000).astype("u2"), name="SHORT"),
    ]
    path = write_images(tmp_path / "i.fits", *images, checksum=checksum)
    found = read(path)
    assert {name: values.dtype.str[1:] for name, values in found.items()} == {
        "FLOATS": "f4",
        "UNSIGNED": "u4",
        "DOUBLES": "f8",
        "PLAIN": "f4",
        "BYTES": "u1",
        "SHORT": "u2",
    }
    with fits.open(path) as theirs, fitsio.FITS(str(path)) as others:
        for name, values in found.items():
            np.testing.assert_array_equal(values, theirs[name].data)
            np.testing.assert_array_equal(values, others[name].read())
    np.testing.assert_array_equal(found["FLOATS"], IMAGE)
    np.testing.assert_array_equal(found["UNSIGNED"], BITS)


def test_quantized_floats_are_as_others_read_them(tmp_path):
    holes = np.where(BITS > 0, np.nan, IMAGE).astype("f4")
    packed = fits.CompImageHDU(holes, name="A", compression_type="RICE_1", quantize_method=1, dither_seed=7)
    path = write_images(tmp_path / "q.fits", packed)
    found = read(path)["A"]
    with fits.open(path) as theirs:
        np.testing.assert_array_equal(found, theirs["A"].data)
    assert np.isnan(found[BITS > 0]).all()
    np.testing.assert_allclose(found[BITS == 0], IMAGE[BITS == 0], atol=0.3)


def test_packed_images_of_fitsio_are_those_that_were_packed(tmp_path):
    path = tmp_path / "f.fits"
    with fitsio.FITS(str(path), "rw") as file:
        file.write(BITS, extname="MASK", compress="rice")
        file.write(IMAGE, extname="FLUX", compress="gzip_2", qlevel=0)
        for hdu in file:
            hdu.write_checksum()
    found = read(path)
    np.testing.assert_array_equal(found["MASK"], BITS)
    np.testing.assert_array_equal(found["FLUX"], IMAGE)


@pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
def test_a_frame_of_packed_images_is_the_frame(tmp_path, ending):
    """Also where the tool that packs has left an empty HDU before what came first, and its keywords with that."""
    arrays = frame_arrays()
    header = fits.Header(CARDS.items())
    plain, packed = tmp_path / f"plain{ending}", tmp_path / f"packed{ending}"
    rest = [fits.ImageHDU(arrays[name], name=name) for name in ("IVAR", "MASK", "WAVELENGTH")]
    fits.HDUList([fits.PrimaryHDU(arrays["FLUX"], fits.Header({**CARDS, "EXTNAME": "FLUX"}.items())), *rest]).writeto(plain)
    small = [fits.CompImageHDU(arrays[name], name=name, **LOSSLESS) for name in ("IVAR", "MASK", "WAVELENGTH")]
    write_images(packed, fits.CompImageHDU(arrays["FLUX"], header, name="FLUX", **LOSSLESS), *small, checksum=True)
    one, other = (read_frame(path, "sframe", **UNIT) for path in (plain, packed))
    for name in ("flux", "ivar", "mask", "wave"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    assert (other.tile, other.exptime) == (one.tile, one.exptime) == (7951, 900.0)


def test_the_keywords_of_a_packed_frame_must_agree_with_its_name(tmp_path):
    arrays = frame_arrays()
    header = fits.Header({**CARDS, "EXPID": 1}.items())
    images = [fits.CompImageHDU(array, header, name=name, **LOSSLESS) for name, array in arrays.items()]
    with pytest.raises(ProductError, match="EXPID = '1'; expected 104284"):
        read_frame(write_images(tmp_path / "f.fits", *images), "sframe", **UNIT)


def test_sums_of_packed_data_are_verified(tmp_path):
    path = write_images(tmp_path / "i.fits", fits.CompImageHDU(IMAGE, name="A", **LOSSLESS), checksum=True)
    with FitsStream(path) as stream:
        for hdu in stream:
            stream.read(hdu)
        assert stream.verified is Verified.DATASUM
    raw = bytearray(path.read_bytes())
    raw[-4000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ProductError, match="HDU A: found data that are not what their DATASUM says"):
        read(path)


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({"ZCMPTYPE": "ZIP_9"}, "ZCMPTYPE ZIP_9"),
        ({"ZTILE1": 0}, "ZTILE1 0"),
        ({"ZTILE1": 30}, "40 rows for 120 tiles"),
        ({"ZNAXIS1": 2**20, "ZTILE1": 2**20, "ZNAXIS2": 2**20}, "at most 260 MB"),
        ({"ZNAXIS": 99}, "malformed header"),
        ({"ZBITPIX": 7}, "malformed header"),
        ({"ZNAXIS1": -4}, "malformed header"),
        ({"THEAP": 2**30}, "packed data outside of the HDU"),
        ({"TFORM1": "1PC"}, "TFORM1 1PC"),
        ({"PCOUNT": 10}, "packed data outside of the HDU"),
        ({"PCOUNT": 2**30}, "truncated file"),
    ],
)
def test_a_packed_image_that_contradicts_itself_is_one_line(tmp_path, cards, told):
    path = write_images(tmp_path / "i.fits", fits.CompImageHDU(IMAGE, name="A", **LOSSLESS))
    with fits.open(path, mode="update", disable_image_compression=True) as file:
        header = file[1].header
        raw = path.read_bytes()
    header.update(cards)
    at = raw.index(b"XTENSION")
    path.write_bytes(raw[:at] + header.tostring().encode() + raw[at + len(file[1].header.tostring()) :])
    with pytest.raises(ProductError, match=told) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert "HDU A" in str(caught.value) or "i.fits" in str(caught.value)


@pytest.mark.parametrize(
    ("compression", "at", "damage", "told"),
    [
        # The descriptor of the first tile: fewer bytes than its gzip member has, for which cfitsio waits without end.
        ("GZIP_2", 0, b"\0\0\0\x0c", "gzip data cut off"),
        # The first tile, behind 40 descriptors: other sides of its image, and more words than it has.
        ("HCOMPRESS_1", 322, b"\x7f\0\0\0", "in place of"),
        ("PLIO_1", 324, b"\x7f\xff", "a list of 32767 words"),
    ],
)
def test_what_the_unpacker_would_believe_is_refused(tmp_path, compression, at, damage, told):
    tiles = {"tile_shape": (1, 90)} if compression != "HCOMPRESS_1" else {"tile_shape": (40, 90)}
    path = write_images(
        tmp_path / "i.fits", fits.CompImageHDU((BITS % 99).astype("i4"), name="A", compression_type=compression, **tiles)
    )
    with fits.open(path, disable_image_compression=True) as file:
        start = file[1].fileinfo()["datLoc"] + (at if len(file[1].data) == 40 else at - 8 * 39)
    raw = bytearray(path.read_bytes())
    raw[start : start + len(damage)] = damage
    path.write_bytes(raw)
    with pytest.raises(ProductError, match=f"HDU A: found packed data that cannot be unpacked .*{told}"):
        read(path)


def test_packed_data_that_are_cut_off_are_a_truncated_file(tmp_path):
    path = write_images(tmp_path / "i.fits", fits.CompImageHDU(IMAGE, name="A", **LOSSLESS))
    path.write_bytes(path.read_bytes()[:-6000])
    with pytest.raises(ProductError, match="truncated file"):
        read(path)


@pytest.mark.parametrize("length", [300, 700, 1000])
@pytest.mark.parametrize("integers", ["GZIP_1", "GZIP_2", "RICE_1"])
def test_a_table_of_compressed_columns_is_the_table(tmp_path, integers, length):
    packers = {"TARGETID": "GZIP_2", "FIBER": integers, "OBJTYPE": "GZIP_1", "XY": "GZIP_2", "FLAG": integers}
    path = tmp_path / "t.fits"
    fits.HDUList([fits.PrimaryHDU(), packed_table(packers, length=length)]).writeto(path, checksum=True)
    found = read(path)["PACKED"]
    assert found.dtype.names == TABLE.dtype.names
    for name in TABLE.dtype.names:
        np.testing.assert_array_equal(found[name], TABLE[name])


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({"ZCTYP2": "ZIP_9"}, "ZCTYP2 ZIP_9"),
        ({"ZTILELEN": 100}, "3 rows for 700 of 100 each"),
        ({"ZNAXIS2": 2**30}, "at most 1,000,000"),
        ({"ZFORM1": "1D"}, "FIBER|TARGETID"),
        ({"ZFORM2": "1D"}, "malformed header"),
        ({"ZNAXIS1": 1}, "malformed header"),
        ({"TFORM1": "1QB"}, "packed data that cannot be unpacked"),
    ],
)
def test_a_packed_table_that_contradicts_itself_is_one_line(tmp_path, cards, told):
    hdu = packed_table(dict.fromkeys(FORMS, "GZIP_2") | {"OBJTYPE": "GZIP_1"})
    path = tmp_path / "t.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    raw, header = path.read_bytes(), hdu.header.copy()
    at, before = raw.index(b"XTENSION"), len(header.tostring())
    header.update(cards)
    path.write_bytes(raw[:at] + header.tostring().encode() + raw[at + before :])
    if "FIBER" in told:
        # Another type of the same size is no contradiction of the file: what a product must hold is for its reader to say.
        assert read(path)["PACKED"]["TARGETID"].dtype == "f8"
        return
    with pytest.raises(ProductError, match=told) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(shutil.which("fpack") is None, reason="needs fpack on PATH (Debian: libcfitsio-bin)")
def test_what_fpack_packs_is_what_was_packed(tmp_path):
    plain = tmp_path / "p.fits"
    images = [fits.PrimaryHDU(IMAGE, fits.Header({"EXTNAME": "FLUX"}.items())), fits.ImageHDU(BITS, name="MASK")]
    fits.HDUList([*images, fits.BinTableHDU(TABLE, name="TABLE")]).writeto(plain, checksum=True)
    subprocess.run(["fpack", "-table", "-g2", "-q", "0", str(plain)], check=True)
    before, after = read(plain), read(plain.with_name("p.fits.fz"))
    assert before.keys() == after.keys() == {"FLUX", "MASK", "TABLE"}
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])
        assert values.dtype == after[name].dtype
