"""What a fault changes, without noise: the template of its matched filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import Conditions
from pytest_specqa.demo.faults import FAULTS, Place, check_faults
from pytest_specqa.demo.simulate import SimCamera, simulate_camera
from pytest_specqa.errors import UsageError

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class FaultTemplate:
    """Noise-free difference of the products with and without a fault.

    Attributes
    ----------
    name : str
        The fault.
    amplitude : float
        Its amplitude.
    frame, fiberflat, sky, sframe, fluxcalib, cframe : ndarray f4[500, nw]
        Differences, faulty minus clean; ivar and mask changes are not in them.
    place : Place
        Where the fault was planted.
    clean : SimCamera
        The noise-free camera without the fault; its ivar is that of the noisy one.
    """

    name: str
    amplitude: float
    frame: F32
    fiberflat: F32
    sky: F32
    sframe: F32
    fluxcalib: F32
    cframe: F32
    place: Place
    clean: SimCamera


def fault_template(conditions: Conditions, rng_seed: int, name: str, *, amplitude: float | None = None) -> FaultTemplate:
    """Difference that a fault makes, at the place where ``simulate_camera`` with the same seed plants it.

    Parameters
    ----------
    conditions : Conditions
        Sky, instrument and program.
    rng_seed : int
        Seed of the generator: ``simulate_camera(conditions, np.random.default_rng(rng_seed), faults={name: ...})`` has the same
        scene and the same place of the fault.
    name : str
        A fault that acts on cameras.
    amplitude : float or None
        Its amplitude; the default of the library if not given.

    Returns
    -------
    FaultTemplate
        Differences of the products.

    Raises
    ------
    UsageError
        A fault that does not exist, acts on redshifts only or does not show in the band.
    """
    check_faults({name: 0.0})
    fault = FAULTS[name]
    if fault.camera is None:
        raise UsageError(f"fault {name} acts on redshifts only: it has no camera template")
    if conditions.band not in fault.bands:
        raise UsageError(f"fault {name} shows in bands {fault.bands}, not in {conditions.band}")
    size = fault.amplitude if amplitude is None else amplitude
    clean = simulate_camera(conditions, np.random.default_rng(rng_seed), noise=False)
    faulty = simulate_camera(conditions, np.random.default_rng(rng_seed), faults={name: size}, noise=False)
    return FaultTemplate(
        name=name,
        amplitude=size,
        frame=faulty.frame.flux - clean.frame.flux,
        fiberflat=faulty.fiberflat - clean.fiberflat,
        sky=faulty.sky.flux - clean.sky.flux,
        sframe=faulty.sframe.flux - clean.sframe.flux,
        fluxcalib=faulty.fluxcalib.fluxcalib - clean.fluxcalib.fluxcalib,
        cframe=faulty.cframe.flux - clean.cframe.flux,
        place=faulty.truth.get(name, Place(np.zeros(0, dtype=np.int64), (float("nan"), float("nan")))),
        clean=clean,
    )
