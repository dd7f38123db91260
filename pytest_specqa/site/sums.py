"""What each measure was on each night in each camera, kept beside the site so that a new night costs no look at the old ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_specqa.results import links
from pytest_specqa.results.store import replacing
from pytest_specqa.site.frame import is_camera
from pytest_specqa.site.nightly import RANKS, WARNED
from pytest_specqa.site.timeline import Floats, Limits, Points, day
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    import duckdb
    import pyarrow

MEMORY = "1GB"
ROWS = 61_440
"""Rows of a row group: those of one camera over three years."""
COLUMNS = "night, middle, least, largest, rank, bad, n, first, at_least, at_most, warn_below, warn_above, plain, value_unit"


class DamagedError(Exception):
    """What is kept cannot be read, and is to be made anew."""


@dataclass(frozen=True)
class Course:
    """One measure in one camera, band or unit over the nights.

    Attributes
    ----------
    measure, plain, unit : str
        Name, plain words and unit.
    nights : list of int
        Rising.
    middle, least, largest : ndarray, shape (n,)
        NaN where no value was found.
    rank : ndarray, shape (n,)
        Worst outcome of each night.
    bad, n : ndarray, shape (n,)
        Values that fail or warn, and all.
    first : list of int or None
        Exposure of the worst value of each night.
    limits : Limits
        Those of the last night.
    """

    measure: str
    plain: str
    unit: str
    nights: list[int]
    middle: Floats
    least: Floats
    largest: Floats
    rank: Any
    bad: Any
    n: Any
    first: list[int | None]
    limits: Limits

    def points(self, link: Callable[[int], str]) -> Points:
        """Give it as a series of days, each of which leads somewhere."""
        names = [str(night) for night in self.nights]
        return Points(np.array(list(map(day, self.nights))), self.middle, self.least, self.largest, self.rank, names, link)

    def bad_since(self, night: int) -> int:
        """Number of nights from this one on with something that fails or warns."""
        return int(sum(count > 0 for one, count in zip(self.nights, self.bad, strict=True) if one >= night))


@contextmanager
def opened(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory, with what is kept as the view ``sums``; `DamagedError` where that cannot be read."""
    import duckdb  # noqa: PLC0415

    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 2}) as connection:
        try:
            if path is not None:
                connection.read_parquet(links.linked([path])[0]).create_view("sums")
            yield connection
        except duckdb.Error as error:
            if path is None or _is_sound(path):
                raise
            raise DamagedError(f"{path}: {error}") from error


def _is_sound(path: Path) -> bool:
    """Read all of what is kept, to tell whether what went wrong was wrong with it."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with path.open("rb") as stream:
            for _ in pq.ParquetFile(stream).iter_batches():
                pass
    except (pa.ArrowException, OSError):
        return False
    return True


def update(path: Path, new: Sequence[pyarrow.Table], *, gone: Sequence[int]) -> None:
    """Replace what is kept of some nights.

    Parameters
    ----------
    path : path
        The Parquet file, which may not be there yet.
    new : sequence of pyarrow.Table
        Of `nightly.summed`, a table a night.
    gone : sequence of int
        Nights whose rows go: those of `new`, and those that the store no longer has.

    Raises
    ------
    DamagedError
        If the file cannot be read.
    """
    import pyarrow as pa  # noqa: PLC0415

    there = path.is_file()
    parts = []
    if there:
        parts.append(f"SELECT * FROM sums WHERE night NOT IN ({', '.join(map(str, [*gone, 0]))})")
    if new:
        parts.append("SELECT * FROM new")
    if not parts:
        return
    with opened(path if there else None) as connection, replacing(path) as temporary:
        if new:
            # Columns without a value in one night have the type of those of the others.
            connection.register("new", pa.concat_tables(new, promote_options="permissive"))
        connection.execute(
            f"COPY (SELECT * FROM ({' UNION ALL BY NAME '.join(parts)}) ORDER BY place, measure, night) "
            f"TO '{str(temporary).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS})"
        )


def courses(connection: duckdb.DuckDBPyConnection, place: str) -> Iterator[Course]:
    """Read all measures of a camera, petal or kind of unit.

    Yields
    ------
    Course
        By measure.
    """
    yield from _split(
        connection.sql(f"SELECT measure, {COLUMNS} FROM sums WHERE place = ? ORDER BY measure, night", params=[place])
    )


def bands(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Course]]:
    """Read all measures by band: the median of the cameras' medians, and their range from the 10th to the 90th percentile."""
    found: dict[str, list[Course]] = {}
    letters = connection.execute("SELECT DISTINCT place[1] FROM sums WHERE regexp_full_match(place, '[a-z][0-9]{1,2}') ORDER BY 1")
    for (letter,) in letters.fetchall():
        rows = connection.sql(
            """SELECT measure, night, median(middle), quantile_cont(middle, 0.1), quantile_cont(middle, 0.9), max(rank),
                sum(bad)::INTEGER, sum(n)::INTEGER, arg_max(first, rank), mode(at_least), mode(at_most), mode(warn_below),
                mode(warn_above), any_value(plain), any_value(value_unit)
            FROM sums WHERE regexp_full_match(place, '[a-z][0-9]{1,2}') AND place[1] = ?
            GROUP BY measure, night ORDER BY measure, night""",
            params=[letter],
        )
        found[letter] = list(_split(rows))
    return found


def places(connection: duckdb.DuckDBPyConnection, *, nights: Sequence[int]) -> dict[str, tuple[int, int, int]]:
    """Of each camera, petal and kind of unit: worst outcome of the last night, and nights that fail and that only warn."""
    rows = connection.execute(
        f"""WITH worst AS (SELECT place, night, max(rank) AS rank FROM sums
               WHERE night IN (SELECT unnest(?::INTEGER[])) GROUP BY ALL)
           SELECT place, coalesce(max(rank) FILTER (night = ?), -1), count(*) FILTER (rank = {Outcome.FAILED.rank}),
               count(*) FILTER (rank = {WARNED})
           FROM worst GROUP BY place ORDER BY place""",
        [list(nights), nights[-1]],
    ).fetchall()
    return {place: (int(last), failed, warned) for place, last, failed, warned in rows}


def cameras(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of all cameras."""
    return [place for (place,) in connection.execute("SELECT DISTINCT place FROM sums ORDER BY 1").fetchall() if is_camera(place)]


def _split(rows: duckdb.DuckDBPyRelation) -> Iterator[Course]:
    """Cut rows that are sorted by measure where it changes."""
    table = rows.to_arrow_table()
    names = np.asarray(table.column(0).to_pylist(), dtype=object)
    columns = [_column(table.column(k)) for k in range(1, table.num_columns)]
    if not len(names):
        return
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])).tolist()
    for first, last in zip(starts, [*starts[1:], len(names)], strict=True):
        night, middle, least, largest, rank, bad, n, which, *rest = (column[first:last] for column in columns)
        *bounds, plain, unit = (part[-1] for part in rest)
        yield Course(
            measure=str(names[first]), plain=plain or "", unit=unit or "", nights=[int(one) for one in night],
            middle=middle, least=least, largest=largest, rank=rank, bad=bad, n=n,
            first=[None if math.isnan(one) else int(one) for one in which], limits=Limits(*map(_or_none, bounds)),
        )  # fmt: skip


def _column(column: pyarrow.ChunkedArray) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_string(column.type) or pa.types.is_null(column.type):
        return column.to_pylist()
    return column.to_numpy()


def _or_none(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def course_of(table: pyarrow.Table) -> Course | None:
    """Reduce the values of one measure, as `Store.measures` gives them, to its course over the nights; None without any."""
    if not table.num_rows:
        return None
    with opened() as connection:
        connection.register("found", table)
        rows = connection.sql(
            f"""SELECT any_value(measure), night, median(value), min(value), max(value),
                max({RANKS})::TINYINT, (count(*) FILTER ({RANKS} >= {WARNED}))::INTEGER, count(*)::INTEGER,
                arg_max(coalesce(expid, tile), {RANKS}), mode(low), mode(high), NULL::DOUBLE, NULL::DOUBLE, '', ''
            FROM found GROUP BY night ORDER BY night"""
        )
        return next(_split(rows), None)
