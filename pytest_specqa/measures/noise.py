"""Does the inverse variance tell the truth about the noise, and is there enough of the camera left to use?

Widths are taken from the differences of neighbouring pixels in windows without sky lines, where the pipeline has no reason to
inflate the variance. A difference does not see objects, gradients or a poor sky continuum, so that all faint fibers can serve
and the result is precise to a fraction of a per cent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from pytest_specqa.values import Feature, Measured

from .probes import Bools, Ints, faint_fibers, fiber_ranges, line_free, right_half
from .robust import MAD_TO_SIGMA, Floats, local_threshold, nan_median, strongest

BUNDLE = 25
SCALE_ERROR = 1.35
"""Standard error of a robust width of overlapping differences, times the square root of their number (from 10,000 draws)."""
MIN_PIXELS = 50


@dataclass(frozen=True)
class Noise:
    """What `noise` found.

    Attributes
    ----------
    amplifier_width : Measured
        Width of the pulls (1 if the ivar is right) in the amplifier quadrant where it is farthest from 1.
    fiber_width : Measured
        The same for the single fiber that is farthest from 1; bright fibers count only if their width is below 1.
    correlation : Measured
        Correlation of neighbouring pixels in the worst bundle of 25 fibers; 0 for a sound extraction, negative if it rings.
    widths : ndarray, shape (n_fiber,)
        Width of each fiber; NaN for dead ones.
    """

    amplifier_width: Measured
    fiber_width: Measured
    correlation: Measured
    widths: Floats


def noise(flux: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, is_sky: Bools) -> Noise:
    """Compare the scatter of neighbouring pixels with what their inverse variance predicts.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux and its inverse variance, any consistent unit; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    is_sky : ndarray of bool, shape (n_fiber,)
        Fibers that trained the sky model: their scatter is smaller by one part in their number, which is put right.

    Returns
    -------
    Noise
        Widths by amplifier and by fiber, and the correlation of neighbours.

    References
    ----------
    desispec PR #1368 (variance wrong by 20 % in one petal), #1775 (noisy amplifier), PR #2452 (variance of off-target fibers),
    gpu_specter #57 (ringing); Bolton & Schlegel 2010, PASP 122, 248 (extracted pixels are uncorrelated).
    """
    window = line_free(wave)
    near, far = _differences(flux[:, window], ivar[:, window])
    faint = faint_fibers(flux, ivar)
    trained = np.where(is_sky, 1.0 + 1.0 / max(int((is_sky & faint).sum()), 3), 1.0)[:, None].astype(np.float32)
    near, far = near * trained, far * trained
    logs, errors = _log_width(near)
    upper = wave[window][1:] > 0.5 * (wave[0] + wave[-1])
    return Noise(
        amplifier_width=_amplifier_width(near[faint], upper, fiber=fiber[faint], wave=wave),
        fiber_width=_fiber_width(logs, errors, faint=faint, fiber=fiber),
        correlation=_correlation(near[faint], far[faint], fiber=fiber[faint]),
        widths=np.exp(logs),
    )


def _differences(flux: Floats, ivar: Floats) -> tuple[Floats, Floats]:
    """Differences over one and two pixels in units of their error; NaN where a pixel is bad."""
    good = (ivar > 0) & np.isfinite(flux)
    variance = np.where(good, np.float32(1) / np.where(good, ivar, np.float32(1)), np.float32(np.nan))
    near = (flux[:, 1:] - flux[:, :-1]) / np.sqrt(variance[:, 1:] + variance[:, :-1])
    far = (flux[:, 2:] - flux[:, :-2]) / np.sqrt(variance[:, 2:] + variance[:, :-2])
    return near, far


def _amplifier_width(near: Floats, upper: Bools, *, fiber: Ints, wave: Floats) -> Measured:
    right = right_half(fiber)
    quadrants = (("A", ~right, ~upper), ("B", right, ~upper), ("C", ~right, upper), ("D", right, upper))
    cells = [_log_width(near[np.ix_(rows, columns)].reshape(1, -1)) for _, rows, columns in quadrants]
    logs, errors = np.concatenate([cell[0] for cell in cells]), np.concatenate([cell[1] for cell in cells])
    found = strongest(logs, errors)
    if found.place < 0:
        return Measured.impossible("no faint live fiber has pixels in a line-free window")
    name, rows, _ = quadrants[found.place]
    middle = 0.5 * (wave[0] + wave[-1])
    sense = "more" if found.amplitude > 0 else "less"
    return Measured(
        value=float(np.exp(found.amplitude)),
        error=found.error,
        sensitivity=found.sensitivity,
        fibers=((int(fiber[rows].min()), int(fiber[rows].max())),),
        waves=(middle, float(wave[-1])) if name in "CD" else (float(wave[0]), middle),
        detail=f"pixels of amplifier {name} scatter {sense} than their ivar says: wrong variance, or electronic noise"
        if found.amplitude
        else "",
    )


def _log_width(pulls: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the robust width of each row and its error; NaN where a row has too few pixels."""
    count = np.isfinite(pulls).sum(axis=1)
    width = MAD_TO_SIGMA * nan_median(np.abs(pulls), axis=1)
    enough = (count >= MIN_PIXELS) & (width > 0)
    return np.log(np.where(enough, width, np.nan)), SCALE_ERROR / np.sqrt(np.where(enough, count, np.nan))


def _fiber_width(logs: Floats, errors: Floats, *, faint: Bools, fiber: Ints) -> Measured:
    judged = faint | (logs < 0)
    found = strongest(np.where(judged, logs, np.nan), errors)
    if found.place < 0:
        return Measured.impossible("no live fiber has pixels in a line-free window")
    worst = int(fiber[found.place])
    return Measured(
        value=float(np.exp(found.amplitude)),
        error=found.error,
        sensitivity=found.sensitivity,
        fibers=((worst, worst),) if found.amplitude else (),
        detail="this fiber scatters unlike its ivar: variance not propagated, or a noisy column" if found.amplitude else "",
    )


def _correlation(near: Floats, far: Floats, *, fiber: Ints) -> Measured:
    clip = 5.0
    bundle = fiber // BUNDLE
    found = []
    for number in np.unique(bundle):
        rows = bundle == number
        one, two = np.square(np.clip(near[rows], -clip, clip)), np.square(np.clip(far[rows], -clip, clip))
        count = int(np.isfinite(two).sum())
        if count >= 10 * MIN_PIXELS:
            first, second = np.nanmean(one), np.nanmean(two)
            found.append(((second - first) / (second + first), 1.0 / np.sqrt(count), int(number)))
    if not found:
        return Measured.impossible("no bundle has enough faint live fibers")
    value, error, number = max(found, key=lambda item: abs(item[0]))
    threshold = local_threshold(len(found))
    fibers = (number * BUNDLE, number * BUNDLE + BUNDLE - 1)
    return Measured(
        value=float(value) if abs(value) > threshold * error else 0.0,
        error=float(error),
        sensitivity=threshold * float(np.median([item[1] for item in found])),
        fibers=(fibers,),
        detail="neighbouring pixels are not independent: " + ("the extraction rings" if value < 0 else "smoothed or shared noise"),
        features=(Feature("ringing", fibers, (0.0, 0.0), float(value), float(error), abs(value) / error, "correlation"),)
        if abs(value) > threshold * error
        else (),
    )


def good_pixels(ivar: Floats, *, fiber: Ints, flagged: Bools | None = None) -> Measured:
    """Fraction of pixels that can be used, among fibers that nobody has flagged.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance; 0 or NaN marks bad pixels.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
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
    good = (ivar > 0).mean(axis=1)
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
        Inverse variance; 0 marks bad pixels.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    is_sky : ndarray of bool, shape (n_fiber,)
        Sky fibers without a fatal flag.

    Returns
    -------
    Measured
        Number of sky fibers with at least half of their pixels.
    """
    alive = is_sky & ((ivar > 0).mean(axis=1) >= 0.5)
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
        Inverse variance; 0 marks bad pixels.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.

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
