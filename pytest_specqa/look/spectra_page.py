"""The page of chosen spectra: how they were chosen, what they share, and each with what is known of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.look.embed import build, place_for
from pytest_specqa.look.spectra_found import Found, Spectrum, spread
from pytest_specqa.look.spectra_lines import STRONG, Trouble, fit_lines, hint
from pytest_specqa.look.words import classes_in_words, status_in_words, viewer_link, zwarn_in_words
from pytest_specqa.printable import escape

FEWEST = 3
"""Spectra from which on they are held against each other."""
WIDTH, SIGNIFICANT = 30.0, 5.0
"""Half-width in Angstrom over which the flux at a line is averaged, and how many errors below zero are negative."""
SAME = 0.05
"""Width in ln(1+z) within which redshifts count as the same, so that lines at their median say something."""


def spectra_page(found: Found, *, title: str, by: int, most: int, places: Sequence[Trouble] = ()) -> str:
    """Write the page.

    Parameters
    ----------
    found : Found
        The chosen spectra.
    title : str
        What they are of.
    by : int
        Pixels of a bin.
    most : int
        So many, spread evenly, are drawn one by one; what they share is drawn of all.
    places : sequence of Trouble
        Where checks fail or warn.

    Returns
    -------
    str
        HTML without anything to load.
    """
    from pytest_specqa.look import spectra_draw as draw  # noqa: PLC0415

    shown = [found.spectra[number] for number in spread(len(found.spectra), most)]
    figures: dict[str, Any] = {}
    body = [f"<h1>{escape(title)}</h1>", *_how(found, by=by, shown=len(shown))]
    body += _places(places)
    number = len(found.spectra)
    if number >= FEWEST:
        fibers, patch = found.fibers(), DESI.patch
        figures["over"] = draw.draw_over_each_other(found.stacked(), fibers, places=places, unit=found.unit, patch=patch)
        what = "Each spectrum" if number <= draw.CROWD else f"The median of each group of {patch} with {draw.FEWEST} or more"
        colours = f"colours go along the slit, and each group of {patch} neighbours, which lie together on the focal plane, has one"
        body += [
            f"<h2>All {number:,} over each other</h2>",
            f'<p class="note">{what}; {colours}.</p>',
            place_for("over", height=430),
        ]
    if number >= FEWEST:
        shared, words = _shared(found.spectra)
        figures["common"] = draw.draw_common(found.stacked(), lines=shared, places=places, unit=found.unit)
        body += [f"<h2>What all {number:,} have in common</h2>", f"<p>{escape(words)}</p>", place_for("common", height=320)]
    body.append("<h2>One by one</h2>")
    for number, one in enumerate(shown):
        lines = fit_lines(one.facts["SPECTYPE"], one.facts["Z"]) if one.facts["SPECTYPE"] else []
        own = [place for place in places if _concerns(place, one.petal)]
        figures[f"spectrum-{number}"] = draw.draw_one(one, lines=lines, places=own, unit=found.unit)
        body.append(_article(one, number, places=places))
    if len(found.spectra) > len(shown):
        body.append(f'<p class="note">… and {len(found.spectra) - len(shown):,} more: ask for more with --max.</p>')
    body.append(f'<p class="note">Read: {", ".join(f"<code>{escape(path.name)}</code>" for path in found.paths)}</p>')
    return build(title, "\n".join(body), figures)


def _how(found: Found, *, by: int, shown: int) -> list[str]:
    steps = " → ".join(f"{count:,} {'' if number == 0 else 'left by '}{name}" for number, (name, count) in enumerate(found.steps))
    drawn = (
        f"{shown} of {len(found.spectra):,} spectra, spread evenly, are drawn one by one"
        if shown < len(found.spectra)
        else f"{shown} spectra"
    )
    means = f"Mean of {by} pixels, each with the weight of its inverse variance" if by > 1 else "Pixels as in the file"
    return [
        f"<p>{escape(steps)}; <b>{drawn}</b>.</p>",
        f'<p class="note">{means}; the band around a line is its error. Masked pixels and those with ivar = 0 are left out; where '
        "none remains, the figure is grey. Vertical lines: where the redshift of the fit puts emission (solid) and absorption "
        "(dashed).</p>",
        *(f'<p class="note">Note: {escape(note)}.</p>' for note in found.notes),
    ]


def _places(places: Sequence[Trouble]) -> list[str]:
    if not places:
        return []
    told = [f"{place.words}, {place.low:.0f}-{place.high:.0f} Å" for place in places[:6]]
    more = f"; and {len(places) - 6} more" if len(places) > 6 else ""
    return [f'<p class="note">Shaded orange, from the results: {escape("; ".join(told) + more)}.</p>']


def _concerns(place: Trouble, petal: int) -> bool:
    return not place.cameras or any(int(camera[1:]) == petal for camera in place.cameras)


def _shared(spectra: Sequence[Spectrum]) -> tuple[list[Any], str]:
    """Lines at the median redshift if most fits agree on it, and words for it."""
    text = (
        "The median at each wavelength as observed. Objects at different places share nothing there, so that what shows is made; "
        "where the light band, half of the spectra, widens, some have too much and others too little."
    )
    kinds = [one.facts["SPECTYPE"] for one in spectra if one.facts["SPECTYPE"]]
    if not kinds:
        return [], text
    kind = max(sorted(set(kinds)), key=kinds.count)
    z = np.array([one.facts["Z"] for one in spectra if one.facts["SPECTYPE"] == kind], dtype=float)
    near = np.abs(np.log1p(z) - np.log1p(np.median(z))) < SAME / 2
    if kind == "STAR" or len(z) < len(spectra) / 2 or near.mean() < 0.8:
        return [], text
    lines = fit_lines(kind, float(np.median(z)))
    strong = hint(kind, float(np.median(z)), petal=-1)
    told = f" Lines are at the median redshift of the {len(z)} fits that are {kind}, z = {np.median(z):.3f}. {strong}"
    return lines, text + told.rstrip()


def _article(one: Spectrum, number: int, *, places: Sequence[Trouble]) -> str:
    facts = one.facts
    kind = facts["SPECTYPE"]
    title = f"FIBER {one.fiber}, petal {one.petal}"
    fit = f"{kind} {facts['SUBTYPE']}".strip() if kind else ""
    items = [("TARGETID", str(one.targetid)), ("target", classes_in_words(facts["DESI_TARGET"]) or facts["OBJTYPE"])]
    if kind:
        items += [("SPECTYPE", fit), ("z", _number(facts["Z"], ".5f") + _error(facts["ZERR"]))]
        items.append(("DELTACHI2", _number(facts["DELTACHI2"], ",.1f")))
    else:
        items.append(("fit", "none"))
    listed = [f"<li><b>{escape(name)}</b> {escape(text)}</li>" for name, text in items]
    for name, words in (
        ("ZWARN", zwarn_in_words(facts["ZWARN"]) if kind else ""),
        ("FIBERSTATUS", status_in_words(facts["STATUS"])),
    ):
        if words:
            listed.append(f'<li><b>{name}</b> <span class="warns">{escape(words)}</span></li>')
        elif name == "FIBERSTATUS" or kind:
            listed.append(f"<li><b>{name}</b> 0</li>")
    listed.append(f"<li>{_position(facts['TARGET_RA'], facts['TARGET_DEC'])}</li>")
    told = " ".join(filter(None, (hint(kind, facts["Z"], petal=one.petal, places=places), negative_line(one)))) if kind else ""
    return "\n".join(
        [
            f'<article id="fiber-{one.fiber}"><h3>{title}</h3><ul class="facts">{"".join(listed)}</ul>',
            f'<p class="hint">{escape(told)}</p>' if told else "",
            place_for(f"spectrum-{number}", height=300),
            f'<p class="note">{escape(one.model_words)}.</p>' if one.model_words else "",
            "</article>",
        ]
    )


def negative_line(one: Spectrum) -> str:
    """Say which strong emission line of the fit lies where the flux is below zero, and whether the fit follows it there.

    Parameters
    ----------
    one : Spectrum
        With a fit.

    Returns
    -------
    str
        A sentence; empty where there is none, at five times the error.
    """
    kind = one.facts["SPECTYPE"]
    for line in fit_lines(kind, one.facts["Z"]):
        if line.absorption or line.name not in STRONG.get(kind, ()):
            continue
        for band, (binned, row) in one.bands.items():
            near = (np.abs(binned.wave - line.wave) <= WIDTH) & np.isfinite(binned.flux[row])
            if not near.any():
                continue
            weight = binned.error[row][near] ** -2.0
            flux, error = float(np.average(binned.flux[row][near], weights=weight)), float(weight.sum() ** -0.5)
            if flux < -SIGNIFICANT * error:
                fitted = one.model.get(band)
                follows = fitted is not None and float(np.nanmean(fitted[near])) < 0
                told = f"The flux there is below zero, {flux:.3f} ± {error:.3f} within {WIDTH:.0f} Å of {line.name}"
                return f"{told}{', and so is the best fit' if follows else ''}: no object emits that."
    return ""


def _position(ra: float, dec: float) -> str:
    link = viewer_link(ra, dec)
    if not link:
        return "<b>position</b> none"
    return f'<b>position</b> <a href="{escape(link)}" rel="noreferrer">{ra:.5f}, {dec:+.5f}</a> (Legacy Survey viewer)'


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "none"


def _error(value: float) -> str:
    return f" ± {value:.5f}" if math.isfinite(value) else ""
