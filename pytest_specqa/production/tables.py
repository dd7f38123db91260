"""Rows of exposure tables and camera words: what a production was told to make."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pytest_specqa.errors import UsageError
from pytest_specqa.instrument import DESI

LASTSTEPS = ("ignore", "skysub", "stdstarfit", "fluxcal", "all")
# What each LASTSTEP adds to the products of a camera; standard stars are a product of a petal.
_STEP_PRODUCTS = {"skysub": ("frame", "sky", "sframe"), "fluxcal": ("fluxcalib", "cframe")}


@dataclass(frozen=True)
class ExposureRow:
    """One science row of an exposure table.

    Attributes
    ----------
    expid, tile
        Exposure and tile number; tile is ``None`` where the table has none.
    laststep : str
        Last step of the pipeline, included; ``ignore`` where nothing is expected.
    cameras : tuple of str
        Good cameras: CAMWORD less BADCAMWORD.
    badamps : tuple of str
        Bad amplifiers, such as ``r6A``.
    word : tuple of str
        Cameras of CAMWORD, bad ones among them.
    survey, program, exptime, efftime
        SURVEY, FAPRGRM, EXPTIME and EFFTIME_ETC (s); NaN where the table does not say.
    """

    expid: int
    tile: int | None
    laststep: str
    cameras: tuple[str, ...]
    badamps: tuple[str, ...] = ()
    survey: str = ""
    program: str = ""
    exptime: float = math.nan
    efftime: float = math.nan
    word: tuple[str, ...] = ()


def parse_cameras(text: str) -> tuple[str, ...]:
    """Cameras that a word names.

    Parameters
    ----------
    text : str
        A camera ``r6``, a band ``r`` (all ten petals), or a camword such as ``a0123b4z59``, in which ``a`` stands for all three
        bands. Several words may be joined by commas; an empty text names none.

    Returns
    -------
    tuple of str
        Camera names, each once, in order.

    Raises
    ------
    UsageError
        If the text is no such word.
    """
    cameras: set[str] = set()
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            cameras.update(map(str, DESI.cameras_of(word)))
        except ValueError:
            expected = "a camera r6, a band r or a camword like a0123b4"
            raise UsageError(f"{text[:60]!r} names no cameras: expected {expected}") from None
    return tuple(sorted(cameras))


def expected_kinds(laststep: str) -> tuple[str, ...]:
    """Products of a camera that LASTSTEP asks for.

    Parameters
    ----------
    laststep : str
        As in the exposure table.

    Returns
    -------
    tuple of str
        In the order in which the pipeline makes them.
    """
    steps = LASTSTEPS[: LASTSTEPS.index(laststep) + 1]
    return tuple(kind for step in steps for kind in _STEP_PRODUCTS.get(step, ()))


def parse_badamps(text: str) -> tuple[str, ...]:
    """Amplifiers that a BADAMPS text names.

    Parameters
    ----------
    text : str
        Such as ``b7D;z8A``; joined by semicolons in tables and by commas in headers.

    Returns
    -------
    tuple of str
        Band, petal and amplifier of each.

    Raises
    ------
    ValueError
        If an entry is none.
    """
    entries = tuple(filter(None, (entry.strip() for entry in re.split("[;,]", text))))
    for entry in entries:
        if not re.fullmatch(r"[brz][0-9][ABCD]", entry):
            raise ValueError(f"BADAMPS {entry[:30]!r} is no amplifier like b7D")
    return entries
