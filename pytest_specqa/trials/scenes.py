"""The range of conditions in which expectations are judged, one random scene per trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import Conditions, TileConditions, draw_conditions
from pytest_specqa.demo.faults import Fault
from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.demo.redshifts import simulate_redshifts
from pytest_specqa.demo.simulate import SimCamera, simulate_camera
from pytest_specqa.demo.targets import draw_targets
from pytest_specqa.errors import UsageError
from pytest_specqa.instrument import DESI
from pytest_specqa.trials import interop

RANGES = {
    "exptime": "60-1800 s, uniform in the logarithm",
    "sky_brightness": "1-10 times dark sky, uniform in the logarithm, moonlight of several colours",
    "n_sky": "20-80 sky fibers",
    "throughput_scatter": "1.0-1.8 % unknown to the flat, 0.2-1 % in a fifth of the exposures; flat noise 0.2-0.6 %",
    "lsf_width": "0.8-1.1 times nominal; 0.3-2 % from fiber to fiber; unknown to the sky model 0.1-0.6 %, and 0-1 % along the slit",
    "wave_error": "0.001-0.006 Angstrom, 0-0.01 along slit and wavelength; all fibers 0.02",
    "dead_fibers": "0-11, and 5-60 mispositioned",
    "cosmics": "150-1500 per 1000 s",
    "sky_gradient": "0.3, 1.1, 2.6 % from the centre to the edge (5, 50, 95 % of exposures), lines and continuum alike",
    "airglow_gradient": "0-0.6 % of each emitter of lines, and patches of 0-0.3 %",
    "transparency": "0.4-1",
}
"""What varies from trial to trial, as it is printed."""
WHOLE_EXPOSURES = ("scattered_light", "flat_screen_gradient", "line_scale_leak", "vega_for_ab", "residual_floor")
"""Faults that are also judged in whole exposures, and strike all ten cameras of a band."""
ONE_PETAL = ("bright_camera", "standards_bias", "fluxcalib_scale", "satellite")
"""Faults that are also judged in whole exposures, and strike one of the ten cameras."""


BRIGHT_TILES = 0.4
"""Part of the clean tiles that is of the bright program."""


def faulty_conditions(rng: np.random.Generator, *, band: str, changes: Mapping[str, Any] | None = None) -> Conditions:
    """Draw the conditions of a typical dark exposure, in which a fault is planted.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    band : str
        ``b``, ``r`` or ``z``.
    changes : mapping, optional
        Conditions that the fault needs.

    Returns
    -------
    Conditions
        1000 s, dark sky, 30-45 sky fibers, any petal.
    """
    typical = Conditions(
        band=band, petal=int(rng.integers(10)), n_sky=int(rng.integers(30, 46)), heliocor=float(1 + rng.uniform(-1e-4, 1e-4))
    )
    return replace(typical, **(changes or {}))


def band_of(fault: Fault) -> str:
    """Choose the band in which a fault is judged.

    Parameters
    ----------
    fault : Fault
        Any.

    Returns
    -------
    str
        ``r`` if the fault shows there, else its first band.
    """
    return "r" if "r" in fault.bands else fault.bands[0]


def simulate(case: str, amplitude: float, *, band: str, rng: np.random.Generator) -> SimCamera:
    """Simulate the camera of one trial.

    Parameters
    ----------
    case : str
        ``clean``, ``desispec`` (clean, with the sky model of the survey's own code), ``quiet:NAME`` or the name of a fault.
    amplitude : float
        Of the fault.
    band : str
        ``b``, ``r`` or ``z``.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    SimCamera
        All products.
    """
    conditions, faults = _scene(case, amplitude, band=band, rng=rng)
    camera = simulate_camera(conditions, rng, faults=faults)
    return interop.with_fitted_sky(camera) if case == interop.CASE else camera


def _scene(case: str, amplitude: float, *, band: str, rng: np.random.Generator) -> tuple[Conditions, dict[str, float]]:
    if case in ("clean", interop.CASE):
        return draw_conditions(rng, band=band), {}
    if case.startswith("quiet:"):
        made = QUIET[case.removeprefix("quiet:")].make(rng)
        if not isinstance(made, Conditions):
            raise UsageError(f"{case} is no case of a camera")
        return made, {}
    return faulty_conditions(rng, band=band), {case: amplitude}


def simulate_exposure(case: str, amplitude: float, *, band: str, rng: np.random.Generator) -> list[SimCamera]:
    """Simulate the ten cameras of one band of an exposure, under the same conditions.

    Parameters
    ----------
    case, amplitude, band, rng
        As for `simulate`; a fault is planted in every camera, by one cause (a flat screen tilts in one direction for all), or, one
        of `ONE_PETAL`, in one camera.

    Returns
    -------
    list of SimCamera
        By petal.
    """
    conditions, faults = _scene(case, amplitude, band=band, rng=rng)
    cause = int(rng.integers(2**62)) if faults else None
    struck = (conditions.petal,) if case in ONE_PETAL else DESI.petals
    return [
        simulate_camera(replace(conditions, petal=petal), rng, faults=faults if petal in struck else {}, fault_seed=cause)
        for petal in DESI.petals
    ]


def simulate_visits(case: str, amplitude: float, *, band: str, rng: np.random.Generator) -> list[list[SimCamera]]:
    """Simulate the same targets of three neighbouring petals in three exposures of a tile; the middle exposure has a fault.

    Parameters
    ----------
    case, amplitude, band, rng
        As for `simulate`; a fault is planted in every camera of that exposure, or one of `ONE_PETAL` in the middle one.

    Returns
    -------
    list of list of SimCamera
        By exposure and petal; all under the same conditions, but for the structure of the sky.
    """
    conditions, faults = _scene(case, amplitude, band=band, rng=rng)
    visits = [replace(conditions, sky_seed=conditions.sky_seed + visit) for visit in range(3)]
    petals = [(conditions.petal + step) % DESI.spectrographs for step in (-1, 0, 1)]
    struck = petals[1:2] if case in ONE_PETAL else petals
    targets = {petal: draw_targets(replace(conditions, petal=petal), rng) for petal in petals}
    seed = int(rng.integers(2**62))
    return [
        [
            simulate_camera(
                replace(sky, petal=petal),
                rng,
                faults=faults if visit == 1 and petal in struck else {},
                targets=targets[petal],
                spectrograph=seed,
            )
            for petal in petals
        ]
        for visit, sky in enumerate(visits)
    ]


def simulate_tile(
    case: str, amplitude: float, *, petal: int, rng: np.random.Generator
) -> list[tuple[int, NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Simulate the redshifts of three neighbouring petals of a tile; a fault is planted in the middle one.

    Parameters
    ----------
    case, amplitude
        As for `simulate`.
    petal : int
        The petal with the fault.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of (int, ndarray, ndarray, ndarray)
        Petal, REDSHIFTS rows, FIBERMAP rows, and those without the fault: what the fibermaps of the exposures say.
    """
    conditions = TileConditions(
        n_sky=int(rng.integers(20, 81)), efftime=float(rng.uniform(0.7, 1.3)), clustering=float(rng.uniform(0.05, 0.3))
    )
    if case == "clean":
        # Galaxies of the bright program lie nearest and cluster most.
        conditions = replace(conditions, bright=bool(rng.random() < BRIGHT_TILES))
    faults: dict[str, float] = {}
    if case.startswith("quiet:"):
        made = QUIET[case.removeprefix("quiet:")].make(rng)
        conditions = made if isinstance(made, TileConditions) else conditions
    elif case != "clean":
        faults = {case: amplitude}
    seed = int(rng.integers(2**62))
    petals = ((petal - 1) % DESI.spectrographs, petal, (petal + 1) % DESI.spectrographs)
    clean = simulate_redshifts(conditions, np.random.default_rng(seed), petals=petals)
    faulty = simulate_redshifts(conditions, np.random.default_rng(seed), petals=petals, faults=faults) if faults else clean
    tables = [(number, (faulty if number == petal else clean).petal(number)) for number in petals]
    return [(number, table.redshifts, table.fibermap, clean.petal(number).fibermap) for number, table in tables]
