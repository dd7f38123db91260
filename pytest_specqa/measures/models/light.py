"""How much light has each fiber of a calibrated camera, and how much should it have by the images of its target?

A camera in memory is reduced to a few numbers per fiber, which whole exposures and tiles are compared by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, Instrument, Range
from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.fibermaps.targets import Columns, desi_targets, flagged_fibers, on_target
from pytest_specqa.measures.statistics import Bools, Floats, Ints, mad_scale

HALF_WIDTH = 500.0
"""Angstrom to either side of the wavelength of an imaging band over which a spectrum is averaged: half of an imaging filter."""
NANOMAGGY = 1.0885e7
"""Flux density of one nanomaggy in 1e-17 erg/(s cm2 Angstrom), times the square of the wavelength in Angstrom."""
PLACEHOLDER = 1e-6
"""Spread of the share of a point source's light that enters the fibers, over the focal plane, below which nobody computed it."""
BINS = 12
"""Pieces of a band in which calibration vectors are compared."""


@dataclass(frozen=True)
class FiberLight:
    """The light of the fibers of one camera of one exposure.

    Attributes
    ----------
    camera, band, petal, expid
        Which one.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    flux, error : ndarray, shape (n_fiber,)
        Mean flux near the wavelength of the imaging band, 1e-17 erg/(s cm2 Angstrom), and its noise; NaN without data.
    expected : ndarray, shape (n_fiber,)
        The same from images; 0 on blank sky, NaN where no image tells.
    target, star, sky : ndarray of bool, shape (n_fiber,)
        Unflagged fibers on a target, on a standard star among them, and on blank sky.
    x, y : ndarray, shape (n_fiber,)
        Place in the focal plane in mm; NaN where unknown.
    joins : dict of str to (ndarray, ndarray)
        By the names of two bands: mean flux and noise in the range that they share.
    vector : ndarray, shape (BINS,)
        Median calibration vector in pieces of the band, natural logarithm; NaN without one.
    """

    camera: str
    band: str
    petal: int
    expid: int
    fiber: Ints
    flux: Floats
    error: Floats
    expected: Floats
    target: Bools
    star: Bools
    sky: Bools
    x: Floats
    y: Floats
    joins: dict[str, tuple[Floats, Floats]]
    vector: Floats

    @property
    def noise(self) -> Floats:
        """Error of each fiber with what sky subtraction leaves: the scatter of the sky fibers beyond their noise."""
        return self.with_sky_scatter(self.flux, self.error)

    def with_sky_scatter(self, flux: Floats, error: Floats) -> Floats:
        """Error of some mean flux of each fiber, of shape (n_fiber,), with what sky subtraction leaves in sky fibers there."""
        left = flux[self.sky & np.isfinite(flux)]
        scatter = float(mad_scale(left)) if left.size > 2 else 0.0
        return np.hypot(error, scatter)


def fiber_light(
    flux: Floats,
    ivar: Floats,
    wave: Floats,
    *,
    fibermap: Columns,
    fiber: Ints,
    camera: str,
    expid: int,
    fluxcalib: Floats,
    share: Floats | None = None,
    instrument: Instrument = DESI,
) -> FiberLight:
    """Reduce a calibrated camera to the light of its fibers.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Calibrated flux in 1e-17 erg/(s cm2 Angstrom) and inverse variance; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fibermap : Columns
        OBJTYPE, FIBERSTATUS and, as far as known, FIBERFLUX_*, DESI_TARGET, MWS_TARGET, FIBER_X and FIBER_Y.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    camera : str
        Name of the camera.
    expid : int
        Exposure.
    fluxcalib : ndarray, shape (n_fiber, n_wave)
        Calibration vectors; values that are not positive are left out.
    share : ndarray or None, shape (n_fiber,)
        Part of a point source's light that enters each fiber, where spectra are those of a whole point source (PSF_TO_FIBER_FLUX).
        One number for all fibers is a placeholder: it was not computed for them, and nothing is divided by it.
    instrument : Instrument
        Knows bands, flags and targets.

    Returns
    -------
    FiberLight
        A few numbers per fiber.

    References
    ----------
    DESI data model, FIBERCORR of fluxcalib and PSF_TO_FIBER_SPECFLUX of cframe.
    """
    band = instrument.camera(camera).band
    column, pivot = instrument.imaging[band]
    target = on_target(fibermap, band=band, instrument=instrument)
    nowhere = np.full(len(fiber), np.nan)
    sky = np.asarray(fibermap["OBJTYPE"] == "SKY") & ~flagged_fibers(fibermap["FIBERSTATUS"], band=band, instrument=instrument)
    imaged = np.asarray(fibermap[column], dtype=float) * NANOMAGGY / pivot**2 if column in fibermap else nowhere
    if share is not None and np.ptp(share) > PLACEHOLDER:
        imaged = imaged / share
    mean, error = mean_flux(flux, ivar, wave, within=(pivot - HALF_WIDTH, pivot + HALF_WIDTH))
    shared = {name: ends for name, ends in instrument.overlaps.items() if band in name.split(" and ")}
    placed = "FIBER_X" in fibermap and "FIBER_Y" in fibermap
    x, y = (np.asarray(fibermap[name], dtype=float) if placed else nowhere for name in ("FIBER_X", "FIBER_Y"))
    return FiberLight(
        camera=camera,
        band=band,
        petal=instrument.camera(camera).petal,
        expid=expid,
        fiber=np.asarray(fiber),
        flux=mean,
        error=error,
        expected=np.where(sky, 0.0, np.where(target & (imaged > 0), imaged, np.nan)),
        target=target,
        star=target & standard_bits(fibermap, instrument),
        sky=sky,
        x=x,
        y=y,
        joins={name: mean_flux(flux, ivar, wave, within=ends) for name, ends in shared.items()},
        vector=_vector(fluxcalib),
    )


def standard_bits(fibermap: Columns, instrument: Instrument = DESI) -> Bools:
    """Tell which fibers are on a standard star.

    Parameters
    ----------
    fibermap : Columns
        OBJTYPE, and the target columns of whatever survey, as far as known; MWS_TARGET has the same bits for standards.
    instrument : Instrument
        Knows the bits.

    Returns
    -------
    ndarray of bool, shape (n_fiber,)
        Standards, flagged or not; none without these columns.
    """
    names = ("MWS_TARGET", "SV1_MWS_TARGET", "SV2_MWS_TARGET", "SV3_MWS_TARGET")
    found = np.asarray((desi_targets(fibermap, rows=len(fibermap["OBJTYPE"])) & instrument.standards) != 0)
    for name in (name for name in names if name in fibermap):
        found |= (np.asarray(fibermap[name], dtype=np.int64) & instrument.standards) != 0
    return found


def mean_flux(flux: Floats, ivar: Floats, wave: Floats, *, within: Range) -> tuple[Floats, Floats]:
    """Mean flux of each fiber over a range, and its noise.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Any unit; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom, rising.
    within : tuple of float
        First and last wavelength; the last is left out.

    Returns
    -------
    tuple of ndarray
        Mean and standard error, shape (n_fiber,); NaN where less than half of the range has data.
    """
    first, last = (int(place) for place in np.searchsorted(wave, within))
    mean, error = np.full((2, len(flux)), np.nan)
    if last > first:
        _fill_mean(rows_of(flux), rows_of(ivar), first, last, mean, error)
    return mean, error


@compiled
def _fill_mean(flux: Floats, ivar: Floats, first: int, last: int, mean: Floats, error: Floats) -> None:
    for row in range(len(flux)):
        total, variance, count = 0.0, 0.0, 0
        for k in range(first, last):
            good = ivar[row, k] > 0 and abs(flux[row, k]) < np.inf
            total += float(flux[row, k]) if good else 0.0
            variance += 1.0 / float(ivar[row, k]) if good else 0.0
            count += 1 if good else 0
        if 2 * count > last - first:
            mean[row] = total / count
            error[row] = np.sqrt(variance) / count


def _vector(fluxcalib: Floats) -> Floats:
    """Natural logarithm of the calibration of the median fiber, of every eighth one, in pieces of the band."""
    some = fluxcalib[4::8]
    edges = np.linspace(0, some.shape[1], BINS + 1).astype(int)[:-1]
    pieces = np.add.reduceat(some, edges, axis=1) / np.diff(np.append(edges, some.shape[1]))
    middle = np.median(np.where(pieces > 0, pieces, np.nan), axis=0) if np.all(pieces > 0) else _without_bad(pieces)
    return np.asarray(np.log(middle), dtype=float)


def _without_bad(pieces: Floats) -> Floats:
    """Median of the fibers whose vectors are positive; NaN without one."""
    good = np.all(pieces > 0, axis=1)
    return np.median(pieces[good], axis=0) if good.any() else np.full(pieces.shape[1], np.nan)
