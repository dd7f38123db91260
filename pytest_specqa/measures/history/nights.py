"""One value a night, so that what the exposures of a night have in common counts once."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Floats

FEW = 3
"""Exposures from which on the one that is farthest from the others is left out of the mean of a night."""


@compiled
def _mean(values: Floats) -> Floats:
    exposures, places = values.shape
    means = np.empty(places, dtype=np.float32)
    for place in range(places):
        total, known = 0.0, 0
        for exposure in range(exposures):
            if not np.isnan(values[exposure, place]):
                total, known = total + values[exposure, place], known + 1
        if known == 0:
            means[place] = np.nan
            continue
        mean = total / known
        if known >= FEW:
            farthest, at = -1.0, 0
            for exposure in range(exposures):
                value = values[exposure, place]
                if not np.isnan(value) and abs(value - mean) > farthest:
                    farthest, at = abs(value - mean), exposure
            mean = (total - values[at, place]) / (known - 1)
        means[place] = mean
    return means


def night_mean(values: Floats) -> Floats:
    """Mean over the exposures of a night, without the farthest one where there are three or more.

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
