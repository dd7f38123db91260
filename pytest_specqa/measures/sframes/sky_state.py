"""What the sky of one camera looked like: its level and the place and width of its lines, to compare exposures and petals by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_specqa.instrument import SPEED_OF_LIGHT
from pytest_specqa.measures.sframes.barycenter import barycentric_velocity
from pytest_specqa.measures.sframes.wavelength import isolated_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, nan_median


@dataclass(frozen=True)
class SkyState:
    """The sky of one camera.

    Attributes
    ----------
    camera, band, petal, expid
        Which one.
    level : float
        Natural logarithm of the median sky continuum, electron/Angstrom; NaN where it is not positive.
    offset, width : ndarray, shape (n_line,)
        Place of each known sky line against its wavelength, and full width at half maximum, Angstrom; NaN where not measured.
    left, left_error : float
        Part of the sky that its sky fibers keep after subtraction, all wavelengths and fibers together, and its noise; NaN without
        sky fibers. A model that was fitted to them leaves next to nothing.
    velocity : float
        Barycentric velocity of the header in km/s; NaN where it has none.
    expected : float
        The same from position and time; NaN where the header does not tell them.
    """

    camera: str
    band: str
    petal: int
    expid: int
    level: float
    offset: Floats
    width: Floats
    left: float
    left_error: float
    velocity: float
    expected: float


def sky_state(spectra: CameraSpectra, *, camera: str, expid: int, header: Mapping[str, Any]) -> SkyState:
    """Reduce the sky model of a camera to a few numbers.

    Parameters
    ----------
    spectra : CameraSpectra
        With their sky model.
    camera : str
        Name of the camera.
    expid : int
        Exposure.
    header : mapping
        HELIOCOR, TARGTRA, TARGTDEC, MJD-OBS and EXPTIME, as far as known.

    Returns
    -------
    SkyState
        See there.
    """
    offset, width = isolated_lines(spectra).T
    level = float(nan_median(spectra.sky_spectrum))
    left, error = _left(spectra)
    named = spectra.instrument.camera(camera)
    return SkyState(
        camera=camera,
        band=named.band,
        petal=named.petal,
        expid=expid,
        level=float(np.log(level)) if level > 0 else np.nan,
        offset=offset,
        width=width,
        left=left,
        left_error=error,
        velocity=SPEED_OF_LIGHT * (_number(header, "HELIOCOR") - 1.0),
        expected=_expected(header),
    )


def _left(spectra: CameraSpectra) -> tuple[float, float]:
    """Part of the sky model in what its sky fibers keep, weighted by inverse variance, and its error."""
    rows = np.flatnonzero(spectra.is_sky)
    good = spectra.good[rows]
    sky = spectra.known_sky if spectra.known_sky.ndim == 1 else spectra.known_sky[rows]
    weight = np.where(good, spectra.ivar[rows] * sky, np.float32(0)).astype(float)
    mass = float(np.sum(weight * np.where(good, sky, np.float32(0)), dtype=float))
    if not mass > 0:
        return np.nan, np.nan
    return float(np.sum(weight * np.where(good, spectra.flux[rows], np.float32(0)), dtype=float)) / mass, mass**-0.5


def _number(header: Mapping[str, Any], name: str) -> float:
    value = header.get(name)
    return float(value) if isinstance(value, (int, float)) else np.nan


def _expected(header: Mapping[str, Any]) -> float:
    """Barycentric velocity in the middle of the exposure."""
    ra, dec, start, seconds = (_number(header, name) for name in ("TARGTRA", "TARGTDEC", "MJD-OBS", "EXPTIME"))
    return barycentric_velocity(ra, dec, start + 0.5 * seconds / 86400.0)
