"""Traps of the CCD, which keep the light of one column back: the sky lines of a fiber lose light from one wavelength on."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Found, nan_median, strongest
from pytest_specqa.values import Measured


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
        scatter = np.maximum(MAD_TO_SIGMA * nan_median(np.abs(step / error)), 1.0)
    lost = np.where((before > 0) & (after > 0), np.maximum(step, 0.0), np.nan)
    found = strongest(lost, error * scatter)
    numbers = spectra.fiber[faint]

    def worst(place: int) -> Found:
        """The fiber, and where its lines begin to lose light."""
        row, piece = divmod(place, lost.shape[1])
        number = int(numbers[row])
        detail = (
            f"sky lines of this fiber lose {found.amplitude:.0%} of their light from {fit.waves[piece][1]:.0f} A on: a charge trap"
        )
        return Found((number, number), detail, "trap", (fit.waves[piece][1], fit.waves[-1][1]), "", "light lost")

    return found.measured(worst, nothing="no sky line is bright enough on both sides of any wavelength")
