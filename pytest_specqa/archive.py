"""What the rest of the package asks of a survey's files: the seam behind which another layout is a new reader, not an edit.

`pytest_specqa.production.Production` is the one of DESI. Another survey implements this protocol and hands its reader to a run by
the hook ``pytest_specqa_archive``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_specqa.instrument import Instrument
from pytest_specqa.values import Exposure, Tile

if TYPE_CHECKING:
    # Whoever is typed against the protocol need not load numpy and the readers of FITS.
    from numpy.typing import NDArray

    from pytest_specqa.production import Coadd, Fiberflat, FluxCalib, Frame, Redshifts, Sky


class Archive(Protocol):
    """Exposures and tiles of one survey, and their products.

    Cameras are called as `Instrument.camera` reads them: a band and the number of a petal, from 0, whatever the files call them.
    Every reader raises `MissingProductError` where there is no file, and `ProductError` where it cannot be used.
    """

    @property
    def root(self) -> Path:
        """Folder below which all products lie; records name them relative to it."""

    @property
    def name(self) -> str:
        """As records and messages call it."""

    @property
    def instrument(self) -> Instrument:
        """What made the spectra; every product carries the same."""

    @property
    def kinds(self) -> Collection[str]:
        """Products that the archive holds at all; a check of any other is not measured, and no file is missed.

        Of frame, sframe, cframe, sky, fiberflat, fluxcalib, redshifts and coadd, whatever the files are called.
        """

    def nights(self) -> list[int]:
        """Nights YYYYMMDD that have science exposures, or tiles where there are none, in order."""

    def exposures(self, night: int, *, ignored: bool = False) -> list[Exposure]:
        """Science exposures of a night, in order; with `ignored` also those that the survey's tables say to ignore."""

    def exposure(self, night: int, expid: int) -> Exposure | None:
        """One science exposure; ``None`` where there is none."""

    def tiles(self, *, group: str = "cumulative", night: int | tuple[int, int] | None = None) -> list[Tile]:
        """Reductions of tiles (or plates) in a group, of all nights, one, or from a first to a last, in order of tile and night."""

    def expected_products(self, exposure: Exposure, camera: str) -> tuple[str, ...] | None:
        """Kinds of products, such as ``sframe``, that a camera must have; ``None`` where no table tells."""

    def tile_of(self, night: int, expid: int) -> int | None:
        """Tile of an exposure, if need be from the header of one of its products."""

    def find(self, product: str, **where: Any) -> Path:
        """Existing file of a product, for its night, expid, camera, petal, tile, group and suffix as far as it needs them."""

    def read_frame(self, kind: str, *, night: int, expid: int, camera: str) -> Frame:
        """Spectra of a camera: ``frame`` (not flat-fielded), ``sframe`` (sky subtracted) or ``cframe`` (flux calibrated).

        Parameters
        ----------
        kind : str
            One of the three.
        night, expid, camera
            Which.

        Returns
        -------
        Frame
            Flux f4[n, nw] in electron/Angstrom (cframe: 1e-17 erg/(s cm2 Angstrom)), a row for each fiber, with inverse variance;
            wavelengths f8[nw] in Angstrom in vacuum.
        """

    def read_sky(self, *, night: int, expid: int, camera: str) -> Sky:
        """Sky model of a camera, f4[n, nw] in electron/Angstrom on the grid of its spectra."""

    def read_fiberflat(self, *, night: int, camera: str, expid: int | None = None) -> Fiberflat:
        """Fiber flat of a camera for a night, or the one that was corrected for an exposure, f4[n, nw] without unit."""

    def read_fluxcalib(self, *, night: int, expid: int, camera: str) -> FluxCalib:
        """Flux calibration of a camera, [n, nw] in electron/Angstrom per 1e-17 erg/(s cm2 Angstrom)."""

    def read_redshifts(self, tile: Tile, petal: int) -> Redshifts:
        """Redshifts of the targets of one petal of a tile, a row for each."""

    def read_coadd(self, tile: Tile, petal: int, *, rows: NDArray[Any] | None = None) -> Coadd:
        """Coadded spectra of one petal of a tile in 1e-17 erg/(s cm2 Angstrom), of all targets or of some rows."""
