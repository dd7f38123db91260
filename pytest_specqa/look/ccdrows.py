"""Where CCD rows lie in spectra: from the traces of the PSF where the production has them, else along a parabola.

Extracted spectra are on one grid of wavelengths; the row of the CCD on which a wavelength fell differs from fiber to fiber. What is
wrong on the CCD is straight along its rows, and bent in spectra.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import ProductError
from pytest_specqa.production import Production
from pytest_specqa.production.content import Image, read_content

KNOTS = 9
"""Wavelengths at which the bend is told; it is smooth in between."""
USUAL_BEND = -50
"""Bins by which a CCD row at the ends of the slit lies from where it is in the middle: read off the curved features of camera r8 in
the exposure of the founding case, and within what the measures of amplifiers try (`measures.frames.slit_parts.CURVATURES`)."""
NOMINAL_MIDDLE = 2064.0
"""CCD row at which the amplifiers meet, where no header says so."""

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Bend:
    """Displacement of CCD rows in the spectra of a camera.

    Attributes
    ----------
    knots : ndarray, shape (k,)
        Wavelengths in Angstrom, as the middle of the slit sees them.
    shift : ndarray, shape (n, k)
        Angstrom to add in each fiber to come to the wavelength on the same CCD row.
    boundary : ndarray, shape (n,)
        Wavelength in Angstrom at which the amplifiers meet.
    traced : bool
        Whether it comes from traces; else it is the parabola of `USUAL_BEND`.
    """

    knots: Floats
    shift: Floats
    boundary: Floats
    traced: bool


def read_bend(production: Production, *, night: int, expid: int, camera: str, grid: Floats, header: dict[str, object]) -> Bend:
    """Find where CCD rows lie.

    Parameters
    ----------
    production : Production
        Of an exposure its ``psf`` is taken, else the ``psfnight``.
    night, expid, camera
        Which.
    grid : ndarray
        Wavelengths of the spectra in Angstrom.
    header : mapping
        Of the frame: CCDSECC says where the upper amplifiers begin, HELIOCOR how the grid was shifted.

    Returns
    -------
    Bend
        A parabola where there are no traces, or none that can be used.
    """
    knots = np.linspace(grid[0], grid[-1], KNOTS)
    try:
        rows = _traced_rows(production, night=night, expid=expid, camera=camera, grid=grid, header=header)
    except ProductError:
        return parabola(production, camera=camera, grid=grid)
    middle = rows[len(rows) // 2]
    back = np.stack([np.interp(np.interp(knots, grid, middle), row, grid) for row in rows])
    boundary = np.array([np.interp(_middle_row(header), row, grid, left=np.nan, right=np.nan) for row in rows])
    return Bend(knots, back - knots, boundary, traced=True)


def parabola(production: Production, *, camera: str, grid: Floats, bend: float = USUAL_BEND) -> Bend:
    """Bend CCD rows along the slit as the measures do: by so many bins at its ends, by nothing in its middle."""
    instrument = production.instrument
    first, last = instrument.petal_range(instrument.camera(camera).petal)
    fiber = np.arange(first, last + 1)
    step = float(np.median(np.diff(grid)))
    shift = bend * step * instrument.slit_position(fiber) ** 2
    knots = np.linspace(grid[0], grid[-1], KNOTS)
    middle = instrument.bands[camera[0]].middle
    return Bend(knots, np.repeat(shift[:, None], KNOTS, axis=1), middle + shift, traced=False)


def _traced_rows(production: Production, *, night: int, expid: int, camera: str, grid: Floats, header: dict[str, object]) -> Floats:
    """CCD row of every fiber and wavelength, from the Legendre coefficients of YTRACE."""
    try:
        path = production.find("psf", night=night, expid=expid, camera=camera)
    except ProductError:
        path = production.find("psfnight", night=night, camera=camera)
    content = read_content(path, {"YTRACE": Image(("f8", "f4"), (production.instrument.fibers, None))})
    low, high = (content.headers["YTRACE"].get(name) for name in ("WAVEMIN", "WAVEMAX"))
    if not isinstance(low, int | float) or not isinstance(high, int | float) or not low < high:
        raise ProductError(f"{path.name}: YTRACE without WAVEMIN and WAVEMAX")
    heliocor = header.get("HELIOCOR")
    seen = grid / float(heliocor) if isinstance(heliocor, int | float) else grid
    coefficients = np.asarray(content.data["YTRACE"], dtype=float)
    rows = np.polynomial.legendre.legval(2 * (seen - low) / (high - low) - 1, coefficients.T)
    if not np.isfinite(rows).all() or (np.diff(rows, axis=1) <= 0).any():
        raise ProductError(f"{path.name}: YTRACE does not rise with wavelength")
    return np.asarray(rows)


def _middle_row(header: dict[str, object]) -> float:
    """Row, from 0, at which the upper amplifiers begin: ``[1:2057, 2065:4128]`` begins at the 2065th."""
    parts = str(header.get("CCDSECC", "")).strip("[] ").replace(" ", "").split(",")
    first = parts[1].split(":")[0] if len(parts) == 2 else ""
    return float(first) - 1.5 if first.isdecimal() else NOMINAL_MIDDLE
