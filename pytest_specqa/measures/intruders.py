"""Light that several fibers share at one wavelength although they look at different places: lasers, lamps, satellites."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.stats import poisson

from pytest_specqa.values import Feature, Measured

from .probes import Ints, near_nebular
from .robust import FALSE_ALARM, Floats, nan_median

RUN = 3
AROUND = 15
HIT = 5.0
"""Sigmas of one line in one fiber from which on it is counted."""
SKY_FLOOR = 0.03
"""Fraction of the sky that a sound subtraction may leave at a line of a single fiber."""


def shared_lines(flux: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, sky: Floats) -> Measured:
    """Largest number of fibers that show an emission line at one and the same wavelength, beyond chance.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux in electron/Angstrom and inverse variance; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    sky : ndarray, shape (n_fiber, n_wave) or (n_wave,)
        Sky model in electron/Angstrom.

    Returns
    -------
    Measured
        Number of fibers beyond what neighbouring wavelengths have, 0 if chance explains it. Galactic emission lines are left out.

    References
    ----------
    desispec #1760 (laser guide star), #2599, desisurveyops #75.
    """
    spectrum = np.asarray(sky, dtype=np.float32) if sky.ndim == 1 else nan_median(sky[::5], axis=0).astype(np.float32)
    good = (ivar > 0) & np.isfinite(flux)
    if not good.any():
        return Measured.impossible("no live fiber in this camera")
    weight = np.where(good, ivar, np.float32(0))
    light = weight * np.where(good, flux, np.float32(0))
    narrow_weight = uniform_filter1d(weight, RUN, axis=1)
    narrow = uniform_filter1d(light, RUN, axis=1) / np.maximum(narrow_weight, 1e-30)
    wide = uniform_filter1d(light, 2 * AROUND + 1, axis=1) / np.maximum(uniform_filter1d(weight, 2 * AROUND + 1, axis=1), 1e-30)
    variance = 1.0 / np.maximum(RUN * narrow_weight, 1e-30) + (np.float32(SKY_FLOOR) * np.abs(spectrum)) ** 2
    hits = (narrow - wide > HIT * np.sqrt(variance)) & (narrow_weight > 0)
    count = np.where(near_nebular(wave), 0, hits.sum(axis=0))
    usual = max(float(uniform_filter1d(count.astype(float), 201, mode="nearest").max()), 0.05)
    worst = int(np.argmax(count))
    chance = float(poisson.sf(count[worst] - 1, usual)) * wave.size / RUN
    significant = chance < FALSE_ALARM
    rows = np.flatnonzero(hits[:, worst])
    waves = (float(wave[max(worst - 2, 0)]), float(wave[min(worst + 2, wave.size - 1)]))
    least = float(poisson.isf(FALSE_ALARM * RUN / wave.size, usual))
    return Measured(
        value=float(count[worst]) - usual if significant else 0.0,
        error=float(np.sqrt(usual)),
        sensitivity=least - usual,
        fibers=tuple((int(fiber[k]), int(fiber[k])) for k in rows[:20]) if significant else (),
        waves=waves if significant else None,
        detail=f"{len(rows)} fibers share a line at {wave[worst]:.1f} A: a laser, a lamp or a satellite" if significant else "",
        features=(Feature("line", (int(fiber[rows[0]]), int(fiber[rows[-1]])), waves, float(count[worst]), 1.0, HIT),)
        if significant
        else (),
    )
