"""What a store holds: the columns of its two kinds of rows, and how a record becomes such rows."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.records import LAST_INTEGER, SQL_TYPES, arrow_schema, check, fitted, to_row
from pytest_specqa.values import NoValue, Record

if TYPE_CHECKING:
    import pyarrow

DIGESTS = ("code", "limits", "inputs")
"""What a value depends on, each as a short digest; empty where it is not known."""
SAME_ROW = ("unit", "expectation", "measure", *DIGESTS, "waiver", "content")
"""Records that agree in these say the same."""
SAME_VECTOR = ("unit", "name", *DIGESTS, "content")
STAND_INS = tuple(str(name) for name in NoValue)
"""Measures of a check that came to no value."""
OF_RUN = ("run", "planned", "reused", "known", "vectors")
"""What a record has of the run that made it, or is kept elsewhere: no part of what it says."""
OF_UNIT = ("kind", "unit", "night", "expid", "tile", "camera", "petal", "program")
RECORD_TYPES = {"night": "INTEGER"} | SQL_TYPES | {"content": "VARCHAR", "whole": "BOOLEAN", "added": "TIMESTAMP"}
"""Columns of the records and their types in SQL."""
VECTOR_TYPES = {name: SQL_TYPES[name] for name in (*OF_UNIT, *DIGESTS)} | {
    "content": "VARCHAR", "added": "TIMESTAMP", "name": "VARCHAR", "first": "INTEGER", "shape": "INTEGER[]", "step": "DOUBLE",
    "waves": "DOUBLE[]", "value_unit": "VARCHAR", "dtype": "VARCHAR", "data": "BLOB",
}  # fmt: skip
"""Columns of the vectors: what they belong to, and the fields of `pytest_specqa.vectors.Vector` as they are packed."""
Row = dict[str, Any]


def part_types(types: Mapping[str, str]) -> dict[str, str]:
    """Columns of a part: all but ``night``, which is the name of its folder."""
    return {name: kind for name, kind in types.items() if name != "night"}


def records_schema() -> pyarrow.Schema:
    """Columns of a part of the records."""
    return arrow_schema(part_types(RECORD_TYPES))


def vectors_schema() -> pyarrow.Schema:
    """Columns of a part of the vectors."""
    return arrow_schema(part_types(VECTOR_TYPES))


def split(records: Iterable[Record], production: str) -> dict[int, tuple[list[Row], list[Row]]]:
    """Turn records into rows.

    Parameters
    ----------
    records : iterable of Record
        As a run or a results file gives them.
    production : str
        The one that they must be of.

    Returns
    -------
    dict
        For each night the rows of its records and of the vectors that they carry, without ``night`` and ``added``.

    Raises
    ------
    ResultsError
        For a record of another production, without a night, or malformed; and for a damaged vector.
    """
    nights: dict[int, tuple[list[Row], list[Row]]] = {}
    runs: dict[str, tuple[int, set[tuple[str, str]]]] = {}
    names = list(RECORD_TYPES)
    for number, given in enumerate(records, start=1):
        record = check(fitted(given), where=f"measurement {number}")
        _require_own(record, production)
        rows, vectors = nights.setdefault(record["night"], ([], []))
        plain: Any = {name: value for name, value in record.items() if name != "vectors"}
        row = to_row(plain, names)
        del row["night"]
        row |= {name: row[name] or "" for name in (*DIGESTS, "waiver")}
        row["content"] = "" if all(row[name] for name in DIGESTS) else _content(plain)
        rows.append(row)
        if record.get("planned") is not None:
            runs.setdefault(row["run"], (record["planned"], set()))[1].add((row["unit"], row["expectation"]))
        vectors += [_vector_row(row, packed, f"{record['unit']}: vector") for packed in given.get("vectors") or ()]
    whole = {run: len(judged) >= planned for run, (planned, judged) in runs.items()}
    for rows, _ in nights.values():
        for row in rows:
            row["whole"] = whole.get(row["run"])
    return nights


def _require_own(record: Record, production: str) -> None:
    named = (record.get("versions") or {}).get("production", "")
    if named != production:
        found = f"of production {named!r}" if named else "that names no production"
        raise ResultsError(
            f"holds a measurement {found} ({record['unit']}, {record['measure']}), expected {production!r}; give each its own store"
        )
    if not record.get("night") and record["kind"] != "healpix":
        raise ResultsError(f"holds a measurement without a night ({record['unit']}, {record['measure']}), which no store can keep")


def _content(record: Row) -> str:
    said = {name: value for name, value in record.items() if name not in OF_RUN}
    return _digest(json.dumps(said, sort_keys=True).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _vector_row(row: Row, packed: Any, where: str) -> Row:
    from pytest_specqa.vectors import decode  # noqa: PLC0415

    try:
        found = decode(packed)
    except ResultsError as error:
        raise ResultsError(f"{where}: {error}") from None
    if found.first > LAST_INTEGER:
        raise ResultsError(f"{where} {found.name!r}: begins with FIBER {found.first}; it is damaged, judge again")
    data = base64.b64decode(packed["data"])
    return {
        **{name: row[name] for name in (*OF_UNIT, *DIGESTS) if name != "night"},
        **{name: packed[name] for name in ("name", "first", "shape", "step", "waves", "dtype")},
        "value_unit": packed["unit"],
        "data": data,
        "content": _digest(data),
    }
