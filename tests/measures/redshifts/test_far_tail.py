"""The chance of a pile-up, next to the negative binomial summed term by term, where its double-precision tail has run out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import nbinom

from pytest_specqa.measures.redshifts.scan import EDGES, N_BINS, STEP, WIDTH_TRIALS, Samples, least_likely_window

SMALLEST = math.log(1e-280)
"""Below this the measure adds the terms up as a geometric series."""


def chance_of(many, *, level):
    """Window of two bins with so many spectra, among bins of this level; its log chance without the trials, and the exact one."""
    counts = np.full((1, N_BINS), float(level))
    counts[0, 500:502] = many / 2
    nothing, one = np.zeros_like(counts), np.ones(1)
    found = least_likely_window(Samples(counts, counts, nothing, one, nothing, nothing, one, one), walls=False)
    assert (found.count, found.low) == (many, EDGES[500])
    width = round(math.log((1 + found.high) / (1 + found.low)) / STEP)
    shape = found.expected**2 / found.error**2
    terms = nbinom.logpmf(np.arange(many, many + 50_000), shape, shape / (shape + found.expected))
    return found.log_p - math.log(WIDTH_TRIALS * N_BINS / width), float(logsumexp(terms))


@pytest.mark.parametrize(("many", "level"), [(400, 50), (20_000, 50), (60_000, 400)])
def test_the_chance_is_that_of_the_negative_binomial_on_both_sides_of_what_doubles_hold(many, level):
    chance, exact = chance_of(many, level=level)
    assert (exact < SMALLEST) == (many > 400)
    # The ratio of neighbouring terms changes by one part in `many`, which the series leaves out.
    assert chance == pytest.approx(exact, abs=0.1)
