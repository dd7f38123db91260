"""Limits as data: files in layers, looked up for one unit; `pytest_specqa.rules.limits_file` reads them.

A limits file holds one table per measure::

    [sky_chromatic_variation]
    name = "sky model uneven between fibers"
    high = 0.02            # outside low..high the measure has the severity below
    warn_high = 0.01       # inside, but outside warn_low..warn_high, it warns
    needs = 0.01           # the largest sensitivity at which it can be judged at all
    unit = ""
    severity = "fail"      # or "warn"
    basis = "physical"     # what low and high rest on: a member of `Basis`
    warn_basis = "statistical"   # what warn_low and warn_high rest on
    source = "desispec PR 1452"
    doc = "what it means and what to do"

    [[sky_chromatic_variation.when]]   # applies where every given key matches; the last match wins
    nights = "20211101:"
    survey = "main"                    # survey, program, band and camera take one name or a list
    high = 0.03

A later layer (the user's file) changes only the keys that it gives, and always wins.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_specqa.errors import LimitError
from pytest_specqa.rules.toml_lines import LinedToml
from pytest_specqa.values import DataUnit, Limit, Severity

BOUNDS = ("low", "high", "warn_low", "warn_high", "needs")
TEXTS = ("name", "unit", "severity", "basis", "warn_basis", "source", "doc")
SELECTORS = ("nights", "survey", "program", "band", "camera")
Source = LinedToml[LimitError]


class Basis(StrEnum):
    """What a limit rests on, and so what may be done to it.

    Attributes
    ----------
    EXACT
        What the value is by definition: nothing else is sound, however often it is found.
    PHYSICAL
        The size at which it does harm, a requirement of a survey, the design of an instrument. What a production does is no
        reason to allow more.
    STATISTICAL
        What sound units reach: a false-alarm rate, or an estimate of what is usual. Another production may reach something else.
    """

    EXACT = "exact"
    PHYSICAL = "physical"
    STATISTICAL = "statistical"


@dataclass(frozen=True)
class Override:
    """Values that hold only for some nights, surveys, programs, bands or cameras."""

    values: Mapping[str, Any]
    nights: tuple[int, int]
    names: Mapping[str, tuple[str, ...]]

    def matches(self, unit: DataUnit, *, survey: str, program: str) -> bool:
        """Tell whether every selector that is given accepts the unit."""
        found = {"survey": survey, "program": program, "band": (unit.camera or "")[:1], "camera": unit.camera or ""}
        return self.nights[0] <= unit.night <= self.nights[1] and all(found[key] in names for key, names in self.names.items())


@dataclass(frozen=True)
class Entry:
    """One table of one limits file."""

    name: str
    values: Mapping[str, Any]
    overrides: tuple[Override, ...]
    source: Source


@dataclass(frozen=True)
class Limits:
    """All layers, lowest first."""

    layers: tuple[Mapping[str, Entry], ...] = field(default_factory=tuple)

    @property
    def names(self) -> list[str]:
        """Every measure that has a limit."""
        return sorted({name for layer in self.layers for name in layer})

    def find(self, name: str, unit: DataUnit, *, survey: str = "", program: str = "") -> Limit:
        """Return the limit of a measure for one unit.

        Parameters
        ----------
        name : str
            Name of the table.
        unit : DataUnit
            Decides, with `survey` and `program`, which overrides apply.
        survey, program : str
            As the exposure table has them.

        Returns
        -------
        Limit
            Its ``source`` names the file that the numbers come from.

        Raises
        ------
        LimitError
            If no layer has the name; the message gives the nearest names.
        """
        values: dict[str, Any] = {}
        for layer in self.layers:
            if name in layer:
                values |= layer[name].values
                for override in layer[name].overrides:
                    if override.matches(unit, survey=survey, program=program):
                        values |= override.values
        if not values:
            near = difflib.get_close_matches(name, self.names, n=3) or self.names[:3]
            raise LimitError(
                f"no limit is named {name!r}; nearest: {', '.join(near) or 'none'}; add a table [{name}] to limits.toml"
            )
        return limit_of(name, values)

    def doc(self, name: str) -> str:
        """Return what a measure means and what to do about it."""
        return self._text(name, "doc")

    def plain(self, name: str) -> str:
        """Return what a measure is called in plain words; empty where no layer says it."""
        return self._text(name, "name")

    def basis(self, name: str) -> tuple[Basis, Basis]:
        """Return what the limit of a measure rests on, and what its warning does; a limit that does not say so is physical."""
        basis = Basis(self._text(name, "basis") or Basis.PHYSICAL)
        usual = Basis.EXACT if basis is Basis.EXACT else Basis.STATISTICAL
        return basis, Basis(self._text(name, "warn_basis") or usual)

    def _text(self, name: str, key: str) -> str:
        found = [layer[name].values[key] for layer in self.layers if name in layer and key in layer[name].values]
        return str(found[-1]) if found else ""

    def where(self, name: str) -> str:
        """Return ``file:line`` of the highest table of a measure."""
        highest = [layer[name].source for layer in self.layers if name in layer][-1]
        return highest.where(name)


def limit_of(name: str, values: Mapping[str, Any]) -> Limit:
    """Return the limit that the merged keys of a table describe."""
    numbers = {key: float(values[key]) for key in BOUNDS if key in values}
    severity = Severity(values.get("severity", "fail"))
    return Limit(
        name=name,
        plain=values.get("name", ""),
        doc=values.get("doc", ""),
        unit=values.get("unit", ""),
        severity=severity,
        source=values.get("source", ""),
        **numbers,
    )
