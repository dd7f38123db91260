"""Keeping numbers of every fiber with a check, for the history of nights."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_specqa.checks.wording import one_line

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pytest_specqa.checks.check import Check


def keep(
    check: Check,
    name: str,
    values: ArrayLike | Callable[[], ArrayLike],
    *,
    first: int,
    step: float,
    waves: ArrayLike,
    unit: str,
) -> None:
    """Add a vector to a check.

    As with a picture that cannot be drawn, what was measured stands where this fails: a note of the report and a warning tell.

    Parameters
    ----------
    check : Check
        Takes it.
    name, values, first, step, waves, unit
        As `pytest_specqa.checks.check.Expect.keep` takes them.
    """
    import numpy as np  # noqa: PLC0415

    from pytest_specqa.vectors import Vector, encode  # noqa: PLC0415

    try:
        if any(kept["name"] == name for kept in check.vectors):
            raise ValueError("it is kept twice in one test")
        numbers = np.asarray(values() if callable(values) else values, dtype=float)
        edges = tuple(np.asarray(waves, dtype=float).tolist())
        check.vectors.append(encode(Vector(name, int(first), numbers, float(step), edges, unit)))
    except Exception as error:
        said = one_line(f"vector {name} of {check.unit} is not kept: {type(error).__name__}: {error}")
        check.notes.append(said)
        warnings.warn(f"{check.expectation}: {said}", stacklevel=3)
