"""What one line of a results file holds: names, types and the checks that make it trustworthy."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.values import Outcome, Record

if TYPE_CHECKING:
    import pyarrow

TEXT = (
    "unit", "kind", "camera", "expectation", "measure", "value_unit", "severity", "outcome", "product", "source", "message",
    "survey", "program", "waiver", "waiver_reason",
)  # fmt: skip
INTEGERS = ("night", "expid", "tile", "petal")
NUMBERS = ("value", "error", "low", "high", "warn_low", "warn_high", "sensitivity", "needs")
REQUIRED = ("unit", "expectation", "measure", "outcome")
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
    return record


def _is_number(number: object) -> bool:
    if number is None:
        return True
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)


def to_row(record: Mapping[str, Any], names: list[str]) -> Record:
    """Shape a record for the columns of `arrow_schema`."""
    row = {name: record.get(name) for name in names}
    row["versions"] = json.dumps(record.get("versions") or {}, sort_keys=True)
    extra = {name: value for name, value in record.items() if name not in row}
    row["extra"] = json.dumps(extra, sort_keys=True) if extra else None
    return row


def from_row(row: Record) -> Record:
    """Undo `to_row`."""
    record = {name: value for name, value in row.items() if name not in ("extra", "waiver_reason")}
    record["versions"] = json.loads(row.get("versions") or "{}")
    if row.get("waiver_reason"):
        record["waiver_reason"] = row["waiver_reason"]
    return record | (json.loads(row["extra"]) if row.get("extra") else {})
