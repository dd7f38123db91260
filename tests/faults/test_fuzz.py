"""Damaged files are named: a small part of ``make fuzz``, the same at each run."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import astropy.io.fits
import pytest

from . import fits, harness, judge, oracle, products, texts
from .bench import Bench, Tree, packed, written
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


def test_an_hdu_twice_behind_all_that_is_read_is_told_on_demand_only(tmp_path):
    units = [image("FIBERMAP", first=True), image("OTHER")]
    (tmp_path / "sound.fits.gz").write_bytes(packed(written(units, sums=False)))
    (tmp_path / "damaged.fits.gz").write_bytes(packed(written([*units, image("FIBERMAP")], sums=False)))
    found = oracle.opinion("fibermap", sound=tmp_path / "sound.fits.gz", damaged=tmp_path / "damaged.fits.gz")
    assert (found.material, found.told) == (True, oracle.BEHIND)


def test_only_a_check_that_is_gone_is_missed(tmp_path):
    rows = [{"unit": "a", "expectation": "one", "measure": what} for what in "xy"] + [{"unit": "b", "expectation": "one"}]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    for left, told in ((lines[1:], ""), (lines[:2], "schema")):
        (tmp_path / "results.jsonl").write_bytes(b"".join(left))
        found = texts.opinion("results.jsonl", sound=b"".join(lines), damaged=tmp_path / "results.jsonl")
        assert (found.material, found.told) == (True, told)


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ([{"outcome": "failed", "measure": "m", "message": "the sky model of r6 is bent"}], "named"),
        ([{"outcome": "failed", "measure": "m", "message": "something is bent"}], "unnamed"),
        ([{"outcome": "warned", "measure": "table_oddities", "message": "odd"}], "named"),
        ([{"outcome": "warned", "measure": "m", "message": "the sky is bright"}], "passed"),
    ],
)
def test_a_failure_counts_where_it_names_the_file(tmp_path, records, verdict):
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps({"expectation": "test_it", **record}) + "\n" for record in records))
    code = int(any(record["outcome"] == "failed" for record in records))
    assert judge.weighed(code, "", path, r"\bsky").verdict == verdict


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
