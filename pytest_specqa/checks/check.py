"""One check: a test function on one data unit, what it measured, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_specqa.checks import keeping, wording
from pytest_specqa.checks.outcome import CheckOutcome, reduce_values
from pytest_specqa.errors import LimitError
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, NoValue, Outcome, Record, VectorRecord

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pytest_specqa.rules.limits import Limits


class Picture(NamedTuple):
    """What a picture needs, until it is drawn.

    Attributes
    ----------
    name : str
        Picture family.
    arrays : dict
        What the family takes; what can be called is called when the picture is drawn.
    shows : tuple of str
        Measures that it shows; empty: any of its test.
    """

    name: str
    arrays: dict[str, Any]
    shows: tuple[str, ...] = ()


@dataclass
class Check:
    """Collects what a test measures and judges it.

    Attributes
    ----------
    unit, expectation, nodeid
        What is judged, the name of the test, and its file and instance.
    limits : Limits
        Where the limits of the measures are looked up.
    root : Path
        Folder of the production; products are recorded relative to it.
    survey, program : str
        As the exposure or tile table has them; they choose limits.
    stage : str
        Stage of the reduction that the test declares; empty if it declares none.
    versions : mapping of str to str
        What the values depend on.
    rerun : str
        Command that repeats this check alone.
    measurements : list of Measurement
        In the order in which they were made.
    pictures : list of Picture
        Drawn only if they are needed.
    products : list of Path
        Files that fixtures read for this check, in order: a value speaks of the first of them unless the test names another.
    read : list of Path
        Every file read for this check, by fixtures or by the test itself, in order.
    cameras : dict of str to Path
        The first file of each camera that was read: a value that names its camera speaks of it.
    verified : str
        The weakest `pytest_specqa.values.Verified` among the FITS files of `read`; empty where there are none.
    beyond_products : bool
        Whether the check also rests on what `read` cannot name: a listing, or a file that is missing or damaged.
    notes, extras : list
        What the report says besides, and its pictures.
    waivers : mapping of str to (str, str)
        Waiver and its reason, by measure.
    known : frozenset of str
        Measures whose failure is no regression, if that holds for all that failed.
    setup_error : BaseException or None
        What went wrong before the test function could start.
    crashed : bool
        Whether the test ended with an exception.
    keeps : bool
        Whether the run keeps the numbers of every fiber.
    vectors : list of VectorRecord
        What was kept, in order; the first record carries it.
    """

    unit: DataUnit
    expectation: str
    nodeid: str
    limits: Limits
    root: Path
    survey: str = ""
    program: str = ""
    stage: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    rerun: str = ""
    measurements: list[Measurement] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    products: list[Path] = field(default_factory=list)
    read: list[Path] = field(default_factory=list)
    cameras: dict[str, Path] = field(default_factory=dict)
    verified: str = ""
    beyond_products: bool = False
    notes: list[str] = field(default_factory=list)
    extras: list[dict[str, Any]] = field(default_factory=list)
    waivers: dict[str, tuple[str, str]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    setup_error: BaseException | None = None
    crashed: bool = False
    keeps: bool = False
    vectors: list[VectorRecord] = field(default_factory=list)

    @property
    def result(self) -> CheckOutcome:
        """What became of the check, its waivers and its baseline allowed for."""
        names = ((found.outcome, found.limit.name) for found in self.measurements)
        return reduce_values((outcome, name in self.waivers, name in self.waivers or name in self.known) for outcome, name in names)

    def measure(self, name: str, value: float | Measured, *, product: Path | None = None, detail: str = "") -> Outcome:
        """Judge a value and record it, whatever the outcome.

        Parameters
        ----------
        name : str
            Name in limits.toml.
        value : float or Measured
            A bare number, or one with its error, place and features.
        product : Path or None
            File that the value speaks of; by default the first product of the test.
        detail : str
            One phrase on what a bare number found; a `Measured` has its own.

        Returns
        -------
        Outcome
            What became of it.

        Raises
        ------
        ValueError
            If the test has measured `name` before: the second value could not be told from the first.
        """
        if any(found.limit.name == name for found in self.measurements):
            raise ValueError(f"{name!r} is measured twice in one test; give each value its own name in limits.toml")
        measured = value if isinstance(value, Measured) else Measured(float(value), detail=detail)
        try:
            limit = self.limits.find(name, self.unit, survey=self.survey, program=self.program)
        except LimitError as error:
            self._add(measured, Limit(name), outcome=Outcome.FAILED, message=str(error), product=product)
            return Outcome.FAILED
        outcome = limit.judge(measured)
        message = wording.describe(measured, limit, outcome=outcome)
        self._add(measured, limit, outcome=outcome, message=message, product=product)
        return outcome

    def compare(self, measured: Measured, limit: Limit, *, product: str = "") -> Outcome:
        """Judge a value by a limit that no limits file holds, and record it if it misses.

        Parameters
        ----------
        measured : Measured
            The value.
        limit : Limit
            Its name is that of the record, and must be no other's of the check.
        product : str
            File that the value speaks of, relative to the production.

        Returns
        -------
        Outcome
            What became of it; a value that passes has no record.
        """
        outcome = limit.judge(measured)
        if outcome in (Outcome.WARNED, Outcome.FAILED):
            message = wording.describe(measured, limit, outcome=outcome)
            self._add(measured, limit, outcome=outcome, message=message, product=self.root / product if product else None)
        return outcome

    def fail(self, measure: NoValue, message: str) -> None:
        """Record that the check failed without a value: a crash, a bad product, no measurement at all."""
        self._add(Measured(math.nan), _every_check(measure), outcome=Outcome.FAILED, message=message)

    def not_measured(self, measure: NoValue, reason: str) -> None:
        """Record that there is nothing to measure, and why."""
        reason = wording.one_line(reason)
        self._add(Measured.impossible(reason), _every_check(measure), outcome=Outcome.NOT_MEASURED, message=reason)

    def unreachable(self, reason: str) -> None:
        """Record that a file could not be read from its server, which says nothing about the data."""
        reason = wording.one_line(reason)
        limit = _every_check(NoValue.UNREACHABLE)
        self._add(Measured.impossible(reason), limit, outcome=Outcome.UNREACHABLE, message=reason)

    def _add(self, measured: Measured, limit: Limit, *, outcome: Outcome, message: str, product: Path | None = None) -> None:
        path = product or self.cameras.get(measured.camera) or (self.products[0] if self.products else None)
        self.measurements.append(
            Measurement(
                unit=self.unit,
                expectation=self.expectation,
                measured=measured,
                limit=limit,
                outcome=outcome,
                message=wording.one_line(message),
                product=self._relative(path) if path else "",
                survey=self.survey,
                program=self.program,
                versions=self.versions,
                stage=self.stage,
            )
        )

    def _relative(self, path: Path) -> str:
        return _below(self.root, path)

    def waive(self, judge: Callable[[Record], Record]) -> None:
        """Let waivers speak: `judge` returns a record with ``waiver`` and ``waiver_reason`` set where one covers it."""
        judged = [judge(record) for record in self.records()]
        self.waivers = {
            record["measure"]: (record["waiver"], record.get("waiver_reason", "")) for record in judged if record["waiver"]
        }

    def excuse(self, baseline: Container[tuple[str, str, str]]) -> None:
        """Take what fails as known if each failed measure fails in the baseline (unit, expectation, measure) too."""
        failed = [found.limit.name for found in self._failed()]
        if all((self.unit.id, self.expectation, name) in baseline for name in failed):
            self.known = frozenset(failed)

    def _failed(self) -> list[Measurement]:
        return [found for found in self.measurements if found.outcome is Outcome.FAILED and found.limit.name not in self.waivers]

    def records(self) -> list[Record]:
        """Return the measurements as lines of a results file."""
        read = tuple(dict.fromkeys(self._relative(path) for path in self.read))
        found = [replace(measurement, products=read).as_record() for measurement in self.measurements]
        for record in found:
            record["nodeid"] = self.nodeid
            record["verified"] = self.verified
            if record["measure"] in self.waivers:
                record["waiver"], record["waiver_reason"] = self.waivers[record["measure"]]
            if record["measure"] in self.known:
                record["known"] = True
            if self.beyond_products:
                record["beyond_products"] = True
        if found and self.vectors:
            found[0]["vectors"] = self.vectors
        return found

    def failure(self) -> str:
        """Return one line per failed measurement that no waiver covers and no baseline excuses."""
        failed = [found for found in self._failed() if found.limit.name not in self.known]
        return wording.failure(failed, rerun=self.rerun)

    def excused(self) -> str:
        """Return why what failed does not count: the waivers that cover it with their reasons, or the baseline."""
        waivers = [f"{name}: {reason}" for name, reason in dict.fromkeys(self.waivers.values())]
        waived = [f"waived: {'; '.join(waivers)}"] if waivers else []
        known = [f"known: fails in the baseline too: {', '.join(sorted(self.known))}"] if self.known else []
        return "; ".join([*waived, *known])

    def reason(self) -> str:
        """Return why the check could not be made, in one line."""
        return "; ".join(found.message for found in self.measurements if not found.outcome.judged)


def _every_check(measure: NoValue) -> Limit:
    return Limit(str(measure), source="every check", plain=wording.NO_VALUE[measure])


@lru_cache(maxsize=4096)
def _below(root: Path, path: Path) -> str:
    """Name a file from the root on; a file is named by every check of its camera, five times over."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


class Expect:
    """What a test calls to state an expectation: ``expect("name in limits.toml", value)``."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def __call__(self, name: str, value: float | Measured, *, product: Path | None = None, detail: str = "") -> Outcome:
        """Judge `value` against the limit `name` and record it; the test goes on whatever the outcome.

        Parameters
        ----------
        name : str
            Name in limits.toml.
        value : float or Measured
            NaN fails, unless a `Measured` gives the reason.
        product : Path or None
            File that the value speaks of; by default the first product of the test.
        detail : str
            One phrase on what a bare number found; a `Measured` has its own.

        Returns
        -------
        Outcome
            What became of it.
        """
        return self._check.measure(name, value, product=product, detail=detail)

    def picture(self, name: str, *, shows: str | tuple[str, ...] = (), **arrays: Any) -> None:
        """Keep what a picture needs; it is drawn only if the test fails or warns.

        Parameters
        ----------
        name : str
            Picture family, as `pytest_specqa.plots.draw` knows it.
        shows : str or tuple of str
            Measures of the test that it shows: it is drawn where one of them is the worst of the test. Empty: any of the test.
        **arrays
            What the family takes; a function without arguments is called when the picture is drawn.
        """
        self._check.pictures.append(Picture(name, arrays, (shows,) if isinstance(shows, str) else tuple(shows)))

    def keep(
        self,
        name: str,
        values: ArrayLike | Callable[[], ArrayLike],
        *,
        first: int,
        step: float | None = None,
        errors: ArrayLike | Callable[[], ArrayLike] | None = None,
        waves: ArrayLike = (),
        unit: str = "",
    ) -> None:
        """Keep numbers of every fiber for the history of nights, in runs that do so (``--specqa-vectors``).

        Parameters
        ----------
        name : str
            What they are, such as ``residual``; the same name means the same in every night.
        values : array_like or callable, shape (n_fiber,) or (n_fiber, n_bin)
            One row for each fiber, in the order of FIBER and without gaps; NaN where not known. A function without arguments is
            called only if they are kept. If that fails, the verdict stands, and a warning and a note of the report say so.
        first : int
            FIBER of row 0.
        step : float or None
            What they are rounded to, a quarter to three quarters of their error; 0 keeps them as numbers of 32 bits. By default
            half of the median of `errors`, or, where there are none, a fiftieth of the median size.
        errors : array_like or callable, or None
            Their standard errors, of the same shape: kept as `name` with ``_error`` behind it.
        waves : array_like
            The n_bin + 1 edges of the bins in Angstrom.
        unit : str
            Unit of the values.
        """
        if self._check.keeps:
            keeping.keep(self._check, keeping.Kept(name, values, first, step, errors, waves, unit))

    def not_expected(self, reason: str) -> None:
        """Record that there is nothing to judge on this unit, and why; the outcome is *not measured*."""
        self._check.not_measured(NoValue.SKIPPED, reason)
