"""Files that are cut anywhere are found by their last bytes, and whole ones of all makes pass."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.watch import endings

DATA = (2880, 20_160)
"""Where the two images of 12,000 bytes begin."""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "sframe-r6-00000001.fits"
    noise = np.random.default_rng(1).normal(size=(30, 100)).astype("f4")
    fits.HDUList([fits.PrimaryHDU(noise), fits.ImageHDU(noise, name="IVAR")]).writeto(path)
    return path


@pytest.fixture
def packed(plain: Path) -> Path:
    path = plain.with_name(plain.name + ".gz")
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


def test_whole_files_pass_packed_ones_by_their_last_bytes(plain: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert endings.cut_short([plain]) == []
    monkeypatch.setattr(endings, "FitsStream", None)
    assert endings.cut_short([packed]) == []


@pytest.mark.parametrize("kind", ["plain", "packed"])
def test_a_file_that_is_cut_is_found(plain: Path, packed: Path, kind: str) -> None:
    path = plain if kind == "plain" else packed
    content = path.read_bytes()
    places = [*range(0, len(content) - 1, 997), 2880, 5760, 20_160, 23_040, len(content) - 1, len(content) - 4, 1, 2, 3]
    for place in (place for place in places if place < len(content)):
        path.write_bytes(content[:place])
        # A plain file may end behind the data of an HDU: nothing tells that there was another one.
        ends = kind == "plain" and any(first + 12_000 <= place <= first + 14_400 for first in DATA)
        assert endings.cut_short([path]) == ([] if ends else [path]), place


def test_a_file_of_several_members_is_whole(plain: Path, packed: Path) -> None:
    content = plain.read_bytes()
    packed.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]))
    assert endings.cut_short([plain, packed]) == []


def test_what_is_no_product_is_passed_over_and_what_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    gone = tmp_path / "sky-r6-00000001.fits.gz"
    folder = tmp_path / "frame-r6-00000001.fits"
    folder.mkdir()
    assert endings.cut_short([tmp_path / "notes.txt", gone, folder]) == [gone, folder]
