"""One window over the whole focal plane: a shift estimate for each fiber, and the offsets of the petals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from pytest_specqa.instrument import Instrument
from pytest_specqa.measures.focal.scores import Score, edge_score, edge_width, local_scatter, sum_of_scores, symmetric_score
from pytest_specqa.measures.focal.windows import Window, WindowMap
from pytest_specqa.measures.statistics import Floats, Ints, mad_scale

FEWEST = 8
"""Fewest fibers of a kind in a petal that say anything about it."""
LIGHT_DIFFERENCE = (0.05, 0.15)
"""Relative difference of the light of faint targets between petals that is normal: seeing, focus, throughput, target mix. At least
and at most; between them, twice the scatter of the petals themselves, where there are enough of them to show one."""
FEWEST_PETALS = 6
"""Petals, of ten, from which on the whole focal plane is known well enough to compare them."""


@dataclass(frozen=True)
class ShiftMap:
    """Local shifts of the residual in one window, in units of the sky.

    Attributes
    ----------
    window : Window
        Where.
    fiber, x, y : ndarray, shape (n,)
        FIBER and place in mm (NaN: not known).
    residual : ndarray, shape (n,)
        Residual over the sky of its petal; NaN without data.
    shift, weight, skew : ndarray, shape (n,)
        Each fiber's estimate of the shift of the residual against its petal, inverse variance (0: no data), and skewness.
    petals : ndarray of int
        Petals with enough targets to have an offset.
    offset, offset_error : ndarray, one per petal
        Location of its targets, and the error: that of the targets, of the sky model that all of them share, and of their light.
    before, after : ndarray, shape (n,)
        In electron/Angstrom, before and after sky subtraction.
    level : float
        Median sky of the petals, electron/Angstrom.
    instrument : Instrument
        Whose fibers they are.
    """

    window: Window
    fiber: Ints
    x: Floats
    y: Floats
    residual: Floats
    shift: Floats
    weight: Floats
    skew: Floats
    petals: Ints
    offset: Floats
    offset_error: Floats
    before: Floats
    after: Floats
    level: float
    instrument: Instrument
    _kinds: tuple[tuple[Ints, Score], ...]

    def less(self, model: Floats) -> ShiftMap:
        """The same map without a smooth part of the light, such as a plane.

        Parameters
        ----------
        model : ndarray, shape (n,)
            In units of the sky.

        Returns
        -------
        ShiftMap
            Residuals and shifts less the model.
        """
        shift = np.where(self.weight > 0, self.shift - model, self.shift)
        return replace(self, residual=self.residual - model, shift=shift)

    def amplitude(self, positions: Ints) -> float:
        """Shift that makes the estimates of some fibers zero on average; not bounded as the estimates themselves are.

        Parameters
        ----------
        positions : ndarray of int
            The fibers, as positions in the arrays; at least one with data.

        Returns
        -------
        float
            Shift in units of the sky.
        """
        members = np.zeros(self.fiber.size, dtype=bool)
        members[positions] = True
        parts = [(self.residual[rows[members[rows]]], score) for rows, score in self._kinds if members[rows].any()]

        def pull(shift: float) -> float:
            """Sum of the scores at a trial shift; its root is the estimate."""
            return sum(
                sum_of_scores(residual, score.location + shift, score.width, *score.clip) / (score.slope * score.variance)
                for residual, score in parts
            )

        values = np.concatenate([residual - score.location for residual, score in parts])
        margin = max(4.0 * score.width for _, score in parts)
        return float(brentq(pull, values.min() - margin, values.max() + margin, xtol=1e-7))


def shift_map(maps: Sequence[WindowMap]) -> ShiftMap | None:
    """Combine the cameras that see one window.

    Parameters
    ----------
    maps : sequence of WindowMap
        One per petal, all of the same window.

    Returns
    -------
    ShiftMap or None
        None where no petal has enough fibers with data.
    """
    relative = [one.residual / one.level for one in maps]
    width = _common_edge(maps, relative)
    first = np.concatenate([[0], np.cumsum([len(one.fiber) for one in maps])])
    size = int(first[-1])
    shift, weight, skew = np.zeros(size), np.zeros(size), np.zeros(size)
    kinds: list[tuple[Ints, Score]] = []
    offsets: list[tuple[int, float, float]] = []
    for start, one, values in zip(first, maps, relative, strict=False):
        found = _scores(one, values, width=width)
        kinds += [(start + rows, score) for rows, score in found.values()]
        for rows, score in found.values():
            shift[start + rows] = score.shifts(values[rows])
            weight[start + rows], skew[start + rows] = 1.0 / score.variance, score.skew
        if False in found:
            location = found[False][1].location
            error2 = sum(score.variance / rows.size for rows, score in found.values())
            offsets.append((one.petal, location, float(np.sqrt(error2))))
    if not kinds:
        return None
    petals, offset, offset_error = (np.array([each[k] for each in offsets], dtype=float) for k in range(3))
    if maps[0].window.kind == "continuum":
        offset_error = np.hypot(offset_error, _light_difference(offset) * np.abs(offset))
    return ShiftMap(
        window=maps[0].window,
        fiber=np.concatenate([one.fiber for one in maps]),
        x=np.concatenate([one.x for one in maps]),
        y=np.concatenate([one.y for one in maps]),
        residual=np.concatenate(relative),
        shift=shift,
        weight=weight,
        skew=skew,
        petals=petals.astype(np.int64),
        offset=offset,
        offset_error=offset_error,
        before=np.concatenate([one.before for one in maps]),
        after=np.concatenate([one.residual for one in maps]),
        level=float(np.median([one.level for one in maps])),
        instrument=maps[0].instrument,
        _kinds=tuple(kinds),
    )


def _light_difference(location: Floats) -> float:
    """Relative scatter of the light of the petals' targets; a petal apart does not move it."""
    low, high = LIGHT_DIFFERENCE
    if location.size < FEWEST_PETALS or not np.median(location) > 0:
        return high
    return float(np.clip(2.0 * mad_scale(location) / np.median(location), low, high))


def _common_edge(maps: Sequence[WindowMap], relative: Sequence[Floats]) -> float:
    """Median width of the targets' faint edge; NaN where no petal has enough targets."""
    targets = [np.flatnonzero(np.isfinite(values) & ~one.is_sky) for one, values in zip(maps, relative, strict=True)]
    widths = [
        edge_width(values[rows], fiber=one.fiber[rows], instrument=one.instrument)
        for one, values, rows in zip(maps, relative, targets, strict=True)
    ]
    known = [width for width in widths if width > 0]
    return float(np.median(known)) if known else float("nan")


def _scores(one: WindowMap, values: Floats, *, width: float) -> dict[bool, tuple[Ints, Score]]:
    """Score of the sky fibers (True) and of the targets (False) of one petal, where there are enough of them."""
    found: dict[bool, tuple[Ints, Score]] = {}
    for sky in (True, False):
        rows = np.flatnonzero(np.isfinite(values) & (one.is_sky == sky))
        if rows.size < FEWEST:
            continue
        if sky or one.window.kind != "continuum":
            error = one.error[rows] / one.level
            scatter = local_scatter(values[rows], error, fiber=one.fiber[rows], instrument=one.instrument)
            score = symmetric_score(values[rows], width=scatter * float(np.median(error)))
        elif width > 0:
            score = edge_score(values[rows], width=width, fiber=one.fiber[rows], instrument=one.instrument)
        else:
            continue
        found[sky] = (rows, score)
    return found
