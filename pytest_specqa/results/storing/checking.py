"""``specqa store check``: whether every part is what a store says it is."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.checks.wording import count
from pytest_specqa.errors import ResultsError
from pytest_specqa.results.records import OUTCOMES
from pytest_specqa.results.storing import columns, writing
from pytest_specqa.results.storing.columns import SAME_ROW, SAME_VECTOR
from pytest_specqa.results.storing.compacting import leftovers, without_doubles
from pytest_specqa.results.storing.reading import read_part
from pytest_specqa.results.storing.shelf import FOLDER, ONCE, PART, SWAP, Shelf
from pytest_specqa.values import NO_NIGHT

if TYPE_CHECKING:
    import pyarrow

    from pytest_specqa.results.storing.dataset import Store

COMPACT = "specqa store compact"


def problems(store: Store) -> Iterator[str]:
    """Read all of a store and say what is wrong with it.

    Parameters
    ----------
    store : Store
        The store.

    Yields
    ------
    str
        One line for each problem: where, what was found, what to do.
    """
    yield from (f"{path}: is left of a store that was being made; remove it" for path in store.root.glob(".store.json.*"))
    schemas = (columns.records_schema(), columns.vectors_schema())
    for shelf in (store.records, store.kept):
        yield from _strangers(shelf)
    for night in sorted({*store.records.folders(), *store.kept.folders()}):
        units: set[str] = set()
        for shelf, schema in zip((store.records, store.kept), schemas, strict=True):
            found = yield from _night(shelf, night, schema)
            if shelf.root == store.records.root:
                units = found
            elif alone := len(found - units):
                yield (
                    f"{shelf.folder(night)}: holds vectors of {count(alone, 'unit')} without measurements, as an add was cut "
                    "short; add the results again"
                )


def _strangers(shelf: Shelf) -> Iterator[str]:
    if not shelf.root.is_dir():
        return
    for path in sorted(shelf.root.iterdir()):
        if not (FOLDER.fullmatch(path.name) and path.is_dir()):
            yield f"{path}: is no folder of a night; move it out of the store"


def _night(shelf: Shelf, night: int, schema: pyarrow.Schema) -> Generator[str, None, set[str]]:
    """Look at one night; returns the units that it speaks of."""
    folder = shelf.folder(night)
    try:
        parts = shelf.parts(night)
    except ResultsError as error:
        yield str(error)
        return set()
    if (folder / SWAP).exists():
        yield f"{folder}: a compaction was cut short; nothing is lost, {COMPACT} ends it"
    else:
        for path in leftovers(folder):
            yield f"{path}: is left of a process that was stopped; {COMPACT} removes it"
    names = [path.name for path in sorted(folder.iterdir())] if folder.is_dir() else []
    for name in names:
        if not name.startswith(".") and not PART.fullmatch(name):
            yield f"{folder / name}: is no part of a store; move it out"
    tables: list[pyarrow.Table] = []
    for path in parts:
        table = yield from _part(path, night, schema)
        if table is not None:
            tables.append(table)
    return (yield from _together(folder, tables, parts))


def _part(path: Path, night: int, schema: pyarrow.Schema) -> Generator[str, None, pyarrow.Table | None]:
    """Look at one part; returns the columns that tell what its rows are."""
    try:
        table = read_part(path)
    except ResultsError as error:
        yield f"{error}; add the results of night {night} again once it is removed".replace("; see specqa store check", "")
        return None
    if not table.schema.equals(schema):
        missing = [field.name for field in schema if field.name not in table.column_names]
        what = f"it lacks {', '.join(missing)}" if missing else "types or order differ"
        yield f"{path}: has other columns than a store of this format ({what}); add its results again once it is removed"
        return None
    if not table.num_rows:
        yield f"{path}: holds no rows; remove it"
    of_records = "measure" in schema.names
    if strange := [unit for unit in _distinct(table, "unit") if night not in _nights_of(unit)]:
        units = count(len(strange), "unit")
        yield f"{path}: holds {units} of another night than {night}, such as {strange[0]}; add its results again"
    if of_records:
        if strange := [one for one in _distinct(table, "outcome") if one not in OUTCOMES]:
            yield f"{path}: has outcome {strange[0]!r}, expected one of {', '.join(OUTCOMES)}; add its results again"
        if path.stem.endswith(ONCE) and not writing.is_once(table):
            yield f"{path}: holds measurements that are there more than once, which its name denies; rename it without {ONCE}"
    elif broken := _damaged(table):
        yield f"{path}: {broken}"
    return table.select([*(SAME_ROW if of_records else SAME_VECTOR), *(["whole"] if of_records else []), "added"])


def _together(folder: Path, tables: list[pyarrow.Table], parts: list[Path]) -> Generator[str, None, set[str]]:
    """Look at the parts of a night together; returns the units that they speak of."""
    import pyarrow as pa  # noqa: PLC0415

    if not tables:
        return set()
    whole = pa.concat_tables(tables)
    names = SAME_ROW if "measure" in whole.column_names else SAME_VECTOR
    if doubled := whole.num_rows - without_doubles(whole, names).num_rows:
        rows = f"{count(doubled, 'row')} of its {count(len(parts), 'part')} {'is' if doubled == 1 else 'are'}"
        yield f"{folder}: {rows} there twice; {COMPACT} leaves one of each"
    return set(_distinct(whole, "unit"))


def _distinct(table: pyarrow.Table, name: str) -> list[str]:
    return [str(one) for one in table.column(name).unique().to_pylist()]


def _nights_of(unit: str) -> list[int]:
    """Return the numbers of a unit's name of which one is its night: ``20211014-00104284-r6``, ``1298-20211014``."""
    if unit.startswith("healpix-"):
        return [NO_NIGHT]
    return [int(part) for part in unit.split("-")[:2] if part.isdecimal()]


def _damaged(table: pyarrow.Table) -> str:
    from pytest_specqa.vectors import unpack  # noqa: PLC0415

    for row in table.to_pylist():
        try:
            unpack({**row, "unit": row["value_unit"]}, row["data"] or b"")
        except ResultsError as error:
            return f"{row['unit']}: {error}"
    return ""
