"""Pictures of what failed or warned, for the HTML report: as many per expectation as the user wants, no more."""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa import triage
from pytest_specqa.checks import wording
from pytest_specqa.checks.check import Check, Picture
from pytest_specqa.values import Measurement, Outcome

if TYPE_CHECKING:
    from pytest_specqa.plots import Mark


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
        failed = outcome is Outcome.FAILED
        measurement, pictures = chosen(check)
        for name, arrays, _ in pictures:
            if not self._takes_place(check.expectation, name, failed=failed):
                check.notes.append(f"picture {name} not drawn: {self.quota} of this expectation are shown (--specqa-max-pictures)")
                continue
            try:
                check.extras.append(_extra(name, arrays, unit=str(check.unit), measurement=measurement))
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


def chosen(check: Check) -> tuple[Measurement, list[Picture]]:
    """Choose what a check has to show: the measurement that tells most, and the pictures of it.

    Parameters
    ----------
    check : Check
        One that failed or warned.

    Returns
    -------
    Measurement, list of Picture
        The lead of the check; where no picture shows it, the next that one shows.
    """
    by_name = {found.limit.name: found for found in check.measurements}
    bad = [record for record in check.records() if record["outcome"] in (Outcome.FAILED, Outcome.WARNED)]
    order = [by_name[record["measure"]] for record in triage.worst_first(bad)]
    for found in order:
        pictures = [picture for picture in check.pictures if not picture.shows or found.limit.name in picture.shows]
        if pictures:
            return found, pictures
    return order[0], []


def mark_of(measurement: Measurement) -> Mark:
    """Say what a picture has to show of a measurement: its place, and its number as the message has it.

    Parameters
    ----------
    measurement : Measurement
        What failed or warned.

    Returns
    -------
    Mark
        For `pytest_specqa.plots.draw`.
    """
    from pytest_specqa.plots import Mark  # noqa: PLC0415

    measured, limit = measurement.measured, measurement.limit
    failed = measurement.outcome is Outcome.FAILED
    warns = not failed and limit.low <= measured.value <= limit.high
    low, high = (limit.warn_low, limit.warn_high) if warns else (limit.low, limit.high)
    error = f" ± {wording.number(measured.error)}" if measured.error else ""
    unit = f" {limit.unit}" if limit.unit else ""
    return Mark(
        measure=limit.name,
        value=f"{wording.number(measured.value)}{error}{unit}",
        number=measured.value,
        bounds=f"allowed: {wording.allowed(replace(limit, low=low, high=high))}{unit}",
        fibers=measured.fibers,
        waves=measured.waves,
        features=measured.features,
        detail=measured.detail or ("" if math.isfinite(measured.value) else measurement.message),
        peers=measured.peers,
        low=low,
        high=high,
        failed=failed,
    )


def _extra(name: str, arrays: dict[str, Any], *, unit: str, measurement: Measurement) -> dict[str, str]:
    from pytest_specqa import plots  # noqa: PLC0415

    made = {key: value() if callable(value) else value for key, value in arrays.items()}
    figure = plots.draw(name, mark=mark_of(measurement), **made)
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
