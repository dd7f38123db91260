"""``gate.toml``: what a release must satisfy, typed and checked line by line."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_specqa.errors import PolicyError
from pytest_specqa.rules.toml_lines import LinedToml
from pytest_specqa.values import Severity, Verified

GATE, OVERRIDE = "gate", "override"
PARTIAL = ("refuse", "refuse-unknown", "allow")


@dataclass(frozen=True)
class Terms:
    """What one part of a release must satisfy.

    Attributes
    ----------
    block : tuple of Severity
        Severities whose failures block: ``fail``, or also ``warn``.
    min_measured : float
        Smallest fraction of the measurements that must have come to a value: not *not measured*, not *unreachable*.
    max_unreachable : float
        Largest fraction of the measurements that may be *unreachable*, files that a server did not give; by default none.
    max_failures : int
        Most blocking measurements that may remain after waivers.
    """

    block: tuple[Severity, ...] = (Severity.FAIL,)
    min_measured: float = 0.5
    max_unreachable: float = 0.0
    max_failures: int = 0


@dataclass(frozen=True)
class Override:
    """Other terms for one survey, program or both."""

    survey: str | None
    program: str | None
    terms: Terms

    @property
    def name(self) -> str:
        """How reports call this part of the release."""
        return " ".join(
            f"{key} {value}" for key, value in (("survey", self.survey), ("program", self.program)) if value is not None
        )


@dataclass(frozen=True)
class Policy:
    """The whole gate.

    Attributes
    ----------
    terms : Terms
        For everything without an override.
    overrides : tuple of Override
        In file order; the first that fits a measurement applies.
    baseline : tuple of str
        Results files or patterns of the release before; relative to the policy's folder.
    max_regressions : int
        Most verdicts that may have become worse than in the baseline.
    require : tuple of str
        Expectations that must be measured at least once in all.
    min_nights : int
        Smallest number of nights.
    verified : Verified
        Least that must have been verified of the files that a measurement rests on.
    partial : str
        What becomes of results that are not whole: ``refuse`` blocks runs that judged fewer checks than they had planned,
        ``refuse-unknown`` also results that do not say how many they had planned, ``allow`` neither.
    path : str
        Where it was read from.
    """

    terms: Terms = field(default_factory=Terms)
    overrides: tuple[Override, ...] = ()
    baseline: tuple[str, ...] = ()
    max_regressions: int = 0
    require: tuple[str, ...] = ()
    min_nights: int = 1
    verified: Verified = Verified.NONE
    partial: str = PARTIAL[0]
    path: str = "built-in defaults"


TERM_KEYS = ("block", "min_measured", "max_unreachable", "max_failures")
GATE_KEYS = (*TERM_KEYS, "baseline", "max_regressions", "require", "min_nights", "verified", "partial")
OVERRIDE_KEYS = ("survey", "program", *TERM_KEYS)


def load(path: str | Path) -> Policy:
    """Read a gate policy.

    Parameters
    ----------
    path : path
        TOML with one ``[gate]`` table and any number of ``[[override]]`` tables.

    Raises
    ------
    PolicyError
        With the line of the first mistake: an unknown key, a value of the wrong type or out of range, an override without scope.
    """
    source = LinedToml(Path(path), PolicyError)
    for name in source.content:
        if name not in (GATE, OVERRIDE):
            raise source.wrong(name, 0, f"[{name}] is unknown, expected [{GATE}] and [[{OVERRIDE}]]")
    entry = source.content.get(GATE)
    if not isinstance(entry, dict):
        raise source.wrong(GATE, 0, f"found no table [{GATE}]; an empty one takes the defaults")
    source.reject_unknown(GATE, 0, entry, known=GATE_KEYS)

    terms = _terms(source, GATE, 0, entry, default=Terms())
    baseline = tuple(_below(Path(path).parent, name) for name in _of_gate(source, "baseline", _names, ()))
    if "max_regressions" in entry and not baseline:
        raise source.wrong(GATE, 0, "max_regressions needs a baseline: without one it can never block", key="max_regressions")
    return Policy(
        terms=terms,
        overrides=tuple(_override(source, index, item, default=terms) for index, item in enumerate(source.tables(OVERRIDE))),
        baseline=baseline,
        max_regressions=_of_gate(source, "max_regressions", _count, 0),
        require=_of_gate(source, "require", _names, ()),
        min_nights=_of_gate(source, "min_nights", _count, 1),
        verified=_of_gate(source, "verified", _level, Verified.NONE),
        partial=_of_gate(source, "partial", _partial, PARTIAL[0]),
        path=str(path),
    )


def _below(folder: Path, name: str) -> str:
    """Name a file or pattern of the policy; the name of the policy's folder is no pattern."""
    return str(folder / name) if (folder / name).exists() else str(Path(glob.escape(str(folder))) / name)


def _of_gate(source: LinedToml[PolicyError], key: str, convert: Any, default: Any) -> Any:
    return source.take(GATE, 0, source.content[GATE], key=key, convert=convert, default=default)


def _terms(source: LinedToml[PolicyError], table: str, index: int, entry: dict[str, Any], *, default: Terms) -> Terms:
    converters = {"block": _severities, "min_measured": _fraction, "max_unreachable": _part, "max_failures": _count}
    changes = {
        key: source.take(table, index, entry, key=key, convert=convert) for key, convert in converters.items() if key in entry
    }
    return replace(default, **changes)


def _override(source: LinedToml[PolicyError], index: int, entry: dict[str, Any], *, default: Terms) -> Override:
    source.reject_unknown(OVERRIDE, index, entry, known=OVERRIDE_KEYS)
    scope: Mapping[str, str | None] = {
        key: source.take(OVERRIDE, index, entry, key=key, convert=_name) for key in ("survey", "program")
    }
    if not any(scope.values()):
        raise source.wrong(OVERRIDE, index, 'an override needs survey = "...", program = "..." or both')
    return Override(**scope, terms=_terms(source, OVERRIDE, index, entry, default=default))


def _severities(value: object) -> tuple[Severity, ...]:
    names = [str(severity) for severity in Severity]
    if not isinstance(value, list) or not value or not all(name in names for name in value):
        raise ValueError(f"expected a list of severities out of {', '.join(names)}")
    return tuple(severity for severity in Severity if str(severity) in value)


def _fraction(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise ValueError("expected a fraction above 0 and up to 1; at 0, a release without any measurement would pass")
    return float(value)


def _part(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise ValueError("expected a fraction from 0 up to, but not, 1; at 1, a release of which nothing was read would pass")
    return float(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("expected a whole number, 0 or more")
    return value


def _level(value: object) -> Verified:
    names = [str(level) for level in Verified]
    if value not in names:
        raise ValueError(f"expected one of {', '.join(names)}")
    return Verified(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected text")
    return value


def _partial(value: object) -> str:
    if value not in PARTIAL:
        raise ValueError(f"expected one of {', '.join(PARTIAL)}")
    return str(value)


def _names(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("expected at least one name")
    return tuple(_name(item) for item in values)
