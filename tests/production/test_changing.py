"""A file that another process writes, replaces or removes while it is read is named, and nothing of it is given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import Camera
from pytest_specqa.production.content import Content, Image, read_content
from pytest_specqa.production.frames import Frame, read_frame
from pytest_specqa.production.stream import FitsStream

NIGHT, EXPID = 20211014, 104284
WANTED = {"FIRST": Image(("f4",), (None, None))}
Change = Callable[[Path], object]


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(2880))


def replace(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    new.replace(path)


def look(path: Path) -> None:
    os.utime(path, ns=(1, path.stat().st_mtime_ns))


@pytest.fixture
def file(tmp_path: Path, pack_file: Callable[[Path], Path], packed: bool) -> Path:
    path = tmp_path / "x.fits"
    images = (fits.ImageHDU(np.ones((50, 400), "f4"), name=name) for name in ("FIRST", "LAST"))
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path)
    return pack_file(path) if packed else path


def read_while(change: Change, path: Path, monkeypatch: pytest.MonkeyPatch) -> Content:
    """Read a file that changes after its first HDU was read."""
    read = FitsStream.read

    def changing(stream: FitsStream, *args: Any, **kwargs: Any) -> Any:
        data = read(stream, *args, **kwargs)
        change(path)
        return data

    monkeypatch.setattr(FitsStream, "read", changing)
    return read_content(path, WANTED)


def fail_after(change: Callable[[], object], path: Path, error: Exception) -> None:
    with FitsStream(path):
        change()
        raise error


@pytest.mark.parametrize(
    ("change", "said"), [(grow, "changed"), (replace, "was replaced"), (Path.unlink, "was removed")], ids=["grows", "new", "gone"]
)
def test_a_change_while_a_file_is_read_is_named(file: Path, monkeypatch: pytest.MonkeyPatch, change: Change, said: str) -> None:
    with pytest.raises(ProductError) as caught:
        read_while(change, file, monkeypatch)
    found = f"found a file that {said} while it was read"
    assert str(caught.value) == f"{file.name}: {found}; expected a finished file; run again when the pipeline is done"


def test_a_file_that_others_read_meanwhile_is_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_while(look, file, monkeypatch).data["FIRST"].all()


def test_a_file_in_the_making_is_not_called_damaged(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProductError, match="truncated"):
        read_content(file, WANTED | {"LAST": WANTED["FIRST"]})
    with pytest.raises(ProductError, match="a file that changed while it was read"):
        fail_after(lambda: file.write_bytes(whole), file, ProductError("truncated"))


def test_other_errors_are_not_hidden_by_a_change(file: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_after(file.unlink, file, ZeroDivisionError())


@pytest.mark.parametrize("part", ["resolution", "fibermap"])
def test_parts_that_are_read_later_belong_to_the_same_file(exposure_folder: Path, products: Any, part: str) -> None:
    path = products.write(exposure_folder / f"frame-r6-{EXPID:08d}.fits.gz", products.frame())

    def read() -> Frame:
        return read_frame(path, "frame", night=NIGHT, expid=EXPID, camera=Camera("r", 6))

    assert getattr(read(), part) is not None
    frame = read()
    replace(path)
    with pytest.raises(ProductError, match=r"while it was read; expected a finished file"):
        getattr(frame, part)
