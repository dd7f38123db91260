"""Loops over pixels that numpy would make in many passes: compiled for this machine at their first call, and kept on disk.

A camera has a million pixels, and each pass of numpy over them that has to leave the nearest cache costs as much as ten operations
that do not. Loops that take all steps of one pixel together are three to ten times as fast; they see arrays of f4 where the
products are f4.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from pytest_specqa.measures.statistics import Floats

F = TypeVar("F", bound=Callable[..., Any])

# NaN and infinity keep their meaning; sums may be taken in another order, which vectors need.
_FAST = {"nsz", "arcp", "contract", "reassoc"}


def compiled(function: F) -> F:
    """Compile a function at its first call and keep the machine code for later runs.

    Parameters
    ----------
    function : callable
        Numbers and arrays only, in what numba can compile.

    Returns
    -------
    callable
        The same. Where no folder can be written it is compiled anew in each process, and a warning says so, once.
    """
    try:
        return cast(F, numba.njit(cache=True, fastmath=_FAST, error_model="numpy")(function))
    except RuntimeError as error:
        warnings.warn(
            f"measures are compiled anew in every process: found no folder for compiled code ({error}); expected one that can be "
            "written beside the package; make it writable, or set NUMBA_CACHE_DIR to another",
            stacklevel=2,
        )
        return cast(F, numba.njit(fastmath=_FAST, error_model="numpy")(function))


def rows_of(values: Floats) -> Floats:
    """The same values as compiled loops take them, f4 and row by row; copied only where they are not so already."""
    return np.ascontiguousarray(values, dtype=np.float32)
