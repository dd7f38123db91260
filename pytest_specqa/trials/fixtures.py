"""Simulated cameras and redshifts as the products that expectations ask for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import NDArray

from pytest_specqa.demo.simulate import SimCamera, Spectra
from pytest_specqa.demo.story import provenance
from pytest_specqa.errors import MissingProductError
from pytest_specqa.instrument import DESI
from pytest_specqa.production.coadds import CoaddTables
from pytest_specqa.production.fibermap import ROSTER, Fibermap, Table
from pytest_specqa.production.frames import Frame
from pytest_specqa.production.models import Fiberflat, FluxCalib, Sky
from pytest_specqa.production.redshifts import Redshifts
from pytest_specqa.run.joins import COMPARED
from pytest_specqa.values import DataUnit, Exposure, Tile, Visit

NIGHT, EXPID, TILE = 20211014, 104284, 7951
NOWHERE = Path("simulated")
"""Products in memory have no file; messages show this name."""


KINDS = {
    "camera": (
        "frame",
        "sframe",
        "spectra",
        "sframe_spectra",
        "cframe",
        "sky",
        "fiberflat",
        "used_fiberflat",
        "fluxcalib",
        "once_a_night",
        "exposure",
        "camera_products",
    ),
    "exposure": ("exposure_sframes", "exposure_spectra", "exposure_skies", "exposure_reduced", "exposure"),
    "petal": ("redshifts", "tile_redshifts", "tile", "production", "visits", "visit_fibermaps", "coadd_tables"),
    "tile": ("tile_exposures", "tile_spectra", "tile_skies", "tile_reduced", "tile"),
}
"""Fixtures that a trial of each kind of unit can give."""


def camera_unit(camera: SimCamera) -> DataUnit:
    """Unit of a simulated camera.

    Parameters
    ----------
    camera : SimCamera
        Any.

    Returns
    -------
    DataUnit
        Of kind ``camera``.
    """
    return DataUnit("camera", NIGHT, expid=EXPID, tile=TILE, camera=camera.conditions.camera, petal=camera.conditions.petal)


def camera_fixtures(camera: SimCamera, *, expid: int = EXPID) -> dict[str, Callable[[], Any]]:
    """Fixtures of a camera test; each product is made once, when it is asked for.

    Parameters
    ----------
    camera : SimCamera
        What was simulated.
    expid : int
        Exposure that it belongs to.

    Returns
    -------
    dict of str to callable
        By fixture name.
    """
    # Exposures follow each other by a quarter of an hour, in which the barycentric velocity hardly changes.
    place_and_time = {"TARGTRA": 48.357, "TARGTDEC": -6.56, "MJD-OBS": 59502.3 + 0.01 * (expid - EXPID)}
    header = {"NIGHT": NIGHT, "EXPID": expid, "TILEID": TILE, **place_and_time, **provenance(), **camera.header}
    name = camera.conditions.camera
    fibermap = Fibermap(camera.fibermap, header, NOWHERE)

    def frame(kind: str, spectra: Spectra) -> Callable[[], Frame]:
        """Fixture of one kind of frame."""
        return cache(
            lambda: Frame(
                kind=kind,
                flux=spectra.flux,
                ivar=spectra.ivar,
                mask=spectra.mask,
                wave=camera.wave,
                header=header,
                path=NOWHERE / f"{kind}-{name}.fits",
                camera=name,
                night=NIGHT,
                expid=expid,
                tile=TILE,
                load_fibermap=lambda: fibermap,
                load_resolution=lambda: None,
            )
        )

    place: dict[str, Any] = {"header": header, "camera": name, "night": NIGHT}
    exposed = {**place, "wave": camera.wave, "expid": expid}
    sky, flat, calib = camera.sky, camera.flat, camera.fluxcalib
    fiberflat = cache(
        lambda: Fiberflat(
            fiberflat=flat.fiberflat,
            ivar=flat.ivar,
            mask=flat.mask,
            meanspec=np.ones(len(camera.wave), dtype=np.float32),
            wave=camera.wave / camera.heliocor,
            path=NOWHERE / f"fiberflatnight-{name}.fits",
            **place,
        )
    )
    made: dict[str, Callable[[], Any]] = {
        "spectra": lambda: camera.spectra,
        "sframe_spectra": lambda: camera.spectra,
        "frame": frame("frame", camera.frame),
        "sframe": frame("sframe", camera.sframe),
        "cframe": frame("cframe", camera.cframe),
        "sky": cache(
            lambda: Sky(
                flux=sky.flux,
                ivar=sky.ivar,
                mask=sky.mask,
                stativar=sky.stativar,
                thrputcorr=sky.thrputcorr,
                path=NOWHERE / f"sky-{name}.fits",
                **exposed,
            )
        ),
        "fiberflat": fiberflat,
        "used_fiberflat": fiberflat,
        "once_a_night": lambda: lambda function, *given: function(*given),
        "fluxcalib": cache(
            lambda: FluxCalib(
                fluxcalib=calib.fluxcalib,
                ivar=calib.ivar,
                mask=np.zeros(calib.ivar.shape, dtype=np.uint32),
                path=NOWHERE / f"fluxcalib-{name}.fits",
                **exposed,
            )
        ),
        "exposure": cache(lambda: _exposure((name,), camera.conditions.exptime)),
    }
    return made | {"camera_products": lambda: {kind: made[kind]() for kind in COMPARED}}


def exposure_fixtures(cameras: list[SimCamera]) -> dict[str, Callable[[], Any]]:
    """Fixtures of an exposure test.

    Parameters
    ----------
    cameras : list of SimCamera
        Cameras of one exposure.

    Returns
    -------
    dict of str to callable
        By fixture name.
    """
    fixtures = [camera_fixtures(camera) for camera in cameras]
    names = tuple(camera.conditions.camera for camera in cameras)
    return {
        "exposure_sframes": cache(lambda: [each["sframe"]() for each in fixtures]),
        "exposure_spectra": cache(lambda: [each["spectra"]() for each in fixtures]),
        "exposure_skies": cache(lambda: [each["sky"]() for each in fixtures]),
        "exposure_reduced": lambda: partial(_reduced, fixtures),
        "exposure": cache(lambda: _exposure(names, cameras[0].conditions.exptime)),
    }


def tile_fixtures(exposures: list[list[SimCamera]]) -> dict[str, Callable[[], Any]]:
    """Fixtures of a test on the exposures of a tile.

    Parameters
    ----------
    exposures : list of list of SimCamera
        Cameras of each exposure.

    Returns
    -------
    dict of str to callable
        By fixture name.
    """
    fixtures = [camera_fixtures(camera, expid=EXPID + k) for k, cameras in enumerate(exposures) for camera in cameras]
    visits = [
        replace(_exposure(tuple(one.conditions.camera for one in cameras), cameras[0].conditions.exptime), expid=EXPID + k)
        for k, cameras in enumerate(exposures)
    ]
    return {
        "tile_exposures": lambda: visits,
        "tile_spectra": cache(lambda: [each["spectra"]() for each in fixtures]),
        "tile_skies": cache(lambda: [each["sky"]() for each in fixtures]),
        "tile_reduced": lambda: partial(_reduced, fixtures),
        "tile": lambda: Tile(TILE, NIGHT, "cumulative", f"thru{NIGHT}", tuple(one.conditions.petal for one in exposures[0])),
    }


def _reduced(fixtures: list[dict[str, Callable[[], Any]]], function: Callable[..., Any]) -> list[Any]:
    """What a function makes of each camera."""
    asked = inspect.signature(function).parameters
    return [function(**{name: each[name]() for name in asked}) for each in fixtures]


def _exposure(cameras: tuple[str, ...], exptime: float) -> Exposure:
    return Exposure(NIGHT, EXPID, TILE, cameras, expected=cameras, exptime=exptime)


def redshift_fixtures(
    tables: list[tuple[int, NDArray[Any], NDArray[Any], NDArray[Any]]], petal: int
) -> dict[str, Callable[[], Any]]:
    """Fixtures of tests on redshifts.

    Parameters
    ----------
    tables : list of (int, ndarray, ndarray, ndarray)
        Petal, REDSHIFTS rows, FIBERMAP rows and those without a fault, of each petal of the tile.
    petal : int
        The petal that ``redshifts`` gives.

    Returns
    -------
    dict of str to callable
        By fixture name.
    """
    tile = Tile(TILE, NIGHT, "cumulative", f"thru{NIGHT}", tuple(number for number, *_ in tables))
    made = {
        number: Redshifts(
            table=Table(rows, {}, NOWHERE, "REDSHIFTS"),
            fibermap=Fibermap(fibers, {}, NOWHERE),
            header={},
            path=NOWHERE / f"redrock-{number}.fits",
            tile=tile,
            petal=number,
            exposures=Table(_exposure_rows(fibers), {}, NOWHERE, "EXP_FIBERMAP"),
        )
        for number, rows, fibers, _ in tables
    }
    assigned = {number: clean for number, _, _, clean in tables}
    return {
        "redshifts": lambda: made[petal],
        "tile_redshifts": lambda: list(made.values()),
        "tile": lambda: tile,
        "production": _Files,
        "visits": lambda: [_visit(expid, petal) for expid in _expids(assigned[petal])],
        "visit_fibermaps": lambda: {expid: _roster(assigned[petal]) for expid in _expids(assigned[petal])},
        "coadd_tables": lambda: CoaddTables(made[petal].fibermap, made[petal].exposures, {}, NOWHERE, tile, petal),
    }


def _expids(fibermap: NDArray[Any]) -> range:
    """Exposures that a coadd rests on: as many as those of its targets that have most."""
    return range(EXPID, EXPID + int(fibermap["COADD_NUMEXP"].max()))


def _exposure_rows(fibermap: NDArray[Any]) -> NDArray[Any]:
    """EXP_FIBERMAP rows of the exposures that a coadd rests on."""
    expids = _expids(fibermap)
    kept = [name for name in _roster(fibermap).columns if name != "OBJTYPE"]
    rows = np.tile(recfunctions.repack_fields(_roster(fibermap).data[kept]), len(expids))
    added = [np.repeat(expids, len(fibermap)), np.full(len(rows), NIGHT)]
    return np.asarray(recfunctions.append_fields(rows, ("EXPID", "NIGHT"), added, usemask=False))


def _roster(fibermap: NDArray[Any]) -> Fibermap:
    """The fibermap of one exposure, as the coadd has it."""
    kept = [name for name in ROSTER if name in (fibermap.dtype.names or ())]
    rows = recfunctions.repack_fields(fibermap[kept])
    rows = recfunctions.append_fields(rows, "FIBERSTATUS", fibermap["COADD_FIBERSTATUS"], usemask=False)
    exptime = np.full(len(rows), float(fibermap["COADD_EXPTIME"].max()) / max(int(fibermap["COADD_NUMEXP"].max()), 1))
    return Fibermap(recfunctions.append_fields(rows, "EXPTIME", exptime, usemask=False), {}, NOWHERE)


def _visit(expid: int, petal: int) -> Visit:
    cameras = tuple(f"{band}{petal}" for band in DESI.bands)
    return Visit(NIGHT, expid, TILE, cameras=cameras, spectra=cameras)


class _Files:
    """A production without files: what is asked for beyond the fixtures is missing."""

    def read_coadd(self, *_: object, **__: object) -> NoReturn:
        """Say that there is no coadd."""
        raise MissingProductError("simulated redshifts have no coadds")
