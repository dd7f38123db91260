"""Is the flux calibration a smooth, finite vector, free of interstellar lines, and was it applied to flux and ivar alike?"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.statistics import Bools, Floats, Found, Ints, mad_scale, nan_median, strongest
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

LINE_SIGMA = 3.0
"""Standard deviation in Angstrom of the lines that are looked for: interstellar sodium and calcium, in the mean of stars."""
BACKGROUND_SIGMA = 12.0
"""Standard deviation in Angstrom of what they are compared with: four times wider, so that half of a line is left."""
FAINT = 10.0
"""Signal to noise per bin below which an error of 1 % in the calibration does not show in the ivar."""


def usable_calibration(fluxcalib: Floats, ivar: Floats, *, fiber: Ints, expected: Bools) -> Measured:
    """Fraction of calibration values that are finite and positive, in fibers that have data.

    Parameters
    ----------
    fluxcalib, ivar : ndarray, shape (n_fiber, n_wave)
        Calibration vectors and their inverse variance.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    expected : ndarray of bool, shape (n_fiber,)
        Fibers with data to calibrate.

    Returns
    -------
    Measured
        Fraction between 0 and 1; *not measured* without expected fibers.

    References
    ----------
    desispec #1103.
    """
    if not expected.any():
        return Measured.impossible("no fiber of this camera has data to calibrate")
    with np.errstate(invalid="ignore"):
        usable = (np.isfinite(fluxcalib) & (fluxcalib > 0) & (ivar > 0)).mean(axis=1)
    lost = expected & (usable < 0.5)
    return Measured(
        value=float(usable[expected].mean()),
        error=0.0,
        fibers=fiber_ranges(fiber, lost),
        detail=f"{int(lost.sum())} fibers with data have no calibration" if lost.any() else "",
    )


def largest_ivar(ivar: Floats, *, fiber: Ints) -> Measured:
    """Largest inverse variance of the calibration: a vector that claims to be exact takes over every mean.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance of the calibration vectors.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.

    Returns
    -------
    Measured
        Largest value; infinite if one is not finite.

    References
    ----------
    desispec #1103.
    """
    top = np.where(np.isfinite(ivar), ivar, np.inf).max(axis=1)
    worst = int(np.argmax(top))
    return Measured(value=float(top[worst]), error=0.0, fibers=((int(fiber[worst]), int(fiber[worst])),))


def calibration_lines(fluxcalib: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, instrument: Instrument = DESI) -> Measured:
    """Deepest narrow feature that the calibration has at an interstellar or stellar line, or elsewhere outside the tellurics.

    Parameters
    ----------
    fluxcalib, ivar : ndarray, shape (n_fiber, n_wave)
        Calibration vectors and their inverse variance; ivar = 0 is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    instrument : Instrument
        Knows the interstellar lines and the telluric ranges.

    Returns
    -------
    Measured
        Absolute depth of the largest significant feature, as a fraction of the calibration, 0 if none; the noise is taken from
        the vector's own scatter.

    References
    ----------
    desispec PR #1160 (interstellar Ca II and Na I in the vectors).
    """
    # Every other fiber: neighbours have the same vector but for their own throughput.
    values, weight = fluxcalib[::2], ivar[::2]
    good = (weight > 0) & (values > 0) & np.isfinite(values)
    logs = np.where(good, np.log(np.where(good, values, values.dtype.type(1))), values.dtype.type(np.nan))
    vector = nan_median(logs - nan_median(logs, axis=1)[:, None].astype(logs.dtype), axis=0)
    known = np.isfinite(vector)
    if known.sum() < 200:
        return Measured.impossible("the calibration has fewer than 200 usable wavelengths")
    step = float(wave[-1] - wave[0]) / (wave.size - 1)
    filled = np.interp(wave, wave[known], vector[known])
    depth = _narrow_depth(filled, step)
    outside = known & np.all(
        [(wave < low - 4 * BACKGROUND_SIGMA) | (wave > high + 4 * BACKGROUND_SIGMA) for low, high in instrument.telluric], axis=0
    )
    margin = int(4 * BACKGROUND_SIGMA / step)
    outside[:margin] = outside[-margin:] = False
    if outside.sum() < 100:
        return Measured.impossible("no wavelength outside the telluric bands")
    scatter = max(float(mad_scale(depth[outside])), 1e-5)
    found = strongest(
        np.where(outside, depth, np.nan), np.full(wave.size, scatter), n_trials=float(outside.sum()) * step / LINE_SIGMA
    )

    def line(index: int) -> Found:
        """Wavelength, and the line that lies nearest."""
        place = float(wave[index])
        near = min(instrument.interstellar, key=lambda line: abs(line.wave - place))
        name = near.name if abs(near.wave - place) < 3 * LINE_SIGMA else "no known line"
        return Found(
            (int(fiber.min()), int(fiber.max())),
            f"a feature of {found.amplitude:+.1%} at {place:.0f} A ({name}) is printed on every calibrated spectrum",
            kind="line",
            waves=(place - 2 * LINE_SIGMA, place + 2 * LINE_SIGMA),
            label=name,
        )

    return found.measured(line, nothing="no wavelength outside the telluric bands")


def _narrow_depth(logs: Floats, step: float) -> Floats:
    """Amplitude of a line of `LINE_SIGMA` at every place, blind to anything that is straight or parabolic there."""
    narrow = gaussian_filter1d(logs, LINE_SIGMA / step, mode="nearest")
    middle = gaussian_filter1d(logs, np.sqrt(0.5 * (LINE_SIGMA**2 + BACKGROUND_SIGMA**2)) / step, mode="nearest")
    wide = gaussian_filter1d(logs, BACKGROUND_SIGMA / step, mode="nearest")
    return np.asarray((narrow - 2 * middle + wide) / _line_response())


def _line_response() -> float:
    """What the filter gives for a line of unit depth, in its middle."""
    middle_variance = 0.5 * (LINE_SIGMA**2 + BACKGROUND_SIGMA**2)
    variances = np.array([LINE_SIGMA**2, middle_variance, BACKGROUND_SIGMA**2])
    return float(np.dot([1.0, -2.0, 1.0], LINE_SIGMA / np.sqrt(LINE_SIGMA**2 + variances)))


def calibrated_alike(
    cframe_flux: Floats, cframe_ivar: Floats, sframe_flux: Floats, sframe_ivar: Floats, *, fluxcalib: Floats, fiber: Ints
) -> tuple[Measured, Measured]:
    """Compare the calibrated spectra with the sky-subtracted ones divided by the calibration.

    Parameters
    ----------
    cframe_flux, cframe_ivar : ndarray, shape (n_fiber, n_wave)
        Calibrated flux in 1e-17 erg/(s cm2 Angstrom) and its inverse variance.
    sframe_flux, sframe_ivar : ndarray, shape (n_fiber, n_wave)
        The same before calibration, in electron/Angstrom.
    fluxcalib : ndarray, shape (n_fiber, n_wave)
        Calibration vectors.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.

    Returns
    -------
    tuple of Measured
        The typical difference of the fluxes in units of their error; and, in the fiber where it is farthest from 1, the ivar over
        the one that the fluxes imply. In bright fibers the error of the calibration itself lowers the ivar: they count only if
        it is above 1. *Not measured* if no pixel is good in all products.

    References
    ----------
    desispec PR #1895 (sky subtracted twice), PR #2452, #2420 (factors not carried into the ivar).
    """
    step = slice(None, None, 7)
    cframe_flux, cframe_ivar, sframe_flux, sframe_ivar, fluxcalib = (
        np.ascontiguousarray(array[:, step]) for array in (cframe_flux, cframe_ivar, sframe_flux, sframe_ivar, fluxcalib)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        good = (cframe_ivar > 0) & (sframe_ivar > 0) & (fluxcalib > 0)
        ratio = np.where(good, cframe_ivar / (sframe_ivar * fluxcalib**2), np.nan)
        apart = np.where(good, np.abs(cframe_flux * fluxcalib - sframe_flux) * np.sqrt(sframe_ivar), np.nan)
    by_fiber = nan_median(ratio, axis=1)
    known = np.isfinite(by_fiber)
    if not known.any():
        nothing = Measured.impossible("no pixel is good in cframe, sframe and fluxcalib")
        return nothing, nothing
    signal = nan_median(np.where(good, np.abs(sframe_flux) * np.sqrt(sframe_ivar), np.nan), axis=1)
    judged = known & ((signal < FAINT) | (by_fiber > 1.0))
    distance = np.where(judged, np.abs(np.log(np.where(known, by_fiber, 1.0))), -1.0)
    worst = int(np.argmax(distance))
    fibers = ((int(fiber[worst]), int(fiber[worst])),)
    difference = float(np.nanmedian(nan_median(apart, axis=1)))
    return (
        Measured(difference, error=0.0, detail="cframe and sframe / fluxcalib are not the same spectra"),
        Measured(
            float(by_fiber[worst]), error=0.0, fibers=fibers, detail="the ivar was not calibrated by the square of the flux factor"
        ),
    )
