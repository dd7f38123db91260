"""Fibers whose redshifts are improbable for their tracer, or whose fits fail, more often than those of other fibers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.history.chances import sigma_of
from pytest_specqa.measures.history.intervals import Interval, local_rates, scan, spread_between
from pytest_specqa.measures.history.objects import TRACERS, Objects, coarse_counts, improbable
from pytest_specqa.results.history.changes import Change, apart

FEWEST_OBJECTS = 2000
"""Objects of a tracer over all fibers below which nothing is said of it: where it has hardly any is not known."""
FEWEST_EVENTS = 3
"""Fewest outliers that make a finding."""
SERIES = 2 * (1 + len(TRACERS))
"""Searches of each fiber: outliers and failures, of all tracers together and of each alone."""
MOST_RANGES = 3
"""Ranges of dates that are told of one series."""
OUTLIERS, FAILURES = "redshift outliers", "redshift failures"
CAUSE = {
    OUTLIERS: "spectra that fits take for others: a defect of the detector or of the extraction along this fiber",
    FAILURES: "less light than other fibers get, or spectra that no template fits",
}


class Bar(NamedTuple):
    """From where on something is told.

    Attributes
    ----------
    one : float
        Log of the expected number of false findings that one search of one fiber may have.
    every : float
        Log of that of all searches of all fibers together.
    """

    one: float
    every: float

    def sigma(self, log_number: float) -> float:
        """Gaussian sigmas, after all searches, of what is expected so often in one."""
        return sigma_of(log_number - self.one + self.every)


@dataclass(frozen=True, eq=False)
class Usual:
    """What the fibers of all petals have in common.

    Attributes
    ----------
    improbable : ndarray of bool, shape (n_tracer, n_kind)
        Classes and redshifts that are outliers for each tracer.
    rates : mapping of str to ndarray, shape (n_tracer,)
        Part of the objects that are outliers, and that have a warning.
    enough : ndarray of bool, shape (n_tracer,)
        Tracers of which there are enough objects.
    events : mapping of str to float
        Number of outliers and failures over all fibers: how well the rate is known.
    """

    improbable: NDArray[np.bool_]
    rates: dict[str, NDArray[np.float64]]
    enough: NDArray[np.bool_]
    events: dict[str, float]

    @classmethod
    def of(cls, petals: list[Objects]) -> Usual:
        """Measure it over all petals."""
        counts = np.sum([coarse_counts(objects) for objects in petals], axis=0)
        sure = counts.sum(axis=1)
        unlikely = improbable(counts)
        failed = np.sum([np.bincount(o.tracer[o.failed & (o.tracer >= 0)], minlength=len(TRACERS)) for o in petals], axis=0)
        outliers = np.where(unlikely, counts, 0.0).sum(axis=1)
        rates = {OUTLIERS: outliers / np.maximum(sure, 1.0), FAILURES: failed / np.maximum(sure + failed, 1.0)}
        events = {OUTLIERS: float(outliers.sum()), FAILURES: float(failed.sum())}
        return cls(unlikely, rates, sure >= FEWEST_OBJECTS, events)


def find_outliers(petals: list[Objects], usual: Usual, *, bar: Bar) -> list[Change]:
    """Scan every fiber over all ranges of dates.

    Parameters
    ----------
    petals : list of Objects
        The objects of all petals.
    usual : Usual
        What they have in common.
    bar : Bar
        From where on a range is told.

    Returns
    -------
    list of Change
        For each fiber and kind the range of the search that shows it best, and others that do not overlap.
    """
    return apart(
        change
        for what in (OUTLIERS, FAILURES)
        for tracer in (-1, *range(len(TRACERS)))
        for change in _of_all(petals, usual, what=what, tracer=tracer, bar=bar)
    )


@dataclass(frozen=True, eq=False)
class _Sequences:
    """Events of one kind of the fibers of a petal: by fiber, then by date."""

    row: NDArray[np.integer]
    bad: NDArray[np.bool_]
    rates: NDArray[np.floating]
    starts: NDArray[np.integer]

    @classmethod
    def of(cls, objects: Objects, usual: Usual, *, what: str, tracer: int) -> _Sequences:
        """Choose the objects of a tracer, or of all, that can be such events."""
        number = objects.tracer
        used = (number >= 0) & usual.enough[number] if tracer < 0 else (number == tracer) & bool(usual.enough[tracer])
        if what == OUTLIERS:
            used &= ~objects.failed
        fiber, row = np.nonzero(used.T)
        events = objects.failed if what == FAILURES else usual.improbable[number, objects.kind]
        bad = events[row, fiber]
        rates = local_rates(bad, row, weights=usual.rates[what][number[row, fiber]])
        return cls(row, bad, rates, np.searchsorted(fiber, np.arange(used.shape[1] + 1)))

    @property
    def totals(self) -> NDArray[np.floating]:
        """Events of each fiber, and what is expected; shape (2, n_fiber)."""
        reached = np.concatenate([np.zeros((2, 1)), np.cumsum([self.bad, self.rates], axis=1)], axis=1)
        return np.asarray(np.diff(reached[:, self.starts], axis=1), dtype=float)


def _of_all(petals: list[Objects], usual: Usual, *, what: str, tracer: int, bar: Bar) -> list[Change]:
    """Search the fibers of all petals for one kind of event of one tracer, or of all."""
    totals = [_Sequences.of(objects, usual, what=what, tracer=tracer).totals for objects in petals]
    spread = spread_between(*np.concatenate(totals, axis=1)) + 1.0 / max(usual.events[what], 1.0)
    changes = []
    for objects in petals:
        those = _Sequences.of(objects, usual, what=what, tracer=tracer)
        for column, interval in enumerate(scan(those.bad, those.rates, those.starts, spread=spread)):
            if interval is not None and interval.log_number <= bar.one:
                own = slice(int(those.starts[column]), int(those.starts[column + 1]))
                bad, rates = those.bad[own], those.rates[own]
                ranges = _ranges(bad, rates, interval, spread=spread, bar=bar)
                shown = _Series(objects, column, those.row[own], bad, what, "" if tracer < 0 else list(TRACERS)[tracer])
                changes += [shown.change(each, several=len(ranges) > 1, bar=bar) for each in ranges]
    return changes


def _ranges(bad: NDArray[np.bool_], rates: NDArray[np.floating], worst: Interval, *, spread: float, bar: Bar) -> list[Interval]:
    """Find ranges before and after the worst one that are significant by themselves."""
    ranges = [worst]
    for low, high in ((0, worst.first), (worst.last + 1, len(bad))):
        if high > low and len(ranges) < MOST_RANGES:
            one = scan(bad[low:high], rates[low:high], np.array([0, high - low]), spread=spread)[0]
            if one is not None and one.log_number <= bar.one:
                ranges.append(one._replace(first=one.first + low, last=one.last + low))
    return ranges


@dataclass(frozen=True, eq=False)
class _Series:
    """One fiber's sequence of events, and how to tell a range of it."""

    objects: Objects
    column: int
    rows: NDArray[np.integer]
    bad: NDArray[np.bool_]
    what: str
    tracer: str

    def change(self, interval: Interval, *, several: bool, bar: Bar) -> Change:
        """Say what one range is."""
        nights, tiles = self.objects.night[self.rows], self.objects.tile[self.rows]
        first, last = int(nights[interval.first]), int(nights[interval.last])
        seen = interval.last - interval.first + 1
        part, usual = interval.events / seen, interval.expected / seen
        # So many clean objects after the last bad one would be a surprise, were it still so.
        later = len(self.bad) - 1 - interval.last
        fiber = self.objects.first + self.column
        inside = np.flatnonzero(self.bad[interval.first : interval.last + 1]) + interval.first
        examples = ", ".join(f"tile {tiles[each]} of {nights[each]}" for each in inside[:3])
        kind = "of improbable class or redshift" if self.what == OUTLIERS else "whose fit has a warning"
        detail = (
            f"{interval.events} of {seen} {self.tracer or 'objects'} {kind} ({interval.expected:.1f} expected), e.g. {examples}"
        )
        return Change(
            what=self.what,
            scope="fiber",
            shape="intermittent" if several else "one-off" if first == last else "step",
            camera="",
            fibers=(fiber, fiber),
            waves=None,
            first=(first, None),
            last=(last, None),
            ongoing=later * part < FEWEST_EVENTS,
            size=100.0 * (part - usual),
            error=100.0 * float(np.sqrt(max(part * (1.0 - part), 1.0 / seen) / seen)),
            unit="%",
            level=100.0 * usual,
            significance=bar.sigma(interval.log_number),
            bad=interval.events,
            seen=seen,
            detail=detail,
            cause=CAUSE[self.what],
        )
