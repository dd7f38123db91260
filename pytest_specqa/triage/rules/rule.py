"""What a rule is: a cause, what it asks of the measurements, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_specqa.triage.evidence import Evidence

Look = Callable[[Evidence], str]
"""Returns what speaks, as a short clause with numbers; empty where nothing does."""


class Extent(StrEnum):
    """What one fault of a kind can reach: what two groups must share to be one fault."""

    CAMERA = "camera"
    PETAL = "petal"
    EXPOSURE = "exposure"
    TILE = "tile"


@dataclass(frozen=True)
class Ask:
    """One question to the measurements.

    Attributes
    ----------
    weight : float
        What a yes adds to the logarithm of the odds; below zero it speaks against the cause.
    look : callable
        The question.
    """

    weight: float
    look: Look


@dataclass(frozen=True)
class Rule:
    """A cause and how it is told from others.

    Attributes
    ----------
    name : str
        Key of the cause.
    phrase : str
        What it is, as a clause.
    because : str
        Why these measurements speak for it.
    stage : str
        Stage of the reduction at which it acts, a key of `STAGES`; empty where it can be any: that at which it shows.
    extent : Extent
        What one fault of this kind can reach.
    shows : mapping of str to float
        Measures that it moves by itself, and what a failure of each adds to the logarithm of the odds.
    moves : frozenset of str
        Measures that it can move further on, or that are computed from spectra which it changed.
    asks : tuple of Ask
        What else speaks for it, or against it.
    advice : str
        What to look at next, and whether to hold, mask or rerun.
    source : str
        Where this is known from.
    vertical : bool
        Whether it acts at fixed wavelengths in any fiber of a camera, so that fibers need not be shared.
    narrow : bool
        Whether it acts in a few fibers, so that what half a camera shows is none of its.
    harmless : bool
        Whether it is no fault and there is nothing to do: it is told after all that is one.
    """

    name: str
    phrase: str
    because: str
    stage: str
    extent: Extent
    shows: Mapping[str, float]
    advice: str
    source: str
    moves: frozenset[str] = frozenset()
    asks: tuple[Ask, ...] = field(default=())
    vertical: bool = False
    narrow: bool = False
    harmless: bool = False
