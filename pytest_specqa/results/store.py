"""Results on disk: JSON lines to read by eye, Parquet for many nights at once."""

from __future__ import annotations

import glob
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pytest_specqa.errors import EmptyResultsError, ResultsError
from pytest_specqa.opening import open_regular, require_regular
from pytest_specqa.results import links
from pytest_specqa.results.records import REQUIRED, SQL_TYPES, arrow_schema, check, fitted, from_row, to_row
from pytest_specqa.results.sharing import Texts
from pytest_specqa.results.writable import why_not
from pytest_specqa.values import Record

if TYPE_CHECKING:
    import duckdb

SUFFIXES = (".jsonl", ".parquet")
ROWS_PER_BATCH = 20_000
MOST_LINE = 1_000_000
"""Bytes of one measurement; those that name all fibers and bins of a camera have 20,000."""
EXTRA = ("features", "detail", "plain")
"""What a failing record has beyond the columns of a table, as `scan` gives it: features as JSON, phrase and name of the measure."""


def is_results_file(path: str | Path) -> bool:
    """Tell whether the name is that of a results file."""
    return Path(path).suffix in SUFFIXES


def write(path: str | Path, records: Iterable[Record]) -> int:
    """Write measurements; the file appears complete or not at all.

    Parameters
    ----------
    path : path
        Ends in ``.jsonl`` (one JSON object per line) or ``.parquet`` (typed columns, zstd).
    records : iterable of dict
        `pytest_specqa.values.Measurement.as_record` of each measurement.

    Returns
    -------
    int
        Number of measurements written.

    Raises
    ------
    ResultsError
        If the name ends otherwise, a record is malformed or the folder cannot be written.
    """
    path = Path(path)
    writer = {".jsonl": _write_jsonl, ".parquet": _write_parquet}.get(path.suffix)
    if writer is None:
        raise ResultsError(f"{path}: results are written as {' or '.join(SUFFIXES)}; give the file one of these endings")
    checked = (
        check(fitted(record), where=f"measurement {number} for {path.name}") for number, record in enumerate(records, start=1)
    )
    with replacing(path) as temporary:
        return writer(temporary, checked)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` that takes its place when the block ends well."""
    temporary = None
    try:
        # A temporary name is no longer than a file system takes where the name itself is at its limit.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        settle(temporary)
        temporary.replace(path)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {why_not(error)}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Bring a file to the disk, which may be found full only then."""
    path.chmod(0o666 & ~_umask())
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_jsonl(path: Path, records: Iterable[Record]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for record in records:
            stream.write(json.dumps(record, allow_nan=False) + "\n")
            count += 1
    return count


def _write_parquet(path: Path, records: Iterable[Record]) -> int:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = arrow_schema()
    rows = (to_row(record, schema.names) for record in records)
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(rows, ROWS_PER_BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def expand(patterns: Sequence[str | Path]) -> list[Path]:
    """Turn names and shell patterns into existing results files.

    A name that exists is that file, whatever its characters; only what names no file is taken for a pattern.

    Raises
    ------
    ResultsError
        If a name does not exist, a pattern matches nothing, an ending is not that of results, or it is no regular file.
    """
    found: dict[Path, None] = {}
    for pattern in map(str, patterns):
        try:
            matches = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
        except ValueError as error:
            raise ResultsError(f"{pattern!r}: is no file name ({error})") from None
        if not matches:
            raise ResultsError(f"{pattern}: no such results file; write one with pytest --specqa-results {Path(pattern).name}")
        found.update(dict.fromkeys(map(Path, matches)))
    for path in found:
        if not is_results_file(path) or path.is_dir():
            raise ResultsError(f"{path}: is no results file; expected a name that ends in {' or '.join(SUFFIXES)}")
        if not path.is_file():
            raise ResultsError(f"{path}: is no regular file, or a link that leads to none; give the file that pytest wrote")
    return list(found)


def read(paths: str | Path | Sequence[str | Path], *, most: int = sys.maxsize) -> list[Record]:
    """Read every measurement of one or more results files.

    Parameters
    ----------
    paths : path or sequence of path
        Names or shell patterns.
    most : int
        Number of measurements in a file beyond which it is refused.

    Raises
    ------
    ResultsError
        Naming file and line, for anything that is no measurement; also for a file without any, which proves nothing.
    """
    given = [paths] if isinstance(paths, str | Path) else paths
    return [record for path in expand(given) for record in _read_one(path, most)]


def _read_one(path: Path, most: int) -> list[Record]:
    try:
        require_regular(path)
        _require_few(path, most)
        records = _read_parquet(path) if path.suffix == ".parquet" else _read_jsonl(path)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not records:
        raise EmptyResultsError(f"{path}: holds no measurements, which proves nothing; rerun pytest with --specqa-results {path}")
    return records


def _require_few(path: Path, most: int) -> None:
    """Refuse a file with more measurements than there is memory for, before they are read."""
    if most == sys.maxsize:
        return
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    with open_regular(path) as stream:
        try:
            count = pq.read_metadata(stream).num_rows if path.suffix == ".parquet" else sum(1 for _ in _lines(stream))
        except pa.ArrowException as error:
            raise ResultsError(f"{path}: is no Parquet file ({str(error).splitlines()[0]})") from None
    if count > most:
        raise ResultsError(f"{path}: holds {count:,} measurements, expected at most {most:,}; give the results of fewer nights")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of a file; one without line ends, which would be taken into memory whole, comes in pieces that are too long."""
    return iter(lambda: stream.readline(MOST_LINE + 1), b"")


def _read_jsonl(path: Path) -> list[Record]:
    records, texts = [], Texts()
    with open_regular(path) as stream:
        for number, line in enumerate(_lines(stream), start=1):
            where = f"{path}:{number}"
            if len(line) > MOST_LINE:
                raise ResultsError(
                    f"{where}: is longer than {MOST_LINE / 1e6:g} MB; the file is damaged or was not written by pytest"
                )
            try:
                found = json.loads(line, parse_constant=_reject_constant, object_pairs_hook=_without_doubles)
            except RecursionError:
                raise ResultsError(f"{where}: is nested too deep; this is no measurement of pytest-specqa") from None
            except ValueError as error:
                raise ResultsError(f"{where}: is no JSON object ({error}); the file is damaged or was cut short") from None
            records.append(texts.shared(check(found, where=where)))
    return records


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says a thing twice: one reader takes the first, another the last."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return made


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed, expected null")


def _read_parquet(path: Path) -> list[Record]:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        # Opened here: a name would be searched for an address and for KEY=VALUE folders.
        with open_regular(path) as stream:
            rows = pq.read_table(stream).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: is no Parquet file ({_first_line(error)})") from None
    records = []
    for number, row in enumerate(rows, start=1):
        where = f"{path}: row {number}"
        try:
            record = from_row(row)
        except (ValueError, TypeError, RecursionError) as error:
            raise ResultsError(f"{where}: 'versions' or 'extra' is no JSON object ({_first_line(error)})") from None
        records.append(check(record, where=where))
    return records


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def scan(paths: Sequence[str | Path], *, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Open results files for SQL without loading them.

    Parameters
    ----------
    paths : sequence of path
        Names or shell patterns; JSON lines and Parquet may be mixed.
    connection : duckdb.DuckDBPyConnection
        Where the relation lives; its memory limit applies.

    Returns
    -------
    duckdb.DuckDBPyRelation
        One row per measurement, with the columns of `pytest_specqa.results.records`.

    Raises
    ------
    ResultsError
        If a file is missing, unreadable, malformed or empty.
    """
    files = expand(paths)
    for path in files:
        _require_rows(path)
    by_suffix = [[path for path in files if path.suffix == suffix] for suffix in SUFFIXES]
    parts = [_opened(connection, group) for group in by_suffix if group]
    return parts[0] if len(parts) == 1 else parts[0].union(parts[1])


def _require_rows(path: Path) -> None:
    """Refuse a file without measurements; reads a few bytes of each."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with open_regular(path) as stream:
            rows = pq.read_metadata(stream).num_rows if path.suffix == ".parquet" else path.stat().st_size
    except (pa.ArrowException, OSError) as error:
        raise ResultsError(f"{path}: is no results file ({_first_line(error)})") from None
    if not rows:
        raise EmptyResultsError(f"{path}: holds no measurements, which proves nothing; rerun pytest with --specqa-results {path}")


def _opened(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> duckdb.DuckDBPyRelation:
    import duckdb  # noqa: PLC0415

    names = links.linked(files)
    typed: Any = {name: kind for name, kind in SQL_TYPES.items() if name not in ("versions", "extra")}
    try:
        if files[0].suffix == ".parquet":
            relation = connection.read_parquet(names, union_by_name=True, hive_partitioning=False)
            # What no column is made for travels in one; a query that does not ask for it does not read it.
            extra = {name: f"json_extract_string(extra, '$.{name}')" for name in EXTRA} if "extra" in relation.columns else {}
        else:
            relation = connection.read_json(names, columns=typed | dict.fromkeys(EXTRA, "JSON"), format="newline_delimited")
            extra = {name: f"json_extract_string({name}, '$')" for name in EXTRA}
        missing = [name for name in REQUIRED if name not in relation.columns]
        if missing:
            raise ResultsError(f"{files[0]}: has no column {missing[0]!r}; it was not written by pytest --specqa-results")
        chosen = (f"{name if name in relation.columns else 'NULL'}::{kind} AS {name}" for name, kind in typed.items())
        more = (f"{extra.get(name, 'NULL')}::VARCHAR AS {name}" for name in EXTRA)
        return relation.project(", ".join([*chosen, *more]))
    except duckdb.Error as error:
        raise damaged(files, error) from None


def key(*columns: str) -> str:
    """SQL for a 128-bit number that stands for some texts, to group millions of rows in little memory.

    DuckDB's own ``hash`` will not do: it gives names that differ in a digit or two the same number, thousands of times a release.
    """
    return f"md5_number({' || chr(10) || '.join(columns)})"


def damaged(files: Sequence[Path], error: Exception) -> ResultsError:
    """Say in one line what SQL could not read, with the line of the file where it can be found."""
    for path in files:
        try:
            _read_jsonl(path) if path.suffix == ".jsonl" else _pass_over(path)
        except ResultsError as found:
            return found
    return ResultsError(f"{files[0]}: cannot be read ({links.told(_first_line(error))})")


def _pass_over(path: Path) -> None:
    """Read a Parquet file a batch at a time, to see whether it can be."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with path.open("rb") as stream:
            for _ in pq.ParquetFile(stream).iter_batches(ROWS_PER_BATCH):
                pass
    except (pa.ArrowException, OSError) as error:
        raise ResultsError(f"{path}: is damaged ({_first_line(error)}); run pytest with --specqa-results again") from None
