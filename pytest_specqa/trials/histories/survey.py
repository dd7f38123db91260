"""What was observed: nights with gaps, exposures, programs that follow the moon, and tiles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

_MONTH = 29.53
"""Days from one full moon to the next."""
_BRIGHT_DAYS = 5.0
"""Days around full moon in which the bright program is observed."""


@dataclass(frozen=True)
class Survey:
    """How much was observed, and by which cameras.

    Attributes
    ----------
    nights : int
        Nights with exposures.
    exposures : int
        Exposures of a night, on average.
    cameras : tuple of str
        Names such as ``r6``.
    seed : int
        The same seed gives the same nights and the same instrument.
    start : date
        First night.
    lost : float
        Part of the nights that weather takes.
    shutdown : tuple of (float, int)
        When the telescope stands still, as a part of the nights, and for how many nights; of use where there are 60 nights or more.
    new_code : float
        When the version of the code changes, as a part of the nights; 1 or more for never.
    """

    nights: int = 40
    exposures: int = 5
    cameras: tuple[str, ...] = ("r0", "r1")
    seed: int = 1
    start: date = date(2024, 1, 8)
    lost: float = 0.12
    shutdown: tuple[float, int] = (0.4, 24)
    new_code: float = 0.6

    @property
    def petals(self) -> tuple[int, ...]:
        """Petals of the cameras, in order."""
        return tuple(sorted({int(camera[1:]) for camera in self.cameras}))


@dataclass(frozen=True)
class Exposure:
    """One exposure of the survey.

    Attributes
    ----------
    index, expid, tile : int
        Number from 0, exposure number and tile number.
    day : int
        Number of the night from 0, nights without exposures left out.
    night : int
        YYYYMMDD.
    since : float
        Days since the first night.
    program : str
        ``dark`` or ``bright``.
    last_of_tile : bool
        Whether the redshifts of the tile are fitted after it.
    code : str
        Version of the code that reduced it.
    """

    index: int
    expid: int
    tile: int
    day: int
    night: int
    since: float
    program: str
    last_of_tile: bool
    code: str


def observe(survey: Survey) -> list[Exposure]:
    """Lay out the exposures of a survey.

    Parameters
    ----------
    survey : Survey
        How much is observed.

    Returns
    -------
    list of Exposure
        In order of time; a tile has one exposure or two, of one night.
    """
    rng = np.random.default_rng([survey.seed, 1])
    exposures: list[Exposure] = []
    tile, expid, since = 20_000, 220_000, 0
    for day in range(survey.nights):
        since += 1 + int(rng.geometric(1 - survey.lost)) - 1
        if survey.nights >= 60 and day == int(survey.shutdown[0] * survey.nights):
            since += survey.shutdown[1]
        bright = abs((since + 0.5 * _MONTH) % _MONTH - 0.5 * _MONTH) < _BRIGHT_DAYS
        night = int((survey.start + timedelta(days=since)).strftime("%Y%m%d"))
        code = "0.70.0" if day < survey.new_code * survey.nights else "0.71.0"
        expid += int(rng.integers(20, 40))
        count = max(1, int(rng.poisson(survey.exposures)))
        for number in range(count):
            again = number + 1 < count and rng.random() < 0.3
            program = "bright" if bright else "dark"
            exposures.append(
                Exposure(len(exposures), expid, tile, day, night, float(since), program, last_of_tile=not again, code=code)
            )
            expid += int(rng.integers(1, 4))
            tile += not again
    return exposures
