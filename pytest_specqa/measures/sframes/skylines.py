"""Residuals at sky lines, judged against photon noise and as a fraction of the line.

Sky codes raise the variance around bright lines until the reduced chi2 is 1, so that no chi is a witness there. The fits below
weigh pixels by what photons and readout alone would give. Each fiber's residual at the lines is described by three numbers: a
part of the line itself, a shift and a change of width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
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
EVERY = 3
"""Of so many pixels between the lines one tells their noise, which is smooth."""
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
    chi2 : ndarray, shape (n_fiber,)
        Mean square, in units of photon noise, of what the three terms leave at the lines: above 1 where an object has features of
        its own there; NaN where nothing was fitted.
    waves : tuple of (float, float)
        Wavelength range of each part.
    """

    values: Floats
    errors: Floats
    excess: Floats
    chi2: Floats
    waves: tuple[tuple[float, float], ...]

    def over(self, term: int, waves: tuple[float, float] | None) -> tuple[Floats, Floats]:
        """Mean of one of the three numbers over the pieces of the spectrum in a range, for a picture of what was found there.

        Parameters
        ----------
        term : int
            0 for the scale, 1 for the shift, 2 for the width.
        waves : tuple of float or None
            Wavelength range in Angstrom; all of the spectrum where it holds no piece.

        Returns
        -------
        ndarray, ndarray, shape (n_fiber,)
            Value and standard error; NaN where nothing was fitted.
        """
        pieces = [k for k, (low, high) in enumerate(self.waves[:-1]) if waves and waves[0] <= 0.5 * (low + high) <= waves[1]]
        if not pieces or len(pieces) == len(self.waves) - 1:
            return self.values[term, :, -1], self.errors[term, :, -1]
        values, errors = self.values[term][:, pieces], self.errors[term][:, pieces]
        known = np.isfinite(values) & (errors > 0)
        weight = np.where(known, 1.0 / np.where(known, errors, 1.0) ** 2, 0.0)
        total = np.where(known.any(axis=1), weight.sum(axis=1), np.nan)
        return (weight * np.where(known, values, 0.0)).sum(axis=1) / total, 1.0 / np.sqrt(total)

    def of_fibers(self, term: int) -> tuple[Floats, Floats]:
        """One of the three numbers over the whole spectrum, with an error that the features of the object at the lines are in.

        Parameters
        ----------
        term : int
            0 for the scale, 1 for the shift, 2 for the width.

        Returns
        -------
        ndarray, ndarray, shape (n_fiber,)
            Value and standard error; NaN where nothing was fitted.
        """
        return self.values[term, :, -1], self.errors[term, :, -1] * np.sqrt(np.fmax(self.chi2, 1.0))


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
    piece = np.minimum(np.arange(wave.size) * N_BASE // wave.size, N_BASE - 1)
    chosen = np.flatnonzero(usable)[::EVERY]
    some = ivar[:, chosen]
    # Of a weight below the smallest normal number there is no variance.
    some[~(some >= np.finfo(np.float32).tiny)] = np.nan
    whole = nan_median(some, axis=1)
    bounds = np.searchsorted(piece[chosen], np.arange(N_BASE + 1))
    for number, (first, last) in enumerate(pairwise(bounds)):
        local = nan_median(some[:, first:last], axis=1) if (last - first) * EVERY > MIN_PIXELS else whole
        base[:, number] = np.where(np.isfinite(local), local, whole)
    photons = (np.maximum(sky - sky_continuum(sky), 0.0) / np.gradient(wave))[columns].astype(np.float32)
    variance = np.empty((len(ivar), columns.size), np.float32)
    _fill_variance(rows_of(ivar), columns, np.float32(1) / base, piece[columns], photons, variance)
    return variance


@compiled
def _fill_variance(ivar: Floats, columns: Ints, base: Floats, piece: Ints, photons: Floats, variance: Floats) -> None:
    for row in range(variance.shape[0]):
        for k in range(variance.shape[1]):
            weight, least = ivar[row, columns[k]], base[row, piece[k]] + photons[k]
            stated = np.float32(1) / weight if weight > 0 else np.float32(np.inf)
            variance[row, k] = stated if stated < least or np.isnan(least) or not weight > 0 else least


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
        nothing = np.full(len(flux), np.nan)
        return LineFit(empty, empty, nothing, nothing, ranges)
    variance = photon_variance(spectra, columns=columns)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(columns) > 1) + 1, [columns.size]])
    part = np.minimum((columns[starts[:-1]] * N_PART) // wave.size, N_PART - 1)
    sums = _Sums.empty(len(flux))
    _fill_sums(rows_of(flux), columns, variance, templates[:, columns].astype(np.float32), starts, part, *sums)
    values, errors = _solve(sums.matrix, sums.vector)
    left = sums.square - np.einsum("ni,in->n", sums.vector[:, -1], values[:, :, -1])
    return LineFit(values, errors, _excess(sums), left / np.maximum(sums.freedom - len(values), 1), ranges)


class _Sums(NamedTuple):
    """Normal equations of each fiber and piece, each line less its weighted mean; then sums over all lines, which `_excess` needs.

    Attributes
    ----------
    matrix, vector : ndarray, shape (n_fiber, N_PART + 1, 3, 3) and (n_fiber, N_PART + 1, 3)
        The last piece is the whole spectrum.
    square, freedom : ndarray, shape (n_fiber,)
        Sum of squares and what there is of them, pixels less means.
    """

    matrix: Floats
    vector: Floats
    square: Floats
    freedom: Ints

    @classmethod
    def empty(cls, n_fiber: int) -> _Sums:
        """Nothing summed yet."""
        shape = (n_fiber, N_PART + 1, 3)
        return cls(np.zeros((*shape, 3)), np.zeros(shape), np.zeros(n_fiber), np.zeros(n_fiber, np.int64))


@compiled
def _fill_sums(
    flux: Floats,
    columns: Ints,
    variance: Floats,
    templates: Floats,
    starts: Ints,
    part: Ints,
    matrix: Floats,
    vector: Floats,
    square: Floats,
    freedom: Ints,
) -> None:
    weight, data = np.empty(columns.size, np.float32), np.empty(columns.size, np.float32)
    for row in range(flux.shape[0]):
        for k in range(columns.size):
            value = flux[row, columns[k]]
            good = np.isfinite(variance[row, k]) and np.isfinite(value)
            weight[k] = np.float32(1) / variance[row, k] if good else np.float32(0)
            data[k] = value if good else np.float32(0)
        for window in range(len(part)):
            first, last = starts[window], starts[window + 1] - 1
            # What is left of a line lies on the light of the object; of its two ends a cosmic ray lifts one at most.
            level = (
                data[first] if (abs(data[first]) < abs(data[last]) and weight[first] > 0) or not weight[last] > 0 else data[last]
            )
            for k in range(first, last + 1):
                # A cosmic ray must not pass for a line; what is pulled in is more than a sky that was subtracted twice.
                largest = np.float32(CLIP) * np.sqrt(variance[row, k]) + np.float32(1.5) * abs(templates[0, k])
                pulled = level + min(max(data[k] - level, -largest), largest)
                data[k] = pulled if weight[k] > 0 else np.float32(0)
            total, light, squares, live = 0.0, 0.0, 0.0, 0
            w0, w1, w2, v0, v1, v2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            m00, m10, m11, m20, m21, m22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(starts[window], starts[window + 1]):
                mass, value, t0, t1, t2 = weight[k], data[k], templates[0, k], templates[1, k], templates[2, k]
                live += 1 if mass > 0 else 0
                total += mass
                light += mass * value
                squares += mass * value * value
                w0 += mass * t0
                w1 += mass * t1
                w2 += mass * t2
                v0 += mass * value * t0
                v1 += mass * value * t1
                v2 += mass * value * t2
                m00 += mass * t0 * t0
                m10 += mass * t1 * t0
                m11 += mass * t1 * t1
                m20 += mass * t2 * t0
                m21 += mass * t2 * t1
                m22 += mass * t2 * t2
            if live == 0:
                continue
            left = squares - light * light / total
            square[row] += left
            freedom[row] += live - (1 if left > 0 else 0)
            for piece in (part[window], N_PART):
                vector[row, piece, 0] += v0 - w0 * light / total
                vector[row, piece, 1] += v1 - w1 * light / total
                vector[row, piece, 2] += v2 - w2 * light / total
                matrix[row, piece, 0, 0] += m00 - w0 * w0 / total
                matrix[row, piece, 1, 0] += m10 - w1 * w0 / total
                matrix[row, piece, 1, 1] += m11 - w1 * w1 / total
                matrix[row, piece, 2, 0] += m20 - w2 * w0 / total
                matrix[row, piece, 2, 1] += m21 - w2 * w1 / total
                matrix[row, piece, 2, 2] += m22 - w2 * w2 / total
        for piece in range(N_PART + 1):
            for i in range(3):
                for j in range(i):
                    matrix[row, piece, j, i] = matrix[row, piece, i, j]


def _ranges(wave: Floats) -> tuple[tuple[float, float], ...]:
    edges = np.linspace(wave[0], wave[-1], N_PART + 1)
    return (
        *((float(low), float(high)) for low, high in pairwise(edges)),
        (float(wave[0]), float(wave[-1])),
    )


def _solve(matrix: Floats, vector: Floats) -> tuple[Floats, Floats]:
    """Solve the three equations of each fiber and piece, to (3, n_fiber, n_part); NaN where the lines do not fix them."""
    size = np.sqrt(np.maximum(np.moveaxis(np.diagonal(matrix, axis1=2, axis2=3), -1, 0), 0.0))
    scale = np.where(size > 0, size, 1.0)
    x, y, z = np.moveaxis(vector, -1, 0) / scale
    # Of a symmetric matrix with ones on its diagonal the inverse is written faster than it is looked for.
    a, b, c = (matrix[..., i, j] / (scale[i] * scale[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    determinant = 1.0 + 2.0 * a * b * c - a**2 - b**2 - c**2
    fixed = (size > 0).all(axis=0) & (determinant > 1e-3)
    norm = np.where(fixed, determinant, np.nan)
    own = np.stack([1.0 - c**2, 1.0 - b**2, 1.0 - a**2]) / norm
    ab, ac, bc = (b * c - a) / norm, (a * c - b) / norm, (a * b - c) / norm
    values = np.stack([own[0] * x + ab * y + ac * z, ab * x + own[1] * y + bc * z, ac * x + bc * y + own[2] * z])
    return values / scale, np.sqrt(np.maximum(own, 0.0)) / scale


def _excess(sums: _Sums) -> Floats:
    """Mean square residual at the lines beyond photon noise and a scale of the lines, as a fraction of their mean square."""
    light = sums.matrix[:, -1, 0, 0]
    safe = np.where(light > 0, light, 1.0)
    beyond = sums.square - sums.vector[:, -1, 0] ** 2 / safe - (1.0 + NOISE_TOLERANCE) * (sums.freedom - 1)
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
