"""The loop that adds the words of megabytes, compiled: numpy takes as long to add words in a wider type as to read them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


def _add(words: Any) -> Any:
    """Sum of little-endian words, and that of their first and third bytes alone: two sums need no order of bytes."""
    total, even = np.uint64(0), np.uint64(0)
    # By index: over an iterator the compiler makes no vectors.
    for place in range(words.size):
        word = np.uint64(words[place])
        total += word
        even += word & np.uint64(0x00FF00FF)
    return total, even


try:
    _added: Any = numba.njit(cache=True)(_add)
except RuntimeError:  # No folder can be written for compiled code.
    _added = numba.njit(_add)


def add_big_endian(words: Any) -> int:
    """Ones' complement sum of the big-endian words that little-endian ones are read from, for up to 2**32 of them.

    Bytes are put in order by turning the first and third by 24 bits and the others by 8, and to turn is to multiply: modulo
    2**32 - 1 it may be done with the sums.
    """
    total, even = map(int, _added(words))
    return (even << 24) + (total - even << 8)
