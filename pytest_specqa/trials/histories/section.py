"""What the page of the judgement says of the search over nights: power, false alarms, cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_specqa.results.history.changes import Change
from pytest_specqa.trials.histories.experiments import LENGTHS, MULTIPLES, SIZES, observations
from pytest_specqa.trials.histories.measured import Searched
from pytest_specqa.trials.histories.rates import POWER, REPORTED, fewest
from pytest_specqa.trials.histories.redshifts import CLEAN_OUTLIERS
from pytest_specqa.trials.histories.scoring import Found
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.writing import table, write_csv

TITLE = "Over the nights"
PARTS = ("reported", "steps", "redshifts", "clean")
"""What is planted: one fault of each reported kind; steps of many sizes and lengths; bad fibers of the reported rates; nothing."""
_PLANTED = (
    "what",
    "camera",
    "fibers",
    "waves",
    "shape",
    "size",
    "planted",
    "found",
    "starts off by",
    "ends off by",
    "sigmas",
    "as",
)

Table = tuple[list[str], list[list[object]]]
"""Header and rows."""


@dataclass(frozen=True)
class Parts:
    """Histories that were searched, by what was planted in them.

    Attributes
    ----------
    reported, steps, redshifts, clean : list of Searched
        One fault of each reported kind; steps of many sizes and lengths; bad fibers of the reported rates; nothing.
    """

    reported: list[Searched] = field(default_factory=list)
    steps: list[Searched] = field(default_factory=list)
    redshifts: list[Searched] = field(default_factory=list)
    clean: list[Searched] = field(default_factory=list)

    @property
    def all(self) -> list[Searched]:
        """All of them."""
        return [*self.reported, *self.steps, *self.redshifts, *self.clean]


def section(parts: Parts, data: Path) -> str:
    """Write the section, and its tables beside the page.

    Parameters
    ----------
    parts : Parts
        What was searched.
    data : Path
        Folder of the tables.

    Returns
    -------
    str
        Markdown.
    """
    data.mkdir(parents=True, exist_ok=True)
    rows = [planted_row(found) for one in parts.reported for found in one.found]
    write_csv(data / "history.csv", _PLANTED, rows)
    steps = step_rows(found for one in parts.steps for found in one.found)
    if parts.steps:
        write_csv(data / "history_power.csv", *steps)
    bad = redshift_rows(found for one in parts.redshifts for found in one.found)
    if parts.redshifts:
        write_csv(data / "history_redshifts.csv", *bad)
    write_csv(data / "history_alarms.csv", *alarm_rows(parts.all))
    return f"""## {TITLE}

What `specqa history` finds in simulated stores, and what it finds where nothing is wrong. The numbers come from

{_commands(parts)}

(with `--docs docs`, for all parts in turn, this section is written anew). The stores hold what runs of the suite keep: measures
drawn from `judgement/clean_values.csv`, residuals of 500 fibers in bins of 32 pixels, and what sky lines and redshifts tell of each
fiber; their scatter is that of twenty nights of real runs on the demo. Cameras and fibers differ for good, nights remember the ones
before, programs follow the moon, weather takes nights and a shutdown takes weeks, a fiber is flagged for some weeks, objects have
features that every exposure of their tile shows, and a new version of the code changes all cameras at once: none of that may be
found. {_cost(parts.all)}

### False alarms

{table(*_alarms(parts))}

Changes where nothing was planted, of all histories: `judgement/history_alarms.csv`.

### Faults of the reported kinds

Sizes are in standard deviations of one clean value (of redshifts: the part of the objects). Dates are off by so many nights with
exposures; negative is too early. What starts and ends too early by about a hundred nights is the complement of the fault: the
search saw the change, and took the sound nights for the bad ones.

{table(_PLANTED, rows)}{_power(parts, steps)}{_astray(parts, bad)}"""


def _power(parts: Parts, steps: Table) -> str:
    if not parts.steps:
        return ""
    return f"""

### Power by size and length

Found of planted: a defect of one fiber in one bin (sigmas of that bin in one exposure), a shift of a block of 25 fibers (errors of
one fiber in one exposure), a step of a camera's measure (standard deviations). {_lengths(parts.steps)}

{table(*steps)}"""


def _astray(parts: Parts, bad: Table) -> str:
    if not parts.redshifts:
        return ""
    seen = max(observations(one.history.survey).sum() for one in parts.redshifts)
    return f"""

### Redshifts that go astray in one fiber

{CLEAN_OUTLIERS:.2%} of the redshifts of a sound fiber are wrong. A binomial test that knew the true rate, over 5,000 fibers and 100
ranges of dates with 0.05 false alarms in all, has {POWER:.0%} power from the observations in the third column on. It would know
every outlier; the search knows those at redshifts that are improbable for their tracer. Here that is nearly all of bright and red
galaxies, and hardly any of emission-line galaxies and quasars, whose redshifts lie everywhere: 0.44 of what is planted. No fiber
has more than {seen:.0f} observations here: what takes more is cut short.

{table(*bad)}"""


def seed_of(part: str, seed: int) -> int:
    """Seed of a part whose nights are to be others than those of the other parts."""
    return seed + 100 * PARTS.index(part)


def _commands(parts: Parts) -> str:
    lines = []
    for name in PARTS:
        for one in getattr(parts, name)[:1]:
            survey = one.history.survey
            words = (
                f"--parts {name} --nights {survey.nights} --exposures {survey.exposures} --seed {survey.seed - seed_of(name, 0)}"
            )
            cameras = f" --cameras {','.join(survey.cameras)}" if one.history.spectra else ""
            lines.append(f"    python benchmarks/history.py {words}{cameras}")
    return "\n".join(lines)


def planted_row(found: Found) -> list[object]:
    """Return a row that compares a planted fault with what was found of it."""
    plant, best = found.plant, found.changes[0] if found.changes else None
    waves = "" if plant.waves is None else _range(*(f"{wave:.0f}" for wave in plant.waves))
    return [
        f"{plant.name} ({plant.what})",
        plant.camera,
        "" if plant.fibers is None else _range(*map(str, plant.fibers)),
        waves,
        plant.shape,
        f"{plant.size:g}",
        f"{found.first}-{found.last}" if found.struck else "in no exposure",
        "missed" if best is None else f"{best.first[0]}-{best.last[0]}",
        "" if found.early is None else f"{found.early:+d}",
        "" if found.late is None else f"{found.late:+d}",
        "" if best is None else f"{best.significance:.1f}",
        "" if best is None else f"{best.what}, {best.scope}, {best.shape}",
    ]


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}-{high}"


def step_rows(found: Iterable[Found]) -> Table:
    """Return how many steps were found by what they change, size and length."""
    counts: dict[tuple[str, float], dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        length = one.plant.days[1] - one.plant.days[0] + 1
        counts[one.plant.what, one.plant.size][length].append(bool(one.changes))
    lengths = sorted({length for found_of in counts.values() for length in found_of})
    kinds = [(what, size) for what in SIZES for size in SIZES[what] if (what, size) in counts]
    rows: list[list[object]] = [[kind[0], f"{kind[1]:g}", *(_hits(counts[kind][length]) for length in lengths)] for kind in kinds]
    return ["changed", "size", *(f"{length} nights" for length in lengths)], rows


def _hits(found: Sequence[bool]) -> str:
    return f"{sum(found)} of {len(found)}" if found else "-"


def redshift_rows(found: Iterable[Found]) -> Table:
    """Return how many bad fibers were found by rate and number of observations."""
    counts: dict[str, list[bool]] = defaultdict(list)
    for one in found:
        counts[one.plant.name].append(bool(one.changes))
    rows: list[list[object]] = []
    for rate in REPORTED:
        limit = fewest(rate, clean=CLEAN_OUTLIERS)
        own = [counts[f"{rate:g} x {multiple:g}"] for multiple in MULTIPLES]
        if any(own):
            rows.append([f"{CLEAN_OUTLIERS:.2%}", f"{rate:.1%}", limit, *map(_hits, own)])
    return ["base rate", "rate of the fiber", "binomial limit", *(f"{multiple:g} x limit" for multiple in MULTIPLES)], rows


def alarm_rows(searched: Iterable[Searched]) -> Table:
    """Return every change that was found where nothing was planted."""
    rows: list[list[object]] = [
        [one.history.survey.seed, *_told(change)] for one in searched for change in one.alarms
    ]  # fmt: skip
    return ["seed", "what", "scope", "shape", "camera", "fibers", "waves", "first", "last", "size", "significance"], rows


def _told(change: Change) -> list[object]:
    fibers = "" if change.fibers is None else _range(*map(str, change.fibers))
    waves = "" if change.waves is None else _range(*(f"{wave:.0f}" for wave in change.waves))
    place = [change.what, change.scope, change.shape, change.camera, fibers, waves]
    return [*place, change.first[0], change.last[0], f"{change.size:.3g}", f"{change.significance:.2f}"]


def _alarms(parts: Parts) -> Table:
    rows: list[list[object]] = []
    named = {"nothing": parts.clean, "one of each kind": parts.reported, "steps": parts.steps, "bad redshifts": parts.redshifts}
    for name, searched in named.items():
        if searched:
            nights = sum(one.history.survey.nights for one in searched)
            alarms = sum(len(one.alarms) for one in searched)
            cameras = len(searched[0].history.survey.cameras) if searched[0].history.spectra else 0
            petals = len(searched[0].history.survey.petals) if searched[0].history.redshifts else 0
            upper = 1000 * Rate(alarms, nights).upper
            rows.append([name, nights, cameras, petals, alarms, f"{1000 * alarms / nights:.3g}", f"{upper:.2g}"])
    return ["planted", "nights", "cameras", "petals of redshifts", "false alarms", "per 1,000 nights", "95 % upper limit"], rows


def _cost(searched: Sequence[Searched]) -> str:
    if not searched:
        return ""
    largest = max(searched, key=lambda one: one.exposures * one.history.spectra)
    return (
        f"The largest store has {largest.history.survey.nights} nights and {largest.exposures} camera-exposures in "
        f"{largest.size:.0f} MB; the search took {largest.seconds:.0f} s and {largest.memory:.0f} MB of memory."
    )


def _lengths(searched: Sequence[Searched]) -> str:
    if not searched:
        return ""
    survey = searched[0].history.survey
    return f"Nights have {survey.exposures} exposures on average; the steps last {_words(LENGTHS)} of {survey.nights} nights."


def _words(parts: Sequence[float]) -> str:
    *others, last = (f"{part:.0%}" for part in parts)
    return f"{', '.join(others)} or {last}"
