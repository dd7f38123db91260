"""Files of a tile: coadded spectra and redshifts of one petal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray

from pytest_specqa.demo.camera_files import CALIBRATED, fibermap_hdu
from pytest_specqa.demo.fitsbytes import Part, Value, image_hdu, rounded, table_hdu
from pytest_specqa.demo.redshifts import in_coadd
from pytest_specqa.demo.simulate import SimCamera
from pytest_specqa.demo.story import StoryExposure, fibermap_cards
from pytest_specqa.demo.targets import Targets
from pytest_specqa.instrument import DESI

F32 = NDArray[np.float32]
_FLUX_BITS, _IVAR_BITS = 7, 5
_EXPOSURE_COLUMNS = ["TARGETID", "PETAL_LOC", "DEVICE_LOC", "LOCATION", "FIBER", "FIBERSTATUS", "FIBERASSIGN_X", "FIBERASSIGN_Y"]
_EXPOSURE_COLUMNS += ["FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y", "EXPTIME"]


class Coadd:
    """Inverse-variance weighted mean of cframes, band by band."""

    def __init__(self) -> None:
        self.weighted: dict[str, F32] = {}
        self.ivar: dict[str, F32] = {}
        self.wave: dict[str, NDArray[np.float64]] = {}

    def add(self, camera: SimCamera) -> None:
        """Add one exposure.

        Parameters
        ----------
        camera : SimCamera
            Its cframe is used; bins with ivar = 0 add nothing.
        """
        band, cframe = camera.conditions.band, camera.cframe
        product = np.where(cframe.ivar > 0, cframe.flux * cframe.ivar, np.float32(0))
        self.weighted[band] = self.weighted[band] + product if band in self.weighted else product
        self.ivar[band] = self.ivar[band] + cframe.ivar if band in self.ivar else cframe.ivar.copy()
        self.wave[band] = camera.wave

    def flux(self, band: str) -> F32:
        """Coadded flux of a band, 0 where nothing was added.

        Parameters
        ----------
        band : str
            A band that was added.

        Returns
        -------
        ndarray f4[500, nw]
            1e-17 erg/s/cm2/Angstrom.
        """
        out = np.zeros_like(self.weighted[band])
        np.divide(self.weighted[band], self.ivar[band], out=out, where=self.ivar[band] > 0)
        return out


def coadd_parts(
    coadd: Coadd,
    fibermap: NDArray[Any],
    targets: Targets,
    exposures: Sequence[StoryExposure],
    *,
    cards: Mapping[str, Value],
) -> list[Part]:
    """HDUs of a coadd: the bands that were simulated, without their RESOLUTION, which would make the demo five times larger.

    Parameters
    ----------
    coadd : Coadd
        Coadded spectra.
    fibermap : structured ndarray [500]
        Coadd fibermap.
    targets : Targets
        Targets of the petal.
    exposures : sequence of StoryExposure
        What went in.
    cards : mapping
        Keywords of HDU 0.

    Returns
    -------
    list of bytes
        Empty primary, FIBERMAP, EXP_FIBERMAP, X_WAVELENGTH, X_FLUX, X_IVAR, X_MASK per band, SCORES.
    """
    hdus = image_hdu("", None, cards=cards, primary=True)
    hdus += fibermap_hdu(fibermap, cards={"TILEID": exposures[0].tile}) + exposure_fibermap(targets, exposures)
    scores: dict[str, NDArray[np.float64]] = {}
    for band in coadd.weighted:
        letter, flux, ivar = band.upper(), coadd.flux(band), coadd.ivar[band]
        hdus += image_hdu(f"{letter}_WAVELENGTH", coadd.wave[band], cards={"BUNIT": "Angstrom"})
        hdus += image_hdu(f"{letter}_FLUX", rounded(flux, _FLUX_BITS), cards={"BUNIT": CALIBRATED})
        hdus += image_hdu(f"{letter}_IVAR", rounded(ivar, _IVAR_BITS))
        hdus += image_hdu(f"{letter}_MASK", (ivar == 0).astype(np.int32))
        scores[f"MEDIAN_COADD_FLUX_{letter}"] = np.median(flux[:, ::2], axis=1).astype(float)
    table = np.zeros(len(fibermap), dtype=[("TARGETID", "i8"), *((name, "f8") for name in scores)])
    table["TARGETID"] = fibermap["TARGETID"]
    for name, values in scores.items():
        table[name] = values
    return [hdus + table_hdu("SCORES", table)]


def redrock_parts(
    table: NDArray[Any],
    fibermap: NDArray[Any],
    targets: Targets,
    exposures: Sequence[StoryExposure],
    *,
    cards: Mapping[str, Value],
) -> list[Part]:
    """HDUs of a redrock file.

    Parameters
    ----------
    table : structured ndarray [500]
        REDSHIFTS.
    fibermap : structured ndarray [500]
        Coadd fibermap, row-matched.
    targets : Targets
        Targets of the petal.
    exposures : sequence of StoryExposure
        What went in.
    cards : mapping
        Keywords of HDU 0.

    Returns
    -------
    list of bytes
        Empty primary, REDSHIFTS, FIBERMAP, EXP_FIBERMAP, TSNR2.
    """
    efftime = sum(exposure.exptime for exposure in exposures) * 0.6
    names = {"LRG": 12.3, "ELG": 8.6, "QSO": 32.0, "BGS": 0.14}
    tsnr2 = np.zeros(len(table), dtype=[("TARGETID", "i8"), *((f"TSNR2_{name}", "f4") for name in names)])
    tsnr2["TARGETID"] = table["TARGETID"]
    for name, seconds in names.items():
        tsnr2[f"TSNR2_{name}"] = efftime / seconds
    hdus = image_hdu("", None, cards={**cards, "RRVER": "0.21.0"}, primary=True)
    hdus += table_hdu("REDSHIFTS", table) + fibermap_hdu(fibermap, cards={"TILEID": exposures[0].tile})
    return [hdus + exposure_fibermap(targets, exposures) + table_hdu("TSNR2", tsnr2)]


def exposure_fibermap(targets: Targets, exposures: Sequence[StoryExposure]) -> bytes:
    """HDU EXP_FIBERMAP: one row per target and exposure.

    Parameters
    ----------
    targets : Targets
        Targets of the petal.
    exposures : sequence of StoryExposure
        What went in.

    Returns
    -------
    bytes
        The HDU.
    """
    pieces = []
    for exposure in exposures:
        rows = recfunctions.repack_fields(targets.fibermap[_EXPOSURE_COLUMNS])
        added = [
            ("NIGHT", "i4", exposure.night),
            ("EXPID", "i4", exposure.expid),
            ("TILEID", "i4", exposure.tile),
            ("MJD", "f8", exposure.mjd),
        ]
        for name, kind, value in added:
            rows = recfunctions.append_fields(rows, name, np.full(len(rows), value, kind), usemask=False)
        for band, taken in zip(DESI.letters, in_coadd(rows["FIBERSTATUS"]), strict=True):
            rows = recfunctions.append_fields(rows, f"IN_COADD_{band.upper()}", taken, usemask=False)
        rows["EXPTIME"] = exposure.exptime
        pieces.append(rows)
    return fibermap_hdu(np.concatenate(pieces), cards=fibermap_cards(exposures[0]), name="EXP_FIBERMAP")
