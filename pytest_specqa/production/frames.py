"""Extracted spectra of one camera: frame, sframe and cframe."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Camera, Instrument
from pytest_specqa.production.content import Content, Image, Rows, read_content
from pytest_specqa.production.defects import defect
from pytest_specqa.production.fibermap import REQUIRED, Fibermap, badamp_bits, read_fibermap
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import CALIBRATED, COUNTED, check_identity, check_units
from pytest_specqa.production.plausible import MAX_COUNTED_IVAR, MAX_IVAR, check_ivar, check_values
from pytest_specqa.production.tables import parse_badamps

FRAME_KINDS = ("frame", "sframe", "cframe")
GRID_SLACK = 1.0
# The Earth moves at 1e-4 of the speed of light.
MAX_HELIOCENTRIC = 1e-3
LONGEST = 86400.0
"""Seconds that no exposure is longer than: a day."""

_EXTRA: dict[str, Image | Rows] = {
    "RESOLUTION": Image(("f4",), (DESI.fibers, None, None), required=False),
    "FIBERMAP": Rows(REQUIRED, DESI.fibers),
}


@dataclass(frozen=True, eq=False)
class Frame:
    """Spectra of the fibers of one camera and exposure.

    Attributes
    ----------
    kind : str
        ``frame``, ``sframe`` (sky subtracted) or ``cframe`` (flux calibrated).
    flux, ivar : numpy.ndarray
        f4[n, nw]: electron/Angstrom (cframe: 1e-17 erg/(s cm2 Angstrom)) and inverse variance; ivar = 0 where a value is unusable,
        and only there flux may be NaN.
    mask : numpy.ndarray
        u4[n, nw]; any bit is bad.
    wave : numpy.ndarray
        f8[nw], Angstrom in vacuum, barycentric: a sky line lies at its wavelength times `heliocor`.
    header : Mapping
        Header of HDU 0.
    path : Path
        The file.
    camera, night, expid, tile
        As in the file name; tile from TILEID, ``None`` where there is none.
    kept : numpy.ndarray or None
        Rows of the file that are here; ``None`` for all.
    load_fibermap, load_resolution : callable
        Called once when `fibermap` or `resolution` is asked for.
    instrument : Instrument
        What made it.
    own_fibermap : Fibermap or None
        FIBERMAP of all fibers of the file itself, where it need not be inflated for it: it lies behind RESOLUTION, which makes up
        three quarters of a packed file.
    """

    kind: str
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.uint32]
    wave: NDArray[np.float64]
    header: Header
    path: Path
    camera: str
    night: int
    expid: int
    tile: int | None
    load_fibermap: Callable[[], Fibermap]
    load_resolution: Callable[[], NDArray[np.float32] | None]
    kept: NDArray[np.intp] | None = None
    instrument: Instrument = DESI
    own_fibermap: Fibermap | None = None

    @property
    def band(self) -> str:
        """``b``, ``r`` or ``z``."""
        return self.instrument.camera(self.camera).band

    @property
    def petal(self) -> int:
        """Number of the petal."""
        return self.instrument.camera(self.camera).petal

    @property
    def fiber(self) -> NDArray[np.int64]:
        """FIBER (0-4999) of each row."""
        rows = np.arange(self.instrument.fibers) if self.kept is None else self.kept
        return np.asarray(self.instrument.fibers * self.petal + rows, dtype=np.int64)

    @property
    def heliocor(self) -> float:
        """Factor from observed to barycentric wavelength; 1 where the header has none."""
        value = self.header.get("HELIOCOR")
        return float(value) if isinstance(value, (int, float)) else 1.0

    @property
    def exptime(self) -> float:
        """EXPTIME in seconds; NaN where the header has none that a night could hold."""
        value = self.header.get("EXPTIME")
        known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST
        return float(value) if known and value is not None else math.nan

    @cached_property
    def fibermap(self) -> Fibermap:
        """The rows of the fibermap that belong to the spectra; read at first use.

        From ``preproc/NIGHT/EXPID/fibermap-EXPID.fits`` where that exists, with the bits of bad amplifiers added, else from the
        file itself. Bits that the pipeline sets per camera at extraction are in the latter only.
        """
        fibermap = self.load_fibermap()
        return fibermap if self.kept is None else fibermap.select(self.kept)

    @cached_property
    def is_sky(self) -> NDArray[np.bool_]:
        """Fibers on blank sky that no fatal bit of FIBERSTATUS excludes for this band."""
        return np.asarray(self.fibermap.is_sky & (self.fibermap.status & self.instrument.fatal[self.band] == 0))

    @cached_property
    def resolution(self) -> NDArray[np.float32] | None:
        """RESOLUTION f4[n, ndiag, nw] of the file, read at first use; ``None`` where it has none."""
        resolution = self.load_resolution()
        return resolution if resolution is None or self.kept is None else resolution[self.kept]

    def select(self, rows: NDArray[Any]) -> Frame:
        """The same frame with the spectra of a boolean mask or an index array."""
        kept = (np.arange(self.instrument.fibers) if self.kept is None else self.kept)[rows]
        return replace(self, flux=self.flux[rows], ivar=self.ivar[rows], mask=self.mask[rows], kept=kept)

    def rows(self, **columns: object) -> Frame:
        """The spectra whose fibermap columns have the given values.

        Parameters
        ----------
        **columns
            Column name and the value it must have, such as ``OBJTYPE="SKY"``.

        Returns
        -------
        Frame
            Possibly without any spectrum.
        """
        chosen = np.ones(len(self.flux), dtype=bool)
        for name, value in columns.items():
            chosen &= self.fibermap[name] == value
        return self.select(chosen)


def read_frame(
    path: Path,
    kind: str,
    *,
    night: int,
    expid: int,
    camera: Camera,
    hdus: Iterable[str] = (),
    load_fibermap: Callable[[], Fibermap] | None = None,
) -> Frame:
    """Read FLUX, IVAR, MASK and WAVELENGTH of a frame.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        ``frame``, ``sframe`` or ``cframe``.
    night, expid, camera
        What the file name says; the header must not disagree.
    hdus : iterable of str
        More HDUs to read at once, RESOLUTION or FIBERMAP; both lie far behind in the file.
    load_fibermap : callable, optional
        Where the fibermap comes from; by default the FIBERMAP of the file.

    Returns
    -------
    Frame
        All 500 spectra.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    bins = DESI.bands[camera.band].bins
    image = Image(("f4",), (DESI.fibers, bins))
    wanted: dict[str, Image | Rows] = {"FLUX": image, "IVAR": image, "MASK": Image(("u4",), image.shape)}
    wanted["WAVELENGTH"] = Image(("f8",), (bins,))
    extra = {name: _EXTRA[name] for name in hdus if name not in wanted}
    own = {} if "FIBERMAP" in extra else {"FIBERMAP": Rows((), required=False)}
    content = read_content(path, {**wanted, **extra}, primary="FLUX", if_plain=own)
    data, header = content.data, content.header
    check_identity(path, content.named, expected={"CAMERA": str(camera), "EXPID": expid, "NIGHT": night})
    check_units(path, content.headers, data="FLUX", unit=CALIBRATED if kind == "cframe" else COUNTED)
    check_ivar(path, "IVAR", data["IVAR"], largest=MAX_IVAR if kind == "cframe" else MAX_COUNTED_IVAR)
    check_values(path, "FLUX", data["FLUX"], ivar=data["IVAR"])
    check_wave(path, data["WAVELENGTH"], band=camera.band)
    _check_heliocor(path, header)
    tile = header.get("TILEID")
    return Frame(
        kind=kind,
        flux=data["FLUX"],
        ivar=data["IVAR"],
        mask=data["MASK"],
        wave=data["WAVELENGTH"],
        header=header,
        path=path,
        camera=str(camera),
        night=night,
        expid=expid,
        tile=tile if isinstance(tile, int) and tile >= 0 else None,
        load_fibermap=_fibermap_source(content, camera, load_fibermap, given="FIBERMAP" in extra),
        load_resolution=_resolution_source(content),
        own_fibermap=_fibermap_of(content) if "FIBERMAP" in content.data else None,
    )


def check_wave(path: Path, wave: NDArray[Any], *, band: str) -> None:
    """Raise `ProductError` unless the wavelengths rise from bin to bin over the grid of the band."""
    check_values(path, "WAVELENGTH", wave)
    falling = int((np.diff(wave) <= 0).sum())
    if falling:
        raise defect(path, "WAVELENGTH", found=f"{falling} steps that do not rise", expected="strictly rising wavelengths")
    first, last = DESI.bands[band].first, DESI.bands[band].last
    if abs(wave[0] - first) > GRID_SLACK or abs(wave[-1] - last) > GRID_SLACK:
        raise defect(
            path, "WAVELENGTH", found=f"{wave[0]:.1f}-{wave[-1]:.1f} A", expected=f"{first:.0f}-{last:.0f} A of band {band}"
        )


def _check_heliocor(path: Path, header: Header) -> None:
    value = header.get("HELIOCOR", 1.0)
    if not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value - 1) > MAX_HELIOCENTRIC:
        raise defect(path, "0", found=f"HELIOCOR = {str(value)[:40]!r}", expected="a factor within 0.001 of 1")


def _fibermap_of(content: Content) -> Fibermap:
    return Fibermap(content.data["FIBERMAP"], content.headers["FIBERMAP"], content.path)


def _fibermap_source(
    content: Content, camera: Camera, load: Callable[[], Fibermap] | None, *, given: bool
) -> Callable[[], Fibermap]:
    bits = _header_badamps(content, camera)

    def source() -> Fibermap:
        if given:
            fibermap = _fibermap_of(content).of_petal(camera.petal)
        else:
            fibermap = load() if load else read_fibermap(content.path, as_of=content.state).of_petal(camera.petal)
        return fibermap.with_status(bits) if bits.any() else fibermap

    return source


def _header_badamps(content: Content, camera: Camera) -> NDArray[np.int32]:
    text = str(content.header.get("BADAMPS") or "")
    try:
        return badamp_bits(camera, parse_badamps(text))
    except ValueError:
        raise defect(content.path, "0", found=f"BADAMPS = {text[:40]!r}", expected="amplifiers such as r6A,z8D") from None


def _resolution_source(content: Content) -> Callable[[], NDArray[np.float32] | None]:
    if "RESOLUTION" in content.data:
        return lambda: content.data["RESOLUTION"]
    wanted = {"RESOLUTION": _EXTRA["RESOLUTION"]}
    return lambda: read_content(content.path, wanted, as_of=content.state).data.get("RESOLUTION")
