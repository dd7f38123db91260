"""What a named fault is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI

if TYPE_CHECKING:
    from pytest_specqa.demo.exposure import Exposure


@dataclass(frozen=True)
class Place:
    """Where a fault acted.

    Attributes
    ----------
    rows : ndarray i8[n]
        Rows of the camera (0-499) or of the redshift table.
    waves : tuple of float
        First and last wavelength [Angstrom]; redshifts for redshift faults.
    """

    rows: NDArray[np.int64]
    waves: tuple[float, float]


CameraFault = Callable[["Exposure", float, np.random.Generator], Place]
RedshiftFault = Callable[[NDArray[Any], NDArray[Any], float, np.random.Generator], Place]


@dataclass(frozen=True)
class Fault:
    """A named fault with an amplitude knob.

    Attributes
    ----------
    name, id, reference : str
        Name, number in the fault catalogue (``F27`` of docs/faults.md) and the public report.
    stage : str
        Stage after which it acts: scene, ccd, frame, flat, sky, sframe, fluxcalib, cframe, fibermap, coadd, redshift.
    unit : str
        Unit of the amplitude.
    amplitude : float
        Default amplitude: the size that was reported, or an estimate.
    doc : str
        What it does, in one sentence.
    cause : str
        What it physically is, in the words of the triage; said of the fault, whatever the rules of the triage make of its traces.
    camera : callable or None
        Acts on an `Exposure` with an amplitude and a random stream.
    redshifts : callable or None
        Acts on REDSHIFTS and FIBERMAP of one petal.
    bands : str
        Bands in which it shows.
    product : str
        First product that it changes.
    persistent : bool
        Whether it stays in its place from exposure to exposure of the same spectrograph.
    """

    name: str
    id: str
    reference: str
    stage: str
    unit: str
    amplitude: float
    doc: str
    cause: str = field(kw_only=True)
    camera: CameraFault | None = None
    redshifts: RedshiftFault | None = None
    bands: str = DESI.letters
    product: str = "frame"
    persistent: bool = False
