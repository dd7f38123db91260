"""Outcomes, numbers and limits as HTML; whatever comes from data is escaped here."""

from __future__ import annotations

from pytest_specqa.printable import escape
from pytest_specqa.values import Outcome, Record

LETTERS = {
    Outcome.FAILED: "F",
    Outcome.WARNED: "W",
    Outcome.UNREACHABLE: "?",
    Outcome.NOT_MEASURED: "–",
    Outcome.PASSED: "P",
}
"""A letter goes with every colour."""


def css_class(outcome: Outcome) -> str:
    """Class of an outcome in the style sheet."""
    return f"specqa-{str(outcome).replace(' ', '-')}"


def badge(outcome: Outcome, text: str | None = None, *, quiet: bool = False) -> str:
    """Mark with the letter and the word of an outcome, in its colour unless it is a quiet one."""
    word = str(outcome) if text is None else text
    colour = "specqa-quiet" if quiet else css_class(outcome)
    return f'<span class="specqa-badge {colour}"><b>{LETTERS[outcome]}</b> {escape(word)}</span>'


def number(value: float | None) -> str:
    """Four significant digits; a dash for what is not finite."""
    return "–" if value is None else f"{value:.4g}".replace("-", "−")


def value_and_error(record: Record) -> str:
    """``0.12 ± 0.01 unit``."""
    error = f" ± {record['error']:.2g}" if record["error"] else ""
    unit = f" {escape(str(record['value_unit']))}" if record["value_unit"] and record["value"] is not None else ""
    return f"{number(record['value'])}{error}{unit}"


def allowed(record: Record) -> str:
    """What the limit allows, and from where on it warns."""
    parts = [_bounds(record["low"], record["high"])]
    warns = _bounds(record["warn_low"], record["warn_high"])
    if warns:
        parts.append(f'<span class="specqa-faint">without warning: {warns}</span>')
    return "<br>".join(part for part in parts if part) or "–"


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{number(low)} … {number(high)}"
    if high is not None:
        return f"≤ {number(high)}"
    return f"≥ {number(low)}" if low is not None else ""


def place(record: Record) -> str:
    """Fibers and wavelengths that a value speaks of."""
    parts = []
    if record["fibers"]:
        ranges = [str(first) if first == last else f"{first}–{last}" for first, last in record["fibers"]]
        shown = ", ".join(ranges[:6]) + (f" and {len(ranges) - 6} more" if len(ranges) > 6 else "")
        parts.append(f"fibers {shown}")
    if record["waves"]:
        parts.append(f"{record['waves'][0]:.0f}–{record['waves'][1]:.0f} Å")
    return "<br>".join(parts)
