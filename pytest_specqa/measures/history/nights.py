"""One value a night, so that what the exposures of a night have in common counts once."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Floats

FEW = 3
"""Exposures from which on the one that is farthest from the others is left out of the mean of a night."""


@compiled
def _mean(values: Floats, weights: Floats) -> Floats:
    exposures, places = values.shape
    means = np.empty(places, dtype=np.float32)
    for place in range(places):
        total, weight, known = 0.0, 0.0, 0
        for exposure in range(exposures):
            value, of = values[exposure, place], weights[exposure, place]
            if not np.isnan(value) and of > 0:
                total, weight, known = total + of * value, weight + of, known + 1
        if known == 0:
            means[place] = np.nan
            continue
        mean = total / weight
        if known >= FEW:
            farthest, at = -1.0, 0
            for exposure in range(exposures):
                value, of = values[exposure, place], weights[exposure, place]
                if not np.isnan(value) and of > 0 and of * (value - mean) ** 2 > farthest:
                    farthest, at = of * (value - mean) ** 2, exposure
            weight -= weights[at, place]
            if weight > 0:
                mean = (total - weights[at, place] * values[at, place]) / weight
        means[place] = mean
    return means


def night_mean(values: Floats, weights: Floats | None = None) -> Floats:
    """Mean over the exposures of a night, without the farthest one where there are three or more.

    Parameters
    ----------
    values : array, shape (n_exposure, ...)
        NaN where a value is not known.
    weights : array or None
        Of the same shape; 0 or NaN leaves a value out. Equal by default.

    Returns
    -------
    array, shape (...)
        NaN where no exposure has a value.
    """
    flat = rows_of(values.reshape(len(values), -1))
    of = np.ones_like(flat) if weights is None else rows_of(np.nan_to_num(weights, posinf=0).reshape(flat.shape))
    return np.asarray(_mean(flat, of)).reshape(values.shape[1:])
