"""Where does a part of the slit leave the level of the rest: in a step at the row where amplifiers meet, or over some range?

A smooth baseline of each fiber is taken out first, and from the shapes that are looked for alike, so that neither targets nor a
gradient of the sky count. Shapes are fitted to every fiber alone to learn how much real targets scatter in them, and to the mean of
each part of the slit to find what its fibers share.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pytest_specqa.instrument import Instrument
from pytest_specqa.measures.frames.own_sky import BIN, OwnSky, own_sky
from pytest_specqa.measures.frames.slit_parts import slit_parts
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Floats, Found, Ints, local_threshold, nan_median, strongest
from pytest_specqa.values import Measured

CURVATURES = (-60, -30, 0, 30, 60)
"""Pixels by which a CCD row at the end of the slit is displaced from its middle; the fiber traces of DESI stay within these."""
PLACES = range(-6, 7, 2)
"""Bins from the middle of the grid at which amplifiers may meet: it is a CCD row, not a wavelength."""
WIDTHS = (4, 8, 16, 32)
"""Bins over which a part may be off: 51 to 410 Angstrom."""
OVERLAP = 4
"""Places that are tried for each width of a range."""
CLIP = 8.0
"""Sigmas to which a bin of one fiber is pulled in: an emission line of its target."""
COVERED = 0.3
"""Part of a shape's own square that the bins with data must hold."""
FLOOR = 0.001
"""Fraction of the sky continuum by which parts may differ through the flat alone, with their smooth differences taken out."""
INDEPENDENT = 0.3
"""Independent places for each that is tried, as 17 clean cameras show it: their largest of 10,000 is 5 sigma."""


class ZeroLevels(NamedTuple):
    """What `zero_levels` found, in the unit of the flux.

    Attributes
    ----------
    step : Measured
        Jump of a part of the slit against the rest, across the middle CCD row.
    offset : Measured
        Largest difference between a part of the slit and the rest over 51 to 410 Angstrom.
    """

    step: Measured
    offset: Measured


class _Shapes(NamedTuple):
    """Shapes less their projection on the baseline, and the first and last bin where each differs from zero."""

    values: Floats
    spans: Ints


class _Fits(NamedTuple):
    """Amplitudes and their errors, both of shape (n_curvature, n_part, n_shape)."""

    size: Floats
    error: Floats

    def only(self, chosen: slice) -> _Fits:
        """Fits of some of the shapes."""
        return _Fits(self.size[:, :, chosen], self.error[:, :, chosen])


def zero_levels(spectra: CameraSpectra) -> ZeroLevels:
    """Search the parts of the slit for steps at the middle row, and for ranges in which they are off.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    ZeroLevels
        Sizes that noise and the scatter of the targets do not explain; 0 if none. `sensitivity` is that for a whole amplifier,
        half of the slit: one in fewer fibers must be larger.

    References
    ----------
    desispec #1518, #1551 (bias drift), #1826 (charge traps), #924 (glow).
    """
    own, instrument = own_sky(spectra), spectra.instrument
    n_bin = own.wave.size
    block = instrument.slot(spectra.fiber)[own.rows] // instrument.block
    if not own.rows.size or n_bin < 2 * max(WIDTHS):
        nothing = Measured.impossible("no faint fiber, or too short a spectrum, to compare amplifiers in")
        return ZeroLevels(nothing, nothing)
    sigma = 1.0 / np.sqrt(np.where(own.weight > 0, own.weight, np.float32(1)))
    limit = np.float32(CLIP) * sigma
    light = own.weight * np.clip(own.residual, -limit, limit)
    steps, ranges = _step_spans(n_bin), _range_spans(n_bin)
    shapes = _less_baseline(np.concatenate([steps, ranges]), own)
    fits = _fits(shapes, own, light, block, instrument)
    first, others = slice(None, len(steps)), slice(len(steps), None)
    return ZeroLevels(
        step=_worst(fits.only(first), steps, spectra, own, kind="step"),
        offset=_worst(fits.only(others), ranges, spectra, own, kind="offset"),
    )


def _step_spans(n_bin: int) -> Ints:
    return np.array([(n_bin // 2 + place, n_bin) for place in PLACES])


def _range_spans(n_bin: int) -> Ints:
    spans = [
        (max(first, 0), min(first + width, n_bin)) for width in WIDTHS for first in range(-width // 2, n_bin, width // OVERLAP)
    ]
    return np.array([(first, last) for first, last in spans if last - first >= min(WIDTHS)])


def _less_baseline(spans: Ints, own: OwnSky) -> _Shapes:
    bins = np.arange(own.wave.size)
    shapes = ((bins >= spans[:, :1]) & (bins < spans[:, 1:])).astype(float)
    weighted = own.baseline * own.weight.mean(axis=0)[:, None]
    normal = own.baseline.T @ weighted
    normal += 1e-9 * np.trace(normal) * np.eye(len(normal))
    return _Shapes((shapes - shapes @ weighted @ np.linalg.solve(normal, own.baseline.T)).astype(np.float32), spans)


def _fits(shapes: _Shapes, own: OwnSky, light: Floats, block: Ints, instrument: Instrument) -> _Fits:
    """Fit all shapes to each part of the slit less the rest, along rows of each curvature."""
    values, squares = shapes.values, np.square(shapes.values)
    scatter = _scatter(values @ light.T, squares @ own.weight.T)
    n_block = instrument.fibers // instrument.block
    inside = np.array([[first <= number < last for number in range(n_block)] for first, last in slit_parts(n_block)], np.float32)
    place = instrument.slit_position(np.arange(n_block) * instrument.block + instrument.block // 2)
    running = np.concatenate([[0.0], np.cumsum(own.sky)])
    floor = FLOOR * (running[shapes.spans[:, 1]] - running[shapes.spans[:, 0]]) / np.ptp(shapes.spans, axis=1)
    least = COVERED * squares.sum(axis=1)
    sums = np.stack([_by_block(light, block, n_block), _by_block(own.weight, block, n_block)])
    size, error = np.empty((2, len(CURVATURES), len(inside), len(values)))
    for number, curvature in enumerate(CURVATURES):
        total, mass = _along_rows(sums, np.rint(curvature * place**2 / BIN).astype(int))
        own_mass, other_mass = inside @ mass, (1 - inside) @ mass
        with np.errstate(divide="ignore", invalid="ignore"):
            known = (own_mass > 0) & (other_mass > 0)
            contrast = np.where(known, (inside @ total) / own_mass - ((1 - inside) @ total) / other_mass, np.float32(0))
            weight = np.where(known, own_mass * other_mass / (own_mass + other_mass), np.float32(0))
            norm = weight @ squares.T
            enough = known.astype(np.float32) @ squares.T > least
            size[number] = np.where(enough, (weight * contrast) @ values.T / norm, np.nan)
            error[number] = np.where(enough, np.hypot(scatter / np.sqrt(norm), floor), np.nan)
    return _Fits(size, error)


def _by_block(values: Floats, block: Ints, n_block: int) -> Floats:
    """Sums over the fibers of each block of the slit."""
    starts = np.searchsorted(block, np.arange(n_block + 1))
    return np.array([values[first:last].sum(axis=0) for first, last in pairwise(starts)])


def _along_rows(sums: Floats, shifts: Ints) -> Floats:
    """Sums of each block at the bin of the middle of the slit that lies on the same CCD row; 0 where none does."""
    bins = np.arange(sums.shape[2]) + shifts[:, None]
    there = (bins >= 0) & (bins < sums.shape[2])
    taken = np.take_along_axis(sums, np.clip(bins, 0, sums.shape[2] - 1)[None], axis=2)
    return np.where(there, taken, np.float32(0))


def _scatter(top: Floats, norm: Floats) -> Floats:
    """How much fibers scatter in each shape, in units of what their weights say; never less than 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pulls = np.abs(np.where(norm > 0, top / np.sqrt(norm), np.float32(np.nan)))
    middle = MAD_TO_SIGMA * nan_median(pulls, axis=1)
    return np.where(middle > 1, middle, 1.0)


def _worst(fits: _Fits, spans: Ints, spectra: CameraSpectra, own: OwnSky, *, kind: str) -> Measured:
    n_trials = INDEPENDENT * fits.size.size
    found = strongest(fits.size, fits.error, n_trials=n_trials)
    n_block = spectra.instrument.fibers // spectra.instrument.block
    parts, first = slit_parts(n_block), spectra.petal * spectra.instrument.fibers
    half = fits.error[:, parts.index((0, n_block // 2))]
    if found.place >= 0 and np.isfinite(half).any():
        found = found._replace(sensitivity=local_threshold(n_trials) * float(nan_median(half.ravel())))

    def described(place: int) -> Found:
        """The part of the slit, where on the CCD, and what that suggests."""
        _, part, shape = np.unravel_index(place, fits.size.shape)
        start, end = spans[shape]
        fibers = first + parts[part][0] * spectra.instrument.block, first + parts[part][1] * spectra.instrument.block - 1
        if kind == "step":
            low, high = max(start - max(WIDTHS) // 2, 0), min(start + max(WIDTHS) // 2, own.wave.size - 1)
            seen = f"jumps by {found.amplitude:+.2f} against the rest around {own.wave[start]:.0f} A"
            what = f"this part of the slit {seen}, the row where the amplifiers meet: bias drift or a charge trap"
        else:
            low, high = start, end - 1
            what = (
                f"this part of the slit is {found.amplitude:+.2f} against the rest: a step of an amplifier, a charge trap or glow"
            )
        return Found(fibers, what, kind, (float(own.wave[low]), float(own.wave[high])), "electron/Angstrom", kind)

    return found.measured(described, nothing="no pixels between sky lines around the middle row")
