"""Are the calibrated spectra of an exposure as bright as their images: each petal as the others, and all of them at all?

Calibration by standard stars takes throughput, seeing and transparency out, so that the ratio of spectra to images is common to the
petals within a few per cent, and for stars is 1. What is left of them stands in the calibration vectors, which have no noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.focal.petals import BRIGHT, MIN_PETALS, SCATTER, SHARED, against_median, by_band, peers_of, percent
from pytest_specqa.measures.models.light import FiberLight
from pytest_specqa.measures.statistics import (
    MARGIN,
    MEDIAN_EFFICIENCY,
    Bools,
    Floats,
    Found,
    clipped_mean,
    mad_scale,
    strongest,
)
from pytest_specqa.values import Measured, Peer

MIN_FIBERS = 10
"""Fibers from which on the level of a petal has an error that can be trusted."""
MIN_STARS = 3
"""Standard stars of a petal from which on they alone are compared; the pipeline asks for as many (desispec, qa-params.yaml)."""
GALAXIES = 0.05
"""Error of the level by targets other than stars: seeing, and light beyond the fiber that images count otherwise."""


@dataclass(frozen=True)
class Level:
    """Natural logarithm of spectra over images of the fibers of one camera, with its error; NaN where too few can be compared."""

    light: FiberLight
    all: float
    error: float
    stars: float
    stars_error: float

    @property
    def band(self) -> str:
        """Letter of the band of the camera."""
        return self.light.band


@dataclass(frozen=True)
class Levels:
    """What `exposure_levels` found.

    Attributes
    ----------
    petal : Measured
        Largest proved difference of a petal from the median petal, relative, in any band.
    color : Measured
        The same for a petal in one band against its other bands.
    exposure : Measured
        Level of all petals over their images, from standard stars where there are some, in the band where it is farthest from 1.
    """

    petal: Measured
    color: Measured
    exposure: Measured


def level_of(light: FiberLight) -> Level:
    """Compare the spectra of a camera with the images of their targets.

    Parameters
    ----------
    light : FiberLight
        Of one camera.

    Returns
    -------
    Level
        Mean of ln(measured / expected) over bright targets without outliers, and over the standard stars among them.
    """
    noise = light.noise
    with np.errstate(invalid="ignore", divide="ignore"):
        usable = light.target & np.isfinite(light.flux) & (light.expected > BRIGHT * noise)
        ratio = np.where(usable, np.log(np.maximum(light.flux, noise) / light.expected), np.nan)
        error = np.hypot(SCATTER, noise / light.expected)
    left = float(np.sqrt(np.median(np.maximum(noise**2 - light.error**2, 0.0)[usable]))) if usable.any() else 0.0
    means = [
        _mean(ratio, error, light.expected, rows=rows, shared=SHARED * left, least=least)
        for rows, least in ((usable, MIN_FIBERS), (usable & light.star, MIN_STARS))
    ]
    (level, sigma), (stars, stars_sigma) = means
    return Level(light, level, sigma, stars, stars_sigma)


def _mean(ratio: Floats, error: Floats, expected: Floats, *, rows: Bools, shared: float, least: int) -> tuple[float, float]:
    """Mean without outliers, and its error with what the fibers share."""
    if rows.sum() < least:
        return np.nan, np.nan
    mean, sigma = clipped_mean(ratio[rows], error[rows])
    weight = error[rows] ** -2
    return float(mean), float(np.hypot(sigma, shared * np.sum(weight / expected[rows]) / weight.sum()))


def exposure_levels(lights: Iterable[FiberLight], *, instrument: Instrument = DESI) -> Levels:
    """Compare the petals of an exposure with each other and with images.

    Parameters
    ----------
    lights : iterable of FiberLight
        Of the cameras of one exposure.
    instrument : Instrument
        Knows the fibers of a petal.

    Returns
    -------
    Levels
        *Not measured* with fewer than five petals of a band; its color, with fewer than two such bands.

    References
    ----------
    desispec #1249, #1224, PR #1434 (one camera brighter than its neighbours), PR #1109 (Vega magnitudes taken for AB), #2718.
    """
    bands = by_band((level for level in map(level_of, lights) if np.isfinite(level.all)), least=MIN_PETALS)
    if not bands:
        few = Measured.impossible(f"petals can be compared from {MIN_PETALS} petals of a band with bright targets on")
        return Levels(few, few, few)
    apart = {band: against_median(*np.array([(one.all, one.error) for one in these]).T) for band, these in bands.items()}
    flat = [(one, *pair) for band, these in bands.items() for one, pair in zip(these, np.transpose(apart[band]), strict=True)]
    size, error = np.array([one[1:] for one in flat]).T

    def petal(place: int) -> Found:
        """Camera and size."""
        return _camera_found(
            flat[place][0].light, size[place], instrument, "images than the median petal: its standard stars or its throughput"
        )

    found = strongest(size, error)
    return Levels(
        petal=_with_peers(
            found.measured(petal, nothing="no petal has bright targets"), [(one[0].light, *one[1:]) for one in flat], found.place
        ),
        color=_colors(flat, instrument),
        exposure=_whole(bands, instrument),
    )


def _camera_found(light: FiberLight, size: float, instrument: Instrument, what: str) -> Found:
    detail = f"petal {light.petal} is {percent(size)} in {light.band} against its {what}"
    band = instrument.bands[light.band]
    return Found(
        instrument.petal_range(light.petal), detail, kind="level", waves=(band.first, band.last), label=f"{light.camera} level"
    )


def _with_peers(measured: Measured, rows: Sequence[tuple[FiberLight, float, float]], place: int) -> Measured:
    """Tell with a value its camera, and the petals among which it was found."""
    peers = peers_of([(light.petal, light.band, size, error) for light, size, error in rows], place)
    return replace(measured, camera=rows[place][0].camera if place >= 0 else "", peers=peers)


def _colors(flat: Sequence[tuple[Level, float, float]], instrument: Instrument) -> Measured:
    """One band of a petal against the mean of its others."""
    rows = []
    for level, size, error in flat:
        others = [(one, its) for other, one, its in flat if other.light.petal == level.light.petal and other is not level]
        if others:
            sizes, errors = np.array(others).T
            rows.append((level, size - sizes.mean(), float(np.hypot(error, np.sqrt(np.sum(errors**2)) / len(errors)))))
    if not rows:
        return Measured.impossible("colors can be compared from two bands of a petal on")

    def worst(place: int) -> Found:
        """Camera and size."""
        return _camera_found(rows[place][0].light, float(rows[place][1]), instrument, "other bands: the calibration of one camera")

    size, error = np.array([row[1:] for row in rows]).T
    found = strongest(size, error)
    measured = found.measured(worst, nothing="no petal has two bands")
    return _with_peers(measured, [(row[0].light, *row[1:]) for row in rows], found.place)


def _whole(bands: dict[str, list[Level]], instrument: Instrument) -> Measured:
    """Median level of the petals in the band where it is farthest from 1, as far as proved."""
    found = []
    for band, these in bands.items():
        stars = [one for one in these if np.isfinite(one.stars)]
        by_stars = len(stars) >= MIN_PETALS
        pairs = [(one.stars, one.stars_error) for one in stars] if by_stars else [(one.all, one.error) for one in these]
        values, errors = np.array(pairs).T
        spread = max(float(np.median(errors)), float(mad_scale(values)))
        error = float(np.hypot(MEDIAN_EFFICIENCY * spread / np.sqrt(len(values)), 0.0 if by_stars else GALAXIES))
        middle = float(np.median(values))
        found.append((np.sign(middle) * max(abs(middle) - MARGIN * error, 0.0), middle, error, band, len(values), by_stars))
    value, middle, error, band, petals, by_stars = max(found, key=lambda one: abs(one[0]))
    names = ("standard stars", "") if by_stars else ("all targets", ", or seeing")
    edges = instrument.bands[band]
    ranges = [instrument.petal_range(one.light.petal) for one in bands[band]]
    peers = [
        Peer(
            one.light.petal,
            name,
            one.stars if by_stars else one.all,
            one.stars_error if by_stars else one.error,
            chosen=name == band,
        )
        for name, these in bands.items()
        for one in these
    ]
    return Measured(
        value=float(np.exp(value)),
        error=float(np.exp(middle)) * error,
        fibers=((min(low for low, _ in ranges), max(high for _, high in ranges)),) if value else (),
        waves=(edges.first, edges.last),
        detail=(
            f"all {petals} petals are {percent(middle, digits=0)} than the images in {band}, by {names[0]}: the zero point of the "
            f"calibration{names[1]}"
        ),
        camera=bands[band][0].light.camera,
        peers=tuple(peer for peer in peers if np.isfinite(peer.value)),
    )
