"""What each fiber of a petal points at: target classes, fluxes and the fibermap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import Conditions
from pytest_specqa.demo.cosmos import Structure, draw_redshifts, draw_structure
from pytest_specqa.demo.focalplane import device_locations, fiber_positions
from pytest_specqa.demo.galaxies import ELG, LRG, QSO, SKY, STD, library, nearest_template
from pytest_specqa.instrument import DESI

_DEGREE_PER_MM = 1 / 0.07 / 3600

N_STANDARDS = 12
STUCKPOSITIONER, BROKENFIBER, BADPOSITION, BADFIBER = (
    1 << DESI.flags[name] for name in ("STUCKPOSITIONER", "BROKENFIBER", "BADPOSITION", "BADFIBER")
)

_NAMES = {SKY: ("SKY",), LRG: ("LRG",), ELG: ("ELG", "ELG_LOP"), QSO: ("QSO",), STD: ("STD_FAINT", "MWS")}
_BITS = {code: sum(1 << DESI.targets[name] for name in names) for code, names in _NAMES.items()}
_DTYPE = np.dtype(
    [(name, "i8") for name in ("TARGETID",)]
    + [("PETAL_LOC", "i2"), ("DEVICE_LOC", "i4"), ("LOCATION", "i8"), ("FIBER", "i4"), ("FIBERSTATUS", "i4")]
    + [("TARGET_RA", "f8"), ("TARGET_DEC", "f8"), ("PMRA", "f4"), ("PMDEC", "f4"), ("REF_EPOCH", "f4"), ("LAMBDA_REF", "f4")]
    + [("FA_TARGET", "i8"), ("FA_TYPE", "u1"), ("OBJTYPE", "S3"), ("FIBERASSIGN_X", "f4"), ("FIBERASSIGN_Y", "f4")]
    + [("PRIORITY", "i4"), ("SUBPRIORITY", "f8"), ("OBSCONDITIONS", "i4"), ("MORPHTYPE", "S4"), ("EBV", "f4")]
    + [(f"FLUX_{band}", "f4") for band in ("G", "R", "Z", "W1", "W2")]
    + [(f"FLUX_IVAR_{band}", "f4") for band in ("G", "R", "Z", "W1", "W2")]
    + [(f"{kind}_{band}", "f4") for kind in ("FIBERFLUX", "FIBERTOTFLUX") for band in ("G", "R", "Z")]
    + [(f"GAIA_PHOT_{band}_MEAN_MAG", "f4") for band in ("G", "BP", "RP")]
    + [
        ("MASKBITS", "i2"),
        ("PHOTSYS", "S1"),
        ("DESI_TARGET", "i8"),
        ("BGS_TARGET", "i8"),
        ("MWS_TARGET", "i8"),
        ("SCND_TARGET", "i8"),
    ]
    + [("PLATE_RA", "f8"), ("PLATE_DEC", "f8"), ("NUM_ITER", "i8")]
    + [(name, "f8") for name in ("FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y", "FIBER_RA", "FIBER_DEC", "EXPTIME")]
)


@dataclass(frozen=True)
class Targets:
    """Targets of one petal.

    Attributes
    ----------
    fibermap : structured ndarray [500]
        Columns of the data model.
    kind : ndarray i8[500]
        Class codes of `galaxies`.
    template : ndarray i8[500]
        Index into `galaxies.library`.
    fiberflux : ndarray f8[500]
        r-band flux through the fiber [nanomaggy]; 0 for sky and broken fibers.
    z : ndarray f8[500]
        True redshift; NaN for sky.
    """

    fibermap: NDArray[Any]
    kind: NDArray[np.int64]
    template: NDArray[np.int64]
    fiberflux: NDArray[np.float64]
    z: NDArray[np.float64]


def _choose_sky(rng: np.random.Generator, n_sky: int, avoid: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Sky fibers: as evenly over the 25-fiber blocks as the number allows, at random inside, none of them broken."""
    order = np.concatenate([rng.permutation(np.arange(25 * block, 25 * block + 25)) for block in range(20)]).reshape(20, 25)
    chosen = np.concatenate([rng.permutation(column) for column in order.T])
    chosen = chosen[~np.isin(chosen, avoid)][:n_sky]
    is_sky = np.zeros(DESI.fibers, dtype=bool)
    is_sky[chosen] = True
    return is_sky


def _fluxes(kind: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """r-band flux through the fiber [nanomaggy] by class, as main-survey dark targets have it."""
    mag = np.full(kind.size, np.inf)
    mag[kind == LRG] = rng.normal(21.6, 0.55, (kind == LRG).sum()).clip(19.5, 22.8)
    mag[kind == ELG] = rng.normal(23.6, 0.35, (kind == ELG).sum()).clip(22.5, 24.5)
    mag[kind == QSO] = rng.normal(21.8, 0.9, (kind == QSO).sum()).clip(17.5, 23.2)
    mag[kind == STD] = rng.uniform(16.3, 18.4, (kind == STD).sum())
    flux: NDArray[np.float64] = 10 ** (-0.4 * (mag - 22.5))
    return flux


def draw_targets(
    conditions: Conditions,
    rng: np.random.Generator,
    *,
    structure: Structure | None = None,
    tile: int = 0,
    broken: NDArray[np.int64] | None = None,
) -> Targets:
    """Draw what the fibers of a petal point at.

    Parameters
    ----------
    conditions : Conditions
        Petal, number of sky fibers and targets, bad fibers and exposure time.
    rng : numpy.random.Generator
        Source of randomness.
    structure : Structure or None
        Large-scale structure of the tile; drawn if not given.
    tile : int
        Tile number, part of TARGETID and of the sky position.
    broken : ndarray of int or None
        Rows of the broken fibers; drawn if not given.

    Returns
    -------
    Targets
        Fibermap and the true spectra behind it.
    """
    structure = structure or draw_structure(rng, clustering=0.1)
    if broken is None:
        broken = rng.permutation(DESI.fibers)[: conditions.dead_fibers]
    is_sky = _choose_sky(rng, conditions.n_sky, broken)
    kind = rng.choice([LRG, ELG, QSO], DESI.fibers, p=[0.27, 0.53, 0.20]).astype(np.int64)
    kind[is_sky] = SKY
    science = rng.permutation(np.flatnonzero(~is_sky))
    kind[science[:N_STANDARDS]] = STD
    empty = np.zeros(DESI.fibers, dtype=bool)
    if conditions.few_targets is not None:
        empty[science[N_STANDARDS + conditions.few_targets :]] = True
        kind[empty] = SKY
    z = np.full(DESI.fibers, np.nan)
    for code in (LRG, ELG, QSO):
        z[kind == code] = draw_redshifts(code, int((kind == code).sum()), rng, structure=structure)
    z[kind == STD] = 0.0
    template = nearest_template(kind, np.where(kind == STD, rng.random(DESI.fibers), np.nan_to_num(z)))
    flux = _fluxes(kind, rng)
    if conditions.bright_star > 0:
        star = int(science[0])
        flux[star] = conditions.bright_star
    status = _fiberstatus(conditions, rng, is_sky=is_sky, broken=broken)
    fibermap = _fibermap(conditions, rng, kind=kind, template=template, flux=flux, status=status, tile=tile)
    fibermap["OBJTYPE"][empty] = b"NON"
    fibermap["DESI_TARGET"][empty] = 0
    flux[(status & (BROKENFIBER | BADPOSITION)) != 0] = 0
    return Targets(fibermap=fibermap, kind=kind, template=template, fiberflux=flux, z=z)


def _fiberstatus(
    conditions: Conditions, rng: np.random.Generator, *, is_sky: NDArray[np.bool_], broken: NDArray[np.int64]
) -> NDArray[np.int64]:
    status = np.zeros(DESI.fibers, dtype=np.int64)
    targets = rng.permutation(np.flatnonzero(~is_sky))
    status[targets[: conditions.bad_fibers]] = BADPOSITION
    status[broken] = BROKENFIBER
    stuck = rng.permutation(np.flatnonzero(is_sky))[: int(is_sky.sum()) // 6]
    status[stuck] |= STUCKPOSITIONER
    return status


def _fibermap(
    conditions: Conditions,
    rng: np.random.Generator,
    *,
    kind: NDArray[np.int64],
    template: NDArray[np.int64],
    flux: NDArray[np.float64],
    status: NDArray[np.int64],
    tile: int,
) -> NDArray[Any]:
    fm = np.zeros(DESI.fibers, dtype=_DTYPE)
    petal, index = conditions.petal, np.arange(DESI.fibers)
    x, y = fiber_positions(petal)
    fm["FIBER"] = 500 * petal + index
    fm["PETAL_LOC"], fm["DEVICE_LOC"] = petal, device_locations()
    fm["LOCATION"] = 1000 * petal + fm["DEVICE_LOC"].astype(int)
    fm["FIBERSTATUS"] = status
    stuck = (status & STUCKPOSITIONER) != 0
    fm["TARGETID"] = 39_627_600_000_000_000 + tile * 1_000_000 + fm["FIBER"].astype(np.int64)
    fm["TARGETID"][stuck] = -(tile * 100_000 + fm["FIBER"][stuck].astype(np.int64)) - 1
    ra, dec = 48.357 + 3 * (tile % 40), -6.56
    fm["TARGET_RA"] = ra - x * _DEGREE_PER_MM / np.cos(np.deg2rad(dec))
    fm["TARGET_DEC"] = dec + y * _DEGREE_PER_MM
    for prefix in ("PLATE", "FIBER"):
        fm[f"{prefix}_RA"], fm[f"{prefix}_DEC"] = fm["TARGET_RA"], fm["TARGET_DEC"]
    _positions(fm, rng, x=x, y=y)
    fm["OBJTYPE"] = np.where(kind == SKY, b"SKY", b"TGT")
    fm["DESI_TARGET"] = np.array([_BITS[code] for code in range(5)])[kind]
    fm["MWS_TARGET"] = np.where(kind == STD, 1 << DESI.targets["STD_FAINT"], 0)
    fm["FA_TARGET"], fm["FA_TYPE"] = fm["DESI_TARGET"], np.array([4, 1, 1, 1, 2])[kind]
    fm["PRIORITY"] = np.array([0, 3200, 3100, 3400, 1400])[kind]
    fm["SUBPRIORITY"], fm["OBSCONDITIONS"], fm["NUM_ITER"] = rng.random(DESI.fibers), 1, 2
    fm["MORPHTYPE"] = np.array([b"", b"DEV", b"EXP", b"PSF", b"PSF"])[kind]
    fm["PHOTSYS"], fm["REF_EPOCH"], fm["LAMBDA_REF"] = b"S", 2015.5, 5400.0
    fm["EBV"] = 0.05 + 0.02 * rng.random(DESI.fibers)
    fm["EXPTIME"] = conditions.exptime
    _photometry(fm, kind=kind, template=template, flux=flux)
    return fm


def _positions(fm: NDArray[Any], rng: np.random.Generator, *, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Requested and actual positions: 10 micron positioning, 0.3 mm where BADPOSITION says so."""
    bad = (fm["FIBERSTATUS"] & BADPOSITION) != 0
    size = np.where(bad, 0.3, 0.008)
    fm["FIBERASSIGN_X"], fm["FIBERASSIGN_Y"] = x, y
    fm["DELTA_X"], fm["DELTA_Y"] = (np.clip(rng.normal(0, 1, (2, x.size)), -2.5, 2.5)) * size
    fm["FIBER_X"], fm["FIBER_Y"] = x - fm["DELTA_X"], y - fm["DELTA_Y"]


def _photometry(fm: NDArray[Any], *, kind: NDArray[np.int64], template: NDArray[np.int64], flux: NDArray[np.float64]) -> None:
    """Imaging fluxes that agree with the spectra; fibers take 78 % of a point source, 60 % of a galaxy."""
    share = np.array([1.0, 0.6, 0.65, 0.78, 0.78])[kind]
    colors = library().colors[template]
    for column, band in enumerate(("G", "R", "Z", "W1", "W2")):
        fm[f"FLUX_{band}"] = flux * colors[:, column] / share
        fm[f"FLUX_IVAR_{band}"] = np.where(kind == SKY, 0, 400.0)
        if band in "GRZ":
            fm[f"FIBERFLUX_{band}"] = fm[f"FIBERTOTFLUX_{band}"] = flux * colors[:, column]
    star = kind == STD
    with np.errstate(divide="ignore"):
        mag = np.where(star, 22.5 - 2.5 * np.log10(np.where(star, fm["FLUX_R"], 1)), 0)
    for offset, name in ((0.1, "G"), (0.4, "BP"), (-0.3, "RP")):
        fm[f"GAIA_PHOT_{name}_MEAN_MAG"] = np.where(star, mag + offset, 0)
