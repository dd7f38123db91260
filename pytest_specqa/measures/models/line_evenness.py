"""Do the sky lines say that the fibers were made alike by their flat? A question that needs neither the flat nor the frame."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, mad_scale
from pytest_specqa.values import Measured

FEW = 50
"""Fibers from which on their scatter is known to 10 %."""
MAX_ERROR = 0.05
"""Error of a line scale above which a fiber tells nothing."""
MOST = 0.8
"""Part of the fibers whose lines must lie in place."""
MAX_SHIFT = 0.15
"""Shift of the lines of a fiber in Angstrom above which its scale tells of the shift: another check judges that."""


def line_evenness(spectra: CameraSpectra, thrputcorr: Floats | None = None) -> Measured:
    """Scatter between fibers of the sky lines that the flat leaves, in the spectra or in the corrections that were fitted to them.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model; faint fibers count.
    thrputcorr : ndarray, shape (n_fiber,), optional
        Throughput corrections of the sky model; those of most productions were taken out of the spectra.

    Returns
    -------
    Measured
        The larger of both scatters, as a fraction of the lines, less what noise gives; the sensitivity is what was taken off. *Not
        measured* with fewer than 50 fibers whose lines can be measured, or where more than a fifth of them has its lines elsewhere.

    References
    ----------
    Real exposures: fibers scatter by 1.05 / 1.46 / 1.72 % (5 / 50 / 95 % of 122 exposures); a flat scatters by 5-6 %.
    """
    fit = fit_lines(spectra)
    scale, error = fit.values[0, :, -1], fit.errors[0, :, -1]
    seen = spectra.faint & np.isfinite(scale) & (error < MAX_ERROR)
    known = seen & (np.abs(fit.values[1, :, -1]) < MAX_SHIFT)
    if known.sum() < max(FEW, MOST * seen.sum()):
        return Measured.impossible("too few faint fibers show sky lines, in their place, to compare their throughput")
    noise = float(np.median(error[known]))
    scatter = float(mad_scale(scale[known]))
    if thrputcorr is not None and (thrputcorr > 0).any():
        scatter = max(scatter, float(mad_scale(thrputcorr[known])))
    return Measured(
        value=float(np.sqrt(max(scatter**2 - noise**2, 0.0))),
        error=scatter / float(np.sqrt(known.sum())),
        sensitivity=noise,
        fibers=(spectra.span,),
        detail="sky lines differ from fiber to fiber as if the flat had not been applied, or twice, or were another one",
    )
