"""The light of one camera as the page shows it: rebinned spectra, one value for each fiber, and the images themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import MissingProductError
from pytest_specqa.measures.statistics import nan_median
from pytest_specqa.production import Fibermap, Frame, Production, sky_term

REBIN = 10
"""Pixels of a bin of the spectra."""

Floats = NDArray[np.floating]
Images = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class CameraLight:
    """What one camera saw.

    Attributes
    ----------
    camera : str
        Such as ``r6``.
    fiber : ndarray of int, shape (n,)
        FIBER (0-4999).
    wave : ndarray, shape (nb,)
        Middle of each bin of the spectra in Angstrom.
    residual, sky : ndarray, shape (n, nb)
        Mean of the sframe, and of what was subtracted to make it, over the good pixels of a bin, electron/Angstrom; NaN without
        one. Their sum is the flat-fielded frame.
    before, after : ndarray, shape (n,)
        Median of the flat-fielded frame and of the sframe over the good pixels of the window, electron/Angstrom; NaN without one.
    fibermap : Fibermap
        A row for each fiber.
    header : mapping
        Header of the sframe.
    images : dict of str to ndarray f4, shape (n, nw)
        ``sframe`` and ``sky`` in electron/Angstrom, NaN where a pixel is bad; empty unless they were asked for.
    grid : ndarray, shape (nw,)
        Wavelength of each pixel in Angstrom.
    fatal : int
        Bits of FIBERSTATUS with which a fiber is of no use in this band.
    note : str
        What is missing; empty where nothing is.
    """

    camera: str
    fiber: NDArray[np.int64]
    wave: Floats
    residual: Floats
    sky: Floats
    before: Floats
    after: Floats
    fibermap: Fibermap
    header: dict[str, object]
    images: Images
    grid: Floats
    fatal: int = 0
    note: str = ""

    @property
    def is_sky(self) -> NDArray[np.bool_]:
        """Fibers on blank sky that no fatal bit of FIBERSTATUS excludes for this band."""
        return np.asarray(self.fibermap.is_sky & (self.fibermap.status & self.fatal == 0))


def read_light(
    production: Production, *, night: int, expid: int, camera: str, window: tuple[float, float], images: bool
) -> CameraLight:
    """Read the sframe and the sky model of a camera.

    Parameters
    ----------
    production : Production
        Where they are.
    night, expid, camera
        Which.
    window : tuple of float
        First and last wavelength in Angstrom of the value of each fiber.
    images : bool
        Whether to keep the images.

    Returns
    -------
    CameraLight
        Without a sky model its sky is NaN, and so is what was there before it was subtracted.

    Raises
    ------
    ProductError
        If there is no sframe, or one of the two files cannot be used.
    """
    sframe = production.read_frame("sframe", night=night, expid=expid, camera=camera)
    good = (sframe.ivar > 0) & np.isfinite(sframe.flux)
    term, note = _subtracted(production, sframe)
    known = good & np.isfinite(term) if not note else good
    flux = np.where(good, sframe.flux, np.nan)
    chosen = (sframe.wave >= window[0]) & (sframe.wave <= window[1])
    inside, under = flux[:, chosen].astype(float), np.where(good[:, chosen], term[:, chosen], np.nan)
    kept = {"sframe": flux.astype(np.float32), "sky": term.astype(np.float32)} if images else {}
    starts = np.arange(0, sframe.wave.size, REBIN)
    return CameraLight(
        camera=camera,
        fiber=sframe.fiber,
        wave=np.add.reduceat(sframe.wave, starts) / np.add.reduceat(np.ones(sframe.wave.size), starts),
        residual=rebinned(sframe.flux, known),
        sky=rebinned(term, known & np.isfinite(term)),
        before=nan_median(inside + under, axis=1),
        after=nan_median(inside, axis=1),
        fibermap=sframe.fibermap,
        header=dict(sframe.header),
        images=kept,
        grid=sframe.wave,
        fatal=sframe.instrument.fatal[sframe.band],
        note=note,
    )


def _subtracted(production: Production, sframe: Frame) -> tuple[Floats, str]:
    """What was subtracted; NaN, and why, where there is no sky model."""
    try:
        sky = production.read_sky(night=sframe.night, expid=sframe.expid, camera=sframe.camera)
    except MissingProductError:
        return np.full(sframe.flux.shape, np.nan), f"{sframe.camera} has no sky model: what was there before it is not shown"
    return sky_term(sframe, sky), ""


def rebinned(values: NDArray[np.floating], good: NDArray[np.bool_], *, factor: int = REBIN) -> Floats:
    """Mean of the good pixels of each bin.

    Parameters
    ----------
    values : ndarray, shape (n, nw)
        Any unit.
    good : ndarray of bool, shape (n, nw)
        Pixels that count. All of them count alike: weights would hide what is wrong at bright lines.
    factor : int
        Pixels of a bin; the last may have fewer.

    Returns
    -------
    ndarray, shape (n, nb)
        NaN where no pixel is good.
    """
    starts = np.arange(0, values.shape[1], factor)
    total = np.add.reduceat(np.where(good, values, 0.0).astype(float), starts, axis=1)
    count = np.add.reduceat(good.astype(float), starts, axis=1)
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def block_mean(image: NDArray[np.floating], *, across: int, down: int = 1) -> Floats:
    """Mean over blocks of pixels and fibers, ignoring NaN.

    Parameters
    ----------
    image : ndarray, shape (n, nw)
        NaN where there is no value.
    across, down : int
        Pixels, and fibers, of a block.

    Returns
    -------
    ndarray, shape (ceil(n / down), ceil(nw / across))
        NaN where a block has no value.
    """
    good = np.isfinite(image)
    rows, columns = np.arange(0, image.shape[0], down), np.arange(0, image.shape[1], across)
    total = np.add.reduceat(np.add.reduceat(np.where(good, image, 0.0).astype(float), rows, axis=0), columns, axis=1)
    count = np.add.reduceat(np.add.reduceat(good.astype(float), rows, axis=0), columns, axis=1)
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
