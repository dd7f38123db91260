"""Cameras, exposures, petals, tiles and nights of a production: what is on disk of them, and what a run says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from astropy import units
from astropy.time import Time

from pytest_specqa.errors import MissingProductError, ProductError
from pytest_specqa.notebook import quantities
from pytest_specqa.notebook.judging import Told, UnitView
from pytest_specqa.notebook.products import Calibration, FrameSpectra, PetalRedshifts, SkyModel
from pytest_specqa.production import Production
from pytest_specqa.values import DataUnit, Exposure, Tile

BEGUN = ("sframe", "sky", "frame", "cframe")
"""Products whose headers tell when an exposure began."""


class CameraView(UnitView):
    """One camera of one exposure.

    Parameters
    ----------
    told : Told
        How a run is to be made.
    production : Production
        Where products are read.
    unit : DataUnit
        The camera.
    """

    def __init__(self, told: Told, production: Production, unit: DataUnit) -> None:
        selection = {"night": unit.night, "expid": unit.expid, "camera": unit.camera}
        super().__init__(told, unit.id, kind="camera", selection=selection)
        self.unit = unit
        self._production = production
        self._where: dict[str, Any] = selection

    @cached_property
    def frame(self) -> FrameSpectra:
        """Extracted spectra, not flat-fielded; `ProductError` where they cannot be read, as for all products."""
        return self._frame("frame")

    @cached_property
    def sframe(self) -> FrameSpectra:
        """Sky-subtracted spectra."""
        return self._frame("sframe")

    @cached_property
    def cframe(self) -> FrameSpectra:
        """Flux-calibrated spectra."""
        return self._frame("cframe")

    @cached_property
    def sky(self) -> SkyModel:
        """Sky model."""
        return SkyModel(self._production.read_sky(**self._where))

    @cached_property
    def fiberflat(self) -> Calibration:
        """Fiber flat of the night."""
        return Calibration(self._production.read_fiberflat(night=self.unit.night, camera=str(self.unit.camera)))

    @cached_property
    def fluxcalib(self) -> Calibration:
        """Flux calibration."""
        return Calibration(self._production.read_fluxcalib(**self._where))

    def _frame(self, kind: str) -> FrameSpectra:
        return FrameSpectra(self._production.read_frame(kind, **self._where))


class ExposureView(UnitView):
    """One exposure.

    Parameters
    ----------
    told : Told
        How a run is to be made.
    production : Production
        Where products are read.
    exposure : Exposure
        What listing and table say of it.
    """

    def __init__(self, told: Told, production: Production, exposure: Exposure) -> None:
        unit = DataUnit("exposure", exposure.night, expid=exposure.expid, tile=exposure.tile)
        super().__init__(told, unit.id, kind="exposure", selection={"night": exposure.night, "expid": exposure.expid})
        self.unit = unit
        self.exposure = exposure
        self._production = production

    @property
    def exptime(self) -> units.Quantity | None:
        """Exposure time by the exposure table, else by the headers; ``None`` where neither tells."""
        known = quantities.seconds(self.exposure.exptime)
        return known if known is not None else quantities.seconds(self._header.get("EXPTIME"))

    @property
    def begin(self) -> Time | None:
        """Begin of the exposure in UTC, from the header of one of its products; ``None`` where it does not tell."""
        return quantities.begin_of(self._header)

    @property
    def cameras(self) -> list[CameraView]:
        """Its cameras."""
        return [self.camera(name) for name in self.exposure.cameras]

    def camera(self, name: str) -> CameraView:
        """One camera, such as ``r6``."""
        exposure = self.exposure
        unit = DataUnit("camera", exposure.night, expid=exposure.expid, tile=exposure.tile, camera=name)
        return CameraView(self.told, self._production, unit)

    @cached_property
    def _header(self) -> Mapping[str, Any]:
        for kind in BEGUN:
            for camera in self.exposure.cameras:
                try:
                    path = self._production.find(kind, night=self.exposure.night, expid=self.exposure.expid, camera=camera)
                    return self._production.read_headers(path)["0"]
                except MissingProductError:
                    continue
                except ProductError:
                    # What is damaged is for its checks to say.
                    continue
        return {}

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        seen = self.exposure
        said = {**super().facts(), "tile": f"{seen.tile}", "program": f"{seen.survey} {seen.program}".strip()}
        said["exposure time"] = f"{self.exptime:g}" if self.exptime is not None else "not known"
        return said | {"cameras": " ".join(seen.cameras)}


class PetalView(UnitView):
    """One petal of a reduction of a tile.

    Parameters
    ----------
    told : Told
        How a run is to be made.
    production : Production
        Where products are read.
    tile : Tile
        The reduction.
    petal : int
        Number of the petal.
    """

    def __init__(self, told: Told, production: Production, tile: Tile, *, petal: int) -> None:
        unit = _unit("petal", tile, petal=petal)
        super().__init__(told, unit.id, kind="petal", selection=_selection(tile) | {"petal": petal})
        self.unit = unit
        self._load: Callable[[], PetalRedshifts] = lambda: PetalRedshifts(production.read_redshifts(tile, petal))

    @cached_property
    def redshifts(self) -> PetalRedshifts:
        """Redshifts of the petal; `ProductError` where they cannot be read."""
        return self._load()


class TileView(UnitView):
    """One reduction of a tile.

    Parameters
    ----------
    told : Told
        How a run is to be made.
    production : Production
        Where products are read.
    tile : Tile
        The reduction.
    """

    def __init__(self, told: Told, production: Production, tile: Tile) -> None:
        unit = _unit("tile", tile)
        super().__init__(told, unit.id, kind="tile", selection=_selection(tile))
        self.unit = unit
        self.tile = tile
        self._production = production

    @property
    def petals(self) -> list[PetalView]:
        """Its petals."""
        return [PetalView(self.told, self._production, self.tile, petal=petal) for petal in self.tile.petals]


class NightView(UnitView):
    """One night: what its exposures must have, and what its exposure table says.

    Parameters
    ----------
    told : Told
        How a run is to be made.
    night : int
        YYYYMMDD.
    """

    def __init__(self, told: Told, night: int) -> None:
        super().__init__(told, str(night), kind="night", selection={"night": night})
        self.unit = DataUnit("night", night)


def _unit(kind: str, tile: Tile, *, petal: int | None = None) -> DataUnit:
    return DataUnit(kind, tile.night, tile=tile.tile, petal=petal, group=tile.group, suffix=tile.suffix)


def _selection(tile: Tile) -> dict[str, object]:
    return {"night": tile.night, "tile": tile.tile, "specqa-group": tile.group}
