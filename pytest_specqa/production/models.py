"""Noise-free products of one camera: sky model, fiber flat and flux calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Camera, Instrument
from pytest_specqa.production.content import Content, Image, Rows, read_content
from pytest_specqa.production.defects import defect
from pytest_specqa.production.frames import check_wave
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import COUNTED, check_identity, check_units
from pytest_specqa.production.plausible import (
    MAX_CALIBRATION,
    MAX_COUNTED_IVAR,
    MAX_FLAT,
    MAX_FLUX,
    MAX_IVAR,
    check_ivar,
    check_values,
)

_LARGEST = {"SKY": MAX_FLUX, "FIBERFLAT": MAX_FLAT, "FLUXCALIB": MAX_CALIBRATION}


@dataclass(frozen=True, eq=False)
class Sky:
    """Sky model of one camera and exposure, a spectrum per fiber.

    Attributes
    ----------
    flux, ivar, mask : numpy.ndarray
        f4, f4, u4 [500, nw]: electron/Angstrom after flat-fielding, its inverse variance (0 where unusable), mask bits.
    wave : numpy.ndarray
        f8[nw], Angstrom; stored as f4, so good to 0.0005 A only.
    stativar : numpy.ndarray or None
        Statistical part of the inverse variance.
    thrputcorr : numpy.ndarray or None
        f4[500], throughput correction of each fiber as fitted on the sky lines.
    header, path, camera, night, expid
        Header of HDU 0, the file, and what its name says.
    instrument : Instrument
        What made it.
    missing : tuple of str
        HDUs that the data model has and the file has not.
    """

    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.uint32]
    wave: NDArray[np.float64]
    stativar: NDArray[np.float32] | None
    thrputcorr: NDArray[np.float32] | None
    header: Header
    path: Path
    camera: str
    night: int
    expid: int
    instrument: Instrument = DESI
    missing: tuple[str, ...] = ()

    def require_whole(self) -> None:
        """Raise `ProductError` where the file lacks an HDU that the data model has; what needs none of it can still be judged."""
        if self.missing:
            raise defect(self.path, None, found=f"no HDU {', '.join(self.missing)}", expected="the HDUs of a sky model")

    @property
    def fiber(self) -> NDArray[np.int64]:
        """FIBER (0-4999) of each row."""
        first, _ = self.instrument.petal_range(self.instrument.camera(self.camera).petal)
        return first + np.arange(len(self.flux))


@dataclass(frozen=True, eq=False)
class Fiberflat:
    """Relative response of the fibers of one camera, from lamps.

    Attributes
    ----------
    fiberflat, ivar, mask : numpy.ndarray
        f4, f4, u4 [500, nw]; without unit.
    meanspec, wave : numpy.ndarray
        f4, f8 [nw]: mean lamp spectrum; Angstrom in the frame of the observer.
    header, path, camera, night
        Header of HDU 0, the file, and what its name says. A linked calibration keeps the night of its origin in the header.
    instrument : Instrument
        What made it.
    """

    fiberflat: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.uint32]
    meanspec: NDArray[np.float32]
    wave: NDArray[np.float64]
    header: Header
    path: Path
    camera: str
    night: int
    instrument: Instrument = DESI


@dataclass(frozen=True, eq=False)
class FluxCalib:
    """Flux calibration vectors of one camera and exposure.

    Attributes
    ----------
    fluxcalib, ivar, mask : numpy.ndarray
        f4 or f8, f4 or f8, u4 [500, nw]: electron/Angstrom per 1e-17 erg/(s cm2 Angstrom), ivar = 0 where unusable.
    wave : numpy.ndarray
        f8[nw], Angstrom.
    header, path, camera, night, expid
        Header of HDU 0, the file, and what its name says.
    instrument : Instrument
        What made it.
    share : numpy.ndarray or None
        f8[500]: part of the light of a point source that enters each fiber, PSF_TO_FIBER_FLUX of the table FIBERCORR; ``None`` in
        files without it.
    """

    fluxcalib: NDArray[np.floating[Any]]
    ivar: NDArray[np.floating[Any]]
    mask: NDArray[np.uint32]
    wave: NDArray[np.float64]
    header: Header
    path: Path
    camera: str
    night: int
    expid: int
    instrument: Instrument = DESI
    share: NDArray[np.float64] | None = None


def read_sky(path: Path, *, night: int, expid: int, camera: Camera) -> Sky:
    """Read a sky model.

    Parameters
    ----------
    path : Path
        The file.
    night, expid, camera
        What the file name says; the header must not disagree.

    Returns
    -------
    Sky
        All 500 spectra.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    bins = DESI.bands[camera.band].bins
    more = {
        "STATIVAR": Image(("f4",), (DESI.fibers, bins), required=False),
        "THRPUTCORR": Image(("f4",), (DESI.fibers,), required=False),
    }
    content = _read_model(path, "SKY", camera=camera, more=more)
    data = content.data
    check_identity(path, content.named, expected={"CAMERA": str(camera), "EXPID": expid, "NIGHT": night})
    check_units(path, content.headers, data="SKY", unit=COUNTED)
    if "THRPUTCORR" in data:
        check_values(path, "THRPUTCORR", data["THRPUTCORR"], largest=MAX_FLAT)
    return Sky(
        flux=data["SKY"],
        ivar=data["IVAR"],
        mask=data["MASK"],
        wave=data["WAVELENGTH"].astype("f8"),
        stativar=data.get("STATIVAR"),
        thrputcorr=data.get("THRPUTCORR"),
        header=content.header,
        path=path,
        camera=str(camera),
        night=night,
        expid=expid,
        missing=() if "THRPUTCORR" in data else ("THRPUTCORR",),
    )


def read_fiberflat(path: Path, *, night: int, camera: Camera) -> Fiberflat:
    """Read a fiber flat.

    Parameters
    ----------
    path : Path
        The file.
    night, camera
        What the file name says; the camera of the header must not disagree.

    Returns
    -------
    Fiberflat
        All 500 fibers.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    content = _read_model(path, "FIBERFLAT", camera=camera, more={"MEANSPEC": Image(("f4",), (DESI.bands[camera.band].bins,))})
    check_identity(path, content.named, expected={"CAMERA": str(camera)})
    check_units(path, content.headers, data="FIBERFLAT", unit="")
    check_values(path, "MEANSPEC", content.data["MEANSPEC"])
    return Fiberflat(
        fiberflat=content.data["FIBERFLAT"],
        ivar=content.data["IVAR"],
        mask=_thin(content.data["MASK"]),
        meanspec=content.data["MEANSPEC"],
        wave=content.data["WAVELENGTH"].astype("f8"),
        header=content.header,
        path=path,
        camera=str(camera),
        night=night,
    )


def read_fluxcalib(path: Path, *, night: int, expid: int, camera: Camera) -> FluxCalib:
    """Read flux calibration vectors.

    Parameters
    ----------
    path : Path
        The file.
    night, expid, camera
        What the file name says; the header must not disagree.

    Returns
    -------
    FluxCalib
        All 500 fibers.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    more = {"FIBERCORR": Rows(("PSF_TO_FIBER_FLUX",), DESI.fibers, required=False)}
    content = _read_model(path, "FLUXCALIB", camera=camera, more=more, floats=("f4", "f8"))
    corrections = content.data.get("FIBERCORR")
    check_identity(path, content.named, expected={"CAMERA": str(camera), "EXPID": expid, "NIGHT": night})
    return FluxCalib(
        fluxcalib=content.data["FLUXCALIB"],
        ivar=content.data["IVAR"],
        mask=content.data["MASK"],
        wave=content.data["WAVELENGTH"].astype("f8"),
        header=content.header,
        path=path,
        camera=str(camera),
        night=night,
        expid=expid,
        share=None if corrections is None else corrections["PSF_TO_FIBER_FLUX"].astype("f8"),
    )


def _thin(mask: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The same mask, without memory of its own where no bit is set: the flats of a night are kept all night."""
    return mask if mask.any() else np.broadcast_to(np.uint32(0), mask.shape)


def _read_model(
    path: Path, name: str, *, camera: Camera, more: Mapping[str, Image | Rows] | None = None, floats: tuple[str, ...] = ("f4",)
) -> Content:
    shape = (DESI.fibers, DESI.bands[camera.band].bins)
    wanted = {name: Image(floats, shape), "IVAR": Image(floats, shape), "MASK": Image(("u4",), shape)}
    wanted["WAVELENGTH"] = Image(("f4", "f8"), shape[1:])
    content = read_content(path, {**wanted, **(more or {})}, primary=name)
    check_ivar(path, "IVAR", content.data["IVAR"], largest=MAX_COUNTED_IVAR if name == "SKY" else MAX_IVAR)
    check_values(path, name, content.data[name], ivar=content.data["IVAR"], largest=_LARGEST[name])
    check_wave(path, content.data["WAVELENGTH"], band=camera.band)
    return content
