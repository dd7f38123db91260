"""How units, values and limits are put into words: one line each, the same in terminal, report and results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome

SIGNIFICANT = 4


def number(value: float) -> str:
    """Write a number with four significant digits."""
    return f"{value:.{SIGNIFICANT}g}"


def place(unit: DataUnit) -> str:
    """Name a unit in full: ``night 20211014 expid 00104284 tile 7951 camera r6``."""
    parts = [f"night {unit.night}"]
    if unit.expid is not None:
        parts.append(f"expid {unit.expid:08d}")
    if unit.tile is not None:
        parts.append(f"tile {unit.tile}")
    if unit.camera is not None:
        parts.append(f"camera {unit.camera}")
    if unit.petal is not None and unit.camera is None:
        parts.append(f"petal {unit.petal}")
    return " ".join(parts)


def ranges(pairs: Iterable[tuple[int, int]]) -> str:
    """Write inclusive ranges: ``3000-3049, 3100``."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in pairs)


def allowed(limit: Limit) -> str:
    """Write what a limit allows: ``at most 0.02``, ``0.8 to 1.2``."""
    return _bounds(limit.low, limit.high)


def _bounds(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{number(low)} to {number(high)}"
    if math.isfinite(high):
        return f"at most {number(high)}"
    if math.isfinite(low):
        return f"at least {number(low)}"
    return "none"


def describe(measured: Measured, limit: Limit, *, outcome: Outcome) -> str:
    """Say in one line what was measured, where, and what it is compared with.

    Parameters
    ----------
    measured : Measured
        The value, with the fibers and wavelengths it speaks of.
    limit : Limit
        What it was compared with.
    outcome : Outcome
        Chooses which bounds are quoted: those of the warning if the value only warns.

    Returns
    -------
    str
        Such as ``sky_chi2 = 2.1 +- 0.1 (limit at most 1.5; PR 1452), fibers 3000-3499, 6480-6620 A: coherent lines``.
    """
    unit = f" {limit.unit}" if limit.unit else ""
    if measured.reason:
        return f"{limit.name} not measured: {measured.reason}"
    value = "NaN" if math.isnan(measured.value) else number(measured.value)
    error = f" +- {number(measured.error)}" if measured.error is not None else ""
    bounds = allowed(limit)
    if outcome is Outcome.WARNED and limit.low <= measured.value <= limit.high:
        bounds = f"warns: {_bounds(limit.warn_low, limit.warn_high)}"
    text = f"{limit.name} = {value}{error}{unit} (limit {bounds}{unit}; {limit.source})"
    if outcome is Outcome.NOT_MEASURED and measured.sensitivity is not None:
        text += f" not measured: sensitivity reached {number(measured.sensitivity)}{unit}, needed {number(limit.needs)}{unit}"
    if measured.fibers:
        text += f", fibers {ranges(measured.fibers)}"
    if measured.waves:
        text += f", {measured.waves[0]:.1f}-{measured.waves[1]:.1f} A"
    return text + (f": {measured.detail}" if measured.detail else "")


def claim(expectation: str) -> str:
    """Write the name of a test as the claim that it is: ``amplifiers agree``."""
    return expectation.removeprefix("test_").replace("_", " ")


def one_line(text: str) -> str:
    """Fold whitespace, so that nothing a file or an exception says can break a line-based report."""
    return " ".join(text.split())


def failure(measurements: Iterable[Measurement], *, rerun: str) -> str:
    """Give the text of a failed test: one line per failed measurement, each with the command that repeats the check."""
    lines = []
    for found in measurements:
        product = f" | file {found.product}" if found.product else ""
        lines.append(f"{place(found.unit)}: {found.message}{product} | rerun: {rerun}")
    return "\n".join(lines)


def count(amount: int, noun: str) -> str:
    """Write ``1 exposure``, ``2 exposures``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def counts(outcomes: Mapping[str, int]) -> str:
    """Write the four outcomes, worst first, with their numbers."""
    return ", ".join(f"{outcomes.get(str(outcome), 0)} {outcome}" for outcome in reversed(Outcome))
