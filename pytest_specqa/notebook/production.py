"""The way into a production from a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from astropy import units
from astropy.table import Table

from pytest_specqa.errors import SelectionError
from pytest_specqa.notebook.judging import Told
from pytest_specqa.notebook.showing import Shows
from pytest_specqa.notebook.units import CameraView, ExposureView, NightView, PetalView, TileView
from pytest_specqa.production import Production, resolve
from pytest_specqa.values import Exposure, Tile

T = TypeVar("T")
NEAREST = 6
"""What exists is named up to so many."""


def load(
    specprod: str | os.PathLike[str] | None = None,
    *,
    expectations: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    limits: str | os.PathLike[str] | None = None,
) -> LoadedProduction:
    """Open a production to look at it and to judge units of it, without a command line.

    Parameters
    ----------
    specprod : str or path
        What ``--specprod`` takes: a path, or a bare name below ``$DESI_SPECTRO_REDUX``; by default ``$SPECPROD``.
    expectations : path or sequence of paths
        Folders of tests, or test files, of your own that judge besides the project's.
    limits : path or None
        Limits of your own, as ``--specqa-limits`` takes them.

    Returns
    -------
    LoadedProduction
        Nothing is read but listings and tables until it is asked for.

    Raises
    ------
    UsageError
        If there is no such production; one line.

    Examples
    --------
    >>> import pytest_specqa as specqa
    >>> camera = specqa.load("demo/production/before").camera(20211014, 104284, "r6")  # doctest: +SKIP
    >>> camera.measures()  # doctest: +SKIP
    """
    production = Production(resolve(None if specprod is None else os.fspath(specprod), os.environ))
    given = [expectations] if isinstance(expectations, str | os.PathLike) else expectations
    folders = tuple(Path(one).expanduser().resolve() for one in given)
    return LoadedProduction(production, folders=folders, limits=Path(limits) if limits is not None else None)


class LoadedProduction(Shows):
    """A production as a notebook sees it.

    Parameters
    ----------
    production : Production
        Where things are listed and read.
    folders : tuple of Path
        Tests of the user's own.
    limits : Path or None
        Limits of the user's own.

    Attributes
    ----------
    plain : Production
        The production as the program has it, for products without units.
    """

    def __init__(self, production: Production, *, folders: tuple[Path, ...] = (), limits: Path | None = None) -> None:
        self.plain = production
        self.name = production.name
        self._told = Told(production.root, production.name, folders, limits)

    @property
    def nights(self) -> list[int]:
        """Nights that have science exposures."""
        return self.plain.nights()

    def exposures(self, night: int | None = None) -> Table:
        """Science exposures of a night, or of all nights.

        Parameters
        ----------
        night : int or None
            YYYYMMDD.

        Returns
        -------
        astropy.table.Table
            NIGHT, EXPID, TILEID (-1 where it is not known), SURVEY, PROGRAM, EXPTIME in seconds, LASTSTEP and CAMERAS.
        """
        nights = self.nights if night is None else [self._night(night)]
        found = [exposure for one in nights for exposure in self.plain.exposures(one, ignored=True)]
        columns: dict[str, Any] = {
            "NIGHT": _column((one.night for one in found), int),
            "EXPID": _column((one.expid for one in found), int),
            "TILEID": _column((-1 if one.tile is None else one.tile for one in found), int),
            "SURVEY": _column((one.survey for one in found), str),
            "PROGRAM": _column((one.program for one in found), str),
            "EXPTIME": _column((one.exptime for one in found), float),
            "LASTSTEP": _column((one.laststep for one in found), str),
            "CAMERAS": _column((" ".join(one.cameras) for one in found), str),
        }
        return Table(columns, units={"EXPTIME": units.s}, meta={"production": self.name})

    def tiles(self, *, group: str = "cumulative") -> Table:
        """Reductions of tiles.

        Parameters
        ----------
        group : str
            Folder below ``tiles/``.

        Returns
        -------
        astropy.table.Table
            TILEID, NIGHT (the last that is included), SURVEY, PROGRAM, PETALS and SUFFIX.
        """
        found = self.plain.tiles(group=group)
        columns: dict[str, Any] = {
            "TILEID": _column((one.tile for one in found), int),
            "NIGHT": _column((one.night for one in found), int),
            "SURVEY": _column((one.survey for one in found), str),
            "PROGRAM": _column((one.program for one in found), str),
            "PETALS": _column((" ".join(map(str, one.petals)) for one in found), str),
            "SUFFIX": _column((one.suffix for one in found), str),
        }
        return Table(columns, meta={"production": self.name, "group": group})

    def night(self, night: int) -> NightView:
        """One night; `SelectionError` where the production has none of this date."""
        return NightView(self._told, self._night(night))

    def exposure(self, night: int, expid: int) -> ExposureView:
        """One exposure; `SelectionError` where the night has none of this number, with those it has."""
        return ExposureView(self._told, self.plain, self._exposure(night, expid))

    def camera(self, night: int, expid: int, camera: str) -> CameraView:
        """One camera of an exposure.

        Parameters
        ----------
        night, expid : int
            YYYYMMDD, and number of the exposure.
        camera : str
            Such as ``r6``.

        Returns
        -------
        CameraView
            Nothing is read or judged until it is asked for.

        Raises
        ------
        SelectionError
            If there is none; names those that there are.
        """
        view = self.exposure(night, expid)
        _require("camera", camera, view.exposure.cameras, where=f"exposure {expid}")
        return view.camera(camera)

    def tile(self, tile: int, *, night: int | None = None, group: str = "cumulative") -> TileView:
        """One reduction of a tile: the last one, or that whose last night is `night`; `SelectionError` where there is none."""
        return TileView(self._told, self.plain, self._tile(tile, night, group))

    def petal(self, tile: int, petal: int, *, night: int | None = None, group: str = "cumulative") -> PetalView:
        """One petal of a reduction of a tile, which is chosen as `tile` does; `SelectionError` where there is none."""
        found = self._tile(tile, night, group)
        _require("petal", petal, found.petals, where=f"tile {tile}")
        return PetalView(self._told, self.plain, found, petal=petal)

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        nights = self.nights
        span = f"{len(nights)}, {nights[0]} to {nights[-1]}" if nights else "none"
        return {"folder": str(self.plain.root), "nights": span}

    def _night(self, night: int) -> int:
        _require("night", night, self.nights, where=f"production {self.name}")
        return night

    def _exposure(self, night: int, expid: int) -> Exposure:
        found = {one.expid: one for one in self.plain.exposures(self._night(night), ignored=True)}
        _require("exposure", expid, found, where=f"night {night}")
        return found[expid]

    def _tile(self, tile: int, night: int | None, group: str) -> Tile:
        found = self.plain.tiles(group=group, night=night)
        _require("tile", tile, [one.tile for one in found], where=f"production {self.name} under tiles/{group}")
        return max((one for one in found if one.tile == tile), key=lambda one: (one.night, one.suffix))


def _column(values: Iterable[object], kind: type) -> Any:
    found = list(values)
    return np.array(found, dtype=kind) if found else np.empty(0, dtype="U1" if kind is str else kind)


def _require(word: str, wanted: T, existing: Iterable[T], *, where: str) -> None:
    """Raise `SelectionError` for what is not there, with the nearest that is."""
    known = list(dict.fromkeys(existing))
    if wanted in known:
        return
    near = sorted(known, key=lambda one: abs(one - wanted))[:NEAREST] if isinstance(wanted, int) else known[:NEAREST]  # type: ignore[operator]
    more = " ..." if len(known) > len(near) else ""
    there = f"{', '.join(map(str, sorted(near)))}{more}" if known else "none"  # type: ignore[type-var]
    raise SelectionError(f"no {word} {wanted} in {where}: there is {there}")
