"""Do calibrated spectra hold the light that imaging says their targets have?

The level tells a bad flux calibration or a petal that missed its targets; two fibers whose light fits the other's target were
swapped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.models.light import HALF_WIDTH, NANOMAGGY, mean_flux
from pytest_specqa.measures.statistics import Bools, Floats, Ints, mad_scale, median_and_error
from pytest_specqa.values import Measured

BRIGHT = 10.0
"""Signal to noise of a fiber's mean flux, measured or expected, from which on it can be compared."""
OUTLIER = 7.0
"""Scatters from which a fiber is odd; variable stars and blends reach five."""
LEAST = 1.4
"""Natural logarithm of the least factor between two targets that makes an exchange visible: variable stars stay below it."""
MATCH = 3.0
"""Scatters within which two odd fibers must hold each other's light."""
MIN_SCATTER = 0.05
"""Least scatter of ln(measured / imaging): the photometry of fiber fluxes is no better."""
MIN_FIBERS = 10
"""Targets from which on a median level has an error."""


@dataclass(frozen=True)
class Agreement:
    """What `imaging_agreement` found.

    Attributes
    ----------
    level : Measured
        Median over targets of measured over expected flux.
    swapped : Measured
        Number of pairs of fibers that each hold the light of the other's target.
    ratio : ndarray, shape (n_fiber,)
        Logarithm of measured over expected flux; NaN where it cannot be compared.
    """

    level: Measured
    swapped: Measured
    ratio: Floats


def imaging_agreement(
    flux: Floats,
    ivar: Floats,
    wave: Floats,
    *,
    fiber: Ints,
    photometry: Columns,
    band: str,
    is_target: Bools,
    instrument: Instrument = DESI,
) -> Agreement:
    """Compare calibrated spectra with the fluxes of their targets in images.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Calibrated flux in 1e-17 erg/(s cm2 Angstrom) and inverse variance; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    photometry : Columns
        FIBERFLUX_G, FIBERFLUX_R, FIBERFLUX_Z in nanomaggy, as far as known: a fibermap.
    band : str
        Letter of the band.
    is_target : ndarray of bool, shape (n_fiber,)
        Fibers on a science target or standard, without a fatal flag.
    instrument : Instrument
        Knows which imaging flux belongs to a band.

    Returns
    -------
    Agreement
        Level and swapped pairs; *not measured* with fewer than ten comparable targets.

    References
    ----------
    desispec #1229, #1648 (petals off target), #1380 (swapped fibers), #1103 (bad calibration).
    """
    name, pivot = instrument.imaging[band]
    nothing = Measured.impossible(f"fewer than {MIN_FIBERS} targets with an imaging flux in {name} are bright enough to compare")
    if name not in photometry:
        return Agreement(nothing, nothing, np.full(len(flux), np.nan))
    expected = np.asarray(photometry[name], dtype=float) * NANOMAGGY / pivot**2
    measured, error = mean_flux(flux, ivar, wave, within=(pivot - HALF_WIDTH, pivot + HALF_WIDTH))
    comparable = is_target & np.isfinite(measured) & (expected > BRIGHT * error)
    if comparable.sum() < MIN_FIBERS:
        return Agreement(nothing, nothing, np.full(len(flux), np.nan))
    seen = np.maximum(measured, error)
    ratio = np.where(comparable, np.log(np.where(comparable, seen, 1.0) / np.where(comparable, expected, 1.0)), np.nan)
    middle, sigma = median_and_error(ratio)
    level = float(np.exp(middle))
    return Agreement(
        level=Measured(
            value=level,
            error=level * float(sigma),
            fibers=((int(fiber.min()), int(fiber.max())),),
            waves=(max(float(wave[0]), pivot - HALF_WIDTH), min(float(wave[-1]), pivot + HALF_WIDTH)),
            detail=f"{int(comparable.sum())} targets have {level:.2f} times their imaging flux: calibration, or fibers off target",
        ),
        swapped=_swapped(ratio - middle, np.log(np.where(comparable, expected, 1.0)), fiber=fiber),
        ratio=ratio,
    )


def _swapped(deviation: Floats, expected: Floats, *, fiber: Ints) -> Measured:
    """Pairs of outliers whose deviations are those of an exchange."""
    scatter = max(float(mad_scale(deviation)), MIN_SCATTER)
    with np.errstate(invalid="ignore"):
        odd = np.flatnonzero(np.abs(deviation) > max(OUTLIER * scatter, LEAST))
    pairs = []
    for place, one in enumerate(odd):
        for other in odd[place + 1 :]:
            step = expected[other] - expected[one]
            if abs(deviation[one] - step) < MATCH * scatter and abs(deviation[other] + step) < MATCH * scatter:
                pairs.append((int(one), int(other)))
    return Measured(
        value=float(len(pairs)),
        error=0.0,
        fibers=tuple((int(fiber[k]), int(fiber[k])) for pair in pairs for k in pair),
        detail=", ".join(f"fibers {fiber[one]} and {fiber[other]} hold each other's target" for one, other in pairs[:3]),
    )
