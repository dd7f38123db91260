"""The smallest fault that any test could find: a filter that knows its shape and place, in the same noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, poisson

from pytest_specqa.demo.conditions import TileConditions
from pytest_specqa.demo.faults import FAULTS, Fault
from pytest_specqa.demo.matched import FaultTemplate, fault_template
from pytest_specqa.demo.redshifts import simulate_redshifts
from pytest_specqa.demo.simulate import SimCamera
from pytest_specqa.trials.scenes import ONE_PETAL, band_of, faulty_conditions

FALSE_ALARM = 1e-4
"""Chance of a false alarm per camera at which the filter is compared with the expectations."""


def matched_amplitude(template: FaultTemplate, *, calibrated: bool = False) -> float:
    """Amplitude that the matched filter finds in half of all exposures.

    The shape is the difference of two noise-free simulations. The noise is photon and read noise of each pixel and the noise of
    the sky model, which all fibers share at each wavelength.

    Parameters
    ----------
    template : FaultTemplate
        What the fault changes.
    calibrated : bool
        Whether to look at the calibrated spectra, for faults that act after sky subtraction.

    Returns
    -------
    float
        In the unit of the fault's amplitude; infinite where the fault does not change the spectra.
    """
    camera = template.clean
    weight = np.where(camera.sframe.ivar > 0, _photon_ivar(camera), 0.0)
    if calibrated:
        weight = weight * np.nan_to_num(camera.fluxcalib.fluxcalib) ** 2
    change = template.cframe if calibrated else template.sframe
    shape = np.where(weight > 0, np.nan_to_num(change), 0.0) / abs(template.amplitude)
    signal = _signal(shape, weight, camera.is_sky)
    return float(norm.isf(FALSE_ALARM) / np.sqrt(signal)) if signal > 0 else float("inf")


def _photon_ivar(camera: SimCamera) -> NDArray[np.float64]:
    """Inverse variance of the flat-fielded data: that of the sframe has sky-model terms that are no noise."""
    return np.asarray(camera.frame.ivar, dtype=np.float64) * np.asarray(camera.fiberflat, dtype=np.float64) ** 2


def _signal(shape: NDArray[np.float64], weight: NDArray[np.float64], is_sky: NDArray[np.bool_]) -> float:
    """Squared signal to noise for noise that is independent plus one common term per wavelength."""
    own = (weight * shape**2).sum(axis=0)
    cross = (weight * shape).sum(axis=0)
    sky = weight[is_sky].sum(axis=0)
    return float((own - cross**2 / (sky + weight.sum(axis=0) + 1e-30)).sum())


def matched_count(background: float) -> int:
    """Number of redshifts in a known window that chance exceeds with the false-alarm probability.

    Parameters
    ----------
    background : float
        Expected number in the window.

    Returns
    -------
    int
        Smallest excess over `background` that is found in half of all cases.
    """
    return int(poisson.isf(FALSE_ALARM, background)) + 1 - int(background)


def matched_amplitudes(*, seeds: int = 3) -> dict[tuple[str, str], float]:
    """Compute, for every fault of the library, the amplitude that the matched filter finds half of the time.

    Parameters
    ----------
    seeds : int
        Exposures to take the median of.

    Returns
    -------
    dict of (str, str) to float
        By kind of unit and fault; infinite where the fault leaves the spectra alone.
    """
    found: dict[tuple[str, str], float] = {}
    for fault in FAULTS.values():
        if fault.camera is not None:
            amplitude = float(np.median([_camera_amplitude(fault, seed) for seed in range(seeds)]))
            found["camera", fault.name] = amplitude
            # Cameras with the same fault and independent noise add their squared signals: ten of an exposure, three of a tile.
            alone = fault.name in ONE_PETAL
            found["exposure", fault.name] = amplitude / (1.0 if alone else np.sqrt(10))
            found["tile", fault.name] = amplitude / (1.0 if alone else np.sqrt(3))
        if fault.redshifts is not None:
            found["petal", fault.name] = float(np.median([_petal_amplitude(fault, seed) for seed in range(seeds)]))
    return found


def _petal_amplitude(fault: Fault, seed: int) -> float:
    """Amplitude at which the redshifts that a fault makes stand out of a known window; infinite if it makes none."""
    faulty = simulate_redshifts(TileConditions(), np.random.default_rng(seed), petals=(6,), faults={fault.name: fault.amplitude})
    clean = simulate_redshifts(TileConditions(), np.random.default_rng(seed), petals=(6,))
    place = faulty.truth[fault.name]
    if np.isnan(place.waves[0]):
        return float("inf")
    z = clean.redshifts["Z"]
    background = float(((z >= place.waves[0]) & (z <= place.waves[1])).sum())
    return abs(fault.amplitude) * matched_count(background) / max(len(place.rows), 1)


def _camera_amplitude(fault: Fault, seed: int) -> float:
    conditions = faulty_conditions(np.random.default_rng(seed), band=band_of(fault))
    return matched_amplitude(fault_template(conditions, seed, fault.name), calibrated=fault.stage in {"fluxcalib", "cframe"})
