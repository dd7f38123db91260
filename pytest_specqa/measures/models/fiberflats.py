"""Is the fiber flat what 500 fibers under an even screen give: near 1, smooth, and without a slope over the focal plane?

A fiber flat is nearly free of noise. It is judged by its shape, not by a chi.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Bools, Floats, Found, Ints, local_threshold, mad_scale, nan_median, strongest
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

BIN = 8
"""Bins of the file that are averaged before narrow features are looked for."""
AROUND = 8
"""Averaged bins to either side that a feature is compared with, the nearest two left out."""
END = 12
"""Averaged bins at each end of the range that count as edge."""
DEAD = 0.02
"""Response below which a fiber is dead, whatever the flat says of its shape."""


@dataclass(frozen=True)
class FlatShape:
    """What `flat_shape` found.

    Attributes
    ----------
    masked : Measured
        Fraction of the fibers that nobody flagged whose flat has no weight at half of its wavelengths or more.
    typical : Measured
        Median response of all live fibers: 1 by the pipeline's definition, but for the spectrograph as a whole.
    low_fibers : Measured
        Smallest median response of a fiber that is neither masked nor flagged.
    extremes : Measured
        Fraction of live fibers whose response leaves 0.5-2 times its own median anywhere.
    edges : Measured
        Distance from 1 of the camera's median response, relative to mid-range, at the worse end of the wavelength range.
    narrow : Measured
        Largest significant narrow feature of a single fiber, as a fraction of the response.
    level : ndarray, shape (n_fiber,)
        Median response of each fiber, NaN where masked.
    """

    masked: Measured
    typical: Measured
    low_fibers: Measured
    extremes: Measured
    edges: Measured
    narrow: Measured
    level: Floats


def flat_shape(fiberflat: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, flagged: Bools | None = None) -> FlatShape:
    """Measure level, range, edges and narrow features of a fiber flat.

    Parameters
    ----------
    fiberflat, ivar : ndarray, shape (n_fiber, n_wave)
        Response and its inverse variance; ivar = 0 or NaN is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    flagged : ndarray of bool, shape (n_fiber,), optional
        Fibers known to be broken or of low throughput.

    Returns
    -------
    FlatShape
        Values; each but `masked` *not measured* if no fiber is live.

    References
    ----------
    desispec #2332, #2225 (unlisted dead fibers), #897, #1342 (lamps), #1946 (stray light on one fiber), #856 (a flat that was
    masked in all fibers).
    """
    binned, errors, centers = _binned(fiberflat, ivar, wave)
    level = nan_median(binned, axis=1)
    known = np.zeros(len(level), dtype=bool) if flagged is None else np.asarray(flagged, dtype=bool)
    masked = _masked(binned, known, fiber=fiber)
    live = np.isfinite(level) & ~known
    if not live.any():
        nothing = Measured.impossible("no live fiber in this flat")
        return FlatShape(masked, nothing, nothing, nothing, nothing, nothing, level)
    sound = live & (level > DEAD)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(sound, level, np.nan).astype(np.float32)[:, None]
        shape = binned / scale
    return FlatShape(
        masked=masked,
        typical=Measured(float(np.median(level[live])), error=0.0, detail="the flat is not relative to the mean of the fibers"),
        low_fibers=_low_fibers(level, live, fiber=fiber),
        extremes=_extremes(shape, sound, fiber=fiber),
        edges=_edges(shape, centers, fiber=fiber),
        narrow=_narrow(shape, errors / scale, centers, fiber=fiber),
        level=np.where(live, level, np.nan),
    )


def flat_level(fiberflat: Floats, ivar: Floats, *, flagged: Bools) -> Floats:
    """Median response of each fiber.

    Parameters
    ----------
    fiberflat, ivar : ndarray, shape (n_fiber, n_wave)
        Response and its inverse variance; ivar = 0 or NaN is left out.
    flagged : ndarray of bool, shape (n_fiber,)
        Fibers known to be broken or of low throughput.

    Returns
    -------
    ndarray, shape (n_fiber,)
        Median over every eighth bin; NaN for flagged and for masked fibers.
    """
    step = slice(None, None, BIN)
    level = nan_median(np.where(ivar[:, step] > 0, fiberflat[:, step], np.float32(np.nan)), axis=1)
    return np.where(flagged, np.nan, level)


def _binned(fiberflat: Floats, ivar: Floats, wave: Floats) -> tuple[Floats, Floats, Floats]:
    """Response in groups of `BIN` bins, its error, and the mean wavelength of each group."""
    size = wave.size // BIN * BIN
    mean, error = np.empty((2, len(fiberflat), size // BIN), dtype=np.float32)
    _fill_binned(rows_of(fiberflat), rows_of(ivar), mean, error)
    return mean, error, wave[:size].reshape(-1, BIN).mean(axis=1)


@compiled
def _fill_binned(fiberflat: Floats, ivar: Floats, mean: Floats, error: Floats) -> None:
    for row in range(mean.shape[0]):
        for place in range(mean.shape[1]):
            total, variance, count = np.float32(0), np.float32(0), 0
            for k in range(place * BIN, (place + 1) * BIN):
                good = ivar[row, k] > 0 and np.isfinite(fiberflat[row, k])
                total += fiberflat[row, k] if good else np.float32(0)
                variance += np.float32(1) / ivar[row, k] if good else np.float32(0)
                count += 1 if good else 0
            enough = count >= BIN // 2
            mean[row, place] = total / np.float32(count) if enough else np.float32(np.nan)
            error[row, place] = np.sqrt(variance) / np.float32(count) if enough else np.float32(np.nan)


def _masked(binned: Floats, known: Bools, *, fiber: Ints) -> Measured:
    if known.all():
        return Measured.impossible("every fiber of this camera is flagged as bad")
    lost = ~known & (np.isnan(binned).mean(axis=1) >= 0.5)
    return Measured(
        value=float(lost.sum() / (~known).sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, lost),
        detail=f"{int(lost.sum())} fibers that nobody flagged have no flat: what is divided by it has no weight"
        if lost.any()
        else "",
    )


def _low_fibers(level: Floats, live: Bools, *, fiber: Ints) -> Measured:
    worst = int(np.nanargmin(np.where(live, level, np.nan)))
    dead = live & (level < DEAD)
    state = (
        f"{int(dead.sum())} unflagged fibers are dead" if dead.any() else f"fiber {int(fiber[worst])} is the weakest unflagged one"
    )
    return Measured(
        value=float(level[worst]),
        error=0.0,
        fibers=fiber_ranges(fiber, dead) if dead.any() else ((int(fiber[worst]), int(fiber[worst])),),
        detail=state,
    )


def _extremes(shape: Floats, sound: Bools, *, fiber: Ints) -> Measured:
    with np.errstate(invalid="ignore"):
        outside = ((shape < 0.5) | (shape > 2.0)).any(axis=1) & sound
    return Measured(
        value=float(outside.sum() / max(sound.sum(), 1)),
        error=0.0,
        fibers=fiber_ranges(fiber, outside),
        detail=f"{int(outside.sum())} fibers respond less than half or more than twice their median somewhere: lamp or stray light",
    )


def _edges(shape: Floats, centers: Floats, *, fiber: Ints) -> Measured:
    common = nan_median(shape, axis=0)
    if not np.isfinite(common).any():
        return Measured.impossible("no fiber of this flat has a positive response")
    middle = float(np.nanmedian(common))
    ends = [(common[:END], centers[:END]), (common[-END:], centers[-END:])]
    distances = [abs(float(np.nanmedian(part)) / middle - 1.0) if np.isfinite(part).any() else 0.0 for part, _ in ends]
    worst = int(np.argmax(distances))
    waves = (float(ends[worst][1][0]), float(ends[worst][1][-1]))
    return Measured(
        value=distances[worst],
        error=0.0,
        fibers=((int(fiber.min()), int(fiber.max())),),
        waves=waves,
        detail="the whole camera departs from the other petals at this end: a lamp was missing or faint",
    )


def _narrow(shape: Floats, errors: Floats, centers: Floats, *, fiber: Ints) -> Measured:
    """Each group against the parabola through the groups around it, after what all fibers share is divided out."""
    own = shape / nan_median(shape[::3], axis=0).astype(np.float32)
    offsets = np.array([k for k in range(-AROUND, AROUND + 1) if abs(k) > 2])
    weights = np.linalg.pinv(np.vander(offsets, 3))[-1]
    n_inner = centers.size - 2 * AROUND
    inner = slice(AROUND, AROUND + n_inner)
    excess = own[:, inner].copy()
    for offset, weight in zip(offsets.tolist(), weights.tolist(), strict=True):
        excess -= np.float32(weight) * own[:, AROUND + offset : AROUND + offset + n_inner]
    noise = errors[:, inner] * float(np.sqrt(1.0 + np.sum(weights**2)))
    found = strongest(excess, np.maximum(noise, mad_scale(excess, axis=1)[:, None]))

    def feature(place: int) -> Found:
        """Fiber and wavelength."""
        row, group = divmod(place, excess.shape[1])
        center, number = float(centers[inner][group]), int(fiber[row])
        return Found(
            (number, number),
            f"a feature of {found.amplitude:+.1%} in this fiber alone: light on it that is not the lamp's",
            kind="line",
            waves=(center - 10.0, center + 10.0),
            label="flat feature",
        )

    return found.measured(feature, nothing="no live fiber in this flat")


def plane_gradient(level: Floats | None, x: Floats, y: Floats, *, fiber: Ints, instrument: Instrument = DESI) -> Measured:
    """Slope over the focal plane of a response that should be even.

    Parameters
    ----------
    level : ndarray, shape (n_fiber,), or None
        Response of each fiber, from its flat or as the throughput correction of its sky lines; NaN is left out.
    x, y : ndarray, shape (n_fiber,)
        Place of each fiber in mm; NaN is left out.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    instrument : Instrument
        Knows the radius of the focal plane.

    Returns
    -------
    Measured
        Change of the response, as a fraction, over one radius of the focal plane, 0 if not significant; *not measured*
        with fewer than 30 fibers.

    References
    ----------
    desispec #2172, desisurveyops #174 (telescope misaligned with the flat-field screen).
    """
    if level is None:
        return Measured.impossible("no response of the fibers is known")
    known = np.isfinite(level) & np.isfinite(x) & np.isfinite(y) & (level > DEAD)
    if known.sum() < 30:
        return Measured.impossible("fewer than 30 live fibers have a place in the focal plane")
    ratio = level[known] / np.median(level[known])
    design = np.stack([np.ones(known.sum()), x[known] / instrument.radius, y[known] / instrument.radius], axis=1)
    weight = np.ones(known.sum())
    for _ in range(4):
        normal = design.T @ (weight[:, None] * design)
        plane = np.linalg.lstsq(normal, design.T @ (weight * ratio), rcond=None)[0]
        residual = ratio - design @ plane
        spread = float(np.std(residual[weight > 0]))
        # Corrections that were cut off at one value have no median deviation: the standard deviation still has.
        scale = max(float(mad_scale(residual)), 0.7 * spread, 1e-6)
        weight = (np.abs(residual) < 3.5 * scale).astype(float)
    covariance = np.linalg.pinv(normal) * scale**2
    size = float(np.hypot(plane[1], plane[2]))
    direction = plane[1:] / max(size, 1e-12)
    error = float(np.sqrt(direction @ covariance[1:, 1:] @ direction))
    reached = local_threshold(2) * error
    return Measured(
        value=size if size > reached else 0.0,
        error=error,
        sensitivity=reached,
        fibers=((int(fiber.min()), int(fiber.max())),),
        detail=f"the response changes by {plane[1]:+.1%} toward +x and {plane[2]:+.1%} toward +y: the screen was not lit evenly",
    )
