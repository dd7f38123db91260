"""The comparison on one self-contained page: what broke first, then by how much, then the pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources

import pytest_specqa
from pytest_specqa.checks import wording
from pytest_specqa.compare.chart import histogram
from pytest_specqa.compare.pictures import Picture
from pytest_specqa.compare.redshifts import MOVED, RedshiftChanges, verdict
from pytest_specqa.compare.tables import flips_table, mark, table
from pytest_specqa.compare.told import findings
from pytest_specqa.printable import escape
from pytest_specqa.results.comparing.changes import MeasureChange
from pytest_specqa.results.comparing.compare import Comparison
from pytest_specqa.results.comparing.flips import MEANING, Flip, tally
from pytest_specqa.values import Record

MOVES = 60


def build(comparison: Comparison, *, sides: Sequence[str], redshifts: RedshiftChanges, pictures: Sequence[Picture]) -> str:
    """Write the page.

    Parameters
    ----------
    comparison : Comparison
        Verdicts and measures.
    sides : sequence of str
        What was compared: before, after.
    redshifts : RedshiftChanges
        Empty where no redshifts were compared.
    pictures : sequence of Picture
        In the order in which they are shown.

    Returns
    -------
    str
        HTML without anything to load; names and messages are escaped.
    """
    broken, sentence = bool(comparison.broken or redshifts.broken), verdict(comparison, redshifts)
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
            f"<title>Before and after: {escape(sentence)}</title><style>{style}</style></head><body>",
            "<h1>Before and after</h1>",
            f'<p class="sides">before: <b>{escape(sides[0])}</b><br>after: <b>{escape(sides[1])}</b></p>',
            f'<p class="verdict {"bad" if broken else "good"}">{escape(sentence)}</p>',
            *findings(comparison, redshifts),
            *_counts(comparison),
            *_loose(comparison),
            *_left_out(comparison),
            *_pictures(pictures),
            *_redshifts(redshifts),
            *_changes(comparison),
            *_spread(comparison),
            f"<footer>pytest-specqa {escape(pytest_specqa.__version__)}; differences are after minus before.</footer>",
            "</body></html>\n",
        ]
    )


def _counts(comparison: Comparison) -> list[str]:
    items = []
    for kind, count in tally(comparison.verdicts).items():
        if count or kind in (Flip.BROKEN, Flip.FIXED, Flip.STILL_FAILING):
            items.append(
                f'<li class="{"some" if count else "none"}" title="{escape(MEANING[kind])}"><b>{count}</b>{escape(kind)}</li>'
            )
    return ["<h2>Checks</h2>", '<ul class="counts">', *items, "</ul>", '<p class="note">A check is one claim on one unit.</p>']


def _left_out(comparison: Comparison) -> list[str]:
    notes = [f"not compared: {text}" for text in comparison.left_out]
    if comparison.reused:
        notes.append(f"{comparison.reused} measurements were taken over: the files that they depend on are identical in both.")
    return [f'<p class="note">{escape(text)}</p>' for text in notes]


def _loose(comparison: Comparison) -> list[str]:
    """Checks that changed and belong to no finding."""
    loose = [change for change in comparison.loose if not change.breaks or change.flip is Flip.BROKEN]
    if not loose:
        return []
    return [
        f"<details><summary>{wording.count(len(loose), 'check')} that changed in no finding</summary>",
        flips_table(loose),
        "</details>",
    ]


def _redshifts(redshifts: RedshiftChanges) -> list[str]:
    if not redshifts.classes and not redshifts.notes:
        return []
    parts = [f"<h2>Redshifts of {redshifts.petals} tile petal{'s' * (redshifts.petals != 1)}</h2>"]
    rows = [
        (
            ("", escape(one.name)),
            ("number", f"{one.targets:,}"),
            ("number", f"{one.good_before:,}"),
            ("number", f"{one.good_after:,}"),
            ("number", "–" if math.isnan(one.ratio) else f"{one.ratio:.3f}"),
            ("number", f"{one.moved:,} ({one.moved_fraction:.2%})"),
            ("number", f"{one.moved_good:,} of {one.good_both:,}"),
        )
        for one in redshifts.classes
    ]
    moved = f" |dz|/(1+z) > {MOVED}"
    head = ("class", " spectra", " n(old)", " n(new)", " n(new)/n(old)", moved, " of those good in both")
    parts += table(head, rows) if rows else []
    parts.append(
        '<p class="note">Good: ZWARN = 0 and DELTACHI2 above 15 (LRG), 40 (BGS) or 25 (others; QSO also SPECTYPE QSO). '
        "A target counts in every class it belongs to; sky fibers count apart.</p>"
    )
    parts += _shifts(redshifts)
    parts += [f'<p class="note">{escape(note)}</p>' for note in redshifts.notes]
    moves = [
        (
            ("unit", f"{move.place}, fiber {move.fiber}"),
            ("number", str(move.targetid)),
            ("number", _redshift(move.before)),
            ("number", _redshift(move.after)),
            ("", escape(f"{move.spectype_before} → {move.spectype_after}")),
        )
        for move in redshifts.moves
    ]
    if moves:
        parts.append(f"<details open><summary>{len(moves)} catastrophic moves: good in both productions, and elsewhere</summary>")
        parts += [*table(("target", " TARGETID", " z before", " z after", "SPECTYPE"), moves, most=MOVES), "</details>"]
    return parts


def _shifts(redshifts: RedshiftChanges) -> list[str]:
    """Median shift of each class, told or not."""
    rows = [
        (
            ("", mark(one.state)),
            ("", escape(one.title)),
            ("number", f"{one.objects:,}"),
            ("number", f"{one.moved:,}"),
            ("number", one.change),
            ("number", escape(one.velocity)),
            ("number", f"{one.allowance.warned:.1g} / {one.allowance.broken:.1g}"),
        )
        for one in redshifts.shifts
    ]
    head = ("", "class", " ZWARN = 0 in both", " not the same", " median dz/(1+z)", " velocity", " warns / breaks from")
    return [*(table(head, rows) if rows else [])]


def _redshift(z: float) -> str:
    """Four digits; a star's tiny blueshift is no minus zero."""
    return f"{round(z, 4) + 0.0:.4f}"


def _pictures(pictures: Sequence[Picture]) -> list[str]:
    parts = ["<h2>Pictures of what flipped</h2>"] if pictures else []
    for picture in pictures:
        title = escape(picture.title)
        if picture.png:
            image = f'<img src="data:image/png;base64,{picture.png}" alt="{title}">'
            parts.append(f"<figure>{image}<figcaption>{title}</figcaption></figure>")
        else:
            parts.append(f'<p class="note">{title}: no picture ({escape(picture.reason)})</p>')
    return parts


def _changes(comparison: Comparison) -> list[str]:
    shown = [change for change in comparison.changes if change.significant or change.delta]
    note = (
        f"Largest first. The error of a difference is that of two independent measurements, which is conservative where both "
        f"productions reduce the same photons; where none is stated, or the changes over units scatter more than it allows, "
        f"it is their robust scatter. "
        f"Bold: beyond noise at a false-discovery rate of {comparison.rate:g} over all {len(comparison.changes):,} measurements."
    )
    rows = [_change(change) for change in shown]
    head = ("unit", "measure", " before", " after", " Δ", " Δ / error", "")
    title = f"<h2>Measurements: {len(comparison.significant):,} beyond noise</h2>"
    return [title, f'<p class="note">{escape(note)}</p>', *(table(head, rows) if rows else [])]


def _change(change: MeasureChange) -> list[tuple[str, str]]:
    record = change.after
    unit = escape(record.get("value_unit") or "")
    words = {None: "", True: '<span class="moved-worse">worse</span>', False: '<span class="moved-better">better</span>'}
    size = "no error" if change.significance is None else f"{change.significance:+.1f}"
    return [
        ("unit", escape(record["unit"])),
        ("", f"{escape(record['measure'])} <small>{unit}</small>"),
        ("number", _with_error(change.before)),
        ("number", _with_error(record)),
        ("number", f"{change.delta:+.3g}"),
        ("number", f"<b>{size}</b>" if change.significant else size),
        ("", words[change.worse if change.significant else None]),
    ]


def _with_error(record: Record) -> str:
    value, error = record["value"], record["error"]
    return f"{value:.4g}" + (f" ± {error:.2g}" if error else "")


def _spread(comparison: Comparison) -> list[str]:
    if not comparison.spread:
        return []
    differing = [one for one in comparison.spread if one.before != one.after]
    same = len(comparison.spread) - len(differing)
    parts = ["<h2>Distributions over units</h2>", '<div class="grid">']
    for one in differing:
        shift = f"median change {one.shift:+.3g} {one.unit}"
        chance = f"; shared by all units (p = {one.p_value:.1g})" if one.significant else ""
        pull = f"; scatter of the changes {one.pull_width:.2g} × their error" if one.pull_width is not None else ""
        parts.append(
            f"<div><b>{escape(one.measure)}</b>{escape(one.expectation)}{histogram(one)}"
            f"{len(one.before)} unit{'s' * (len(one.before) != 1)}: {escape(shift + chance + pull)}</div>"
        )
    rest = f" {same} measures are the same in every unit and not drawn." if same else ""
    return [*parts, "</div>", f'<p class="note">Filled: before; line: after; red: the limit.{rest}</p>']
