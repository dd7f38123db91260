"""How places and numbers are put into words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pytest_specqa.values import Record

MANY = 4
"""More things than this are counted, not listed."""
_PERCENT = ("fraction of sky", "fraction of lines")


def numbers(values: Collection[int]) -> str:
    """Write whole numbers with their runs: ``0, 2 and 6-8``."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return listed([str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs])


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """Write ``a``, ``a and b`` or ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def count(amount: int, noun: str) -> str:
    """Write ``1 exposure``, ``2 exposures``."""
    return f"{amount} {noun}{'' if amount == 1 else 's'}"


def quantity(record: Record) -> str:
    """Write the value of a record with its unit; fractions of the sky in percent."""
    value, unit = record["value"], record["value_unit"]
    if value is None:
        return "no number"
    if unit in _PERCENT:
        return f"{100 * value:.3g} % of the {unit.removeprefix('fraction of ')}"
    unit = "" if unit == "1" else unit
    return f"{value:.3g}{' ' if unit and unit != '%' else ''}{unit}"


def shortened(text: str, most: int) -> str:
    """Cut a sentence at a word so that it has at most so many characters."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
