"""Keeping numbers of every fiber with a check, for the history of nights."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pytest_specqa.checks.wording import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from pytest_specqa.checks.check import Check
    from pytest_specqa.values import VectorRecord

COARSE = 0.5
"""Quantum of values in their typical error: the rounding adds 1 % to the noise."""
FINE = 0.02
"""Quantum of errors, and of values without any, in their typical size."""


class Kept(NamedTuple):
    """What a test keeps of every fiber, as `pytest_specqa.checks.check.Expect.keep` takes it."""

    name: str
    values: ArrayLike | Callable[[], ArrayLike]
    first: int
    step: float | None = None
    errors: ArrayLike | Callable[[], ArrayLike] | None = None
    waves: ArrayLike = ()
    unit: str = ""


def keep(check: Check, kept: Kept) -> None:
    """Add a vector to a check, and one of its errors.

    As with a picture that cannot be drawn, what was measured stands where this fails: a note of the report and a warning tell.

    Parameters
    ----------
    check : Check
        Takes them.
    kept : Kept
        What is kept.
    """
    try:
        if any(one["name"] == kept.name for one in check.vectors):
            raise ValueError("it is kept twice in one test")
        check.vectors += _encoded(kept)
    except Exception as error:
        said = one_line(f"vector {kept.name} of {check.unit} is not kept: {type(error).__name__}: {error}")
        check.notes.append(said)
        warnings.warn(f"{check.expectation}: {said}", stacklevel=3)


def _encoded(kept: Kept) -> list[VectorRecord]:
    import numpy as np  # noqa: PLC0415

    from pytest_specqa.vectors import Vector, encode  # noqa: PLC0415

    edges = tuple(np.asarray(kept.waves, dtype=float).tolist())
    values, step, found = _numbers(kept.values), kept.step, []
    if kept.errors is not None:
        errors = _numbers(kept.errors)
        if errors.shape != values.shape:
            raise ValueError(f"errors of shape {errors.shape} for values of shape {values.shape}")
        found = [encode(Vector(f"{kept.name}_error", int(kept.first), errors, FINE * _typical(errors), edges, kept.unit))]
        step = COARSE * _typical(errors) if step is None else step
    step = FINE * _typical(values) if step is None else step
    return [encode(Vector(kept.name, int(kept.first), values, float(step), edges, kept.unit)), *found]


def _numbers(values: ArrayLike | Callable[[], ArrayLike]) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415

    return np.asarray(values() if callable(values) else values, dtype=float)


def _typical(values: NDArray[np.float64]) -> float:
    """Median size of what is not zero; 0 where there is nothing."""
    import numpy as np  # noqa: PLC0415

    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if sizes.size else 0.0
