"""What is compared: stored results, or a production on which the suite is run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pytest_specqa.compare.identical import Inputs
from pytest_specqa.errors import UsageError
from pytest_specqa.production import resolve
from pytest_specqa.remote import is_remote
from pytest_specqa.results import store
from pytest_specqa.run.apart import Suite
from pytest_specqa.values import Record


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared.

    Attributes
    ----------
    name : str
        As the user gave it.
    root : Path or None
        The production, for measuring and for pictures; ``None`` where only results are given.
    stored : Path or None
        Results file to read instead of measuring.
    """

    name: str
    root: Path | None
    stored: Path | None = None


def open_side(text: str, *, stored: Path | None) -> Side:
    """Understand BEFORE or AFTER: a results file, a production folder, or the name of a production.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    if store.is_results_file(text):
        if stored:
            raise UsageError(f"{text} holds results already; give a production where you also give stored results for it")
        return Side(text, None, Path(text))
    return Side(text, resolve(text, os.environ), stored)


def records_of(before: Side, after: Side, suite: Suite) -> tuple[list[Record], list[Record]]:
    """Read or measure both sides; units whose inputs are identical are measured once.

    Returns
    -------
    list of dict, list of dict
        Records of before and after; those taken over carry ``reused``.
    """
    if (old := _stored(before)) is None:
        old = _kept(before, suite.measure(_root(before)))
    if (new := _stored(after)) is None:
        root = _root(after)
        # Comparing files byte by byte moves all of both, of which judging them needs a fifth.
        at_hand = before.root is not None and not is_remote(before.root) and not is_remote(root)
        same = Inputs(before.root, root).identical_units(old) if before.root and at_hand else set()
        taken_over = [_taken_over(record) for record in old if record["unit"] in same]
        new = _kept(after, [*suite.measure(root, skipping=same), *taken_over])
    return old, new


def _taken_over(record: Record) -> Record:
    """Mark a record of the other side; it is no part of what the run of this side had planned."""
    taken: Record = {**record, "reused": True}
    taken.pop("run", None)
    taken.pop("planned", None)
    return taken


def _stored(side: Side) -> list[Record] | None:
    """Results on file; with a production, a file that is not there yet is to be written."""
    if side.stored is None or (side.root and not side.stored.exists()):
        return None
    return store.read(side.stored)


def _root(side: Side) -> Path:
    if side.root is None:
        raise UsageError(f"{side.name}: no such results file")
    return side.root


def _kept(side: Side, records: list[Record]) -> list[Record]:
    """Write what was measured where the user wants to keep it."""
    if side.stored:
        store.write(side.stored, records)
    return records
