"""Has the absorption dip of the collimator coating moved between the flat and the exposure?

The coating absorbs around 4400 Angstrom, more or less from fiber to fiber. Where flat and sky disagree on the wavelength of the
dip, every spectrum keeps a derivative-shaped piece of the sky. The sky model takes away its mean over fibers; the part that
changes along the slit is left.
"""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.statistics import Floats, mad_scale, nan_median, strongest
from pytest_specqa.measures.where import Bools, Ints, between_lines, slit_position
from pytest_specqa.values import Feature, Measured

DIP = 4400.0
WIDTH = 60.0
RANGE = (4100.0, 4700.0)
MIN_FIBERS = 20


def collimator_dip(flux: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, is_sky: Bools, faint: Bools, sky: Floats) -> Measured:
    """Search the residual for the derivative of the dip, varying along the slit.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux in electron/Angstrom and inverse variance; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    is_sky, faint : ndarray of bool, shape (n_fiber,)
        Fibers to use: sky fibers, and those whose object is faint.
    sky : ndarray, shape (n_fiber, n_wave) or (n_wave,)
        Sky model in electron/Angstrom.

    Returns
    -------
    Measured
        Largest significant amplitude, as a fraction of the sky, of the linear and quadratic term along the slit (objects have
        features of their own there, which make a constant); *not measured* outside the b cameras or with fewer than 20 fibers.

    References
    ----------
    desispec PR #1565, PR #1757, #1774 (dip moves with humidity), #1111, #1117 (flat in the wrong wavelength frame).
    """
    inside = (wave > RANGE[0]) & (wave < RANGE[1])
    if inside.sum() < 100:
        return Measured.impossible("the collimator dip lies in the b cameras only")
    spectrum = np.asarray(sky, dtype=float) if sky.ndim == 1 else nan_median(sky[::5], axis=0)
    columns = np.flatnonzero(inside & between_lines(spectrum))
    rows = np.flatnonzero((is_sky | faint) & ((ivar[:, columns] > 0).sum(axis=1) > 0.5 * columns.size))
    if len(rows) < MIN_FIBERS or columns.size < 100:
        return Measured.impossible(f"fewer than {MIN_FIBERS} faint live fibers")
    size, error = _dip_of_each(flux[np.ix_(rows, columns)], ivar[np.ix_(rows, columns)], wave[columns], sky=spectrum[columns])
    terms, sigmas = _along_slit(size, error, slit_position(fiber[rows]))
    found = strongest(terms, sigmas)
    if not found.amplitude:
        return Measured(value=0.0, error=found.error, sensitivity=found.sensitivity)
    fibers = (int(fiber.min()), int(fiber.max()))
    waves = (DIP - WIDTH, DIP + WIDTH)
    change = ("rising along the slit", "differing between middle and ends")[found.place]
    return Measured(
        value=abs(found.amplitude),
        error=found.error,
        sensitivity=found.sensitivity,
        fibers=(fibers,),
        waves=waves,
        detail=f"{found.amplitude:+.1%} of the sky is left around the collimator dip, {change}: it moved since the flat",
        features=(Feature("dip", fibers, waves, found.amplitude, found.error, found.significance, "", "collimator dip"),),
    )


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
