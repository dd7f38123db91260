"""Noise-free templates of one band: wavelength grid, night sky, flat-field modes, sensitivity. Cached, read-only arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.airglow import FAMILIES, airglow_lines, line_families
from pytest_specqa.instrument import DESI

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Array = TypeVar("Array", F32, F64)

STEP = 0.8
"""Width of a wavelength bin [Angstrom]."""

_LSF_SIGMA = {"b": 0.80, "r": 0.76, "z": 0.84}
_ROW_ANGSTROM = 0.6
_ROW_BEND = 30.0
_MID_ROW = 2064.0
# Knots (wavelength, value): dark-sky continuum [electron/Angstrom per 1000 s] and electrons per 1e-17 erg/s/cm2/A in 1000 s.
_CONTINUUM = [(3600, 18), (3900, 34), (4300, 55), (4800, 75), (5300, 90), (5600, 102), (5800, 112), (6100, 136), (6450, 152)]
_CONTINUUM += [(6700, 138), (6900, 124), (7200, 127), (7500, 124), (7620, 118), (8200, 130), (8800, 150), (9300, 165), (9824, 120)]
_SENSITIVITY = [(3600, 12), (3900, 26), (4300, 42), (4800, 55), (5300, 62), (5800, 66), (6200, 78), (6700, 85), (7300, 84)]
_SENSITIVITY += [(7620, 80), (8200, 92), (8800, 96), (9300, 84), (9824, 52)]
_TELLURIC = [(6875, 12, 0.22), (7185, 35, 0.06), (7250, 25, 0.05), (7607, 9, 0.45), (7635, 16, 0.40), (8170, 40, 0.06)]
_TELLURIC += [(8980, 40, 0.10), (9150, 60, 0.12), (9380, 60, 0.35), (9520, 60, 0.25)]
_FRAUNHOFER = [(3734, 6, 0.35), (3820, 6, 0.3), (3934, 7, 0.6), (3969, 7, 0.55), (4102, 4, 0.25), (4305, 10, 0.28), (4341, 4, 0.2)]
_FRAUNHOFER += [
    (4861, 4, 0.18),
    (5175, 10, 0.18),
    (5270, 5, 0.12),
    (5893, 4, 0.15),
    (6563, 3, 0.15),
    (8542, 3, 0.15),
    (8662, 3, 0.12),
]


@dataclass(frozen=True)
class BandTemplate:
    """Everything about a band that does not change from fiber to fiber.

    Attributes
    ----------
    wave, observed : ndarray f8[nw]
        Barycentric grid and the same bins in the Earth frame [Angstrom].
    sigma : float
        LSF sigma [Angstrom].
    continuum, moon, lines : ndarray f4[nw]
        Dark continuum, moonlight normalised to the same level, and airglow lines [electron/Angstrom per 1000 s].
    families : ndarray f4[n_family, nw]
        The lines of each emitter of `airglow.FAMILIES`; `lines` is their sum.
    nebular : ndarray f4[nw]
        Galactic lines, H-alpha peak 1.
    sensitivity : ndarray f4[nw]
        electron/Angstrom per 1e-17 erg/s/cm2/Angstrom in 1000 s.
    """

    band: str
    wave: F64
    observed: F64
    sigma: float
    continuum: F32
    moon: F32
    lines: F32
    families: F32
    nebular: F32
    sensitivity: F32


def wave_grid(band: str) -> F64:
    """Wavelength grid of a band.

    Parameters
    ----------
    band : str
        ``b``, ``r`` or ``z``.

    Returns
    -------
    ndarray f8[nw]
        Bin centres [Angstrom]: 2751 bins for b, 2326 for r, 2881 for z.
    """
    low, high = DESI.bands[band].first, DESI.bands[band].last
    return np.asarray(low + STEP * np.arange(round((high - low) / STEP) + 1), dtype=np.float64)


def gaussian(wave: F64, centre: float, sigma: float) -> F64:
    """Gaussian of peak 1.

    Parameters
    ----------
    wave : ndarray
        Where to evaluate it [Angstrom].
    centre, sigma : float
        Centre and standard deviation [Angstrom].

    Returns
    -------
    ndarray
        Values, of the shape of `wave`.
    """
    values: F64 = np.exp(-0.5 * ((wave - centre) / sigma) ** 2)
    return values


def absorbed(wave: F64, lines: list[tuple[int, int, float]]) -> F64:
    """Transmission of Gaussian absorption lines.

    Parameters
    ----------
    wave : ndarray
        Where to evaluate it [Angstrom].
    lines : list of (centre, sigma, depth)
        Lines, in Angstrom and as a fraction.

    Returns
    -------
    ndarray
        Transmission, of the shape of `wave`.
    """
    out = np.ones_like(wave)
    for centre, sigma, depth in lines:
        out *= 1 - depth * gaussian(wave, centre, sigma)
    return out


def line_spectrum(wave: F64, centres: F64, peaks: F64, sigma: float) -> F64:
    """Sum of Gaussian lines on a grid of constant step, each evaluated near its centre only.

    Parameters
    ----------
    wave : ndarray [nw]
        Grid of constant step [Angstrom].
    centres, peaks : ndarray [n]
        Centres [Angstrom] and peak heights.
    sigma : float
        Standard deviation of each line [Angstrom].

    Returns
    -------
    ndarray [nw]
        The spectrum, in the unit of `peaks`.
    """
    step = wave[1] - wave[0]
    half = int(np.ceil(6 * sigma / step))
    offsets = np.arange(-half, half + 1)
    index = np.round((centres - wave[0]) / step).astype(int)[:, None] + offsets
    values = peaks[:, None] * np.exp(-0.5 * ((wave[0] + step * index - centres[:, None]) / sigma) ** 2)
    inside = (index >= 0) & (index < wave.size)
    return np.bincount(index[inside], weights=values[inside], minlength=wave.size).astype(float)


@lru_cache(maxsize=64)
def band_template(band: str, heliocor: float, lsf_width: float, moon_color: float) -> BandTemplate:
    """Templates of a band for one exposure.

    Parameters
    ----------
    band : str
        ``b``, ``r`` or ``z``.
    heliocor : float
        Barycentric factor: a sky line sits at its wavelength times this.
    lsf_width : float
        LSF width over the nominal one; integrated line fluxes stay.
    moon_color : float
        Exponent of the moonlight spectrum.

    Returns
    -------
    BandTemplate
        Read-only arrays.
    """
    wave = wave_grid(band)
    observed = wave / heliocor
    sigma = _LSF_SIGMA[band] * lsf_width
    centres, peaks = airglow_lines(band)
    continuum = np.interp(observed, *np.array(_CONTINUUM, dtype=float).T)
    moon = continuum * (observed / 6000.0) ** -moon_color * absorbed(observed, _FRAUNHOFER)
    galactic = np.array(DESI.nebular_waves), np.array([line.strength for line in DESI.nebular])
    peaks, family = peaks / lsf_width, line_families(centres)
    groups = [family == number for number in range(len(FAMILIES))]
    families = np.stack([line_spectrum(wave, centres[own] * heliocor, peaks[own], sigma) for own in groups])
    arrays = {
        "continuum": continuum,
        "moon": moon,
        "lines": families.sum(axis=0),
        "families": families,
        "nebular": line_spectrum(wave, galactic[0] * heliocor, galactic[1] / lsf_width, sigma),
        "sensitivity": np.interp(observed, *np.array(_SENSITIVITY, dtype=float).T) * absorbed(observed, _TELLURIC),
    }
    single = {name: _frozen(values.astype(np.float32)) for name, values in arrays.items()}
    return BandTemplate(band=band, wave=_frozen(wave), observed=_frozen(observed), sigma=sigma, **single)


def derivatives(spectrum: F32) -> tuple[F32, F32]:
    """First and second derivative with wavelength on the 0.8 Angstrom grid, zero in the edge bins.

    Parameters
    ----------
    spectrum : ndarray [..., nw]
        Values on the grid.

    Returns
    -------
    first, second : ndarray f4[..., nw]
        Per Angstrom and per square Angstrom.
    """
    first = np.zeros_like(spectrum)
    second = np.zeros_like(spectrum)
    first[..., 1:-1] = (spectrum[..., 2:] - spectrum[..., :-2]) / np.float32(2 * STEP)
    second[..., 1:-1] = (spectrum[..., 2:] - 2 * spectrum[..., 1:-1] + spectrum[..., :-2]) / np.float32(STEP**2)
    return first, second


def flat_modes(band: str, wave: F64, *, dip_shift: float = 0.0) -> F32:
    """Wavelength shapes that fiberflats are made of.

    Parameters
    ----------
    band : str
        ``b``, ``r`` or ``z``.
    wave : ndarray [nw]
        Earth-frame wavelengths [Angstrom].
    dip_shift : float
        Displacement of the collimator-coating dip [Angstrom].

    Returns
    -------
    ndarray f4[5, nw]
        Constant, slope, curvature, cubic, and the coating dip at 4400 Angstrom (zero outside b).
    """
    low, high = DESI.bands[band].first, DESI.bands[band].last
    u = 2 * (wave - low) / (high - low) - 1
    dip = -gaussian(wave, 4400 + dip_shift, 60) if band == "b" else np.zeros_like(wave)
    return np.stack([np.ones_like(u), u, 1.5 * u**2 - 0.5, 2.5 * u**3 - 1.5 * u, dip]).astype(np.float32)


@lru_cache(maxsize=16)
def ccd_rows(band: str, heliocor: float) -> F32:
    """CCD row of each fiber and bin: the toy trace of docs/faults.md, row = (wave - mid) / 0.6 + 30 u**2 + 2064.

    Parameters
    ----------
    band : str
        ``b``, ``r`` or ``z``.
    heliocor : float
        Barycentric factor of the grid.

    Returns
    -------
    ndarray f4[500, nw]
        Row number; the amplifiers meet at 2064.
    """
    observed = wave_grid(band) / heliocor
    u = (np.arange(500, dtype=np.float32) - 250) / 250
    along = ((observed - DESI.bands[band].middle) / _ROW_ANGSTROM + _MID_ROW).astype(np.float32)
    rows: F32 = (along + np.float32(_ROW_BEND) * u[:, None] ** 2).astype(np.float32, copy=False)
    return _frozen(rows)


def amplifier_map(band: str, heliocor: float, *, two_amp: bool = False) -> NDArray[np.int8]:
    """Amplifier of each fiber and bin: 0-3 for A (left, low rows), B (right, low), C (left, high), D (right, high).

    Parameters
    ----------
    band : str
        ``b``, ``r`` or ``z``.
    heliocor : float
        Barycentric factor of the grid.
    two_amp : bool
        Whether only A and B read out the CCD.

    Returns
    -------
    ndarray i1[500, nw]
        Amplifier numbers.
    """
    rows = ccd_rows(band, heliocor)
    upper = np.zeros(rows.shape, dtype=np.int8) if two_amp else (rows >= _MID_ROW) * np.int8(2)
    right = (np.arange(500) >= 250).astype(np.int8)
    return upper + right[:, None]


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
