"""Products of full size but little content, written with astropy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from isal import igzip

NIGHT, EXPID, TILE = 20211014, 104284, 7951
FIBERS = 500
STARTS = {"b": (3600.0, 2751), "r": (5760.0, 2326), "z": (7520.0, 2881)}
Hdus = dict[str, Any]


def grid(band: str) -> np.ndarray:
    start, bins = STARTS[band]
    return start + 0.8 * np.arange(bins)


def fibermap_rows(petals: tuple[int, ...] = (6,), *, sky_every: int = 10) -> np.ndarray:
    names = [("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3"), ("FIBER_X", "f8"), ("FIBER_Y", "f8")]
    rows = np.zeros(FIBERS * len(petals), dtype=names)
    rows["FIBER"] = np.concatenate([FIBERS * petal + np.arange(FIBERS) for petal in petals])
    rows["TARGETID"] = 39628000000000000 + rows["FIBER"].astype("i8")
    rows["OBJTYPE"] = np.where(rows["FIBER"] % sky_every == 0, b"SKY", b"TGT")
    return rows


class Writer:
    """Makes the HDUs of products and writes them; every HDU may be replaced, and ``None`` leaves it out."""

    def frame(self, camera: str = "r6", **changes: Any) -> Hdus:
        wave = grid(camera[0])
        flux = np.ones((FIBERS, len(wave)), "f4")
        hdus = {"FLUX": flux, "IVAR": flux.copy(), "MASK": np.zeros(flux.shape, "u4"), "WAVELENGTH": wave}
        hdus["RESOLUTION"] = np.zeros((FIBERS, 2, len(wave)), "f4")
        hdus["FIBERMAP"] = fibermap_rows((int(camera[1]),))
        return hdus | changes

    def sky(self, camera: str = "r6", **changes: Any) -> Hdus:
        wave = grid(camera[0]).astype("f4")
        flux = np.full((FIBERS, len(wave)), 100, "f4")
        hdus = {"SKY": flux, "IVAR": flux.copy(), "MASK": np.zeros(flux.shape, "u4"), "WAVELENGTH": wave, "STATIVAR": flux.copy()}
        hdus["THRPUTCORR"] = np.ones(FIBERS, "f4")
        hdus["SKYGRADPCACOEFF"] = np.zeros(0, "f4")
        return hdus | changes

    def fiberflat(self, camera: str = "r6", **changes: Any) -> Hdus:
        wave = grid(camera[0]).astype("f4")
        flat = np.ones((FIBERS, len(wave)), "f4")
        hdus = {
            "FIBERFLAT": flat,
            "IVAR": flat.copy(),
            "MASK": np.zeros(flat.shape, "u4"),
            "MEANSPEC": wave.copy(),
            "WAVELENGTH": wave,
        }
        return hdus | changes

    def fluxcalib(self, camera: str = "r6", *, kind: str = "f4", **changes: Any) -> Hdus:
        wave = grid(camera[0]).astype("f4")
        values = np.ones((FIBERS, len(wave)), kind)
        hdus = {"FLUXCALIB": values, "IVAR": values.copy(), "MASK": np.zeros(values.shape, "u4"), "WAVELENGTH": wave}
        return hdus | changes

    def redshifts(self, petal: int = 6, **changes: Any) -> Hdus:
        fibermap = fibermap_rows((petal,))
        names = [("TARGETID", "i8"), ("Z", "f8"), ("ZERR", "f8"), ("ZWARN", "i8"), ("SPECTYPE", "S6"), ("DELTACHI2", "f8")]
        table = np.zeros(FIBERS, dtype=names)
        table["TARGETID"], table["SPECTYPE"], table["Z"] = fibermap["TARGETID"], b"QSO", np.linspace(0.1, 3, FIBERS)
        exposures = np.zeros(FIBERS, dtype=[("TARGETID", "i8"), ("EXPID", "i4")])
        exposures["TARGETID"], exposures["EXPID"] = fibermap["TARGETID"], EXPID
        depth = np.zeros(FIBERS, dtype=[("TARGETID", "i8"), ("TSNR2_LRG", "f4")])
        depth["TARGETID"] = fibermap["TARGETID"]
        return {"": None, "REDSHIFTS": table, "FIBERMAP": fibermap, "EXP_FIBERMAP": exposures, "TSNR2": depth} | changes

    def write(self, path: Path, hdus: Hdus, *, packed: bool = False, checksum: bool = False, **keywords: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        header: dict[str, Any] = {}
        if "FLUX" in hdus or "SKY" in hdus or "FLUXCALIB" in hdus:
            header = {"CAMERA": path.name.split("-")[1], "NIGHT": NIGHT, "EXPID": EXPID, "TILEID": TILE}
        header = {name: value for name, value in (header | keywords).items() if value is not None}
        written = fits.HDUList()
        for name, data in hdus.items():
            if data is None and name:
                continue
            kind = fits.ImageHDU if written else fits.PrimaryHDU
            written.append(fits.BinTableHDU(data) if data is not None and data.dtype.names else kind(data))
            written[-1].header.update({"EXTNAME": name} if name else {})
        written[0].header.update(header)
        written.writeto(path, overwrite=True, checksum=checksum)
        return pack(path) if packed else path


def pack(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    with igzip.open(packed, "wb", compresslevel=0) as file:
        file.write(path.read_bytes())
    path.unlink()
    return packed


@pytest.fixture(scope="session")
def products() -> Writer:
    return Writer()


@pytest.fixture(params=["fits", "fits.gz"])
def packed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "fits.gz")


@pytest.fixture(scope="session")
def pack_file() -> Callable[[Path], Path]:
    return pack


@pytest.fixture(scope="session")
def fibermap() -> Callable[..., np.ndarray]:
    return fibermap_rows


@pytest.fixture
def exposure_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exposures" / str(NIGHT) / f"{EXPID:08d}"
    folder.mkdir(parents=True)
    return folder
