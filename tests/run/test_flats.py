"""Which flat a camera was divided by: the one that its header names, or a word on why it is not here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_specqa.checks.call import NotExpected
from pytest_specqa.errors import MissingProductError
from pytest_specqa.instrument import DESI
from pytest_specqa.run.cache import NightCache, ProductCache
from pytest_specqa.run.loader import Products
from pytest_specqa.run.reading import Notes
from pytest_specqa.values import DataUnit

NIGHT, EXPID = 20220211, 122115
UNIT = DataUnit("camera", NIGHT, expid=EXPID, camera="b0", petal=0)
CORRECTED = f"SPECPROD/exposures/{NIGHT}/00122115/fiberflatexp-b0-00122115.fits"
NIGHTLY = f"SPECPROD/calibnight/{NIGHT}/fiberflatnight-b0-{NIGHT}.fits"
DEFAULT = "/calib/spec/sm4/fiberflat-sm4-b-20210501.fits"


class Archive:
    """A production that holds the flats that a test gives it."""

    name, instrument, kinds = "made", DESI, ("sframe", "fiberflat")

    def __init__(self, root: Path, used: str, *there: str, lamps: int = NIGHT) -> None:
        self.root, self.used, self.there, self.lamps, self.reads = root, used, there, lamps, []

    def find(self, product, **_):
        if product not in self.there:
            raise MissingProductError(f"{product}: not found")
        return self.root / product

    def read_frame(self, kind, **_):
        return Frame(self.root / kind, {"FIBERFLT": self.used})

    def read_fiberflat(self, *, night, expid=None, **_):
        path = self.find("fiberflatnight" if expid is None else "fiberflatexp")
        self.reads.append(path.name)
        return SimpleNamespace(path=path, night=night, header={"NIGHT": self.lamps}, nbytes=1)

    def expected_products(self, *_):
        return None


@pytest.fixture(autouse=True)
def plain_frames(monkeypatch):
    """Frames here have a header and no fibermap to follow."""
    monkeypatch.setattr("pytest_specqa.run.loader.followed", lambda frame, _: frame)


class Frame(SimpleNamespace):
    """A header."""

    def __init__(self, path, header):
        super().__init__(path=path, header=header, nbytes=1)


def products(archive):
    selection = SimpleNamespace(exposure=lambda _: None)
    return Products(archive, selection, ProductCache(1000), flats=NightCache(1000))


def given(archive, kind):
    return getattr(products(archive), kind)(UNIT, check=Notes()).path.name


def test_the_corrected_flat_is_used_where_the_header_names_it(tmp_path):
    archive = Archive(tmp_path, CORRECTED, "fiberflatexp", "fiberflatnight")
    assert given(archive, "used_fiberflat") == "fiberflatexp"
    assert given(archive, "fiberflat") == "fiberflatnight"


def test_a_link_to_the_flat_of_the_night_is_that_flat(tmp_path):
    (tmp_path / "fiberflatnight").touch()
    (tmp_path / "fiberflatexp").symlink_to(tmp_path / "fiberflatnight")
    archive = Archive(tmp_path, CORRECTED, "fiberflatexp", "fiberflatnight")
    assert given(archive, "used_fiberflat") == "fiberflatnight"
    assert archive.reads == ["fiberflatnight"]


@pytest.mark.parametrize("used", [NIGHTLY, ""])
def test_else_the_flat_of_the_night_is_used(tmp_path, used):
    assert given(Archive(tmp_path, used, "fiberflatexp", "fiberflatnight"), "used_fiberflat") == "fiberflatnight"


def test_a_named_flat_that_is_not_here_is_named(tmp_path):
    with pytest.raises(NotExpected, match="fiberflatexp-b0"):
        given(Archive(tmp_path, CORRECTED, "fiberflatnight"), "used_fiberflat")


@pytest.mark.parametrize("used", [NIGHTLY, CORRECTED, ""])
def test_a_lost_flat_of_the_night_is_missed(tmp_path, used):
    with pytest.raises(MissingProductError):
        given(Archive(tmp_path, used, "fiberflatexp"), "fiberflat")


@pytest.mark.parametrize(("used", "lamps"), [(DEFAULT, NIGHT), (CORRECTED, 20210501)])
def test_a_default_flat_is_no_loss(tmp_path, used, lamps):
    with pytest.raises(NotExpected, match="no flat of this night"):
        given(Archive(tmp_path, used, "fiberflatexp", lamps=lamps), "fiberflat")
