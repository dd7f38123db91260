"""How the rows of a night lie in a Parquet file: what is asked for together lies together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.results.storing.columns import STAND_INS

if TYPE_CHECKING:
    import pyarrow

ROWS_PER_GROUP = 8192
"""Records of a row group: a measure of one camera over all nights needs one or two of each night."""
RECORD_ORDER = ("measure", "camera", "expid", "unit", "expectation", "added")
VECTOR_ORDER = ("camera", "petal", "name", "expid", "unit", "added")


def write_records(path: Path, table: pyarrow.Table) -> None:
    """Write records sorted by measure and camera."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    ordered = table.sort_by([(name, "ascending") for name in RECORD_ORDER])
    pq.write_table(ordered, path, row_group_size=ROWS_PER_GROUP, compression="zstd", write_page_checksum=True)


def write_vectors(path: Path, table: pyarrow.Table) -> None:
    """Write vectors, those of each camera or petal in a row group of their own."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    ordered = table.sort_by([(name, "ascending") for name in VECTOR_ORDER])
    plain = [name for name in table.column_names if name != "data"]
    # The data are packed already.
    packing = dict.fromkeys(plain, "zstd") | {"data": "none"}
    with pq.ParquetWriter(
        path, table.schema, compression=packing, use_dictionary=plain, write_statistics=plain, write_page_checksum=True
    ) as writer:
        start = 0
        for size in _runs(ordered):
            writer.write_table(ordered.slice(start, size))
            start += size


def _runs(table: pyarrow.Table) -> list[int]:
    """Numbers of rows that follow one another with the same camera and petal."""
    camera, petal = table.column("camera").to_pylist(), table.column("petal").to_pylist()
    sizes: list[int] = []
    last: tuple[object, object] | None = None
    for place in zip(camera, petal, strict=True):
        if place != last:
            sizes.append(0)
            last = place
        sizes[-1] += 1
    return sizes


def is_once(table: pyarrow.Table) -> bool:
    """Tell whether records have one row for each unit, expectation and measure, and no check with and without a value."""
    import pyarrow.compute as pc  # noqa: PLC0415

    rows = table.group_by(["unit", "expectation", "measure"]).aggregate([])
    if rows.num_rows < table.num_rows:
        return False
    stand_ins = pc.is_in(table.column("measure"), value_set=_texts(STAND_INS))
    checks = [table.filter(mask).select(["unit", "expectation"]) for mask in (stand_ins, pc.invert(stand_ins))]
    return bool(checks[0].join(checks[1], ["unit", "expectation"], join_type="inner").num_rows == 0)


def _texts(texts: tuple[str, ...]) -> pyarrow.Array:
    import pyarrow as pa  # noqa: PLC0415

    return pa.array(texts, pa.string())
