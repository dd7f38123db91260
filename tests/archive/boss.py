"""A reader of another survey, as its people would write it: spFrame files of BOSS, one per camera and exposure.

Unlike DESI: two spectrographs, called 1 and 2; a grid that is even in log-lambda; flux per pixel; spectra and sky model in one
file; the status of a fiber in bits that all of its pixels carry; a plug map instead of a fibermap.
"""

# ruff: noqa: ARG002 - the protocol names more than these files need
from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from pytest_specqa.errors import MissingProductError
from pytest_specqa.instrument import DESI, Band, Instrument
from pytest_specqa.production import Fibermap, Frame, Sky
from pytest_specqa.values import Exposure, Tile

LOGLAM_STEP, BINS = 1e-4, 2300
STARTS = {"b": 3.5563, "r": 3.7634}
FLAGS = {"NOPLUG": 0, "BADTRACE": 1, "BADFLAT": 2, "BADARC": 3, "MANYBADCOLUMNS": 4, "MANYREJECTED": 5}
WHOLE_FIBER = sum(1 << bit for bit in FLAGS.values())
LIGHT_SPEED = 299792.458

BOSS = Instrument(
    name="BOSS",
    bands={band: Band(10**start, 10 ** (start + LOGLAM_STEP * (BINS - 1)), BINS) for band, start in STARTS.items()},
    spectrographs=2,
    fibers=500,
    block=20,
    patch=100,
    radius=325.0,
    flags=FLAGS,
    fatal=dict.fromkeys("br", WHOLE_FIBER),
    unusable=WHOLE_FIBER,
    # The sky and the Galaxy are those of DESI.
    sky_lines=DESI.sky_lines,
    sky_features=DESI.sky_features,
    line_free=DESI.line_free,
    nebular=DESI.nebular,
    interstellar=DESI.interstellar,
    telluric=DESI.telluric,
    targets={},
    imaging={},
)

SP_FRAME = re.compile(r"spFrame-([br])([12])-([0-9]{8})\.fits")
MJD_ZERO = datetime.date(1858, 11, 17)
KINDS = ("sframe", "sky")


class BossArchive:
    """spFrame files in folders named by plate; an spFrame holds both the sky-subtracted spectra and the sky model."""

    instrument = BOSS
    kinds = KINDS

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = root.name

    @cached_property
    def _exposures(self) -> dict[int, Exposure]:
        cameras: dict[int, list[str]] = {}
        headers: dict[int, Any] = {}
        for path in sorted(self.root.glob("*/spFrame-*.fits")):
            band, number, expid = SP_FRAME.fullmatch(path.name).groups()
            cameras.setdefault(int(expid), []).append(f"{band}{int(number) - 1}")
            headers.setdefault(int(expid), fits.getheader(path))
        return {
            expid: Exposure(night(header), expid, header["PLATEID"], tuple(cameras[expid]), exptime=header["EXPTIME"])
            for expid, header in headers.items()
        }

    def nights(self) -> list[int]:
        return sorted({one.night for one in self._exposures.values()})

    def exposures(self, night: int, *, ignored: bool = False) -> list[Exposure]:
        return [one for one in self._exposures.values() if one.night == night]

    def exposure(self, night: int, expid: int) -> Exposure | None:
        return self._exposures.get(expid)

    def tiles(self, *, group: str = "cumulative", night: int | tuple[int, int] | None = None) -> list[Tile]:
        return []

    def expected_products(self, exposure: Exposure, camera: str) -> tuple[str, ...]:
        return KINDS

    def tile_of(self, night: int, expid: int) -> int | None:
        return self._exposures[expid].tile

    def find(self, product: str, *, expid: int = 0, camera: str = "", **_: object) -> Path:
        name = f"spFrame-{camera[:1]}{self.instrument.camera(camera).petal + 1}-{expid:08d}.fits"
        found = list(self.root.glob(f"*/{name}")) if product in KINDS else []
        if not found:
            raise MissingProductError(f"{product}: not found; expected {name} in a folder of {self.root}; reduce the exposure")
        return found[0]

    def read_frame(self, kind: str, *, night: int, expid: int, camera: str) -> Frame:
        path = self.find(kind, expid=expid, camera=camera)
        with fits.open(path, memmap=False) as hdus:
            wave, width = grid(hdus)
            header = hdus[0].header
            fibermap = fibermap_of(hdus, path)
            return Frame(
                kind=kind,
                flux=native(hdus["FLUX"].data / width, "f4"),
                ivar=native(np.where(hdus["MASK"].data == 0, hdus["IVAR"].data * width**2, 0), "f4"),
                mask=native(hdus["MASK"].data, "u4"),
                wave=wave,
                header={**header, "HELIOCOR": 1.0 + header["HELIO_RV"] / LIGHT_SPEED},
                path=path,
                camera=camera,
                night=night,
                expid=expid,
                tile=header["PLATEID"],
                load_fibermap=lambda: fibermap,
                load_resolution=lambda: None,
                instrument=self.instrument,
            )

    def read_sky(self, *, night: int, expid: int, camera: str) -> Sky:
        path = self.find("sky", expid=expid, camera=camera)
        with fits.open(path, memmap=False) as hdus:
            wave, width = grid(hdus)
            return Sky(
                flux=native(hdus["SKY"].data / width, "f4"),
                ivar=native(hdus["SKYIVAR"].data * width**2, "f4"),
                mask=native(hdus["MASK"].data, "u4"),
                wave=wave,
                stativar=None,
                thrputcorr=None,
                header={**hdus[0].header},
                path=path,
                camera=camera,
                night=night,
                expid=expid,
                instrument=self.instrument,
            )

    def read_fiberflat(self, *, night: int, camera: str, expid: int | None = None) -> NoReturn:
        raise MissingProductError(f"fiberflat of {camera}: spFrame files hold no flat")

    def read_fluxcalib(self, *, night: int, expid: int, camera: str) -> NoReturn:
        raise MissingProductError(f"fluxcalib of {camera}: not read from spFluxcalib files")

    def read_redshifts(self, tile: Tile, petal: int) -> NoReturn:
        raise MissingProductError(f"redshifts of plate {tile.tile}: not read from spZbest files")

    def read_coadd(self, tile: Tile, petal: int, *, rows: NDArray[Any] | None = None) -> NoReturn:
        raise MissingProductError(f"spectra of plate {tile.tile}: not read from spPlate files")


def night(header: Mapping[str, Any]) -> int:
    return int((MJD_ZERO + datetime.timedelta(days=header["MJD"])).strftime("%Y%m%d"))


def grid(hdus: fits.HDUList) -> tuple[NDArray[Any], NDArray[Any]]:
    """Wavelengths in Angstrom and the widths of the pixels, which grow with them."""
    wave = 10.0 ** np.asarray(hdus["LOGLAM"].data, dtype="f8")
    return wave, np.gradient(wave)


def fibermap_of(hdus: fits.HDUList, path: Path) -> Fibermap:
    plugged, status = hdus["PLUGMAP"].data, np.bitwise_and.reduce(hdus["MASK"].data, axis=1) & WHOLE_FIBER
    names = [("TARGETID", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4"), ("OBJTYPE", "S3")]
    rows = np.zeros(len(plugged), dtype=[*names, ("FIBERASSIGN_X", "f8"), ("FIBERASSIGN_Y", "f8")])
    rows["TARGETID"], rows["FIBER"] = plugged["THING_ID"], plugged["FIBERID"] - 1
    rows["FIBERSTATUS"] = status
    rows["OBJTYPE"] = np.where(np.char.strip(plugged["OBJTYPE"]) == "SKY", b"SKY", b"TGT")
    rows["FIBERASSIGN_X"], rows["FIBERASSIGN_Y"] = plugged["XFOCAL"], plugged["YFOCAL"]
    return Fibermap(rows, {**hdus["PLUGMAP"].header}, path, "PLUGMAP")


def native(array: NDArray[Any], kind: str) -> NDArray[Any]:
    """The same in the byte order of the machine."""
    return np.ascontiguousarray(array, dtype=kind)


def pytest_specqa_archive(config: object, specprod: str | None) -> BossArchive | None:
    """Take a folder for ours if it holds spFrame files."""
    root = Path(specprod or ".")
    return BossArchive(root) if any(root.glob("*/spFrame-*.fits")) else None
