"""A production as the rest of the program sees it: what is there, and the products themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pytest_specqa.errors import MissingProductError, UsageError
from pytest_specqa.instrument import DESI, Camera
from pytest_specqa.production import listing
from pytest_specqa.production.coadds import Coadd, CoaddTables, read_coadd, read_coadd_tables
from pytest_specqa.production.fibermap import ROSTER, Fibermap, badamp_bits, read_fibermap
from pytest_specqa.production.frames import FRAME_KINDS, Frame, read_frame
from pytest_specqa.production.groups import list_pixels, list_tiles, own_group
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import read_headers
from pytest_specqa.production.layout import HEALPIX, OLDER, find_product, product_path
from pytest_specqa.production.models import Fiberflat, FluxCalib, Sky, read_fiberflat, read_fluxcalib, read_sky
from pytest_specqa.production.nearby import what_to_give
from pytest_specqa.production.nights import NightReport, Nights
from pytest_specqa.production.redshifts import Redshifts, read_redshifts
from pytest_specqa.production.stream import FitsStream
from pytest_specqa.production.summaries import Summaries
from pytest_specqa.production.tables import ExposureRow, expected_kinds
from pytest_specqa.production.visits import list_visits
from pytest_specqa.remote import is_remote
from pytest_specqa.values import NO_NIGHT, Exposure, Tile, Visit

FIBERMAPS_KEPT = 4
ROSTERS_KEPT = 24
"""Each takes a third of a fibermap."""
_FLUX_CALIBRATED = frozenset({"fluxcalib", "cframe"})


class Production:
    """One run of the pipeline: a folder with ``exposures/``, ``tiles/``, ``healpix/`` and exposure tables.

    Listings are made from folder and file names and from tables, once, and kept; they open no FITS file. A production without
    exposure tables, such as a public release, goes by ``exposures-SPECPROD.csv`` and ``tiles-SPECPROD.csv`` where it has them.

    Parameters
    ----------
    root : Path
        The folder.

    Raises
    ------
    UsageError
        If it holds none of ``exposures/``, ``tiles/`` and ``healpix/``, nor tables of what was to be made.
    """

    instrument = DESI
    kinds = (
        "frame",
        "sframe",
        "cframe",
        "sky",
        "fiberflat",
        "fluxcalib",
        "redshifts",
        "coadd",
        HEALPIX,
        "fibermap",
        "exposure_table",
    )

    def __init__(self, root: Path) -> None:
        self.root = root if is_remote(root) else Path(root)
        if not any((self.root / name).is_dir() for name in ("exposures", "tiles", HEALPIX, "exposure_tables")):
            raise UsageError(f"{root} is no production: it has neither exposures/ nor tiles/; {what_to_give(self.root)}")
        self.name = self.root.resolve().name
        self._summaries = Summaries(self.root, self.name)
        self._nights = Nights(self.root, lambda night: self.expected_path("exposure_table", night=night), summaries=self._summaries)
        self._fibermaps: OrderedDict[tuple[int, int], Fibermap] = OrderedDict()
        self._rosters: OrderedDict[tuple[int, int], Fibermap] = OrderedDict()

    def __repr__(self) -> str:
        return f"Production({str(self.root)!r})"

    def nights(self) -> list[int]:
        """Nights that have science exposures, on disk or in an exposure table; of a production without them those of its tiles."""
        return list(self._nights.listed)

    def exposures(self, night: int, *, ignored: bool = False) -> list[Exposure]:
        """Science exposures of a night, in order.

        Parameters
        ----------
        night : int
            YYYYMMDD.
        ignored : bool
            Whether to list also those on disk that the exposure table says to ignore.

        Returns
        -------
        list of Exposure
            Those on disk, and those that only the exposure table knows and expects; empty for an unknown night.
        """
        found = self._nights.night(night).exposures
        return [exposure for exposure in found.values() if ignored or exposure.laststep != "ignore"]

    def exposure(self, night: int, expid: int) -> Exposure | None:
        """One science exposure; ``None`` where there is none."""
        return next((exposure for exposure in self.exposures(night, ignored=True) if exposure.expid == expid), None)

    def night_report(self, night: int) -> NightReport:
        """What the exposure table of a night and its folders say that cannot be, each with its place; see `nights.NightReport`."""
        return self._nights.night(night).report

    @cached_property
    def own_group(self) -> str:
        """Group of reductions that is judged where none is asked for; see `groups.own_group`."""
        return own_group(self.root)

    def tiles(self, *, group: str | None = None, night: int | tuple[int, int] | None = None) -> list[Tile]:
        """Reductions of tiles.

        Parameters
        ----------
        group : str, optional
            Folder below ``tiles/``, ``older`` for ``tiles/TILEID/NIGHT`` as before Everest, or ``healpix`` for pixels of the sky;
            by default that of `own_group`.
        night : int or (int, int), optional
            Only those whose folder is named by this night, or by one from the first to the last; no table of other nights is read.

        Returns
        -------
        list of Tile
            In order of tile and night. Petals are those on disk and those that the exposure table of the night expects: all
            three cameras good and LASTSTEP ``all``. No pixel is of a night.
        """
        group = group or self.own_group
        nights = (night, night) if isinstance(night, int) else night
        if group == HEALPIX:
            return [] if nights else self.pixels()
        found = list_tiles(self.root, self._summaries if self._nights.by_list else None, group=group, nights=nights)
        tiles = [self._completed(tile) for tile in found]
        return [tile for tile in tiles if nights is None or nights[0] <= tile.night <= nights[1]]

    def pixels(self, wanted: Collection[str] = ()) -> list[Tile]:
        """Pixels of the sky that have been reduced, all or some by number or SURVEY-PROGRAM-PIXEL; see `groups.list_pixels`."""
        return list_pixels(self.root, wanted=wanted)

    def expected_products(self, exposure: Exposure, camera: str) -> tuple[str, ...] | None:
        """Kinds of products that a camera must have.

        Parameters
        ----------
        exposure : Exposure
            What `exposures` gave.
        camera : str
            Such as ``r6``.

        Returns
        -------
        tuple of str or None
            By LASTSTEP; empty where the camera is not expected, ``None`` where no table tells. Flux-calibrated products are made
            only of petals of which all three cameras are good in some exposure of the tile and night.
        """
        if exposure.expected is None:
            return None
        if camera not in exposure.expected:
            return ()
        kinds = expected_kinds(exposure.laststep)
        if int(camera[1]) in self._complete_petals(exposure.night, exposure.tile):
            return kinds
        return tuple(kind for kind in kinds if kind not in _FLUX_CALIBRATED)

    def tile_of(self, night: int, expid: int) -> int | None:
        """Tile of an exposure: from the listing, else from the header of its first product that can be read."""
        exposure = self.exposure(night, expid)
        if exposure is None or exposure.tile is not None:
            return exposure.tile if exposure else None
        for kind in ("sframe", "sky", "frame", "cframe"):
            for camera in exposure.cameras:
                try:
                    path = self.find(kind, night=night, expid=expid, camera=camera)
                except MissingProductError:
                    continue
                with FitsStream(path) as stream:
                    hdu = stream.advance()
                tile = hdu.header.get("TILEID") if hdu else None
                if isinstance(tile, int) and tile >= 0:
                    return tile
        return None

    def expected_path(
        self,
        product: str,
        *,
        night: int | None = None,
        expid: int | None = None,
        camera: str | None = None,
        petal: int | None = None,
        tile: int | None = None,
        group: str | None = None,
        suffix: str | None = None,
    ) -> Path:
        """Path that a product must have, without ``.gz``; `UsageError` where a part is missing or malformed."""
        fields = {
            "night": night,
            "expid": expid,
            "camera": camera,
            "petal": petal,
            "tile": tile,
            "group": group,
            "suffix": suffix,
        }
        return product_path(self.root, product, fields=fields)

    def find(self, product: str, **where: Any) -> Path:
        """Existing file of a product, packed or not.

        Parameters
        ----------
        product : str
            Such as ``sframe``, ``fiberflatnight`` or ``redrock``; of the latter the older ``zbest`` is taken where only that is.
        **where
            night, expid, camera, petal, tile, group and suffix, as far as the product needs them.

        Returns
        -------
        Path
            The ``.fits``, ``.fits.gz`` or ``.fits.fz`` file.

        Raises
        ------
        MissingProductError
            If there is none; names the expected path.
        ProductError
            If a packed and an unpacked one lie side by side.
        """
        try:
            return find_product(self.expected_path(product, **where))
        except MissingProductError:
            if product not in OLDER or where.get("group") == HEALPIX:
                raise
            with suppress(MissingProductError):
                return find_product(self.expected_path(OLDER[product], **where))
            raise

    def read_headers(self, path: Path) -> dict[str, Header]:
        """Headers of a file without its data; see `identity.read_headers`."""
        return read_headers(path)

    def read_frame(self, kind: str, *, night: int, expid: int, camera: str, hdus: Iterable[str] = ()) -> Frame:
        """Read a frame, sframe or cframe: FLUX, IVAR, MASK, WAVELENGTH and what `hdus` names besides; see `frames.read_frame`."""
        if kind not in FRAME_KINDS:
            raise UsageError(f"no frame {kind!r}: there are {', '.join(FRAME_KINDS)}")
        return read_frame(
            self.find(kind, night=night, expid=expid, camera=camera),
            kind,
            night=night,
            expid=expid,
            camera=Camera.parse(camera),
            hdus=hdus,
            load_fibermap=partial(self._camera_fibermap, kind, night, expid, camera),
        )

    def read_exposure_fibermap(self, *, night: int, expid: int, petal: int) -> Fibermap:
        """Read who is on which fiber of a petal in an exposure: from ``preproc/``, else from a product that is not packed.

        Raises
        ------
        MissingProductError
            If there is neither; names the file in ``preproc/``.
        """
        try:
            return self._roster(night, expid).of_petal(petal)
        except MissingProductError:
            for kind in FRAME_KINDS:
                for band in DESI.letters:
                    path = self.expected_path(kind, night=night, expid=expid, camera=f"{band}{petal}")
                    if path.exists():
                        return read_fibermap(path).of_petal(petal)
            raise

    def visits(self, tile: Tile, petal: int, *, used: Mapping[int, int]) -> list[Visit] | None:
        """Exposures that the exposure tables know of a tile; see `visits.list_visits`."""
        nights = self._summaries.nights_of_tiles.get(tile.tile, set())
        return list_visits(self.root, self._nights.rows, tile=tile, petal=petal, used=used, nights=nights)

    def read_sky(self, *, night: int, expid: int, camera: str) -> Sky:
        """Read the sky model of a camera; see `models.read_sky`."""
        path = self.find("sky", night=night, expid=expid, camera=camera)
        return read_sky(path, night=night, expid=expid, camera=Camera.parse(camera))

    def read_fiberflat(self, *, night: int, camera: str, expid: int | None = None) -> Fiberflat:
        """Read the fiber flat of a night and camera, or the one corrected for an exposure; see `models.read_fiberflat`."""
        kind = "fiberflatnight" if expid is None else "fiberflatexp"
        path = self.find(kind, night=night, camera=camera, expid=expid)
        return read_fiberflat(path, night=night, camera=Camera.parse(camera))

    def read_fluxcalib(self, *, night: int, expid: int, camera: str) -> FluxCalib:
        """Read the flux calibration of a camera; see `models.read_fluxcalib`."""
        path = self.find("fluxcalib", night=night, expid=expid, camera=camera)
        return read_fluxcalib(path, night=night, expid=expid, camera=Camera.parse(camera))

    def read_redshifts(self, tile: Tile, petal: int) -> Redshifts:
        """Read the redshifts of a tile petal; see `redshifts.read_redshifts`."""
        path = self.find("redrock", tile=tile.tile, group=tile.group, suffix=tile.suffix, petal=petal)
        return read_redshifts(path, tile=tile, petal=petal)

    def read_coadd(self, tile: Tile, petal: int, *, rows: NDArray[Any] | None = None) -> Coadd:
        """Read the coadded spectra of a tile petal; see `coadds.read_coadd`."""
        path = self.find("coadd", tile=tile.tile, group=tile.group, suffix=tile.suffix, petal=petal)
        return read_coadd(path, tile=tile, petal=petal, rows=rows)

    def read_coadd_tables(self, tile: Tile, petal: int) -> CoaddTables:
        """Read the tables of the coadd of a tile petal; see `coadds.read_coadd_tables`."""
        path = self.find("coadd", tile=tile.tile, group=tile.group, suffix=tile.suffix, petal=petal)
        return read_coadd_tables(path, tile=tile, petal=petal)

    @cached_property
    def _night_of_exposure(self) -> dict[int, int]:
        """Nights of all exposures: as the folders have them, and as the tables say of those without."""
        found: dict[int, int] = {}
        for night in self.nights():
            for expid in (*(self._nights.rows(night) or ()), *listing.folder_numbers(self.root / f"exposures/{night}", digits=8)):
                found[expid] = night
        return found

    def _rows(self, night: int) -> Collection[ExposureRow]:
        return (self._nights.rows(night) or {}).values()

    def _complete_petals(self, night: int, tile: int | None, *, laststep: str | None = None) -> set[int]:
        rows = [row for row in self._rows(night) if row.tile == tile and row.laststep != "ignore"]
        cameras = {camera for row in rows if laststep in (None, row.laststep) for camera in row.cameras}
        return {petal for petal in DESI.petals if cameras.issuperset({f"{band}{petal}" for band in DESI.bands})}

    def _completed(self, tile: Tile) -> Tile:
        night = tile.night or self._night_of(tile)
        rows = [row for row in self._rows(night) if row.tile == tile.tile] if night else []
        petals = self._complete_petals(night, tile.tile, laststep="all") if tile.group != "perexp" else set()
        listed = self._summaries.tiles.get(tile.tile) if self._nights.by_list else None
        named = rows[0] if rows else listed
        return Tile(
            tile=tile.tile,
            night=night,
            group=tile.group,
            suffix=tile.suffix,
            petals=tuple(sorted(petals.union(tile.petals))),
            survey=named.survey if named else "",
            program=named.program if named else "",
        )

    def _night_of(self, tile: Tile) -> int:
        if tile.expid is None:
            return NO_NIGHT
        for night in self._summaries.nights_of_tiles.get(tile.tile, ()) if self._nights.by_list else ():
            if tile.expid in self._summaries.exposures[night]:
                return night
        return self._night_of_exposure.get(tile.expid, NO_NIGHT)

    def _camera_fibermap(self, kind: str, night: int, expid: int, name: str) -> Fibermap:
        camera = Camera.parse(name)
        try:
            whole = self._fibermap(night, expid)
        except MissingProductError:
            return read_fibermap(self.find(kind, night=night, expid=expid, camera=name)).of_petal(camera.petal)
        exposure = self.exposure(night, expid)
        amps = exposure.badamps if exposure else ()
        return whole.of_petal(camera.petal).with_status(badamp_bits(camera, amps))

    def _fibermap(self, night: int, expid: int) -> Fibermap:
        key = night, expid
        if key not in self._fibermaps:
            self._fibermaps[key] = whole = read_fibermap(self.find("fibermap", night=night, expid=expid))
            self._rosters[key] = whole.of_columns(ROSTER)
            for kept, most in ((self._fibermaps, FIBERMAPS_KEPT), (self._rosters, ROSTERS_KEPT)):
                if len(kept) > most:
                    kept.popitem(last=False)
        self._fibermaps.move_to_end(key)
        return self._fibermaps[key]

    def _roster(self, night: int, expid: int) -> Fibermap:
        """Columns of the fibermap of an exposure that say who was where: of more exposures than there is room for whole ones."""
        key = night, expid
        if key not in self._rosters:
            self._fibermap(night, expid)
        self._rosters.move_to_end(key)
        return self._rosters[key]
