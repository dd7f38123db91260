"""Pictures of what failed or warned, for the HTML report: as many per expectation as the user wants, no more."""

from __future__ import annotations

import base64
import hashlib
import math
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa import triage
from pytest_specqa.checks import wording
from pytest_specqa.checks.check import Check, Picture
from pytest_specqa.report.quota import note, share
from pytest_specqa.values import Measurement, Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pytest_specqa.plots import Mark


class Gallery:
    """Draws the pictures of the worst checks of each expectation, as far as they are known.

    A picture is drawn unless the quota is used up by checks that are as bad or worse: the worst of a run has its picture, whenever
    it is judged, and of many that are alike no more are drawn than the page keeps.

    Parameters
    ----------
    quota : int
        Pictures of failed checks per expectation and picture family; of checks that only warned, one is drawn.
    folder : Path or None
        Where the workers of a run tell one another what they have drawn; None where there are no others.
    """

    def __init__(self, quota: int, folder: Path | None = None) -> None:
        self.quota = quota
        self.folder = folder
        self._drawn: dict[str, list[float]] = defaultdict(list)

    def draw(self, check: Check) -> None:
        """Draw what a failed or warned check kept; a crash while drawing is noted and changes no verdict."""
        outcome = check.result.outcome
        if outcome not in (Outcome.FAILED, Outcome.WARNED):
            return
        failed = outcome is Outcome.FAILED
        measurement, pictures = chosen(check)
        weight = triage.excess(triage.lead(check.records()))
        for picture in pictures:
            name = picture.name
            words = f"{check.expectation} {name} {'failed' if failed else 'warned'}"
            if not self._takes_place(words, weight, most=share(self.quota, failed=failed)):
                check.notes.append(f"picture {name} not drawn: {note(self.quota)}")
                continue
            try:
                check.extras.append(_extra(picture, unit=str(check.unit), measurement=measurement))
            except Exception as error:
                check.notes.append(f"picture {name} could not be drawn: {type(error).__name__}: {error}")

    def _takes_place(self, words: str, weight: float, *, most: int) -> bool:
        """Take a place in the quota, unless what is as bad or worse has used it up."""
        before = self._drawn[words] if self.folder is None else self._told(words)
        if sum(other >= weight for other in before) >= most:
            return False
        self._drawn[words].append(weight)
        if self.folder is not None:
            try:
                with tempfile.NamedTemporaryFile(dir=self.folder, prefix=_prefix(words), suffix=f"_{weight!r}", delete=False):
                    pass
            except OSError:
                # Without the folder each worker has the whole quota, and the page keeps the worst of all.
                self.folder = None
        return True

    def _told(self, words: str) -> list[float]:
        """How bad those are that any worker has drawn."""
        found = self.folder.glob(f"{_prefix(words)}*") if self.folder else ()
        return [float(path.name.rpartition("_")[2]) for path in found]


def _prefix(words: str) -> str:
    return f"picture-{hashlib.sha256(words.encode()).hexdigest()[:24]}-"


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
    error = f" ± {measured.error:.2g}" if measured.error else ""
    unit = f" {limit.unit}" if limit.unit else ""
    return Mark(
        measure=limit.name,
        called=limit.plain or limit.name.replace("_", " "),
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


def figure_of(picture: Picture, *, unit: str, measurement: Measurement | None = None) -> Figure:
    """Draw a picture of a check.

    Parameters
    ----------
    picture : Picture
        What the check kept for it; what can be called in its arrays is called.
    unit : str
        What is judged, which is written on it.
    measurement : Measurement or None
        What it shows: the lead of a check that failed or warned. ``None`` marks nothing.

    Returns
    -------
    matplotlib.figure.Figure
        Free of pyplot.
    """
    from pytest_specqa import plots  # noqa: PLC0415

    made = {key: value() if callable(value) else value for key, value in picture.arrays.items()}
    figure = plots.draw(picture.name, mark=mark_of(measurement) if measurement else None, **made)
    plots.stamp(figure, unit)
    return figure


def _extra(picture: Picture, *, unit: str, measurement: Measurement) -> dict[str, str]:
    from pytest_specqa import plots  # noqa: PLC0415

    content = base64.b64encode(plots.to_png(figure_of(picture, unit=unit, measurement=measurement))).decode()
    return {"name": picture.name, "format_type": "image", "content": content, "mime_type": "image/png", "extension": "png"}
