"""What one line of a results file holds: names, types and the checks that make it trustworthy."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

from pytest_specqa.errors import ResultsError
from pytest_specqa.values import Outcome, Record

if TYPE_CHECKING:
    import pyarrow

TEXT = (
    "unit", "kind", "camera", "expectation", "measure", "value_unit", "severity", "outcome", "product", "source", "message",
    "survey", "program", "waiver", "waiver_reason", "stage", "verified",
)  # fmt: skip
INTEGERS = ("night", "expid", "tile", "petal")
NUMBERS = ("value", "error", "low", "high", "warn_low", "warn_high", "sensitivity", "needs")
REQUIRED = ("unit", "expectation", "measure", "outcome")
LATER = ("waiver_reason", "stage", "products", "verified")
"""Columns that a record may lack: without a waiver, or written by an older version."""
OUTCOMES = tuple(str(outcome) for outcome in Outcome)


def arrow_schema() -> pyarrow.Schema:
    """Columns of a Parquet results file; what no column is made for travels as JSON in ``extra``."""
    import pyarrow as pa  # noqa: PLC0415

    types = {name: pa.string() for name in TEXT}
    types |= {name: pa.int32() for name in INTEGERS}
    types |= {name: pa.float64() for name in NUMBERS}
    types |= {
        "fibers": pa.list_(pa.list_(pa.int32())),
        "waves": pa.list_(pa.float64()),
        "products": pa.list_(pa.string()),
        "versions": pa.string(),
        "extra": pa.string(),
    }
    return pa.schema(list(types.items()))


def check(record: object, *, where: str) -> Record:
    """Return the record if it can be judged.

    Parameters
    ----------
    record : object
        What was read.
    where : str
        File and line, for the message.

    Raises
    ------
    ResultsError
        If it is no mapping, lacks a required field, or has a field of the wrong type; NaN and infinities count as wrong.
    """
    if not isinstance(record, dict):
        raise ResultsError(f"{where}: found {type(record).__name__}, expected one JSON object per line")
    for name in REQUIRED:
        if not isinstance(record.get(name), str) or not record[name]:
            raise ResultsError(f"{where}: {name!r} is {record.get(name)!r}, expected text; this is no measurement of pytest-specqa")
    if record["outcome"] not in OUTCOMES:
        raise ResultsError(f"{where}: outcome {record['outcome']!r} is unknown, expected one of {', '.join(OUTCOMES)}")
    for name in NUMBERS:
        if not _is_number(record.get(name)):
            raise ResultsError(f"{where}: {name!r} is {record[name]!r}, expected a finite number or null")
    for name in INTEGERS:
        number = record.get(name)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise ResultsError(f"{where}: {name!r} is {number!r}, expected a whole number or null")
    products = record.get("products", [])
    if not isinstance(products, list) or not all(isinstance(product, str) for product in products):
        raise ResultsError(f"{where}: 'products' is {products!r}, expected a list of file names")
    return cast(Record, record)


def _is_number(number: object) -> bool:
    if number is None:
        return True
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)


Row = dict[str, Any]
"""A record in the shape of the columns of a Parquet file."""


def to_row(record: Record, names: list[str]) -> Row:
    """Shape a record for the columns of `arrow_schema`."""
    given: Row = {**record}
    row = {name: given.get(name) for name in names}
    row["versions"] = json.dumps(given.get("versions") or {}, sort_keys=True)
    extra = {name: value for name, value in given.items() if name not in row}
    row["extra"] = json.dumps(extra, sort_keys=True) if extra else None
    return row


def from_row(row: Row) -> Row:
    """Undo `to_row`."""
    record = {name: value for name, value in row.items() if name != "extra" and not (name in LATER and value is None)}
    record["versions"] = json.loads(row.get("versions") or "{}")
    return record | (json.loads(row["extra"]) if row.get("extra") else {})
