"""The rows of the page: one for each check that has something to say, under the finding that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_specqa.checks.outcome import Key
from pytest_specqa.checks.wording import count
from pytest_specqa.printable import escape
from pytest_specqa.report import words
from pytest_specqa.report.gather import Entry
from pytest_specqa.report.grid import flow
from pytest_specqa.report.places import Place, hue, placed
from pytest_specqa.triage import Finding, excess
from pytest_specqa.values import Outcome, Record

MANY = 30
"""More failures than this are all closed: the findings say what to open."""


def rows(
    entries: Iterable[Entry], findings: Sequence[Finding], *, detail: Callable[[Entry], str], others: Mapping[str, str]
) -> str:
    """HTML of all rows.

    Parameters
    ----------
    entries : iterable of Entry
        The tests that have a row.
    findings : sequence of Finding
        Of the run; rows stand under them, in their order.
    detail : callable
        What the row of an entry opens to.
    others : mapping of str to str
        Tests that judge nothing and what went wrong with them (HTML of a row), by node id; they come first.

    Returns
    -------
    str
        Groups of rows, worst first within each.
    """
    ordered = sorted(entries, key=_order)
    made = _Rows(placed(findings), detail, opened=sum(entry.outcome is Outcome.FAILED for entry in ordered) <= MANY)
    groups = [_group("Tests that judge nothing", list(others.values()))]
    groups += [made.group(number, finding, ordered) for number, finding in enumerate(findings, start=1)]
    rest = [entry for entry in ordered if entry.check not in made.places]
    titles = {Outcome.FAILED: "Failures", Outcome.WARNED: "Warnings, waived and known failures"}
    titles |= {Outcome.UNREACHABLE: "Unreachable: the server did not give the file, which says nothing about the data"}
    titles |= {Outcome.NOT_MEASURED: "Not measured", Outcome.PASSED: "Passed"}
    groups += [_group(title, made.of(entry for entry in rest if entry.outcome is outcome)) for outcome, title in titles.items()]
    return f'<div id="specqa-rows">{"".join(groups)}</div>'


@dataclass(frozen=True)
class _Rows:
    """Writes the rows of entries, knowing what they belong to and whether failures are few enough to stand open."""

    places: Mapping[Key, Place]
    detail: Callable[[Entry], str]
    opened: bool

    def of(self, entries: Iterable[Entry]) -> list[str]:
        """Rows of some entries, in their order."""
        return [_row(one, self.detail(one), self.places.get(one.check), opened=self.opened) for one in entries]

    def group(self, number: int, finding: Finding, ordered: Sequence[Entry]) -> str:
        """HTML of what shows a finding, what shows it best first, and folded below it what follows and what warns of the same."""
        parts: dict[str, list[Entry]] = {"shows": [], "follows": [], "weaker": []}
        for entry in ordered:
            place = self.places.get(entry.check)
            if place and place.number == number:
                parts[place.relation].append(entry)
        best = finding.lead["unit"], finding.lead["expectation"]
        body = self.of(sorted(parts["shows"], key=lambda entry: entry.check != best))
        follows, weaker = (count(len(parts[relation]), "check") for relation in ("follows", "weaker"))
        body.append(_folded(f"{follows} that follow from finding {number}", self.of(parts["follows"])))
        body.append(_folded(f"{weaker} that warn of the same elsewhere", self.of(parts["weaker"])))
        return _group(f"Finding {number}", body, hue=hue(number), anchor=f"rows-of-finding-{number}")


def _order(entry: Entry) -> tuple[int, int, float, str, str]:
    rank, stage, unit, nodeid = flow(entry)
    return rank, stage, -excess(entry.lead), unit, nodeid


def _group(title: str, rows: Sequence[str], *, hue: str = "", anchor: str = "") -> str:
    if not any(rows):
        return ""
    named = f' id="{anchor}"' if anchor else ""
    return f'<section class="specqa-group {hue}"{named}><h2>{escape(title)}</h2>{"".join(rows)}</section>'


def _folded(title: str, rows: Sequence[str]) -> str:
    if not rows:
        return ""
    return f'<details class="specqa-folded"><summary>{escape(title)}</summary>{"".join(rows)}</details>'


def _row(entry: Entry, detail: str, place: Place | None, *, opened: bool) -> str:
    relations = {"follows": "follows from", "weaker": "as in"}
    tag = f"{relations[place.relation]} finding {place.number}" if place and place.relation in relations else ""
    return row(
        entry.anchor,
        badge=words.badge(entry.outcome, entry.word),
        name=f"<b>{escape(entry.unit)}</b> {escape(entry.claim)}",
        line=escape(str(entry.lead["message"])),
        tag=f' <a class="specqa-tag" href="#finding-{place.number}">{tag}</a>' if place and tag else "",
        detail=detail,
        marks={"outcome": entry.word, "places": " ".join(_places(entry.lead)), "check": entry.claim},
        opened=opened and entry.outcome is Outcome.FAILED and (place is None or place.relation == "shows"),
    )


def row(anchor: str, *, badge: str, name: str, line: str, tag: str, detail: str, marks: Mapping[str, str], opened: bool) -> str:
    """HTML of one row, from its parts; all but `anchor` and `marks` are HTML."""
    link = escape(anchor, quote=True)
    data = "".join(f' data-{key}="{escape(value, quote=True)}"' for key, value in marks.items())
    return (
        f'<details class="specqa-row" id="{link}"{data}{" open" if opened else ""}><summary>{badge}'
        f'<span class="specqa-name">{name}{tag} <a class="specqa-link" href="#{link}" title="link to this row">#</a>'
        f'<span class="specqa-line">{line}</span></span></summary><div class="specqa-detail">{detail}</div></details>'
    )


def _places(record: Record) -> list[str]:
    """Words by which a row is found: camera, band and petal."""
    camera, petal = record["camera"], record["petal"]
    if camera:
        return [camera, camera[0], f"petal{camera[1:]}"]
    return [f"petal{petal}"] if petal is not None else [record["kind"]]
