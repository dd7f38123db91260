"""Redshift tables of simulated tiles. No spectrum is fitted: each row is drawn as redrock would report such a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import Conditions, TileConditions
from pytest_specqa.demo.cosmos import BGS, Structure, draw_redshifts, draw_structure, gather, petal_structure
from pytest_specqa.demo.faults import FAULTS, Place, check_faults
from pytest_specqa.demo.galaxies import ELG, LRG, QSO, STD
from pytest_specqa.demo.targets import Targets, draw_targets
from pytest_specqa.instrument import DESI

SMALL_DELTA_CHI2, NODATA = 1 << 2, 1 << 9
EXPTIMES = (500.0, 500.0)
"""Times of the exposures that simulated redshifts rest on."""
UNFIT_Z = 0.0
"""Redshift of spectra without data."""

_SUCCESS = {LRG: 0.965, ELG: 0.56, QSO: 0.54, STD: 0.995}
_DELTACHI2 = {LRG: 400.0, ELG: 180.0, QSO: 1500.0, STD: 8000.0}
_STARS_IN_BRIGHT = 0.2
"""Part of the targets of a bright tile that are stars."""
_LIKED = (0.113, 0.26, 0.416, 0.496, 0.69, 0.944, 1.124, 1.24, 1.37, 1.51, 1.628)
_LIKES = 0.12
"""Redshifts that fits to noise prefer, where a line of a galaxy falls on residuals of sky lines, and how many of them do."""
_COEFFICIENTS = 10
_COLUMNS = f"""
    TARGETID:i8 CHI2:f8 COEFF:({_COEFFICIENTS},)f8 Z:f8 ZERR:f8 ZWARN:i8 NPIXELS:i8 SPECTYPE:S6 SUBTYPE:S20 NCOEFF:i8 DELTACHI2:f8
"""
_DTYPE = np.dtype([tuple(column.split(":")) for column in _COLUMNS.split()])
_COADD_COLUMNS: tuple[str, ...] = (
    "TARGETID",
    "TARGET_RA",
    "TARGET_DEC",
    "OBJTYPE",
    "DESI_TARGET",
    "BGS_TARGET",
    "MWS_TARGET",
    "SCND_TARGET",
    "EBV",
)
_COADD_COLUMNS += ("FLUX_G", "FLUX_R", "FLUX_Z", "FLUX_W1", "FLUX_W2", "FIBERFLUX_G", "FIBERFLUX_R", "FIBERFLUX_Z", "MORPHTYPE")
_COADD_COLUMNS += ("PHOTSYS", "PRIORITY", "FIBER", "PETAL_LOC", "DEVICE_LOC", "LOCATION", "FIBERASSIGN_X", "FIBERASSIGN_Y")


@dataclass(frozen=True)
class SimRedshifts:
    """Row-matched tables of one or more petals.

    Attributes
    ----------
    redshifts : structured ndarray [n]
        HDU REDSHIFTS.
    fibermap : structured ndarray [n]
        HDU FIBERMAP of the redrock file.
    truth : dict of str to Place
        Rows that each planted fault changed, and its redshift range.
    """

    redshifts: NDArray[Any]
    fibermap: NDArray[Any]
    truth: dict[str, Place] = field(default_factory=dict)

    @property
    def is_sky(self) -> NDArray[np.bool_]:
        """Sky fibers."""
        return np.asarray(self.fibermap["OBJTYPE"] == b"SKY")

    def petal(self, number: int) -> SimRedshifts:
        """The rows of one petal, without truth."""
        rows = self.fibermap["PETAL_LOC"] == number
        return SimRedshifts(self.redshifts[rows], self.fibermap[rows])


def simulate_redshifts(
    conditions: TileConditions,
    rng: np.random.Generator,
    *,
    petals: Iterable[int] = DESI.petals,
    faults: Mapping[str, float] | None = None,
    tile: int = 1000,
) -> SimRedshifts:
    """Simulate the redshift tables of a tile.

    Parameters
    ----------
    conditions : TileConditions
        Depth, clustering, targets.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same clean rows with and without faults.
    petals : iterable of int
        Petals to simulate; they share the large-scale structure of the tile.
    faults : mapping of str to float, optional
        Fault name to amplitude; those that act on redshifts act on each petal.
    tile : int
        Tile number.

    Returns
    -------
    SimRedshifts
        500 rows per petal, in order of FIBER.

    Raises
    ------
    UsageError
        A fault name that does not exist.
    """
    planted = {name: amplitude for name, amplitude in check_faults(faults or {}).items() if amplitude != 0}
    structure = draw_structure(rng, clustering=conditions.clustering, wall=conditions.wall)
    tables, fibermaps = [], []
    rows: dict[str, list[Place]] = {}
    for count, petal in enumerate(petals):
        seeds = [int(seed) for seed in rng.integers(0, 2**62, 2)]
        child = np.random.default_rng(seeds[0])
        camera = Conditions(
            petal=petal, n_sky=conditions.n_sky, few_targets=conditions.few_targets, bad_fibers=conditions.bad_fibers
        )
        own = petal_structure(child, structure=structure, clustering=conditions.clustering)
        targets = _gathered(draw_targets(camera, child, structure=own, tile=tile), child, structure=own, bright=conditions.bright)
        table, fibermap = fit_redshifts(targets, child, conditions=conditions), coadd_fibermap(targets, exptimes=EXPTIMES)
        for name, amplitude in planted.items():
            change = FAULTS[name].redshifts
            if change is not None:
                place = change(table, fibermap, amplitude, np.random.default_rng([seeds[1], *name.encode()]))
                rows.setdefault(name, []).append(Place(place.rows + count * DESI.fibers, place.waves))
        tables.append(table)
        fibermaps.append(fibermap)
    truth = {name: Place(np.concatenate([place.rows for place in places]), places[0].waves) for name, places in rows.items()}
    return SimRedshifts(np.concatenate(tables), np.concatenate(fibermaps), truth)


def _gathered(targets: Targets, rng: np.random.Generator, *, structure: Structure, bright: bool) -> Targets:
    """Targets of a dark or bright tile, some of them in groups and clusters."""
    z, fibermap = targets.z.copy(), targets.fibermap
    science = np.isin(targets.kind, (LRG, ELG, QSO))
    if not bright:
        for kind in (LRG, ELG):
            gather(z, kind, rng, rows=np.flatnonzero(targets.kind == kind))
        return replace(targets, z=z)
    fibermap = fibermap.copy()
    star = science & (rng.random(science.size) < _STARS_IN_BRIGHT)
    rows = np.flatnonzero(science & ~star)
    z[rows], z[star] = draw_redshifts(BGS, rows.size, rng, structure=structure), 0.0
    gather(z, BGS, rng, rows=rows)
    fibermap["DESI_TARGET"][rows] = 1 << DESI.targets["BGS"]
    fibermap["DESI_TARGET"][star] = 1 << DESI.targets["MWS"]
    return replace(targets, z=z, fibermap=fibermap, kind=np.where(star, STD, np.where(science, LRG, targets.kind)))


def fit_redshifts(targets: Targets, rng: np.random.Generator, *, conditions: TileConditions) -> NDArray[Any]:
    """Draw what redrock reports for the targets of one petal.

    Parameters
    ----------
    targets : Targets
        What the fibers point at.
    rng : numpy.random.Generator
        Source of randomness.
    conditions : TileConditions
        Depth and masked spectra.

    Returns
    -------
    structured ndarray [500]
        HDU REDSHIFTS.
    """
    n = DESI.fibers
    table = np.zeros(n, dtype=_DTYPE)
    table["TARGETID"] = targets.fibermap["TARGETID"]
    table["NPIXELS"], table["NCOEFF"] = 7781, _COEFFICIENTS
    table["COEFF"] = rng.normal(0, 10, (n, _COEFFICIENTS))
    table["CHI2"] = rng.normal(7781, 125, n)
    _draw_failures(table, rng)
    for kind, success in _SUCCESS.items():
        rows = np.flatnonzero((targets.kind == kind) & (targets.fiberflux > 0))
        good = rows[rng.random(rows.size) < success * min(1.0, conditions.efftime**0.35)]
        table["Z"][good] = targets.z[good] + rng.normal(0, 2e-4, good.size) * (1 + targets.z[good])
        table["SPECTYPE"][good] = {QSO: b"QSO", STD: b"STAR"}.get(kind, b"GALAXY")
        table["DELTACHI2"][good] = _DELTACHI2[kind] * conditions.efftime * rng.lognormal(0, 0.7, good.size) + 20
    _draw_interlopers(table, targets, rng)
    table["ZERR"] = 2e-5 * (1 + np.abs(table["Z"])) * rng.lognormal(0, 0.5, n)
    table["SUBTYPE"] = np.where(table["SPECTYPE"] == b"STAR", b"F", b"")
    table["ZWARN"] = np.where(table["DELTACHI2"] < 9, SMALL_DELTA_CHI2, 0)
    blank(table, rng.permutation(n)[: conditions.masked_spectra])
    return table


def _draw_failures(table: NDArray[Any], rng: np.random.Generator) -> None:
    """Redshifts of noise: broad in all templates, with small differences of chi2."""
    n = len(table)
    kind = rng.random(n)
    galaxy = rng.beta(1.3, 1.1, n) * 1.7
    liked = rng.choice(_LIKED, n) * (1 + rng.normal(0, 1, n) * rng.choice([3e-4, 1e-3, 3e-3], n))
    galaxy = np.where(rng.random(n) < _LIKES, liked, galaxy)
    quasar = np.exp(rng.uniform(np.log(1.05), np.log(6.6), n)) - 1
    table["Z"] = np.where(kind < 0.72, galaxy, np.where(kind < 0.9, quasar, rng.normal(0, 5e-4, n)))
    table["SPECTYPE"] = np.where(kind < 0.72, b"GALAXY", np.where(kind < 0.9, b"QSO", b"STAR"))
    table["DELTACHI2"] = rng.exponential(7, n)


def _draw_interlopers(table: NDArray[Any], targets: Targets, rng: np.random.Generator) -> None:
    """Quasar targets that are stars or galaxies: most of those without a quasar redshift."""
    rows = np.flatnonzero((targets.kind == QSO) & (table["DELTACHI2"] < 20) & (targets.fiberflux > 0))
    star = rows[rng.random(rows.size) < 0.35]
    galaxy = np.setdiff1d(rows, star)[: int(0.6 * rows.size)]
    table["Z"][star], table["SPECTYPE"][star] = rng.normal(0, 3e-4, star.size), b"STAR"
    table["Z"][galaxy], table["SPECTYPE"][galaxy] = 0.02 + rng.gamma(4, 0.14, galaxy.size) % 1.5, b"GALAXY"
    for chosen in (star, galaxy):
        table["DELTACHI2"][chosen] = 100 * rng.lognormal(0, 0.7, chosen.size)


def blank(table: NDArray[Any], rows: NDArray[np.int64], *, z: float = UNFIT_Z) -> None:
    """Report rows as redrock does for spectra without data.

    Parameters
    ----------
    table : structured ndarray [n]
        HDU REDSHIFTS, changed in place.
    rows : ndarray of int
        Rows without data.
    z : float
        Redshift that is written.
    """
    table["Z"][rows], table["SPECTYPE"][rows] = z, b"GALAXY"
    table["ZWARN"][rows] = NODATA | SMALL_DELTA_CHI2
    table["DELTACHI2"][rows], table["CHI2"][rows], table["NPIXELS"][rows] = 0, 9e99, 0


def in_coadd(fiberstatus: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether an exposure of a fiber goes into the coadd of each band.

    Parameters
    ----------
    fiberstatus : ndarray of int [n]
        FIBERSTATUS.

    Returns
    -------
    ndarray of bool [3, n]
        False where a bit is fatal for the band.
    """
    return np.array([(fiberstatus & fatal) == 0 for fatal in DESI.fatal.values()])


def coadd_fibermap(targets: Targets, *, exptimes: Sequence[float] = (1000.0,)) -> NDArray[Any]:
    """HDU FIBERMAP of a coadd or redrock file.

    Parameters
    ----------
    targets : Targets
        Targets of the petal.
    exptimes : sequence of float
        Time [s] of each exposure. Those with a fatal status bit in every band are not in the coadd.

    Returns
    -------
    structured ndarray [500]
        Coadd columns: COADD_FIBERSTATUS, COADD_NUMEXP, MEAN_ and RMS_ forms.
    """
    fm = targets.fibermap
    means = [("FIBER_X", "MEAN_FIBER_X"), ("FIBER_Y", "MEAN_FIBER_Y"), ("DELTA_X", "MEAN_DELTA_X"), ("DELTA_Y", "MEAN_DELTA_Y")]
    dtype = [("TARGETID", "i8"), ("COADD_FIBERSTATUS", "i4")]
    dtype += [(name, fm.dtype[name].str) for name in _COADD_COLUMNS[1:]]
    dtype += [("COADD_NUMEXP", "i2"), ("COADD_EXPTIME", "f4"), ("COADD_NUMNIGHT", "i2"), ("COADD_NUMTILE", "i2")]
    dtype += [(mean, "f4") for _, mean in means] + [("RMS_DELTA_X", "f4"), ("RMS_DELTA_Y", "f4")]
    out = np.zeros(len(fm), dtype=dtype)
    for name in _COADD_COLUMNS:
        out[name] = fm[name]
    out["COADD_FIBERSTATUS"] = fm["FIBERSTATUS"]
    taken = in_coadd(fm["FIBERSTATUS"]).any(axis=0)
    out["COADD_NUMEXP"], out["COADD_EXPTIME"] = len(exptimes) * taken, sum(exptimes) * taken
    out["COADD_NUMNIGHT"] = out["COADD_NUMTILE"] = taken
    for name, mean in means:
        out[mean] = fm[name]
    for axis in "XY":
        out[f"RMS_DELTA_{axis}"] = np.abs(fm[f"DELTA_{axis}"])
    return out
