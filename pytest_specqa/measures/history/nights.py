"""One value a night, so that what the exposures of a night have in common counts once."""

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
