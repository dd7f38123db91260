"""SDSS/BOSS as an archive: spCFrame-like files of two spectrographs of 500 fibers on a log-lambda grid.

One file per camera, ``NIGHT/spCFrame-r1-00123456.fits``: FLUX, IVAR, ANDMASK, the plugmap and the SKY that was subtracted, with
COEFF0 and COEFF1 of ``log10(lambda)`` in the header, as the files of SDSS have them. Cameras b1, r1, b2, r2 of the files are called
b0, r0, b1, r1 here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from astropy.io import fits

from pytest_specqa.errors import MissingProductError
from pytest_specqa.instrument import DESI, Band
from pytest_specqa.production import Fibermap, Frame, Sky
from pytest_specqa.values import Exposure, Tile

STEP = 1e-4
"""Of log10(lambda), as in all reductions of SDSS."""


def band(first: float, bins: int) -> Band:
    return Band(first, float(first * 10 ** (STEP * (bins - 1))), bins)


BOSS = replace(
    DESI,
    name="BOSS",
    bands={"b": band(3600.0, 2420), "r": band(5650.0, 2600)},
    spectrographs=2,
    fibers=500,
    block=20,
    patch=100,
    radius=327.0,
    flags={"NOPLUG": 0},
    fatal={"b": 1, "r": 1},
    unusable=1,
    imaging={},
)


def wavelengths(name: str) -> np.ndarray:
    grid = BOSS.bands[name]
    return grid.first * 10 ** (STEP * np.arange(grid.bins))


class BossArchive:
    """Nights of spCFrame files; there are no sky, flat or redshift files of their own."""

    def __init__(self, root: Path) -> None:
        self.root, self.name, self.instrument = root, root.name, BOSS

    def nights(self) -> list[int]:
        return sorted(int(folder.name) for folder in self.root.iterdir() if re.fullmatch(r"\d{8}", folder.name))

    def exposures(self, night: int) -> list[Exposure]:
        found: dict[int, list[str]] = {}
        for path in sorted((self.root / str(night)).glob("spCFrame-*.fits")):
            letter, number, expid = re.fullmatch(r"spCFrame-([br])([12])-(\d{8})\.fits", path.name).groups()
            found.setdefault(int(expid), []).append(f"{letter}{int(number) - 1}")
        return [Exposure(night, expid, 3586, tuple(sorted(names))) for expid, names in sorted(found.items())]

    def tiles(self, *, group: str = "cumulative", night: int | None = None) -> list[Tile]:
        return []

    def expected_products(self, exposure: Exposure, camera: str) -> tuple[str, ...] | None:
        return None

    def tile_of(self, night: int, expid: int) -> int | None:
        return 3586

    def find(self, product: str, *, night: int, expid: int, camera: str) -> Path:
        one = BOSS.camera(camera)
        path = self.root / str(night) / f"spCFrame-{one.band}{one.petal + 1}-{expid:08d}.fits"
        if product not in ("sframe", "sky") or not path.is_file():
            raise MissingProductError(f"no {product} of {camera} in exposure {expid} of night {night}: expected {path}")
        return path

    def read_frame(self, kind: str, *, night: int, expid: int, camera: str, hdus: Iterable[str] = ()) -> Frame:
        path = self.find(kind, night=night, expid=expid, camera=camera)
        with fits.open(path) as file:
            header = dict(file[0].header)
            flux, ivar, mask = (native(file[k].data) for k in range(3))
            plugged = file["PLUGMAP"].data
            table = np.zeros(BOSS.fibers, dtype=[("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3")])
            table["FIBER"] = plugged["FIBERID"] - 1
            table["TARGETID"] = 1 + np.arange(BOSS.fibers)
            table["OBJTYPE"] = np.where(plugged["OBJTYPE"] == "SKY", b"SKY", b"TGT")
        fibermap = Fibermap(table, header, path)
        wave = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(flux.shape[1]))
        place = {"header": header, "path": path, "camera": camera, "night": night, "expid": expid, "tile": 3586, "instrument": BOSS}
        return Frame(kind, flux, ivar, mask, wave, load_fibermap=lambda: fibermap, load_resolution=lambda: None, **place)

    def read_sky(self, *, night: int, expid: int, camera: str) -> Sky:
        frame = self.read_frame("sky", night=night, expid=expid, camera=camera)
        with fits.open(frame.path) as file:
            sky = native(file["SKY"].data)
        given = {name: getattr(frame, name) for name in ("ivar", "mask", "wave", "header", "path", "camera", "night", "expid")}
        return Sky(flux=sky, stativar=None, thrputcorr=None, instrument=BOSS, **given)

    def read_fiberflat(self, **where: Any) -> NoReturn:
        self._missing("fiberflat")

    def read_fluxcalib(self, **where: Any) -> NoReturn:
        self._missing("fluxcalib")

    def read_redshifts(self, *where: Any) -> NoReturn:
        self._missing("redshifts")

    def read_coadd(self, *where: Any, **more: Any) -> NoReturn:
        self._missing("coadd")

    def _missing(self, kind: str) -> NoReturn:
        raise MissingProductError(f"{self.name} has no {kind}")


def native(data: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(data.astype(data.dtype.newbyteorder("=")))


def write_exposure(root: Path, night: int, expid: int, *, line: tuple[str, slice, float] | None = None) -> None:
    """Write both spectrographs in both bands: noise, targets and a sky of lines; a line may stand in some rows of one camera."""
    folder = root / str(night)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(expid)
    for number in (1, 2):
        for letter in "br":
            wave = wavelengths(letter)
            sky = np.full(wave.size, 120.0)
            places = np.random.default_rng(3).uniform(wave[50], wave[-50], 30)
            for centre, height in zip(places, 10 ** np.random.default_rng(4).uniform(2.3, 3.3, 30), strict=True):
                sky += height * np.exp(-0.5 * ((wave - centre) / 1.1) ** 2)
            is_sky = np.arange(BOSS.fibers) % 10 == 3
            light = np.where(is_sky, 0.0, 10 ** rng.normal(0.5, 0.4, BOSS.fibers))
            flux = light[:, None] + np.sqrt(100.0 + 0.5 * sky) * rng.standard_normal((BOSS.fibers, wave.size))
            if line is not None and line[0] == f"{letter}{number}":
                flux[line[1]] += 40.0 * np.exp(-0.5 * ((wave - line[2]) / 1.1) ** 2)
            ivar = np.broadcast_to(1 / (100.0 + 0.5 * sky), flux.shape)
            plugmap = fits.BinTableHDU.from_columns(
                [
                    fits.Column("FIBERID", "J", array=1 + BOSS.fibers * (number - 1) + np.arange(BOSS.fibers)),
                    fits.Column("OBJTYPE", "16A", array=np.where(is_sky, "SKY", "GALAXY")),
                ],
                name="PLUGMAP",
            )
            first = fits.PrimaryHDU(flux.astype(">f4"))
            first.header.update(COEFF0=np.log10(wave[0]), COEFF1=STEP, EXPTIME=900.0, CAMERAS=f"{letter}{number}")
            hdus = [
                first,
                fits.ImageHDU(ivar.astype(">f4"), name="IVAR"),
                fits.ImageHDU(np.zeros(flux.shape, ">i4"), name="ANDMASK"),
            ]
            hdus += [plugmap, fits.ImageHDU(np.tile(sky, (BOSS.fibers, 1)).astype(">f4"), name="SKY")]
            fits.HDUList(hdus).writeto(folder / f"spCFrame-{letter}{number}-{expid:08d}.fits")
