"""Do fibers hold the light of their own targets, or of their neighbours'?

A trace finder that misses a fiber gives every spectrum after it to the next one. Two things that a fiber cannot take from its
neighbour tell: the brightness of its target in images, and its throughput, which the flat measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.frames.own_sky import sky_scale
from pytest_specqa.measures.models.light import HALF_WIDTH, mean_flux
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Bools, Floats, Ints, mad_scale, nan_median
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

PIXELS = 64
"""Pixels between those that the throughput of a fiber is taken from."""
BRIGHT = 5.0
"""Signal to noise of a fiber's mean flux from which on it can be compared with images."""
COMPARED = 12
"""Comparable fibers, next to each other but for those that cannot be compared, that are judged together: half of a slit block."""
SURE = 16.0
"""Logarithm of the likelihood ratio from which on the neighbours' targets are taken for those that the fibers hold."""
WORST = 9.0
"""Square of the distance, in units of the camera's scatter, that a single fiber counts at most: some miss their target."""
SCATTER = 0.15
"""Scatter of ln(measured / imaging) that the best camera is credited with."""
WINDOW = 20
"""Fibers whose throughputs are judged together: fewer than a slit block, so that a block that was moved holds whole windows."""
STEP = 2
"""Fibers between the beginnings of windows."""
PATTERN = 10.0
"""Errors by which the pattern of the neighbours' throughput must be seen."""
PART = 0.75
"""Part of that pattern that must be there: all of it where labels are wrong, less in a window that is half of a moved block."""
QUIET = 0.003
"""Scatter of throughputs that the best camera is credited with."""


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
        0 where every window fits its own targets; *not measured* where fewer than twelve targets can be compared. In 150 clean
        cameras the logarithm of the likelihood ratio of the neighbours' targets reached 8.

    References
    ----------
    KPF-Pipeline #1446 (traces labelled as those of other fibers), desispec #1380 (swapped fibers).
    """
    # A survey may have no images, and a file may not hold their fluxes.
    name, pivot = spectra.instrument.imaging.get(band, ("this band", np.nan))
    nothing = Measured.impossible(f"fewer than {COMPARED} targets with neighbours have an imaging flux in {name} to compare")
    unknown = np.full(len(spectra.fiber), np.nan)
    if name not in photometry:
        return Labels(nothing, unknown)
    light = _light(spectra, pivot)
    expected = np.asarray(photometry[name], dtype=float)
    expected = np.log(np.where(is_target & (expected > 0), expected, np.nan))
    here = light - expected
    middle = nan_median(here)
    here = here - middle
    scatter = max(float(mad_scale(here, center=np.zeros(()))), SCATTER)
    judged, moved = np.zeros((2, len(light)), dtype=bool)
    for shift in (-1, 1):
        there = light - middle - _neighbour(expected, spectra, shift)
        rows = np.flatnonzero(np.isfinite(here) & np.isfinite(there))
        if len(rows) < COMPARED:
            continue
        judged[rows] = True
        gain = _misfit(here[rows] / scatter) - _misfit(there[rows] / scatter)
        for first in np.flatnonzero(np.convolve(gain, np.ones(COMPARED), "valid") > SURE):
            _mark(moved, rows[first : first + COMPARED], gain[first : first + COMPARED])
    if not judged.any():
        return Labels(nothing, here)
    return Labels(_counted(spectra, moved, "the images of those targets fit, and not those of their own"), here)


def _misfit(distance: Floats) -> Floats:
    """Minus the logarithm of the likelihood, for a normal distribution with outliers."""
    return np.asarray(0.5 * np.minimum(np.square(distance), WORST))


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
        due; *not measured* where neighbours respond too much alike to tell, or no sky line is bright. In 150 clean cameras the
        pattern of the neighbours was seen with 3.5 errors at most.

    References
    ----------
    KPF-Pipeline #1446 (traces labelled as those of other fibers).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.log(np.maximum(sky_scale(spectra) * (1.0 + fit_lines(spectra).values[0, :, -1]), 1e-3))
        flat = np.log(np.maximum(nan_median(fiberflat[:, ::PIXELS], axis=1), 1e-3))
        corrected = level + np.log(np.maximum(corrections, 1e-3))
    flat = np.where(flat > -1.0, flat, np.nan)
    judged, moved = False, np.zeros(len(level), dtype=bool)
    for shift in (-1, 1):
        due = _neighbour(flat, spectra, shift) - flat
        for seen in (level, corrected):
            judged |= _look_for(seen - nan_median(seen), due, moved=moved)
    if not judged:
        return Measured.impossible("neighbouring fibers respond alike, or no sky line is bright enough to tell their throughput")
    return _counted(spectra, moved, "their sky is as bright as the throughput of those fibers makes it")


def _look_for(seen: Floats, due: Floats, *, moved: Bools) -> bool:
    """Mark the windows in which the pattern that is due is seen, by a matched filter; tell whether it could be in any."""
    if len(seen) < WINDOW:
        return False
    scatter = max(float(mad_scale(seen, center=np.zeros(()))), QUIET)
    pattern, found = (sliding_window_view(values, WINDOW)[::STEP] for values in (due, seen))
    known = np.isfinite(pattern) & np.isfinite(found)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    pattern = np.where(known, pattern, 0.0)
    pattern = np.where(known, pattern - pattern.sum(axis=1, keepdims=True) / count, 0.0)
    found = np.where(known, found - nan_median(np.where(known, found, np.nan), axis=1)[:, None], 0.0)
    # A fiber that is off, as next to bright lines of its target, counts for little more than the pattern may ask of it.
    most = 2.0 * np.abs(pattern) + 3.0 * scatter
    power = np.square(pattern).sum(axis=1)
    product = (pattern * np.clip(found, -most, most)).sum(axis=1)
    able = (known.sum(axis=1) >= WINDOW // 2) & (np.sqrt(power) > PATTERN * scatter)
    there = able & (product > PART * power) & (product > PATTERN * scatter * np.sqrt(power))
    gain = found * pattern - 0.5 * np.square(pattern)
    for window in np.flatnonzero(there):
        _mark(moved, STEP * window + np.arange(WINDOW), gain[window])
    return bool(able.any())


def _mark(moved: Bools, rows: Ints, gain: Floats) -> None:
    """Mark the fibers of a window, less those at either end that speak for their own labels."""
    total = np.concatenate([[0.0], np.cumsum(gain)])
    begin = int(np.argmin(total[:-1]))
    end = max(int(np.argmax(total)), begin + 1)
    moved[rows[begin] : rows[end - 1] + 1] = True


def _light(spectra: CameraSpectra, pivot: float) -> Floats:
    """Logarithm of the mean flux of bright fibers; NaN for others."""
    mean, error = mean_flux(spectra.flux, spectra.ivar, spectra.wave, within=(pivot - HALF_WIDTH, pivot + HALF_WIDTH))
    with np.errstate(invalid="ignore"):
        bright = mean > BRIGHT * error
    return np.log(np.where(bright, mean, np.nan))


def _neighbour(values: Floats, spectra: CameraSpectra, shift: int) -> Floats:
    """Values of the fiber whose number is higher by `shift`; NaN where there is none."""
    moved = np.full(spectra.instrument.fibers + 2, np.nan)
    moved[spectra.slot + 1] = values
    return np.asarray(moved[spectra.slot + 1 + shift])


def _counted(spectra: CameraSpectra, moved: Bools, why: str) -> Measured:
    ranges = fiber_ranges(spectra.fiber, moved)
    return Measured(
        value=float(moved.sum()),
        error=0.0,
        fibers=ranges,
        detail=f"fibers {ranges[0][0]}-{ranges[0][1]} hold the light of their neighbours: {why}" if ranges else "",
    )
