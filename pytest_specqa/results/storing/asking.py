"""A store as SQL: what is current of each measurement, all that was ever added, and the vectors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.results import links
from pytest_specqa.results.storing.columns import RECORD_TYPES, STAND_INS, VECTOR_TYPES, part_types
from pytest_specqa.results.storing.reading import GoneError, matching
from pytest_specqa.results.storing.shelf import ONCE, Shelf
from pytest_specqa.values import TREND

if TYPE_CHECKING:
    import duckdb
    import pyarrow

MEMORY = "1500MB"
"""What a query takes at most; what is more goes to disk."""
THREADS = 4
"""Each takes memory for the row groups that it reads."""
WORDS = ", ".join(f"'{name}'" for name in STAND_INS)
MEASURED = f"value IS NOT NULL AND measure NOT IN ({WORDS}) AND NOT ends_with(measure, '{TREND}')"
"""Whether a row tells what was measured: neither a check that came to nothing, nor a value that its own past was compared with."""
CHECK = "night, kind, camera, unit, expectation"
"""What a check of a unit is told by; what follows from the unit is named too, so that a query for it reads these rows only."""
MEASURES = (
    "night", "expid", "tile", "camera", "petal", "kind", "unit", "expectation", "measure", "value", "error", "low", "high",
    "outcome", "severity", "waiver", "survey", "program", "fibers", "waves", "message",
)  # fmt: skip


def connected(memory: str) -> duckdb.DuckDBPyConnection:
    """Open DuckDB in little memory; what does not fit goes to the folder for temporary files."""
    import duckdb  # noqa: PLC0415

    settings: dict[str, Any] = {
        "memory_limit": memory,
        "threads": THREADS,
        "temp_directory": str(Path(tempfile.gettempdir()) / "specqa-duckdb"),
        "preserve_insertion_order": False,
    }
    return duckdb.connect(config=settings)


@contextmanager
def one_line(root: Path, *, night: int | None = None) -> Iterator[None]:
    """Say in one line what DuckDB cannot read of a store, and of which night where that is known.

    Raises
    ------
    GoneError
        If a part is not there any more, as the store has been compacted since its views were made.
    ResultsError
        If a part is damaged.
    """
    import duckdb  # noqa: PLC0415

    try:
        yield
    except duckdb.Error as error:
        what = links.told(next(iter(str(error).splitlines()), type(error).__name__))
        if "No files found" in what or "No such file" in what:
            raise GoneError(f"{root}: was compacted while it was read; ask again") from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise ResultsError(f"{root}: does not fit in memory ({what}); free some, or ask for fewer nights") from None
        # The rest speaks of the query, which no file can make wrong.
        if isinstance(error, duckdb.ParserException | duckdb.CatalogException):
            raise
        where = root if night is None else root / "records" / f"night={night}"
        raise ResultsError(f"{where}: cannot be read ({what}); see specqa store check {root}") from None


def make_views(
    connection: duckdb.DuckDBPyConnection, records: Shelf, vectors: Shelf, *, nights: Iterable[int] | None = None
) -> None:
    """Make the views ``records``, ``all_records`` and ``vectors`` of the parts that there are now.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where they live.
    records, vectors : Shelf
        Of the store.
    nights : iterable of int, optional
        Nights that they speak of, by default all.
    """
    chosen = None if nights is None else sorted(set(nights))
    once: list[Path] = []
    others: list[Path] = []
    for night in records.folders() if chosen is None else chosen:
        parts = records.parts(night)
        (once if len(parts) == 1 and parts[0].stem.endswith(ONCE) else others).extend(parts)
    stem = records.root.parent
    connection.execute(f"CREATE OR REPLACE VIEW all_records AS {_rows([*once, *others], RECORD_TYPES, stem)}")
    current = _rows(once, RECORD_TYPES, stem)
    if others:
        current = f"({current}) UNION ALL ({_current(_rows(others, RECORD_TYPES, stem, more=', filename'))})"
    connection.execute(f"CREATE OR REPLACE VIEW records AS {current}")
    kept = [path for night in (vectors.folders() if chosen is None else chosen) for path in vectors.parts(night)]
    connection.execute(f"CREATE OR REPLACE VIEW vectors AS {_newest_vectors(kept, stem)}")


def _rows(paths: Sequence[Path], types: dict[str, str], stem: Path, *, more: str = "") -> str:
    """SQL for the rows of some parts, with the columns of a store and their types."""
    chosen = ", ".join(f"{name}::{kind} AS {name}" for name, kind in types.items())
    if not paths:
        empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in types.items())
        return f"SELECT {empty}{more and ', NULL AS filename'} WHERE false"
    # The names of parts are plain, whatever that of the store is; those of their folders tell the night.
    root = links.linked([stem])[0]
    names = ", ".join("'" + f"{root}/{path.relative_to(stem)}".replace("'", "''") + "'" for path in paths)
    options = "hive_partitioning = true, hive_types = {'night': 'INTEGER'}" + (", filename = true" if more else "")
    return f"SELECT {chosen}{more} FROM read_parquet([{names}], {options})"


def _current(rows: str) -> str:
    """SQL for the newest of each measurement; a check that came to no value counts until it comes to one, and again after that."""
    other = [f"max(added) FILTER (WHERE measure {word} ({WORDS})) OVER (PARTITION BY {CHECK})" for word in ("NOT IN", "IN")]
    return (
        f"SELECT {', '.join(RECORD_TYPES)} FROM ({rows}) "
        f"QUALIFY row_number() OVER (PARTITION BY {CHECK}, measure ORDER BY added DESC, filename DESC) = 1 "
        f"AND added >= coalesce(CASE WHEN measure IN ({WORDS}) THEN {other[0]} ELSE {other[1]} END, added)"
    )


def _newest_vectors(paths: Sequence[Path], stem: Path) -> str:
    rows = _rows(paths, VECTOR_TYPES, stem, more=", filename")
    newest = "row_number() OVER (PARTITION BY night, kind, camera, petal, unit, name ORDER BY added DESC, filename DESC) = 1"
    return f"SELECT {', '.join(VECTOR_TYPES)} FROM ({rows}) QUALIFY {newest}"


def measures(connection: duckdb.DuckDBPyConnection, *, measure: str | None, camera: str | None) -> pyarrow.Table:
    """Ask for current measurements; views must have been made."""
    where, values = [], []
    for name, value in (("measure", measure), ("camera", camera)):
        if value is not None:
            where.append(f"{name} = ?")
            values.append(value)
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    query = f"SELECT {', '.join(MEASURES)} FROM records {condition} ORDER BY night, expid, unit, expectation, measure"
    return connection.sql(query, params=values).to_arrow_table()


def vectors(shelf: Shelf, night: int, *, name: str, camera: str | None, petal: int | None) -> list[dict[str, Any]]:
    """Return the newest vectors of a name and night, ordered by exposure."""
    wanted = {"name": name} | {what: value for what, value in (("camera", camera), ("petal", petal)) if value is not None}
    names = list(part_types(VECTOR_TYPES))
    newest: dict[str, dict[str, Any]] = {}
    for path in shelf.parts(night):
        for row in matching(path, wanted, names).to_pylist():
            there = newest.get(row["unit"])
            if there is None or row["added"] >= there["added"]:
                newest[row["unit"]] = row
    return sorted(newest.values(), key=lambda row: (row["expid"] or 0, row["unit"]))
