"""What the rest of the project asks of a survey's files: another survey is another class with these methods, behind a hook."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from pytest_specqa.instrument import Instrument
from pytest_specqa.production.coadds import Coadd
from pytest_specqa.production.frames import Frame
from pytest_specqa.production.models import Fiberflat, FluxCalib, Sky
from pytest_specqa.production.redshifts import Redshifts
from pytest_specqa.values import Exposure, Tile


class Archive(Protocol):
    """The products of one run of a survey's pipeline.

    Cameras are named by band and number of the petal (spectrograph) from 0, such as ``r6``; nights are YYYYMMDD. Every reader
    raises `ProductError`, one line, for a file that cannot be used, and `MissingProductError` for one that is not there; a kind
    of product that the survey does not have is missing. `pytest_specqa.production.Production` is the one of DESI.

    Attributes
    ----------
    root : Path
        Folder of the files; records name products relative to it.
    name : str
        Name of the run of the pipeline.
    instrument : Instrument
        What took the spectra.
    """

    root: Path
    name: str
    instrument: Instrument

    def nights(self) -> list[int]:
        """Nights that have science exposures, in order."""

    def exposures(self, night: int) -> list[Exposure]:
        """Science exposures of a night, in order, with their cameras; no file of spectra is opened."""

    def tiles(self, *, group: str = "cumulative", night: int | None = None) -> list[Tile]:
        """Reductions of tiles (plates, fields) that have redshifts; empty where there are none."""

    def expected_products(self, exposure: Exposure, camera: str) -> tuple[str, ...] | None:
        """Kinds of products that a camera should have; ``None`` where nobody says."""

    def tile_of(self, night: int, expid: int) -> int | None:
        """Tile of an exposure whose listing does not tell."""

    def find(self, product: str, **where: Any) -> Path:
        """Path of a product of ``night``, ``expid`` and ``camera``; `MissingProductError` if there is none."""

    def read_frame(self, kind: str, *, night: int, expid: int, camera: str, hdus: Iterable[str] = ()) -> Frame:
        """Spectra of a camera: ``frame``, ``sframe`` (sky subtracted) or ``cframe`` (calibrated)."""

    def read_sky(self, *, night: int, expid: int, camera: str) -> Sky:
        """Sky model of a camera."""

    def read_fiberflat(self, *, night: int, camera: str) -> Fiberflat:
        """Fiber flat of a camera and night."""

    def read_fluxcalib(self, *, night: int, expid: int, camera: str) -> FluxCalib:
        """Flux calibration of a camera."""

    def read_redshifts(self, tile: Tile, petal: int) -> Redshifts:
        """Redshifts of one petal of a tile."""

    def read_coadd(self, tile: Tile, petal: int, *, rows: NDArray[Any] | None = None) -> Coadd:
        """Coadded spectra of one petal of a tile, of all its targets or of some rows."""
