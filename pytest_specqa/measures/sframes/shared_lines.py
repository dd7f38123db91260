"""Light that several fibers share at one wavelength although they look at different places: lasers, lamps, satellites."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.stats import poisson

from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import FALSE_ALARM
from pytest_specqa.measures.where import near_nebular
from pytest_specqa.values import Feature, Measured

RUN = 3
"""Bins that are summed for one line: its width in any camera."""
AROUND = 15
"""Bins to either side from which the continuum under a line is taken."""
BACKGROUND = 101
"""Bins over which the usual number of hits is averaged."""
CROWD = 3
"""Hits at one wavelength that count at most toward the usual number, so that a shared line does not hide itself."""
HIT = 5.0
"""Sigmas of one line in one fiber from which on it is counted."""
SKY_FLOOR = 0.03
"""Fraction of the sky that a sound subtraction may leave at a line of a single fiber."""


def shared_lines(spectra: CameraSpectra) -> Measured:
    """Largest number of faint fibers that show an emission line at one and the same wavelength, beyond chance.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Measured
        Number of fibers beyond what neighbouring wavelengths have, 0 if chance explains it. Galactic emission lines are left out.

    References
    ----------
    desispec #1760 (laser guide star), #2599, desisurveyops #75.
    """
    wave, spectrum, rows = spectra.wave, spectra.sky_spectrum.astype(np.float32), spectra.faint
    if not rows.any():
        return Measured.impossible("no faint live fiber in this camera")
    flux, ivar, fiber, good = spectra.flux[rows], spectra.ivar[rows], spectra.fiber[rows], spectra.good[rows]
    # Galactic lines count neither as hits nor as continuum: where a fiber has less of them than the sky fibers, a hole remains
    # that would lift all that lies beside it.
    weight = np.where(good & ~near_nebular(wave, spectra.instrument), ivar, np.float32(0))
    light = weight * np.where(good, flux, np.float32(0))
    narrow_weight = uniform_filter1d(weight, RUN, axis=1)
    narrow = uniform_filter1d(light, RUN, axis=1) / np.maximum(narrow_weight, 1e-30)
    wide = uniform_filter1d(light, 2 * AROUND + 1, axis=1) / np.maximum(uniform_filter1d(weight, 2 * AROUND + 1, axis=1), 1e-30)
    variance = 1.0 / np.maximum(RUN * narrow_weight, 1e-30) + (np.float32(SKY_FLOOR) * np.abs(spectrum)) ** 2
    hits = (narrow - wide > HIT * np.sqrt(variance)) & (narrow_weight > 0)
    count = hits.sum(axis=0)
    usual = np.maximum(uniform_filter1d(np.minimum(count, CROWD).astype(float), BACKGROUND, mode="nearest"), 0.02)
    log_chance = poisson.logsf(count - 1, usual)
    worst = int(np.argmin(log_chance))
    significant = log_chance[worst] < np.log(FALSE_ALARM * RUN / wave.size)
    members = np.flatnonzero(hits[:, worst])
    waves = (float(wave[max(worst - 2, 0)]), float(wave[min(worst + 2, wave.size - 1)]))
    typical = float(np.median(usual))
    least = float(poisson.isf(FALSE_ALARM * RUN / wave.size, typical))
    return Measured(
        value=float(count[worst] - usual[worst]) if significant else 0.0,
        error=float(np.sqrt(usual[worst])),
        sensitivity=least - typical,
        fibers=tuple((int(fiber[k]), int(fiber[k])) for k in members[:20]) if significant else (),
        waves=waves if significant else None,
        detail=f"{len(members)} fibers share a line at {wave[worst]:.1f} A: a laser, a lamp or a satellite" if significant else "",
        features=(Feature("line", (int(fiber[members[0]]), int(fiber[members[-1]])), waves, float(count[worst]), 1.0, HIT),)
        if significant
        else (),
    )
