"""Products of a camera or petal with units: what the readers give, as quantities, tables and times of astropy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.table import Table
from astropy.time import Time
from numpy.typing import NDArray

from pytest_specqa.notebook import quantities
from pytest_specqa.notebook.showing import Shows
from pytest_specqa.production import Fiberflat, FluxCalib, Frame, Redshifts, Sky
from pytest_specqa.production.headers import Header


class Product(Shows):
    """What all products have.

    Parameters
    ----------
    plain : object
        What the readers of the program give: arrays without units, for measures and for code that wants no astropy.
    name : str
        What it is called.
    """

    def __init__(self, plain: Any, name: str) -> None:
        self.plain = plain
        self.name = name

    @property
    def path(self) -> Path:
        """The file."""
        path: Path = self.plain.path
        return path

    @property
    def header(self) -> Header:
        """Keywords of the first header of the file."""
        header: Header = self.plain.header
        return header

    @property
    def exptime(self) -> units.Quantity | None:
        """Exposure time in seconds; ``None`` where the header has none."""
        return quantities.seconds(self.header.get("EXPTIME"))

    @property
    def begin(self) -> Time | None:
        """Begin of the exposure in UTC; ``None`` where the header has no MJD-OBS or DATE-OBS."""
        return quantities.begin_of(self.header)

    @property
    def middle(self) -> Time | None:
        """Middle of the exposure in UTC; ``None`` where the header lacks its begin or its length."""
        begin, exptime = self.begin, self.exptime
        return None if begin is None or exptime is None else begin + exptime / 2

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        said = {"file": self.path.name}
        if self.begin is not None:
            said["begin"] = f"{self.begin.isot} UTC"
        return said if self.exptime is None else said | {"exposure time": f"{self.exptime:g}"}


class Spectra(Product):
    """Spectra of the fibers of a camera, or their model: a row per fiber, a column per wavelength."""

    plain: Frame | Sky

    @cached_property
    def unit(self) -> Any:
        """Unit of `flux`."""
        return quantities.calibrated() if self.name == "cframe" else quantities.counted()

    @cached_property
    def flux(self) -> units.Quantity:
        """Flux of each fiber and wavelength, f4[n, nw]; NaN only where `ivar` is 0."""
        return units.Quantity(self.plain.flux, self.unit, copy=False)

    @cached_property
    def ivar(self) -> units.Quantity:
        """Inverse variance of `flux`, f4[n, nw]; 0 where a value is unusable."""
        return units.Quantity(self.plain.ivar, self.unit**-2, copy=False)

    @property
    def mask(self) -> NDArray[np.uint32]:
        """Bits of what is wrong with a value, u4[n, nw]; any bit is bad."""
        return self.plain.mask

    @cached_property
    def wave(self) -> units.Quantity:
        """Wavelength in vacuum, f8[nw]."""
        return units.Quantity(self.plain.wave, units.AA, copy=False)

    @property
    def fiber(self) -> NDArray[np.int64]:
        """FIBER (0-4999) of each row."""
        return self.plain.fiber

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        rows, bins = self.flux.shape
        span = f"{self.wave[0]:.1f} - {self.wave[-1]:.1f}"
        fibers = f"{rows} (FIBER {self.fiber[0]}-{self.fiber[-1]})" if rows else "none"
        return {**super().facts(), "fibers": fibers, "wavelengths": f"{bins}, {span}", "unit": f"{self.unit}"}


class FrameSpectra(Spectra):
    """Spectra of a frame, sframe or cframe, with the fibermap of their fibers.

    Parameters
    ----------
    plain : Frame
        What was read.
    """

    plain: Frame

    def __init__(self, plain: Frame) -> None:
        super().__init__(plain, plain.kind)

    @cached_property
    def fibermap(self) -> Table:
        """Who was on which fiber: a row per spectrum, with units."""
        return quantities.table_of(self.plain.fibermap)

    @property
    def resolution(self) -> NDArray[np.float32] | None:
        """Diagonals of the resolution matrix f4[n, ndiag, nw], read when they are asked for; ``None`` where the file has none."""
        return self.plain.resolution

    def rows(self, **columns: object) -> FrameSpectra:
        """The spectra whose fibermap columns have the given values, such as ``rows(OBJTYPE="SKY")``."""
        return FrameSpectra(self.plain.rows(**columns))

    def select(self, rows: NDArray[Any]) -> FrameSpectra:
        """The spectra of a boolean mask or an index array."""
        return FrameSpectra(self.plain.select(rows))


class SkyModel(Spectra):
    """Sky model of a camera.

    Parameters
    ----------
    plain : Sky
        What was read.
    """

    plain: Sky

    def __init__(self, plain: Sky) -> None:
        super().__init__(plain, "sky")

    @property
    def thrputcorr(self) -> NDArray[np.float32] | None:
        """Throughput correction of each fiber, f4[n]; ``None`` where the file has none."""
        return self.plain.thrputcorr


class Calibration(Product):
    """Fiber flat or flux calibration of a camera: a row per fiber, a column per wavelength.

    Parameters
    ----------
    plain : Fiberflat or FluxCalib
        What was read.
    """

    plain: Fiberflat | FluxCalib

    def __init__(self, plain: Fiberflat | FluxCalib) -> None:
        super().__init__(plain, "fiberflat" if isinstance(plain, Fiberflat) else "fluxcalib")

    @cached_property
    def unit(self) -> Any:
        """Unit of `value`: none for a flat; electron/Angstrom over 1e-17 erg/(s cm2 Angstrom) for a flux calibration."""
        return units.dimensionless_unscaled if self.name == "fiberflat" else quantities.counted() / quantities.calibrated()

    @cached_property
    def value(self) -> units.Quantity:
        """Response of each fiber and wavelength."""
        plain = self.plain.fiberflat if isinstance(self.plain, Fiberflat) else self.plain.fluxcalib
        return units.Quantity(plain, self.unit, copy=False)

    @cached_property
    def ivar(self) -> units.Quantity:
        """Inverse variance of `value`; 0 where it is unusable."""
        return units.Quantity(self.plain.ivar, self.unit**-2, copy=False)

    @property
    def mask(self) -> NDArray[np.uint32]:
        """Bits of what is wrong with a value; any bit is bad."""
        return self.plain.mask

    @cached_property
    def wave(self) -> units.Quantity:
        """Wavelength, f8[nw]: of a flat in the frame of the observer."""
        return units.Quantity(self.plain.wave, units.AA, copy=False)

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        rows, bins = self.value.shape
        return {**super().facts(), "fibers": str(rows), "wavelengths": f"{bins}, {self.wave[0]:.1f} - {self.wave[-1]:.1f}"}


class PetalRedshifts(Product):
    """Redshifts of a petal of a tile.

    Parameters
    ----------
    plain : Redshifts
        What was read.
    """

    plain: Redshifts

    def __init__(self, plain: Redshifts) -> None:
        super().__init__(plain, "redshifts")

    @cached_property
    def table(self) -> Table:
        """TARGETID, Z, ZERR, ZWARN ...: a row per target."""
        return quantities.table_of(self.plain.table)

    @cached_property
    def fibermap(self) -> Table:
        """Who was on which fiber, row by row as in `table`."""
        return quantities.table_of(self.plain.fibermap)

    def facts(self) -> Mapping[str, str]:
        """What its display says."""
        return {"file": self.path.name, "targets": str(len(self.plain)), "columns": ", ".join(self.plain.columns[:8])}
