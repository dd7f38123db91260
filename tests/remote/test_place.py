"""Addresses that are used as paths, and what of them is shown."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from pytest_specqa import remote
from pytest_specqa.errors import UsageError
from pytest_specqa.opening import UnfitFileError
from pytest_specqa.production import resolve
from pytest_specqa.remote import RemotePath

ROOT = "https://data.example.org/public/dr1/spectro/redux/iron"


@pytest.mark.parametrize("text", [ROOT, f"{ROOT}/", ROOT.replace("//data", "////data").replace("https:////", "https://")])
def test_an_address_has_the_names_of_a_path(text: str) -> None:
    root = RemotePath.of(text)
    path = root / "exposures/20211014" / "sframe-r6-00104284.fits.gz"
    assert str(root) == ROOT
    assert str(path) == f"{ROOT}/exposures/20211014/sframe-r6-00104284.fits.gz"
    assert (path.name, path.suffix, path.parent.name, root.name) == ("sframe-r6-00104284.fits.gz", ".gz", "20211014", "iron")
    assert path.with_name("x.fits") == root / "exposures" / "20211014" / "x.fits"
    assert path.relative_to(root) == Path("exposures/20211014/sframe-r6-00104284.fits.gz")
    assert type(path.relative_to(root)) is type(Path())
    assert path.is_relative_to(root)
    assert root in path.parents
    assert path.resolve() == path
    assert path.is_absolute()
    assert len({path, root / "exposures/20211014/sframe-r6-00104284.fits.gz"}) == 1
    assert pickle.loads(pickle.dumps(path)) == path


def test_a_bucket_keeps_both_slashes() -> None:
    path = RemotePath.of("s3://desidata/dr1") / "spectro"
    assert (str(path), path.host, path.key) == ("s3://desidata/dr1/spectro", "desidata", "dr1/spectro")
    assert str(RemotePath.of("s3://desidata")) == "s3://desidata"


def test_what_an_address_cannot_hold_as_it_is_stands_as_it_was_given() -> None:
    path = RemotePath.of("http://127.0.0.1:80/a%20b/c%23d")
    assert path.key == "a b/c#d"
    assert path.as_uri() == str(path) == "http://127.0.0.1:80/a%20b/c%23d"


def test_an_address_is_no_file_of_this_machine() -> None:
    path = RemotePath.of(ROOT)
    with pytest.raises(UnfitFileError, match="an address"):
        os.fspath(path)
    with pytest.raises(OSError, match="an address"):
        path.write_text("x")
    with pytest.raises(OSError, match="an address"):
        path.mkdir()


@pytest.mark.parametrize(
    "text",
    [
        "https://me:s3same@data.example.org/prod",
        "https://s3same@data.example.org/prod",
        "s3://key:s3same@bucket/prod",
        "https://data.example.org/prod?token=s3same",
        "https://data.example.org/prod#s3same",
        "ftp://me:s3same@data.example.org/prod",
    ],
)
def test_an_address_with_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as error:
        RemotePath.of(text)
    assert "s3same" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["gs://bucket/prod", "ftp://host/prod", "https://", "s3:/bucket/prod", "https:/host/prod", "file:///prod"]
)
def test_an_address_of_another_kind_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="expected an address like https://HOST/FOLDER or s3://BUCKET/FOLDER"):
        resolve(text, {})


def test_a_local_path_stays_one(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    assert resolve(str(folder), {}) == folder
    assert not remote.is_remote(folder)
    assert not remote.is_address("iron")
    assert not remote.is_address("./https:/x")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("pytest_specqa.remote.") and name.endswith(("web", "bucket"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for address, package in ((ROOT, "aiohttp"), ("s3://desidata/dr1", "s3fs")):
        with pytest.raises(UsageError, match=package) as error:
            resolve(address, {})
        assert "pip install 'pytest-specqa[remote]'" in str(error.value)
