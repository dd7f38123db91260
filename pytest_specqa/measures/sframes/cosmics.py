"""How many sharp features, narrower than any light that passed the spectrograph, are left unmasked?"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import FALSE_ALARM, Bools, Floats, Ints
from pytest_specqa.measures.where import live_fraction
from pytest_specqa.values import Feature, Measured

SHARPEST = 0.62
"""Standard deviation in Angstrom of a line spread narrower than that of any camera."""
MODEL_ERROR = 0.05
"""Fraction of the light in a neighbouring bin, of object or sky, that sharp structure may have through flat-field errors."""
THRESHOLD = 6.0
"""Sigmas from which on a sharp feature counts: chance gives 1e-4 of them in a camera."""
CANDIDATE = 5.0
"""Sigmas that the first bin of a hit has at least."""
WIDEST = 3
"""Bins that a feature has at most if it is narrower than any light that passed the optics, at 0.8 Angstrom a bin."""
NAMED = 20
"""Hits that are listed; their number is in the detail."""


def sharp_hits(spectra: CameraSpectra) -> Measured:
    """Count unmasked features of one to three bins whose flanks are too steep for the line spread.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model, whose lines leave sharp residuals of their own. A bin counts only
        if it and its neighbours have ivar > 0.

    Returns
    -------
    Measured
        Rate that the hits prove (the lower bound at the suite's false-alarm chance), per 1000 s and camera of 500 live fibers.

    References
    ----------
    redrock #68, #156 (unmasked cosmic rays make redshifts), desispec #1726, #2563.
    """
    flux, ivar, sky = spectra.flux, spectra.ivar, spectra.known_sky
    live = float(live_fraction(ivar).mean())
    if live == 0 or not spectra.exptime > 0:
        return Measured.impossible("no live pixel, or an exposure of no length")
    hits: Bools = np.zeros(flux.shape, dtype=bool)
    shares = np.array([_flanks(width, spectra.step) for width in range(1, WIDEST + 1)])
    _fill_hits(rows_of(flux), rows_of(ivar), rows_of(np.broadcast_to(sky, flux.shape)), shares, hits)
    rows, columns = np.divmod(np.flatnonzero(hits), flux.shape[1])
    return _rate(rows, columns, spectra.wave, fiber=spectra.fiber, scale=1000.0 / spectra.exptime / live)


def _flanks(width: int, step: float) -> float:
    """Light that the two bins beside a feature have at least, had it passed the optics, as a part of that in it."""
    offsets = (np.arange(width + 2) - 0.5 * (width + 1)) * step
    shape = np.exp(-0.5 * (offsets / SHARPEST) ** 2)
    return float((shape[0] + shape[-1]) / shape[1:-1].sum())


@compiled
def _fill_hits(flux: Floats, ivar: Floats, sky: Floats, shares: Floats, hits: Bools) -> None:
    """First bins of features that hold light which the bins to either side should share, had it passed the optics."""
    for row in range(flux.shape[0]):
        for k in range(1, flux.shape[1] - WIDEST - 1):
            if not (flux[row, k] * np.sqrt(ivar[row, k]) > CANDIDATE and flux[row, k - 1] < flux[row, k]):
                continue
            # Every width needs the bin before; the sums over a feature grow with its width.
            if not ivar[row, k - 1] > 0:
                continue
            inside, variance = 0.0, 0.0
            before = 0.5 * abs(flux[row, k - 1]) + 0.4 * abs(sky[row, k - 1])
            for number in range(len(shares)):
                last = k + number
                if not (ivar[row, last] > 0 and ivar[row, last + 1] > 0):
                    break
                inside += flux[row, last]
                variance += 1.0 / ivar[row, last]
                beside = max(flux[row, k - 1], np.float32(0)) + max(flux[row, last + 1], np.float32(0))
                light = before + 0.5 * abs(flux[row, last + 1]) + 0.4 * abs(sky[row, last + 1])
                share = shares[number]
                noise = share * share * variance + 1.0 / ivar[row, k - 1] + 1.0 / ivar[row, last + 1] + (MODEL_ERROR * light) ** 2
                if share * inside - beside > THRESHOLD * np.sqrt(noise):
                    hits[row, k] = True
                    break


def _rate(rows: Ints, columns: Ints, wave: Floats, *, fiber: Ints, scale: float) -> Measured:
    separate: Bools = np.ones(len(rows), dtype=bool)
    separate[1:] = (np.diff(rows) != 0) | (np.diff(columns) > WIDEST)
    rows, columns = rows[separate], columns[separate]
    count = len(rows)
    proved = float(gammaincinv(count, FALSE_ALARM)) if count else 0.0
    features = tuple(
        Feature(
            "cosmic", (int(fiber[i]), int(fiber[i])), (float(wave[k]), float(wave[min(k + 2, wave.size - 1)])), 1.0, 0.0, THRESHOLD
        )
        for i, k in zip(rows[:NAMED], columns[:NAMED], strict=True)
    )
    return Measured(
        value=proved * scale,
        error=float(np.sqrt(max(count, 1))) * scale,
        fibers=tuple(feature.fibers for feature in features),
        detail=f"{count} unmasked features are narrower than the line spread: cosmic rays that were missed" if count else "",
        features=features,
    )
