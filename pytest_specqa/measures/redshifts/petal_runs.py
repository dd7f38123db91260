"""Adjacent petals of the focal plane, alone and together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats, Ints

RUN_LENGTHS = (1, 2, 3, 5, 10)
"""Numbers of adjacent petals that are looked at together."""


def adjacent_runs(petals: Ints, *, n_petals: int = DESI.spectrographs) -> list[tuple[int, ...]]:
    """List the runs of adjacent petals; the last and the first are neighbours.

    Parameters
    ----------
    petals : ndarray of int
        Petals that have data, in any order, with repeats.
    n_petals : int
        Petals of the focal plane.

    Returns
    -------
    list of tuple of int
        Petals with data in each run, shortest runs first, each once.
    """
    there = set(np.unique(petals).tolist())
    runs = {
        tuple(sorted({(first + k) % n_petals for k in range(length)} & there))
        for length in RUN_LENGTHS
        for first in range(n_petals)
    }
    return sorted((run for run in runs if run), key=lambda run: (len(run), run))


def independent_runs(runs: Sequence[tuple[int, ...]]) -> Floats:
    """Count, for each run, the runs of its length that do not overlap, times the number of lengths.

    Parameters
    ----------
    runs : sequence of tuple of int
        As `adjacent_runs` gives them.

    Returns
    -------
    ndarray
        Trials of a search over all of them, to correct each run for.
    """
    lengths = np.array([len(run) for run in runs])
    petals = len({petal for run in runs for petal in run})
    return len(np.unique(lengths)) * np.maximum(petals / lengths, 1.0)


def counts_outside(counts: Floats, *, member: Floats, size: Floats) -> Floats:
    """Predict the counts of each run from the petals outside it.

    Parameters
    ----------
    counts : ndarray, shape (n_petal, n)
        Counts of each petal.
    member : ndarray, shape (n_run, n_petal)
        1 where a petal belongs to a run, else 0.
    size : ndarray, shape (n_petal,)
        Number of spectra of each petal.

    Returns
    -------
    ndarray, shape (n_run, n)
        Expected counts; zero where fewer petals, or fewer than three, are left outside than inside.
    """
    inside, outside = member * (size > 0), (1 - member) * (size > 0)
    enough = outside.sum(axis=1) >= np.maximum(inside.sum(axis=1), 3)
    scale = np.where(enough, (inside @ size) / np.maximum(outside @ size, 1.0), 0.0)
    return np.asarray(scale[:, None] * together(outside, counts), dtype=float)


def together(member: Floats, counts: Floats) -> Floats:
    """Add the counts of the petals of each run.

    Parameters
    ----------
    member : ndarray, shape (n_run, n_petal)
        Weight of each petal.
    counts : ndarray, shape (n_petal, n)
        Counts of each petal.

    Returns
    -------
    ndarray, shape (n_run, n)
        Sums. Threads of a matrix product would cost more than the product.
    """
    return np.asarray(np.einsum("rp,pn->rn", member, counts), dtype=float)
