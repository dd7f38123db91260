"""The watch itself: it looks, judges what is ready, keeps, shows and tells what came out, and looks again."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_specqa.errors import SpecQAError
from pytest_specqa.printable import printable
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.values import Outcome
from pytest_specqa.watch.jobs import Scanner, Sight
from pytest_specqa.watch.judging import Judge, Judged
from pytest_specqa.watch.memory import Memory
from pytest_specqa.watch.notice import Notifier, headline
from pytest_specqa.watch.ripe import RETRIED, Ripe, Sorter, Waiting

NIGHTS = 2
"""Latest nights that are looked at unless the user says from which on."""
AGAIN = 3600.0
"""Seconds after which the same trouble is told again."""
LACKS = 6
"""Missing files that are remembered by name."""


class Clock(Protocol):
    """Time, and waiting for it."""

    def now(self) -> float:
        """Seconds since 1970."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class WallClock:
    """The clock of the system."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Parts:
    """What a watch works with.

    Attributes
    ----------
    scanner, sorter, judge, notifier, memory
        Who looks, who decides, who judges, who tells, and what is remembered.
    store : Store
        Takes the measurements.
    site : callable or None
        Brings the pages up to date.
    say : callable
        Takes lines for the terminal.
    clock : Clock
        The time.
    check : callable
        Raises `KeyboardInterrupt` once the process was told to end.
    """

    scanner: Scanner
    sorter: Sorter
    judge: Judge
    notifier: Notifier
    memory: Memory
    store: Store
    site: Callable[[], object] | None
    say: Callable[[str], object]
    clock: Clock
    check: Callable[[], object] = bool


class Watch:
    """Judges a production while it is made.

    Parameters
    ----------
    parts : Parts
        What it works with.
    since : int, optional
        First night to look at; by default the latest two, those that are not done, and all since this watch, or one before it,
        last looked.
    """

    def __init__(self, parts: Parts, *, since: int | None = None) -> None:
        self.parts = parts
        self.memory = parts.memory
        self.since = since
        self.judged = 0
        self.failed = 0
        self._said: dict[str, float] = {}
        self._set_back: Counter[str] = Counter()

    def once(self) -> list[Waiting]:
        """Judge what is complete now; files that have just changed are waited for as long as they take to settle.

        Returns
        -------
        list of Waiting
            What was left, since something is missing or the night is not over.

        Raises
        ------
        SpecQAError, OSError
            If the production cannot be looked at, or the store takes nothing.
        """
        while True:
            waiting, going_on = self._step()
            ends = [one.until for one in waiting if one.complete]
            if not going_on:
                if not ends:
                    return waiting
                self.parts.clock.wait(max(min(ends) - self.parts.clock.now(), 0.01))

    def forever(self, *, poll: float) -> None:
        """Look every `poll` seconds, until the process is told to end; what is wrong is said, and tried again."""
        while True:
            try:
                waiting, going_on = self._step()
            except (SpecQAError, OSError) as error:
                self._complain(error)
                waiting, going_on = [], False
            if not going_on:
                soonest = min([one.until for one in waiting], default=float("inf")) - self.parts.clock.now()
                self.parts.clock.wait(min(poll, max(soonest, min(poll, 1.0))))

    def _step(self) -> tuple[list[Waiting], bool]:
        """Look, and judge the first job that is ready; tell whether there may be more."""
        self.parts.check()
        ripe, waiting = self._look()
        if not ripe:
            self.memory.save()
            return waiting, False
        # What could not be kept does not hold up all else.
        chosen = min(ripe, key=lambda one: self._set_back[one.sight.job.key])
        self._set_back[chosen.sight.job.key] += 1
        self._judge(chosen)
        del self._set_back[chosen.sight.job.key]
        return waiting, True

    def build(self) -> None:
        """Bring the pages up to date; a failure is a line."""
        if self.parts.site is None:
            return
        try:
            self.parts.site()
        except Exception as error:
            self.parts.check()
            # Whatever is wrong with a page, what is judged next matters more.
            self.parts.say(f"site NOT brought up to date: {type(error).__name__}: {error}")

    def _look(self) -> tuple[list[Ripe], list[Waiting]]:
        nights = self.parts.scanner.nights()
        if not nights:
            return [], []
        newest = nights[-1]
        first = self.since or min([*nights[-NIGHTS:], *([self.memory.newest] if self.memory.newest else [])])
        unfinished = {int(key[:8]) for key in self.memory.seen if key[:8].isdecimal()}
        chosen = [night for night in nights if night >= first or night in unfinished]
        sights = self.parts.scanner.look(chosen, fresh=newest)
        self.memory.newest = newest
        return self.parts.sorter.sort(sights, now=self.parts.clock.now(), newest=newest)

    def _judge(self, ripe: Ripe) -> None:
        """Judge a job, keep what came out and tell it: twice if the watch is ended meanwhile, but never not at all."""
        sight, started = ripe.sight, self.parts.clock.now()
        self.memory.save()
        judged = self.parts.judge.judge(sight.job)
        seconds = self.parts.clock.now() - started
        if not self._is_unchanged(sight):
            self.parts.judge.forget(sight.job)
            self._tell(sight, "changed", "its products changed while they were judged: it will be judged again", seconds)
            return
        self._keep(judged)
        self._tell(sight, judged.verdict, self._sentence(judged, ripe), seconds)
        told = self.memory.told.setdefault(str(sight.job.night), [])
        for line in self.parts.notifier.tell(sight, judged, told=told, log=str(self.parts.judge.log(sight.job))):
            self.parts.say(line)
        self._remember(ripe, judged)
        self.memory.save()
        self.parts.judge.forget(sight.job)
        self.judged += 1
        self.failed += judged.verdict in ("lost", str(Outcome.FAILED))
        self.build()

    def _keep(self, judged: Judged) -> None:
        try:
            if judged.records:
                self.parts.store.add(judged.records, again=True)
        except Exception:
            self.parts.check()
            raise

    def _is_unchanged(self, sight: Sight) -> bool:
        now = self.parts.scanner.one(sight.job)
        return now is not None and now.mark == sight.mark

    def _remember(self, ripe: Ripe, judged: Judged) -> None:
        key = ripe.sight.job.key
        entry: dict[str, Any] = {"mark": ripe.sight.mark, "verdict": judged.verdict, "at": _utc(self.parts.clock.now())}
        if ripe.lacks:
            entry["lacked"] = [*ripe.lacks[:LACKS], *(["..."] if len(ripe.lacks) > LACKS else [])]
        if judged.verdict in RETRIED:
            before = self.memory.judged.get(key, {})
            tries = before.get("tries", 0) if before.get("mark") == ripe.sight.mark else 0
            entry |= {"why": judged.sentence, "tries": tries + judged.tries}
        self.parts.sorter.lost.discard(key)
        self.memory.judged[key] = entry

    @staticmethod
    def _sentence(judged: Judged, ripe: Ripe) -> str:
        lacks = f" (judged without {len(ripe.lacks)} that are missing or cut short)" if ripe.lacks else ""
        if judged.verdict == "lost" or not judged.findings:
            return judged.sentence.partition(": ")[2] + lacks
        worst, more = headline(judged.findings[0], ripe.sight), len(judged.findings) - 1
        return f"{worst}{f' (and {more} more)' if more else ''}{lacks}"

    def _tell(self, sight: Sight, word: str, text: str, seconds: float) -> None:
        tile = f"tile {sight.tile}" if sight.job.kind == "exposure" and sight.tile is not None else ""
        at = datetime.datetime.fromtimestamp(self.parts.clock.now()).strftime("%H:%M:%S")
        loud = word.upper() if word != "lost" else "NOT JUDGED"
        self.parts.say(f"{at}  {sight.job.told:<18} {tile:<11} {loud:<12} {text}  {seconds:.0f} s")

    def _complain(self, error: Exception) -> None:
        """Say what is wrong; the same once an hour."""
        text, now = printable(error), self.parts.clock.now()
        if now - self._said.get(text, -AGAIN) >= AGAIN:
            self._said[text] = now
            self.parts.say(f"cannot go on: {text}; trying again")


def _utc(now: float) -> str:
    return f"{datetime.datetime.fromtimestamp(now, tz=datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
