"""The judgement as a page: Markdown with its tables as CSV and its curves as pictures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.rules.limits import Limits
from pytest_specqa.trials import plan, reported, tables
from pytest_specqa.trials.runner import why_not
from pytest_specqa.trials.scenes import RANGES
from pytest_specqa.trials.statistics import Power, Rate
from pytest_specqa.trials.trials import Result
from pytest_specqa.values import DataUnit, Outcome

NAMED = ("vertical_lines", "sky_model_smooth", "focal_plane", "redshift_pileup")
"""The expectations that the project began with, by a part of their names."""
NIGHT_CAMERAS = 900
"""Camera-exposures of a night: 30 cameras, 30 exposures."""


@dataclass(frozen=True)
class Judgement:
    """Everything that the page tells.

    Attributes
    ----------
    clean, fitted, quiet, faulty : list of Result
        Trials by kind; of `fitted` the sky model is that of the survey's own code.
    matched : mapping of (str, str) to float
        Amplitude that the matched filter finds half of the time, by kind of unit and fault.
    limits : Limits
        What the values were judged by.
    command : str
        What repeats the run.
    unjudged : mapping of str to tuple of str
        Expectations that no trial can judge, with the fixtures that stand in the way.
    """

    clean: list[Result]
    quiet: list[Result]
    faulty: list[Result]
    matched: Mapping[tuple[str, str], float]
    limits: Limits
    command: str
    unjudged: Mapping[str, tuple[str, ...]]
    fitted: list[Result] = field(default_factory=list)


def write(judgement: Judgement, folder: Path) -> Path:
    """Write ``judgement.md`` and its tables and pictures.

    Parameters
    ----------
    judgement : Judgement
        What was measured.
    folder : Path
        Where to; made if it does not exist.

    Returns
    -------
    Path
        The page.
    """
    data = folder / "judgement"
    data.mkdir(parents=True, exist_ok=True)
    sections = [
        _introduction(judgement),
        *_unjudged(judgement),
        _false_alarms(judgement, data),
        *_fitted(judgement, data),
        _quiet(judgement, data),
        _reported(judgement, data),
        _power(judgement, data),
        _cross_talk(judgement, data),
        _pipeline(judgement, data),
    ]
    page = folder / "judgement.md"
    scratch = page.with_suffix(".md.part")
    scratch.write_text("\n\n".join(sections) + "\n")
    scratch.replace(page)
    return page


def _introduction(judgement: Judgement) -> str:
    varied = "\n".join(f"- `{name}`: {text}" for name, text in RANGES.items())
    return f"""# Judgement

What the expectations of `qa_tests` miss and what they cry wolf for, measured on simulated exposures with the limits of
`qa_tests/limits.toml`. Every number on this page comes from

    {judgement.command}

which stops and goes on as one likes (this page: {len(judgement.clean)} clean trials, {len(judgement.quiet)} of what must not
trigger, {len(judgement.faulty)} with a fault). The tables are beside this page as CSV, in `judgement/`. Clean exposures vary over

{varied}

Faults are planted in typical dark exposures (1000 s, 30-45 sky fibers). A fault is *found* when an expectation fails; a warning
does not count."""


def _unjudged(judgement: Judgement) -> list[str]:
    """One line for each expectation that the page is silent about; nothing where there is none."""
    lines = [why_not(f"`{name}`", fixtures) for name, fixtures in judgement.unjudged.items()]
    return ["\n\n".join(lines)] if lines else []


def _false_alarms(judgement: Judgement, data: Path) -> str:
    rows = tables.false_alarms(judgement.clean)
    header = ["expectation", "unit", "trials", "false failures", "rate", "95 % upper limit", "warnings", "not measured"]
    body = [
        [
            r.expectation,
            r.kind,
            r.failures.trials,
            r.failures.hits,
            _rate(r.failures.value),
            _rate(r.failures.upper),
            r.warnings.hits,
            r.not_measured.hits,
        ]
        for r in rows
    ]
    ours = [r for r in rows if not r.expectation.startswith("pipeline:")]
    cameras = sum(1 for result in judgement.clean if result.trial.kind == "camera")
    failing = sum(r.failures.hits for r in ours if r.kind == "camera")
    whole = Rate(failing, cameras)
    nights = cameras / NIGHT_CAMERAS
    extreme = tables.extremes(judgement.clean)
    unit = DataUnit("night", 20211014)
    margins = [
        [name, count, f"{low:.4g}", f"{high:.4g}", *_bounds(judgement.limits, name, unit)]
        for (name, _), (count, low, high) in extreme.items()
    ]
    _csv(data / "false_alarms.csv", header, body)
    _csv(data / "clean_values.csv", ["measure", "values", "smallest", "largest", "low", "high"], margins)
    return f"""## False alarms

{_table(header, body)}

All camera expectations together failed {failing} times in {cameras} clean camera-exposures, which are {nights:.1f} nights of
{NIGHT_CAMERAS} (95 % upper limit {_rate(whole.upper)} per camera-exposure). The rows that start with `pipeline:` are the
pipeline's own numbers on the same exposures.

How far the values of clean exposures stay from their limits (limits of a program, band or night may differ):

{_table(["measure", "values", "smallest", "largest", "low", "high"], margins)}"""


def _fitted(judgement: Judgement, data: Path) -> list[str]:
    """What becomes of cameras whose sky the survey's own code fits; nothing where it is not installed."""
    if not judgement.fitted:
        return []
    loud = [row for row in tables.false_alarms(judgement.fitted) if not row.expectation.startswith("pipeline:")]
    checks = sum(row.failures.trials for row in loud)
    header = ["expectation", "trials", "failures", "95 % upper limit", "warnings", "not measured"]
    body = [
        [
            row.expectation,
            row.failures.trials,
            row.failures.hits,
            _rate(row.failures.upper),
            row.warnings.hits,
            row.not_measured.hits,
        ]
        for row in loud
        if row.failures.hits or row.warnings.hits or row.not_measured.hits
    ]
    _csv(data / "fitted.csv", header, body)
    bad = sum(any(one == str(Outcome.FAILED) for name, one in r.outcomes.items() if ":" not in name) for r in judgement.fitted)
    whole = Rate(bad, len(judgement.fitted))
    return [
        f"""## On the survey's own sky fit

{len(judgement.fitted)} clean cameras whose sky desispec fitted and subtracted: {bad} fail in some expectation (95 % upper limit
{_rate(whole.upper)}), and {sum(row.not_measured.hits for row in loud)} of {checks} checks are not measured. Every expectation that
fails, warns or cannot measure in one of them:

{_table(header, body)}"""
    ]


def _bounds(limits: Limits, name: str, unit: DataUnit) -> tuple[str, str]:
    if name not in limits.names:
        return "", ""
    limit = limits.find(name, unit)
    return f"{limit.low:.4g}", f"{limit.high:.4g}"


def _quiet(judgement: Judgement, data: Path) -> str:
    matrix = tables.quiet_matrix(judgement.quiet)
    body, loud = [], []
    for case, found in matrix.items():
        ours = {name: rate for name, rate in found.items() if not name.startswith("pipeline:")}
        trials = max((rate.trials for rate in ours.values()), default=0)
        failing = {name: rate for name, rate in ours.items() if rate.hits}
        loud += [[case, name, rate.hits, rate.trials] for name, rate in failing.items()]
        body.append(
            [
                case,
                QUIET[case].doc,
                trials,
                len(ours),
                sum(rate.hits for rate in failing.values()),
                ", ".join(sorted(failing)) or "none",
            ]
        )
    header = ["case", "what it is", "trials", "expectations", "failures", "failing"]
    _csv(data / "must_not_trigger.csv", header, body)
    _csv(data / "must_not_trigger_failures.csv", ["case", "expectation", "failures", "trials"], loud)
    return f"## What must not trigger\n\n{_table(header, body)}"


def _reported(judgement: Judgement, data: Path) -> str:
    header = [
        "fault",
        "id",
        "reference",
        "planted in",
        "size",
        "found at 1/3",
        "at 1",
        "at 3",
        "first by",
        "stage right",
        "place right",
    ]
    body = []
    right = 0
    found = reported.reports(judgement.faulty, plan.REPORTED)
    for (kind, name), sizes in found.items():
        fault = FAULTS[name]
        told = [sizes[part] for part in plan.REPORTED if part in sizes]
        seen = sum(one.warned for one in told)
        staged = sum(one.staged for one in told)
        right += bool(seen) and staged > 0.5 * seen
        body.append(
            [
                name,
                fault.id,
                fault.reference,
                kind,
                f"{abs(fault.amplitude):g} {fault.unit}",
                *[_found(sizes.get(part)) for part in plan.REPORTED],
                next((sizes[part].first for part in (1.0, 3.0, plan.REPORTED[0]) if part in sizes and sizes[part].first), "-"),
                f"{staged} of {seen}",
                f"{sum(one.placed for one in told)} of {sum(one.told for one in told)}",
            ]
        )
    _csv(data / "reported.csv", header, body)
    return f"""## At the size of the report

Each fault of the library at the size that its report gives (or, where it gives none, at an estimate), at a third of it and at
three times it: in how many trials an expectation *fails*, and, behind the plus sign, in how many more one warns; which
expectation was first in the order of the data flow; how many of those that failed or warned name the stage at which the fault
came into the data, and a place that overlaps with its own. The first stage is right in most trials for {right} of {len(body)} rows.

{_table(header, body)}"""


def _found(report: reported.Report | None) -> str:
    if report is None:
        return "-"
    more = f" + {report.warned - report.failed}" if report.warned > report.failed else ""
    return f"{report.failed}{more} of {report.trials}"


def _power(judgement: Judgement, data: Path) -> str:
    found, warned = tables.curves(judgement.faulty), tables.curves(judgement.faulty, outcomes=(tables.FAILED, tables.WARNED))
    seen = tables.seen(judgement.faulty, judgement.clean)
    header = ["fault", "id", "planted in", "unit", "default", "fails", "50 %", "95 %", "warns or fails 50 %"]
    sharp_header = ["fault", "planted in", "unit", "seen by the measure", "50 %", "matched filter 50 %", "efficiency"]
    body, sharp = [], []
    for (kind, name), expectations in found.items():
        fault = FAULTS[name]
        winner, power = tables.best(expectations)
        early = tables.best(warned[kind, name])[1]
        ideal = judgement.matched.get((kind, name), float("inf"))
        row = [name, fault.id, kind, fault.unit, f"{abs(fault.amplitude):g}", winner if power.half > 0 else "-"]
        body.append([*row, _half(power), _most(power), _half(early)])
        measure, knows = tables.best(seen.get((kind, name), {"-": {1.0: Rate(0, 1)}}))
        sharp.append(
            [name, kind, fault.unit, measure if knows.half > 0 else "-", _half(knows), _number(ideal), _ratio(knows, ideal)]
        )
    _csv(data / "power.csv", header, body)
    _csv(data / "efficiency.csv", sharp_header, sharp)
    _csv(data / "curves.csv", ["kind", "fault", "expectation", "amplitude", "found", "trials"], _curve_rows(found))
    _csv(data / "seen.csv", ["kind", "fault", "measure", "amplitude", "seen", "trials"], _curve_rows(seen))
    named = [
        [test, name, kind, _half(power), _half(tables.power(warned[kind, name][test])), _number(ideal), _ratio(power, ideal)]
        for part in NAMED
        for (kind, name), expectations in found.items()
        for test, curve in expectations.items()
        if part in test and (power := tables.power(curve)).half > 0
        for ideal in [judgement.matched.get((kind, name), float("inf"))]
    ]
    named_header = ["expectation", "fault", "planted in", "50 %", "warns or fails 50 %", "matched filter 50 %", "efficiency"]
    _csv(data / "named.csv", named_header, named)
    trials = max((rate.trials for curves in found.values() for curve in curves.values() for rate in curve.values()), default=0)
    return f"""## Power

The amplitude at which the best expectation *fails* in half of all exposures, and in 95 %: up to {trials} exposures at each of eight
amplitudes, from 1/32 to 4 times the default. A dash: not reached. "<": found in more than half of the exposures at the smallest
amplitude already. The ids are those of the [fault catalogue](faults.md).

{_table(header, body)}

## Efficiency

Many limits are physical: an expectation waits until a fault matters. The statistic behind it knows earlier. Here a fault counts as
*seen* when a measure leaves the range of all its values in clean exposures. The matched filter knows the shape and the place of the
fault exactly and sees the same noise, at a false-alarm rate of 1e-4; the ratio of the two amplitudes is the efficiency, 1 being the
physical limit. It is below 1 where the fault shows in a product without photon noise (sky model, flat, calibration, tables).

{_table(sharp_header, sharp)}

The four expectations that the project began with, at their limits, for each fault on which they fail:

{_table(named_header, named)}"""


def _half(power: Power) -> str:
    return f"< {power.half:.3g}" if power.bound else _with_error(power.half, power.half_error)


def _most(power: Power) -> str:
    return f"< {power.most:.3g}" if power.bound else _with_error(power.most, power.most_error)


def _ratio(power: Power, ideal: float) -> str:
    if not 0 < ideal < float("inf"):
        return "-"
    return f"< {power.half / ideal:.2g}" if power.bound else _number(power.half / ideal)


def _curve_rows(found: Mapping[tuple[str, str], Mapping[str, tables.Curve]]) -> Iterable[list[object]]:
    for (kind, name), expectations in found.items():
        for test, curve in expectations.items():
            for amplitude, rate in curve.items():
                yield [kind, name, test, f"{amplitude:g}", rate.hits, rate.trials]


def _cross_talk(judgement: Judgement, data: Path) -> str:
    found = tables.curves(judgement.faulty)
    body, wide = [], []
    for (kind, name), expectations in found.items():
        size = max((abs(FAULTS[name].amplitude * step) for step in (1.0,)), default=0.0)
        rates = {
            test: curve[a].value for test, curve in expectations.items() for a in curve if abs(abs(a) - size) < 1e-9 * max(size, 1)
        }
        ours = {test: rate for test, rate in rates.items() if rate > 0 and not test.startswith("pipeline:")}
        wide += [[kind, name, test, f"{rate:.3f}"] for test, rate in rates.items()]
        order = sorted(ours, key=lambda test: -ours[test])
        body.append(
            [name, FAULTS[name].reference, ", ".join(f"{test} {ours[test]:.0%}" for test in order) or "none at this amplitude"]
        )
    _csv(data / "cross_talk.csv", ["kind", "fault", "expectation", "found"], wide)
    table = _table(["fault", "reference", "found by"], body)
    return f"## Cross-talk\n\nWhich expectations fail on each fault at its default amplitude, and how often.\n\n{table}"


def _pipeline(judgement: Judgement, data: Path) -> str:
    found = tables.curves(judgement.faulty)
    numbers = sorted({test for tests in found.values() for test in tests if test.startswith("pipeline:")})
    header = ["fault", "this suite 50 %", *[f"{number.removeprefix('pipeline: ')} 50 %" for number in numbers]]
    body = []
    for (kind, name), expectations in found.items():
        if kind != "camera":
            continue
        _, ours = tables.best(expectations)
        body.append([name, _half(ours), *[_half(tables.power(expectations[number])) for number in numbers]])
    _csv(data / "pipeline.csv", header, body)
    return f"""## The pipeline's own numbers

Amplitude at which the limits of the pipeline (sky chi2/ndf 1.5, throughput rms 0.05, sky residual 10 electron/Angstrom) find the
same faults in the same exposures half of the time; a dash: at none of the amplitudes tried, up to four times the default.

{_table(header, body)}"""


def _rate(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _number(value: float) -> str:
    return f"{value:.3g}" if 0 < value < float("inf") else "-"


def _with_error(value: float, error: float) -> str:
    return f"{value:.3g} ± {error:.1g}" if 0 < value < float("inf") else "-"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    scratch = path.with_suffix(".csv.part")
    with scratch.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    scratch.replace(path)
