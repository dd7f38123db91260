"""A journal that a run has left becomes a results file, which says that it is not whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.results import holding, journal, store
from pytest_specqa.results.journal import Contents
from pytest_specqa.values import Record, key_of

NAMED = 8
UNKNOWN_RUN = "unknown"
"""Run of the records of a journal whose first line is damaged."""


def recover(path: Path, *, out: Path | None = None) -> list[str]:
    """Write the records of a journal as results.

    Parameters
    ----------
    path : Path
        A journal, or the results file that it lies beside; of several the newest is taken.
    out : Path or None
        A new file; by default the results file of the journal, if there is none.

    Returns
    -------
    list of str
        What was written, what is lost and what to do next.

    Raises
    ------
    UsageError
        If there is no journal, the run that writes it has not ended, it holds nothing, or the file exists.
    """
    found = _journal_of(path)
    contents = journal.read(found)
    if holding.is_live(found):
        raise holding.BusyError(f"{found}: its run has not ended ({contents.told}); wait for it, it will write the results")
    if not contents.checks:
        raise UsageError(f"{found}: not one check is in it; {_elsewhere(contents)}")
    target = out or _target_of(found)
    if target.exists():
        raise UsageError(f"{target}: exists; give the recovered results a new name with --out FILE")
    records = sorted(_marked(contents), key=key_of)
    store.write(target, records)
    lines = [f"{_count(len(records), 'measurement')} of {contents.progress} written to {target}", *_lost(contents)]
    return [*lines, f"go on from it: pytest ... --specqa-results {_target_of(found)} --specqa-resume; else remove {found}"]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _journal_of(path: Path) -> Path:
    if not store.is_results_file(path):
        return path
    beside = journal.beside(path)
    found = [*journal.asides(beside), *([beside] if beside.exists() else [])]
    if not found:
        raise UsageError(f"{path}: there is no journal {beside.name} beside it; nothing is to be recovered")
    return found[-1]


def _target_of(path: Path) -> Path:
    return path.with_name(path.name.rpartition(journal.SUFFIX)[0] or f"{path.name}.jsonl")


def _elsewhere(contents: Contents) -> str:
    """Name the journal that takes what its run judges, if this one only keeps other runs away from a second results file."""
    targets = contents.header.get("targets")
    if not isinstance(targets, list) or not targets:
        return "rerun pytest"
    first = journal.beside(Path(str(targets[0])))
    return "rerun pytest" if first == contents.path.resolve() else f"what its run judged is in {first}, recover that one"


def _marked(contents: Contents) -> list[Record]:
    """Records as their run would have marked them: results that hold fewer checks than were planned are not whole."""
    records: list[Record] = []
    for one in contents.checks.values():
        for record in one.records:
            marked: Record = {**record, "run": str(contents.header.get("run", UNKNOWN_RUN))}
            if contents.planned is not None:
                marked["planned"] = contents.planned
            records.append(marked)
    return records


def _lost(contents: Contents) -> list[str]:
    """Say what the run had planned and what is not there."""
    lines = []
    if contents.planned is None:
        lines.append("lost: it is not known how many checks the run had planned")
    elif missing := contents.planned - len(contents.checks):
        there = Counter(one.unit for one in contents.checks.values())
        short = {unit: planned - there[unit] for unit, planned in contents.units.items() if there[unit] < planned}
        begun = [f"{unit} ({short[unit]} of {contents.units[unit]})" for unit in short if there[unit]]
        more = f" and {len(begun) - NAMED} more" if len(begun) > NAMED else ""
        parts = [f"of units in work: {', '.join(begun[:NAMED])}{more}"] if begun else []
        if untouched := len(short) - len(begun):
            parts.append(f"{_count(untouched, 'unit')} had not begun")
        lines.append(f"lost: {_count(missing, 'check')}; {'; '.join(parts)}")
    if contents.damaged:
        named = ", ".join(map(str, contents.damaged[:NAMED])) + (" ..." if len(contents.damaged) > NAMED else "")
        last = "; the last one was cut short" if contents.cut and contents.damaged[-1] == contents.lines else ""
        lines.append(f"lost: {_count(len(contents.damaged), 'damaged line')} of {contents.path.name}: {named}{last}")
    return lines
