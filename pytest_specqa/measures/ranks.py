"""Medians of few values at very many places: all places are sorted at once, by comparisons that do not depend on the values.

A sorting network is a list of pairs; each is put in order, and after the last the list is sorted. As the pairs are the same for all
places, each step compares two whole rows, sixteen places in one instruction. Only the pairs that the middle depends on are kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Floats, Ints

TILE = 256
"""Places that are sorted together: their values stay in the nearest cache."""


def running_median(values: Floats, width: int, *, mode: Literal["edge", "symmetric"]) -> Floats:
    """Median over a window that runs along the first axis.

    Parameters
    ----------
    values : ndarray, shape (n, m)
        Finite numbers; they are compared as f4.
    width : int
        Rows in the window; of an even number the upper of the two middle values is taken.
    mode : str
        What continues a column beyond its ends, as `numpy.pad` calls it.

    Returns
    -------
    ndarray f4, shape (n, m)
        One median for each place.
    """
    padded = np.pad(rows_of(values), ((width // 2, width - 1 - width // 2), (0, 0)), mode=mode)
    middle = np.empty(values.shape, np.float32)
    _fill_middle(padded, _network(width, width // 2, width // 2), width, 1, width // 2, width // 2, middle)
    return middle


def group_median(values: Floats, size: int) -> Floats:
    """Median of every `size` rows, at each place of the second axis.

    Parameters
    ----------
    values : ndarray, shape (n * size, m)
        Finite numbers; they are compared as f4.
    size : int
        Rows of a group.

    Returns
    -------
    ndarray f4, shape (n, m)
        Of an even number of rows the mean of the two middle values.
    """
    middle = np.empty((len(values) // size, values.shape[1]), np.float32)
    low, high = (size - 1) // 2, size // 2
    _fill_middle(rows_of(values), _network(size, low, high), size, size, low, high, middle)
    return middle


@lru_cache(maxsize=8)
def _network(size: int, low: int, high: int) -> Ints:
    """Pairs of Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2 M) that two ranks depend on, in order."""
    pairs = []
    top = 1 << (size - 1).bit_length() >> 1
    step = top
    while step:
        reach, start, distance = top, 0, step
        while True:
            pairs += [(i, i + distance) for i in range(size - distance) if i & step == start]
            if reach == step:
                break
            distance, reach, start = reach - step, reach >> 1, step
        step >>= 1
    needed, kept = {low, high}, []
    for pair in reversed(pairs):
        if needed.intersection(pair):
            needed.update(pair)
            kept.append(pair)
    return np.array(kept[::-1], dtype=np.int64).reshape(-1, 2)


@compiled
def _fill_middle(values: Floats, pairs: Ints, size: int, step: int, low: int, high: int, middle: Floats) -> None:
    """Sort `size` rows from every `step` rows on, place by place, and take the mean of two ranks."""
    places = np.empty((size, TILE), np.float32)
    for group in range(middle.shape[0]):
        for first in range(0, middle.shape[1], TILE):
            count = min(TILE, middle.shape[1] - first)
            for row in range(size):
                source, target = values[group * step + row, first : first + count], places[row]
                for k in range(count):
                    target[k] = source[k]
            for number in range(len(pairs)):
                one, other = places[pairs[number, 0]], places[pairs[number, 1]]
                for k in range(count):
                    smaller, larger = one[k], other[k]
                    wrong = larger < smaller
                    one[k] = larger if wrong else smaller
                    other[k] = smaller if wrong else larger
            lower, upper, target = places[low], places[high], middle[group, first : first + count]
            for k in range(count):
                target[k] = np.float32(0.5) * (lower[k] + upper[k])
