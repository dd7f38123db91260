"""What a run says of one unit: the values of its checks beside their limits, with units, outcomes, findings and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units
from astropy.table import Table

from pytest_specqa.checks import call
from pytest_specqa.checks.verdict import Verdict
from pytest_specqa.errors import UsageError
from pytest_specqa.notebook.quantities import unit_of
from pytest_specqa.notebook.showing import Pictures, Shows
from pytest_specqa.plots.canvas import nothing_to_show
from pytest_specqa.run import inside, preparing
from pytest_specqa.run.quota import figure_of
from pytest_specqa.triage.findings import findings
from pytest_specqa.triage.telling import told
from pytest_specqa.values import Outcome, Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOUNDS = ("low", "high", "warn_low", "warn_high")
TEXTS = ("measure", "outcome")
NUMBERS = ("value", "error", *BOUNDS)
NEAREST = 4
"""Measures that are named where another is asked for."""
BAD = (Outcome.FAILED, Outcome.WARNED)


@dataclass(frozen=True)
class Told:
    """How a run is to be made: where, and by which expectations and limits.

    Attributes
    ----------
    root : Path
        Folder of the production.
    name : str
        Its name.
    folders : tuple of Path
        Folders of tests of the user's own, which judge besides the project's.
    limits : Path or None
        Limits of the user.
    """

    root: Path
    name: str
    folders: tuple[Path, ...] = ()
    limits: Path | None = None


class Value(Shows):
    """One judged value, its limits and its place, with units.

    Parameters
    ----------
    record : Record
        The line of a results file.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.name = record["measure"]

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return Outcome(self.record["outcome"])

    @property
    def message(self) -> str:
        """What the run says of it, in a line."""
        return self.record["message"]

    @property
    def value(self) -> units.Quantity:
        """The number; NaN where there is none."""
        return self._quantity(self.record["value"])

    @property
    def error(self) -> units.Quantity:
        """Standard error of `value`; NaN where it has none."""
        return self._quantity(self.record["error"])

    @property
    def limits(self) -> tuple[units.Quantity, units.Quantity]:
        """Range outside of which it fails; infinite on a side without limit."""
        return self._range("low", "high")

    @property
    def warns(self) -> tuple[units.Quantity, units.Quantity]:
        """Range outside of which it warns."""
        return self._range("warn_low", "warn_high")

    @property
    def fibers(self) -> list[tuple[int, int]]:
        """Ranges of FIBER (0-4999) that it speaks of, both ends included."""
        return [(low, high) for low, high in self.record["fibers"]]

    @property
    def waves(self) -> units.Quantity | None:
        """First and last wavelength that it speaks of; ``None`` where it has none."""
        waves = self.record["waves"]
        return units.Quantity(waves, units.AA) if waves else None

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        low, high = self.limits
        return {
            "outcome": str(self.outcome),
            "value": f"{self.value:.4g} ± {self.error.value:.2g}" if np.isfinite(self.error) else f"{self.value:.4g}",
            "limits": f"{low.value:g} to {high:g}",
            "message": self.message,
        }

    def _quantity(self, number: float | None) -> units.Quantity:
        return units.Quantity(math.nan if number is None else number, unit_of(self.record["value_unit"]))

    def _range(self, low: str, high: str) -> tuple[units.Quantity, units.Quantity]:
        first, last = self.record[low], self.record[high]  # type: ignore[literal-required]
        return self._quantity(-math.inf if first is None else first), self._quantity(math.inf if last is None else last)


class Judgement(Shows):
    """What a run found on one unit; `UnitView` makes it when it is first asked for.

    Parameters
    ----------
    name : str
        Id of the unit.
    judged : pytest_specqa.run.inside.Judged
        Records and what pictures need.
    """

    def __init__(self, name: str, judged: inside.Judged) -> None:
        self.name = name
        self.records: list[Record] = judged.records
        self._shown = judged.shown

    def __getitem__(self, measure: str) -> Value:
        """Return one value by the name of its measure; `UsageError` with the nearest where it was not measured."""
        found = [record for record in self.records if record["measure"] == measure]
        if not found:
            known = list(dict.fromkeys(record["measure"] for record in self.records))
            near = get_close_matches(measure, known, n=NEAREST, cutoff=0.0)
            raise UsageError(f"no measure {measure!r} of {self.name}: nearest are {', '.join(near)}")
        return Value(found[0])

    @property
    def verdict(self) -> str:
        """The verdict in a sentence, as a run ends with it."""
        return Verdict.of(self.records).sentence

    @cached_property
    def findings(self) -> list[str]:
        """What the failures and warnings come to, each in a few lines, most telling first."""
        return ["\n".join(told(finding)) for finding in findings(self.records)]

    def table(self) -> Table:
        """Values beside their limits, a row per measure.

        Returns
        -------
        astropy.table.Table
            measure, outcome; value, error, low, high, warn_low, warn_high, in the unit that the column ``unit`` names, NaN for no
            value and infinite for no limit; first and last fiber and wavelength of what was found, -1 and NaN for none; the
            expectation and its message.
        """
        columns: dict[str, Any] = {name: [str(record[name]) for record in self.records] for name in TEXTS}  # type: ignore[literal-required]
        columns |= {name: [_number(record, name) for record in self.records] for name in NUMBERS}
        columns["unit"] = [record["value_unit"] for record in self.records]
        fibers = [[number for pair in record["fibers"] for number in pair] or [-1] for record in self.records]
        waves = [record["waves"] or [math.nan] for record in self.records]
        columns |= {"first_fiber": [min(one) for one in fibers], "last_fiber": [max(one) for one in fibers]}
        columns |= {"first_wave": [one[0] for one in waves], "last_wave": [one[-1] for one in waves]}
        columns |= {name: [record[name] for record in self.records] for name in ("expectation", "message")}
        wavelength = dict.fromkeys(("first_wave", "last_wave"), units.AA)
        return Table(columns, units=wavelength, meta={"unit": self.name, "verdict": self.verdict})

    def pictures(self, *, every: bool = False) -> Pictures:
        """Draw the pictures of what failed or warned, as the report has them.

        Parameters
        ----------
        every : bool
            Whether to draw also those of checks that passed.

        Returns
        -------
        Pictures
            Figures of matplotlib, free of pyplot. One that cannot be drawn says why.
        """
        shown = [one for one in self._shown if every or one.outcome in BAD]
        return Pictures(_drawn(one, picture) for one in shown for picture in one.pictures)

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        headlines = {f"finding {number}": text.splitlines()[0] for number, text in enumerate(self.findings, start=1)}
        return {"verdict": self.verdict, **headlines}


def _number(record: Record, name: str) -> float:
    value = record[name]  # type: ignore[literal-required]
    if value is None:
        return {"low": -math.inf, "warn_low": -math.inf, "high": math.inf, "warn_high": math.inf}.get(name, math.nan)
    return float(value)


def _drawn(shown: inside.Shown, picture: Any) -> Figure:
    try:
        with call.undisturbed():
            return figure_of(picture, unit=shown.unit, measurement=shown.measurement)
    except Exception as error:
        return nothing_to_show(f"{shown.expectation}: {picture.name}", f"could not be drawn: {type(error).__name__}: {error}")


class UnitView(Shows):
    """One unit of a production: a camera, an exposure, a petal, a tile or a night.

    It is judged when its measures or pictures are first asked for, by the expectations, limits and runner of ``pytest qa_tests``.

    Parameters
    ----------
    told : Told
        How a run is to be made.
    name : str
        Id of the unit.
    kind : str
        Kind of the unit.
    selection : mapping of str to object
        Options of pytest that select it.
    """

    def __init__(self, told: Told, name: str, *, kind: str, selection: Mapping[str, object]) -> None:
        self.told = told
        self.name = name
        self._selection = {**selection, "specqa-kinds": kind}

    @cached_property
    def judgement(self) -> Judgement:
        """What the run found; made once."""
        # The measures are compiled once on a machine: a minute in which a notebook should not be silent.
        preparing.ensure(print)
        found = inside.judge(self.told.root, selection=self._selection, folders=self.told.folders, limits=self.told.limits)
        return Judgement(f"{self.name} in {self.told.name}", found)

    @property
    def records(self) -> Sequence[Record]:
        """What was judged, as lines of a results file."""
        return self.judgement.records

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        return self.judgement.verdict

    def measures(self) -> Table:
        """Values beside their limits, a row per measure; see `Judgement.table`."""
        return self.judgement.table()

    def measure(self, name: str) -> Value:
        """One value with its unit, limits and place; `UsageError` where it was not measured."""
        return self.judgement[name]

    def pictures(self, *, every: bool = False) -> Pictures:
        """Pictures of what failed or warned, with `every` of all that has some; see `Judgement.pictures`."""
        return self.judgement.pictures(every=every)

    def findings(self) -> list[str]:
        """What the failures and warnings come to, each in a few lines."""
        return self.judgement.findings

    def facts(self) -> Mapping[str, str]:
        """What its display says; it is not judged for it."""
        judged = self.__dict__.get("judgement")
        return {"production": str(self.told.root), "verdict": judged.verdict if judged else "not judged yet: .measures()"}
