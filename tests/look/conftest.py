"""A production of two exposures at the size of real ones, with one patch of the slit that is wrong in the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.look.exposure import write_page
from pytest_specqa.production import Production
from pytest_specqa.values import DataUnit, Feature, Limit, Measured, Measurement, Outcome

NIGHT, EXPID, NEXT, TILE = 20211014, 104284, 104286, 7951
WAVE = 5760.0 + 0.8 * np.arange(2326)
PATCH, WINDOW = (3250, 3299), (6500.0, 6700.0)
INSIDE = np.abs(WAVE - 6600.0) <= 100.0
DEPTH = -30.0
HOSTILE = "</script><img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Written:
    """The production, what is in its files, and a page of it."""

    production: Production
    flux: dict[str, np.ndarray]
    sky: dict[str, np.ndarray]
    ivar: dict[str, np.ndarray]
    page: Path

    @property
    def html(self) -> str:
        return self.page.read_text(encoding="utf-8")


def fibermap_rows(petal: int) -> np.ndarray:
    names: list[Any] = [("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3"), ("DESI_TARGET", "i8")]
    names += [(name, "f8") for name in ("FIBER_X", "FIBER_Y", "FIBER_RA", "FIBER_DEC", "FLUX_R")]
    rows = np.zeros(500, dtype=names)
    rows["FIBER"] = 500 * petal + np.arange(500)
    rows["TARGETID"] = 39628000000000000 + rows["FIBER"].astype("i8")
    rows["OBJTYPE"] = np.where(rows["FIBER"] % 10 == 0, b"SKY", b"TGT")
    rows["DESI_TARGET"] = np.where(rows["FIBER"] % 10 == 0, 1 << 32, 1)
    rows["FLUX_R"] = np.where(rows["FIBER"] % 10 == 0, 0.0, 100.0)
    turn = np.deg2rad(252 + 36 * petal + 36 * (np.arange(500) % 25) / 25)
    radius = 30 + 370 * (np.arange(500) // 25) / 20
    rows["FIBER_X"], rows["FIBER_Y"] = radius * np.cos(turn), radius * np.sin(turn)
    rows["FIBER_RA"], rows["FIBER_DEC"] = 48.0 + rows["FIBER_X"] / 250, -6.5 + rows["FIBER_Y"] / 250
    rows["FIBERSTATUS"][7] = (1 << 1) | (1 << 9)
    return rows


def write(path: Path, hdus: dict[str, np.ndarray], **keywords: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = fits.HDUList()
    for name, data in hdus.items():
        kind = fits.BinTableHDU if data.dtype.names else (fits.ImageHDU if written else fits.PrimaryHDU)
        written.append(kind(data))
        written[-1].header["EXTNAME"] = name
    written[0].header.update(keywords)
    written.writeto(path, overwrite=True)
    return path


def write_camera(root: Path, expid: int, camera: str, *, depth: float, tile: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([expid, int(camera[1])])
    fiber = 500 * int(camera[1]) + np.arange(500)
    flux = rng.normal(0, 10, (500, WAVE.size)).astype("f4")
    flux[np.ix_((fiber >= PATCH[0]) & (fiber <= PATCH[1]), INSIDE)] += depth
    sky = (100 + 20 * np.sin(WAVE / 40) + 0.01 * (fiber[:, None] % 500)).astype("f4")
    ivar = np.full(flux.shape, 0.01, "f4")
    ivar[3, :] = 0
    ivar[:, 700] = 0
    mask = np.zeros(flux.shape, "u4")
    keywords = {"CAMERA": camera, "NIGHT": NIGHT, "EXPID": expid, "TILEID": tile, "EXPTIME": 1000.0, "PROGRAM": HOSTILE}
    folder = root / f"exposures/{NIGHT}/{expid:08d}"
    hdus = {"FLUX": flux, "IVAR": ivar, "MASK": mask, "WAVELENGTH": WAVE, "FIBERMAP": fibermap_rows(int(camera[1]))}
    write(folder / f"sframe-{camera}-{expid:08d}.fits", hdus, **keywords)
    hdus = {"SKY": sky, "IVAR": np.ones_like(sky), "MASK": mask, "WAVELENGTH": WAVE.astype("f4"), "THRPUTCORR": np.ones(500, "f4")}
    write(folder / f"sky-{camera}-{expid:08d}.fits", hdus, **keywords)
    return flux, sky, ivar


@pytest.fixture(scope="session")
def look_record() -> Callable[..., Any]:
    """Make a record of the patch, or of another camera, exposure or outcome."""

    def make(
        camera: str | None = "r6", value: float = 5.0, *, expid: int = EXPID, measure: str = "sky_step", **changes: Any
    ) -> Any:
        unit = DataUnit("camera" if camera else "exposure", NIGHT, expid=expid, tile=TILE, camera=camera)
        feature = Feature("bump", PATCH, WINDOW, amplitude=DEPTH, error=1.0, significance=30.0, unit="electron/Angstrom")
        limit = Limit(measure, high=3.0, warn_high=1.0, unit="m", source="a test")
        measured = Measured(value, error=0.1, fibers=(PATCH,), waves=WINDOW, detail=f"too little <b>{HOSTILE}", features=(feature,))
        outcome = limit.judge(measured)
        assert outcome is (Outcome.FAILED if value > 3 else Outcome.WARNED if value > 1 else Outcome.PASSED)
        judged = Measurement(unit, "test_sky", measured, limit, outcome, f"{measure} is {value}", stage="sky")
        return judged.as_record() | changes

    return make


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, look_record: Callable[..., Any]) -> Written:
    root = tmp_path_factory.mktemp("redux") / "<i>daily"
    flux, sky, ivar = {}, {}, {}
    for camera in ("r6", "r7"):
        flux[camera], sky[camera], ivar[camera] = write_camera(root, EXPID, camera, depth=DEPTH, tile=TILE)
    write_camera(root, NEXT, "r6", depth=0.0, tile=6699)
    production = Production(root)
    page = tmp_path_factory.mktemp("pages") / f"look-{EXPID:08d}.html"
    write_page(production, page, night=NIGHT, expid=EXPID, records=[look_record()])
    return Written(production, flux, sky, ivar, page)


@pytest.fixture
def links(tmp_path: Path, written: Written) -> Path:
    """A production of links to the same files, from which a test may take some away."""
    root = tmp_path / "linked"
    for path in written.production.root.rglob("*.fits"):
        here = root / path.relative_to(written.production.root)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(path)
    return root
