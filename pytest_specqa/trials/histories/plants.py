"""Faults that are planted in a history, of the kinds that were reported, and those that are no fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.histories.survey import Exposure, Survey

REDSHIFT = "redshift"
OUTLIERS = "redshift outliers"


@dataclass(frozen=True)
class Plant:
    """One fault of a history.

    Attributes
    ----------
    name : str
        What it is, such as ``ccd defect``.
    what : str
        Name of the vector or measure that it changes; ``redshift`` for a pile-up, ``redshift outliers`` for redshifts at random.
    camera : str
        Camera that it strikes; for redshifts any camera of the petal.
    days : tuple of int
        First and last night that it strikes, numbered from 0; both included.
    size : float
        In standard deviations of one clean value (one bin of one fiber, or one exposure's measure); of redshifts the part of the
        objects that it strikes.
    fibers : tuple of int or None
        First and last FIBER; None for a measure of the camera.
    waves : tuple of float or None
        Range in Angstrom, of the residual; of a pile-up the observed wavelength that is taken for a line.
    shape : str
        ``step``, ``drift`` (from nothing to `size`), ``intermittent`` or ``one-off``.
    chance : float
        Part of the exposures that it strikes.
    """

    name: str
    what: str
    camera: str
    days: tuple[int, int]
    size: float
    fibers: tuple[int, int] | None = None
    waves: tuple[float, float] | None = None
    shape: str = "step"
    chance: float = 1.0

    @property
    def petal(self) -> int:
        """Petal of its camera."""
        return int(self.camera[1:])

    def strength(self, exposures: Sequence[Exposure], seed: int) -> Floats:
        """How strong it is in each exposure.

        Parameters
        ----------
        exposures : sequence of Exposure
            In order of time.
        seed : int
            Of the survey; says which exposures an intermittent fault strikes.

        Returns
        -------
        ndarray, shape (n_exposure,)
            In the unit of `size`; 0 where it does not strike.
        """
        first, last = self.days
        day = np.array([exposure.day for exposure in exposures])
        inside = (day >= first) & (day <= last)
        if self.shape == "drift":
            size = self.size * np.clip((day - first + 1) / (last - first + 1), 0, 1)
        else:
            size = np.full(day.size, self.size)
        words = f"{self.name} {self.what} {self.camera} {self.days} {self.fibers}"
        struck = np.random.default_rng([seed, *words.encode()]).random(day.size) < self.chance
        return np.where(inside & struck, size, 0.0)


def reported(survey: Survey) -> list[Plant]:
    """Plant one fault of each reported kind.

    Parameters
    ----------
    survey : Survey
        Where they are planted: cameras in turn, dates as parts of its nights.

    Returns
    -------
    list of Plant
        Sizes and kinds follow desispec issues 1935 and 2748 (a defect of the CCD and its pile-up), 2548 (charge transfer in two
        neighbouring fibers), 2739 (a bias that is off), 2283 (a fault of a short time) and 2295 (rates of redshift outliers).
    """
    end = survey.nights - 1

    def days(first: float, last: float) -> tuple[int, int]:
        """Nights at these parts of the survey."""
        return int(first * end), int(last * end)

    def camera(number: int) -> str:
        """Cameras in turn."""
        return survey.cameras[number % len(survey.cameras)]

    def fibers(number: int, low: int, high: int) -> tuple[int, int]:
        """FIBERs of a camera by their place in its slit."""
        petal = int(camera(number)[1:])
        return 500 * petal + low, 500 * petal + high

    def at(number: int, blue: float = 0.0, red: float | None = None) -> tuple[float, float]:
        """Wavelengths so far from the middle of the band."""
        middle = DESI.bands[camera(number)[0]].middle
        return middle + blue, middle + (blue if red is None else red)

    return [
        Plant("ccd defect", "residual", camera(0), days(0.3, 0.75), 1.5, fibers(0, 234, 234), at(0, -200)),
        Plant("its pile-up", REDSHIFT, camera(0), days(0.3, 0.75), 0.043, fibers(0, 234, 234), at(0, -200)),
        Plant("faint defect", "residual", camera(1), days(0.2, 1), 0.5, fibers(1, 54, 54), at(1, 150)),
        Plant("charge transfer", "residual", camera(1), days(0.5, 1), 0.7, fibers(1, 418, 420), at(1, 300, 600)),
        Plant("bad fiber", OUTLIERS, camera(1), days(0.1, 1), 0.255, fibers(1, 108, 108)),
        Plant("noisy amplifier", "residual_error", camera(2), days(0.55, 0.8), 4.0, fibers(2, 250, 499)),
        Plant("wavelengths of a block", "line_shift", camera(2), days(0.65, 1), 2.0, fibers(2, 75, 99)),
        Plant("wavelengths of a patch", "line_shift", camera(3), days(0.15, 0.4), 1.0, fibers(3, 300, 349)),
        Plant("drift", "sky_line_width", camera(3), days(0.5, 1), 4.0, shape="drift"),
        Plant("intermittent", "residual", camera(4), days(0.25, 0.9), 3.0, fibers(4, 350, 350), at(4), "intermittent", chance=0.3),
        Plant("bad night", "residual_error", camera(5), days(0.85, 0.85), 10.0, fibers(5, 0, 499), shape="one-off"),
    ]
