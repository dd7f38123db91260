"""Was the flat of the file the one that was applied? A question of algebra, free of noise."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, Ints, nan_median
from pytest_specqa.measures.where import between_lines
from pytest_specqa.values import Measured

FAINT_LINE = 0.08
"""Height of a sky line over the continuum from which on it is left out: some productions rescale lines by fiber."""
WINDOW = 50
"""Bins that are averaged: interpolation of the flat differs from pixel to pixel, and not on the average."""


def applied_flat(spectra: CameraSpectra, frame_flux: Floats, frame_ivar: Floats, *, fiberflat: Floats) -> Measured:
    """Compare the flat that turns the sframe back into the frame with the flat of the file.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model; the flat of a wavelength lies at ``wave / heliocor``.
    frame_flux, frame_ivar : ndarray, shape (n_fiber, n_wave)
        Spectra before flat-fielding in electron/Angstrom and their inverse variance; ivar = 0 is left out.
    fiberflat : ndarray, shape (n_fiber, n_wave)
        Flat (a ratio) on the same grid of numbers, but in the frame of the observer.

    Returns
    -------
    Measured
        Largest chromatic difference, as a fraction, in windows of 50 bins between sky lines, in the median fiber. One factor of
        each fiber is free: productions differ in how they apply the throughput correction. *Not measured* without good pixels.

    References
    ----------
    desispec #1111, #1117 (flat applied in the wrong wavelength frame), PR #1895 (sky subtracted twice).
    """
    wave = spectra.wave
    columns = np.flatnonzero(between_lines(spectra.sky_spectrum, excess=FAINT_LINE))
    rows = np.flatnonzero((frame_ivar[:, ::7] > 0).mean(axis=1) > 0.5)
    if columns.size < WINDOW or not rows.size:
        return Measured.impossible("no live fiber has pixels between sky lines")
    place = np.clip(np.interp(wave[columns] / spectra.heliocor, wave, np.arange(wave.size)), 0, wave.size - 1.001)
    low = place.astype(int)
    share = (place - low).astype(np.float32)
    ratio = np.empty((rows.size, columns.size), np.float32)
    flux, sky = rows_of(spectra.flux), rows_of(np.broadcast_to(spectra.known_sky, spectra.flux.shape))
    _fill_ratio(flux, sky, rows_of(frame_flux), rows_of(frame_ivar), rows_of(fiberflat), rows, columns, low, share, ratio)
    ratio /= nan_median(ratio, axis=1).astype(np.float32)[:, None]
    typical = nan_median(ratio, axis=0) - 1.0
    starts = np.arange(0, columns.size - WINDOW + 1, WINDOW)
    means = np.array([np.nanmean(typical[start : start + WINDOW]) for start in starts])
    worst = int(np.nanargmax(np.abs(means)))
    span = columns[[starts[worst], starts[worst] + WINDOW - 1]]
    return Measured(
        value=float(abs(means[worst])),
        error=float(np.nanstd(typical) / np.sqrt(WINDOW)),
        fibers=(spectra.span,),
        waves=(float(wave[span[0]]), float(wave[span[1]])),
        detail="frame, sky and sframe do not fit this flat: another flat, another wavelength frame, or another sky was applied",
    )


@compiled
def _fill_ratio(
    flux: Floats,
    sky: Floats,
    frame: Floats,
    ivar: Floats,
    fiberflat: Floats,
    rows: Ints,
    columns: Ints,
    low: Ints,
    share: Floats,
    ratio: Floats,
) -> None:
    """The frame over what the flat makes of residual and sky; NaN where one of them tells nothing."""
    for place in range(rows.size):
        row = rows[place]
        for number in range(columns.size):
            k, before = columns[number], low[number]
            light = flux[row, k] + sky[row, k]
            flat = fiberflat[row, before] * (np.float32(1) - share[number]) + fiberflat[row, before + 1] * share[number]
            good = ivar[row, k] > 0 and light > 0 and flat > 0
            ratio[place, number] = frame[row, k] / (light * flat) if good else np.float32(np.nan)
