"""Has the absorption dip of the collimator coating moved between the flat and the exposure?

The coating absorbs around 4400 Angstrom, more or less from fiber to fiber. Where flat and sky disagree on the wavelength of the
dip, every spectrum keeps a derivative-shaped piece of the sky. The sky model takes away its mean over fibers; the part that
changes along the slit is left.
"""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, Found, mad_scale, strongest
from pytest_specqa.values import Measured

DIP = 4400.0
"""Wavelength of the dip in Angstrom (desispec PR #1757)."""
WIDTH = 60.0
"""Standard deviation of the dip in Angstrom."""
RANGE = (4100.0, 4700.0)
"""Angstrom in which it is fitted, beside a parabola: five widths to either side."""
MIN_FIBERS = 20
"""Fibers from which on a parabola along the slit leaves outliers to be seen."""


def collimator_dip(spectra: CameraSpectra) -> Measured:
    """Search the residual for the derivative of the dip, varying along the slit.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model. Sky fibers are used, and those whose object is faint.

    Returns
    -------
    Measured
        Largest significant amplitude, as a fraction of the sky, of the linear and quadratic term along the slit (objects have
        features of their own there, which make a constant); *not measured* outside the b cameras or with fewer than 20 fibers.

    References
    ----------
    desispec PR #1565, PR #1757, #1774 (dip moves with humidity), #1111, #1117 (flat in the wrong wavelength frame).
    """
    flux, ivar, wave = spectra.flux, spectra.ivar, spectra.wave
    inside = (wave > RANGE[0]) & (wave < RANGE[1])
    if inside.sum() < 100:
        return Measured.impossible("the collimator dip lies in the b cameras only")
    columns = np.flatnonzero(inside & spectra.between_lines)
    rows = np.flatnonzero((spectra.is_sky | spectra.faint) & ((ivar[:, columns] > 0).sum(axis=1) > 0.5 * columns.size))
    if len(rows) < MIN_FIBERS or columns.size < 100:
        return Measured.impossible(f"fewer than {MIN_FIBERS} faint live fibers")
    size, error = _dip_of_each(
        flux[np.ix_(rows, columns)], ivar[np.ix_(rows, columns)], wave[columns], sky=spectra.sky_spectrum[columns]
    )
    terms, sigmas = _along_slit(size, error, spectra.instrument.slit_position(spectra.fiber[rows]))
    found = strongest(terms, sigmas)

    def change(place: int) -> Found:
        """How the dip changes along the slit."""
        along = ("rising along the slit", "differing between middle and ends")[place]
        detail = f"{found.amplitude:+.1%} of the sky is left around the collimator dip, {along}: it moved since the flat"
        return Found(spectra.span, detail, kind="dip", waves=(DIP - WIDTH, DIP + WIDTH), label="collimator dip")

    return found.measured(change, nothing="no faint live fiber shows the sky around the dip")


def _dip_of_each(flux: Floats, ivar: Floats, wave: Floats, *, sky: Floats) -> tuple[Floats, Floats]:
    """Fit each fiber by sky times (1, x, x**2, derivative of the dip); return the last, scaled to its peak, and its error."""
    x = (wave - DIP) / (RANGE[1] - DIP)
    derivative = (wave - DIP) / WIDTH * np.exp(0.5 - 0.5 * ((wave - DIP) / WIDTH) ** 2)
    templates = np.stack([np.ones_like(x), x, x**2, derivative]) * sky
    weight = np.where((ivar > 0) & np.isfinite(flux), ivar, 0.0)
    products = (templates[:, None] * templates[None]).reshape(16, -1)
    normal = (weight @ products.T).reshape(-1, 4, 4)
    vector = (weight * np.where(weight > 0, flux, 0.0)) @ templates.T
    scale = np.sqrt(np.einsum("nii->ni", normal))
    inverse = np.linalg.pinv(normal / (scale[:, :, None] * scale[:, None, :]))
    size = np.einsum("nj,nj->n", inverse[:, 3], vector / scale) / scale[:, 3]
    return size, np.sqrt(inverse[:, 3, 3]) / scale[:, 3]


def _along_slit(size: Floats, error: Floats, u: Floats) -> tuple[Floats, Floats]:
    """Linear and quadratic term along the slit at its ends, beside a constant, with outliers left out, and their errors."""
    design = np.stack([np.ones_like(u), u, 1.5 * u**2 - 0.5], axis=1)
    weight = 1.0 / error**2
    for _ in range(3):
        covariance = np.linalg.pinv(design.T @ (weight[:, None] * design))
        terms = covariance @ (design.T @ (weight * size))
        pull = (size - design @ terms) / error
        scatter = max(float(mad_scale(pull)), 1.0)
        weight = np.where(np.abs(pull) < 4 * scatter, 1.0 / error**2, 0.0)
    return terms[1:], scatter * np.sqrt(np.diag(covariance))[1:]
