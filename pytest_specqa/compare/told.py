"""Findings of the comparison as HTML: what became of each, its numbers, and what follows from it to unfold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_specqa.checks import wording
from pytest_specqa.checks.outcome import Key
from pytest_specqa.compare.redshifts import RedshiftChanges
from pytest_specqa.compare.shifts import Shift
from pytest_specqa.compare.tables import flips_table
from pytest_specqa.printable import escape
from pytest_specqa.results.comparing.compare import Comparison
from pytest_specqa.results.comparing.findings import Change, FindingChange
from pytest_specqa.results.comparing.flips import Flip, VerdictChange, tally
from pytest_specqa.results.telling import limits_of, stage_name
from pytest_specqa.triage import Finding
from pytest_specqa.values import Outcome

OPEN = 8
"""Findings that a first look can take in; the rest is folded."""
BECAME = {Change.GONE: "gone", Change.SMALLER: "smaller", Change.SAME: "still there", Change.NEW: "new", Change.LARGER: "larger"}


def findings(comparison: Comparison, redshifts: RedshiftChanges) -> list[str]:
    """Write the findings of the comparison, most telling first.

    Parameters
    ----------
    comparison : Comparison
        Findings and checks.
    redshifts : RedshiftChanges
        Classes whose redshifts moved together are findings, too.

    Returns
    -------
    list of str
        Lines of HTML; everything from the data is escaped. Findings that only warn, in both runs alike, are folded into one.
    """
    quiet = [one for one in comparison.findings if one.outcome is Outcome.WARNED and one.change is Change.SAME]
    loud = [one for one in comparison.findings if one not in quiet]
    flips = {(change.unit, change.expectation): change for change in comparison.flips}
    parts = [*_lost(comparison), *_shifts(redshifts.broken, "broken")]
    told = [_finding(one, flips, breaks=comparison.breaks(one)) for one in loud]
    parts += told[:OPEN]
    parts += _shifts(redshifts.warned, "warned")
    parts += _folded(f"{wording.count(len(told) - OPEN, 'further finding')}", told[OPEN:])
    parts += _folded(
        f"{wording.count(len(quiet), 'finding')} that only warn{'s' * (len(quiet) == 1)}, the same in both",
        [_finding(one, flips, breaks=False) for one in quiet],
    )
    return ["<h2>Findings</h2>", *(parts or ['<p class="note">None: nothing fails or warns in either.</p>'])]


def _folded(title: str, parts: Sequence[str]) -> list[str]:
    return [f"<details><summary>{escape(title)}</summary>", *parts, "</details>"] if parts else []


def _finding(change: FindingChange, flips: Mapping[Key, VerdictChange], *, breaks: bool) -> str:
    finding = change.finding
    word = "warned" if change.outcome is Outcome.WARNED else "broken" if breaks else "failed"
    kind = "fixed" if change.change is Change.GONE else "better" if change.change is Change.SMALLER else word
    told = [
        f'<header><span class="mark {kind}">{BECAME[change.change]}</span> <b>{escape(stage_name(finding))}</b>: '
        f"{escape(finding.cause)}</header>",
        f'<p class="numbers">{_numbers(change)}</p>',
        f"<p>{escape(finding.scope)}</p>" if finding.scope else "",
    ]
    if change.after and finding.advice:
        told.append(f'<p class="advice">{escape(finding.advice)}</p>')
    shown = _checks(finding, flips, follows=False)
    follows = [one for one in _checks(finding, flips, follows=True) if one not in shown]
    told += _folded(f"{wording.count(len(shown), 'check')} that changed or fail show it", [flips_table(shown)] if shown else [])
    told += _folded(f"{wording.count(len(follows), 'check')} follow from it", [flips_table(follows)] if follows else [])
    reasons = finding.suspects[0].reasons if finding.suspects and not finding.unclear else ()
    told += _folded(
        "what speaks for this cause", [f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in reasons)}</ul>"] if reasons else []
    )
    if finding.weaker:
        told.append(f'<p class="note">The same, smaller, in {wording.count(len(finding.weaker), "measurement")} that warn.</p>')
    return f'<article class="finding {kind}">{"".join(told)}</article>'


def _checks(finding: Finding, flips: Mapping[Key, VerdictChange], *, follows: bool) -> list[VerdictChange]:
    records = finding.follows if follows else finding.records
    keys = dict.fromkeys((record["unit"], record["expectation"]) for record in records)
    return [flips[key] for key in keys if key in flips]


def _numbers(change: FindingChange) -> str:
    """Value of the measure that shows it best, before and after, and how much fails or warns in both."""
    record = change.record
    old, new = ("–" if value is None else wording.number(value) for value in change.values)
    limits = limits_of(record)
    before, after = change.extents
    measure = escape(str(record["measure"]).replace("_", " "))
    fails = {Outcome.FAILED: "fail", Outcome.WARNED: "warn"}[change.outcome]
    return (
        f"{measure} <b>{old} → {new}</b>{f' ({escape(limits)})' if limits else ''} <code>{escape(record['unit'])}</code>"
        f"<br>before, <b>{escape(str(before))}</b> {fails}; after, <b>{escape(str(after))}</b>"
    )


def _shifts(shifts: Sequence[Shift], kind: str) -> list[str]:
    """Redshifts that moved together are one finding, as classes share their targets."""
    if not shifts:
        return []
    first = shifts[0]
    limit = first.allowance.broken if kind == "broken" else first.allowance.warned
    others = "".join(f"<br>{escape(one.sentence)}" for one in shifts[1:])
    sources = "".join(f'<p class="note">{escape(text)}</p>' for text in dict.fromkeys(one.allowance.source for one in shifts))
    return [
        f'<article class="finding {kind}"><header><span class="mark {kind}">shifted</span> <b>redshifts</b> '
        f"{escape(first.title)} moved together, by {escape(first.velocity)}</header>"
        f'<p class="numbers">median dz/(1+z) <b>{first.change}</b> over {first.objects:,} redshifts with '
        f"ZWARN = 0 in both ({'at most' if kind == 'broken' else 'warns from'} {limit:.1g}){others}</p>{sources}</article>"
    ]


def _lost(comparison: Comparison) -> list[str]:
    """Checks that cannot be made any more: no finding speaks of them, and they break."""
    lost = [change for change in comparison.loose if change.breaks and change.flip is not Flip.BROKEN]
    if not lost:
        return []
    counts = tally(lost)
    words = " and ".join(f"{counts[kind]} {kind}" for kind in (Flip.MISSING, Flip.LOST, Flip.UNREAD) if counts[kind])
    table = _folded(f"{wording.count(len(lost), 'check')}", [flips_table(lost)])
    return [
        f'<article class="finding broken"><header><span class="mark broken">no longer judged</span> '
        f"<b>{escape(words)}</b> of the checks of before</header>"
        f"<p>What is not measured proves nothing: see whether files are missing, or out of reach.</p>{''.join(table)}</article>"
    ]
