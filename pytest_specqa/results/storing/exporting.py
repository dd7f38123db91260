"""``specqa store export``: what is current, as a results file again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import EmptyResultsError
from pytest_specqa.results import store as results
from pytest_specqa.results.records import LATER, SQL_TYPES, from_row
from pytest_specqa.values import Record

if TYPE_CHECKING:
    import pyarrow

    from pytest_specqa.results.storing.dataset import Store


def export(store: Store, path: Path, nights: Iterable[int] | None = None) -> int:
    """Write the current measurements of some nights as a results file; it appears whole or not at all.

    Parameters
    ----------
    store : Store
        The store.
    path : Path
        Ends in ``.jsonl`` or ``.parquet``.
    nights : iterable of int, optional
        Nights, each YYYYMMDD; by default all, and what is of no night.

    Returns
    -------
    int
        Number of measurements. One night is in memory at a time.

    Raises
    ------
    ResultsError
        If there are none, or the file cannot be written.
    """
    asked = None if nights is None else set(nights)
    chosen = [night for night in store.records.folders() if (asked is None or night in asked) and store.records.parts(night)]
    if not chosen:
        raise EmptyResultsError(f"{store.root}: holds no measurements of these nights; see its nights with specqa store check")
    return results.write(path, _records(store, chosen))


def _records(store: Store, nights: list[int]) -> Iterator[Record]:
    judged = _judged(store, nights)
    names = ", ".join(SQL_TYPES)
    query = f"SELECT {names}, whole FROM records ORDER BY unit, expectation, measure"
    for night in nights:
        for row in _asked(store, [night], query):
            yield _record(row, judged)


def _judged(store: Store, nights: list[int]) -> dict[str, int]:
    """Count the checks that are current of each run: a whole one of which others have superseded a part is not cut short."""
    counted = "SELECT run, count(DISTINCT (unit, expectation)) AS checks FROM records WHERE whole GROUP BY run"
    return {row["run"]: row["checks"] for row in _asked(store, nights, counted)}


def _asked(store: Store, nights: list[int], query: str) -> list[dict[str, Any]]:
    table: pyarrow.Table = store.ask(lambda connection: connection.sql(query).to_arrow_table(), nights=nights)
    return table.to_pylist()  # type: ignore[no-any-return]


def _record(row: dict[str, Any], judged: dict[str, int]) -> Record:
    whole = row.pop("whole")
    if whole:
        row["planned"] = judged[row["run"]]
    record: Any = from_row({name: None if value == "" and name in LATER else value for name, value in row.items()})
    return record  # type: ignore[no-any-return]
