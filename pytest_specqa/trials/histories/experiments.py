"""Histories that a search is measured on: the reported faults, faults of many sizes and lengths, bad redshifts, nothing at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.histories.history import History
from pytest_specqa.trials.histories.plants import OUTLIERS, Plant, reported
from pytest_specqa.trials.histories.rates import REPORTED, fewest
from pytest_specqa.trials.histories.redshifts import CLEAN_OUTLIERS, Petal
from pytest_specqa.trials.histories.survey import Survey, observe
from pytest_specqa.trials.histories.usual import Usual

MEASURES = (
    *("sky_line_width", "sky_line_scale", "sky_line_offset", "imaging_level", "throughput_rms", "wavelength_shift_group"),
    *("pull_width_amplifier", "row_noise", "good_pixel_fraction", "fiberflat_lowest_fiber"),
)
"""Measures that are drawn: wide and narrow ones, parts near 1, and ones that are 0 nearly always."""
CAMERAS = ("r1", "r2", "r4", "r6", "r7", "b6")
SIZES = {"residual": (0.3, 0.5, 0.7, 1.0, 1.5, 3.0), "line_shift": (0.15, 0.3, 0.6, 1.0), "sky_line_width": (0.5, 1.0, 2.0, 4.0)}
"""Sizes of steps whose power is measured, in standard deviations of one value."""
WIDTHS = {"residual": 1, "line_shift": DESI.block}
"""Neighbouring fibers that are struck together; a measure is of the camera."""
LENGTHS = (0.01, 0.05, 0.15, 0.4)
"""Lengths of steps as parts of the nights."""
MULTIPLES = (0.75, 1.0, 1.25, 1.5)
"""Observations of a bad fiber, in units of the binomial limit."""
BAD_FIBERS = 12
"""Bad fibers of one rate and one number of observations: so few that improbable redshifts are still those of sound fibers."""


@dataclass(frozen=True)
class Setting:
    """How much is simulated.

    Attributes
    ----------
    nights, exposures : int
        Nights, and exposures of a night on average.
    cameras : tuple of str
        Names such as ``r6``.
    seed : int
        Of everything.
    usual : tuple of Usual
        Distributions of the measures.
    """

    nights: int = 200
    exposures: int = 5
    cameras: tuple[str, ...] = CAMERAS
    seed: int = 1
    usual: tuple[Usual, ...] = ()

    @property
    def survey(self) -> Survey:
        """Nights and cameras."""
        return Survey(nights=self.nights, exposures=self.exposures, cameras=self.cameras, seed=self.seed)


def with_reported(setting: Setting) -> History:
    """Plant one fault of each reported kind."""
    return History(setting.survey, tuple(reported(setting.survey)), setting.usual)


def clean(setting: Setting) -> History:
    """Plant nothing."""
    return History(setting.survey, (), setting.usual)


def steps(setting: Setting) -> History:
    """Plant steps of many sizes and lengths, each in fibers of its own.

    Parameters
    ----------
    setting : Setting
        How much is simulated; sizes and lengths go round the cameras.

    Returns
    -------
    History
        In each camera eight defects of single fibers and four shifts of slit blocks, each in a block of its own, and one step of a
        measure: so few that what fibers have in common is still that of sound ones.
    """
    rng = np.random.default_rng([setting.seed, 8])
    survey = setting.survey
    plants: list[Plant] = []
    for what, most in (("residual", 8), ("line_shift", 4), ("sky_line_width", 1)):
        places = [(camera, number) for number in range(most) for camera in survey.cameras]
        cells = list(product(SIZES[what], LENGTHS))
        for k, (camera, number) in enumerate(places):
            size, length = cells[k % len(cells)]
            plants.append(_step(what, camera, size=size, length=length, block=number, survey=survey, rng=rng))
    return History(survey, tuple(plants), setting.usual, redshifts=False)


def _step(what: str, camera: str, *, size: float, length: float, block: int, survey: Survey, rng: np.random.Generator) -> Plant:
    nights = max(1, round(length * survey.nights))
    start = int(rng.integers(0, survey.nights - nights + 1))
    fibers = waves = None
    if what in WIDTHS:
        # Defects of single fibers lie in even blocks, shifts of blocks in odd ones.
        low = DESI.fibers * int(camera[1:]) + DESI.block * (2 * block + (WIDTHS[what] > 1))
        offset = int(rng.integers(0, DESI.block)) if WIDTHS[what] == 1 else 0
        fibers = (low + offset, low + offset + WIDTHS[what] - 1)
    if what == "residual":
        band = DESI.bands[camera[0]]
        waves = (float(rng.uniform(band.first, band.last)),) * 2
    return Plant("step", what, camera, (start, start + nights - 1), size, fibers, waves)


def bad_redshifts(setting: Setting) -> History:
    """Plant bad fibers of the reported rates, each for as many nights as a multiple of the binomial limit takes.

    Parameters
    ----------
    setting : Setting
        How much is simulated; of its cameras those of the first band are taken.

    Returns
    -------
    History
        Redshifts of all petals, without vectors of cameras.
    """
    survey = replace(setting.survey, cameras=tuple(f"r{petal}" for petal in DESI.petals))
    rng = np.random.default_rng([setting.seed, 9])
    seen = observations(survey)
    fibers = iter(rng.permutation(DESI.all_fibers))
    plants = []
    for rate, multiple in product(REPORTED, MULTIPLES):
        wanted = multiple * fewest(rate, clean=CLEAN_OUTLIERS)
        for _ in range(BAD_FIBERS):
            fiber = int(next(fibers))
            first, last = _nights_for(wanted, seen, rng)
            name = f"{rate:g} x {multiple:g}"
            plants.append(Plant(name, OUTLIERS, f"r{fiber // DESI.fibers}", (first, last), rate, (fiber, fiber)))
    return History(survey, tuple(plants), redshifts=True, spectra=False)


def observations(survey: Survey) -> Floats:
    """Count the sure redshifts of one fiber in each night, averaged over the fibers of a petal.

    Parameters
    ----------
    survey : Survey
        Nights and exposures.

    Returns
    -------
    ndarray, shape (nights,)
        Targets whose fit has no warning; stars and unassigned fibers do not count.
    """
    exposures = observe(survey)
    counts = np.zeros(survey.nights)
    for exposure, vectors in Petal(survey.petals[0], exposures, seed=survey.seed):
        table = {vector.name: vector.values for vector in vectors}
        tracer = table["target"].astype(int) & 0b1111000 > 0
        counts[exposure.day] += np.mean(tracer & (table["zwarn"] == 0))
    return counts


def _nights_for(wanted: float, seen: Floats, rng: np.random.Generator) -> tuple[int, int]:
    """Choose a range of nights with so many observations of a fiber; all nights where there are not that many."""
    total = np.concatenate([[0.0], np.cumsum(seen)])
    latest = int(np.searchsorted(total, total[-1] - wanted, side="right")) - 1
    first = int(rng.integers(0, latest + 1)) if latest >= 0 else 0
    last = int(np.searchsorted(total, total[first] + wanted)) - 1
    return first, min(max(first, last), len(seen) - 1)
