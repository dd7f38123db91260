"""Spectra of galaxies, quasars and stars as templates on DESI's merged wavelength grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.templates import gaussian, wave_grid
from pytest_specqa.instrument import DESI

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

CLASSES = ("SKY", "LRG", "ELG", "QSO", "STD")
"""Kinds of targets; their index is the class code of `targets.Targets`."""

SKY, LRG, ELG, QSO, STD = range(5)

# Fine enough that no two targets share a sharp feature by the grid alone.
_REDSHIFTS = {LRG: np.arange(0.20, 1.35, 0.004), ELG: np.arange(0.05, 1.65, 0.05), QSO: np.arange(0.4, 4.8, 0.02)}
_TEMPERATURES = np.array([5200.0, 5800.0, 6200.0, 6600.0, 7200.0, 8500.0])
_NARROW = [(3728.5, 1.8, 50.0), (4862.7, 1.6, 20.0), (4960.3, 1.6, 15.0), (5008.2, 1.6, 45.0), (6564.6, 1.8, 60.0)]
_BROAD = [
    (1215.7, 18, 70.0),
    (1399, 12, 9.0),
    (1549, 14, 28.0),
    (1908, 20, 22.0),
    (2799, 24, 32.0),
    (4862, 40, 50.0),
    (5007, 6, 12.0),
]
_BROAD += [(6564, 50, 190.0)]
_METALS = [(3934, 6, 0.45), (3969, 6, 0.4), (4304, 9, 0.2), (5175, 12, 0.18), (5893, 5, 0.15)]
_BALMER = [(3890, 8, 0.3), (3970, 9, 0.35), (4102, 10, 0.4), (4341, 10, 0.4), (4862, 10, 0.4), (6564, 9, 0.3)]


@dataclass(frozen=True)
class Library:
    """Templates of all classes, scaled to an r-band flux of 1 nanomaggy.

    Attributes
    ----------
    flux : dict of str to ndarray f4[ntemplate, nw]
        Per band, 1e-17 erg/s/cm2/Angstrom.
    kind : ndarray i8[ntemplate]
        Class code of each template.
    z : ndarray f8[ntemplate]
        Redshift of each template.
    colors : ndarray f8[ntemplate, 5]
        Flux in g, r, z, W1, W2 [nanomaggy].
    """

    flux: dict[str, F32]
    kind: NDArray[np.int64]
    z: F64
    colors: F64


def _emission(rest: F64, lines: Sequence[tuple[float, float, float]]) -> F64:
    """Lines of given centre, sigma and equivalent width [Angstrom] over a continuum of 1."""
    total = np.zeros_like(rest)
    for centre, sigma, width in lines:
        total += width / (sigma * np.sqrt(2 * np.pi)) * gaussian(rest, centre, sigma)
    return total


def _absorption(rest: F64, lines: Sequence[tuple[float, float, float]]) -> F64:
    total = np.ones_like(rest)
    for centre, sigma, depth in lines:
        total *= 1 - depth * gaussian(rest, centre, sigma)
    return total


def _red_galaxy(wave: F64, z: float) -> F64:
    rest = wave / (1 + z)
    step = 0.45 + 0.55 / (1 + np.exp(-(rest - 4000) / 25))
    return np.asarray(step * (rest / 5000) ** np.where(rest < 4000, 1.8, 0.2) * _absorption(rest, _METALS))


def _blue_galaxy(wave: F64, z: float) -> F64:
    """Continuum only: the lines are added at each galaxy's own redshift by `add_emission`."""
    return np.asarray((wave / (1 + z) / 4000) ** -1.3)


def _quasar(wave: F64, z: float) -> F64:
    rest = wave / (1 + z)
    forest = np.where(rest < 1215.7, np.exp(-0.0018 * (1 + z) ** 3.9), 1.0) * np.where(rest < 912, 0.05, 1.0)
    return np.asarray((rest / 2500) ** -1.5 * (1 + _emission(rest, _BROAD)) * forest)


def _star(wave: F64, temperature: float) -> F64:
    planck = wave**-5.0 / np.expm1(1.4388e8 / (wave * temperature))
    lines = [(centre, sigma, depth * min(1.0, temperature / 8000)) for centre, sigma, depth in _BALMER]
    metals = [(centre, sigma / 2, 0.8 * depth) for centre, sigma, depth in _METALS]
    return np.asarray(planck / planck.mean() * _absorption(wave, lines) * _absorption(wave, metals))


@lru_cache(maxsize=1)
def library() -> Library:
    """All templates.

    Returns
    -------
    Library
        One entry per class and redshift (or temperature); the first entry is empty sky.
    """
    wave: F64 = np.asarray(3600 + 0.8 * np.arange(7781), dtype=np.float64)
    spectra, kinds, redshifts = [np.zeros_like(wave)], [SKY], [0.0]
    for code, build in ((LRG, _red_galaxy), (ELG, _blue_galaxy), (QSO, _quasar)):
        for z in _REDSHIFTS[code]:
            spectra.append(build(wave, float(z)))
            kinds.append(code)
            redshifts.append(float(z))
    for temperature in _TEMPERATURES:
        spectra.append(_star(wave, float(temperature)))
        kinds.append(STD)
        redshifts.append(0.0)
    scaled, colors = _photometry(wave, np.stack(spectra))
    flux = {}
    for band in DESI.bands:
        first = round((wave_grid(band)[0] - wave[0]) / 0.8)
        flux[band] = scaled[:, first : first + wave_grid(band).size].astype(np.float32)
        flux[band].setflags(write=False)
    return Library(flux=flux, kind=np.array(kinds), z=np.array(redshifts), colors=colors)


def _photometry(wave: F64, spectra: F64) -> tuple[F64, F64]:
    """Scale spectra to 1 nanomaggy in r and give their fluxes in g, r, z, W1, W2."""
    ranges = [(4100, 5400), (5750, 7050), (8500, 9800)]
    means = np.stack(
        [spectra[:, (wave > low) & (wave < high)].mean(axis=1) * ((low + high) / 2) ** 2 for low, high in ranges], axis=1
    )
    reference = np.where(means[:, 1] > 0, means[:, 1], 1.0)
    grz = means / reference[:, None]
    # 1 nanomaggy is 3.63e-29 erg/s/cm2/Hz; f_lambda = f_nu c / lambda**2, in units of 1e-17.
    scaled = spectra / reference[:, None] * 3.63e-29 * 2.998e18 / 1e-17
    infrared = grz[:, 2:] * np.array([1.6, 1.1])
    return scaled, np.hstack([grz, infrared])


def nearest_template(kind: NDArray[np.int64], z: F64) -> NDArray[np.int64]:
    """Index of the library template of each target.

    Parameters
    ----------
    kind : ndarray i8[n]
        Class codes.
    z : ndarray f8[n]
        Redshifts; for standards a number 0-1 that selects the temperature.

    Returns
    -------
    ndarray i8[n]
        Template of the same class and the nearest redshift; 0 for sky.
    """
    lib = library()
    index = np.zeros(kind.size, dtype=np.int64)
    for code in (LRG, ELG, QSO):
        own = np.flatnonzero(lib.kind == code)
        rows = kind == code
        index[rows] = own[np.abs(lib.z[own][None, :] - z[rows][:, None]).argmin(axis=1)]
    stars = np.flatnonzero(lib.kind == STD)
    rows = kind == STD
    index[rows] = stars[np.clip((z[rows] % 1.0 * stars.size).astype(int), 0, stars.size - 1)]
    return index


def add_emission(flux: F32, wave: F64, *, rows: NDArray[np.int64], z: F64) -> None:
    """Add the narrow emission lines of star-forming galaxies to their continua.

    Parameters
    ----------
    flux : ndarray f4[n, nw]
        Spectra, changed in place; the lines have fixed equivalent widths over the continuum that is there.
    wave : ndarray f8[nw]
        Grid of constant step [Angstrom].
    rows : ndarray of int [m]
        Rows of the galaxies.
    z : ndarray f8[m]
        Their redshifts.
    """
    step, offsets = wave[1] - wave[0], np.arange(-18, 19)
    for centre, sigma, width in _NARROW:
        place = (centre * (1 + z) - wave[0]) / step
        seen = (place > offsets[-1]) & (place < wave.size - offsets[-1] - 1)
        nearest = np.round(place[seen]).astype(int)
        scale = sigma * (1 + z[seen]) / step
        profile = np.exp(-0.5 * ((nearest - place[seen])[:, None] + offsets) ** 2 / scale[:, None] ** 2)
        height = flux[rows[seen], nearest] * width / (sigma * np.sqrt(2 * np.pi))
        flux[rows[seen][:, None], nearest[:, None] + offsets] += (height[:, None] * profile).astype(np.float32)
