"""Camera exposures in memory: physics, pipeline and planted faults, without files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo import instrument, pipeline
from pytest_specqa.demo.conditions import Conditions
from pytest_specqa.demo.exposure import Exposure, Streams, fitted_sky
from pytest_specqa.demo.faults import FAULTS, Place, check_faults
from pytest_specqa.demo.targets import Targets, draw_targets
from pytest_specqa.demo.templates import STEP, band_template
from pytest_specqa.instrument import DESI
from pytest_specqa.measures.spectra import CameraSpectra

F32 = NDArray[np.float32]

DIAGONALS = 5 - np.arange(11)
"""Diagonals of RESOLUTION: bins from a wavelength to those that its light is spread over."""


@dataclass(frozen=True)
class Spectra:
    """Spectra of one camera: flux and ivar f4[500, nw], mask u4[500, nw]; ivar is 0 where mask is set."""

    flux: F32
    ivar: F32
    mask: NDArray[np.uint32]


@dataclass(frozen=True)
class SimSky:
    """Sky model: flux, ivar, stativar f4[500, nw] [electron/Angstrom, flat-fielded], mask, THRPUTCORR f4[500]."""

    flux: F32
    ivar: F32
    stativar: F32
    mask: NDArray[np.uint32]
    thrputcorr: F32


@dataclass(frozen=True)
class SimFlat:
    """Measured fiberflat on the Earth-frame grid: values, ivar, mask; `true` is the flat of the photons, without noise."""

    fiberflat: F32
    ivar: F32
    mask: NDArray[np.uint32]
    true: F32


@dataclass(frozen=True)
class SimCalib:
    """Flux calibration: values and ivar f4[500, nw] [1e+17 cm2 count s / erg]."""

    fluxcalib: F32
    ivar: F32


@dataclass(frozen=True)
class SimCamera:
    """All products of one simulated camera exposure.

    Attributes
    ----------
    conditions : Conditions
        What was simulated.
    wave : ndarray f8[nw]
        Barycentric wavelength grid [Angstrom].
    frame, sframe, cframe : Spectra
        electron/Angstrom, the same sky-subtracted, and 1e-17 erg/s/cm2/Angstrom.
    flat : SimFlat
        The nightly fiberflat.
    sky : SimSky
        The sky model.
    fluxcalib : SimCalib
        Flux calibration vectors.
    fibermap : structured ndarray [500]
        Columns of the data model.
    fiber : ndarray i8[500]
        FIBER 0-4999.
    is_sky : ndarray bool[500]
        OBJTYPE SKY without a fatal FIBERSTATUS bit.
    heliocor : float
        Barycentric factor: a sky line sits at its wavelength times this.
    header : dict
        Keywords of HDU 0 that measures may need: CAMERA, EXPTIME, HELIOCOR, OBSRDNa ...
    sigma : ndarray f4[500]
        Line spread of each fiber as the pipeline knows it, a Gaussian's standard deviation [Angstrom].
    truth : dict of str to Place
        For each planted fault, the rows and wavelengths that it acted on.
    """

    conditions: Conditions
    wave: NDArray[np.float64]
    frame: Spectra
    sframe: Spectra
    cframe: Spectra
    flat: SimFlat
    sky: SimSky
    fluxcalib: SimCalib
    fibermap: NDArray[Any]
    fiber: NDArray[np.int64]
    is_sky: NDArray[np.bool_]
    heliocor: float
    header: dict[str, Any]
    sigma: F32
    truth: dict[str, Place] = field(default_factory=dict)

    @cached_property
    def spectra(self) -> CameraSpectra:
        """The sframe with its sky model, as measures take it."""
        return CameraSpectra(
            flux=self.sframe.flux,
            ivar=self.sframe.ivar,
            wave=self.wave,
            fiber=self.fiber,
            is_sky=self.is_sky,
            sky=self.sky.flux,
            heliocor=self.heliocor,
            exptime=self.conditions.exptime,
        )

    @property
    def line_spread(self) -> NDArray[np.float64]:
        """Line spread of each fiber on the diagonals of RESOLUTION, f8[500, 11]; not normalized."""
        return np.asarray(np.exp(-0.5 * (STEP * DIAGONALS / self.sigma[:, None]) ** 2))

    @property
    def fiberflat(self) -> F32:
        """Measured fiberflat f4[500, nw]."""
        return self.flat.fiberflat


def simulate_camera(
    conditions: Conditions,
    rng: np.random.Generator,
    *,
    faults: Mapping[str, float] | None = None,
    targets: Targets | None = None,
    spectrograph: int | None = None,
    noise: bool = True,
    noise_seed: int = 0,
    fault_seed: int | None = None,
) -> SimCamera:
    """Simulate one camera exposure from the sky to the cframe.

    Parameters
    ----------
    conditions : Conditions
        Sky, instrument and program.
    rng : numpy.random.Generator
        Source of randomness. The same state gives the same scene and noise with and without faults.
    faults : mapping of str to float, optional
        Fault name to amplitude in the unit of `FAULTS`; 0 plants nothing, and neither does a fault that the band does not show.
    targets : Targets or None
        Targets of the petal; drawn if not given.
    spectrograph : int or None
        Seed of the spectrograph: the same flat in all exposures that share it.
    noise : bool
        Whether to add photon and read noise, cosmic rays and flat noise; ivar is the same without.
    noise_seed : int
        Another number gives other noise on the same scene.
    fault_seed : int or None
        Seed of the places of faults, for cameras that are struck by the same; drawn if not given.

    Returns
    -------
    SimCamera
        All products.

    Raises
    ------
    UsageError
        A fault name that does not exist.
    """
    planted = {
        name: size for name, size in check_faults(faults or {}).items() if size != 0 and conditions.band in FAULTS[name].bands
    }
    seeds = [int(seed) for seed in rng.integers(0, 2**62, 5)]
    spectrograph = seeds[4] if spectrograph is None else spectrograph
    streams = Streams(
        scene=np.random.Generator(np.random.SFC64(seeds[0])),
        noise=np.random.Generator(np.random.SFC64(seeds[1] + noise_seed)),
        instrument=np.random.Generator(np.random.SFC64([spectrograph, ord(conditions.band), conditions.petal])),
        fault_seed=seeds[2] if fault_seed is None else fault_seed,
        instrument_seed=spectrograph,
        noisy=noise,
        one_cause=fault_seed is not None,
    )
    targets = draw_targets(conditions, np.random.default_rng(seeds[3])) if targets is None else targets
    fibermap = targets.fibermap.copy()
    fibermap["EXPTIME"] = conditions.exptime
    targets = replace(targets, fibermap=fibermap)
    template = band_template(conditions.band, conditions.heliocor, conditions.lsf_width, conditions.moon_color)
    state = Exposure(conditions=conditions, template=template, targets=targets, streams=streams)
    truth: dict[str, Place] = {}
    for stage, step in _STEPS:
        step(state)
        for name, amplitude in planted.items():
            fault = FAULTS[name]
            if fault.stage == stage and fault.camera is not None:
                truth[name] = fault.camera(state, amplitude, fault_rng(state, name))
    return _finish(state, truth)


_STEPS = (
    ("scene", instrument.open_scene),
    ("ccd", instrument.expose),
    ("frame", instrument.read_out),
    ("flat", instrument.measure_flat),
    ("flattened", pipeline.apply_flat),
    ("sky", pipeline.model_sky),
    ("sframe", pipeline.subtract_sky),
    ("fluxcalib", pipeline.calibrate),
    ("cframe", pipeline.apply_calibration),
)


def fault_rng(state: Exposure, name: str) -> np.random.Generator:
    """Random stream of one fault, independent of which other faults are planted.

    Parameters
    ----------
    state : Exposure
        The exposure that it strikes.
    name : str
        Fault name.

    Returns
    -------
    numpy.random.Generator
        The same for all exposures of a camera if the fault is persistent, and for all cameras that are given one seed of faults.
    """
    cond, streams = state.conditions, state.streams
    lasting = FAULTS[name].persistent and not streams.one_cause
    origin = [streams.instrument_seed, ord(cond.band), cond.petal] if lasting else [streams.fault_seed]
    return np.random.default_rng([*origin, *name.encode()])


def _finish(state: Exposure, truth: dict[str, Place]) -> SimCamera:
    cond, sky = state.conditions, fitted_sky(state)
    fm = state.targets.fibermap
    clean = np.broadcast_to(np.uint32(0), state.flux.shape)
    header = {
        "CAMERA": cond.camera,
        "EXPTIME": cond.exptime,
        "HELIOCOR": cond.heliocor,
        "FLAVOR": "science",
        **{f"OBSRDN{amp}": value for amp, value in zip("ABCD", state.read_noise, strict=True)},
    }
    return SimCamera(
        conditions=cond,
        wave=state.template.wave,
        frame=Spectra(flux=state.flux, ivar=state.ivar, mask=state.mask),
        sframe=Spectra(flux=state.sframe, ivar=state.sframe_ivar, mask=state.mask),
        cframe=Spectra(flux=state.cframe, ivar=state.cframe_ivar, mask=state.mask),
        flat=SimFlat(fiberflat=state.fiberflat, ivar=state.flat_ivar, mask=clean, true=state.true_flat),
        sky=SimSky(flux=sky.flux, ivar=sky.ivar, stativar=sky.stativar, mask=clean, thrputcorr=sky.thrputcorr),
        fluxcalib=SimCalib(fluxcalib=state.fluxcalib, ivar=state.fluxcalib_ivar),
        fibermap=fm,
        fiber=fm["FIBER"].astype(np.int64),
        is_sky=(fm["OBJTYPE"] == b"SKY") & ((fm["FIBERSTATUS"] & DESI.fatal[cond.band]) == 0),
        heliocor=cond.heliocor,
        header=header,
        sigma=np.sqrt(np.maximum(state.template.sigma**2 + state.resolution, 0.01)),
        truth=truth,
    )
