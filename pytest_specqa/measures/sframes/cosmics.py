"""How many sharp features, narrower than any light that passed the spectrograph, are left unmasked?"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import FALSE_ALARM, Bools, Floats, Ints
from pytest_specqa.values import Feature, Measured

SHARPEST = 0.62
"""Standard deviation in Angstrom of a line spread narrower than that of any camera."""
MODEL_ERROR = 0.05
"""Fraction of the light in a neighbouring bin, of object or sky, that sharp structure may have through flat-field errors."""
THRESHOLD = 6.0
"""Sigmas from which on a sharp feature counts: chance gives 1e-4 of them in a camera."""
CANDIDATE = 5.0
"""Sigmas that the first bin of a hit has at least."""
WIDTHS = (1, 2, 3)
"""Bins of a feature that is narrower than any light that passed the optics, at 0.8 Angstrom a bin."""
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
    live = float((ivar > 0).mean())
    if live == 0 or not spectra.exptime > 0:
        return Measured.impossible("no live pixel, or an exposure of no length")
    pull = flux * np.sqrt(ivar)
    rising: Bools = (pull[:, 1:-4] > CANDIDATE) & (flux[:, :-5] < flux[:, 1:-4])
    rows, columns = np.nonzero(rising)
    near = columns[:, None] + np.arange(max(WIDTHS) + 2)
    data, weight = flux[rows[:, None], near], ivar[rows[:, None], near]
    behind = sky[near] if sky.ndim == 1 else sky[rows[:, None], near]
    light = 0.5 * np.abs(data) + 0.4 * np.abs(behind)
    found: Bools = np.zeros(len(rows), dtype=bool)
    for width in WIDTHS:
        found = found | _too_sharp(data[:, : width + 2], weight[:, : width + 2], light[:, : width + 2], step=spectra.step)
    return _rate(rows[found], columns[found] + 1, spectra.wave, fiber=spectra.fiber, scale=1000.0 / spectra.exptime / live)


def _too_sharp(data: Floats, ivar: Floats, light: Floats, *, step: float) -> Bools:
    """Tell which runs hold light that their two end bins should share, had it passed the optics."""
    offsets = (np.arange(data.shape[1]) - 0.5 * (data.shape[1] - 1)) * step
    shape = np.exp(-0.5 * (offsets / SHARPEST) ** 2)
    share = (shape[0] + shape[-1]) / shape[1:-1].sum()
    usable: Bools = np.all(ivar > 0, axis=1)
    variance = 1.0 / np.where(usable[:, None], ivar, 1.0)
    ends = [0, -1]
    excess = share * data[:, 1:-1].sum(axis=1) - np.maximum(data[:, ends], 0.0).sum(axis=1)
    error = np.sqrt(
        share**2 * variance[:, 1:-1].sum(axis=1) + variance[:, ends].sum(axis=1) + (MODEL_ERROR * light[:, ends].sum(axis=1)) ** 2
    )
    return np.asarray(usable & (excess > THRESHOLD * error))


def _rate(rows: Ints, columns: Ints, wave: Floats, *, fiber: Ints, scale: float) -> Measured:
    separate: Bools = np.ones(len(rows), dtype=bool)
    separate[1:] = (np.diff(rows) != 0) | (np.diff(columns) > max(WIDTHS))
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
