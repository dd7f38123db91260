"""Noise that many fibers share along the rows of a CCD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.frames.slit_parts import CURVATURES, Probe, row_shifts
from pytest_specqa.measures.statistics import Floats, Ints, mad_scale, nan_median, strongest
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
    shared, sigma = _shared_rows(probe)
    cells = [_row_scatter(shared[:, part], sigma[:, part], lag=lag) for part in parts for lag in LAGS]
    ratio, error, typical = np.moveaxis(np.array(cells), 0, -1).reshape(3, -1)
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


def _row_scatter(shared: Floats, sigma: Floats, *, lag: int) -> tuple[Floats, Floats, Floats]:
    """Scatter of rows a lag apart over the expected one, its relative error, and the expected error of a row, by curvature."""
    jump, expected = shared[:, lag:] - shared[:, :-lag], np.hypot(sigma[:, lag:], sigma[:, :-lag])
    count = np.isfinite(jump).sum(axis=1)
    ratio = mad_scale(jump / expected, axis=1, center=np.zeros(len(jump)))
    typical = np.sqrt(0.5) * nan_median(np.where(np.isfinite(jump), expected, np.nan), axis=1)
    enough = np.where(count < MIN_ROWS, np.nan, 1.0)
    return ratio * enough, 1.35 / np.sqrt(np.maximum(count, 1)) * enough, typical * enough


def _shared_rows(probe: Probe) -> tuple[Floats, Floats]:
    """For each curvature, right minus left half of the mean along a CCD row and the error that independent pixels give it."""
    shifts = np.stack([row_shifts(probe, curvature) for curvature in CURVATURES])
    sums = np.zeros((2, 2, len(shifts), probe.wave.size), dtype=np.float32)
    _add_rows(probe.flux, probe.ivar, probe.right.astype(int), shifts, sums)
    (left, left_weight), (right, right_weight) = sums
    # Of a weight below the smallest normal number there is no variance.
    usable = np.minimum(left_weight, right_weight) >= np.finfo(np.float32).tiny
    right_weight, left_weight = np.where(usable, right_weight, np.nan), np.where(usable, left_weight, np.nan)
    return right / right_weight - left / left_weight, np.sqrt(1.0 / right_weight + 1.0 / left_weight)


@compiled
def _add_rows(flux: Floats, ivar: Floats, half: Ints, shifts: Ints, sums: Floats) -> None:
    """Weighted flux and weight along the CCD rows of each curvature, by half of the slit."""
    n_row, n = flux.shape
    weighted = np.empty((n_row, n), np.float32)
    for row in range(n_row):
        for k in range(n):
            weighted[row, k] = ivar[row, k] * flux[row, k]
    for number in range(shifts.shape[0]):
        for row in range(n_row):
            shift = shifts[number, row]
            first, last = max(shift, 0), n + min(shift, 0)
            light, total = (
                sums[half[row], 0, number, first - shift : last - shift],
                sums[half[row], 1, number, first - shift : last - shift],
            )
            add_light, add_total = weighted[row, first:last], ivar[row, first:last]
            for k in range(len(light)):
                light[k] += add_light[k]
                total[k] += add_total[k]
