"""desispec reads the demo and reduces it to the same sframe; the project reads what desispec writes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pytest_specqa.demo import write_production
from pytest_specqa.production import Production

# desispec and its dependencies warn about many things that are not ours.
pytestmark = [pytest.mark.filterwarnings("ignore")]
NIGHT = 20211014


@pytest.fixture(scope="module")
def desi() -> ModuleType:
    desi_io = pytest.importorskip("desispec.io", reason="desispec is not installed (pip install pytest-specqa[interop])")
    assert isinstance(desi_io, ModuleType)
    return desi_io


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, desi: ModuleType) -> Path:
    root = tmp_path_factory.mktemp("interop") / "demo"
    return write_production(root, petals=[6], variants=["before"], progress=False, workers=1) / "before"


def _path(demo: Path, kind: str) -> str:
    return str(demo / "exposures" / str(NIGHT) / "00104284" / f"{kind}-r6-00104284.fits.gz")


def _flat(demo: Path) -> str:
    return str(demo / "calibnight" / str(NIGHT) / f"fiberflatnight-r6-{NIGHT}.fits")


@pytest.mark.parametrize("kind", ["frame", "sframe", "cframe"])
def test_desispec_reads_frames(desi: ModuleType, demo: Path, kind: str) -> None:
    frame = desi.read_frame(_path(demo, kind))
    assert frame.flux.shape == (500, 2326)
    assert frame.meta["CAMERA"] == "r6"
    assert len(frame.fibermap) == 500
    assert frame.R[0].shape == (2326, 2326)


def test_desispec_reads_the_other_products(desi: ModuleType, demo: Path) -> None:
    assert desi.read_sky(_path(demo, "sky")).throughput_corrections.shape == (500,)
    assert desi.read_fiberflat(_flat(demo)).fiberflat.shape == (500, 2326)
    assert desi.read_flux_calibration(_path(demo, "fluxcalib")).calib.shape == (500, 2326)
    coadd = demo / "tiles" / "cumulative" / "7951" / str(NIGHT) / f"coadd-6-7951-thru{NIGHT}.fits.gz"
    assert desi.read_spectra(str(coadd)).flux["r"].shape == (500, 2326)
    assert len(desi.read_fibermap(str(demo / "preproc" / str(NIGHT) / "00104284" / "fibermap-00104284.fits"))) == 5000


def test_desispec_makes_the_same_sframe(desi: ModuleType, demo: Path) -> None:
    fiberflat, sky = pytest.importorskip("desispec.fiberflat"), pytest.importorskip("desispec.sky")
    frame, sframe = desi.read_frame(_path(demo, "frame")), desi.read_frame(_path(demo, "sframe"))
    fiberflat.apply_fiberflat(frame, desi.read_fiberflat(_flat(demo)))
    sky.subtract_sky(frame, desi.read_sky(_path(demo, "sky")))
    assert ((frame.ivar > 0) == (sframe.ivar > 0)).all()
    good = sframe.ivar > 0
    assert np.abs((frame.flux - sframe.flux) * np.sqrt(sframe.ivar))[good].max() < 0.2
    assert np.median(frame.ivar[good] / sframe.ivar[good]) == pytest.approx(1.0, abs=0.01)


def test_project_reads_what_desispec_writes(desi: ModuleType, demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exposures" / str(NIGHT) / "00104284"
    folder.mkdir(parents=True)
    desi.write_frame(str(folder / "sframe-r6-00104284.fits.gz"), desi.read_frame(_path(demo, "sframe")))
    desi.write_sky(str(folder / "sky-r6-00104284.fits.gz"), desi.read_sky(_path(demo, "sky")))
    where = {"night": NIGHT, "expid": 104284, "camera": "r6"}
    ours, theirs = Production(demo), Production(tmp_path)
    assert (ours.read_frame("sframe", **where).flux == theirs.read_frame("sframe", **where).flux).all()
    assert (ours.read_sky(**where).flux == theirs.read_sky(**where).flux).all()
    assert (ours.read_frame("sframe", **where).is_sky == theirs.read_frame("sframe", **where).is_sky).all()
