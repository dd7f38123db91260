"""Residuals at sky lines, judged against photon noise and as a fraction of the line.

Sky codes raise the variance around bright lines until the reduced chi2 is 1, so that no chi is a witness there. The fits below
weigh pixels by what photons and readout alone would give. Each fiber's residual at the lines is described by three numbers: a
part of the line itself, a shift and a change of width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pytest_specqa.measures.spectra import CameraSpectra, once
from pytest_specqa.measures.statistics import Floats, Ints, median_and_error, nan_median
from pytest_specqa.measures.where import between_lines, near_nebular, sky_continuum
from pytest_specqa.values import Measured

LINE_EXCESS = 0.5
"""Height over the continuum from which on a pixel belongs to a line."""
MIN_PIXELS = 20
"""Pixels on lines, or between them, that a fit or a noise level needs at least."""
CLIP = 6.0
"""Sigmas beyond which a residual at a line is pulled in."""
N_PART = 9
"""Pieces of the wavelength range that are also fitted alone, some 200 to 250 Angstrom each."""
N_BASE = 6
"""Pieces of the wavelength range that have their own noise between the lines; amplifiers differ."""
NOISE_TOLERANCE = 0.05
"""Fraction by which the noise between the lines may be mistaken for that at the lines."""


@dataclass(frozen=True)
class LineFit:
    """Residual of each fiber at the sky lines, in terms of the lines themselves.

    The residual is ``scale * L - shift * dL/dlambda + width * d2L/dlambda2``, with L the lines without continuum.

    Attributes
    ----------
    values, errors : ndarray, shape (3, n_fiber, n_part)
        Scale (fraction of the line), shift (Angstrom, positive if the fiber's lines lie redward of the model's) and width
        (Angstrom**2, half of what is missing in the variance of the line spread); NaN where a part has too few pixels. The last
        part is the whole spectrum, those before are its contiguous pieces.
    excess : ndarray, shape (n_fiber,)
        Mean square residual beyond photon noise and beyond the fiber's scale, over the mean square of the lines.
    waves : tuple of (float, float)
        Wavelength range of each part.
    """

    values: Floats
    errors: Floats
    excess: Floats
    waves: tuple[tuple[float, float], ...]


def photon_variance(spectra: CameraSpectra, *, columns: Ints) -> Floats:
    """Variance that photons and readout alone would give, never more than what the ivar says.

    Parameters
    ----------
    spectra : CameraSpectra
        Its inverse variance may be deflated near sky lines.
    columns : ndarray of int, shape (n_column,)
        Bins in which the variance is wanted.

    Returns
    -------
    ndarray f4, shape (n_fiber, n_column)
        Variance; infinite for bad pixels.
    """
    ivar, wave, sky, between = spectra.ivar, spectra.wave, spectra.sky_spectrum, spectra.between_lines
    usable = between if between.sum() > MIN_PIXELS else np.ones(wave.size, dtype=bool)
    base = np.empty((len(ivar), N_BASE), dtype=np.float32)
    whole = nan_median(np.where(ivar[:, usable][:, ::3] > 0, ivar[:, usable][:, ::3], np.nan), axis=1)
    piece = np.minimum(np.arange(wave.size) * N_BASE // wave.size, N_BASE - 1)
    for number in range(N_BASE):
        part = ivar[:, usable & (piece == number)]
        local = nan_median(np.where(part > 0, part, np.float32(np.nan)), axis=1) if part.shape[1] > MIN_PIXELS else whole
        base[:, number] = np.where(np.isfinite(local), local, whole)
    lines = (np.maximum(sky - sky_continuum(sky), 0.0) / np.gradient(wave))[columns]
    chosen = ivar[:, columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        photons = (1.0 / base)[:, piece[columns]] + lines.astype(np.float32)
        return np.asarray(np.where(chosen > 0, np.fmin(np.float32(1) / chosen, photons), np.float32(np.inf)))


@once
def fit_lines(spectra: CameraSpectra) -> LineFit:
    """Describe the residual of every fiber at the sky lines as a scale, a shift and a width.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    LineFit
        Values and errors by fiber. The light of an object is taken as constant over each line.
    """
    flux, wave, spectrum = spectra.flux, spectra.wave, spectra.sky_spectrum
    lines = spectrum - sky_continuum(spectrum)
    slope = np.gradient(lines, wave)
    templates = np.stack([lines, -slope, np.gradient(slope, wave)])
    columns = np.flatnonzero(~between_lines(spectrum, excess=LINE_EXCESS, margin=4) & ~near_nebular(wave, spectra.instrument))
    ranges = _ranges(wave)
    if columns.size < MIN_PIXELS:
        empty = np.full((3, len(flux), N_PART + 1), np.nan)
        return LineFit(empty, empty, np.full(len(flux), np.nan), ranges)
    variance = photon_variance(spectra, columns=columns)
    good = np.isfinite(variance) & np.isfinite(flux[:, columns])
    weight = np.where(good, 1.0 / np.where(good, variance, 1.0), 0.0).astype(np.float32)
    # A cosmic ray must not pass for a line; what is pulled in is more than a sky that was subtracted twice.
    largest = (CLIP * np.sqrt(np.where(good, variance, 0.0)) + 1.5 * np.abs(lines[columns])).astype(np.float32)
    data = np.clip(np.where(good, flux[:, columns], np.float32(0)), -largest, largest)
    matrix, vector, square, starts = _normal_equations(data, weight, templates[:, columns], columns)
    part = np.minimum((columns[starts] * N_PART) // wave.size, N_PART - 1)
    pieces = [part == k for k in range(N_PART)] + [np.ones(part.size, dtype=bool)]
    solved = [_solve(matrix[..., use].sum(axis=-1), vector[..., use].sum(axis=-1)) for use in pieces]
    return LineFit(
        values=np.stack([item[0] for item in solved], axis=-1),
        errors=np.stack([item[1] for item in solved], axis=-1),
        excess=_excess(square, weight, matrix, vector[0]),
        waves=ranges,
    )


def _ranges(wave: Floats) -> tuple[tuple[float, float], ...]:
    edges = np.linspace(wave[0], wave[-1], N_PART + 1)
    return (
        *((float(low), float(high)) for low, high in pairwise(edges)),
        (float(wave[0]), float(wave[-1])),
    )


def _normal_equations(data: Floats, weight: Floats, templates: Floats, columns: Ints) -> tuple[Floats, Floats, Floats, Ints]:
    """Sums of each line window after its weighted mean is taken out: (3, 3, n, win), (3, n, win), (n, win), and window starts."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(columns) > 1) + 1])
    total = np.add.reduceat(weight, starts, axis=1)
    inverse = np.where(total > 0, 1.0 / np.where(total > 0, total, 1.0), 0.0)
    weighted = weight * data
    mean = np.add.reduceat(weighted, starts, axis=1)
    shapes = templates.astype(np.float32)
    first = [np.add.reduceat(weight * shape, starts, axis=1) for shape in shapes]
    matrix = np.empty((3, 3, *total.shape))
    vector = np.empty((3, *total.shape))
    for i in range(3):
        vector[i] = np.add.reduceat(weighted * shapes[i], starts, axis=1) - first[i] * mean * inverse
        for j in range(i + 1):
            product = np.add.reduceat(weight * (shapes[i] * shapes[j]), starts, axis=1)
            matrix[i, j] = matrix[j, i] = product - first[i] * first[j] * inverse
    square = np.add.reduceat(weighted * data, starts, axis=1) - mean**2 * inverse
    return matrix, vector, square, starts


def _solve(matrix: Floats, vector: Floats) -> tuple[Floats, Floats]:
    """Solve each fiber's three equations; NaN where the lines do not fix them."""
    size = np.sqrt(np.maximum(np.einsum("iin->in", matrix), 0.0))
    scale = np.where(size > 0, size, 1.0)
    normal = np.moveaxis(matrix / (scale[:, None] * scale[None]), -1, 0)
    fixed = (size > 0).all(axis=0) & (np.linalg.det(normal) > 1e-3)
    normal[~fixed] = np.eye(3)
    inverse = np.linalg.inv(normal)
    values = np.einsum("nij,jn->in", inverse, vector / scale) / scale
    errors = np.sqrt(np.maximum(np.einsum("nii->in", inverse), 0.0)) / scale
    return np.where(fixed, values, np.nan), np.where(fixed, errors, np.nan)


def _excess(square: Floats, weight: Floats, matrix: Floats, scaled: Floats) -> Floats:
    """Mean square residual at the lines beyond photon noise and a scale of the lines, as a fraction of their mean square."""
    freedom = (weight > 0).sum(axis=1) - (square > 0).sum(axis=1) - 1
    light = matrix[0, 0].sum(axis=1)
    safe = np.where(light > 0, light, 1.0)
    beyond = square.sum(axis=1) - scaled.sum(axis=1) ** 2 / safe - (1.0 + NOISE_TOLERANCE) * freedom
    return np.where(light > 0, beyond / safe, np.nan)


def typical_error(spectra: CameraSpectra) -> float:
    """Error of the line scale that photon noise gives to the typical fiber.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    float
        Median over fibers, as a fraction of the lines; NaN without bright lines.
    """
    return float(nan_median(fit_lines(spectra).errors[0, :, -1], axis=0))


def line_residual(spectra: CameraSpectra) -> Measured:
    """Typical residual at sky lines as a fraction of the line, beyond photon noise and the throughput of the fiber.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model. Faint fibers judge; sky fibers, which trained the model, only
        where fewer than 30 others are faint.

    Returns
    -------
    Measured
        Root of the median excess over fibers; *not measured* without lines or with fewer than ten fibers.

    References
    ----------
    desispec #947, PR #1008, #1381, #2725 (sky line residuals).
    """
    fit, faint, is_sky = fit_lines(spectra), spectra.faint, spectra.is_sky
    judges = faint & ~is_sky & np.isfinite(fit.excess)
    if judges.sum() < 30:
        judges = (faint | is_sky) & np.isfinite(fit.excess)
    if judges.sum() < 10:
        return Measured.impossible("fewer than ten faint live fibers, or no sky line bright enough to judge its residual")
    middle, sigma = median_and_error(fit.excess[judges])
    reached = float(np.sqrt(6.0 * sigma))
    value = float(np.sqrt(middle)) if middle > 6.0 * sigma else 0.0
    return Measured(
        value=value,
        error=float(0.5 * sigma / max(value, reached, 1e-9)),
        sensitivity=reached,
        fibers=(spectra.span,),
        detail=f"sky lines leave {100 * value:.1f} % of their light behind: wavelength, line spread or fiber flat" if value else "",
    )


def line_scale(spectra: CameraSpectra) -> Measured:
    """Part of the sky lines that is still there (positive), or taken away twice (-1), in the typical fiber.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Measured
        Median over all fibers, with its sign.

    References
    ----------
    desispec PR #1895 (sky subtracted twice).
    """
    scales = fit_lines(spectra).values[0, :, -1]
    if np.isfinite(scales).sum() < 10:
        return Measured.impossible("fewer than ten live fibers, or no sky line bright enough to judge its residual")
    middle, sigma = median_and_error(scales)
    return Measured(
        value=float(middle),
        error=float(sigma),
        sensitivity=float(6.0 * sigma),
        fibers=(spectra.span,),
        detail=f"sframes hold {float(middle):+.1%} of the sky lines: the model was scaled, or subtracted twice",
    )
