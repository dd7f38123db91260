"""What a store is to hold: the plan of a production-wide run, and which of its tasks the parts do not have yet."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.checks.wording import count
from pytest_specqa.errors import ResultsError
from pytest_specqa.opening import open_regular
from pytest_specqa.results.store import replacing
from pytest_specqa.results.storing.shelf import make_folder

if TYPE_CHECKING:
    import duckdb
    import pyarrow

    from pytest_specqa.results.storing.dataset import Store

PLAN = "plan/plan.parquet"
"""Where the plan of a store is."""
DIED = "its worker died"
"""Begins what a record says of a check that was given up."""
TOLD = b"specqa"
"""Key of the metadata that say how the tasks are judged."""
ROWS_PER_GROUP = 8192
"""Units of some nights; a task reads the group of its own."""
AT_ONCE = 64
"""Nights that are compared at once."""


@dataclass(frozen=True)
class Check:
    """What is checked of some units.

    Attributes
    ----------
    kind, band : str
        Of the units; the band is that of a camera, and empty for others.
    expectation : str
        As records name it.
    code, limits : str
        Digests as records have them: results of other code or limits are not what was planned.
    """

    kind: str
    band: str
    expectation: str
    code: str
    limits: str


def schema() -> pyarrow.Schema:
    """Columns of a plan, which has a row for each unit."""
    import pyarrow as pa  # noqa: PLC0415

    whole, text = pa.int32(), pa.string()
    columns = {"task": text, "night": whole, "kind": text, "expid": whole, "tile": whole, "nights": pa.list_(whole)}
    columns |= {"unit": text, "unit_kind": text, "camera": text, "petal": whole, "checks": whole, "bytes": pa.int64()}
    return pa.schema(list(columns.items()))


def write(path: Path, units: pyarrow.Table, *, told: str) -> None:
    """Write a plan whole or not at all.

    Parameters
    ----------
    path : Path
        Of the file.
    units : pyarrow.Table
        With the columns of `schema`, in the order of nights.
    told : str
        How the tasks are judged.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415

    make_folder(path.parent)
    with replacing(path) as temporary:
        pq.write_table(units.replace_schema_metadata({TOLD: told}), temporary, row_group_size=ROWS_PER_GROUP, compression="zstd")


def read(path: Path, *, nights: Collection[int] | None = None) -> tuple[pyarrow.Table, str]:
    """Read a plan, of all nights or of some; `ResultsError` in one line if there is none or it is damaged."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    chosen = None if nights is None else [("night", "in", sorted(nights))]
    try:
        with open_regular(path) as stream:
            table = pq.read_table(stream, filters=chosen)
        told = (table.schema.metadata or {})[TOLD].decode()
        return table.replace_schema_metadata().cast(schema()), told
    except FileNotFoundError:
        raise ResultsError(f"{path}: there is no plan; make one with specqa run PROD --out {path.parent.parent}") from None
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ResultsError(f"{path}: is no plan ({said}); remove it and plan anew with specqa run") from None


def missing(store: Store, units: pyarrow.Table, checks: Sequence[Check]) -> list[str]:
    """Return the names of tasks of which the store has not every check, in their order; one that was given up counts as none.

    Parameters
    ----------
    store : Store
        Its parts are asked, and nothing else: what an engine says of a task does not count.
    units : pyarrow.Table
        Of a plan.
    checks : sequence of Check
        What is checked of them.
    """
    import pyarrow as pa  # noqa: PLC0415

    names = ("expectation", "code", "limits")
    wanted = sorted({tuple(asdict(check)[name] for name in names) for check in checks})
    asked = pa.table({name: pa.array([one[at] for one in wanted], pa.string()) for at, name in enumerate(names)})
    return [name for chunk in _chunks(units) for name in _lacking(store, chunk, asked)]


def _chunks(units: pyarrow.Table) -> Iterator[pyarrow.Table]:
    """Some nights at a time, so that those of years need no more memory."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    nights = sorted(units.column("night").unique().to_pylist())
    for start in range(0, len(nights), AT_ONCE):
        yield units.filter(pc.is_in(units.column("night"), value_set=pa.array(nights[start : start + AT_ONCE], pa.int32())))


def _lacking(store: Store, units: pyarrow.Table, asked: pyarrow.Table) -> list[str]:
    def ask(connection: duckdb.DuckDBPyConnection) -> list[Any]:
        """Compare the plan with the parts."""
        connection.register("plan", units.append_column("place", [list(range(units.num_rows))]))
        connection.register("asked", asked)
        return connection.execute(
            "WITH judged AS (SELECT unit, count(DISTINCT expectation) AS checks FROM all_records "
            f"SEMI JOIN asked USING (expectation, code, limits) WHERE NOT starts_with(message, '{DIED}') GROUP BY unit) "
            "SELECT plan.task FROM plan LEFT JOIN judged USING (unit) "
            "WHERE coalesce(judged.checks, 0) < plan.checks GROUP BY plan.task ORDER BY min(plan.place)"
        ).fetchall()

    nights = units.column("night").unique().to_pylist()
    return [row[0] for row in store.ask(ask, nights=nights)]


def left(store: Store, *, named: int = 3) -> str:
    """Say what of its plan a store does not have, and what was given up; empty where all is judged, or nothing was planned.

    Raises
    ------
    ResultsError
        If the plan cannot be read.
    """
    path = store.root / PLAN
    if not path.exists():
        return ""
    units, told = read(path)
    lacking = missing(store, units, [Check(**check) for check in json.loads(told)["checks"]])
    tasks = units.column("task").unique()
    names = ", ".join(lacking[:named]) + ", ..." * (len(lacking) > named)
    lines = [f"{len(lacking):,} of {count(len(tasks), 'task')} not judged ({names})"] if lacking else []
    query = f"SELECT DISTINCT unit FROM records WHERE starts_with(message, '{DIED}')"
    if dead := sorted(row[0] for row in store.ask(lambda connection: connection.sql(query).fetchall())):
        lines.append(f"the workers of {count(len(dead), 'unit')} died")
    return "; ".join(lines)
