"""What one line of a results file holds: names, types and the checks that make it trustworthy."""

from __future__ import annotations

import json
import re
import reprlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from pytest_specqa.errors import ResultsError
from pytest_specqa.printable import printable
from pytest_specqa.values import Outcome, Record

if TYPE_CHECKING:
    import pyarrow

TEXT = (
    "unit", "kind", "camera", "expectation", "measure", "value_unit", "severity", "outcome", "product", "source", "message",
    "survey", "program", "waiver", "waiver_reason", "stage", "verified", "run", "code", "limits", "inputs",
)  # fmt: skip
INTEGERS = ("night", "expid", "tile", "petal", "planned")
NUMBERS = ("value", "error", "low", "high", "warn_low", "warn_high", "sensitivity", "needs")
REQUIRED = ("unit", "expectation", "measure", "outcome")
LATER = ("waiver_reason", "stage", "products", "verified", "run", "planned", "code", "limits", "inputs")
"""Columns that a record may lack: without a waiver, or written by an older version."""
LAST_INTEGER = 2**31 - 1
"""Largest whole number that the columns of a results file hold; all that is real is smaller."""
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
OUTCOMES = tuple(str(outcome) for outcome in Outcome)
SQL_TYPES = (
    dict.fromkeys(TEXT, "VARCHAR")
    | dict.fromkeys(INTEGERS, "INTEGER")
    | dict.fromkeys(NUMBERS, "DOUBLE")
    | {"fibers": "INTEGER[][]", "waves": "DOUBLE[]", "products": "VARCHAR[]", "versions": "VARCHAR", "extra": "VARCHAR"}
)
"""Columns of a Parquet results file, and their types in SQL; what no column is made for travels as JSON in ``extra``."""


def arrow_schema(types: Mapping[str, str] = SQL_TYPES) -> pyarrow.Schema:
    """Columns of a Parquet file whose types are told in SQL, by default those of a results file."""
    import pyarrow as pa  # noqa: PLC0415

    text, whole, number = pa.string(), pa.int32(), pa.float64()
    known = {"VARCHAR": text, "INTEGER": whole, "DOUBLE": number, "BOOLEAN": pa.bool_(), "TIMESTAMP": pa.timestamp("us")}
    known |= {"BLOB": pa.binary(), "VARCHAR[]": pa.list_(text), "INTEGER[]": pa.list_(whole), "DOUBLE[]": pa.list_(number)}
    known |= {"INTEGER[][]": pa.list_(pa.list_(whole))}
    return pa.schema([(name, known[kind]) for name, kind in types.items()])


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
            raise ResultsError(
                f"{where}: {name!r} is {_short(record.get(name))}, expected text; this is no measurement of pytest-specqa"
            )
    if record["outcome"] not in OUTCOMES:
        raise ResultsError(f"{where}: outcome {_short(record['outcome'])} is unknown, expected one of {', '.join(OUTCOMES)}")
    for name, holds, expected in FIELDS:
        if name in record and not holds(record[name]):
            raise ResultsError(f"{where}: {name!r} is {_short(record[name])}, expected {expected}")
    return cast(Record, record)


def _short(value: object) -> str:
    """Show a value of any size and depth in a few words."""
    return reprlib.repr(value)


def _is_number(number: object) -> bool:
    if number is None:
        return True
    # Larger than any float, a whole number is no number that can be compared.
    return isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= sys.float_info.max


def _is_integer(number: object) -> bool:
    return number is None or (isinstance(number, int) and not isinstance(number, bool) and abs(number) <= LAST_INTEGER)


def _is_text(text: object) -> bool:
    return text is None or isinstance(text, str)


def _each(values: object, holds: Callable[[Any], bool]) -> bool:
    return isinstance(values, list | tuple) and all(map(holds, values))


def _are_products(products: object) -> bool:
    return products is None or _each(products, lambda product: isinstance(product, str))


def _are_fibers(fibers: object) -> bool:
    return fibers is None or _each(fibers, lambda pair: _each(pair, _is_fiber) and len(pair) == 2)


def _is_fiber(fiber: object) -> bool:
    return fiber is not None and _is_integer(fiber)


def _are_waves(waves: object) -> bool:
    return waves is None or (_each(waves, _is_wave) and len(cast("list[object]", waves)) % 2 == 0)


def _is_wave(wave: object) -> bool:
    return wave is not None and _is_number(wave)


def _are_versions(versions: object) -> bool:
    return versions is None or (isinstance(versions, dict) and all(_is_text(text) for text in versions.values()))


def _are_features(features: object) -> bool:
    return features is None or _each(features, _is_feature)


def _is_feature(feature: object) -> bool:
    if not isinstance(feature, dict) or not isinstance(feature.get("kind"), str):
        return False
    fibers, waves = feature.get("fibers"), feature.get("waves")
    return (fibers is None or _each(fibers, _is_fiber)) and (waves is None or _each(waves, _is_wave))


def _are_vectors(vectors: object) -> bool:
    return vectors is None or _each(vectors, _is_vector)


def _is_vector(vector: object) -> bool:
    """Tell whether the parts are there and of their types; what the data hold is looked at when they are unpacked."""
    if not isinstance(vector, dict):
        return False
    texts = all(isinstance(vector.get(name), str) for name in ("name", "unit", "dtype", "data"))
    numbers = _is_fiber(vector.get("first")) and _is_wave(vector.get("step"))
    return texts and numbers and _each(vector.get("shape"), _is_fiber) and _each(vector.get("waves"), _is_wave)


FIELDS: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    *((name, _is_number, "a finite number or null") for name in NUMBERS),
    *((name, _is_integer, f"a whole number of at most {LAST_INTEGER}, or null") for name in INTEGERS),
    *((name, _is_text, "text") for name in (*TEXT, "detail", "plain", "doc", "nodeid")),
    ("products", _are_products, "a list of file names"),
    ("fibers", _are_fibers, "a list of pairs of FIBER"),
    ("waves", _are_waves, "pairs of finite wavelengths, or null"),
    ("versions", _are_versions, "texts by name"),
    ("features", _are_features, "a list of what was found, each with its kind"),
    ("vectors", _are_vectors, "a list of vectors, each with name, first, shape, step, waves, unit, dtype and data"),
)
"""Each field that has a type, whether a value is of it, and how it is called."""


def _storable(value: Any) -> Any:
    """Write out what neither Parquet nor SQL takes in a text."""
    if isinstance(value, str):
        return UNSTORABLE.sub(lambda found: printable(found[0]), value)
    return [_storable(one) for one in value] if isinstance(value, list) and value and isinstance(value[0], str) else value


def fitted(record: Record) -> Record:
    """Return a record that a results file can hold: numbers that it cannot become ``null``, and the message says so.

    Parameters
    ----------
    record : Record
        As a check made it: a header or a table may name an exposure of twenty digits, a file may have a name that is no UTF-8.

    Returns
    -------
    Record
        The same where all fit.
    """
    given: Row = {name: _storable(value) for name, value in record.items()}
    wide = [name for name in INTEGERS if isinstance(given.get(name), int) and not _is_integer(given[name])]
    wide += [name for name in NUMBERS if isinstance(given.get(name), int) and not _is_number(given[name])]
    if not _are_fibers(given.get("fibers")) and _each(given["fibers"], lambda pair: _each(pair, lambda one: isinstance(one, int))):
        wide.append("fibers")
    if not wide:
        return cast(Record, given)
    said = ", ".join(f"{name} {_short(given[name])}" for name in wide)
    message = f"{given.get('message') or ''} ({said}: too large for a results file)".strip()
    return cast(Record, given | dict.fromkeys(wide) | {"message": message} | ({"fibers": []} if "fibers" in wide else {}))


Row = dict[str, Any]
"""A record in the shape of the columns of a Parquet file."""


def to_row(record: Record, names: list[str]) -> Row:
    """Shape a record for the columns of `arrow_schema`."""
    given: Row = {**record}
    row = {name: given.get(name) for name in names}
    row |= {name: float(number) for name in NUMBERS if (number := row[name]) is not None}
    row["versions"] = json.dumps(given.get("versions") or {}, sort_keys=True)
    extra = {name: value for name, value in given.items() if name not in row}
    row["extra"] = json.dumps(extra, sort_keys=True) if extra else None
    return row


def from_row(row: Row) -> Row:
    """Undo `to_row`."""
    record = {name: value for name, value in row.items() if name != "extra" and not (name in LATER and value is None)}
    record["versions"] = json.loads(row.get("versions") or "{}")
    return record | (json.loads(row["extra"]) if row.get("extra") else {})
