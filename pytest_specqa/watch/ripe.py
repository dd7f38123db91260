"""What is ready to be judged: complete and left alone for a while, or as it is after the patience for what is missing."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_specqa.values import Outcome
from pytest_specqa.watch.jobs import Sight
from pytest_specqa.watch.memory import Memory

ORDER = ("exposure", "tile", "night")
NIGHT_ENDS = datetime.timedelta(days=1, hours=19)
"""After 0 h UTC of its date: noon of the next day at Kitt Peak (UTC-7), when the survey's date changes."""
MOST_TRIES = 6
RETRIED = ("lost", str(Outcome.UNREACHABLE))
"""Verdicts that say nothing of the data: no run came to its end, or a server did not give the files."""
"""Runs that may die on the same products, two for each start of a watch."""


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds.

    Attributes
    ----------
    settle : float
        For files to stay as they are.
    missing : float
        For what is missing, from the last change of any product of the tile in that night.
    """

    settle: float = 30.0
    missing: float = 3600.0


@dataclass(frozen=True)
class Ripe:
    """A job that is ready.

    Attributes
    ----------
    sight : Sight
        As it is to be judged.
    lacks : tuple of str
        What is missing or cut short; it is judged all the same.
    """

    sight: Sight
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A job that is not ready.

    Attributes
    ----------
    sight : Sight
        As it is.
    why : str
        What is waited for.
    until : float
        When it is ready if nothing changes, in seconds; infinite if that does not help.
    complete : bool
        Whether nothing is missing, and it has only to be left alone for a moment.
    """

    sight: Sight
    why: str
    until: float = float("inf")
    complete: bool = False


class Sorter:
    """Sorts what is seen.

    Parameters
    ----------
    memory : Memory
        What was judged; since when files are as they are is noted there.
    patience : Patience
        How long is waited.
    cut_short : callable
        Files that end too early, of some.
    """

    def __init__(self, memory: Memory, patience: Patience, *, cut_short: Callable[[Iterable[Path]], list[Path]]) -> None:
        self.memory = memory
        self.patience = patience
        self._cut_short = cut_short
        self._ends: dict[str, tuple[str, tuple[str, ...]]] = {}
        judged = memory.judged.items()
        self.lost = {key for key, one in judged if one.get("verdict") in RETRIED and one.get("tries", 0) < MOST_TRIES}
        """Jobs on which runs died, or whose files were out of reach, before this watch began: they are tried again."""

    def sort(self, sights: Sequence[Sight], *, now: float, newest: int) -> tuple[list[Ripe], list[Waiting]]:
        """Tell what is ready and what is not; what was judged as it is, is neither.

        Parameters
        ----------
        sights : sequence of Sight
            All of the nights that are looked at.
        now : float
            Seconds since 1970.
        newest : int
            Latest night of the production.

        Returns
        -------
        list of Ripe
            The latest night and exposure first, since somebody waits for it; the night itself when all else of it is judged.
        list of Waiting
            The others.
        """
        since = self._note(sights, now)
        ripe: list[Ripe] = []
        waiting: list[Waiting] = []
        for sight in sorted(sights, key=lambda one: (-one.job.night, ORDER.index(one.job.kind), -one.job.number)):
            if self.is_judged(sight):
                continue
            if sight.job.kind == "night":
                mates = [one for one in sights if one.job.night == sight.job.night and one.job.kind != "night"]
                found = self._night(sight, mates, since, now=now, newest=newest)
            else:
                found = self._product(sight, sights, since, now=now)
            (ripe if isinstance(found, Ripe) else waiting).append(found)  # type: ignore[arg-type]
        self._forget(sights)
        return ripe, waiting

    def is_judged(self, sight: Sight) -> bool:
        """Tell whether a job was judged as it is now."""
        known = self.memory.judged.get(sight.job.key)
        return known is not None and known["mark"] == sight.mark and sight.job.key not in self.lost

    def _note(self, sights: Iterable[Sight], now: float) -> dict[str, float]:
        since = {}
        for sight in sights:
            kept = self.memory.seen.get(sight.job.key)
            # A clock that was put back is no reason to wait for it.
            if kept is None or kept["quiet"] != sight.quiet or kept["since"] > now:
                kept = self.memory.seen[sight.job.key] = {"quiet": sight.quiet, "since": now}
            since[sight.job.key] = kept["since"]
        return since

    def _forget(self, sights: Sequence[Sight]) -> None:
        """Keep since when files are as they are for nights that are not done: they alone are asked for it."""
        open_nights = {sight.job.night for sight in sights if not self.is_judged(sight)}
        keys = {sight.job.key for sight in sights if sight.job.night in open_nights}
        self.memory.seen = {key: one for key, one in self.memory.seen.items() if key in keys}

    def _product(self, sight: Sight, sights: Sequence[Sight], since: dict[str, float], *, now: float) -> Ripe | Waiting:
        settled = since[sight.job.key] + self.patience.settle
        if now < settled:
            complete = sight.known and not sight.missing
            return Waiting(sight, "its files have just changed", until=settled, complete=complete)
        lacks = (*sight.missing, *self._cut(sight))
        if not lacks and sight.known:
            return Ripe(sight)
        mates = [one for one in sights if one is sight or (one.job.night == sight.job.night and one.tile == sight.tile is not None)]
        end = max(since[one.job.key] for one in mates) + self.patience.missing
        if now >= end:
            return Ripe(sight, lacks)
        return Waiting(sight, _told(lacks) or "no exposure table tells what it should have", until=end)

    def _night(self, sight: Sight, mates: Sequence[Sight], since: dict[str, float], *, now: float, newest: int) -> Ripe | Waiting:
        over = datetime.datetime.strptime(str(sight.job.night), "%Y%m%d").replace(tzinfo=datetime.UTC) + NIGHT_ENDS
        if newest <= sight.job.night and now < over.timestamp():
            return Waiting(sight, "the night is not over", until=over.timestamp())
        if left := sum(not self.is_judged(one) for one in mates):
            return Waiting(sight, f"{left} of its exposures and tiles are not judged")
        wait = self.patience.missing if sight.missing else self.patience.settle
        end = since[sight.job.key] + wait
        if now >= end:
            return Ripe(sight, sight.missing)
        return Waiting(sight, _told(sight.missing) or "its files have just changed", until=end, complete=not sight.missing)

    def _cut(self, sight: Sight) -> tuple[str, ...]:
        """Files that end too early; looked at once for each state."""
        mark, cut = self._ends.get(sight.job.key, ("", ()))
        if mark != sight.mark:
            cut = tuple(path.name for path in self._cut_short(map(Path, sight.files)))
            self._ends[sight.job.key] = sight.mark, cut
        return cut


def _told(lacks: Sequence[str]) -> str:
    if not lacks:
        return ""
    named, verb = (lacks[0], "is") if len(lacks) == 1 else (f"{lacks[0]} and {len(lacks) - 1} more", "are")
    return f"{named} {verb} missing or cut short"
