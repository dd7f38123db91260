"""What was verified of the files of a check is part of its records, in one process and in several."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from isal import igzip

CHECKS = """
import pytest

def level_of(sky):
    return 0

@pytest.mark.specqa_reduces(by=level_of)
def test_exposure(exposure_reduced, expect):
    expect("value", max(exposure_reduced(level_of)))

def test_camera(sky, expect):
    expect("value", 0)

def test_listing(exposures, specqa_night, expect):
    expect("value", 0)
"""
SHAPE = (500, 2326)


def write_sky(path, *, sums: bool, damage: bytes = b"") -> None:
    """A sky model with an HDU behind what is read; packed, where the name says so."""
    wave = np.float32(5760 + 0.8 * np.arange(SHAPE[1]))
    hdus = [fits.PrimaryHDU(np.ones(SHAPE, "f4"))]
    images = {"IVAR": np.ones(SHAPE, "f4"), "MASK": np.zeros(SHAPE, "u4"), "WAVELENGTH": wave, "STATIVAR": np.ones(SHAPE, "f4")}
    images |= {"THRPUTCORR": np.ones(500, "f4"), "BEHIND": np.zeros((9, 500), "f4")}
    hdus += [fits.ImageHDU(data, name=name) for name, data in images.items()]
    hdus[0].header.update({"EXTNAME": "SKY", "CAMERA": "r6", "NIGHT": 20211014, "EXPID": 1, "TILEID": 7951})
    bare = path.with_suffix("") if path.suffix == ".gz" else path
    fits.HDUList(hdus).writeto(bare, checksum=sums)
    if path.suffix == ".gz":
        path.write_bytes(igzip.compress(bare.read_bytes()) + damage)
        bare.unlink()


@pytest.fixture
def sky_path(tree):
    """Where the sky model of the only camera of a night lies."""
    folder = tree.exposure(1, ("r6",))
    (folder / "sky-r6-00000001.fits.gz").touch()
    return folder / "sky-r6-00000001.fits.gz"


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize(
    ("sums", "verify", "level"),
    [(True, "read", "datasum"), (False, "read", "none"), (True, "whole", "crc"), (False, "whole", "crc")],
)
def test_records_say_what_was_verified(project, run, sky_path, records, sums, verify, level, workers):
    write_sky(sky_path, sums=sums)
    project(CHECKS)
    run("--specqa-verify", verify, "--specqa-results", "r.jsonl", *workers).assert_outcomes(passed=3)
    assert {one["expectation"]: one["verified"] for one in records()} == {
        "test_camera": level,
        "test_exposure": level,
        "test_listing": "",
    }


def test_damage_behind_what_is_read_is_found_on_demand(project, run, sky_path, pytester):
    write_sky(sky_path, sums=False)
    raw = bytearray(sky_path.read_bytes())
    raw[-6] ^= 1
    sky_path.write_bytes(raw)
    project(CHECKS)
    run("-k", "camera").assert_outcomes(passed=1)
    pytester.makeini("[pytest]\nspecqa_verify = whole\n")
    failed = run("-k", "camera")
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(["*sky-r6-00000001.fits.gz: found unreadable data (CRC check failed*"])
    failed.stdout.fnmatch_lines(["*--specqa-verify whole*"])
