"""The words of pytest-specqa as frozen values: what is judged, what was found, what it must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NotRequired, TypedDict


class Outcome(StrEnum):
    """What became of a measurement; `rank` orders them from best to worst.

    Attributes
    ----------
    PASSED, WARNED, FAILED
        It was judged by its limit.
    NOT_MEASURED
        The data cannot tell, or there are none as planned.
    UNREACHABLE
        A file could not be read from its server in spite of retries, which says nothing about the data: it never fails a check, and
        never counts as measured.
    """

    PASSED = "passed"
    NOT_MEASURED = "not measured"
    UNREACHABLE = "unreachable"
    WARNED = "warned"
    FAILED = "failed"

    @property
    def rank(self) -> int:
        """Position from best (0) to worst (4)."""
        return list(Outcome).index(self)

    @property
    def judged(self) -> bool:
        """Whether it came to a value that a limit has judged."""
        return self not in UNJUDGED


UNJUDGED = frozenset({Outcome.NOT_MEASURED, Outcome.UNREACHABLE})
"""Outcomes of what came to no value, which proves nothing."""


class Severity(StrEnum):
    """What a value outside its limit does to the run."""

    WARN = "warn"
    FAIL = "fail"


class Verified(StrEnum):
    """How much of a file was verified by sums that it carries; `rank` orders the levels from weakest to strongest.

    Attributes
    ----------
    NONE
        Some of the data that were read have no sum.
    DATASUM
        All data that were read are what their DATASUM (or CHECKSUM) says, each header that has a CHECKSUM is what that says.
    CRC
        The whole file is as it was written: the CRC of every gzip member holds; in a file that is not packed, where every HDU
        has a CHECKSUM, all of these do.
    """

    NONE = "none"
    DATASUM = "datasum"
    CRC = "crc"

    @property
    def rank(self) -> int:
        """Position from weakest (0) to strongest (2)."""
        return list(Verified).index(self)


class NoValue(StrEnum):
    """Measures that stand for a check that came to no value of its own, whatever it expects."""

    CRASH = "crash"
    PRODUCT = "product"
    NOTHING = "made_no_measurement"
    SKIPPED = "not_expected"
    UNREACHABLE = "unreachable"


GROUPS = ("cumulative", "older", "pernight", "perexp", "healpix")
"""Reductions that are read: folders below ``tiles/``, those that had none before Everest, and pixels of the sky. Where several are
there and none is asked for, the first is judged."""
BY_NIGHT = ("cumulative", "pernight", "older")
"""Those of `GROUPS` whose folders are named by a night."""
TOGETHER = {"exposure": ("camera", "exposure"), "tile": ("petal", "tile"), "night": ("night",)}
"""Units of a night that are judged together, in the order in which they are wanted."""
NO_NIGHT = 0
"""Stands for the night of what is of no night: a pixel of the sky has spectra of many."""


@dataclass(frozen=True)
class DataUnit:
    """What one test instance judges: a camera, an exposure, a tile petal, a tile, a night, or a pixel of the sky.

    Attributes
    ----------
    kind : str
        ``camera``, ``exposure``, ``petal``, ``tile``, ``night`` or ``healpix``.
    night : int
        YYYYMMDD; for tiles the last night that is included; `NO_NIGHT` for a pixel, whose spectra are of many nights.
    expid, tile, petal : int or None
        Exposure number, tile number and petal, where they apply; of a reduction of one exposure (``perexp``) that exposure.
    camera : str or None
        Name such as ``r6``.
    group, suffix : str
        Tiles: the folder below ``tiles/`` and the file suffix, such as ``cumulative`` and ``thru20211014``. Pixels: ``healpix`` and
        ``SURVEY-PROGRAM-PIXEL``.
    """

    kind: str
    night: int
    expid: int | None = None
    tile: int | None = None
    camera: str | None = None
    petal: int | None = None
    group: str = ""
    suffix: str = ""

    @property
    def id(self) -> str:
        """The test id; stable across productions, it joins runs."""
        if self.kind == "camera":
            return f"{self.night}-{self.expid:08d}-{self.camera}"
        if self.kind == "exposure":
            return f"{self.night}-{self.expid:08d}"
        if self.kind == "healpix":
            return f"healpix-{self.suffix}"
        if self.kind in ("petal", "tile"):
            # Two exposures of a tile and night have a reduction each in ``perexp``.
            one = "" if self.expid is None else f"-{self.expid:08d}"
            return f"{self.tile}-{self.night}{one}{'' if self.petal is None else f'-petal{self.petal}'}"
        return str(self.night)

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True)
class Feature:
    """One thing found in the data, with its place.

    Attributes
    ----------
    kind : str
        ``line``, ``bump``, ``edge``, ``nebular``, ``step``, ``patch``, ``petal``, ``gradient``, ``window`` ...
    fibers : tuple of int
        First and last FIBER (0-4999), both included.
    waves : tuple of float
        Wavelength range in Angstrom, as written in the file; redshift range for ``window``.
    amplitude, error : float
        Size and its standard error, in `unit`.
    significance : float
        Gaussian sigmas after the look-elsewhere correction.
    unit, label : str
        Unit of the amplitude; a short name for the picture.
    """

    kind: str
    fibers: tuple[int, int]
    waves: tuple[float, float]
    amplitude: float
    error: float
    significance: float
    unit: str = ""
    label: str = ""


@dataclass(frozen=True)
class Peer:
    """One of the petals among which a value was found: what a picture of it compares.

    Attributes
    ----------
    petal : int
        Petal 0-9.
    series : str
        What it is compared within: a band, or a band and an exposure.
    value, error : float
        Before anything is taken off for noise.
    chosen : bool
        Whether the value speaks of this one.
    """

    petal: int
    series: str
    value: float
    error: float = 0.0
    chosen: bool = False


@dataclass(frozen=True)
class Measured:
    """A number that a measure found, with all that is needed to judge and to report it.

    Attributes
    ----------
    value : float
        The number that is compared with the limit. NaN without `reason` fails.
    error : float or None
        Standard error of `value`.
    sensitivity : float or None
        Smallest value that this data set could have told from zero at the false-alarm rate of the limit; compared with the
        limit's `needs`.
    fibers : tuple of (int, int)
        Inclusive ranges of FIBER (0-4999) that the value speaks of.
    waves : tuple of float or None
        Wavelength range in Angstrom.
    detail : str
        One phrase: what was found, where, and what it suggests.
    features : tuple of Feature
        What was found, worst first.
    reason : str
        Why nothing could be measured; a value with a reason is *not measured*.
    camera : str
        Camera that the value speaks of, where it was found among several.
    peers : tuple of Peer
        The petals among which it was found, where petals are compared.
    """

    value: float
    error: float | None = None
    sensitivity: float | None = None
    fibers: tuple[tuple[int, int], ...] = ()
    waves: tuple[float, float] | None = None
    detail: str = ""
    features: tuple[Feature, ...] = ()
    reason: str = ""
    camera: str = ""
    peers: tuple[Peer, ...] = ()

    @classmethod
    def impossible(cls, reason: str, sensitivity: float | None = None) -> Measured:
        """A value that this data set cannot give, and why."""
        return cls(value=math.nan, reason=reason, sensitivity=sensitivity)


@dataclass(frozen=True)
class Limit:
    """The range that a measure must lie in.

    A value outside ``[low, high]`` has `severity`; one inside it but outside ``[warn_low, warn_high]`` warns. `needs` is the
    largest sensitivity (in the unit of the value) at which the limit can be judged at all. `plain` calls the measure by a few words
    that need no legend, and `doc` says what a miss means and what to do; both may be empty.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    severity: Severity = Severity.FAIL
    source: str = ""
    warn_low: float = -math.inf
    warn_high: float = math.inf
    needs: float = math.inf
    plain: str = ""
    doc: str = ""

    def judge(self, measured: Measured) -> Outcome:
        """Compare a value with this limit; anything that is not provably inside is no pass."""
        if measured.reason:
            return Outcome.NOT_MEASURED
        outside = Outcome.FAILED if self.severity is Severity.FAIL else Outcome.WARNED
        if math.isnan(measured.value):
            return Outcome.FAILED
        if not self.low <= measured.value <= self.high:
            return outside
        if not self.warn_low <= measured.value <= self.warn_high:
            return Outcome.WARNED
        if measured.sensitivity is not None and not measured.sensitivity <= self.needs:
            return Outcome.NOT_MEASURED
        return Outcome.PASSED


TREND = "_trend"
"""How the measure of a record is named that compares a value with its own past: its limit stands in no limits file."""
MAX_FEATURES = 6
"""Features of a value that are kept with its record: a place has one, and a night holds a hundred thousand records."""


class FeatureRecord(TypedDict):
    """A `Feature` as a part of a record; what is not finite is ``None``."""

    kind: str
    fibers: list[int]
    waves: list[float]
    amplitude: float | None
    error: float | None
    significance: float | None
    unit: str
    label: str


class VectorRecord(TypedDict):
    """A `pytest_specqa.vectors.Vector` as a part of a record.

    Attributes
    ----------
    name, unit : str
        What it is, and the unit of its values.
    first : int
        FIBER of its first row.
    shape : list of int
        Fibers, or fibers and bins.
    step : float
        What one unit of the stored integers stands for; 0 where the values are stored as they are.
    waves : list of float
        Edges of the bins in Angstrom; empty without bins.
    dtype : str
        One of ``i1``, ``i2``, ``i4`` and ``f4``.
    data : str
        Base64 of zlib of the little-endian numbers, row by row; the lowest integer, or NaN, where a value is not known.
    """

    name: str
    first: int
    shape: list[int]
    step: float
    waves: list[float]
    unit: str
    dtype: str
    data: str


class Record(TypedDict):
    """One judged value as a line of a results file; what is not finite is ``None``.

    Results that were stored by an older version lack ``stage``, ``products``, ``run`` and ``planned``.

    Attributes
    ----------
    unit, kind, night, expid, tile, camera, petal
        The `DataUnit`: its id and its parts.
    expectation, measure : str
        Name of the test, and name of the limit.
    plain, doc : str
        What the limits file calls the measure in plain words, and what a miss of it means and what to do; empty where it says
        neither. A value that did not fail or warn has no ``doc``.
    value, error, value_unit, low, high, warn_low, warn_high, severity, sensitivity, needs, source
        What was measured, and the `Limit` that it was compared with.
    outcome : str
        An `Outcome`.
    fibers, waves : list
        Place of what was found: inclusive ranges of FIBER (0-4999), and a range in Angstrom.
    product : str
        The file that the value speaks of, relative to the production.
    stage : str
        Stage of the reduction that the expectation declares; empty where it declares none.
    products : list of str
        Every file that the check read, in order and without repeats, relative to the production.
    verified : str
        A `Verified`: the weakest level among the FITS files that the check read; empty where it read none.
    message : str
        One line for a person.
    survey, program : str
        Of the exposure or tile.
    waiver, waiver_reason : str
        The waiver that covers a failure or warning; empty without one.
    versions : dict of str to str
        What the value depends on.
    nodeid : str
        File and instance of the test.
    known : bool
        It fails in the baseline of this run too, so that it is no regression.
    beyond_products : bool
        The check also rests on what `products` cannot name: a listing of the production, or a file that is missing or damaged.
    features : list of mapping
        What a value that failed or warned found, worst first and at most `MAX_FEATURES`: the fields of `Feature` by name.
    detail : str
        The phrase of the measure: what was found, where, and what it suggests.
    reused : bool
        Taken over from the other side of a comparison.
    run : str
        Names the run of pytest that made it.
    planned : int
        Number of checks, one for each unit and expectation, that this run meant to make: results that hold fewer of them are not
        whole. Absent where it is not known.
    code, limits, inputs : str
        Short digests of what the value depends on: the package with what it computes with, the limits in force for the test, and
        the products that the check read. Empty or absent where they are not known.
    vectors : list of mapping
        What the check kept for the history of each fiber (`pytest_specqa.vectors`), on the first of its records only; absent where
        it kept nothing.
    """

    unit: str
    kind: str
    night: int
    expid: int | None
    tile: int | None
    camera: str | None
    petal: int | None
    expectation: str
    measure: str
    value: float | None
    error: float | None
    value_unit: str
    low: float | None
    high: float | None
    warn_low: float | None
    warn_high: float | None
    severity: str
    outcome: str
    sensitivity: float | None
    needs: float | None
    fibers: list[list[int]]
    waves: list[float] | None
    product: str
    source: str
    message: str
    survey: str
    program: str
    waiver: str
    versions: dict[str, str]
    stage: NotRequired[str]
    products: NotRequired[list[str]]
    verified: NotRequired[str]
    waiver_reason: NotRequired[str]
    nodeid: NotRequired[str]
    known: NotRequired[bool]
    beyond_products: NotRequired[bool]
    plain: NotRequired[str]
    doc: NotRequired[str]
    features: NotRequired[list[FeatureRecord]]
    detail: NotRequired[str]
    reused: NotRequired[bool]
    run: NotRequired[str]
    planned: NotRequired[int]
    code: NotRequired[str]
    limits: NotRequired[str]
    inputs: NotRequired[str]
    vectors: NotRequired[list[VectorRecord]]


def key_of(record: Record) -> tuple[str, str, str]:
    """What a record is found by again: its unit, expectation and measure."""
    return record["unit"], record["expectation"], record["measure"]


def judged_as(record: Record) -> str:
    """Name what a record measures: for a trend, the measure whose value is off against its own past."""
    return record["measure"].removesuffix(TREND)


def called(record: Record) -> str:
    """Call the measure of a record by plain words: those of its limit, or its name where it has none."""
    return record.get("plain") or record["measure"].replace("_", " ")


PROPERTY = "specqa"
"""Name of the user property in which a test report carries a record."""


@dataclass(frozen=True)
class Measurement:
    """One judged value: a line of the results file."""

    unit: DataUnit
    expectation: str
    measured: Measured
    limit: Limit
    outcome: Outcome
    message: str
    product: str = ""
    survey: str = ""
    program: str = ""
    waiver: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    stage: str = ""
    products: tuple[str, ...] = ()

    def as_record(self) -> Record:
        """Flat, JSON-ready form; NaN and infinities become ``None``."""
        measured, limit, unit = self.measured, self.limit, self.unit
        record: Record = {
            "unit": unit.id,
            "kind": unit.kind,
            "night": unit.night,
            "expid": unit.expid,
            "tile": unit.tile,
            "camera": unit.camera,
            "petal": unit.petal,
            "expectation": self.expectation,
            "measure": limit.name,
            "value": _finite(measured.value),
            "error": _finite(measured.error),
            "value_unit": limit.unit,
            "low": _finite(limit.low),
            "high": _finite(limit.high),
            "warn_low": _finite(limit.warn_low),
            "warn_high": _finite(limit.warn_high),
            "severity": str(limit.severity),
            "outcome": str(self.outcome),
            "sensitivity": _finite(measured.sensitivity),
            "needs": _finite(limit.needs),
            "fibers": [[int(low), int(high)] for low, high in measured.fibers],
            "waves": [float(wave) for wave in measured.waves] if measured.waves else None,
            "product": self.product,
            "plain": limit.plain,
            "products": list(self.products),
            "stage": self.stage,
            "source": limit.source,
            "message": self.message,
            "survey": self.survey,
            "program": self.program,
            "waiver": self.waiver,
            "versions": dict(self.versions),
        }
        # What passed has nothing to show, and is most of a night.
        if self.outcome in (Outcome.FAILED, Outcome.WARNED):
            record["features"] = [_as_record(feature) for feature in measured.features[:MAX_FEATURES]]
            record["detail"] = measured.detail
            record["doc"] = limit.doc
        return record


def _as_record(feature: Feature) -> FeatureRecord:
    return {
        "kind": feature.kind,
        "fibers": [int(fiber) for fiber in feature.fibers],
        "waves": [float(wave) for wave in feature.waves],
        "amplitude": _finite(feature.amplitude),
        "error": _finite(feature.error),
        "significance": _finite(feature.significance),
        "unit": feature.unit,
        "label": feature.label,
    }


def _finite(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None


@dataclass(frozen=True)
class Exposure:
    """One exposure as the listing and the exposure table know it.

    Attributes
    ----------
    cameras : tuple of str
        Cameras to judge: those on disk and those that the table expects (good cameras of its CAMWORD).
    expected : tuple of str or None
        Cameras that the exposure table expects; ``None`` where no table says so.
    laststep : str
        LASTSTEP of the table (``all`` where unknown).
    """

    night: int
    expid: int
    tile: int | None
    cameras: tuple[str, ...]
    expected: tuple[str, ...] | None = None
    laststep: str = "all"
    obstype: str = "science"
    survey: str = ""
    program: str = ""
    exptime: float = math.nan
    badamps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Visit:
    """One exposure of a tile as far as one petal goes: what the exposure table says of it, and which spectra of it there are.

    Attributes
    ----------
    night, expid : int
        Which exposure.
    tile : int or None
        Its tile by the table; ``None`` where the table has none.
    laststep : str
        LASTSTEP of the table; empty where the table of its night does not list the exposure.
    cameras : tuple of str
        Cameras of the petal that the table calls good.
    spectra : tuple of str
        Cameras of the petal whose calibrated spectra are on disk.
    exptime, efftime : float
        EXPTIME and EFFTIME_ETC of the table in seconds; NaN where it does not say.
    """

    night: int
    expid: int
    tile: int | None
    laststep: str = "all"
    cameras: tuple[str, ...] = ()
    spectra: tuple[str, ...] = ()
    exptime: float = math.nan
    efftime: float = math.nan


@dataclass(frozen=True)
class Tile:
    """One reduction of one tile, ``tiles/GROUP/TILEID/GROUPID`` with its petals, or of one pixel of the sky.

    Attributes
    ----------
    tile : int
        TILEID; in the group ``healpix`` the number of the pixel (nside 64, nested).
    night : int
        YYYYMMDD, for a cumulative one the last that is included; `NO_NIGHT` where the reduction is of none, or it is not known.
    group : str
        ``cumulative``, ``pernight``, ``perexp``, another folder below ``tiles/``, ``older`` for ``tiles/TILEID/NIGHT`` as before
        Everest, or ``healpix``.
    suffix : str
        What ends the names of its files: ``thru20211014``, ``20211014``, ``exp00104284``, or ``SURVEY-PROGRAM-PIXEL``.
    petals : tuple of int
        None for a pixel, whose spectra are of any petal.
    survey, program : str
        As tables and folders have them.
    """

    tile: int
    night: int
    group: str
    suffix: str
    petals: tuple[int, ...]
    survey: str = ""
    program: str = ""

    @property
    def expid(self) -> int | None:
        """The exposure that a reduction of one exposure is of."""
        number = self.suffix.removeprefix("exp")
        return int(number) if self.group == "perexp" and number.isdecimal() else None

    def may_rest_on(self, night: int, expid: int) -> bool:
        """Tell whether an exposure of the tile is among those that such a reduction is made of."""
        if self.group == "perexp":
            return expid == self.expid
        return night == self.night if self.group in ("pernight", "older") else night <= self.night
