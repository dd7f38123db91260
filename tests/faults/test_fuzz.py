"""Damaged files are named: a small part of ``make fuzz``, the same at each run."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import astropy.io.fits
import pytest

from . import fits, harness, oracle, products
from .bench import Bench, Tree, written
from .case import Damage, place

ROOT = Path(__file__).parents[2]
CASES = 70


def image(name: str, *, first: bool = False) -> fits.Unit:
    """A unit with a few bytes of data."""
    kind = f"{'SIMPLE':<8}= {'T':>20}" if first else "XTENSION= 'IMAGE   '"
    cards = [kind, *(f"{key:<8}= {value:>20}" for key, value in (("BITPIX", "-32"), ("NAXIS", "1"), ("NAXIS1", "100")))]
    cards += [f"EXTNAME = '{name:<8}'"]
    return fits.Unit(tuple(card.ljust(80).encode() for card in cards), bytes(range(200)) * 2 + bytes(2880 - 400))


def test_a_file_taken_apart_is_the_same_when_put_together():
    raw = fits.join([image("FLUX", first=True), image("IVAR")])
    assert fits.join(fits.split(raw)) == raw
    assert [unit.name for unit in fits.split(raw)] == ["FLUX", "IVAR"]


def test_astropy_agrees_with_the_sums(tmp_path):
    (tmp_path / "sound.fits").write_bytes(written([image("FLUX", first=True), image("IVAR")], sums=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with astropy.io.fits.open(tmp_path / "sound.fits", checksum=True, lazy_load_hdus=False) as hdus:
            assert all("CHECKSUM" in hdu.header and "DATASUM" in hdu.header for hdu in hdus)


@pytest.mark.parametrize(
    ("sums", "told"),
    [pytest.param(True, "sum", id="with sums"), pytest.param(False, "", id="without any")],
)
def test_the_oracle_knows_what_tells_a_changed_bit(tmp_path, sums, told):
    raw = bytearray(written([image("FIBERMAP", first=True)], sums=sums))
    (tmp_path / "sound.fits").write_bytes(raw)
    raw[2880 + 3] ^= 1
    (tmp_path / "damaged.fits").write_bytes(raw)
    found = oracle.opinion("fibermap", sound=tmp_path / "sound.fits", damaged=tmp_path / "damaged.fits")
    assert (found.material, found.told) == (True, told)


def test_the_oracle_takes_a_changed_comment_for_nothing(tmp_path):
    raw = bytearray(written([image("FIBERMAP", first=True)], sums=True))
    (tmp_path / "sound.fits").write_bytes(raw)
    raw[4 * 80 + 60] = ord("(")
    (tmp_path / "damaged.fits").write_bytes(raw)
    assert not oracle.opinion("fibermap", sound=tmp_path / "sound.fits", damaged=tmp_path / "damaged.fits").material


def test_a_case_is_the_same_each_time(tmp_path):
    tree = Tree(Bench(tmp_path), tmp_path)
    first, again = (products.draft_of("zeros:7", tree) for _ in range(2))
    assert (first.kind, first.variant) == (again.kind, again.variant)
    assert first.rng.integers(1 << 40) == again.rng.integers(1 << 40)


@pytest.mark.parametrize("special", ["empty", "folder", "fifo", "socket", "device", "loop", "dangling"])
def test_what_stands_in_the_place_of_a_file_is_no_file_of_use(tmp_path, special):
    place(Damage("", special=special), tmp_path / "one")
    found = oracle.opinion("redrock", sound=tmp_path / "any", damaged=tmp_path / "one")
    assert (found.material, found.told) == (True, "unreadable")


def test_each_class_has_its_share():
    names = harness.names(CASES, seed=1)
    assert {harness.family(name) for name in names} == set(harness.CLASSES)
    assert len(set(names)) == len(names)


def test_counts_add_up():
    outcomes = [harness.Outcome("zeros:1", "named", "", ""), harness.Outcome("zeros:2", "silent", "", "")]
    assert harness.table(outcomes).splitlines()[-1].split()[:3] == ["all", "2", "1"]


def test_nothing_that_can_be_told_is_silent(tmp_path):
    words = [sys.executable, "-m", "tests.faults", "--count", str(CASES), "--bench", str(tmp_path / "bench")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"all{len(harness.names(CASES, seed=1)):>20}" in done.stdout
