"""The clean values of a store: what was measured on units that nothing else shows to be at fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import UsageError
from pytest_specqa.results.storing.asking import MEASURED
from pytest_specqa.values import NoValue, Outcome

if TYPE_CHECKING:
    import duckdb

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

COLUMNS = {"program": "program", "band": "left(camera, 1)", "camera": "camera"}
"""What values may be chosen by, and told apart by, as the overrides of a limits file do, and where a store has it."""
TOGETHER = 8_000_000
"""Values that are in memory at a time, some 200 MB."""


@dataclass(frozen=True)
class Choice:
    """Which values of a store are asked for.

    Attributes
    ----------
    nights : sequence of int
        YYYYMMDD; empty takes all.
    names : mapping of str to tuple of str
        Allowed programs, bands and cameras; what is missing is not restricted.
    apart : tuple of str
        Of `COLUMNS`: what values are told apart by.
    """

    nights: Sequence[int] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    apart: tuple[str, ...] = ()


class Clean(NamedTuple):
    """Clean values of one measure.

    Attributes
    ----------
    measure : str
        Name of the limit.
    group : dict of str to str
        Program, band or camera that the values are of, where these are told apart.
    values, nights : array, shape (n,)
        Finite values, and the night of each.
    apart : int
        Values that were left out, as they are waived or of units at fault.
    """

    measure: str
    group: Mapping[str, str]
    values: Floats
    nights: Ints
    apart: int


def read(connection: duckdb.DuckDBPyConnection, choice: Choice, *, faults: Iterable[str]) -> Iterator[Clean]:
    """Read the clean values of a store, measure by measure.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view ``records`` of a store.
    choice : Choice
        What is asked for.
    faults : iterable of str
        Measures that prove a fault where they fail: those with a physical or exact limit.

    Yields
    ------
    Clean
        In the order of the measures.

    Raises
    ------
    UsageError
        Where nothing is as chosen.

    Notes
    -----
    A value is left out where a waiver covers it, and where its unit is waived or fails in *another* measure that proves a fault, or
    came to no value at all. That it fails itself is no reason: the tail of clean values would be cut at the limit that is to be
    found. Nor is a failure of another measure with a statistical limit: where both scatter together, it would cut the tail as well.
    """
    _find_faults(connection, faults)
    where, given = _condition(choice)
    counts = connection.execute(f"SELECT measure, count(*) FROM records WHERE {where} GROUP BY 1 ORDER BY 1", given).fetchall()
    if not counts:
        raise UsageError(f"no value of the store is of {_told(choice)}; expected a choice that holds some")
    batch: list[str] = []
    held = 0
    for name, count in counts:
        if batch and held + count > TOGETHER:
            yield from _batch(connection, batch, choice)
            batch, held = [], 0
        batch.append(name)
        held += count
    yield from _batch(connection, batch, choice)


def _told(choice: Choice) -> str:
    parts = [f"{name} {', '.join(values)}" for name, values in choice.names.items()]
    nights = [f"nights {min(choice.nights)}:{max(choice.nights)}"] if choice.nights else []
    return " and ".join([*parts, *nights]) or "a measure"


def _condition(choice: Choice) -> tuple[str, list[Any]]:
    where = [MEASURED]
    given: list[Any] = []
    for name, allowed in choice.names.items():
        where.append(f"{COLUMNS[name]} IN ({', '.join('?' * len(allowed))})")
        given += allowed
    if choice.nights:
        where.append(f"night IN ({', '.join(str(int(night)) for night in choice.nights)})")
    return " AND ".join(where), given


def _find_faults(connection: duckdb.DuckDBPyConnection, faults: Iterable[str]) -> None:
    """Make a table of units at fault: with how many measures, and with which where it is one."""
    proofs = [*faults, *(str(name) for name in NoValue)]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE faulty AS SELECT unit, count(DISTINCT measure) AS number, min(measure) AS proof FROM records "
        f"WHERE waiver <> '' OR (outcome = ? AND measure IN ({', '.join('?' * len(proofs))})) GROUP BY unit",
        [str(Outcome.FAILED), *proofs],
    )


def _batch(connection: duckdb.DuckDBPyConnection, measures: Sequence[str], choice: Choice) -> Iterator[Clean]:
    where, given = _condition(choice)
    apart = "".join(f", coalesce({COLUMNS[name]}, '') AS {name}_of" for name in choice.apart)
    found = connection.execute(
        f"SELECT measure, value, night, coalesce(waiver <> '' OR number > 1 OR proof <> measure, false) AS bad{apart} "
        f"FROM records LEFT JOIN faulty USING (unit) WHERE {where} AND measure IN ({', '.join('?' * len(measures))})",
        [*given, *measures],
    ).fetchnumpy()
    keys = [np.asarray(found["measure"], str), *(np.asarray(found[f"{name}_of"], str) for name in choice.apart)]
    codes = np.zeros(len(keys[0]), int)
    for key in keys:
        names, which = np.unique(key, return_inverse=True)
        codes = codes * len(names) + which
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        told = [str(key[rows[0]]) for key in keys]
        group = dict(zip(choice.apart, told[1:], strict=True))
        if all(group.values()):
            good = rows[~np.asarray(found["bad"], bool)[rows]]
            values = np.asarray(found["value"], float)[good]
            yield Clean(told[0], group, values, np.asarray(found["night"], int)[good], apart=len(rows) - len(good))
