"""How faults of spectra show in redshifts; drawn rows, since no spectrum is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.faults.fault import Fault, Place, RedshiftFault
from pytest_specqa.demo.faults.place import draw_block

Table = NDArray[Any]
Rows = NDArray[np.int64]

NODATA = 1 << 9
_QSO_Z, _QSO_SCATTER = 4.30, 0.04
_ROWS_PER_PETAL = 15


def claim(table: Table, rows: Rows, *, z: NDArray[np.float64], spectype: bytes) -> None:
    """Report confident redshifts for rows.

    Parameters
    ----------
    table : structured ndarray [n]
        HDU REDSHIFTS, changed in place.
    rows : ndarray of int
        Rows to change.
    z : ndarray f8
        Their redshifts.
    spectype : bytes
        Their spectral type.
    """
    table["Z"][rows], table["SPECTYPE"][rows], table["SUBTYPE"][rows] = z, spectype, b""
    table["ZWARN"][rows], table["DELTACHI2"][rows], table["ZERR"][rows] = 0, 60.0, 1e-3


def fake_break_redshifts(values: tuple[float, ...], *, share: float) -> RedshiftFault:
    """Sky fibers of a part of the petal that get one of a few redshifts, in proportion to the amplitude.

    Parameters
    ----------
    values : tuple of float
        Redshifts that a step in the spectrum imitates.
    share : float
        Fraction of sky fibers per unit of amplitude.

    Returns
    -------
    callable
        A redshift fault.
    """

    def apply(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:
        """Change the sky fibers of one half of the petal."""
        half = np.arange(len(table)) // 250 == int(rng.integers(2))
        candidates = np.flatnonzero((fibermap["OBJTYPE"] == b"SKY") & half)
        rows = candidates[rng.random(candidates.size) < share * abs(amplitude)]
        claim(table, rows, z=rng.choice(values, rows.size) + rng.normal(0, 0.01, rows.size), spectype=b"GALAXY")
        return Place(rows, (min(values) - 0.03, max(values) + 0.03))

    return apply


def camera_cosmic_redshifts(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    """Emission lines at 8000 Angstrom that are cosmic rays: z = 0.59, for a tenth of the hits."""
    rows = rng.permutation(len(table))[: int(rng.poisson(abs(amplitude) / 10))]
    claim(table, rows, z=rng.normal(0.597, 0.004, rows.size), spectype=b"GALAXY")
    return Place(rows, (0.58, 0.615))


def line_scale_redshifts(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    """Fake quasars in one 50-fiber group: dips around 6450 Angstrom read as Lyman alpha."""
    block = draw_block(rng, 50)
    count = min(int(rng.poisson(_ROWS_PER_PETAL * abs(amplitude))), block.size)
    rows = np.sort(rng.permutation(block)[:count])
    claim(table, rows, z=rng.normal(_QSO_Z, _QSO_SCATTER, rows.size), spectype=b"QSO")
    return Place(rows, (_QSO_Z - 3 * _QSO_SCATTER, _QSO_Z + 3 * _QSO_SCATTER))


def mispositioned_redshifts(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:
    """Targets that no light came from: noise redshifts with small differences of chi2."""
    targets = np.flatnonzero(fibermap["OBJTYPE"] == b"TGT")
    rows = targets[rng.random(targets.size) < min(abs(amplitude), 1.0)]
    table["Z"][rows] = rng.beta(1.3, 1.1, rows.size) * 1.7
    table["SPECTYPE"][rows], table["SUBTYPE"][rows] = b"GALAXY", b""
    table["DELTACHI2"][rows] = rng.exponential(7, rows.size)
    table["ZWARN"][rows] = np.where(table["DELTACHI2"][rows] < 9, 4, 0)
    return Place(rows, (0.0, 1.7))


def _fraction(table: Table, amplitude: float, rng: np.random.Generator) -> Rows:
    """Rows drawn with a probability; few rows per petal, hence Poisson."""
    return np.flatnonzero(rng.random(len(table)) < abs(amplitude))


def _camera_break(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    block = draw_block(rng, 50)
    rows = np.sort(rng.permutation(block)[: min(int(rng.poisson(abs(amplitude))), block.size)])
    claim(table, rows, z=rng.choice([0.25, 0.5, 0.8, 3.6], rows.size) + rng.normal(0, 0.005, rows.size), spectype=b"GALAXY")
    return Place(rows, (0.2, 3.65))


def _template_limit(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    rows = _fraction(table, amplitude, rng)
    claim(table, rows, z=rng.uniform(1.6, 1.7, rows.size), spectype=b"GALAXY")
    return Place(rows, (1.6, 1.7))


def _star_galaxy_leak(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    rows = _fraction(table, amplitude, rng)
    claim(table, rows, z=rng.uniform(1.019, 1.023, rows.size), spectype=b"GALAXY")
    return Place(rows, (1.019, 1.023))


def _undefined_redshift(table: Table, fibermap: Table, amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    rows = _fraction(table, amplitude, rng)
    value = float(rng.uniform(0.1, 1.5))
    table["Z"][rows], table["ZWARN"][rows], table["DELTACHI2"][rows] = value, NODATA, 0
    table["SPECTYPE"][rows], table["NPIXELS"][rows] = b"GALAXY", 0
    return Place(rows, (value, value))


REDSHIFT_FAULTS = (
    Fault(
        "camera_break",
        "F50",
        "desispec#2193",
        "redshift",
        "rows",
        20.0,
        "Steps between cameras or amplifiers of one 50-fiber group are read as redshifts 0.25, 0.5, 0.8 and 3.6.",
        cause="redshift_fit",
        redshifts=_camera_break,
        product="redshifts",
    ),
    Fault(
        "template_limit",
        "F52",
        "desispec#2660",
        "redshift",
        "1",
        0.005,
        "Fits rail at the end of the galaxy templates, z = 1.6-1.7.",
        cause="redshift_fit",
        redshifts=_template_limit,
        product="redshifts",
    ),
    Fault(
        "star_galaxy_leak",
        "F55",
        "redrock#57",
        "redshift",
        "1",
        0.01,
        "Cool stars without a template are fitted as galaxies at z = 1.019-1.023.",
        cause="redshift_fit",
        redshifts=_star_galaxy_leak,
        product="redshifts",
    ),
    Fault(
        "undefined_redshift",
        "F56",
        "redrock#224",
        "redshift",
        "1",
        0.08,
        "Spectra without data get an arbitrary constant redshift.",
        cause="redshift_fit",
        redshifts=_undefined_redshift,
        product="redshifts",
    ),
)
