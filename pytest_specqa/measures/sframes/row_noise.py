"""Noise that many fibers share along the rows of a CCD."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pytest_specqa.measures.sframes.slit_parts import CURVATURES, Probe, row_shifts
from pytest_specqa.measures.statistics import Floats, mad_scale, strongest
from pytest_specqa.values import Measured

LAGS = (1, 8)
"""Rows over which noise along the rows is differenced: neighbours, and half a period of the usual electronic waves."""
MIN_ROWS = 100
"""Differences of rows from which on their scatter is known to 14 %."""


def row_noise(probe: Probe) -> Measured:
    """Measure the noise that fibers of one half of the slit share along CCD rows.

    Parameters
    ----------
    probe : Probe
        Faint fibers between sky lines, from `slit_parts.faint_probe`.

    Returns
    -------
    Measured
        Excess scatter from row to row of right minus left half, for the half of the spectrum and the curvature of the rows where
        it is largest, in the unit of the flux; 0 if not significant.

    References
    ----------
    desispec #1775, #1559 (noise along rows), #2737 (waves in a nightly bias).
    """
    middle = probe.wave.size // 2
    parts = (slice(None, middle), slice(middle, None))
    planes = np.stack([probe.ivar * probe.flux, probe.ivar], axis=1)
    cells = [_row_scatter(*rows, part=part, lag=lag) for rows in _shared_rows(probe, planes) for part in parts for lag in LAGS]
    ratio, error, typical = np.array(cells).T
    found = strongest(np.log(np.maximum(ratio, 1.0)), error)
    if found.place < 0:
        return Measured.impossible("no pixels between sky lines")
    noise = float(typical[found.place])
    value = noise * float(np.sqrt(np.expm1(2 * found.amplitude)))
    # The error is one of the logarithm of the scatter, of which row noise is the part beyond that of the pixels.
    steepness = (noise**2 + value**2) / value if value else noise
    measured = Measured(
        value=value,
        error=steepness * found.error,
        sensitivity=noise * float(np.sqrt(np.expm1(2 * found.sensitivity))),
    )
    if not found.amplitude:
        return measured
    ends = probe.wave[parts[found.place // len(LAGS) % 2]][[0, -1]]
    return replace(
        measured,
        fibers=((int(probe.fiber.min()), int(probe.fiber.max())),),
        waves=(float(ends[0]), float(ends[1])),
        detail="fibers of one half of the slit share noise along CCD rows: a noisy amplifier, or waves in its bias",
    )


def _row_scatter(shared: Floats, sigma: Floats, *, part: slice, lag: int) -> tuple[float, float, float]:
    """Scatter of rows a lag apart over the expected one, its relative error, and the expected error of a row."""
    shared, sigma = shared[part], sigma[part]
    jump, expected = shared[lag:] - shared[:-lag], np.hypot(sigma[lag:], sigma[:-lag])
    use = np.isfinite(jump)
    if use.sum() < MIN_ROWS:
        return np.nan, np.nan, np.nan
    ratio = float(mad_scale(jump[use] / expected[use], center=0.0))
    return ratio, 1.35 / float(np.sqrt(use.sum())), float(np.sqrt(0.5) * np.median(expected[use]))


def _shared_rows(probe: Probe, planes: Floats) -> Iterator[tuple[Floats, Floats]]:
    """For each curvature, right minus left half of the mean along a CCD row and the error that independent pixels give it."""
    n_wave = probe.wave.size
    half = probe.right.astype(int)
    for curvature in CURVATURES:
        sums = np.zeros((2, 2, n_wave), dtype=np.float32)
        for row, shift in enumerate(row_shifts(probe, curvature).tolist()):
            low, high = max(shift, 0), n_wave + min(shift, 0)
            sums[half[row], :, low - shift : high - shift] += planes[row, :, low:high]
        (left, left_weight), (right, right_weight) = sums
        usable = (right_weight > 0) & (left_weight > 0)
        right_weight, left_weight = np.where(usable, right_weight, np.nan), np.where(usable, left_weight, np.nan)
        yield right / right_weight - left / left_weight, np.sqrt(1.0 / right_weight + 1.0 / left_weight)
