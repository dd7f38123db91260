"""Products for tests: from the cache, or a clear word on why they are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from pytest_specqa.checks.call import NotExpected
from pytest_specqa.errors import MissingProductError, UsageError
from pytest_specqa.run.cache import NightCache, ProductCache
from pytest_specqa.run.reading import Notes, attempt, followed
from pytest_specqa.values import DataUnit, Exposure

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pytest_specqa.archive import Archive
    from pytest_specqa.checks.check import Check
    from pytest_specqa.measures.spectra import CameraSpectra
    from pytest_specqa.production import Fiberflat, FluxCalib, Frame, Redshifts, Sky
    from pytest_specqa.run.selection import Selection

T = TypeVar("T")
FINDINGS = 50_000_000
"""Bytes that may be kept of what was found in the products of a night: some 10 kB for each camera."""
FRAMES = ("frame", "sframe", "cframe")
CAMERA_PRODUCTS = (*FRAMES, "sky", "spectra", "sframe_spectra", "fiberflat", "used_fiberflat", "fluxcalib")
CALIBRATED = ("fluxcalib", "cframe")
CALIBRATING = ("fluxcal", "all")
"""Values of LASTSTEP that ask for them."""
CORRECTED = "fiberflatexp-"
"""Begins the name of a flat that was corrected for the humidity of an exposure."""
OPTIONAL = ("cframe", "fluxcalib", "coadd", "preproc")


class Products:
    """Loads products for the units of a selection.

    Parameters
    ----------
    production : Archive
        Where they are read.
    selection : Selection
        What the exposure tables say of them.
    cache : ProductCache
        Where those of a camera of an exposure stay.
    flats : NightCache
        Where those of a camera of a night stay.
    """

    def __init__(self, production: Archive, selection: Selection, cache: ProductCache, *, flats: NightCache) -> None:
        self.production = production
        self.selection = selection
        self.cache = cache
        self.flats = flats
        self.findings = NightCache(FINDINGS)

    def forget_unreachable(self) -> None:
        """Forget which products no server gave."""
        self.cache.forget_unreachable()
        self.flats.forget_unreachable()

    def give(self, name: str, unit: DataUnit, *, check: Check | Notes) -> Any:
        """Return the product of a camera that a fixture of this name gives."""
        if name in FRAMES:
            return self.frame(name, unit, check=check)
        if name == "spectra":
            return self.spectra(self.frame("sframe", unit, check=check), self.sky(unit, check=check))
        if name == "sframe_spectra":
            return self.spectra(self.frame("sframe", unit, check=check))
        if name in ("sky", "fluxcalib", "fiberflat", "used_fiberflat"):
            return getattr(self, name)(unit, check=check)
        raise UsageError(f"no product {name!r} of a camera: expected {', '.join(CAMERA_PRODUCTS)}")

    def frame(self, kind: str, unit: DataUnit, *, check: Check | Notes) -> Frame:
        """Return the ``frame``, ``sframe`` or ``cframe`` of a camera."""
        where = _camera(unit)
        frame = self._get(kind, unit, lambda: self.production.read_frame(kind, **where), check=check)
        return followed(frame, check)

    def sky(self, unit: DataUnit, *, check: Check | Notes) -> Sky:
        """Return the sky model of a camera."""
        where = _camera(unit)
        return self._get("sky", unit, lambda: self.production.read_sky(**where), check=check)

    def spectra(self, sframe: Frame, sky: Sky | None = None) -> CameraSpectra:
        """Return what measures take: the spectra of a camera with their sky model, and what has been derived from them."""
        from pytest_specqa.measures.spectra import CameraSpectra  # noqa: PLC0415

        where = (sframe.night, sframe.expid, sframe.camera)
        # Outside the cache: every check that takes spectra rests on the fibermap, not only the one that loads them first.
        is_sky, is_target = sframe.is_sky, sframe.fibermap.is_target
        if sky is not None:
            return self.cache.get(("spectra with sky", *where), lambda: self.spectra(sframe).with_sky(sky.flux))
        return self.cache.get(
            ("spectra", *where),
            lambda: CameraSpectra(
                flux=sframe.flux,
                ivar=sframe.ivar,
                wave=sframe.wave,
                fiber=sframe.fiber,
                is_sky=is_sky,
                is_target=is_target,
                heliocor=sframe.heliocor,
                exptime=sframe.exptime,
                instrument=sframe.instrument,
            ),
        )

    def fluxcalib(self, unit: DataUnit, *, check: Check | Notes) -> FluxCalib:
        """Return the flux calibration of a camera."""
        where = _camera(unit)
        return self._get("fluxcalib", unit, lambda: self.production.read_fluxcalib(**where), check=check)

    def fiberflat(self, unit: DataUnit, *, check: Check | Notes) -> Fiberflat:
        """Return the nightly fiber flat of a camera."""
        camera = str(unit.camera)
        self.require_kind("fiberflat")

        def load() -> Fiberflat:
            """Read it once in a night; one for which there is no room all night long, once for a camera of an exposure."""
            key = ("fiberflat", unit.night, camera)
            return self.cache.get(key, lambda: self.production.read_fiberflat(night=unit.night, camera=camera))

        try:
            with attempt(check):
                return _noted(self.flats.get(unit.night, camera, load), check)
        except MissingProductError:
            used = self._flat_named(unit, check)
            if used and f"calibnight/{unit.night}/" not in used and not self._made_tonight(used, unit, check):
                raise NotExpected(f"no flat of this night: the exposure was flat-fielded with {used}") from None
            raise

    def used_fiberflat(self, unit: DataUnit, *, check: Check | Notes) -> Fiberflat:
        """Return the flat that FIBERFLT of the sframe names: that of the exposure, corrected for humidity, or that of the night."""
        self.require_kind("fiberflat")
        used = self._flat_named(unit, check)
        if CORRECTED not in used:
            return self.fiberflat(unit, check=check)
        return self._corrected(used, unit, check)

    def _corrected(self, used: str, unit: DataUnit, check: Check | Notes) -> Fiberflat:
        """Return the corrected flat of an exposure; where there was nothing to correct it is a link to another flat."""
        where = {**_camera(unit)}
        try:
            path = self.production.find("fiberflatexp", **where)
            if path.resolve() == self._night_path(unit):
                return self.fiberflat(unit, check=check)
            return self._load(("fiberflatexp", *where.values()), lambda: self.production.read_fiberflat(**where), check=check)
        except MissingProductError:
            check.beyond_products = True
            raise NotExpected(f"the flat that was applied is not here: FIBERFLT names {used}") from None

    def _night_path(self, unit: DataUnit) -> Path | None:
        try:
            return self.production.find("fiberflatnight", night=unit.night, camera=unit.camera).resolve()
        except MissingProductError:
            return None

    def _flat_named(self, unit: DataUnit, check: Check | Notes) -> str:
        return str(self.frame("sframe", unit, check=check).header.get("FIBERFLT", "")).strip()

    def _made_tonight(self, used: str, unit: DataUnit, check: Check | Notes) -> bool:
        """Whether a corrected flat began as one of this night: its header keeps the night of the lamps."""
        if CORRECTED not in used:
            return False
        try:
            flat = self._corrected(used, unit, check)
        except NotExpected:
            return True
        return str(flat.header.get("NIGHT", unit.night)).strip() == str(unit.night)

    def once_a_night(self, function: Callable[..., T], product: Fiberflat, *arrays: NDArray[Any]) -> T:
        """Return what a function makes of a product of a night and of arrays; with the same arrays it is called once."""
        key = (function.__module__, function.__qualname__, product.path, *(array.tobytes() for array in arrays))
        return self.findings.get(product.night, key, lambda: function(product, *arrays))

    def cameras(self, kind: str, unit: DataUnit) -> list[DataUnit]:
        """Return the selected cameras of an exposure, without those whose product is absent as planned."""
        cameras = self.selection.cameras[unit.expid or 0]
        return [one for one in cameras if not (self._excuse(kind, one) and self._is_missing(kind, one))]

    def tile_cameras(self, kind: str, unit: DataUnit) -> list[DataUnit]:
        """Return the selected cameras of the exposures of a tile, or of one petal of it, as `cameras` does for an exposure."""
        exposures = (DataUnit("exposure", one.night, expid=one.expid) for one in self.tile_exposures(unit))
        cameras = [camera for exposure in exposures for camera in self.cameras(kind, exposure)]
        return cameras if unit.petal is None else [camera for camera in cameras if camera.petal == unit.petal]

    def tile_exposures(self, unit: DataUnit) -> list[Exposure]:
        """Return the selected exposures of a tile that its reduction may rest on, in order."""
        tile = self.selection.tile(unit)
        exposures = self.selection.exposures.values() if tile is not None else ()
        chosen = [one for one in exposures if tile and one.tile == tile.tile and tile.may_rest_on(one.night, one.expid)]
        return sorted(chosen, key=lambda one: (one.night, one.expid))

    def _is_missing(self, kind: str, unit: DataUnit) -> bool:
        try:
            self.production.find(kind, **_camera(unit))
        except MissingProductError:
            return True
        return False

    def redshifts(self, unit: DataUnit, *, check: Check | Notes) -> Redshifts:
        """Return the redshifts of one petal of a tile, or of a pixel of the sky."""
        tile = self.selection.tile(unit)
        if tile is None:
            raise UsageError(f"a {unit.kind} has no redshifts: expected a petal or a pixel of the sky")
        petal = int(unit.petal or 0)
        self.require_kind("redshifts")
        key = ("redshifts", tile.tile, tile.group, tile.suffix, petal)
        return self._load(key, lambda: self.production.read_redshifts(tile, petal), check=check)

    def _get(self, kind: str, unit: DataUnit, load: Callable[[], T], *, check: Check | Notes) -> T:
        try:
            return self._load((kind, unit.night, unit.expid, unit.camera), load, check=check)
        except MissingProductError:
            if reason := self._excuse(kind, unit):
                raise NotExpected(reason) from None
            raise

    def require_kind(self, kind: str) -> None:
        """Excuse a product that the survey never makes."""
        if reason := self._never(kind):
            raise NotExpected(reason)

    def _never(self, kind: str) -> str:
        archive = self.production
        return "" if kind in archive.kinds else f"{archive.name} of {archive.instrument.name} holds no {kind} at all"

    def _load(self, key: tuple[object, ...], load: Callable[[], T], *, check: Check | Notes) -> T:
        with attempt(check):
            return _noted(self.cache.get(key, load), check)

    def _excuse(self, kind: str, unit: DataUnit) -> str:
        """Say why a missing product need not exist; empty if it should."""
        if reason := self._never(kind):
            return reason
        exposure = self.selection.exposure(unit)
        expected = self.production.expected_products(exposure, str(unit.camera)) if exposure else None
        if exposure is None or expected is None:
            return f"there is no {kind}, and no exposure table that asks for one" if kind in OPTIONAL else ""
        if not expected:
            return f"the exposure table expects no product of camera {unit.camera}"
        if kind not in expected:
            return f"the exposure table expects no {kind} of camera {unit.camera} ({self._lacks(exposure, kind, unit)})"
        return ""

    def _lacks(self, exposure: Exposure, kind: str, unit: DataUnit) -> str:
        """Say what keeps a product from being made: the last step that is asked for, or a bad camera of the petal."""
        if kind not in CALIBRATED or exposure.laststep not in CALIBRATING:
            return f"LASTSTEP {exposure.laststep}"
        petal, good = str(unit.camera)[1:], exposure.expected or ()
        bad = [f"{band}{petal}" for band in self.production.instrument.bands if f"{band}{petal}" not in good]
        return f"flux calibration needs all cameras of a petal, and {', '.join(bad)} is not good by CAMWORD and BADCAMWORD"


def _noted(product: T, check: Check | Notes) -> T:
    """Note the file of a product that a fixture gives."""
    path = cast(Any, product).path
    check.products.append(path)
    check.read.append(path)
    if camera := getattr(product, "camera", ""):
        check.cameras.setdefault(camera, path)
    return product


def _camera(unit: DataUnit) -> dict[str, Any]:
    return {"night": unit.night, "expid": unit.expid, "camera": unit.camera}


class CameraProducts(Sequence[T]):
    """One product per selected camera of an exposure, loaded when it is reached, so that memory stays bounded.

    Parameters
    ----------
    units : sequence of DataUnit
        The cameras, in order.
    load : callable
        Gives the product of one camera; raises `ProductError` for one that cannot be read.
    """

    def __init__(self, units: Sequence[DataUnit], load: Callable[[DataUnit], T]) -> None:
        self._units = units
        self._load = load

    def __len__(self) -> int:
        """Return the number of cameras."""
        return len(self._units)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> CameraProducts[T]: ...
    def __getitem__(self, index: int | slice) -> T | CameraProducts[T]:
        """Load the product at `index`."""
        if isinstance(index, slice):
            return CameraProducts(self._units[index], self._load)
        return self._load(self._units[index])

    def __iter__(self) -> Iterator[T]:
        """Load one product after the other."""
        return map(self._load, self._units)
