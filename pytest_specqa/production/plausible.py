"""Values that no instrument of this kind can give: what is finite but absurd is no better than NaN.

All limits are far beyond what was ever seen; they are derived from the instrument, not from data. A CCD pixel of DESI holds less
than 2e5 electrons (65535 ADU at less than 2 electrons each, and a full well of about as much), a fiber is spread over some ten
pixels across and bins are 0.8 Å wide: 5e6 electron/Å. Fiber flats below a hundredth are masked (LOWFLAT), so that sky-subtracted
spectra may reach a hundred times as much.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.production.defects import defect

MAX_FLUX = 1e9
"""In electron/Å twice what the CCD and the lowest flat allow; in 1e-17 erg/(s cm2 Å) three times the light of Vega (3.6e8)."""
MAX_COUNTED_IVAR = 1e6
"""Per (electron/Å)^2: read noise is above one electron a pixel, and a model of 500 fibers has 500 times their weight (3e2)."""
MAX_IVAR = 1e12
"""Of relative and calibrated spectra: 5e6 electrons weigh 5e6 in a relative spectrum, times the lamp exposures of a night;
calibration adds the square of 5e4."""
MAX_FLAT = float(DESI.fibers)
"""A flat is relative to the mean of the fibers, none of which is negative: one has at most all of their light."""
MAX_CALIBRATION = 5e4
"""Electrons for 1e-17 erg/(s cm2 Å): photons at 9824 Å on the whole of a mirror of 3.8 m (1.13e5 cm2) in one day, none lost."""
MAX_REDSHIFT = 20.0
"""The first stars; wavelengths shrink to nothing at -1."""
MAX_DELTACHI2 = 4e10
"""Signal to noise squared of 7781 bins with 5e6 electrons each."""


def check_ivar(path: Path, name: str, ivar: NDArray[Any], *, largest: float = MAX_IVAR) -> None:
    """Raise `ProductError` unless every inverse variance is finite, not negative, and no larger than noise allows.

    Parameters
    ----------
    path, name : Path, str
        The file and the HDU.
    ivar : numpy.ndarray
        Inverse variance.
    largest : float
        `MAX_IVAR` or `MAX_COUNTED_IVAR`.
    """
    if ivar.size and ivar.min() >= 0 and ivar.max() <= largest:
        return
    with np.errstate(invalid="ignore"):
        wrong = {"NaN": np.isnan(ivar), "negative": ivar < 0, "infinite": np.isposinf(ivar)}
        wrong[f"above {largest:g}"] = (ivar > largest) & ~wrong["infinite"]
    counts = [f"{int(bad.sum())} {what}" for what, bad in wrong.items() if bad.any()]
    expected = f"finite and not negative{', below the limit of noise' if any('above' in one for one in counts) else ''}"
    raise defect(path, name, found=f"{', '.join(counts)} of {ivar.size} values", expected=expected)


def check_values(
    path: Path, name: str, values: NDArray[Any], *, ivar: NDArray[Any] | None = None, largest: float = MAX_FLUX
) -> None:
    """Raise `ProductError` for values that are no possible numbers; where `ivar` is 0 a single value may be anything.

    Parameters
    ----------
    path, name : Path, str
        The file and the HDU.
    values : numpy.ndarray
        What must be finite, and within `largest` on both sides of 0.
    ivar : numpy.ndarray, optional
        Inverse variance of each.
    largest : float
        One of the limits of this module.
    """
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(values) <= largest)
    counted = bad if ivar is None else bad & (ivar > 0)
    if bad.size and not counted.any() and not bad.all():
        return
    where = "" if ivar is None or not counted.any() else " where IVAR > 0"
    chosen = counted if counted.any() else bad
    finite = np.isfinite(values[chosen]) if chosen.any() else np.zeros(0, dtype=bool)
    what = f"beyond {largest:g}" if finite.any() else "NaN or infinite"
    count = int(finite.sum()) if finite.any() else int(chosen.sum())
    expected = f"numbers up to {largest:g}, more than which none can be" if finite.any() else "finite numbers"
    raise defect(path, name, found=f"{count} of {values.size} values {what}{where}", expected=expected)


def check_redshifts(path: Path, name: str, *, z: NDArray[Any], columns: dict[str, NDArray[Any]]) -> None:
    """Raise `ProductError` for a redshift that cannot be, and for a fit without warning whose error or significance cannot be.

    Parameters
    ----------
    path, name : Path, str
        The file and the HDU.
    z : numpy.ndarray
        Redshifts, all of which must be above -1.
    columns : dict
        ZWARN, ZERR and DELTACHI2; of fits with a warning the latter two may hold anything.
    """
    check_values(path, name, z, largest=MAX_REDSHIFT)
    if (low := int((z <= -1).sum())) > 0:
        raise defect(path, name, found=f"{low} of {z.size} values of Z at or below -1", expected="redshifts")
    sound = columns["ZWARN"] == 0
    for column, largest in (("ZERR", MAX_REDSHIFT), ("DELTACHI2", MAX_DELTACHI2)):
        values = np.asarray(columns[column])[sound]
        with np.errstate(invalid="ignore"):
            bad = int((~((values >= 0) & (values <= largest))).sum())
        if bad:
            found = f"{bad} of {len(values)} values of {column} with ZWARN 0 that are none, negative or beyond {largest:g}"
            raise defect(path, name, found=found, expected=f"{column} of a fit")
