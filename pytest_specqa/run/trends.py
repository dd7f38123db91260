"""``--specqa-history``: a value that passes is compared with what its camera did on the nights before; far off, it has a record."""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.checks import wording
from pytest_specqa.checks.check import Check, Picture
from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.results.store import replacing
from pytest_specqa.values import TREND, Limit, Measured, Measurement, Outcome

if TYPE_CHECKING:
    from pytest_specqa.results.history.trend import Past, Place
    from pytest_specqa.results.storing.dataset import Store

PART_WARN, PART_FAIL = 0.1, 0.5
"""Parts of the way from what is usual to the limit that a value must have gone to warn and to fail: less does no harm."""


class Trends:
    """Judges values by the past of their camera; what it reads of the store is kept for the night that is being judged.

    Parameters
    ----------
    folder : Path
        Of the store.
    production : str
        Name of the production of the run.
    shared : Path, optional
        Where workers of the run find what its controlling process has read.

    Raises
    ------
    UsageError
        If there is no such store, it is damaged, or of another production.
    """

    def __init__(self, folder: Path, production: str, *, shared: Path | None = None) -> None:
        from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415

        try:
            self.store: Store = Store.open(folder)
        except ResultsError as error:
            raise UsageError(f"--specqa-history {error}") from None
        if self.store.production != production:
            raise UsageError(
                f"--specqa-history {folder}: is the store of production {self.store.production!r}, this run is of {production!r}"
            )
        self._shared = shared
        self._past: Past | None = None

    @cached_property
    def nights(self) -> list[int]:
        """Nights of the store when the run began."""
        return self.store.nights

    @property
    def state(self) -> str:
        """What verdicts depend on: the files of the store, which is never written over."""
        parts = [f"{night} {path.name}" for night in self.nights for path in self.store.records.parts(night)]
        return hashlib.sha256("\n".join([str(self.store.root), *parts]).encode()).hexdigest()

    def verify(self, nights: Collection[int]) -> None:
        """Read what the last night is compared with, so that a damaged store is found before anything is judged."""
        if nights:
            try:
                self.past(max(nights))
            except ResultsError as error:
                raise UsageError(f"--specqa-history {error}") from None

    def past(self, night: int) -> Past:
        """Return what was before a night; `ResultsError` if the store cannot be read."""
        from pytest_specqa.results.history.trend import Past  # noqa: PLC0415

        if self._past is None or self._past.night != night:
            self._past = self._handed(night) or Past(self.store, night)
        return self._past

    def hand_over(self, shared: Path) -> None:
        """Leave what was read to the workers of the run, each of which would read the same, and let it go here."""
        if self._past is None:
            return
        # A full disk costs a second reading of the store, nothing else.
        with suppress(ResultsError), replacing(shared / _name(self._past.night)) as temporary:
            temporary.write_bytes(pickle.dumps(self._past, pickle.HIGHEST_PROTOCOL))
        self._past = None

    def _handed(self, night: int) -> Past | None:
        if self._shared is None:
            return None
        try:
            found: Past = pickle.loads((self._shared / _name(night)).read_bytes())
        except OSError:
            return None
        return found

    def told(self, nights: Collection[int]) -> str:
        """Say in a line what the first and last night of a run are compared with."""
        from pytest_specqa.measures.history.usual import NIGHTS  # noqa: PLC0415
        from pytest_specqa.results.history.trend import WINDOW  # noqa: PLC0415

        before = [sum(one < night for one in self.nights) for night in (min(nights), max(nights))]
        if before[1] < NIGHTS:
            have = wording.count(before[1], "night")
            return f"specqa: history {self.store.root}: {have} before, {NIGHTS} are needed: no value is compared with its past"
        counts = " to ".join(str(min(count, WINDOW)) for count in dict.fromkeys(before))
        return f"specqa: history {self.store.root}: values are compared with {counts} nights before"

    def judge(self, check: Check) -> None:
        """Add a record for each value of a check that passed and is far from what its camera does."""
        past = self.past(check.unit.night)
        for found in [one for one in check.measurements if one.outcome is Outcome.PASSED and math.isfinite(one.measured.value)]:
            place = past.of(check.unit, found.limit.name, program=check.program)
            if place is not None:
                self._compare(check, found, place)

    def _compare(self, check: Check, found: Measurement, place: Place) -> None:
        from pytest_specqa.results.history.trend import first_off, place_of  # noqa: PLC0415

        limit = _limit(found.limit, place, store=str(self.store.root.name))
        if limit.judge(Measured(found.measured.value)) is Outcome.PASSED:
            return
        low, high = max(limit.low, limit.warn_low), min(limit.high, limit.warn_high)
        first = first_off(place, low=low, high=high, night=check.unit.night)
        of = place_of(check.unit)
        usual = f"{wording.number(place.center)} +- {place.scale:.2g} on {len(place.days)} nights"
        follows = f" (it follows {place.term})" if place.term else ""
        off = "off tonight" if first == check.unit.night else f"off since {first}"
        name = f"camera {of}" if check.unit.camera else of or check.unit.kind
        detail = (
            f"{limit.plain}, {name}: usual is {usual}{follows}, {off}; "
            f"past nights {place.days[0]}-{place.days[-1]}{f' of program {place.program}' if place.program else ''}"
        )
        measured = Measured(
            found.measured.value,
            error=found.measured.error,
            fibers=found.measured.fibers,
            waves=found.measured.waves,
            detail=detail,
            features=found.measured.features,
        )
        check.compare(measured, limit, product=found.product)
        check.pictures.append(Picture("night_trend", _arrays(check, place, low=low, high=high), shows=(found.limit.name + TREND,)))


def _name(night: int) -> str:
    return f"past-{night}.pickle"


def _limit(base: Limit, place: Place, *, store: str) -> Limit:
    """Return the limit that the past of a camera sets, on the sides where the measure has one."""
    from pytest_specqa.results.history.trend import WARNINGS  # noqa: PLC0415

    bounds: dict[str, float] = {}
    for side, sign in enumerate((-1, 1)):
        name = ("low", "high")[side]
        fails, warns = getattr(base, name), getattr(base, f"warn_{name}")
        if not math.isfinite(fails):
            continue
        nearest = warns if math.isfinite(warns) else fails
        scatters = (place.fails[side], PART_FAIL, fails), (place.warns[side], PART_WARN, nearest)
        for key, (number, part, bound) in zip((name, f"warn_{name}"), scatters, strict=True):
            room = sign * (bound - place.center)
            if math.isfinite(number) and room > 0:
                bounds[key] = place.center + sign * max(number * place.scale, part * room)
    return Limit(
        name=base.name + TREND,
        unit=base.unit,
        severity=base.severity,
        plain=f"{base.plain or base.name.replace('_', ' ')} against own nights",
        doc=f"The value is within its limit, and far from what it was on the nights before. See what changed. {base.doc}".strip(),
        source=f"history {store}: one false warning in {1 / WARNINGS:.0f} clean nights",
        **bounds,
    )


def _arrays(check: Check, place: Place, *, low: float, high: float) -> dict[str, Any]:
    return {
        "night": place.nights,
        "value": place.values,
        "judged": check.unit.night,
        "low": low,
        "high": high,
        "center": place.center,
        "title": f"Past nights of {check.unit.camera or check.unit.kind}",
    }
