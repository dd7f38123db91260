"""Does the inverse variance tell the truth about the noise?

Widths are taken from the differences of neighbouring pixels in windows without sky lines, where the pipeline has no reason to
inflate the variance. A difference does not see objects, gradients or a poor sky continuum, so that all faint fibers can serve
and the result is precise to a fraction of a per cent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import Instrument
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Bools, Floats, Found, Ints, nan_median, strongest
from pytest_specqa.measures.where import line_free
from pytest_specqa.values import Measured

SCALE_ERROR = 1.35
"""Standard error of a robust width of overlapping differences, times the square root of their number (from 10,000 draws)."""
MIN_PIXELS = 50
"""Differences from which on the width of a fiber is known to 20 %."""
CLIP = 5.0
"""Sigmas to which a difference is pulled in, so that a cosmic ray is one outlier among many."""
# Correlation and ringing say so alike.
NO_BUNDLE = "no slit block has enough faint live fibers"


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
        Correlation of neighbouring pixels in the worst bundle of 25 fibers; 0 for a sound extraction.
    ringing : Measured
        Amplitude, in units of the noise, with which pixels of the worst bundle alternate.
    widths : ndarray, shape (n_fiber,)
        Width of the pulls of each fiber, 1 if its ivar is right; NaN for dead ones.
    """

    amplifier_width: Measured
    fiber_width: Measured
    correlation: Measured
    ringing: Measured
    widths: Floats


def noise(spectra: CameraSpectra) -> Noise:
    """Compare the scatter of neighbouring pixels with what their inverse variance predicts.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera, any consistent unit; no sky model is needed. The scatter of the sky fibers, which
        trained the model, is smaller by one part in their number; that is put right.

    Returns
    -------
    Noise
        Widths by amplifier and by fiber, and the correlation of neighbours.

    References
    ----------
    desispec PR #1368 (variance wrong by 20 % in one petal), #1775 (noisy amplifier), PR #2452 (variance of off-target fibers),
    gpu_specter #57 (ringing); Bolton & Schlegel 2010, PASP 122, 248 (extracted pixels are uncorrelated).
    """
    flux, ivar, wave, fiber, is_sky = spectra.flux, spectra.ivar, spectra.wave, spectra.fiber, spectra.is_sky
    instrument = spectra.instrument
    window = line_free(wave, instrument)
    near, far = _differences(flux[:, window], ivar[:, window])
    faint = spectra.faint
    trained = np.where(is_sky, 1.0 + 1.0 / max(int((is_sky & faint).sum()), 3), 1.0)[:, None].astype(np.float32)
    near, far = near * trained, far * trained
    logs, errors = _log_width(near)
    upper = wave[window][1:] > 0.5 * (wave[0] + wave[-1])
    return Noise(
        amplifier_width=_amplifier_width(near[faint], upper, fiber=fiber[faint], wave=wave, instrument=instrument),
        fiber_width=_fiber_width(logs, errors, faint=faint, fiber=fiber),
        correlation=_correlation(near[faint], far[faint], fiber=fiber[faint], block=instrument.block),
        ringing=_ringing(near[faint], np.flatnonzero(window)[1:], fiber=fiber[faint], block=instrument.block),
        widths=np.exp(logs),
    )


def _differences(flux: Floats, ivar: Floats) -> tuple[Floats, Floats]:
    """Differences over one and two pixels in units of their error; NaN where a pixel is bad."""
    # Of a weight below the smallest normal number there is no variance.
    good = (ivar >= np.finfo(np.float32).tiny) & np.isfinite(flux)
    variance = np.where(good, np.float32(1) / np.where(good, ivar, np.float32(1)), np.float32(np.nan))
    near = (flux[:, 1:] - flux[:, :-1]) / np.sqrt(variance[:, 1:] + variance[:, :-1])
    far = (flux[:, 2:] - flux[:, :-2]) / np.sqrt(variance[:, 2:] + variance[:, :-2])
    return near, far


def _amplifier_width(near: Floats, upper: Bools, *, fiber: Ints, wave: Floats, instrument: Instrument) -> Measured:
    right = instrument.right_half(fiber)
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


def _correlation(near: Floats, far: Floats, *, fiber: Ints, block: int) -> Measured:
    """Correlation from the scatter of differences over one and two pixels: blind to anything that is smooth."""
    numbers, starts = np.unique(fiber // block, return_index=True)
    squares, counts = zip(*(_by_bundle(np.square(np.clip(pulls, -CLIP, CLIP)), starts) for pulls in (near, far)), strict=True)
    enough = counts[1] >= 10 * MIN_PIXELS
    first, second = (np.where(enough, square / np.maximum(count, 1), np.nan) for square, count in zip(squares, counts, strict=True))
    values = (second - first) / np.maximum(second + first, 1e-9)
    errors = np.where(enough, 1.0 / np.sqrt(np.maximum(counts[1], 1)), np.nan)
    worst = _bundle(numbers, block, kind="correlation", detail="neighbouring pixels are not independent")
    return strongest(values, errors).measured(worst, nothing=NO_BUNDLE, signed=True)


def _ringing(near: Floats, columns: Ints, *, fiber: Ints, block: int) -> Measured:
    """Mean of the differences with alternating sign: one sign for all fibers of a bundle and all windows."""
    signs = np.where(columns % 2 == 0, 1.0, -1.0).astype(np.float32)
    numbers, starts = np.unique(fiber // block, return_index=True)
    sums, counts = _by_bundle(np.clip(near, -CLIP, CLIP) * signs, starts)
    counts = np.where(counts >= 10 * MIN_PIXELS, counts, np.nan)
    # A difference of alternating pixels is twice the amplitude over sqrt(2) errors, and two neighbouring ones share a pixel.
    found = strongest(sums / counts / np.sqrt(2.0), 1.0 / np.sqrt(counts))
    worst = _bundle(numbers, block, kind="ringing", detail="pixels alternate in all fibers: the extraction rings")
    return found.measured(worst, nothing=NO_BUNDLE)


def _by_bundle(values: Floats, starts: Ints) -> tuple[Floats, Ints]:
    """Sum and number of the finite values of each bundle, whose first rows are given."""
    if not starts.size:
        return np.empty(0), np.empty(0, dtype=int)
    known = np.isfinite(values)
    by_fiber = np.where(known, values, np.float32(0)).sum(axis=1, dtype=float), known.sum(axis=1)
    sums, counts = (np.add.reduceat(found, starts) for found in by_fiber)
    return sums, counts


def _bundle(numbers: Ints, block: int, *, kind: str, detail: str) -> Callable[[int], Found]:
    def found(place: int) -> Found:
        """The slit block at this place of the search."""
        first = int(numbers[place]) * block
        return Found((first, first + block - 1), detail, kind=kind)

    return found
