"""How likely each cause is, given what was measured: every rule is asked, and their answers are weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_specqa.triage.evidence import ORDER, Evidence
from pytest_specqa.triage.finding import Suspect
from pytest_specqa.triage.rules import RULES, Rule
from pytest_specqa.triage.wording import quantity
from pytest_specqa.values import called

UNKNOWN = 2.0
"""Logarithm of the odds of a cause that no rule knows: what a rule needs to be as likely as that."""
WARNED = 0.6
"""Weight of a measure that warns beside one that fails."""
FURTHER, MOST_FURTHER = 0.5, 2.0
"""Weight of what a rule shows besides what shows it best, and what that adds at most."""
UNEXPLAINED, MOST_UNEXPLAINED = 1.5, 4.5
"""What a failed measure that the cause cannot move takes away, and what they take away at most."""
AT_STAGE = 0.5
"""What a cause gains that acts where failures begin, and loses that acts later."""
LEAST, LEAST_SECOND, MOST_SUSPECTS = 0.3, 0.05, 4
"""Confidence of a first suspect and of a further one at least, and number of suspects at most."""


@dataclass(frozen=True)
class Verdict:
    """One rule and what its questions came to."""

    rule: Rule
    score: float
    reasons: tuple[str, ...]


def weigh(rule: Rule, evidence: Evidence) -> Verdict | None:
    """Put the questions of one rule.

    Parameters
    ----------
    rule : Rule
        The cause.
    evidence : Evidence
        What was measured.

    Returns
    -------
    Verdict or None
        ``None`` where nothing of what it shows is bad.
    """
    shown = sorted(((_weight(rule, measure, evidence), measure) for measure in rule.shows if measure in evidence.bad), reverse=True)
    if not shown:
        return None
    score = shown[0][0] + min(FURTHER * sum(weight for weight, _ in shown[1:]), MOST_FURTHER)
    said = [f"{called(evidence.bad[measure])}: {quantity(evidence.bad[measure])}" for _, measure in shown[:2]]
    answers = [(ask.weight, answer) for ask in rule.asks if (answer := ask.look(evidence))]
    score += sum(weight for weight, _ in answers)
    said += [answer for weight, answer in sorted(answers, key=lambda each: -each[0]) if weight > 0]
    unexplained = [measure for measure in evidence.failed if measure not in rule.shows and measure not in rule.moves]
    score -= min(UNEXPLAINED * len(unexplained), MOST_UNEXPLAINED)
    if evidence.stages and rule.stage:
        begins = ORDER[evidence.stages[0]]
        score += AT_STAGE * ((ORDER[rule.stage] == begins) - (ORDER[rule.stage] > begins))
    return Verdict(rule, score, tuple(dict.fromkeys(said)))


def best(evidence: Evidence, rules: Mapping[str, Rule] = RULES) -> list[Verdict]:
    """Rank the rules that speak, most likely first."""
    found = [verdict for rule in rules.values() if (verdict := weigh(rule, evidence))]
    return sorted(found, key=lambda verdict: (-verdict.score, verdict.rule.name))


def suspects(evidence: Evidence, rules: Mapping[str, Rule] = RULES) -> tuple[tuple[Suspect, ...], str]:
    """Name the causes that the measurements allow.

    Parameters
    ----------
    evidence : Evidence
        What was measured.
    rules : mapping of str to Rule
        Causes by name.

    Returns
    -------
    tuple of Suspect
        Most likely first; confidences sum to less than 1, as an unknown cause has its part.
    str
        Why no cause can be named; empty where one is.
    """
    ranked = best(evidence, rules)
    odds = {verdict.rule.name: math.exp(min(verdict.score, 50.0)) for verdict in ranked if verdict.score > 0}
    total = math.exp(UNKNOWN) + sum(odds.values())
    named = tuple(
        Suspect(verdict.rule.name, verdict.rule.phrase, round(odds[verdict.rule.name] / total, 3), verdict.reasons)
        for verdict in ranked[:MOST_SUSPECTS]
        if odds.get(verdict.rule.name, 0.0) / total >= LEAST_SECOND
    )
    if named and named[0].confidence >= LEAST:
        return named, ""
    if not ranked:
        names = ", ".join(sorted(evidence.bad)[:3])
        return (), f"cannot tell, because no rule speaks of {names}"
    if len(named) > 1:
        return named, f"cannot tell, because {len(named)} causes fit about as well: {named[0].name} or {named[1].name}"
    worst = ranked[0]
    against = "what speaks for it is contradicted by other measures" if worst.score <= 0 else "too little speaks for it"
    return named, f"cannot tell, because the likeliest cause ({worst.rule.name}) is doubtful: {against}"


def _weight(rule: Rule, measure: str, evidence: Evidence) -> float:
    return rule.shows[measure] * (1.0 if measure in evidence.failed else WARNED)
