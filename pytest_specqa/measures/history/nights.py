"""One value a night, so that what its exposures have in common counts once, and what fibers have in common."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Floats


@compiled
def _mean(values: Floats) -> Floats:
    exposures, places = values.shape
    means = np.empty(places, dtype=np.float32)
    for place in range(places):
        total, known = 0.0, 0
        for exposure in range(exposures):
            if not np.isnan(values[exposure, place]):
                total, known = total + values[exposure, place], known + 1
        means[place] = total / known if known else np.nan
    return means


def night_mean(values: Floats) -> Floats:
    """Mean over the exposures of a night that have a value.

    Parameters
    ----------
    values : array, shape (n_exposure, ...)
        NaN where a value is not known.

    Returns
    -------
    array, shape (...)
        NaN where no exposure has a value.
    """
    return np.asarray(_mean(rows_of(values.reshape(len(values), -1)))).reshape(values.shape[1:])


@compiled
def _midmean(values: Floats) -> Floats:
    fibers, places = values.shape
    means = np.empty(places, dtype=np.float32)
    column = np.empty(fibers, dtype=np.float32)
    for place in range(places):
        known = 0
        for fiber in range(fibers):
            if not np.isnan(values[fiber, place]):
                column[known] = values[fiber, place]
                known += 1
        if known == 0:
            means[place] = np.nan
            continue
        ordered = np.sort(column[:known])
        low = known // 4
        means[place] = ordered[low : known - low].mean()
    return means


def midmean(values: Floats) -> Floats:
    """Mean of the middle half of the fibers: as robust as is needed here, and as fine as a mean where values are stored in steps.

    A median of values that are whole multiples of a step is one of them, on most nights the same.

    Parameters
    ----------
    values : array, shape (n_fiber, ...)
        NaN where a value is not known.

    Returns
    -------
    array, shape (...)
        NaN where no fiber has a value.
    """
    return np.asarray(_midmean(rows_of(values.reshape(len(values), -1)))).reshape(values.shape[1:])
