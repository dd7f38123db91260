"""The judgement as a page: Markdown with its tables as CSV and its curves as pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.results.store import write_text
from pytest_specqa.rules.limits import Limits
from pytest_specqa.trials import distributions, fault_sections, tables, triage_section
from pytest_specqa.trials.histories import section as over_nights
from pytest_specqa.trials.runner import why_not
from pytest_specqa.trials.scenes import RANGES
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.trials import Result
from pytest_specqa.trials.tried import Tried
from pytest_specqa.trials.writing import rate, table, write_csv
from pytest_specqa.values import Outcome

NAME = "judgement.md"
_TITLE = "# Judgement"
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
    tried : Tried
        What the triage says of nights with faults.
    """

    clean: list[Result]
    quiet: list[Result]
    faulty: list[Result]
    matched: Mapping[tuple[str, str], float]
    limits: Limits
    command: str
    unjudged: Mapping[str, tuple[str, ...]]
    fitted: list[Result] = field(default_factory=list)
    tried: Tried = field(default_factory=Tried)


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
    data = _tables(folder)
    sections = [
        _introduction(judgement),
        *_unjudged(judgement),
        _false_alarms(judgement, data),
        *_fitted(judgement, data),
        _quiet(judgement, data),
        fault_sections.reported_sizes(judgement, data),
        fault_sections.power(judgement, data),
        fault_sections.cross_talk(judgement, data),
        fault_sections.pipeline_numbers(judgement, data),
        triage_section.section(judgement.tried, data),
    ]
    page = folder / NAME
    # The search over nights has a measurement of its own, which this page keeps.
    sections += [text.strip("\n") for text in _sections(page) if _is_named(text, over_nights.TITLE)]
    write_text(page, "\n\n".join(sections) + "\n")
    return page


def write_triage(tried: Tried, folder: Path) -> Path:
    """Write the section on the triage anew, and leave the others of the page as they are.

    Parameters
    ----------
    tried : Tried
        What the triage says of nights with faults.
    folder : Path
        Where the page is; made if it does not exist.

    Returns
    -------
    Path
        The page.
    """
    return _write_section(triage_section.TITLE, triage_section.section(tried, _tables(folder)), folder)


def write_history(parts: over_nights.Parts, folder: Path) -> Path:
    """Write the section on the search over nights anew, and leave the others of the page as they are.

    Parameters
    ----------
    parts : Parts
        What was searched.
    folder : Path
        Where the page is; made if it does not exist.

    Returns
    -------
    Path
        The page.
    """
    return _write_section(over_nights.TITLE, over_nights.section(parts, _tables(folder)), folder)


def _tables(folder: Path) -> Path:
    data = folder / "judgement"
    data.mkdir(parents=True, exist_ok=True)
    return data


def _write_section(title: str, written: str, folder: Path) -> Path:
    page = folder / NAME
    sections = _sections(page) or [_TITLE + "\n"]
    place = next((k for k, text in enumerate(sections) if _is_named(text, title)), len(sections))
    sections[place : place + 1] = [written + "\n"]
    write_text(page, "\n".join(sections))
    return page


def _sections(page: Path) -> list[str]:
    """Split a page: every section begins with a heading of the second level, and none holds one."""
    return re.split(r"\n(?=## )", page.read_text(encoding="utf-8")) if page.is_file() else []


def _is_named(section: str, title: str) -> bool:
    return section.startswith(f"## {title}\n")


def _introduction(judgement: Judgement) -> str:
    varied = "\n".join(f"- `{name}`: {text}" for name, text in RANGES.items())
    return f"""{_TITLE}

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
            rate(r.failures.value),
            rate(r.failures.upper),
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
    margins = [
        [each.measure, each.count, f"{each.smallest:.4g}", f"{each.largest:.4g}", *distributions.bounds(judgement.limits, each)]
        for each in distributions.quantiles(judgement.clean)
        if not each.band
    ]
    write_csv(data / "false_alarms.csv", header, body)
    write_csv(data / "clean_values.csv", *distributions.table(judgement.clean, judgement.limits))
    return f"""## False alarms

{table(header, body)}

All camera expectations together failed {failing} times in {cameras} clean camera-exposures, which are {nights:.1f} nights of
{NIGHT_CAMERAS} (95 % upper limit {rate(whole.upper)} per camera-exposure). The rows that start with `pipeline:` are the
pipeline's own numbers on the same exposures.

How far the values of clean exposures stay from their limits (limits of a program, band or night may differ):

{table(["measure", "values", "smallest", "largest", "low", "high"], margins)}"""


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
            rate(row.failures.upper),
            row.warnings.hits,
            row.not_measured.hits,
        ]
        for row in loud
        if row.failures.hits or row.warnings.hits or row.not_measured.hits
    ]
    write_csv(data / "fitted.csv", header, body)
    write_csv(data / "fitted_values.csv", *distributions.table(judgement.fitted, judgement.limits))
    bad = sum(any(one == str(Outcome.FAILED) for name, one in r.outcomes.items() if ":" not in name) for r in judgement.fitted)
    whole = Rate(bad, len(judgement.fitted))
    return [
        f"""## On the survey's own sky fit

{len(judgement.fitted)} clean cameras whose sky desispec fitted and subtracted: {bad} fail in some expectation (95 % upper limit
{rate(whole.upper)}), and {sum(row.not_measured.hits for row in loud)} of {checks} checks are not measured. Every expectation that
fails, warns or cannot measure in one of them:

{table(header, body)}"""
    ]


def _quiet(judgement: Judgement, data: Path) -> str:
    matrix = tables.quiet_matrix(judgement.quiet)
    body, loud = [], []
    for case, found in matrix.items():
        ours = {name: one for name, one in found.items() if not name.startswith("pipeline:")}
        trials = max((one.trials for one in ours.values()), default=0)
        failing = {name: one for name, one in ours.items() if one.hits}
        loud += [[case, name, one.hits, one.trials] for name, one in failing.items()]
        body.append(
            [
                case,
                QUIET[case].doc,
                trials,
                len(ours),
                sum(one.hits for one in failing.values()),
                ", ".join(sorted(failing)) or "none",
            ]
        )
    header = ["case", "what it is", "trials", "expectations", "failures", "failing"]
    write_csv(data / "must_not_trigger.csv", header, body)
    write_csv(data / "must_not_trigger_failures.csv", ["case", "expectation", "failures", "trials"], loud)
    return f"## What must not trigger\n\n{table(header, body)}"
