"""Are the calibration vectors of the petals alike? They have no noise: what differs is the instrument or the calibration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.focal.petals import MIN_PETALS, by_band, peers_of, percent
from pytest_specqa.measures.models.light import BINS, FiberLight
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.values import Measured


@dataclass(frozen=True)
class Vectors:
    """What `calibration_vectors` found.

    Attributes
    ----------
    throughput : Measured
        Largest difference of the vectors of a petal from those of the median petal, relative: ln of the ratio, without sign.
    shape : Measured
        The same for a piece of the band, after the mean difference of the petal was taken off.
    """

    throughput: Measured
    shape: Measured


def calibration_vectors(lights: Iterable[FiberLight], *, instrument: Instrument = DESI) -> Vectors:
    """Compare the calibration vectors of the petals of an exposure.

    Parameters
    ----------
    lights : iterable of FiberLight
        Of the cameras of one exposure.
    instrument : Instrument
        Knows petals and bands.

    Returns
    -------
    Vectors
        Logarithms of ratios; *not measured* with fewer than five petals of a band.

    References
    ----------
    desispec, qa-params.yaml (TSNR2 of petals 0.7-1.3), #1103, #2718.
    """
    bands = by_band((light for light in lights if np.isfinite(light.vector).all()), least=MIN_PETALS)
    apart = {band: _apart(these) for band, these in bands.items()}
    if not apart:
        few = Measured.impossible(f"calibration vectors can be compared from {MIN_PETALS} petals of a band on")
        return Vectors(few, few)
    pairs = [(light, size) for band, these in apart.items() for light, size in zip(bands[band], these.mean(axis=1), strict=True)]
    place = max(range(len(pairs)), key=lambda number: abs(pairs[number][1]))
    light, size = pairs[place]
    throughput = Measured(
        value=abs(float(size)),
        error=0.0,
        fibers=(instrument.petal_range(light.petal),),
        detail=(
            f"petal {light.petal} has {percent(size, 'more', 'less', digits=0)} throughput in {light.band} than the median petal"
        ),
        camera=light.camera,
        peers=peers_of([(one.petal, one.band, its, 0.0) for one, its in pairs], place),
    )
    shapes = [_shape(these, bands[band], instrument) for band, these in apart.items()]
    return Vectors(throughput, max(shapes, key=lambda one: one.value))


def _apart(lights: list[FiberLight]) -> Floats:
    """Vectors of the petals over those of the median petal, natural logarithm, shape (n_petal, BINS)."""
    vectors = np.array([light.vector for light in lights])
    return np.asarray(vectors - np.median(vectors, axis=0))


def _shape(apart: Floats, lights: list[FiberLight], instrument: Instrument) -> Measured:
    left = apart - apart.mean(axis=1, keepdims=True)
    row, piece = divmod(int(np.argmax(np.abs(left))), BINS)
    light, size = lights[row], float(left[row, piece])
    band = instrument.bands[light.band]
    step = (band.last - band.first) / BINS
    waves = (band.first + piece * step, band.first + (piece + 1) * step)
    return Measured(
        value=abs(size),
        error=0.0,
        fibers=(instrument.petal_range(light.petal),),
        waves=waves,
        detail=(
            f"the calibration of {light.camera} is {percent(size, 'above', 'below', digits=0)} its mean difference from other "
            "petals"
        ),
        camera=light.camera,
        peers=peers_of([(one.petal, one.band, its, 0.0) for one, its in zip(lights, left[:, piece], strict=True)], row),
    )
