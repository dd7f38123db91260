"""Where on the focal plane to look: cassettes of fibers and round patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.statistics import Floats, Ints

RADII = (35.0, 60.0, 90.0)
"""Radii of round patches in mm; a cassette of 50 fibers has an rms size of 39 mm."""
FEWEST = 15
"""Fewest fibers of a round patch."""


@dataclass(frozen=True)
class Places:
    """Sets of fibers that are judged together.

    Attributes
    ----------
    fiber : ndarray of int, shape (n_fiber,)
        FIBER 0-4999.
    member : sparse matrix, shape (n_place, n_fiber)
        1 where a fiber belongs to a place.
    names : tuple of str
        Words for each place.
    petal : ndarray of int, shape (n_place,)
        Petal of a patch of the slit; -1 for round patches, which may cross petals.
    """

    fiber: Ints
    member: csr_matrix
    names: tuple[str, ...]
    petal: Ints


def independent_places(instrument: Instrument = DESI) -> float:
    """Number of independent places of a whole focal plane, by which every search counts its chance.

    A part of the exposure is searched as strictly as all of it, so that a selection of cameras sees nothing that the exposure
    does not.

    Parameters
    ----------
    instrument : Instrument
        Knows the patches of the slit and the radius of the focal plane.

    Returns
    -------
    float
        Patches of the slit, and a quarter of the round ones: these overlap their neighbours by half.
    """
    patches = instrument.spectrographs * instrument.fibers / instrument.patch
    return float(patches + sum(np.pi * instrument.radius**2 / (radius / 2) ** 2 for radius in RADII) / 4)


def places(fiber: Ints, x: Floats, y: Floats, *, instrument: Instrument = DESI) -> Places:
    """List the patches of the slit and the round patches that hold enough fibers.

    Parameters
    ----------
    fiber : ndarray of int, shape (n,)
        FIBER 0-4999.
    x, y : ndarray, shape (n,)
        Place in mm; fibers at NaN belong to no round patch.
    instrument : Instrument
        Knows the patches of the slit and the radius of the focal plane.

    Returns
    -------
    Places
        Patches of the slit first. Round patches lie on a grid of half their radius and may cross petals.
    """
    patch, edge = instrument.patch, instrument.radius + 1.0
    numbers = np.unique(fiber // patch)
    sets = [np.flatnonzero(fiber // patch == number) for number in numbers]
    names = [f"fibers {patch * n}-{patch * n + patch - 1}" for n in numbers]
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if known.size:
        tree = cKDTree(np.column_stack([x[known], y[known]]))
        for radius in RADII:
            line = np.arange(-edge, edge + 1, radius / 2)
            centres = np.array([(a, b) for a in line for b in line if a**2 + b**2 < edge**2])
            for centre, inside in zip(centres, tree.query_ball_point(centres, radius), strict=True):
                if len(inside) >= FEWEST:
                    sets.append(known[inside])
                    names.append(f"{radius:.0f} mm around x = {centre[0]:.0f}, y = {centre[1]:.0f} mm")
    columns = np.concatenate(sets) if sets else np.array([], dtype=np.intp)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in sets])])
    member = csr_matrix((np.ones(columns.size), columns, starts), shape=(len(sets), fiber.size))
    petal = np.full(len(sets), -1)
    petal[: len(numbers)] = patch * numbers // instrument.fibers
    return Places(fiber, member, tuple(names), petal)


def full_patches(members: Ints, *, patch: int) -> tuple[tuple[int, int], ...]:
    """Ranges of the patches in which at least a fifth of the fibers are members, the fullest three.

    Parameters
    ----------
    members : ndarray of int
        FIBER of each member.
    patch : int
        Fibers of a patch.

    Returns
    -------
    tuple of (int, int)
        First and last FIBER of whole patches, the fullest first; the first and last member where no group is that full.
    """
    group, number = np.unique(members // patch, return_counts=True)
    full = np.argsort(-number, kind="stable")[:3]
    ranges = tuple((int(patch * group[k]), int(patch * group[k] + patch - 1)) for k in full if number[k] >= patch / 5)
    return ranges or ((int(members.min()), int(members.max())),)
