"""The loops over the words of megabytes, compiled: numpy takes as long to add words in a wider type as to read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def _add(words: Any) -> Any:
    """Sum of little-endian words, and that of their first and third bytes alone: two sums need no order of bytes."""
    total, even = np.uint64(0), np.uint64(0)
    # By index: over an iterator the compiler makes no vectors.
    for place in range(words.size):
        word = np.uint64(words[place])
        total += word
        even += word & np.uint64(0x00FF00FF)
    return total, even


def _turn(words: Any, turned: Any, flip: Any) -> Any:
    """Put the bytes of little-endian words in the other order, with some bits flipped; return the sum before the flip."""
    total = np.uint64(0)
    for place in range(words.size):
        word = np.uint32(words[place])
        outer = np.uint32(word << np.uint32(24)) | np.uint32(word >> np.uint32(24))
        inner = np.uint32((word & np.uint32(0xFF00)) << np.uint32(8)) | np.uint32((word >> np.uint32(8)) & np.uint32(0xFF00))
        value = np.uint32(outer | inner)
        turned[place] = value ^ flip
        total += np.uint64(value)
    return total


def _compiled(loop: Callable[..., Any]) -> Any:
    try:
        return numba.njit(cache=True)(loop)
    except RuntimeError:  # No folder can be written for compiled code.
        return numba.njit(loop)


_added, _turned = _compiled(_add), _compiled(_turn)


def add_big_endian(words: Any) -> int:
    """Ones' complement sum of the big-endian words that little-endian ones are read from, for up to 2**32 of them.

    Bytes are put in order by turning the first and third by 24 bits and the others by 8, and to turn is to multiply: modulo
    2**32 - 1 it may be done with the sums.
    """
    total, even = map(int, _added(words))
    return (even << 24) + (total - even << 8)


def turned_big_endian(raw: bytes, *, flip: int = 0) -> tuple[NDArray[np.uint32], int]:
    """Big-endian words as native ones, and their sum in the same pass, which takes no longer than to turn them.

    Parameters
    ----------
    raw : bytes
        Whole words, at most 2**32.
    flip : int
        Bits to flip in the values; the sum is that of the words as they are stored.

    Returns
    -------
    words : numpy.ndarray
        u4[n], writable.
    total : int
        Their sum.
    """
    turned = np.empty(len(raw) // 4, dtype=np.uint32)
    return turned, int(_turned(np.frombuffer(raw, dtype="<u4"), turned, np.uint32(flip)))
