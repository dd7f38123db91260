"""Which of the ranges found in many series are one change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pytest_specqa.results.history.found import Found

RANKS = {"petal": 0, "camera": 0, "amplifier": 1, "group": 2, "fiber": 3}
"""What is wider explains what is narrower."""
ALIKE = 0.5
"""Part that two ranges of nights have in common, of the nights of either, from which on they are the same."""
WITHIN = 0.7
"""Part of a range of nights that lies within that of a wider place, from which on it is explained by it."""
NEIGHBOURS = 2
"""Fibers or bins apart that are one place."""
MANY = 10
"""Fibers of a camera, no two of them neighbours, that change in the same nights from which on it is the camera that changed."""


@dataclass
class Cluster:
    """One change: the series that shows it best, and all that it explains.

    Attributes
    ----------
    head : Found
        Widest place and largest statistic.
    fibers : tuple of int
        All fibers that it covers.
    bins : tuple of int or None
        All bins of the head's vector.
    waves : tuple of float or None
        Their edges.
    members : list of Found
        What it explains, without the head.
    """

    head: Found
    fibers: tuple[int, int]
    bins: tuple[int, int] | None
    waves: tuple[float, float] | None
    members: list[Found] = field(default_factory=list)

    @classmethod
    def of(cls, head: Found) -> Cluster:
        """Start one."""
        return cls(head, head.fibers, head.bins, head.waves)

    def explains(self, other: Found) -> bool:
        """Whether it is the same change that another series shows."""
        head = self.head
        if other.camera != head.camera or (not head.camera and other.fibers != head.fibers):
            return False
        wider = RANKS[head.scope] < RANKS[other.scope]
        part = wider or (other.what == head.what and abs(other.statistic) < abs(head.statistic))
        if not same_nights(head, other) and not (part and covers(head, other)):
            return False
        if not _near(self.fibers, other.fibers, 0 if wider else NEIGHBOURS):
            return False
        # Another vector, or a measure of the whole camera, shows the same fault at other places.
        if other.what != head.what or self.bins is None or other.bins is None or head.scope == "camera":
            return True
        return _near(self.bins, other.bins, NEIGHBOURS)

    def add(self, other: Found) -> None:
        """Take in what it explains; what is of the same kind makes it larger."""
        self.members.append(other)
        if other.scope != self.head.scope:
            return
        if other.scope == "amplifier" and other.fibers != self.head.fibers:
            # Both halves: it is the camera.
            self.head = replace(self.head, scope="camera")
        # Patches hold blocks: the one that shows it best is the place, and only what lies beside it makes it larger.
        if not _near(self.fibers, other.fibers, 0):
            self.fibers = _hull(self.fibers, other.fibers)
        if other.what == self.head.what and self.bins is not None and other.bins is not None:
            self.bins = _hull(self.bins, other.bins)
            if self.waves is not None and other.waves is not None:
                self.waves = (min(self.waves[0], other.waves[0]), max(self.waves[1], other.waves[1]))


def same_nights(one: Found, other: Found) -> bool:
    """Whether two ranges of nights are the same but for chance."""
    both = min(one.last, other.last) - max(one.first, other.first) + 1
    either = max(one.last, other.last) - min(one.first, other.first) + 1
    return both >= ALIKE * either


def covers(wide: Found, other: Found) -> bool:
    """Whether the nights of another are most of them within those of a wider place."""
    both = min(wide.last, other.last) - max(wide.first, other.first) + 1
    return both >= WITHIN * (other.last - other.first + 1)


def _near(one: tuple[int, int], other: tuple[int, int], apart: int) -> bool:
    return max(one[0], other[0]) - min(one[1], other[1]) <= apart


def _hull(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return min(one[0], other[0]), max(one[1], other[1])


def explained(found: Iterable[Found]) -> list[Cluster]:
    """Join what is one change.

    A change of a camera explains those of its groups and fibers in the same nights, one of a group those of its fibers; adjacent
    bins and fibers are one place, and other vectors and measures of that place show the same. Where many fibers of a camera that
    are no neighbours change in the same nights, it is the camera.

    Parameters
    ----------
    found : iterable of Found
        Ranges, above their thresholds.

    Returns
    -------
    list of Cluster
        Widest places first, then by statistic.
    """
    left = sorted(found, key=lambda one: (RANKS[one.scope], -abs(one.statistic)))
    clusters: list[Cluster] = []
    while left:
        cluster = Cluster.of(left.pop(0))
        grown = True
        while grown:
            inside = [one for one in left if cluster.explains(one)]
            grown = bool(inside)
            for one in inside:
                cluster.add(one)
            taken = {id(one) for one in inside}
            left = [one for one in left if id(one) not in taken]
        clusters.append(cluster)
    return _of_whole_cameras(clusters)


def _of_whole_cameras(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Join changes of many fibers of a camera in the same nights."""
    kept: list[Cluster] = []
    left = list(clusters)
    while left:
        first = left.pop(0)
        if first.head.scope != "fiber":
            kept.append(first)
            continue
        alike = [one for one in left if one.head.scope == "fiber" and one.head.camera == first.head.camera]
        alike = [one for one in alike if same_nights(first.head, one.head)]
        fibers = {
            one.head.fibers for cluster in (first, *alike) for one in (cluster, *[Cluster.of(found) for found in cluster.members])
        }
        if len(fibers) < MANY:
            kept.append(first)
            continue
        taken = {id(one) for one in alike}
        left = [one for one in left if id(one) not in taken]
        joined = Cluster.of(replace(first.head, scope="camera"))
        for cluster in (first, *alike):
            joined.fibers = _hull(joined.fibers, cluster.fibers)
            joined.members += [found for found in (cluster.head, *cluster.members) if found is not first.head]
        kept.append(joined)
    return kept
