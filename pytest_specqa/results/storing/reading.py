"""Parts of a store as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_specqa.errors import ResultsError
from pytest_specqa.opening import open_regular

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet


TRIES = 20
T = TypeVar("T")


class GoneError(ResultsError):
    """A part that was compacted away between the look at its folder and its reading."""


def again(ask: Callable[[], T]) -> T:
    """Ask a store, once more if it was compacted meanwhile."""
    for _ in range(TRIES):
        try:
            return ask()
        except GoneError:
            continue
    return ask()


def read_part(path: Path, names: list[str] | None = None) -> pyarrow.Table:
    """Read columns of a part, by default all.

    Raises
    ------
    ResultsError
        If it cannot be read.
    """
    return _read(path, names, {})


def matching(path: Path, wanted: Mapping[str, Any], names: list[str] | None = None) -> pyarrow.Table:
    """Read columns, by default all, of the rows of a part whose columns have the values that are wanted, and little else.

    Raises
    ------
    ResultsError
        If it cannot be read.
    """
    import pyarrow.compute as pc  # noqa: PLC0415

    table = _read(path, names, wanted)
    for name, value in wanted.items():
        table = table.filter(pc.equal(table.column(name), value))
    return table


def _read(path: Path, names: list[str] | None, wanted: Mapping[str, Any]) -> pyarrow.Table:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        # Opened here: a name would be searched for an address and for KEY=VALUE folders.
        with open_regular(path) as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True)
            asked = {*(names or ()), *wanted} - set(file.schema_arrow.names)
            if asked:
                lacks = ", ".join(sorted(asked))
                raise ResultsError(f"{path}: lacks {lacks}; see specqa store check")
            groups = [number for number in range(file.num_row_groups) if _may_hold(file.metadata.row_group(number), wanted)]
            return file.read_row_groups(groups, names)
    except FileNotFoundError:
        raise GoneError(f"{path}: was compacted while it was read; ask again") from None
    except (pa.ArrowException, OSError) as error:
        what = next(iter(str(error).splitlines()), type(error).__name__)
        raise ResultsError(f"{path}: cannot be read ({what}); see specqa store check") from None


def _may_hold(group: pyarrow.parquet.RowGroupMetaData, wanted: Mapping[str, Any]) -> bool:
    """Tell from the range of its values whether a row group may hold what is wanted."""
    for number in range(group.num_columns if wanted else 0):
        column = group.column(number)
        name = column.path_in_schema
        known = name in wanted and column.is_stats_set and column.statistics.has_min_max
        if known and not column.statistics.min <= wanted[name] <= column.statistics.max:
            return False
    return True
