"""What is observed and how: the knobs of the simulation as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytest_specqa.errors import UsageError
from pytest_specqa.instrument import DESI


@dataclass(frozen=True)
class Conditions:
    """The state of sky, instrument and program for one camera exposure.

    The defaults are a dark, photometric 1000 s exposure of a main-survey dark tile.

    Attributes
    ----------
    band : str
        ``b``, ``r`` or ``z``.
    petal : int
        Petal 0-9; sets FIBER and the place on the focal plane.
    exptime : float
        Exposure time [s], 60-1800 in real data.
    sky_brightness : float
        Sky continuum over the dark-sky continuum, 1-10; what exceeds 1 has the colour of `moon_color`.
    line_strength : float
        Airglow lines over their typical strength.
    n_sky : int
        Sky fibers of the petal, at least one in each 25-fiber block while there are 20 or more.
    throughput_scatter : float
        Standard deviation of the achromatic fiber factor that the flat does not know.
    lsf_scatter : float
        Standard deviation of the relative LSF width from fiber to fiber, known to the sky model.
    lsf_error : float
        Standard deviation of the relative LSF width that the sky model does not know, from fiber to fiber.
    lsf_drift : float
        The same, but smooth along the slit and with wavelength.
    wave_error : float
        Standard deviation of the wavelength error of a fiber [Angstrom], smooth along the slit.
    wave_drift : float
        The same, but smooth along the slit and with wavelength, without a mean over the sky lines.
    wave_offset : float
        Wavelength error that all fibers share [Angstrom].
    lsf_width : float
        LSF width over the nominal one, for all fibers.
    flat_error : float
        Relative noise of the fiberflat per bin, described by its ivar.
    dead_fibers : int
        Broken fibers, flagged in FIBERSTATUS.
    bad_fibers : int
        Mispositioned or stuck fibers, flagged in FIBERSTATUS.
    cosmics : float
        Cosmic-ray hits per 1000 s and camera.
    unmasked_cosmics : float
        Fraction of the hits that the pipeline missed.
    nebular : float
        Amplitude of Galactic H-alpha at the brightest patch [electron/Angstrom per 1000 s].
    nebular_map : str
        ``patchy`` (filaments on the left of the focal plane) or ``smooth`` (a gradient over it).
    moon_color : float
        Exponent p of the moonlight spectrum (lambda / 6000 Angstrom)**-p.
    sky_gradient : float
        Relative change of the sky, lines and continuum alike, from the centre of the focal plane to its edge.
    airglow_gradient : float
        The same of each emitter of lines alone, every one in its own direction.
    airglow_patches : float
        Standard deviation of smooth patches of each emitter of lines, as a fraction.
    sky_seed : int
        Gives directions and patches; cameras of one exposure share it.
    two_amp : bool
        Readout through two amplifiers: no boundary at the middle row.
    bright_star : float
        Fiber flux of one very bright star [nanomaggy], 0 for none.
    model_error : float
        Relative error of the flat for that star, multiplied on its spectrum.
    few_targets : int or None
        Number of science targets; the other positioners rest on nothing (OBJTYPE ``NON``).
    masked_fibers : int
        Fibers that are entirely masked (NODATA).
    transparency : float
        Light of the targets that arrives, 0-1.
    heliocor : float
        Barycentric factor of the wavelength grid.
    """

    band: str = "r"
    petal: int = 0
    exptime: float = 1000.0
    sky_brightness: float = 1.0
    line_strength: float = 1.0
    n_sky: int = 40
    throughput_scatter: float = 0.005
    lsf_scatter: float = 0.01
    lsf_error: float = 0.003
    lsf_drift: float = 0.0
    wave_error: float = 0.003
    wave_drift: float = 0.0
    wave_offset: float = 0.0
    lsf_width: float = 1.0
    flat_error: float = 0.004
    dead_fibers: int = 2
    bad_fibers: int = 15
    cosmics: float = 600.0
    unmasked_cosmics: float = 0.004
    nebular: float = 0.0
    nebular_map: str = "patchy"
    moon_color: float = 1.5
    sky_gradient: float = 0.003
    airglow_gradient: float = 0.001
    airglow_patches: float = 0.0005
    sky_seed: int = 0
    two_amp: bool = False
    bright_star: float = 0.0
    model_error: float = 0.0
    few_targets: int | None = None
    masked_fibers: int = 0
    transparency: float = 1.0
    heliocor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values that no exposure can have."""
        if self.band not in DESI.letters or len(self.band) != 1:
            raise UsageError(f"band {self.band!r} does not exist: expected one of b, r, z")
        if not 0 <= self.petal <= 9:
            raise UsageError(f"petal {self.petal} does not exist: expected 0-9")
        if not self.exptime > 0 or not self.sky_brightness > 0:
            raise UsageError(f"exptime {self.exptime} s and sky brightness {self.sky_brightness} must be positive")
        if not 0 <= self.n_sky <= 400:
            raise UsageError(f"n_sky {self.n_sky} does not fit a petal: expected 0-400")

    @property
    def camera(self) -> str:
        """Camera name such as ``r6``."""
        return f"{self.band}{self.petal}"


@dataclass(frozen=True)
class TileConditions:
    """The state of one tile for simulated redshifts.

    Attributes
    ----------
    efftime : float
        Effective exposure time over its goal; sets the fraction of good redshifts.
    clustering : float
        Strength of large-scale structure: variance of the galaxy density over the tile in shells of 15 Mpc depth.
    wall : float
        Fraction of all LRG and ELG in one wall of galaxies, at one redshift.
    n_sky : int
        Sky fibers per petal.
    few_targets : int or None
        Number of science targets per petal.
    masked_spectra : int
        Entirely masked spectra per petal, of which redrock gives NODATA and a constant redshift.
    bad_fibers : int
        Flagged fibers per petal.
    """

    efftime: float = 1.0
    clustering: float = 0.1
    wall: float = 0.0
    n_sky: int = 40
    few_targets: int | None = None
    masked_spectra: int = 0
    bad_fibers: int = 15


THROUGHPUT_SCATTER = (0.0143, 0.0020)
"""Mean and standard deviation, over exposures, of the throughput scatter."""
QUIET_FIBERS = 0.2
"""Fraction of exposures whose fibers scatter less than the survey's do."""
SKY_GRADIENT = (0.0138, 1.85)
"""Scale and exponent of the Weibull distribution of the gradients of the sky."""


def draw_conditions(rng: np.random.Generator, *, band: str | None = None, **fixed: Any) -> Conditions:
    """Draw conditions over the range that real exposures span.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    band : str or None
        Band; drawn from b, r, z if not given.
    **fixed : object
        Fields of `Conditions` that are not to be drawn.

    Returns
    -------
    Conditions
        Exposure 60-1800 s, sky 1-10 times dark, 20-80 sky fibers, and differing throughput, LSF, dead fibers and cosmics.

    Notes
    -----
    In 122 exposures of the survey in r the throughput scatters from fiber to fiber by 1.05, 1.46 and 1.72 %, and the sky changes
    from the centre of the focal plane to its edge by 0.3, 1.13 and 2.59 % (5, 50 and 95 % of the exposures). The draws have these
    quantiles; a fifth of them is of fibers that scatter less. What the pipeline leaves of errors of wavelength and line spread
    grows as exposures get short, since it measures both on the sky lines.
    """
    exptime = float(np.exp(rng.uniform(np.log(60), np.log(1800))))
    faint = float(np.clip((1000 / exptime) ** 0.5, 1, 2.5))
    quiet = rng.random() < QUIET_FIBERS
    scatter = rng.uniform(0.002, 0.01) if quiet else rng.normal(*THROUGHPUT_SCATTER)
    drawn = Conditions(
        band=band or str(rng.choice(list(DESI.letters))),
        petal=int(rng.integers(10)),
        exptime=exptime,
        sky_brightness=float(np.exp(rng.uniform(0, np.log(10)))),
        line_strength=float(np.exp(rng.normal(0, 0.3))),
        n_sky=int(rng.integers(20, 81)),
        throughput_scatter=float(np.clip(scatter, 0.002, 0.02)),
        lsf_scatter=float(rng.uniform(0.003, 0.02)),
        lsf_error=float(rng.uniform(0.001, 0.006)),
        lsf_drift=float(faint * rng.uniform(0, 0.004)),
        wave_error=float(rng.uniform(0.001, 0.006)),
        wave_drift=float(faint * rng.uniform(0, 0.004)),
        wave_offset=float(rng.normal(0, 0.02)),
        lsf_width=float(rng.uniform(0.8, 1.1)),
        flat_error=float(rng.uniform(0.002, 0.006)),
        dead_fibers=int(rng.integers(0, 12)),
        bad_fibers=int(rng.integers(5, 60)),
        cosmics=float(np.exp(rng.uniform(np.log(150), np.log(1500)))),
        moon_color=float(rng.uniform(1.0, 2.5)),
        sky_gradient=float(SKY_GRADIENT[0] * rng.weibull(SKY_GRADIENT[1])),
        airglow_gradient=float(rng.uniform(0, 0.006)),
        airglow_patches=float(rng.uniform(0, 0.003)),
        sky_seed=int(rng.integers(2**31)),
        transparency=float(rng.uniform(0.4, 1.0)),
        heliocor=float(1 + rng.uniform(-1e-4, 1e-4)),
    )
    return replace(drawn, **fixed)
