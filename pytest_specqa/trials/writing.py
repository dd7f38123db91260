"""Tables of a page: Markdown, the same as CSV, and numbers as they stand in both."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_specqa.results.store import replacing


def rate(value: float) -> str:
    """Write a rate; nothing seen is 0."""
    return f"{value:.1e}" if value else "0"


def number(value: float) -> str:
    """Write a number to three digits; a dash where there is none."""
    return f"{value:.3g}" if 0 < value < float("inf") else "-"


def with_error(value: float, error: float) -> str:
    """Write a number with its error; a dash where there is none."""
    return f"{value:.3g} ± {error:.1g}" if 0 < value < float("inf") else "-"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV; the file appears complete or not at all."""
    with replacing(path) as scratch, scratch.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
