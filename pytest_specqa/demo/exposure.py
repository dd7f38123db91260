"""One camera exposure on its way through the instrument and the pipeline, stage by stage.

scene -> ccd -> frame -> flat -> sky -> sframe -> fluxcalib -> cframe. A fault acts on the `Exposure` right after the stage that it
belongs to, so that all later stages see it as the real pipeline would.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import Conditions
from pytest_specqa.demo.skyfit import SkyModel
from pytest_specqa.demo.targets import Targets
from pytest_specqa.demo.templates import BandTemplate
from pytest_specqa.errors import SpecQAError
from pytest_specqa.instrument import DESI

F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]

READ_NOISE = 3.1
"""Typical read noise of an amplifier [electron per pixel]."""

EXTRACTION = 2.1
"""Noise of a bin [electron/Angstrom] over the read noise [electron per pixel]."""

SOMEBADPIX, COSMIC, NODATA, BADFIBER, BADCOLUMN = 1 << 0, 1 << 2, 1 << 8, 1 << 9, 1 << 10
_NAN = np.zeros((0, 0), dtype=np.float32)


@dataclass
class Streams:
    """Independent random streams, so that a fault does not change anyone else's numbers."""

    scene: np.random.Generator
    noise: np.random.Generator
    instrument: np.random.Generator
    fault_seed: int
    instrument_seed: int
    noisy: bool = True
    one_cause: bool = False
    """Whether the caller gave the fault seed, to strike several cameras alike; faults that last do so too then."""


@dataclass
class Exposure:
    """Working state: arrays f4[500, nw], filled stage by stage.

    Attributes
    ----------
    sky_light, object_light : ndarray
        Light before the fibers' own throughput [electron/Angstrom].
    flat_coefficients : ndarray f8[500, 5]
        Strengths of `templates.flat_modes` for each fiber.
    true_flat : ndarray
        Relative throughput of the fibers.
    counts, variance : ndarray
        Expected frame and its variance.
    flux, ivar, mask : ndarray
        The frame.
    fiberflat, flat_ivar : ndarray
        The flat as measured, on the Earth-frame grid.
    flat_used : ndarray
        The flat on the barycentric grid, as applied.
    flattened, flattened_ivar : ndarray
        Flat-fielded frame.
    resolution : ndarray f4[500]
        Half the excess LSF variance that the sky model knows [square Angstrom].
    sky : SkyModel
        The fitted sky.
    sframe, sframe_ivar, fluxcalib, fluxcalib_ivar, cframe, cframe_ivar : ndarray
        Later products.
    read_noise : tuple of float
        Read noise of the amplifiers A-D [electron per pixel].
    """

    conditions: Conditions
    template: BandTemplate
    targets: Targets
    streams: Streams
    sky_light: F32 = field(default_factory=lambda: _NAN)
    object_light: F32 = field(default_factory=lambda: _NAN)
    flat_coefficients: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    true_flat: F32 = field(default_factory=lambda: _NAN)
    counts: F32 = field(default_factory=lambda: _NAN)
    variance: F32 = field(default_factory=lambda: _NAN)
    flux: F32 = field(default_factory=lambda: _NAN)
    ivar: F32 = field(default_factory=lambda: _NAN)
    mask: U32 = field(default_factory=lambda: np.zeros((0, 0), dtype=np.uint32))
    fiberflat: F32 = field(default_factory=lambda: _NAN)
    flat_ivar: F32 = field(default_factory=lambda: _NAN)
    flat_used: F32 = field(default_factory=lambda: _NAN)
    flattened: F32 = field(default_factory=lambda: _NAN)
    flattened_ivar: F32 = field(default_factory=lambda: _NAN)
    resolution: F32 = field(default_factory=lambda: _NAN)
    sky: SkyModel | None = None
    sframe: F32 = field(default_factory=lambda: _NAN)
    sframe_ivar: F32 = field(default_factory=lambda: _NAN)
    fluxcalib: F32 = field(default_factory=lambda: _NAN)
    fluxcalib_ivar: F32 = field(default_factory=lambda: _NAN)
    cframe: F32 = field(default_factory=lambda: _NAN)
    cframe_ivar: F32 = field(default_factory=lambda: _NAN)
    read_noise: tuple[float, ...] = ()

    @property
    def scale(self) -> float:
        """Exposure time over 1000 s."""
        return self.conditions.exptime / 1000.0

    @property
    def typical_sky(self) -> F32:
        """Mean sky spectrum before the fibers [electron/Angstrom]."""
        mean: F32 = self.sky_light.mean(axis=0)
        return mean

    @property
    def sky_rows(self) -> NDArray[np.int64]:
        """Rows of the sky fibers that the pipeline uses."""
        fm = self.targets.fibermap
        usable = (fm["OBJTYPE"] == b"SKY") & ((fm["FIBERSTATUS"] & DESI.fatal[self.conditions.band]) == 0)
        return np.flatnonzero(usable)


def fitted_sky(state: Exposure) -> SkyModel:
    """The sky model of an exposure that has one.

    Parameters
    ----------
    state : Exposure
        After `model_sky`.

    Returns
    -------
    SkyModel
        Its sky model.
    """
    if state.sky is None:
        raise SpecQAError("the sky model is used before it is fitted: call model_sky first")
    return state.sky
