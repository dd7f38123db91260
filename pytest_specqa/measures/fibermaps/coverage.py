"""Is there enough of a camera left to use, and is what was thrown away out of use?"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

from pytest_specqa.measures.statistics import Bools, Floats, Ints
from pytest_specqa.measures.where import fiber_ranges, live_fraction
from pytest_specqa.values import Measured


def good_pixels(ivar: Floats, *, fiber: Ints, flagged: Bools | None = None) -> Measured:
    """Fraction of pixels that can be used, among fibers that nobody has flagged.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 or NaN marks bad pixels.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    flagged : ndarray of bool, shape (n_fiber,), optional
        Fibers known to be bad, which should have no ivar.

    Returns
    -------
    Measured
        Fraction between 0 and 1; *not measured* if every fiber is flagged.

    References
    ----------
    desispec PR #1414, #1486: whole cameras lost their ivar.
    """
    known = np.zeros(len(ivar), dtype=bool) if flagged is None else np.asarray(flagged, dtype=bool)
    if known.all():
        return Measured.impossible("every fiber of this camera is flagged as bad")
    good = live_fraction(ivar)
    lost = ~known & (good < 0.5)
    return Measured(
        value=float(good[~known].mean()),
        error=0.0,
        fibers=fiber_ranges(fiber, lost),
        detail=f"{int(lost.sum())} unflagged fibers have lost more than half of their pixels" if lost.any() else "",
    )


def sky_fibers_left(ivar: Floats, *, fiber: Ints, is_sky: Bools) -> Measured:
    """Number of sky fibers with data, on which the sky model rests.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 marks bad pixels.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    is_sky : ndarray of bool, shape (n_fiber,)
        Sky fibers without a fatal flag.

    Returns
    -------
    Measured
        Number of sky fibers with at least half of their pixels.
    """
    alive = is_sky & (live_fraction(ivar) >= 0.5)
    return Measured(
        value=float(alive.sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, is_sky & ~alive),
        detail=f"of {int(is_sky.sum())} sky fibers {int(alive.sum())} have data",
    )


def masked_columns(ivar: Floats, wave: Floats, *, fiber: Ints) -> Measured:
    """Largest fraction of live fibers that lack one and the same wavelength.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 marks bad pixels.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.

    Returns
    -------
    Measured
        Largest fraction, beyond the camera's usual one. A fiber counts in those halves of the wavelength range where most of its
        pixels are good, so that dead fibers and lost amplifiers do not matter.

    References
    ----------
    desispec PR #2129, PR #2612: an error budget too small masks pixels on bright lines.
    """
    bad = ~(ivar > 0)
    fraction, count = np.full(wave.size, np.nan), np.zeros(wave.size)
    middle = wave.size // 2
    for part in (slice(None, middle), slice(middle, None)):
        live = bad[:, part].mean(axis=1) < 0.5
        if live.any():
            fraction[part] = bad[live, part].mean(axis=0)
            count[part] = live.sum()
    if not np.isfinite(fraction).any():
        return Measured.impossible("no live fiber in this camera")
    run = median_filter(np.where(np.isfinite(fraction), fraction, 0.0), 3, mode="nearest") - np.nanmedian(fraction)
    worst = int(np.argmax(run))
    return Measured(
        value=float(max(run[worst], 0.0)),
        error=float(np.sqrt(max(run[worst] * (1 - run[worst]), 0.0) / max(count[worst], 1.0))),
        fibers=((int(fiber.min()), int(fiber.max())),),
        waves=(float(wave[max(worst - 1, 0)]), float(wave[min(worst + 1, wave.size - 1)])),
        detail="many fibers are masked at one wavelength: the extraction rejects good light there",
    )


def masked_with_weight(ivar: Floats, mask: Ints, *, fiber: Ints) -> Measured:
    """Fraction of masked pixels that still have weight.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 marks bad pixels.
    mask : ndarray of int, shape (n_fiber, n_wave)
        Mask bits; any bit makes a pixel bad.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.

    Returns
    -------
    Measured
        Fraction of the masked pixels with ivar > 0; 0 if nothing is masked.

    References
    ----------
    desispec #2839 (masked pixels filled by another exposure), #1351, #2717 (flags that nobody honours).
    """
    masked = mask != 0
    used = masked & (ivar > 0)
    total = int(masked.sum())
    return Measured(
        value=float(used.sum()) / max(total, 1),
        error=0.0,
        fibers=fiber_ranges(fiber, used.any(axis=1))[:20],
        detail=f"{int(used.sum())} of {total} masked pixels still have weight" if used.any() else "",
    )


def flagged_with_weight(ivar: Floats, *, fiber: Ints, flagged: Bools) -> Measured:
    """Number of fibers that are flagged as useless and still have weight.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 marks bad pixels.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    flagged : ndarray of bool, shape (n_fiber,)
        Fibers with a fatal flag.

    Returns
    -------
    Measured
        Number of flagged fibers with ivar > 0 anywhere.

    References
    ----------
    desispec #1351, #1673, #2717 (flags that were not honoured).
    """
    used = flagged & (live_fraction(ivar) > 0)
    return Measured(
        value=float(used.sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, used)[:20],
        detail=f"{int(used.sum())} of {int(flagged.sum())} flagged fibers still have weight" if used.any() else "",
    )
