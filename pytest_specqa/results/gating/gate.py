"""May a release go? Every measurement of many nights against one policy, in SQL and bounded memory."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.checks import whole, wording
from pytest_specqa.errors import EmptyResultsError
from pytest_specqa.results import store
from pytest_specqa.results.comparing.regressions import Regressions, count_regressions
from pytest_specqa.results.gating import unfinished
from pytest_specqa.results.gating.gate_sql import NIGHTS, Release
from pytest_specqa.results.telling import Extent
from pytest_specqa.rules.policy import Policy, Terms
from pytest_specqa.rules.waivers import Ledger, State, Waiver
from pytest_specqa.triage import Finding
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import UNJUDGED, Outcome, Record, Severity, Verified

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "1000MB"
THREADS = 2
LISTED = 200
OUTCOME_OF = {Severity.FAIL: Outcome.FAILED, Severity.WARN: Outcome.WARNED}


@dataclass(frozen=True)
class Rule:
    """One thing that the policy asks, and what was found."""

    name: str
    passed: bool
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}; allowed {self.allowed}"


@dataclass(frozen=True)
class GateReport:
    """The verdict on a release.

    Attributes
    ----------
    rules : tuple of Rule
        Everything that was asked; the release passes if all hold.
    counts : dict
        Measurements by ``(expectation, outcome)``; outcome ``waived`` counts failures and warnings that a waiver covers.
    blocking : tuple of dict
        Measurements that block, by stage of the data flow and then by size, at most 200 of them.
    blocking_total : int
        How many there are.
    blocking_checks : int
        How many checks they are, a unit and an expectation each.
    findings : tuple of (int, Finding)
        What belongs together in the nights with most of it, with the night; most telling first.
    nights_told, nights_blocked : int
        Nights of `findings`, and nights with something that blocks.
    regressions : Regressions or None
        Against the baseline, where the policy names one.
    waivers : tuple of (Waiver, State, str)
        What became of each waiver.
    nights : tuple of int
        First and last night, and how many there are.
    files : int
        Number of results files.
    policy : str
        Where the policy is from.
    """

    rules: tuple[Rule, ...]
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    blocking: tuple[Record, ...] = ()
    blocking_total: int = 0
    blocking_checks: int = 0
    findings: tuple[tuple[int, Finding], ...] = ()
    nights_told: int = 0
    nights_blocked: int = 0
    regressions: Regressions | None = None
    waivers: tuple[tuple[Waiver, State, str], ...] = ()
    nights: tuple[int, int, int] = (0, 0, 0)
    files: int = 0
    policy: str = ""

    @property
    def passed(self) -> bool:
        """Whether the release may go."""
        return all(rule.passed for rule in self.rules)

    @property
    def total(self) -> int:
        """Number of measurements."""
        return sum(self.counts.values())

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        broken = [rule.name for rule in self.rules if not rule.passed]
        judged = wording.count(self.nights[2], "night"), wording.count(self.files, "file")
        scope = f"({self.total:,} measurements judged, {', '.join(judged)})"
        if self.passed:
            return f"PASS: the policy is satisfied {scope}."
        blocking = f"; {self.extent} in the way" if self.blocking_total else ""
        return f"BLOCKED: {', '.join(broken)}{blocking} {scope}."

    @property
    def extent(self) -> Extent:
        """How much blocks."""
        return Extent(self.blocking_checks, self.blocking_total)


def gate(
    paths: Sequence[str | Path], policy: Policy, *, waivers: Sequence[Waiver] = (), today: datetime.date, memory: str = MEMORY_LIMIT
) -> GateReport:
    """Judge a release.

    Parameters
    ----------
    paths : sequence of path
        Results files or patterns.
    policy : Policy
        What is asked.
    waivers : sequence of Waiver
        Faults that may pass; marks that the results carry from their run are judged anew against these.
    today : datetime.date
        Day of the judgement.
    memory : str
        Memory limit of the database; larger intermediate results go to disk.

    Returns
    -------
    GateReport
        Blocked for want of any measurement, too.

    Raises
    ------
    ResultsError
        If a file is missing or malformed.
    """
    import duckdb  # noqa: PLC0415

    files = store.expand(paths)
    with tempfile.TemporaryDirectory(prefix="specqa-gate-") as scratch:
        settings: dict[str, Any] = {
            "memory_limit": memory,
            "threads": THREADS,
            "temp_directory": scratch,
            "preserve_insertion_order": False,
        }
        of_files = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException)
        with duckdb.connect(config=settings) as connection:
            try:
                return _judge(connection, files, policy, Ledger(waivers, today))
            except EmptyResultsError as empty:
                return GateReport(
                    (Rule("measurements", passed=False, found=str(empty), allowed="at least one"),),
                    files=len(files),
                    policy=policy.path,
                )
            except duckdb.Error as error:
                # What the reader of Parquet cannot decode has no class of its own; the others speak of the query.
                if type(error) is not duckdb.Error and not isinstance(error, of_files):
                    raise
                raise store.damaged(files, error) from None


def _judge(connection: duckdb.DuckDBPyConnection, files: list[Path], policy: Policy, ledger: Ledger) -> GateReport:
    release = Release(connection, files, policy)
    release.apply(ledger)
    counts = release.counts()
    nights = release.nights()
    repeated = release.repeated()
    blocking, blocking_total = release.blocking(LISTED)
    checks = release.blocked_checks()
    told, nights_told, nights_blocked = _findings(release, policy)
    regressions = count_regressions(connection, policy.baseline, listed=LISTED) if policy.baseline else None
    states = tuple(ledger.states())
    expired = [waiver.id for waiver, state, _ in states if state is State.EXPIRED]
    rules = [
        Rule("nights", nights[2] >= policy.min_nights, f"{nights[2]}", f"{policy.min_nights} or more"),
        Rule("repeated measurements", not repeated, f"{repeated:,}", "none: the same unit and measure is in two of the files"),
        _whole(release.extent(), policy.partial),
        *_unfinished(files, policy.partial),
        Rule("expired waivers", not expired, ", ".join(expired) or "none", "none"),
        *_verification(release, policy),
        *_part_rules(policy, counts, checks),
        *_required(policy, counts),
    ]
    if regressions:
        rules.append(
            Rule(
                "regressions", regressions.total <= policy.max_regressions, f"{regressions.total:,}", f"{policy.max_regressions:,}"
            )
        )
    return GateReport(
        rules=tuple(rules),
        counts=_over_parts(counts),
        blocking=tuple(blocking),
        blocking_total=blocking_total,
        blocking_checks=sum(checks.values()),
        findings=tuple(told),
        nights_told=nights_told,
        nights_blocked=nights_blocked,
        regressions=regressions,
        waivers=states,
        nights=nights,
        files=len(files),
        policy=policy.path,
    )


def _findings(release: Release, policy: Policy) -> tuple[list[tuple[int, Finding]], int, int]:
    """What belongs together, night by night, so that one night at a time is in memory; and how many nights that is, of how many."""
    severities = {
        severity for terms in (policy.terms, *(override.terms for override in policy.overrides)) for severity in terms.block
    }
    outcomes = {OUTCOME_OF[severity] for severity in severities}
    nights = release.blocked_nights()
    chosen = nights[:NIGHTS]
    made = {
        night: [finding for finding in findings(records) if finding.outcome in outcomes]
        for night, records in release.nights_of(chosen)
    }
    told = [(night, finding) for night in chosen for finding in made.get(night, [])]
    return sorted(told, key=lambda one: -one[1].outcome.rank), len(made), len(nights)


Counts = dict[tuple[int, str, str], int]


def _over_parts(counts: Counts) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for (_, expectation, outcome), count in counts.items():
        found[expectation, outcome] = found.get((expectation, outcome), 0) + count
    return found


def _part_rules(policy: Policy, counts: Counts, checks: dict[int, int]) -> list[Rule]:
    """Failures and measured fraction of the release and of each override."""
    parts: list[tuple[str, Terms]] = [(override.name, override.terms) for override in policy.overrides]
    rules = []
    for index, (name, terms) in enumerate([*parts, ("", policy.terms)]):
        mine = {key: count for key, count in counts.items() if key[0] == index}
        total = sum(mine.values())
        if not total:
            continue
        suffix = f" ({name})" if name else " (the rest)" if parts else ""
        outcomes = {str(OUTCOME_OF[severity]) for severity in terms.block}
        failures = sum(count for (_, _, outcome), count in mine.items() if outcome in outcomes)
        measured = 1 - sum(count for (_, _, outcome), count in mine.items() if outcome in UNJUDGED) / total
        unread = sum(count for (_, _, outcome), count in mine.items() if outcome == Outcome.UNREACHABLE)
        found, allowed = str(Extent(checks.get(index, 0), failures)), wording.count(terms.max_failures, "measurement")
        rules.append(Rule(f"failures{suffix}", failures <= terms.max_failures, found, allowed))
        if unread or terms.max_unreachable:
            rules.append(_reached(f"unreachable{suffix}", unread, total, terms))
        enough = f"{terms.min_measured:.1%} or more"
        rules.append(
            Rule(f"measured fraction{suffix}", measured >= terms.min_measured, f"{measured:.1%} of {total:,} measurements", enough)
        )
    return rules


def _reached(name: str, unread: int, total: int, terms: Terms) -> Rule:
    """What no server gave is not judged at all; a release of which too much was unreachable has proved nothing of it."""
    found = f"{unread / total:.2%}: {unread:,} of {wording.count(total, 'measurement')}; judge these units again"
    allowed = f"{terms.max_unreachable:.2%} or less" if terms.max_unreachable else "none"
    return Rule(name, unread <= terms.max_unreachable * total, found, allowed)


def _verification(release: Release, policy: Policy) -> list[Rule]:
    """Whether enough was verified of the files; no rule where the policy asks for nothing."""
    if policy.verified is Verified.NONE:
        return []
    weaker, units = release.unverified()
    found = f"{wording.count(weaker, 'measurement')} with less: {', '.join(units)} ..." if weaker else "all"
    advice = "; run pytest with --specqa-verify whole" if policy.verified is Verified.CRC else ""
    return [Rule("verified files", not weaker, found, f"{policy.verified} or more{advice}")]


def _whole(extent: whole.Extent, partial: str) -> Rule:
    """Runs that were interrupted, or of which a part is given, prove nothing of the rest."""
    unknown = f"{wording.count(extent.unknown, 'measurement')} not known" if extent.unknown else ""
    found = "; ".join(part for part in (extent.told, unknown) if part) or f"all {wording.count(extent.planned, 'planned check')}"
    passed = partial == "allow" or not (extent.partial or (extent.unknown and partial == "refuse-unknown"))
    allowed = {"allow": "any part", "refuse": "whole runs", "refuse-unknown": "whole runs that say so"}[partial]
    return Rule("whole runs", passed, found, allowed)


def _unfinished(files: list[Path], partial: str) -> list[Rule]:
    """Whether a later run has begun and not ended; what is given is judged as it is, unless only whole runs that say so will do."""
    if not (found := unfinished.told(files)):
        return []
    passed = partial != "refuse-unknown"
    return [Rule("unfinished runs", passed, found, "any: the results are judged as they are" if passed else "none")]


def _required(policy: Policy, counts: Counts) -> list[Rule]:
    measured = {expectation for (_, expectation, outcome), count in counts.items() if count and outcome not in UNJUDGED}
    return [
        Rule(f"requires {name}", name in measured, "measured" if name in measured else "never measured", "measured at least once")
        for name in policy.require
    ]
