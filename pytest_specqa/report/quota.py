"""How many pictures an expectation may have on the page, and which of those that were drawn are kept: those of the worst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from pytest_specqa.report.gather import Entry
from pytest_specqa.triage import excess, lead
from pytest_specqa.values import Outcome


class Piece(NamedTuple):
    """What a test has to show: the family of a picture, empty for what is none, and its HTML."""

    family: str
    html: str


def share(quota: int, *, failed: bool) -> int:
    """Return how many pictures failed checks may have, or those that only warned: a few warnings must not use up the quota.

    Parameters
    ----------
    quota : int
        Of the user.
    failed : bool
        Whether the checks failed.

    Returns
    -------
    int
        The quota, or one of it.
    """
    return quota if failed else min(quota, 1)


def kept(drawn: Iterable[tuple[Entry, list[Piece]]], *, quota: int) -> dict[str, list[str]]:
    """Keep the pictures of the worst checks of each expectation: which they are is known when all have been judged.

    Parameters
    ----------
    drawn : iterable of (Entry, list of Piece)
        Tests and what they have to show.
    quota : int
        Pictures of each expectation and family that failed; of those that only warned one is kept.

    Returns
    -------
    dict of str to list of str
        HTML by node id; a picture that gave way to worse ones is a note that says so.
    """
    order = sorted(drawn, key=lambda one: (-excess(lead(one[0].records)), one[0].unit))
    seen: dict[tuple[str, str, bool], int] = defaultdict(int)
    made: dict[str, list[str]] = {}
    for entry, pieces in order:
        failed = entry.outcome is Outcome.FAILED
        made[entry.nodeid] = []
        for piece in pieces:
            key = entry.expectation, piece.family, failed
            seen[key] += bool(piece.family)
            given_way = seen[key] > share(quota, failed=failed)
            made[entry.nodeid].append(not_shown(piece.family, quota) if given_way and piece.family else piece.html)
    return made


def not_shown(family: str, quota: int) -> str:
    """HTML of a note in the place of a picture."""
    return f'<p class="specqa-note">picture {family} not shown: {note(quota)}</p>'


def note(quota: int) -> str:
    """Why a picture is not there."""
    return f"the {quota} worst of this expectation are (--specqa-max-pictures)"
