"""Pictures of what failed or warned, for the HTML report: as many per expectation as the user wants, no more."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from pytest_specqa.checks.check import Check
from pytest_specqa.values import Outcome


class Gallery:
    """Draws the pictures of checks until the quota of their expectation is used up.

    Parameters
    ----------
    quota : int
        Pictures of failed checks per expectation and picture family; of checks that only warned, one is drawn.
    folder : Path or None
        Where the workers of a run take their places in the quota, so that no picture is drawn that the page does not keep; None
        where there are no others.
    """

    def __init__(self, quota: int, folder: Path | None = None) -> None:
        self.quota = quota
        self.folder = folder
        self._drawn: Counter[tuple[str, str, bool]] = Counter()

    def draw(self, check: Check) -> None:
        """Draw what a failed or warned check kept; a crash while drawing is noted and changes no verdict."""
        outcome = check.result.outcome
        if outcome not in (Outcome.FAILED, Outcome.WARNED):
            return
        for name, arrays in check.pictures:
            failed = outcome is Outcome.FAILED
            if not self._takes_place(check.expectation, name, failed=failed):
                check.notes.append(f"picture {name} not drawn: {self.quota} of this expectation are shown (--specqa-max-pictures)")
                continue
            try:
                check.extras.append(_extra(name, arrays, unit=str(check.unit)))
            except Exception as error:
                check.notes.append(f"picture {name} could not be drawn: {type(error).__name__}: {error}")

    def _takes_place(self, expectation: str, name: str, *, failed: bool) -> bool:
        """Take the next place in the quota, if one is left."""
        key = (expectation, name, failed)
        while self._drawn[key] < share(self.quota, failed=failed):
            self._drawn[key] += 1
            if self.folder is None:
                return True
            words = f"{expectation} {name} {'failed' if failed else 'warned'} {self._drawn[key]}"
            place = self.folder / f"picture-{hashlib.sha256(words.encode()).hexdigest()[:24]}"
            try:
                place.touch(exist_ok=False)
            except FileExistsError:
                continue
            except OSError:
                # Without the folder each worker has the whole quota, and the page is trimmed.
                self.folder = None
            return True
        return False


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


def _extra(name: str, arrays: dict[str, Any], *, unit: str) -> dict[str, str]:
    from pytest_specqa import plots  # noqa: PLC0415

    figure = plots.draw(name, **arrays)
    plots.stamp(figure, unit)
    content = base64.b64encode(plots.to_png(figure)).decode()
    return {"name": name, "format_type": "image", "content": content, "mime_type": "image/png", "extension": "png"}


def trim(
    extras: list[dict[str, Any]], *, expectation: str, failed: bool, shown: Counter[tuple[str, str, bool]], quota: int
) -> tuple[list[dict[str, Any]], int]:
    """Keep the pictures that the quota of the whole run allows, which several workers may have exceeded together.

    Parameters
    ----------
    extras : list of dict
        Extras of one report.
    expectation : str
        The test that they belong to.
    failed : bool
        Whether it failed; otherwise it warned.
    shown : Counter
        Pictures shown so far by expectation and family; counted up here.
    quota : int
        How many there may be of each.

    Returns
    -------
    list of dict, int
        What is kept, and the number of pictures that are not.
    """
    kept = []
    for extra in extras:
        if extra.get("mime_type") == "image/png":
            key = (expectation, str(extra.get("name")), failed)
            shown[key] += 1
            if shown[key] > share(quota, failed=failed):
                continue
        kept.append(extra)
    return kept, len(extras) - len(kept)
