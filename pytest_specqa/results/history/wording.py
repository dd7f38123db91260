"""A change in words for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_specqa.results.history.explaining import Cluster
    from pytest_specqa.results.history.refining import Refined

MOST_JOINED = 6
"""Other measures and vectors that are named."""
WORDS = {
    "residual": "residual spectrum",
    "residual_error": "noise",
    "line_scale": "part of the sky lines that is left",
    "line_shift": "shift of the sky lines",
    "line_width": "width of the sky lines",
    "flux_over_imaging": "flux over that of imaging",
}


def called(what: str) -> str:
    """Call a measure or vector by plain words."""
    return WORDS.get(what, what.replace("_", " "))


def detail(cluster: Cluster, refined: Refined, *, first: tuple[int, int | None], last: tuple[int, int | None]) -> str:
    """Return one phrase: what is off, how and since when.

    Parameters
    ----------
    cluster : Cluster
        What was found.
    refined : Refined
        What its exposures tell.
    first, last : tuple of (int, int or None)
        Night and exposure.

    Returns
    -------
    str
        Without place, which a table has beside it.
    """
    way = "above" if refined.size > 0 else "below"
    what = called(cluster.head.what)
    if refined.shape == "drift":
        return f"{what} drifts {'up' if refined.size > 0 else 'down'} from night {first[0]} on" + _until(refined, last)
    if refined.shape == "intermittent":
        return f"{what} is {way} its usual value in {refined.bad} of {refined.seen} exposures" + _until(refined, last)
    if refined.shape == "one-off":
        return f"{what} was {way} its usual value for {cluster.head.nights} {'night' if cluster.head.nights == 1 else 'nights'}"
    return f"{what} is {way} its usual value since night {first[0]}" + _until(refined, last)


def _until(refined: Refined, last: tuple[int, int | None]) -> str:
    return "" if refined.ongoing else f", until night {last[0]}"


def others(cluster: Cluster) -> tuple[str, ...]:
    """Name what else shows the same: other measures and vectors, then how many fibers and groups."""
    head = cluster.head
    names = sorted({called(found.what) for found in cluster.members if found.what != head.what})
    told = names[:MOST_JOINED]
    if len(names) > MOST_JOINED:
        told.append(f"{len(names) - MOST_JOINED} more measures")
    for scope, plural in (("group", "groups of fibers"), ("fiber", "fibers")):
        places = {found.fibers for found in cluster.members if found.scope == scope}
        if places and scope != head.scope:
            told.append(
                f"{len(places)} {plural if len(places) > 1 else plural.replace('groups', 'group').replace('fibers', 'fiber')}"
            )
    return tuple(told)
