"""The bar that finds rows: by text, camera, check and outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pytest_specqa.printable import escape
from pytest_specqa.report import gather, words
from pytest_specqa.report.gather import Entry
from pytest_specqa.values import Outcome

OUTCOMES = {str(outcome): outcome for outcome in reversed(Outcome)} | {
    gather.WAIVED: Outcome.WARNED,
    gather.KNOWN: Outcome.WARNED,
}
ALWAYS = frozenset(map(str, Outcome)) - {str(Outcome.UNREACHABLE)}
"""Outcomes whose count is shown though it is zero: all that a run with its files at hand can have."""


def bar(entries: Iterable[Entry], rowed: Sequence[Entry]) -> str:
    """HTML of the filters; the counts of the outcomes are buttons that show and hide their rows.

    Parameters
    ----------
    entries : iterable of Entry
        All tests of the run: what is counted.
    rowed : sequence of Entry
        Those that have a row: what can be found.

    Returns
    -------
    str
        A search form, which needs the page's script.
    """
    cameras = sorted({str(entry.lead["camera"]) for entry in rowed} - {"None"})
    bands = [(camera, f"all {camera} cameras") for camera in sorted({camera[0] for camera in cameras})]
    petals = sorted(
        {f"petal{entry.lead['petal']}" for entry in rowed if entry.lead["petal"] is not None and not entry.lead["camera"]}
    )
    places = [*bands, *((camera, camera) for camera in cameras), *((petal, petal.replace("l", "l ", 1)) for petal in petals)]
    places += [("healpix", "healpix pixels")] if any(entry.lead["kind"] == "healpix" for entry in rowed) else []
    checks = [(claim, claim) for claim in sorted({entry.claim for entry in rowed})]
    return (
        '<form id="specqa-bar" role="search" aria-label="find rows">'
        '<input type="search" name="text" placeholder="find text (press /)" aria-label="text of the row">'
        f"{_select('place', 'every camera', places)}{_select('check', 'every check', checks)}{_outcomes(entries, rowed)}"
        '<span id="specqa-count" role="status"></span>'
        '<button type="button" id="specqa-open">open all</button><button type="button" id="specqa-close">close all</button></form>'
    )


def _select(name: str, nothing: str, options: Iterable[tuple[str, str]]) -> str:
    given = "".join(f'<option value="{escape(value, quote=True)}">{escape(text)}</option>' for value, text in options)
    return f'<select name="{name}" aria-label="{name}"><option value="">{nothing}</option>{given}</select>'


def _outcomes(entries: Iterable[Entry], rowed: Iterable[Entry]) -> str:
    counts, found = Counter(entry.word for entry in entries), {entry.word for entry in rowed}
    chips = []
    for word, outcome in OUTCOMES.items():
        if word not in ALWAYS and not counts[word]:
            continue
        badge = words.badge(outcome, f"{counts[word]} {word}", quiet=not counts[word])
        if word in found:
            badge = f'<button type="button" aria-pressed="true" data-outcome="{escape(word)}" title="show or hide">{badge}</button>'
        chips.append(badge)
    return f'<span class="specqa-chips" title="checks: one expectation on one unit each">{"".join(chips)}</span>'
