"""Exposures of a tile, as the exposure tables of its nights and the products on disk tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pytest_specqa.production import listing
from pytest_specqa.production.tables import ExposureRow
from pytest_specqa.values import BY_NIGHT, Tile, Visit

Tables = Callable[[int], Mapping[int, ExposureRow] | None]


def list_visits(
    root: Path, tables: Tables, *, tile: Tile, petal: int, used: Mapping[int, int], nights: Iterable[int] = ()
) -> list[Visit] | None:
    """Exposures that the exposure tables know of a tile, and what they know of those that its redshifts rest on.

    Parameters
    ----------
    root : Path
        Folder of the production.
    tables : callable
        Rows of the exposure table of a night, by exposure; ``None`` where there is no table that can be read.
    tile : Tile
        A reduction of the tile.
    petal : int
        The petal whose cameras and spectra are told.
    used : mapping of int to int
        Exposures that the redshifts rest on, with their nights.
    nights : iterable of int
        Nights that the tile is known to have been observed on, beside those that name folders of its reductions. The tables of
        other nights are not read: a production has hundreds.

    Returns
    -------
    list of Visit or None
        In order; ``None`` where no night of the tile has an exposure table. An exposure of `used` is left out where its night has
        none, and has no LASTSTEP where the table does not list it.
    """
    known = {tile.night, *nights, *used.values()}
    for group in BY_NIGHT:
        known.update(int(name) for _, name in listing.tile_folders(root, group=group, only=tile.tile) if len(name) == 8)
    tabled = {night: rows for night in sorted(known) if night > 0 and (rows := tables(night)) is not None}
    own = {
        row.expid: _visit(root, night, row, petal)
        for night, rows in tabled.items()
        for row in rows.values()
        if row.tile == tile.tile
    }
    for expid, night in used.items():
        if expid not in own and night in tabled:
            row = tabled[night].get(expid)
            own[expid] = _visit(root, night, row, petal) if row else Visit(night=night, expid=expid, tile=None, laststep="")
    return [own[expid] for expid in sorted(own)] if tabled else None


def _visit(root: Path, night: int, row: ExposureRow, petal: int) -> Visit:
    spectra = listing.cameras_of(root, "cframe", night=night, expid=row.expid)
    return Visit(
        night=night,
        expid=row.expid,
        tile=row.tile,
        laststep=row.laststep,
        cameras=tuple(name for name in row.cameras if int(name[1:]) == petal),
        spectra=tuple(name for name in spectra if int(name[1:]) == petal),
        exptime=row.exptime,
        efftime=row.efftime,
    )
