"""Chosen spectra, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.look.spectra_rebin import Binned, Floats


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum, in wider bins, and what is known of it.

    Attributes
    ----------
    fiber, petal, targetid : int
        FIBER (0-4999), its petal, and TARGETID.
    facts : Mapping
        OBJTYPE, STATUS, SPECTYPE, SUBTYPE, Z, ZERR, ZWARN, DELTACHI2, TARGET_RA, TARGET_DEC and DESI_TARGET; SPECTYPE is empty
        without a fit.
    bands : Mapping
        By band the `Binned` that holds it, and its row there.
    model : Mapping
        By band the best-fit model in the same bins; empty where there is none.
    model_words : str
        What the model is, or why there is none.
    """

    fiber: int
    petal: int
    targetid: int
    facts: Mapping[str, Any]
    bands: Mapping[str, tuple[Binned, int]]
    model: Mapping[str, Floats] = field(default_factory=dict)
    model_words: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """The chosen spectra.

    Attributes
    ----------
    spectra : tuple of Spectrum
        In order of FIBER.
    steps, notes
        How the choice came about, and what was not there; see `spectra_choice.Chosen`.
    paths : tuple of Path
        The files that were read.
    unit : str
        Unit of the flux.
    """

    spectra: tuple[Spectrum, ...]
    steps: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    paths: tuple[Path, ...]
    unit: str

    def fibers(self) -> dict[str, NDArray[np.int64]]:
        """By band, FIBER of each row of `stacked`."""
        bands = dict.fromkeys(band for one in self.spectra for band in one.bands)
        return {band: np.array([one.fiber for one in self.spectra if band in one.bands]) for band in bands}

    def stacked(self) -> dict[str, Binned]:
        """All spectra of each band as rows of one table, in order of FIBER."""
        parts: dict[str, list[tuple[Binned, int]]] = {}
        for spectrum in self.spectra:
            for band, one in spectrum.bands.items():
                parts.setdefault(band, []).append(one)
        return {
            band: Binned(
                rows[0][0].wave,
                np.array([binned.flux[row] for binned, row in rows]),
                np.array([binned.error[row] for binned, row in rows]),
                tuple(binned.out[row] for binned, row in rows),
            )
            for band, rows in parts.items()
        }


def spread(number: int, most: int) -> list[int]:
    """Return at most so many positions of a list, in order and evenly spread, the first and last included."""
    return list(range(number)) if number <= most else [round(k * (number - 1) / max(most - 1, 1)) for k in range(most)]
