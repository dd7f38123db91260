"""What the pipeline subtracted from a flat-fielded frame to make its sframe; the rule changed twice."""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.production.defects import defect
from pytest_specqa.production.frames import Frame
from pytest_specqa.production.headers import Header
from pytest_specqa.production.models import Sky

# A pixel within this distance (Angstrom) of a sky line belongs to the line.
LINE_HALF_WIDTH = 2.0
# Lines below this wavelength (Angstrom) are never corrected.
BLUEST_LINE = 5700.0
# Both products are on the grid of their band; the sky file rounds it, but by less than a bin (Angstrom).
SAME_GRID = 0.5


class Era(Enum):
    """How the throughput correction of a fiber enters the sky term."""

    WHOLE = "SKY THRPUTCORR"
    NONE = "SKY"
    LINES = "SKY + (THRPUTCORR - 1) lines of SKY, in r and z"


# First release, and first development version (release before it, commit number), of each rule.
_BEGINNINGS = (
    (Era.LINES, (0, 55), (0, 54, 7431)),
    (Era.NONE, (0, 54), (0, 53, 7094)),
)


def era_of(version: str) -> Era:
    """Rule of a desispec version.

    Parameters
    ----------
    version : str
        Such as ``0.53.2`` or ``0.53.2.dev7101``; of a development version the commit number decides where a rule changed
        between two releases.

    Returns
    -------
    Era
        The newest rule where the text is no version.
    """
    match = re.match(r"([0-9]+)\.([0-9]+)(?:\.[0-9]+)*(?:\.?dev([0-9]+))?", version.strip())
    if match is None:
        return Era.LINES
    release, commit = (int(match[1]), int(match[2])), int(match[3] or 0)
    for era, first, (major, minor, first_commit) in _BEGINNINGS:
        if release >= first or (release == (major, minor) and commit >= first_commit):
            return era
    return Era.WHOLE


def pipeline_version(header: Header) -> str:
    """Version of desispec that a header names (DEPNAMnn, DEPVERnn); empty where it names none."""
    for keyword, value in header.items():
        if keyword.startswith("DEPNAM") and value == "desispec":
            return str(header.get("DEPVER" + keyword[6:]) or "")
    return ""


@cache
def sky_lines() -> NDArray[np.float64]:
    """Vacuum wavelengths (Angstrom) of the night-sky lines that the pipeline keeps apart from the continuum."""
    lines = np.loadtxt(resources.files(__package__).joinpath("sky_lines.txt").read_text(encoding="utf-8").splitlines())
    lines.flags.writeable = False
    return lines


def line_part(sky: NDArray[np.floating], wave: NDArray[np.floating]) -> NDArray[np.float64]:
    """Emission lines of sky spectra above their continuum.

    Parameters
    ----------
    sky : numpy.ndarray
        [n, nw] sky spectra.
    wave : numpy.ndarray
        [nw] wavelengths (Angstrom) in double precision: rounding them moves pixels in and out of the lines.

    Returns
    -------
    numpy.ndarray
        [n, nw], not negative; zero outside the lines. The continuum is interpolated across each line; zero everywhere where no
        pixel is free of lines.
    """
    lines = sky_lines()
    lines = lines[lines >= BLUEST_LINE]
    after = np.searchsorted(lines, wave).clip(1, len(lines) - 1)
    distance = np.minimum(np.abs(wave - lines[after - 1]), np.abs(wave - lines[after]))
    free = np.flatnonzero(distance > LINE_HALF_WIDTH)
    flux = np.asarray(sky, dtype=np.float64)
    if not len(free):
        return np.zeros_like(flux)
    right = np.searchsorted(free, np.arange(len(wave))).clip(max=len(free) - 1)
    left = np.where(free[right] > np.arange(len(wave)), (right - 1).clip(min=0), right)
    span = wave[free[right]] - wave[free[left]]
    weight = np.divide(wave - wave[free[left]], span, out=np.zeros(len(wave)), where=span > 0)
    continuum = (1 - weight) * flux[:, free[left]] + weight * flux[:, free[right]]
    return np.asarray(np.clip(flux - continuum, 0, None))


def sky_term(sframe: Frame, sky: Sky) -> NDArray[np.float64]:
    """The term that was subtracted: flat-fielded frame less sky term = sframe.

    Until desispec 0.53 it is SKY times THRPUTCORR; in 0.54 it is SKY; since 0.55 it is SKY in b, and in r and z
    SKY + (THRPUTCORR - 1) L with L the line part of SKY. The version comes from the header of the sframe, else of the sky file;
    without any, the newest rule is taken, which differs only where THRPUTCORR is not 1.

    Parameters
    ----------
    sframe : Frame
        The sky-subtracted frame, whole or some of its rows; its wavelengths decide which pixels belong to lines.
    sky : Sky
        The sky model of the same camera and exposure, whole.

    Returns
    -------
    numpy.ndarray
        [n, nw], electron/Angstrom, a row for each row of the sframe; NaN where SKY is.

    Raises
    ------
    ProductError
        If the two files are on different wavelengths, so that the one was not made with the other.

    References
    ----------
    desispec 0.53, 0.54, 0.70, ``desispec.sky.subtract_sky`` and ``desispec.scripts.procexp``.
    """
    if sframe.wave.shape != sky.wave.shape or not np.allclose(sframe.wave, sky.wave, rtol=0, atol=SAME_GRID):
        found = f"{sky.wave[0]:.2f}-{sky.wave[-1]:.2f} A"
        raise defect(sky.path, "WAVELENGTH", found=found, expected=f"the wavelengths of {sframe.path.name}")
    kept = slice(None) if sframe.kept is None else sframe.kept
    flux = sky.flux[kept].astype(np.float64)
    era = era_of(pipeline_version(sframe.header) or pipeline_version(sky.header))
    if era is Era.NONE or (era is Era.LINES and sframe.band == "b"):
        return flux
    sky.require_whole()
    if sky.thrputcorr is None:
        return flux
    corrections = sky.thrputcorr[kept].astype(np.float64)[:, None]
    if era is Era.WHOLE:
        return np.asarray(flux * corrections)
    return np.asarray(flux + (corrections - 1) * line_part(flux, sframe.wave))


def flat_fielded(sframe: Frame, sky: Sky) -> NDArray[np.float64]:
    """Spectra after the fiber flat and before sky subtraction: sframe plus `sky_term`.

    Parameters
    ----------
    sframe : Frame
        The sky-subtracted frame, whole or some of its rows.
    sky : Sky
        The sky model of the same camera and exposure, whole.

    Returns
    -------
    numpy.ndarray
        [n, nw], electron/Angstrom; NaN where the sframe or SKY is.
    """
    return np.asarray(sframe.flux + sky_term(sframe, sky))
