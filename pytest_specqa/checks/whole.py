"""Whether results are whole: all the checks that their runs had planned, or some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_specqa.values import Record


@dataclass(frozen=True)
class Extent:
    """How much of what was planned has been judged.

    Attributes
    ----------
    judged, planned : int
        Checks, one for each unit and expectation, of the runs that say how many they had planned.
    runs, partial : int
        How many such runs there are, and how many of them judged fewer checks than they had planned.
    unknown : int
        Measurements that do not say: made by an older version, or by workers on other machines.
    """

    judged: int = 0
    planned: int = 0
    runs: int = 0
    partial: int = 0
    unknown: int = 0

    @property
    def told(self) -> str:
        """What is not whole, such as ``47 of 240 checks judged``; empty where nothing is known to be missing."""
        if not self.partial:
            return ""
        runs = f" ({self.partial} of {self.runs} runs not whole)" if self.runs > 1 else ""
        return f"{self.judged} of {self.planned} checks judged{runs}"


def extent(records: Iterable[Record]) -> Extent:
    """Compare what was judged with what was planned, run by run.

    Parameters
    ----------
    records : iterable of Record
        Of one run or many, in any order; a measurement given twice counts once.
    """
    judged: dict[str, set[tuple[str, str]]] = defaultdict(set)
    planned: dict[str, int] = defaultdict(int)
    unknown = 0
    for record in records:
        if (number := record.get("planned")) is None:
            unknown += 1
            continue
        run = record.get("run") or ""
        judged[run].add((record["unit"], record["expectation"]))
        planned[run] = max(planned[run], number)
    return total(((len(judged[run]), planned[run]) for run in judged), unknown=unknown)


def total(runs: Iterable[tuple[int, int]], *, unknown: int) -> Extent:
    """Add runs up, of which each is given by the checks that it judged and had planned; what is more than planned fills no gap."""
    pairs = [(min(judged, planned), planned) for judged, planned in runs]
    partial = sum(judged < planned for judged, planned in pairs)
    return Extent(sum(judged for judged, _ in pairs), sum(planned for _, planned in pairs), len(pairs), partial, unknown)
