"""Spectra in wider bins, each pixel with the weight of its inverse variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Binned:
    """Spectra of one band, in bins of several pixels.

    Attributes
    ----------
    wave : ndarray, shape (n_bin,)
        Mean wavelength of each bin in Angstrom.
    flux, error : ndarray, shape (n, n_bin)
        Weighted mean and its standard error; NaN where a bin holds no pixel that counts.
    out : tuple of tuple of (float, float)
        For each spectrum, the ranges in Angstrom of which no pixel counts.
    """

    wave: Floats
    flux: Floats
    error: Floats
    out: tuple[tuple[tuple[float, float], ...], ...]


def rebin(wave: NDArray[Any], flux: NDArray[Any], ivar: NDArray[Any], *, by: int) -> Binned:
    """Average pixels with the weight of their inverse variance.

    Parameters
    ----------
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom, rising.
    flux, ivar : ndarray, shape (n, n_wave)
        Spectra and inverse variance; pixels with ``ivar == 0`` or a flux that is no finite number do not count.
    by : int
        Pixels of a bin; the last bin holds what remains.

    Returns
    -------
    Binned
        With ``ceil(n_wave / by)`` bins.
    """
    good = (ivar > 0) & np.isfinite(flux)
    weight = np.where(good, ivar, 0.0).astype(float)
    starts = np.arange(0, wave.size, by)
    size = np.diff(np.append(starts, wave.size))
    total = np.add.reduceat(weight, starts, axis=1)
    summed = np.add.reduceat(weight * np.where(good, flux, 0.0), starts, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, error = summed / total, 1.0 / np.sqrt(total)
    empty = total <= 0
    mean[empty], error[empty] = np.nan, np.nan
    middle = np.add.reduceat(np.asarray(wave, dtype=float), starts) / size
    low, high = wave[starts], wave[starts + size - 1]
    return Binned(middle, mean, error, tuple(_ranges(row, low, high) for row in empty))


def _ranges(empty: NDArray[np.bool_], low: NDArray[Any], high: NDArray[Any]) -> tuple[tuple[float, float], ...]:
    edge = np.diff(np.concatenate([[False], empty, [False]]).astype(int))
    first, last = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1
    return tuple((float(low[a]), float(high[b])) for a, b in zip(first, last, strict=True))


def average(binned: Binned) -> tuple[Floats, Floats]:
    """Return the median spectrum and the standard error of it as the spectra scatter; NaN where none counts."""
    counts = np.isfinite(binned.flux).sum(axis=0)
    middle = np.full(binned.wave.shape, np.nan)
    spread = middle.copy()
    seen = counts > 0
    middle[seen] = np.nanmedian(binned.flux[:, seen], axis=0)
    away = np.abs(binned.flux[:, seen] - middle[seen])
    # 1.4826 turns a median of deviations into a standard deviation, 1.2533 the error of a mean into that of a median.
    spread[seen] = 1.4826 * 1.2533 * np.nanmedian(away, axis=0) / np.sqrt(counts[seen])
    return middle, spread
