"""The files of one camera exposure, HDU by HDU, as the DESI data model has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray

from pytest_specqa.demo.fitsbytes import Block, Part, Value, compress_block, image_hdu, rounded, table_hdu
from pytest_specqa.demo.simulate import SimCamera, Spectra
from pytest_specqa.demo.templates import wave_grid

ELECTRONS = "electron/Angstrom"
CALIBRATED = "10**-17 erg/(s cm2 Angstrom)"
_FIBERMAP_UNITS = {
    **dict.fromkeys(("TARGET_RA", "TARGET_DEC", "PLATE_RA", "PLATE_DEC", "FIBER_RA", "FIBER_DEC"), "deg"),
    **dict.fromkeys(("FIBERASSIGN_X", "FIBERASSIGN_Y", "FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y"), "mm"),
    **{f"{kind}_{band}": "nanomaggy" for kind in ("FLUX", "FIBERFLUX", "FIBERTOTFLUX") for band in ("G", "R", "Z", "W1", "W2")},
    "EBV": "mag",
    "EXPTIME": "s",
    "LAMBDA_REF": "Angstrom",
    "REF_EPOCH": "yr",
}
# Mantissa bits that are kept: their rounding is far below the noise of each product, and files become a third smaller.
_BITS = {"frame": 10, "sframe": 9, "cframe": 7, "ivar": 5, "sky": 13, "flat": 12, "fluxcalib": 10}
# Scatter of the elements of a real RESOLUTION from pixel to pixel, and what they are rounded to, so that they pack as real ones do.
_RESOLUTION_SCATTER, _RESOLUTION_STEP = np.float32(1e-3), np.float32(2.0**-22)
# Effective time over TSNR2, and the share of each camera in it, for the SCORES table.
_TSNR2 = {"LRG": 12.3, "ELG": 8.6, "QSO": 32.0, "LYA": 11.0, "BGS": 0.14}
_SHARE = {"b": 0.1, "r": 0.4, "z": 0.5}


def resolution_block(camera: SimCamera, *, full_size: bool = False) -> Block:
    """RESOLUTION of a camera: the band diagonals of each fiber's line spread, compressed once for all files that hold it.

    Parameters
    ----------
    camera : SimCamera
        The simulated camera.
    full_size : bool
        Whether it has the scatter that extraction gives a real one, from pixel to pixel; it then packs as badly (30 MB).

    Returns
    -------
    Block
        HDU RESOLUTION f4[500, 11, nw].
    """
    spread = camera.line_spread
    spread = (spread / spread.sum(axis=1, keepdims=True)).astype(np.float32)[:, :, None]
    data = np.broadcast_to(spread, (*spread.shape[:2], camera.wave.size))
    if full_size:
        rng = np.random.default_rng([int(camera.fiber[0]), int(camera.conditions.exptime)])
        data = data + _RESOLUTION_SCATTER * rng.standard_normal(data.shape, dtype=np.float32)
        # Fewer significant bits than a float has, as in real ones, whose small elements are small differences.
        data = np.round(data / _RESOLUTION_STEP) * _RESOLUTION_STEP
    return compress_block(image_hdu("RESOLUTION", data))


def frame_parts(
    kind: str, camera: SimCamera, *, cards: Mapping[str, Value], fibermap_cards: Mapping[str, Value], resolution: Block
) -> list[Part]:
    """HDUs of a frame, sframe or cframe.

    Parameters
    ----------
    kind : str
        ``frame``, ``sframe`` or ``cframe``.
    camera : SimCamera
        The simulated camera.
    cards, fibermap_cards : mapping
        Keywords of HDU 0 and of FIBERMAP.
    resolution : Block
        What `resolution_block` gave for the camera.

    Returns
    -------
    list of bytes or Block
        FLUX, IVAR, MASK, WAVELENGTH, RESOLUTION, FIBERMAP, CHI2PIX, SCORES.
    """
    spectra: Spectra = getattr(camera, kind)
    unit = CALIBRATED if kind == "cframe" else ELECTRONS
    start = image_hdu("FLUX", rounded(spectra.flux, _BITS[kind]), cards={**cards, "BUNIT": unit}, primary=True)
    start += image_hdu("IVAR", rounded(spectra.ivar, _BITS["ivar"])) + image_hdu("MASK", spectra.mask)
    start += image_hdu("WAVELENGTH", camera.wave, cards={"BUNIT": "Angstrom"})
    fibermap = camera.fibermap
    if kind == "cframe":
        fibermap = recfunctions.append_fields(fibermap, "PSF_TO_FIBER_SPECFLUX", np.full(500, 0.789, "f4"), usemask=False)
    end = fibermap_hdu(fibermap, cards=fibermap_cards)
    end += image_hdu("CHI2PIX", _chi2pix(camera)) + table_hdu("SCORES", _scores(kind, camera))
    return [start, resolution, end]


def fibermap_hdu(fibermap: NDArray[Any], *, cards: Mapping[str, Value], name: str = "FIBERMAP") -> bytes:
    """HDU FIBERMAP.

    Parameters
    ----------
    fibermap : structured ndarray [n]
        Rows.
    cards : mapping
        Keywords.
    name : str
        EXTNAME.

    Returns
    -------
    bytes
        The HDU.
    """
    return table_hdu(name, fibermap, cards=cards, units=_FIBERMAP_UNITS)


def sky_parts(camera: SimCamera, *, cards: Mapping[str, Value]) -> list[Part]:
    """HDUs of a sky model.

    Parameters
    ----------
    camera : SimCamera
        The simulated camera.
    cards : mapping
        Keywords of HDU 0.

    Returns
    -------
    list of bytes
        SKY, IVAR, MASK, WAVELENGTH, STATIVAR, THRPUTCORR, THRPUTCORR_MOD, SKYTARGETID.
    """
    sky = camera.sky
    used = camera.fibermap["TARGETID"][camera.is_sky].astype(np.int64)
    hdus = image_hdu("SKY", rounded(sky.flux, _BITS["sky"]), cards={**cards, "BUNIT": ELECTRONS}, primary=True)
    hdus += image_hdu("IVAR", rounded(sky.ivar, _BITS["ivar"])) + image_hdu("MASK", sky.mask)
    hdus += image_hdu("WAVELENGTH", camera.wave.astype(np.float32), cards={"BUNIT": "Angstrom"})
    hdus += image_hdu("STATIVAR", rounded(sky.stativar, _BITS["ivar"])) + image_hdu("THRPUTCORR", sky.thrputcorr)
    hdus += image_hdu("THRPUTCORR_MOD", np.ones(500, np.float32)) + image_hdu("SKYTARGETID", used)
    return [hdus]


def fluxcalib_parts(camera: SimCamera, *, cards: Mapping[str, Value], fibermap_cards: Mapping[str, Value]) -> list[Part]:
    """HDUs of a flux calibration.

    Parameters
    ----------
    camera : SimCamera
        The simulated camera.
    cards, fibermap_cards : mapping
        Keywords of HDU 0 and of STDSTAR_FIBERMAP.

    Returns
    -------
    list of bytes
        FLUXCALIB, IVAR, MASK, WAVELENGTH, FIBERCORR, STDSTAR_FIBERMAP.
    """
    calib = camera.fluxcalib
    unit = "10**+17 cm2 count s / erg"
    hdus = image_hdu("FLUXCALIB", rounded(calib.fluxcalib, _BITS["fluxcalib"]), cards={**cards, "BUNIT": unit}, primary=True)
    hdus += image_hdu("IVAR", rounded(calib.ivar, _BITS["ivar"])) + image_hdu("MASK", np.zeros(calib.ivar.shape, np.uint32))
    hdus += image_hdu("WAVELENGTH", camera.wave.astype(np.float32), cards={"BUNIT": "Angstrom"})
    corrections = np.zeros(500, dtype=[("FLAT_TO_PSF_FLUX", "f8"), ("PSF_TO_FIBER_FLUX", "f8")])
    corrections["FLAT_TO_PSF_FLUX"], corrections["PSF_TO_FIBER_FLUX"] = 1.0, 0.789
    standards = camera.fibermap[(camera.fibermap["DESI_TARGET"] >> 33) & 1 == 1]
    hdus += table_hdu("FIBERCORR", corrections) + fibermap_hdu(standards, cards=fibermap_cards, name="STDSTAR_FIBERMAP")
    return [hdus]


def fiberflat_parts(camera: SimCamera, *, cards: Mapping[str, Value], fibermap_cards: Mapping[str, Value]) -> list[Part]:
    """HDUs of a nightly fiberflat.

    Parameters
    ----------
    camera : SimCamera
        The simulated camera.
    cards, fibermap_cards : mapping
        Keywords of HDU 0 and of FIBERMAP.

    Returns
    -------
    list of bytes
        FIBERFLAT, IVAR, MASK, MEANSPEC, WAVELENGTH (Earth frame), FIBERMAP.
    """
    flat, wave = camera.flat, wave_grid(camera.conditions.band).astype(np.float32)
    lamp = (9000 * np.exp(-0.5 * ((wave - 7000) / 2500) ** 2)).astype(np.float32)
    hdus = image_hdu("FIBERFLAT", rounded(flat.fiberflat, _BITS["flat"]), cards={**cards, "BUNIT": ""}, primary=True)
    hdus += image_hdu("IVAR", flat.ivar, cards={"BUNIT": ""}) + image_hdu("MASK", flat.mask)
    hdus += image_hdu("MEANSPEC", lamp, cards={"BUNIT": ELECTRONS}) + image_hdu("WAVELENGTH", wave, cards={"BUNIT": "Angstrom"})
    columns = ["TARGETID", "PETAL_LOC", "DEVICE_LOC", "LOCATION", "FIBER", "FIBERSTATUS", "FIBERASSIGN_X", "FIBERASSIGN_Y"]
    plate = recfunctions.repack_fields(camera.fibermap[columns])
    return [hdus + fibermap_hdu(plate, cards=fibermap_cards)]


def _chi2pix(camera: SimCamera) -> NDArray[np.float32]:
    """Extraction chi2 per degree of freedom: 1 within 3 % from fiber to fiber."""
    seed = int(camera.fiber[0]) + int(camera.conditions.exptime)
    level = 1 + 0.03 * np.random.default_rng(seed).standard_normal(500)
    return np.broadcast_to(level.astype(np.float32)[:, None], camera.frame.flux.shape)


def _scores(kind: str, camera: SimCamera) -> NDArray[Any]:
    """Score columns: the frame's counts; all stages and TSNR2 for a cframe."""
    letter = camera.conditions.band.upper()
    columns: dict[str, NDArray[Any]] = {"TARGETID": camera.fibermap["TARGETID"].astype(np.int64)}
    stages: dict[str, NDArray[Any]] = {"RAW": camera.frame.flux}
    if kind == "cframe":
        stages |= {"FFLAT": camera.frame.flux / np.maximum(camera.fiberflat, 1e-3)}
        stages |= {"SKYSUB": camera.sframe.flux, "CALIB": camera.cframe.flux}
    for stage, flux in stages.items():
        ivar = camera.frame.ivar if stage in ("RAW", "FFLAT") else camera.sframe.ivar
        columns[f"SUM_{stage}_COUNT_{letter}"] = flux.sum(axis=1, dtype=float)
        columns[f"MEDIAN_{stage}_COUNT_{letter}"] = np.median(flux[:, ::2], axis=1)
        if stage in ("RAW", "SKYSUB"):
            columns[f"MEDIAN_{stage}_SNR_{letter}"] = np.median((flux * np.sqrt(ivar))[:, ::2], axis=1)
    if kind == "cframe":
        depth = camera.cframe.ivar.mean(axis=1, dtype=float) / 25.0 * 1000 * _SHARE[camera.conditions.band]
        columns |= {f"TSNR2_{name}_{letter}": (depth / seconds).astype(np.float32) for name, seconds in _TSNR2.items()}
    table = np.zeros(500, dtype=[(name, values.dtype.str.lstrip("<>")) for name, values in columns.items()])
    for name, values in columns.items():
        table[name] = values
    return table
