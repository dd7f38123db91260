"""What is one change is told once, and what only looks like another is not told."""

from __future__ import annotations

import numpy as np

from pytest_specqa.results.history.explaining import explained
from pytest_specqa.results.history.found import FIBERS, GROUPS, Found


def _found(fibers=(3010, 3010), nights=(30, 59), statistic=9.0, *, scope="fiber", bins=(4, 4), what="residual"):
    kind = FIBERS if scope == "fiber" else GROUPS
    return Found(what, "", scope, "r6", fibers, bins, None, *nights, statistic, 1e-12, kind, np.zeros(100), 1.0, "sigma")


def test_a_group_explains_its_fibers_and_neighbouring_bins_are_one_place():
    (cluster,) = explained(
        [
            _found((3000, 3024), scope="group"), _found((3005, 3005)), _found((3006, 3006), nights=(33, 59), bins=(5, 5)),
        ]
    )  # fmt: skip
    assert (cluster.head.scope, cluster.fibers, len(cluster.members)) == ("group", (3000, 3024), 2)
    (cluster,) = explained([_found(bins=(4, 4)), _found(bins=(5, 5), statistic=8)])
    assert cluster.bins == (4, 5)


def test_other_nights_other_fibers_and_other_bins_are_other_changes():
    assert len(explained([_found(), _found(nights=(70, 90))])) == 2
    assert len(explained([_found(), _found((3200, 3200))])) == 2
    assert len(explained([_found(), _found(bins=(30, 30))])) == 2


def test_the_other_side_of_a_change_is_no_change():
    group = _found((3000, 3024), scope="group", statistic=20.0)
    assert len(explained([group, _found((3003, 3003), nights=(62, 99), statistic=-8.0)])) == 1
    # The look-alikes: the same way, at another time, in other fibers, and stronger than what it would be the shadow of.
    assert len(explained([group, _found((3003, 3003), nights=(62, 99), statistic=8.0)])) == 2
    assert len(explained([group, _found((3003, 3003), nights=(75, 99), statistic=-8.0)])) == 2
    assert len(explained([group, _found((3100, 3100), nights=(62, 99), statistic=-8.0)])) == 2
    assert len(explained([group, _found((3003, 3003), nights=(62, 99), statistic=-30.0)])) == 2


def test_many_fibers_that_are_no_neighbours_are_the_camera():
    (cluster,) = explained([_found((3000 + 20 * number,) * 2) for number in range(12)])
    assert (cluster.head.scope, cluster.fibers) == ("camera", (3000, 3220))
    assert len(explained([_found((3000 + 20 * number,) * 2) for number in range(5)])) == 5
