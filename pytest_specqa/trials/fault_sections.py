"""What the page says of faults: at the size of their report, their power and efficiency, and what else they set off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.trials import plan, reported, tables
from pytest_specqa.trials.statistics import Power, Rate
from pytest_specqa.trials.writing import number, table, with_error, write_csv

if TYPE_CHECKING:
    from pytest_specqa.trials.document import Judgement

NAMED = ("vertical_lines", "sky_model_smooth", "focal_plane", "redshift_pileup")
"""The expectations that the project began with, by a part of their names."""


def reported_sizes(judgement: Judgement, data: Path) -> str:
    """Say what becomes of each fault at the size of its report, at a third of it and at three times it."""
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
    write_csv(data / "reported.csv", header, body)
    return f"""## At the size of the report

Each fault of the library at the size that its report gives (or, where it gives none, at an estimate), at a third of it and at
three times it: in how many trials an expectation *fails*, and, behind the plus sign, in how many more one warns; which
expectation was first in the order of the data flow; how many of those that failed or warned name the stage at which the fault
came into the data, and a place that overlaps with its own. The first stage is right in most trials for {right} of {len(body)} rows.

{table(header, body)}"""


def _found(report: reported.Report | None) -> str:
    if report is None:
        return "-"
    more = f" + {report.warned - report.failed}" if report.warned > report.failed else ""
    return f"{report.failed}{more} of {report.trials}"


def power(judgement: Judgement, data: Path) -> str:
    """Say from what size on each fault is found, and how far that is from the matched filter."""
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
            [name, kind, fault.unit, measure if knows.half > 0 else "-", _half(knows), number(ideal), _ratio(knows, ideal)]
        )
    write_csv(data / "power.csv", header, body)
    write_csv(data / "efficiency.csv", sharp_header, sharp)
    write_csv(data / "curves.csv", ["kind", "fault", "expectation", "amplitude", "found", "trials"], _curve_rows(found))
    write_csv(data / "seen.csv", ["kind", "fault", "measure", "amplitude", "seen", "trials"], _curve_rows(seen))
    named = [
        [test, name, kind, _half(knows), _half(tables.power(warned[kind, name][test])), number(ideal), _ratio(knows, ideal)]
        for part in NAMED
        for (kind, name), expectations in found.items()
        for test, curve in expectations.items()
        if part in test and (knows := tables.power(curve)).half > 0
        for ideal in [judgement.matched.get((kind, name), float("inf"))]
    ]
    named_header = ["expectation", "fault", "planted in", "50 %", "warns or fails 50 %", "matched filter 50 %", "efficiency"]
    write_csv(data / "named.csv", named_header, named)
    trials = max((rate.trials for curves in found.values() for curve in curves.values() for rate in curve.values()), default=0)
    return f"""## Power

The amplitude at which the best expectation *fails* in half of all exposures, and in 95 %: up to {trials} exposures at each of eight
amplitudes, from 1/32 to 4 times the default. A dash: not reached. "<": found in more than half of the exposures at the smallest
amplitude already. The ids are those of the [fault catalogue](faults.md).

{table(header, body)}

## Efficiency

Many limits are physical: an expectation waits until a fault matters. The statistic behind it knows earlier. Here a fault counts as
*seen* when a measure leaves the range of all its values in clean exposures. The matched filter knows the shape and the place of the
fault exactly and sees the same noise, at a false-alarm rate of 1e-4; the ratio of the two amplitudes is the efficiency, 1 being the
physical limit. It is below 1 where the fault shows in a product without photon noise (sky model, flat, calibration, tables).

{table(sharp_header, sharp)}

The four expectations that the project began with, at their limits, for each fault on which they fail:

{table(named_header, named)}"""


def _half(power: Power) -> str:
    return f"< {power.half:.3g}" if power.bound else with_error(power.half, power.half_error)


def _most(power: Power) -> str:
    return f"< {power.most:.3g}" if power.bound else with_error(power.most, power.most_error)


def _ratio(power: Power, ideal: float) -> str:
    if not 0 < ideal < float("inf"):
        return "-"
    return f"< {power.half / ideal:.2g}" if power.bound else number(power.half / ideal)


def _curve_rows(found: Mapping[tuple[str, str], Mapping[str, tables.Curve]]) -> Iterable[list[object]]:
    for (kind, name), expectations in found.items():
        for test, curve in expectations.items():
            for amplitude, rate in curve.items():
                yield [kind, name, test, f"{amplitude:g}", rate.hits, rate.trials]


def cross_talk(judgement: Judgement, data: Path) -> str:
    """Say which expectations fail on each fault."""
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
    write_csv(data / "cross_talk.csv", ["kind", "fault", "expectation", "found"], wide)
    title = "## Cross-talk\n\nWhich expectations fail on each fault at its default amplitude, and how often."
    return f"{title}\n\n{table(['fault', 'reference', 'found by'], body)}"


def pipeline_numbers(judgement: Judgement, data: Path) -> str:
    """Say what the pipeline's own numbers find."""
    found = tables.curves(judgement.faulty)
    numbers = sorted({test for tests in found.values() for test in tests if test.startswith("pipeline:")})
    header = ["fault", "this suite 50 %", *[f"{one.removeprefix('pipeline: ')} 50 %" for one in numbers]]
    body = []
    for (kind, name), expectations in found.items():
        if kind != "camera":
            continue
        _, ours = tables.best(expectations)
        body.append([name, _half(ours), *[_half(tables.power(expectations[one])) for one in numbers]])
    write_csv(data / "pipeline.csv", header, body)
    return f"""## The pipeline's own numbers

Amplitude at which the limits of the pipeline (sky chi2/ndf 1.5, throughput rms 0.05, sky residual 10 electron/Angstrom) find the
same faults in the same exposures half of the time; a dash: at none of the amplitudes tried, up to four times the default.

{table(header, body)}"""
