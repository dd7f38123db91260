"""One page for each expectation, their list, and the glossary of measures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

from making import judged
from making.facts import Facts, Measure, expectations
from making.text import prose, source, table, write
from pytest_specqa.checks import wording
from pytest_specqa.instrument import DESI
from pytest_specqa.rules.limits import Override
from pytest_specqa.triage.stages import STAGES
from pytest_specqa.values import Severity

PICTURES = "../pictures"


def write_all(folder: Path) -> None:
    """Write the pages of all expectations, and those that list them.

    Parameters
    ----------
    folder : Path
        Of what is generated; pictures that lie in its ``pictures/`` are shown.
    """
    for facts in expectations():
        pictures = sorted((folder / "pictures").glob(f"{facts.name}-*.png"))
        write(folder / "expectations" / f"{facts.name}.md", expectation(facts, pictures))
    write(folder / "expectations" / "index.md", index())
    write(folder / "measures.md", glossary())


def expectation(facts: Facts, pictures: Iterable[Path] = ()) -> list[str]:
    """Lines of the page of one expectation: what it claims, measures and finds, and what to do about a miss."""
    bands = "" if facts.kind != "camera" or len(facts.bands) == len(DESI.bands) else f" of band {', '.join(facts.bands)}"
    return [
        f"# {facts.title}",
        "",
        f"> {prose(facts.claim)}",
        "",
        f"Judges each **{facts.kind}**{bands}, in the stage *{STAGES[facts.stage]}*: "
        f"[`{facts.name}`]({source(facts.file, facts.line)}) in `{facts.file}`.",
        "",
        *_pictures(facts, pictures),
        "## What is measured, and what to do",
        "",
        *(line for one in facts.measures for line in _measure(one)),
        "## Its fault, and what looks like it",
        "",
        *_faults(facts),
        "",
        f"*What must not set it off.* {prose(_capital(judged.look_alike(facts).rstrip('.')))}.",
        *_quiet(facts),
        "",
        "## False alarms",
        "",
        *_false_alarms(facts),
        "",
        "## Try it",
        "",
        *_commands(facts),
    ]


def _pictures(facts: Facts, pictures: Iterable[Path]) -> list[str]:
    lines = []
    for path in pictures:
        found = judged.faults_of(facts)[0]
        what = f"what the report shows where {found.fault.name} is planted in {_one(found.kind)}: {found.fault.doc}"
        lines += [f"```{{figure}} {PICTURES}/{path.name}", f":alt: {facts.title}: {what}", "", prose(_capital(what))]
        lines += ["```", ""]
    return lines


def _measure(one: Measure) -> list[str]:
    limit = one.limit
    says = "warns" if limit.severity is Severity.WARN else "fails"
    rows = [(f"{says} outside", prose(wording.allowed(limit) + _unit(limit.unit)), f"{one.basis}")]
    if warned := _bounds(limit.warn_low, limit.warn_high):
        rows.append(("warns outside", prose(warned + _unit(limit.unit)), f"{one.warn_basis}"))
    if math.isfinite(limit.needs):
        rows.append(("not measured beyond a sensitivity of", prose(f"{wording.number(limit.needs)}{_unit(limit.unit)}"), ""))
    rows += [(f"for {prose(_where(each))}", prose(_values(each)), "") for each in one.overrides]
    return [
        f"### {prose(_capital(limit.plain))}",
        "",
        f"`{limit.name}`: {_sourced(limit.doc)}",
        "",
        *table(("", "limit", "[rests on](../../glossary.md#what-a-limit-rests-on)"), rows),
        "",
        f"*Source:* {_sourced(limit.source)}",
        "",
    ]


def _one(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sourced(text: str) -> str:
    """Text with its documents as links."""
    return re.sub(r"docs/(\w+)\.md", r"[\1](../../\1.md)", prose(text))


def _unit(unit: str) -> str:
    return f" {unit}" if unit and unit != "1" else ""


def _bounds(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{wording.number(low)} to {wording.number(high)}"
    if math.isfinite(high):
        return f"at most {wording.number(high)}"
    return f"at least {wording.number(low)}" if math.isfinite(low) else ""


def _where(each: Override) -> str:
    first, last = each.nights
    nights = [] if (first, last) == (0, 99999999) else [f"nights {first or ''}:{last if last < 99999999 else ''}"]
    return "; ".join([*nights, *(f"{key} {', '.join(names)}" for key, names in each.names.items())])


def _values(each: Override) -> str:
    return ", ".join(f"{key} = {value}" for key, value in each.values.items())


def _faults(facts: Facts) -> list[str]:
    found = judged.faults_of(facts)
    written = judged.told().get(facts.name, judged.Told())
    if not found:
        shown = f"[`{written.tests}`]({source(written.tests)})"
        return [f"{prose(written.fault)} The tests in {shown} plant it, and what looks like it."]
    own = found[0].fault
    lines = [
        f"**{own.name}** ({prose(own.reference)}): {prose(own.doc)}",
        "",
        "Faults of the [catalogue](../../faults.md) that it finds when they are planted, its own first:",
        "",
    ]
    rows = [
        (
            f"`{one.fault.name}`",
            one.fault.id,
            one.kind,
            f"{one.fault.amplitude:g}{_unit(prose(one.fault.unit))}",
            f"{100 * one.share:.0f} %",
            f"{one.smallest:.2g}{_unit(prose(one.fault.unit))}",
        )
        for one in found
    ]
    head = ("fault", "number", "planted in a", "reported size", "found at that size", "smallest size that half of the trials find")
    return [*lines, *table(head, rows)]


def _quiet(facts: Facts) -> list[str]:
    cases = judged.quiet_cases(facts.kind)
    if not cases:
        return []
    words = "; ".join(prose(case[0].lower() + case[1:].rstrip(".")) for case in cases)
    return ["", f"It is silent, or only names what it sees, on the [cases that must not trigger](../../judgement.md): {words}."]


def _false_alarms(facts: Facts) -> list[str]:
    row = judged.false_alarms().get(facts.name)
    if row is None:
        return ["No trial of the judgement can judge it: what it compares has no noise, and its tests say when it must be quiet."]
    kinds = f"clean {row['unit']}s"
    noted = f"{row['warnings']} warned, and {row['not measured']} could not be measured"
    return [
        f"**{row['false failures']} of {row['trials']}** {kinds} failed: a rate below **{row['95 % upper limit']}** "
        f"with 95 % confidence. {noted}. [How this was measured](../../judgement.md)."
    ]


def _commands(facts: Facts) -> list[str]:
    found = judged.faults_of(facts)
    lines = ["```console", f"$ pytest --pyargs pytest_specqa.qa_tests --specprod PROD --night 20211014 -k {facts.name}"]
    if facts.name in judged.false_alarms():
        fault = f" --fault {found[0].fault.name}" if found and found[0].kind == facts.kind else ""
        lines.append(f"$ specqa try {facts.file}::{facts.name}{fault}")
    return [*lines, "```"]


def index() -> list[str]:
    """Lines of the list of all expectations, by stage."""
    lines = [
        "# Expectations",
        "",
        f"{len(expectations())} claims, each a short test, in the order in which data flow: the first stage that fails is where",
        "to look. Their pages are made from the code, from `limits.toml` and from tables of the [judgement](../../judgement.md).",
        "",
    ]
    for stage, called in STAGES.items():
        here = [facts for facts in expectations() if facts.stage == stage]
        if here:
            rows = [(f"[{facts.title}]({facts.name}.md)", facts.kind, prose(facts.claim)) for facts in here]
            lines += [f"## {_capital(called)}", "", *table(("expectation", "unit", "claim"), rows), ""]
            lines += ["```{toctree}", ":hidden:", ":maxdepth: 1", "", *(facts.name for facts in here), "```", ""]
    return lines


def glossary() -> list[str]:
    """Lines of the glossary of measures."""
    rows = {}
    for facts in expectations():
        for one in facts.measures:
            limit = one.limit
            page = f"[{facts.title}](expectations/{facts.name}.md)"
            earlier = f"{rows[limit.name][3]}, " if limit.name in rows else ""
            allowed = prose(f"{wording.allowed(limit)}{_unit(limit.unit)}")
            rows[limit.name] = (f"`{limit.name}`", prose(limit.plain), allowed, earlier + page)
    return [
        "# Measures",
        "",
        "Every number that is judged, by the name that it has in results and in `limits.toml`. What it means, what its",
        "limit rests on, and what to do about a miss is on the page of its expectation; `specqa limits list` says the same in a",
        "terminal.",
        "",
        *table(("measure", "in words", "allowed", "expectation"), [rows[name] for name in sorted(rows)]),
    ]
