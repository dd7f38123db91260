"""Near the lower end of the scan a window is compared with what there is beside it, if that is long enough."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.scan import EDGES, N_BINS, WIDTHS, Samples, least_likely_window

WIDE = max(WIDTHS)
GAP, NEAR = WIDE // 2, 3 * WIDE
BELOW, ABOVE = 10.0, 8.0
"""Spectra in a bin on either side of a pile-up of five times as many: the side below it makes it the more likely."""


@pytest.mark.parametrize(("length", "enough"), [(2 * WIDE + 20, True), (2 * WIDE - 10, False)])
def test_the_side_below_a_window_counts_alone_from_two_widths_on(length, enough):
    start = GAP + length
    place = np.arange(N_BINS)
    counts = np.where(place < start, BELOW, np.where(place < start + WIDE, 5 * BELOW, ABOVE))[None]
    nothing, one = np.zeros_like(counts), np.ones(1)
    found = least_likely_window(Samples(counts, counts, nothing, one, nothing, nothing, one, one), walls=False)
    assert (found.low, found.high) == (EDGES[start], EDGES[start + WIDE])
    below, both = BELOW, (length * BELOW + NEAR * ABOVE) / (length + NEAR)
    assert found.expected == pytest.approx(WIDE * (below if enough else both), rel=0.001)
