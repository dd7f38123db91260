"""Light that several fibers share at one wavelength although they look at different places: lasers, lamps, satellites."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.stats import poisson

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import FALSE_ALARM, Bools, Floats, Ints
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
PLAIN = 8.0
"""Signal to noise per pixel up to which a fiber is searched: stars and bright galaxies have too many lines of their own."""
HITS = (5.0, 8.0)
"""Sigmas from which on a line of one fiber is counted: weak lines of many fibers, and bright ones, of which few are enough."""
SKY_FLOOR = 0.03
"""Fraction of the sky that a sound subtraction may leave at a line of a single fiber."""


@compiled
def _fill_hits(flux: Floats, ivar: Floats, rows: Ints, columns: Bools, floor: Floats, hits: Ints) -> None:
    """Bins at which the mean over `RUN` bins stands out of that over `AROUND` bins to either side."""
    n, reach = flux.shape[1], RUN // 2
    weight, light = np.empty(n + 2 * AROUND), np.empty(n + 2 * AROUND)
    weights, lights = np.zeros(n + 2 * AROUND + 1), np.zeros(n + 2 * AROUND + 1)
    for place in range(rows.size):
        row = rows[place]
        for k in range(n):
            good = columns[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k])
            weight[k + AROUND] = ivar[row, k] if good else np.float32(0)
            light[k + AROUND] = ivar[row, k] * flux[row, k] if good else np.float32(0)
        # Beyond its ends a spectrum is taken to go back.
        for k in range(AROUND):
            weight[k], light[k] = weight[2 * AROUND - 1 - k], light[2 * AROUND - 1 - k]
            weight[n + AROUND + k], light[n + AROUND + k] = weight[n + AROUND - 1 - k], light[n + AROUND - 1 - k]
        for k in range(n + 2 * AROUND):
            weights[k + 1] = weights[k] + weight[k]
            lights[k + 1] = lights[k] + light[k]
        for k in range(n):
            narrow, total = 0.0, 0.0
            for step in range(AROUND - reach, AROUND + reach + 1):
                total += weight[k + step]
                narrow += light[k + step]
            wide = (lights[k + 2 * AROUND + 1] - lights[k]) / max(weights[k + 2 * AROUND + 1] - weights[k], 1e-30)
            safe = max(total, 1e-30)
            pull = (narrow / safe - wide) / np.sqrt(1.0 / safe + floor[k]) if total > 0 else 0.0
            hits[place, k] = (1 if pull > HITS[0] else 0) + (1 if pull > HITS[1] else 0)


def shared_lines(spectra: CameraSpectra) -> Measured:
    """Largest number of fibers of little light that show an emission line at one and the same wavelength, beyond chance.

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
    wave, rows = spectra.wave, np.flatnonzero(spectra.fainter_than(PLAIN))
    if not rows.size:
        return Measured.impossible("no live fiber of this camera is faint enough")
    fiber = spectra.fiber[rows]
    # Galactic lines count neither as hits nor as continuum: where a fiber has less of them than the sky fibers, a hole remains
    # that would lift all that lies beside it.
    columns = ~near_nebular(wave, spectra.instrument)
    floor = np.square(np.float32(SKY_FLOOR) * spectra.sky_spectrum.astype(np.float32))
    hits = np.zeros((rows.size, wave.size), dtype=np.uint8)
    _fill_hits(rows_of(spectra.flux), rows_of(spectra.ivar), rows, columns, floor, hits)
    chance = np.log(FALSE_ALARM * RUN / wave.size / len(HITS))
    crowds = [_crowd(hits > number, chance) for number in range(len(HITS))]
    level = int(np.argmin([crowd.log_chance for crowd in crowds]))
    found = crowds[level]
    significant, worst = found.log_chance < chance, found.place
    members = np.flatnonzero(hits[:, worst] > level)
    waves = (float(wave[max(worst - 2, 0)]), float(wave[min(worst + 2, wave.size - 1)]))
    return Measured(
        value=found.excess if significant else 0.0,
        error=float(np.sqrt(found.usual)),
        sensitivity=crowds[-1].unseen,
        fibers=tuple((int(fiber[k]), int(fiber[k])) for k in members[:20]) if significant else (),
        waves=waves if significant else None,
        detail=f"{len(members)} fibers share a line at {wave[worst]:.1f} A: a laser, a lamp or a satellite" if significant else "",
        features=(Feature("line", (int(fiber[members[0]]), int(fiber[members[-1]])), waves, float(len(members)), 1.0, HITS[level]),)
        if significant
        else (),
    )


class _Crowd(NamedTuple):
    """Where hits gather most: the place, the chance, hits beyond the usual number, that number, and how many would not be seen."""

    log_chance: float
    place: int
    excess: float
    usual: float
    unseen: float


def _crowd(hits: Bools, chance: float) -> _Crowd:
    count = hits.sum(axis=0)
    usual = np.maximum(uniform_filter1d(np.minimum(count, CROWD).astype(float), BACKGROUND, mode="nearest"), 0.02)
    log_chance = poisson.logsf(count - 1, usual)
    worst = int(np.argmin(log_chance))
    typical = float(np.median(usual))
    least = float(poisson.isf(np.exp(chance), typical))
    return _Crowd(float(log_chance[worst]), worst, float(count[worst] - usual[worst]), float(usual[worst]), least - typical)
