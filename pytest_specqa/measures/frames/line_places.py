"""Do the sky lines of a frame lie at the same wavelengths in all slit blocks?

Lines are found where they are, block by block and before any sky model, whose lines are smeared where fibers disagree. What a sky
model is blamed for, if its lines fit no fiber, is then named where it began: in the wavelengths that the extraction wrote.
"""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Floats, Found, Ints, nan_median, strongest
from pytest_specqa.measures.where import seated
from pytest_specqa.values import Measured

REACH = 4.5
"""Angstrom around its known place in which the peak of a line is looked for: more than the 3 A of desispec #941 and #953."""
FLANK = 8.0
"""Angstrom around a line that are cut out: its surroundings are taken off."""
LINES = 3
"""Known lines that are used, the brightest: more say the same."""
HIGH = 20.0
"""Height of a line in the noise of a block from which on its place is known to a fiftieth of its width."""
LEAST_ERROR = 0.005
"""Angstrom to which the place of a line can be known at best: blends change with the line spread."""
STEADY = 0.8
"""Part of the steps from block to block that have one sign where each block was shifted once more than the one before."""


def line_places(spectra: CameraSpectra) -> Measured:
    """Compare the wavelengths of sky lines between the slit blocks of a frame.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model, which together are the flat-fielded frame.

    Returns
    -------
    Measured
        Largest displacement of a slit block against the median block, in Angstrom, that the scatter between odd and even fibers
        does not explain; 0 if none. *Not measured* without a known line that stands out. Errors that all blocks share cancel.

    References
    ----------
    desispec #941 (a barycentric correction for every bundle), #953 (traces off by 3 A).
    """
    size, wave = spectra.instrument.block, spectra.wave
    blocks = np.unique(spectra.fiber // size)
    places = np.array([_places(spectra, line, blocks) for line in _brightest(spectra)]).reshape(-1, 2, len(blocks))
    odd, even = places[:, 0], places[:, 1]
    with np.errstate(invalid="ignore"):
        middle, halves = 0.5 * (odd + even), 0.5 * (odd - even)
    if not np.isfinite(middle).any():
        return Measured.impossible("no known sky line stands out in any slit block")
    noise = max(MAD_TO_SIGMA * float(nan_median(np.abs(halves[np.isfinite(halves)]))), LEAST_ERROR)
    off = middle - nan_median(middle, axis=1)[:, None]
    count = np.isfinite(off).sum(axis=0)
    values = nan_median(off, axis=0)
    found = strongest(values, np.where(count > 0, 1.25 * noise / np.sqrt(np.maximum(count, 1)), np.nan))

    def worst(place: int) -> Found:
        """The slit block, and whether its neighbours are steps of a stair."""
        first = int(blocks[place]) * size
        return Found((first, first + size - 1), _told(found.amplitude, values), "shift", _span(wave), "Angstrom", "line shift")

    return found.measured(worst, nothing="no known sky line stands out in any slit block")


def _span(wave: Floats) -> tuple[float, float]:
    return float(wave[0]), float(wave[-1])


def _told(amplitude: float, values: Floats) -> str:
    steps = np.diff(values[np.isfinite(values)])
    typical = float(np.median(steps)) if steps.size else 0.0
    if steps.size > 3 and (np.sign(typical) * steps > 0.3 * abs(typical)).mean() >= STEADY and typical:
        return (
            f"sky lines step by {typical:+.2f} A from one slit block to the next: a correction of the wavelengths, such as the "
            "barycentric one, was repeated for each bundle that was extracted"
        )
    return (
        f"sky lines of this slit block lie {amplitude:+.3f} A from those of the others: its wavelength solution or traces are off"
    )


def _brightest(spectra: CameraSpectra) -> list[float]:
    """Place on the grid of the known lines that are brightest in the typical sky."""
    wave, sky = spectra.wave, spectra.sky_spectrum
    known = np.where(np.isfinite(sky), sky, -np.inf)
    lines = [line * spectra.heliocor for line in spectra.instrument.sky_lines if wave[0] + FLANK < line < wave[-1] - FLANK]
    return sorted(lines, key=lambda line: -float(known[np.abs(wave - line) < REACH].max()))[:LINES]


def _places(spectra: CameraSpectra, line: float, blocks: Ints) -> Floats:
    """Distance of the highest peak from the known place of a line, for odd and even fibers of each block; NaN if unclear."""
    wave = spectra.wave
    inside = np.flatnonzero(np.abs(wave - line) < FLANK)
    columns = slice(int(inside[0]), int(inside[-1]) + 1)
    sky = spectra.known_sky[columns] if spectra.known_sky.ndim == 1 else spectra.known_sky[:, columns]
    # Lines that fit no model lose their weight in the sframe, and not their place: the median of a dozen fibers does without it.
    light = spectra.flux[:, columns] + sky
    group = spectra.fiber % 2 * len(blocks) + np.searchsorted(blocks, spectra.fiber // spectra.instrument.block)
    order = np.argsort(group, kind="stable")
    typical = nan_median(seated(light[order], group[order], n_group=2 * len(blocks)), axis=1)
    return _peaks(typical, wave[columns] - line).reshape(2, -1)


def _peaks(light: Floats, offset: Floats) -> Floats:
    """Place of the highest point near zero, of the parabola through the logarithms of three points; NaN if it is no peak."""
    near = np.flatnonzero(np.abs(offset) < REACH)
    known = np.asarray(np.isfinite(light).all(axis=1))
    high = np.where(known[:, None], light, 0.0)
    high = high - np.quantile(high, 0.2, axis=1)[:, None]
    peak = near[np.argmax(high[:, near], axis=1)]
    noise = MAD_TO_SIGMA * nan_median(np.abs(np.diff(high, 2, axis=1)), axis=1) / np.sqrt(6.0)
    row = np.arange(len(high))
    top = high[row, peak]
    known &= (peak != near[0]) & (peak != near[-1]) & (top > HIGH * np.maximum(noise / HIGH, 1e-9))
    # The ends of the range are no peaks, and have no neighbours either.
    inner = np.clip(peak, 1, offset.size - 2)
    three = np.log(np.maximum(high[row, inner + np.array([[-1], [0], [1]])], np.maximum(1e-3 * top, 1e-30)))
    curve = three[0] - 2 * three[1] + three[2]
    step = float(offset[-1] - offset[0]) / (offset.size - 1)
    known &= curve < -1e-3
    return np.where(known, offset[peak] + 0.5 * step * (three[0] - three[2]) / np.where(known, curve, -1.0), np.nan)
