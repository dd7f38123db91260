"""What stands on top of the page: the verdict, and what the failures come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from pytest_specqa.checks.outcome import Key
from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.checks.wording import claim, count
from pytest_specqa.printable import escape
from pytest_specqa.report import links, words
from pytest_specqa.report.gather import anchor
from pytest_specqa.report.places import hue
from pytest_specqa.triage import STAGES, Finding, Suspect
from pytest_specqa.triage.looking import look_at
from pytest_specqa.values import Outcome, Record, called

SUSPECTS = 3
"""Causes that a finding lists."""
MANY = 400
"""Links of a finding that are listed; beyond it the rows below are the list."""
Linked = Callable[[Key], bool]


def verdict(records: Iterable[Record], findings: Sequence[Finding], told: Circumstances | None = None) -> str:
    """HTML of the verdict in one sentence."""
    found = Verdict.of(records, told)
    word, _, rest = found.sentence.partition(":")
    return (
        f'<p class="specqa-verdict {words.css_class(found.outcome)}" role="status">'
        f"<strong>{escape(word)}</strong>:{escape(rest)}{escape(comes_to(findings))}.</p>"
    )


def comes_to(findings: Sequence[Finding]) -> str:
    """Say how many findings there are, as the end of a sentence; empty where there are none."""
    failing = sum(finding.outcome is Outcome.FAILED for finding in findings)
    parts = [count(failing, "finding")] if failing else []
    if warning := len(findings) - failing:
        parts.append(f"{count(warning, 'finding')} that only warn{'s' * (warning == 1)}")
    return f"; {' and '.join(parts)}" if parts else ""


def cards(findings: Sequence[Finding], *, pictured: Collection[Key], linked: Linked, root: str = "") -> str:
    """HTML of the findings, each with its evidence beside it; those that only warn are folded where others fail.

    Parameters
    ----------
    findings : sequence of Finding
        Of the run.
    pictured : collection of (str, str)
        Unit and expectation of the checks whose row has a picture.
    linked : callable
        Whether a check has a row to lead to.
    root : str
        Folder or address of the production, for the command that opens the place of a finding.

    Returns
    -------
    str
        Empty where nothing was found.
    """
    failing = any(finding.outcome is Outcome.FAILED for finding in findings)
    return "".join(
        _card(
            number,
            finding,
            picture=_picture(finding, pictured),
            linked=linked,
            root=root,
            folded=failing and finding.outcome is not Outcome.FAILED,
        )
        for number, finding in enumerate(findings, start=1)
    )


def _card(number: int, finding: Finding, *, picture: str, linked: Linked, root: str, folded: bool) -> str:
    stage = STAGES.get(finding.stage, "")
    cause = finding.suspects[0].phrase if finding.suspects and not finding.unclear else finding.unclear
    badge = words.badge(finding.outcome, f"finding {number}")
    head = ": ".join(escape(part) for part in (stage, cause) if part)
    facts = [("where", escape(finding.scope)), ("seen in", _lead(finding.lead, linked)), ("why", _why(finding))]
    facts.append(("what to do", f"<b>{links.linked(finding.advice)}</b>" if finding.advice else ""))
    command = look_at(finding, root) if root else ""
    facts.append(("look at it", f'<code class="specqa-command">{escape(command)}</code>' if command else ""))
    facts.append(("shown by", _listed(finding.records, linked)))
    facts.append(("follows from it", _listed(finding.follows, linked)))
    facts.append(("weaker elsewhere", _listed(finding.weaker, linked)))
    told = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts if text)
    title = f"<h2>{badge} {head}</h2>"
    body = f'{picture}<div class="specqa-facts"><dl>{told}</dl></div>'
    body = f"<details><summary>{title}</summary>{body}</details>" if folded else f"{title}{body}"
    return (
        f'<article class="specqa-finding {hue(number)} {words.css_class(finding.outcome)}" id="finding-{number}">{body}</article>'
    )


def _picture(finding: Finding, pictured: Collection[Key]) -> str:
    """The picture of the check that shows a finding best among those that have one."""
    checks = ((record["unit"], record["expectation"]) for record in finding.records)
    seen = next((check for check in checks if check in pictured), None)
    if seen is None:
        return ""
    told = f"{escape(seen[0], quote=True)}, {escape(claim(seen[1]), quote=True)}"
    # The picture itself is in the file once, in its row.
    image = f'<img alt="{told}" data-specqa-from="{_target(seen)}">'
    return f'<a class="specqa-evidence" href="#{_target(seen)}">{image}<span>{told}</span></a>'


def _target(check: Key) -> str:
    return escape(anchor(*check), quote=True)


def _link(check: Key, text: str, linked: Linked) -> str:
    return f'<a href="#{_target(check)}">{escape(text)}</a>' if linked(check) else escape(text)


def _lead(record: Record, linked: Linked) -> str:
    check = record["unit"], record["expectation"]
    return f"{_link(check, record['unit'], linked)}: {links.linked(record['message'])}"


def _why(finding: Finding) -> str:
    if not finding.suspects:
        return ""
    if len(finding.suspects) == 1:
        return "; ".join(links.linked(reason) for reason in finding.suspects[0].reasons)
    return f"<ol>{''.join(f'<li>{_suspect(one)}</li>' for one in finding.suspects[:SUSPECTS])}</ol>"


def _suspect(suspect: Suspect) -> str:
    sure = f' <span class="specqa-faint">({suspect.confidence:.0%})</span>' if suspect.confidence else ""
    reasons = "; ".join(links.linked(reason) for reason in suspect.reasons)
    return f"{escape(suspect.phrase)}{sure}{f': {reasons}' if reasons else ''}"


def _listed(records: Iterable[Record], linked: Linked) -> str:
    """How many checks there are, and a folded list of links to their rows by what they claim."""
    by_claim: dict[str, dict[Key, str]] = defaultdict(dict)
    for record in records:
        by_claim[record["expectation"]][record["unit"], record["expectation"]] = record["unit"]
    number = sum(len(checks) for checks in by_claim.values())
    if not number:
        return ""
    lines, left = [], MANY
    for expectation, checks in by_claim.items():
        named = ", ".join(_link(check, unit, linked) for check, unit in list(checks.items())[:left])
        more = f" and {len(checks) - left} more" if len(checks) > left else ""
        lines.append(f"<li><b>{escape(claim(expectation))}</b> ({len(checks)}): {named}{more}</li>")
        left = max(left - len(checks), 0)
    return f"<details><summary>{count(number, 'check')}</summary><ul>{''.join(lines)}</ul></details>"


def glossary(records: Iterable[Record]) -> str:
    """HTML that explains each measure which failed or warned, and the words of the tables."""
    known = {record["measure"]: record for record in records if record.get("doc")}
    if not known:
        return ""
    terms = "".join(
        f'<dt id="{links.measure_id(name)}">{escape(called(record))} <small class="specqa-key">{escape(name)}</small></dt>'
        f'<dd>{links.linked(record["doc"])}<br><span class="specqa-source">{words.allowed(record)} '
        f"{escape(record['value_unit'])}; {links.linked(record['source'])}</span></dd>"
        for name, record in sorted(known.items(), key=lambda item: called(item[1]))
    )
    return f'<details class="specqa-glossary" id="measures"><summary>What the measures mean</summary><dl>{terms}</dl></details>'
