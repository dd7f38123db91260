"""Do fibers hold the light of their own targets, or of their neighbours'?

A trace finder that misses a fiber gives every spectrum after it to the next one. Two things that a fiber cannot take from its
neighbour tell: the brightness of its target in images, and its throughput, which the flat measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.frames.own_sky import sky_scale
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Bools, Floats, nan_median
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

HALF_WIDTH = 500.0
"""Angstrom to either side of an imaging band's wavelength over which light is averaged: half of its filter."""
EVERY = 4
"""Pixels between those that are averaged."""
PIXELS = 64
"""Pixels between those that the throughput of a fiber is taken from."""
BRIGHT = 5.0
"""Signal to noise of a fiber's mean flux from which on it can be compared with images."""
WINDOW = 20
"""Fibers that are judged together: fewer than a slit block, so that a block that was moved holds some whole ones."""
STEP = WINDOW // 4
"""Fibers between the first ones of two windows."""
SHIFTS = (-1, 1)
"""By how many fibers a label may be wrong."""
LEAST = 7
"""Comparable fibers of a window: with right labels a shift improves one in ten, and seven of seven by chance 1 time in 1e7."""
IMPROVED = 0.7
"""Part of the fibers of a window that fit better to their neighbours."""
FITS, FITS_NOT = 0.35, 2.5
"""|ln(measured / imaging)| up to which light fits a target, and how many times worse the labels as they are must do."""
EXPLAINED = 0.7
"""Part of the variance of sky levels that the flat of the neighbours must explain."""
PATTERN = 0.02
"""Scatter of the throughput of neighbours that a window needs to tell them apart."""


class Labels(NamedTuple):
    """What `neighbours_light` found.

    Attributes
    ----------
    moved : Measured
        Number of fibers in windows whose light fits the targets of the next or previous fibers.
    ratio : ndarray, shape (n_fiber,)
        ln(measured / imaging) less its median; NaN where it cannot be compared.
    """

    moved: Measured
    ratio: Floats


def neighbours_light(spectra: CameraSpectra, photometry: Columns, *, band: str, is_target: Bools) -> Labels:
    """Compare the light of fibers with images of their targets, and of their neighbours'.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera.
    photometry : Columns
        FIBERFLUX_G, FIBERFLUX_R, FIBERFLUX_Z in nanomaggy, as far as known: a fibermap.
    band : str
        Letter of the band.
    is_target : ndarray of bool, shape (n_fiber,)
        Fibers on a science target or standard, without a fatal flag.

    Returns
    -------
    Labels
        0 where every window fits its own targets best; *not measured* where no window has seven targets to compare.

    References
    ----------
    KPF-Pipeline #1446 (traces labelled as those of other fibers), desispec #1380 (swapped fibers).
    """
    name, pivot = spectra.instrument.imaging[band]
    nothing = Measured.impossible(f"no run of {WINDOW} fibers has {LEAST} targets with an imaging flux in {name} to compare")
    unknown = np.full(len(spectra.fiber), np.nan)
    if name not in photometry:
        return Labels(nothing, unknown)
    light = _light(spectra, np.abs(spectra.wave - pivot) < HALF_WIDTH)
    expected = np.asarray(photometry[name], dtype=float)
    expected = np.log(np.where(is_target & (expected > 0), expected, np.nan))
    here = light - expected
    here = here - nan_median(here)
    there = np.stack([light - _neighbour(expected, spectra, shift) for shift in SHIFTS])
    own, other = _windows(here, there)
    judged = (~np.isnan(own)).sum(axis=-1) >= LEAST
    # Each about its own median: where many fibers are wrong, so is the level of the camera.
    own, other = (np.abs(one - nan_median(one, axis=-1)[..., None]) for one in (own, other))
    fits = nan_median(other, axis=-1)
    with np.errstate(invalid="ignore"):
        improved = (other < own).sum(axis=-1) >= IMPROVED * (~np.isnan(own)).sum(axis=-1)
        moved = judged & improved & (fits < FITS) & (nan_median(own, axis=-1) > FITS_NOT * fits)
    if not judged.any():
        return Labels(nothing, here)
    return Labels(_counted(spectra, moved.any(axis=0), "the images of those targets fit, and not those of their own"), here)


def neighbours_throughput(spectra: CameraSpectra, fiberflat: Floats, *, corrections: Floats) -> Measured:
    """Look for the throughput pattern of the neighbours in the sky level of the fibers.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.
    fiberflat : ndarray, shape (n_fiber, n_wave)
        Flat that was applied, a ratio.
    corrections : ndarray, shape (n_fiber,)
        Throughputs that the sky lines asked for (THRPUTCORR): productions differ in whether the sky model holds them.

    Returns
    -------
    Measured
        Number of fibers in windows where the sky is brighter and fainter as if the flat of the next or previous fiber had been
        due; *not measured* where neighbours respond alike to 2 %, or no sky line is bright.

    References
    ----------
    KPF-Pipeline #1446 (traces labelled as those of other fibers).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.log(np.maximum(sky_scale(spectra) * (1.0 + fit_lines(spectra).values[0, :, -1]), 1e-3))
        flat = np.log(np.maximum(nan_median(fiberflat[:, ::PIXELS], axis=1), 1e-3))
        corrected = level + np.log(np.maximum(corrections, 1e-3))
    flat = np.where(flat > -1.0, flat, np.nan)
    steps = np.stack([_neighbour(flat, spectra, shift) - flat for shift in SHIFTS])[:, None]
    seen, due = _windows(np.stack([level, corrected]), steps)
    count = (~np.isnan(due)).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = due - (np.nansum(due, axis=-1) / count)[..., None]
        judged = (count >= WINDOW // 2) & (np.sqrt(np.nansum(apart**2, axis=-1) / count) >= PATTERN)
        moved = judged & _explained(seen, due)
    if not judged.any():
        return Measured.impossible("neighbouring fibers respond alike, or no sky line is bright enough to tell their throughput")
    return _counted(spectra, moved.any(axis=(0, 1)), "their sky is as bright as the throughput of those fibers makes it")


def _windows(here: Floats, there: Floats) -> tuple[Floats, Floats]:
    """Both values of the fibers of each window, to (..., n_window, WINDOW); NaN where either is missing."""
    both = np.isfinite(here) & np.isfinite(there)
    pair = np.where(both, np.stack(np.broadcast_arrays(here, there)), np.nan)
    if pair.shape[-1] < WINDOW:
        pair = pair[..., :0, None].repeat(WINDOW, axis=-1)
    else:
        pair = np.lib.stride_tricks.sliding_window_view(pair, WINDOW, axis=-1)[..., ::STEP, :]
    return pair[0], pair[1]


def _explained(seen: Floats, due: Floats) -> Bools:
    """Tell whether one pattern is the other; a few fibers that are off, as next to bright lines of their target, do not count."""
    seen, due = (one - nan_median(one, axis=-1)[..., None] for one in (seen, due))
    left, whole, pattern = nan_median(np.square(np.stack([seen - due, seen, due])), axis=-1)
    return np.asarray((left < (1 - EXPLAINED) * whole) & (pattern > PATTERN**2 / 2))


def _light(spectra: CameraSpectra, inside: Bools) -> Floats:
    """Logarithm of the mean flux of bright fibers; NaN for others."""
    places = np.flatnonzero(inside)
    if not places.size:
        return np.full(len(spectra.fiber), np.nan)
    columns = slice(int(places[0]), int(places[-1]) + 1, EVERY)
    flux, ivar = spectra.flux[:, columns], spectra.ivar[:, columns]
    good = (ivar > 0) & np.isfinite(flux)
    share = good.mean(axis=1)
    count = np.maximum(good.sum(axis=1), 1)
    mean = np.where(good, flux, np.float32(0)).sum(axis=1, dtype=float) / count
    each = np.where(good, np.float32(1) / np.where(good, ivar, np.float32(1)), np.float32(0))
    variance = each.sum(axis=1, dtype=float) / count**2
    bright = (mean > BRIGHT * np.sqrt(variance / EVERY)) & (share > 0.5)
    return np.where(bright, np.log(np.where(bright, mean, 1.0)), np.nan)


def _neighbour(values: Floats, spectra: CameraSpectra, shift: int) -> Floats:
    """Values of the fiber whose number is higher by `shift`; NaN where there is none."""
    moved = np.full(spectra.instrument.fibers + 2, np.nan)
    moved[spectra.slot + 1] = values
    return np.asarray(moved[spectra.slot + 1 + shift])


def _counted(spectra: CameraSpectra, windows: Bools, why: str) -> Measured:
    """Number and name the fibers of the windows that were found."""
    moved = np.zeros(len(spectra.fiber), dtype=bool)
    for number in np.flatnonzero(windows):
        moved[number * STEP : number * STEP + WINDOW] = True
    ranges = fiber_ranges(spectra.fiber, moved)
    return Measured(
        value=float(moved.sum()),
        error=0.0,
        fibers=ranges,
        detail=f"fibers {ranges[0][0]}-{ranges[0][1]} hold the light of their neighbours: {why}" if ranges else "",
    )
