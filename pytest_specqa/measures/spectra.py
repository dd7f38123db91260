"""The sky-subtracted spectra of one camera, with what many measures derive from them: each derived once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import InputError
from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.statistics import Bools, Floats, Ints, nan_median
from pytest_specqa.measures.where import between_lines, signal_to_noise

T = TypeVar("T")

FAINT = 1.5
"""Median signal to noise per pixel below which the light of a fiber's object does not disturb its noise."""
EVERY = 5
"""Of every so many fibers one is taken for the typical sky: neighbours share their resolution, and a median needs no more."""


@dataclass(frozen=True, eq=False)
class CameraSpectra:
    """Sky-subtracted spectra of one camera, and the sky that was taken away from them.

    Attributes
    ----------
    flux, ivar : ndarray f4, shape (n_fiber, n_wave)
        Sky-subtracted flux in electron/Angstrom and its inverse variance. A pixel counts if its flux is finite and its ivar
        above 0.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom, rising: vacuum, and barycentric if `heliocor` is not 1.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row, rising; all of one spectrograph, which need not be complete.
    is_sky : ndarray of bool, shape (n_fiber,)
        Fibers on blank sky that the sky model was made from.
    is_target : ndarray of bool, shape (n_fiber,), or None
        Fibers on targets; None for all that are not on sky. What is neither, as a fiber without an assignment, is never faint.
    sky : ndarray, shape (n_fiber, n_wave) or (n_wave,), or None
        Sky model in electron/Angstrom; None where it is not known, which only measures of the noise can do without.
    heliocor : float
        Factor from observed to barycentric wavelength: a sky line lies at its wavelength times this.
    exptime : float
        Exposure time in seconds; NaN where it is not known.
    instrument : Instrument
        What made the spectra.

    Raises
    ------
    InputError
        If shapes differ, or the fibers are not those of one spectrograph of the instrument in rising order.
    """

    flux: Floats
    ivar: Floats
    wave: Floats
    fiber: Ints
    is_sky: Bools
    sky: Floats | None = None
    heliocor: float = 1.0
    exptime: float = float("nan")
    instrument: Instrument = DESI
    is_target: Bools | None = None
    _noise: dict[str, NDArray[Any]] = field(default_factory=dict, init=False, repr=False)
    _kept: dict[Callable[[CameraSpectra], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        shape = (len(self.fiber), len(self.wave))
        given = {"flux": self.flux, "ivar": self.ivar} | ({} if self.sky is None or self.sky.ndim == 1 else {"sky": self.sky})
        for name, array in given.items():
            if array.shape != shape:
                raise InputError(
                    f"{name} of shape {array.shape}: expected {shape}, a row for each fiber and a column for each wavelength"
                )
        if self.is_target is not None and len(self.is_target) != len(self.fiber):
            raise InputError(f"is_target of length {len(self.is_target)}: expected one for each of {len(self.fiber)} fibers")
        if len(self.is_sky) != len(self.fiber):
            raise InputError(f"is_sky of length {len(self.is_sky)}: expected one for each of {len(self.fiber)} fibers")
        self.instrument.petal_of(self.fiber)
        if (np.diff(self.fiber) <= 0).any():
            raise InputError("fibers out of order: expected rows in the order of FIBER")

    def with_sky(self, sky: Floats) -> CameraSpectra:
        """Return the same spectra with their sky model, and with all that has been derived without it."""
        known = replace(self, sky=sky)
        known.__dict__["_noise"] = self._noise
        return known

    @property
    def petal(self) -> int:
        """Number of the spectrograph."""
        return int(self.fiber[0]) // self.instrument.fibers

    @property
    def span(self) -> tuple[int, int]:
        """First and last FIBER that is here."""
        return int(self.fiber[0]), int(self.fiber[-1])

    @property
    def step(self) -> float:
        """Mean distance of two wavelengths in Angstrom."""
        return float(self.wave[-1] - self.wave[0]) / (self.wave.size - 1)

    @property
    def slot(self) -> Ints:
        """Place of each row in the slit, from 0."""
        return self.instrument.slot(self.fiber)

    @property
    def good(self) -> Bools:
        """Pixels that count, shape (n_fiber, n_wave)."""
        if "good" not in self._noise:
            self._noise["good"] = (self.ivar > 0) & np.isfinite(self.flux)
        return self._noise["good"]

    @property
    def signal_to_noise(self) -> Floats:
        """Median signal to noise per pixel, shape (n_fiber,); NaN for fibers that are dead or hold neither target nor sky."""
        if "signal_to_noise" not in self._noise:
            found = signal_to_noise(self.flux, self.ivar)
            self._noise["signal_to_noise"] = (
                found if self.is_target is None else np.where(self.is_sky | self.is_target, found, np.nan)
            )
        return self._noise["signal_to_noise"]

    @property
    def faint(self) -> Bools:
        """Live fibers with so little light that their pixels show noise, shape (n_fiber,)."""
        return self.fainter_than(FAINT)

    def fainter_than(self, limit: float) -> Bools:
        """Tell which live fibers have less than `limit` for the absolute median of their signal to noise per pixel."""
        return np.asarray(np.abs(self.signal_to_noise) < limit)

    @property
    def dark_sky(self) -> Bools:
        """Sky fibers that hold as much light as the others, shape (n_fiber,): a star in one is no noise of its CCD."""
        level = np.where(self.is_sky, self.signal_to_noise, np.nan)
        return np.asarray(np.abs(level - nan_median(level, axis=0)) < FAINT)

    @property
    def known_sky(self) -> Floats:
        """The sky model; `InputError` where there is none."""
        if self.sky is None:
            raise InputError("these spectra come without a sky model, which this measure needs: give CameraSpectra(sky=...)")
        return self.sky

    @cached_property
    def sky_spectrum(self) -> Floats:
        """Typical sky in electron/Angstrom, shape (n_wave,): the median of every fifth fiber."""
        sky = self.known_sky
        return np.asarray(sky, dtype=float) if sky.ndim == 1 else nan_median(sky[::EVERY], axis=0)

    @cached_property
    def median_sky(self) -> Floats:
        """Median sky of all fibers in electron/Angstrom, shape (n_wave,); NaN where one is NaN."""
        if self.known_sky.ndim == 1:
            return self.known_sky
        return np.where(np.isnan(self.known_sky).any(axis=0), np.nan, nan_median(self.known_sky, axis=0))

    @cached_property
    def between_lines(self) -> Bools:
        """Wavelengths at which the sky is continuum only, shape (n_wave,)."""
        return between_lines(self.sky_spectrum)


def once(function: Callable[[CameraSpectra], T]) -> Callable[[CameraSpectra], T]:
    """Keep the result of a function with the spectra that it was derived from, so that the checks of a camera share it.

    Parameters
    ----------
    function : callable
        Takes `CameraSpectra` and nothing else.

    Returns
    -------
    callable
        The same, computed at the first call only.
    """

    @wraps(function)
    def kept(spectra: CameraSpectra) -> T:
        """What `function` gave for these spectra."""
        if function not in spectra._kept:
            spectra._kept[function] = function(spectra)
        found: T = spectra._kept[function]
        return found

    return kept
