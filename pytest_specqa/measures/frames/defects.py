"""Defects of the CCD that touch few fibers: holes that no mask knows, and traps that keep the light of sky lines back."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.frames.own_sky import OwnSky, own_sky
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, Found, Ints, nan_median, strongest
from pytest_specqa.values import Measured

RUNS = (1, 2, 4)
"""Bins of a hole: 13 to 51 Angstrom."""
TOGETHER = (2, 3, 4)
"""Neighbouring fibers that a hole covers: one alone may be an absorption line of its target."""
AROUND = 25
"""Fibers around a hole that hold none: what they share at a wavelength is the sky's."""


def hole(spectra: CameraSpectra) -> Measured:
    """Search for a place where two to four neighbouring fibers fall below their neighbours over a short range.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Measured
        Depth in electron/Angstrom in the least affected of the fibers, positive; 0 if noise explains all. *Not measured* without
        faint fibers next to each other.

    References
    ----------
    desispec #983 (a hole that no mask knew, in four fibers at 5500 A).
    """
    own = own_sky(spectra)
    if len(own.rows) < AROUND:
        return Measured.impossible(f"fewer than {AROUND} faint fibers")
    depth, error = _depths(own)
    near = spectra.fiber[own.rows]
    shown, sigma, places = [], [], []
    for size in TOGETHER:
        rows = np.flatnonzero(near[size - 1 :] - near[: len(near) - size + 1] == size - 1)
        stack = np.array([depth[:, rows + step] for step in range(size)]).reshape(size, len(RUNS), rows.size, -1)
        noise = np.array([error[:, rows + step] for step in range(size)]).reshape(stack.shape)
        # The least affected fiber speaks for all: chance, or one odd target, seldom takes two neighbours at one place.
        with np.errstate(invalid="ignore"):
            least = np.argmin(np.where(np.isfinite(stack), stack / noise, -np.inf), axis=0)[None]
        shown.append(np.take_along_axis(stack, least, axis=0)[0].ravel())
        sigma.append(np.take_along_axis(noise, least, axis=0)[0].ravel() / np.sqrt(size))
        places += [(size, rows)]
    values, errors = np.concatenate(shown), np.concatenate(sigma)
    found = strongest(np.where(values > 0, values, 0.0), errors)

    def worst(place: int) -> Found:
        """Fibers and wavelengths of the hole."""
        for (size, rows), part in zip(places, shown, strict=True):
            if place < part.size:
                run, row, first = np.unravel_index(place, (len(RUNS), rows.size, depth.shape[2]))
                fibers = int(near[rows[row]]), int(near[rows[row] + size - 1])
                waves = (float(own.wave[first]), float(own.wave[min(first + RUNS[run], own.wave.size) - 1]))
                return Found(fibers, _HOLE.format(found.amplitude), "hole", waves, "electron/Angstrom", "hole")
            place -= part.size
        raise IndexError(place)

    return found.measured(worst, nothing="no two faint fibers lie next to each other")


_HOLE = "these fibers fall {:.0f} electron/A below their neighbours, all at one place of the CCD: a defect that is not masked"


def _depths(own: OwnSky) -> tuple[Floats, Floats]:
    """Light missing in each fiber over runs of bins, (n_run, n_fiber, n_bin), and its error; NaN without data in all of a run."""
    known = own.weight > 0
    residual = np.where(known, own.residual, np.float32(np.nan))
    blocks: Ints = np.arange(len(own.rows)) // AROUND
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    typical = np.array([nan_median(residual[start : start + AROUND]) for start in starts], dtype=np.float32)
    missing = np.where(known, typical[blocks] - residual, np.float32(0))
    spread = np.sqrt(np.maximum(nan_median(np.square(missing) * own.weight, axis=1) / 0.455, 1.0))[:, None]
    depth, error = np.full((2, len(RUNS), *known.shape), np.nan, np.float32)
    for number, width in enumerate(RUNS):
        light, mass, live = (_running(values, width) for values in (missing * own.weight, own.weight, known.astype(np.float32)))
        whole = live == width
        last = live.shape[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            depth[number, :, :last] = np.where(whole, light / mass, np.nan)
            error[number, :, :last] = np.where(whole, spread / np.sqrt(mass), np.nan)
    return depth, error


def _running(values: Floats, width: int) -> Floats:
    """Sums over `width` bins from each on."""
    total = values[:, : values.shape[1] - width + 1].copy()
    for step in range(1, width):
        total += values[:, step : values.shape[1] - width + 1 + step]
    return total


def light_kept_back(spectra: CameraSpectra) -> Measured:
    """Search for fibers whose sky lines lose light from one wavelength on.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Measured
        Part of the light of sky lines that a faint fiber lacks to one side of a wavelength against the other side; 0 if noise
        explains it. *Not measured* without bright lines.

    References
    ----------
    desispec #1956 (a trap delays the charge of one column).
    """
    fit, faint = fit_lines(spectra), spectra.faint
    values, errors = fit.values[0][faint, :-1], fit.errors[0][faint, :-1]
    values = values - nan_median(values)
    weight = np.where(np.isfinite(values) & (errors > 0), 1.0 / np.square(np.where(errors > 0, errors, 1.0)), 0.0)
    light = np.where(weight > 0, weight * np.nan_to_num(values), 0.0)
    masses, lights = weight.cumsum(axis=1), light.cumsum(axis=1)
    before, after = masses[:, :-1], masses[:, -1:] - masses[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = lights[:, :-1] / before - (lights[:, -1:] - lights[:, :-1]) / after
        error = np.sqrt(1.0 / before + 1.0 / after)
        scatter = np.maximum(1.4826 * nan_median(np.abs(step / error)), 1.0)
    lost = np.where((before > 0) & (after > 0), np.maximum(step, 0.0), np.nan)
    found = strongest(lost, error * scatter)
    numbers = spectra.fiber[faint]

    def worst(place: int) -> Found:
        """The fiber, and where its lines begin to lose light."""
        row, piece = divmod(place, lost.shape[1])
        number = int(numbers[row])
        detail = f"sky lines of this fiber lose {found.amplitude:.0%} of their light from {fit.waves[piece][1]:.0f} A on: a charge trap"
        return Found((number, number), detail, "trap", (fit.waves[piece][1], fit.waves[-1][1]), "", "light lost")

    return found.measured(worst, nothing="no sky line is bright enough on both sides of any wavelength")
