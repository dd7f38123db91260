"""Arrays as compact text in a page: whole steps, deflated; the browser unpacks them without a library."""

from __future__ import annotations

import base64
import zlib
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

STEPS_PER_SIGMA = 8.0
"""Steps in the scatter of an image: rounding adds less than a thousandth to its noise."""
MOST = 2**30
"""Largest number of steps; what is beyond it is not told apart."""


class Packed(TypedDict):
    """An array as `pack` writes it and ``unpack`` of look.js reads it.

    Attributes
    ----------
    shape : list of int
        Rows and columns.
    step : float
        A value is a whole number of steps.
    delta : bool
        Whether each row is told as its difference from the row before.
    data : str
        Base64 of deflated bytes: the numbers zigzag-coded as u4, all lowest bytes first.
    nan : str
        Base64 of deflated bits, one for each value, set where there is none; empty where every value is there.
    """

    shape: list[int]
    step: float
    delta: bool
    data: str
    nan: str


def pack(values: NDArray[np.floating], *, step: float, delta: bool = False) -> Packed:
    """Write a 2-d array as whole steps.

    Parameters
    ----------
    values : ndarray, shape (n, m)
        Any unit; what is not finite comes back as NaN.
    step : float
        Size of a step in that unit, more than 0; a value comes back within half of it.
    delta : bool
        Whether to write differences from row to row, which are small where rows are alike, as in a sky model.

    Returns
    -------
    Packed
        Ready for JSON.
    """
    known = np.isfinite(values)
    scaled = np.where(known, values, 0.0) / step
    numbers = np.rint(np.clip(scaled, -MOST, MOST)).astype(np.int64)
    if delta:
        numbers = np.diff(numbers, axis=0, prepend=np.zeros((1, numbers.shape[1]), np.int64))
    zigzag = ((numbers << 1) ^ (numbers >> 63)).astype("<u4")
    planes = zigzag.reshape(-1, 1).view(np.uint8).T
    return {
        "shape": [int(size) for size in values.shape],
        "step": float(step),
        "delta": delta,
        "data": _text(np.ascontiguousarray(planes).tobytes()),
        "nan": "" if known.all() else _text(np.packbits(~known).tobytes()),
    }


def unpack(packed: Packed) -> NDArray[np.float64]:
    """Read what `pack` wrote, as the page does.

    Parameters
    ----------
    packed : Packed
        An array.

    Returns
    -------
    ndarray, shape as told
        Values, NaN where there is none.
    """
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8).reshape(4, -1)
    zigzag = np.ascontiguousarray(planes.T).view("<u4").ravel().astype(np.int64)
    numbers = ((zigzag >> 1) ^ -(zigzag & 1)).reshape(packed["shape"])
    if packed["delta"]:
        numbers = np.cumsum(numbers, axis=0)
    values = numbers * packed["step"]
    if packed["nan"]:
        bits = np.frombuffer(zlib.decompress(base64.b64decode(packed["nan"])), np.uint8)
        values[np.unpackbits(bits, count=values.size).reshape(values.shape).astype(bool)] = np.nan
    return np.asarray(values)


def fine_step(values: NDArray[np.floating]) -> float:
    """Return a step that leaves the noise of spectra as it is: a small part of it.

    Parameters
    ----------
    values : ndarray, shape (n, m)
        A spectrum in each row; NaN is left out.

    Returns
    -------
    float
        In the unit of the spectra, from the differences of neighbours; 1e-3 where these have no scatter.
    """
    steps = np.abs(np.diff(values, axis=1))
    steps = steps[np.isfinite(steps)]
    # The median of what differs at all: pixels that were filled say nothing of the noise.
    steps = steps[steps > 0]
    sigma = 1.4826 * float(np.median(steps)) / np.sqrt(2.0) if steps.size else 0.0
    return max(sigma / STEPS_PER_SIGMA, 1e-3)


def _text(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")
