"""Each bound of each limit beside what clean values do, and what may become of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_specqa.results.calibrating.clean import Clean
from pytest_specqa.results.calibrating.levels import Level, level_of
from pytest_specqa.rules.limits import Basis, Limits
from pytest_specqa.values import DataUnit, Limit, Severity

BOUNDS = ("low", "high", "warn_low", "warn_high")
DIGITS = 3


@dataclass(frozen=True)
class Rates:
    """False alarms that are allowed, as a part of the values of a measure.

    Attributes
    ----------
    fail, warn : float
        Outside ``low`` to ``high`` of a limit that fails; outside any other bounds. Where both sides are bounded each has a half.
    """

    fail: float
    warn: float

    def of(self, limit: Limit, bound: str) -> float:
        """Return the rate of one bound."""
        warns = bound.startswith("warn") or limit.severity is Severity.WARN
        other = bound.replace("low", "high") if "low" in bound else bound.replace("high", "low")
        return (self.warn if warns else self.fail) / (2.0 if math.isfinite(getattr(limit, other)) else 1.0)


@dataclass(frozen=True)
class Bound:
    """One bound of one limit.

    Attributes
    ----------
    name : str
        Of `BOUNDS`.
    shipped : float
        What holds without the calibration.
    basis : Basis
        What it rests on.
    rate : float
        That is asked.
    level : Level
        What clean values do; for a low bound with signs exchanged.
    beyond : int
        Clean values beyond what is shipped.
    new : float or None
        What it becomes; None if it stays.
    """

    name: str
    shipped: float
    basis: Basis
    rate: float
    level: Level
    beyond: int
    new: float | None = None

    @property
    def sign(self) -> int:
        """1 for an upper bound, -1 for a lower one."""
        return -1 if "low" in self.name else 1

    @property
    def found(self) -> float:
        """The level that keeps the rate, with its error, on its own side of zero; NaN where there is none."""
        return self.sign * rounded(self.level.outer)


@dataclass(frozen=True)
class Calibrated:
    """The limit of one measure, for all values or for a group of them.

    Attributes
    ----------
    clean : Clean
        The values.
    limit : Limit
        What holds without the calibration.
    bounds : tuple of Bound
        Those that the limit has.
    note : str
        Why nothing is changed, where that is not said by the bounds.
    """

    clean: Clean
    limit: Limit
    bounds: tuple[Bound, ...]
    note: str = ""

    @property
    def new(self) -> dict[str, float]:
        """Bounds that change."""
        return {bound.name: bound.new for bound in self.bounds if bound.new is not None}


def rounded(level: float) -> float:
    """Round up to three digits, so that no more values lie above."""
    if not math.isfinite(level) or level == 0:
        return level
    step = 10.0 ** (math.floor(math.log10(abs(level))) - DIGITS + 1)
    return float(f"{math.ceil(level / step - 1e-9) * step:.{DIGITS}g}")


def calibrate(groups: Iterable[Clean], limits: Limits, *, rates: Rates, tighten: bool = False) -> Iterator[Calibrated]:
    """Find what each limit would have to be.

    Parameters
    ----------
    groups : iterable of Clean
        Values of measures; those without a limit are passed over.
    limits : Limits
        What holds without the calibration.
    rates : Rates
        False alarms that are allowed.
    tighten : bool
        Whether bounds that are physical become tighter where the data keep far below them; they never become looser.

    Yields
    ------
    Calibrated
        For each group of values.
    """
    known = set(limits.names)
    for clean in groups:
        if clean.measure in known:
            yield _calibrated(clean, limits, rates=rates, tighten=tighten)


def unit_of(group: Mapping[str, str]) -> DataUnit:
    """Return a unit that the overrides for a group speak of."""
    camera = group.get("camera") or group.get("band")
    return DataUnit("camera" if camera else "night", 0, camera=camera)


def _calibrated(clean: Clean, limits: Limits, *, rates: Rates, tighten: bool) -> Calibrated:
    name = clean.measure
    limit = limits.find(name, unit_of(clean.group), program=clean.group.get("program", ""))
    own = {key for layer in limits.layers if name in layer for one in layer[name].overrides for key in one.names}
    missing = sorted(own - set(clean.group) - ({"band"} if "camera" in clean.group else set()))
    note = f"has limits of its own for each {', '.join(missing)}: calibrate with --by {','.join(missing)}" if missing else ""
    basis, warn_basis = limits.basis(name)
    bounds = []
    for key in BOUNDS:
        if math.isfinite(getattr(limit, key)):
            bound = _bound(key, clean, limit, basis=warn_basis if key.startswith("warn") else basis, rates=rates)
            bounds.append(bound if note else _decided(bound, tighten=tighten))
    return Calibrated(clean, limit, _in_order(bounds), note)


def _bound(name: str, clean: Clean, limit: Limit, *, basis: Basis, rates: Rates) -> Bound:
    shipped: float = getattr(limit, name)
    sign = -1 if "low" in name else 1
    rate = rates.of(limit, name)
    level = level_of(sign * clean.values, clean.nights, rate)
    return Bound(name, shipped, basis, rate, level, beyond=int((sign * clean.values > sign * shipped).sum()))


def _decided(bound: Bound, *, tighten: bool) -> Bound:
    tighter = bound.level.found and bound.sign * bound.found < bound.sign * bound.shipped
    moves = bound.level.found if bound.basis is Basis.STATISTICAL else tighten and tighter and bound.basis is Basis.PHYSICAL
    return replace(bound, new=bound.found if moves else None)


def _in_order(bounds: list[Bound]) -> tuple[Bound, ...]:
    """Keep warnings inside what fails: a bound that warns beyond it would never speak."""
    now = {bound.name: bound.shipped if bound.new is None else bound.new for bound in bounds}
    made = []
    for bound in bounds:
        outer = now.get(bound.name.removeprefix("warn_"))
        if bound.name.startswith("warn_") and outer is not None and bound.sign * now[bound.name] > bound.sign * outer:
            made.append(replace(bound, new=outer))
        else:
            made.append(bound)
    return tuple(made)
