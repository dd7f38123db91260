"""The night that the demo tells: four exposures of three tiles, with H-alpha on the left of tile 7951."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from pytest_specqa.demo.conditions import Conditions, TileConditions
from pytest_specqa.demo.cosmos import draw_structure
from pytest_specqa.demo.fitsbytes import Value
from pytest_specqa.demo.targets import Targets, draw_targets

NIGHT = 20211014
_PIPELINE = (("python", "3.11.7"), ("numpy", "1.26.4"), ("astropy", "6.1.7"), ("desiutil", "3.5.0"), ("desispec", "0.70.0"))

# Columns of a raw image that an amplifier reads before and after the pixels of the CCD.
_PRESCAN, _OVERSCAN = 4, 64


@dataclass(frozen=True)
class StoryExposure:
    """One exposure: numbers, pointing and conditions; `later` counts the nights since `NIGHT`."""

    expid: int
    tile: int
    exptime: float
    mjd: float
    airmass: float
    heliocor: float
    sky_brightness: float
    nebular: float = 0.0
    later: int = 0

    @property
    def night(self) -> int:
        """YYYYMMDD."""
        return int((datetime.strptime(str(NIGHT), "%Y%m%d") + timedelta(days=self.later)).strftime("%Y%m%d"))

    @property
    def pointing(self) -> tuple[float, float]:
        """Right ascension and declination of the tile in degrees."""
        return _POINTING[self.tile - _TILES_A_NIGHT * self.later]

    def conditions(self, band: str, petal: int) -> Conditions:
        """Conditions of one camera.

        Parameters
        ----------
        band : str
            ``b``, ``r`` or ``z``.
        petal : int
            Petal 0-9.

        Returns
        -------
        Conditions
            Physics of the exposure; the number of sky fibers differs from petal to petal.
        """
        n_sky = 36 + (7 * petal + self.tile) % 9
        base = Conditions(band=band, petal=petal, exptime=self.exptime, n_sky=n_sky, heliocor=self.heliocor)
        return replace(base, sky_brightness=self.sky_brightness, nebular=self.nebular, sky_seed=self.expid)


EXPOSURES = (
    StoryExposure(104282, 1298, 930.0, 59502.28415, 1.21, 1.0000412, 1.04),
    StoryExposure(104284, 7951, 1000.0, 59502.30127, 1.27, 1.0000517, 1.00, nebular=2600.0),
    StoryExposure(104285, 7951, 1000.0, 59502.31442, 1.24, 1.0000513, 0.97, nebular=2600.0),
    StoryExposure(104286, 6699, 880.0, 59502.32789, 1.13, 0.9999631, 1.06),
)
"""Exposures in order of time."""

TILES = tuple(dict.fromkeys(exposure.tile for exposure in EXPOSURES))
_TILES_A_NIGHT, _EXPOSURES_A_NIGHT = 10_000, 100
_POINTING = {1298: (33.871, -2.114), 7951: (48.357, -6.56), 6699: (61.245, 3.802)}


def exposures_on(later: int) -> tuple[StoryExposure, ...]:
    """Exposures of a night.

    Parameters
    ----------
    later : int
        Nights since `NIGHT`.

    Returns
    -------
    tuple of StoryExposure
        In order of time: those of the first night with other numbers, tiles and sky.
    """
    return tuple(
        replace(
            one,
            expid=one.expid + _EXPOSURES_A_NIGHT * later,
            tile=one.tile + _TILES_A_NIGHT * later,
            mjd=one.mjd + later,
            # The Earth turns towards or away from a field by half a km/s in a night.
            heliocor=one.heliocor - 1.5e-6 * later,
            later=later,
        )
        for one in EXPOSURES
    )


def exposures_of(tile: int, *, later: int = 0) -> tuple[StoryExposure, ...]:
    """Exposures of a tile.

    Parameters
    ----------
    tile : int
        Tile number.
    later : int
        Nights since `NIGHT`.

    Returns
    -------
    tuple of StoryExposure
        In order of time.
    """
    return tuple(exposure for exposure in exposures_on(later) if exposure.tile == tile)


def story_targets(tile: int, petal: int, *, seed: int, later: int = 0) -> Targets:
    """Targets of a petal of a tile: the same in all its exposures and bands.

    Parameters
    ----------
    tile, petal : int
        Tile number and petal 0-9.
    seed : int
        Seed of the demo.
    later : int
        Nights since `NIGHT`.

    Returns
    -------
    Targets
        Broken fibers are the same on all tiles.
    """
    first = exposures_of(tile, later=later)[0]
    structure = draw_structure(np.random.default_rng([seed, tile]), clustering=TileConditions().clustering)
    broken = np.random.default_rng([seed, petal, 17]).permutation(500)[:2]
    rng = np.random.default_rng([seed, tile, petal])
    return draw_targets(first.conditions("r", petal), rng, structure=structure, tile=tile, broken=broken)


def exposure_cards(exposure: StoryExposure, camera: str) -> dict[str, Value]:
    """Keywords of HDU 0 of a camera file.

    Parameters
    ----------
    exposure : StoryExposure
        The exposure.
    camera : str
        Camera name such as ``r6``.

    Returns
    -------
    dict
        Keywords as in the data model, provenance included.
    """
    petal, name = int(camera[1]), f"{camera}-{exposure.expid:08d}"
    ra, dec = exposure.pointing
    night = exposure.night
    cards: dict[str, Value] = {"NIGHT": night, "EXPID": exposure.expid, "TILEID": exposure.tile, "CAMERA": camera}
    cards |= {"FLAVOR": "science", "OBSTYPE": "SCIENCE", "PROGRAM": "DARK", "EXPTIME": exposure.exptime, "MJD-OBS": exposure.mjd}
    cards |= {"AIRMASS": exposure.airmass, "MOUNTEL": round(float(np.degrees(np.arcsin(1 / exposure.airmass))), 4)}
    cards |= {"TARGTRA": ra, "TARGTDEC": dec, "SPECGRPH": petal, "SPECID": (petal + 3) % 10 + 1, "DETECTOR": f"M1-{50 + petal}"}
    cards |= {"CCDTEMP": -139.96, "VCCDSEC": 412_330.5, "HELIOCOR": exposure.heliocor, "NSPEC": 500, "FIBERMIN": 500 * petal}
    cards |= {"WAVESTEP": 0.8, "IN_PSF": f"SPECPROD/calibnight/{night}/psfnight-{camera}-{night}.fits"}
    cards |= {"IN_IMG": f"SPECPROD/preproc/{night}/{exposure.expid:08d}/preproc-{name}.fits.gz"}
    cards |= {"FIBERFLT": f"SPECPROD/calibnight/{night}/fiberflatnight-{camera}-{night}.fits"}
    cards |= {"IN_SKY": f"SPECPROD/exposures/{night}/{exposure.expid:08d}/sky-{name}.fits.gz"}
    for amp, gain in zip("ABCD", (1.43, 1.51, 1.47, 1.55), strict=True):
        cards |= {f"GAIN{amp}": gain, f"OVERSCN{amp}": 1990.0 + petal, f"OSTEP{amp}": 0.6, f"SATULEV{amp}": 65535.0}
        cards |= _sections(amp, band=camera[0])
    return cards | provenance()


def _sections(amp: str, *, band: str) -> dict[str, Value]:
    """Where an amplifier reads the CCD: its part of the trimmed image, and its pixels and overscan in the raw one, 1-based."""
    width, height = (2048, 2048) if band == "b" else (2057, 2064)
    right, upper = amp in "BD", amp in "CD"
    rows = (height + 1, 2 * height) if upper else (1, height)
    ccd = (width + 1, 2 * width) if right else (1, width)
    # Raw rows hold, from either end to the middle: prescan, pixels, overscan.
    whole = 2 * (_PRESCAN + width + _OVERSCAN)
    data, bias = (_PRESCAN + 1, _PRESCAN + width), (_PRESCAN + width + 1, _PRESCAN + width + _OVERSCAN)
    if right:
        data, bias = ((whole + 1 - last, whole + 1 - first) for first, last in (data, bias))
    parts = {"CCDSEC": ccd, "DATASEC": data, "BIASSEC": bias}
    return {f"{name}{amp}": f"[{first}:{last}, {rows[0]}:{rows[1]}]" for name, (first, last) in parts.items()}


def provenance() -> dict[str, Value]:
    """DEPNAMnn and DEPVERnn keywords: the pipeline whose algebra the demo follows.

    Returns
    -------
    dict
        Keywords in order.
    """
    cards: dict[str, Value] = {}
    for number, (package, version) in enumerate(_PIPELINE):
        cards |= {f"DEPNAM{number:02d}": package, f"DEPVER{number:02d}": version}
    return cards


def fibermap_cards(exposure: StoryExposure) -> dict[str, Value]:
    """Keywords of FIBERMAP.

    Parameters
    ----------
    exposure : StoryExposure
        The exposure.

    Returns
    -------
    dict
        Survey, program and goal of the tile.
    """
    ra, dec = exposure.pointing
    cards: dict[str, Value] = {"TILEID": exposure.tile, "NIGHT": exposure.night, "EXPID": exposure.expid, "SURVEY": "main"}
    cards |= {"FAPRGRM": "dark", "FAFLAVOR": "maindark", "GOALTIME": 1000.0, "GOALTYPE": "DARK", "MINTFRAC": 0.9, "EBVFAC": 1.14}
    return cards | {"TILERA": ra, "TILEDEC": dec}
