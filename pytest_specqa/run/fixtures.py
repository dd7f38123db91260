"""What a test may ask for: data units, their products, and `expect`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_specqa.checks.check import Check, Expect
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run import joins, session
from pytest_specqa.run.calls import CHECK
from pytest_specqa.run.loader import CameraProducts
from pytest_specqa.run.reading import ProductionView, look_at_night
from pytest_specqa.run.reductions import Reduce
from pytest_specqa.run.selection import widen
from pytest_specqa.values import DataUnit, Exposure, Tile, Visit

if TYPE_CHECKING:
    from pytest_specqa.archive import Archive
    from pytest_specqa.measures.spectra import CameraSpectra
    from pytest_specqa.production import Fiberflat, Fibermap, FluxCalib, Frame, Redshifts, Sky
    from pytest_specqa.production.coadds import CoaddTables
    from pytest_specqa.production.headers import Header


def _unit(request: pytest.FixtureRequest, kind: str) -> DataUnit:
    """Return the unit of this test, or the one of `kind` that holds it."""
    unit: DataUnit = getattr(request, "param", None) or session.unit_of(request.node)  # type: ignore[assignment]
    return widen(unit, kind)


def _check(request: pytest.FixtureRequest) -> Check:
    check = request.node.stash.get(CHECK, None)
    if check is None:
        raise pytest.UsageError(
            f"{request.fixturename} needs a data unit: ask for a product fixture, or for specqa_camera or another unit"
        )
    return check


@pytest.fixture
def specqa_camera(request: pytest.FixtureRequest) -> DataUnit:
    """One camera of one exposure."""
    return _unit(request, "camera")


@pytest.fixture
def specqa_exposure(request: pytest.FixtureRequest) -> DataUnit:
    """One exposure; beside a camera fixture, the exposure of that camera."""
    return _unit(request, "exposure")


@pytest.fixture
def specqa_petal(request: pytest.FixtureRequest) -> DataUnit:
    """One petal of one tile."""
    return _unit(request, "petal")


@pytest.fixture
def specqa_tile(request: pytest.FixtureRequest) -> DataUnit:
    """One tile; beside a petal fixture, the tile of that petal."""
    return _unit(request, "tile")


@pytest.fixture
def specqa_night(request: pytest.FixtureRequest) -> DataUnit:
    """One night; beside a narrower unit, the night of that unit."""
    return _unit(request, "night")


@pytest.fixture
def specqa_healpix(request: pytest.FixtureRequest) -> DataUnit:
    """One pixel of the sky in one survey and program."""
    return _unit(request, "healpix")


@pytest.fixture
def expect(request: pytest.FixtureRequest) -> Expect:
    """``expect(name, value)`` compares a value with its limit and records it; see also `Expect.picture`."""
    return Expect(_check(request))


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Limits:
    """The limits that hold for this test."""
    return session.of(request.config).limits_for(request.path)


@pytest.fixture
def production(request: pytest.FixtureRequest) -> Archive:
    """The production under test; what a check reads through it is noted in its records."""
    with session.usage_errors():
        found = session.of(request.config).production
    check = request.node.stash.get(CHECK, None)
    return found if check is None else cast("Archive", ProductionView(found, check))


@pytest.fixture
def exposure(request: pytest.FixtureRequest, specqa_exposure: DataUnit) -> Exposure:
    """What the listing and the exposure table say of the exposure."""
    return session.of(request.config).selection.exposures[specqa_exposure.expid or 0]


@pytest.fixture
def exposures(request: pytest.FixtureRequest, specqa_night: DataUnit) -> list[Exposure]:
    """The selected exposures of the night."""
    if (check := request.node.stash.get(CHECK, None)) is not None:
        look_at_night(check, specqa_night.night)
    found = session.of(request.config).selection.exposures.values()
    return [exposure for exposure in found if exposure.night == specqa_night.night]


@pytest.fixture
def tile(request: pytest.FixtureRequest, specqa_tile: DataUnit) -> Tile:
    """What the listing says of the tile."""
    found = session.of(request.config).selection.tile(specqa_tile)
    assert found is not None, "every tile unit is made of a tile"
    return found


@pytest.fixture
def tile_exposures(request: pytest.FixtureRequest, specqa_tile: DataUnit) -> list[Exposure]:
    """The selected exposures that the reduction may rest on, in order; with ``--night`` those of its nights only."""
    found = session.of(request.config).products.tile_exposures(specqa_tile)
    for exposure in found:
        look_at_night(_check(request), exposure.night)
    return found


def _give(request: pytest.FixtureRequest, camera: DataUnit) -> Any:
    """Return the product of a camera that the fixture is named after."""
    return session.of(request.config).products.give(str(request.fixturename), camera, check=_check(request))


@pytest.fixture
def frame(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> Frame:
    """Extracted spectra of the camera, not flat-fielded."""
    return _give(request, specqa_camera)


@pytest.fixture
def sframe(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> Frame:
    """Sky-subtracted spectra of the camera."""
    return _give(request, specqa_camera)


@pytest.fixture
def cframe(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> Frame:
    """Flux-calibrated spectra of the camera."""
    return _give(request, specqa_camera)


@pytest.fixture
def sky(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> Sky:
    """Sky model of the camera."""
    return _give(request, specqa_camera)


@pytest.fixture
def spectra(request: pytest.FixtureRequest, sframe: Frame, sky: Sky) -> CameraSpectra:
    """Sky-subtracted spectra of the camera with their sky model, and what is derived from them: what measures take."""
    return session.of(request.config).products.spectra(sframe, sky)


@pytest.fixture
def sframe_spectra(request: pytest.FixtureRequest, sframe: Frame) -> CameraSpectra:
    """The same without the sky model, for what can be judged where that is missing."""
    return session.of(request.config).products.spectra(sframe)


@pytest.fixture
def fiberflat(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> Fiberflat:
    """Nightly fiber flat of the camera."""
    return _give(request, specqa_camera)


@pytest.fixture
def used_fiberflat(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> Fiberflat:
    """Flat that the camera was divided by, as FIBERFLT of its sframe names it: of the exposure or of the night."""
    return _give(request, specqa_camera)


@pytest.fixture
def once_a_night(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``once_a_night(function, fiberflat, *arrays)`` gives what a function makes of them, and calls it once for all exposures.

    A flat is the same all night; arrays, such as which fibers are flagged, may differ, and then it is called again.
    """
    return session.of(request.config).products.once_a_night


@pytest.fixture
def fluxcalib(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> FluxCalib:
    """Flux calibration of the camera."""
    return _give(request, specqa_camera)


@pytest.fixture
def redshifts(request: pytest.FixtureRequest, specqa_petal: DataUnit) -> Redshifts:
    """Redshifts of the petal."""
    return session.of(request.config).products.redshifts(specqa_petal, check=_check(request))


@pytest.fixture
def tile_redshifts(request: pytest.FixtureRequest, specqa_tile: DataUnit) -> list[Redshifts]:
    """Redshifts of every selected petal of the tile, in order."""
    products, check = session.of(request.config).products, _check(request)
    petals = [unit for unit in products.selection.units["petal"] if widen(unit, "tile") == specqa_tile]
    return [products.redshifts(petal, check=check) for petal in petals]


@pytest.fixture
def pixel_redshifts(request: pytest.FixtureRequest, specqa_healpix: DataUnit) -> Redshifts:
    """Redshifts of a pixel of the sky; FIBER is the one that a target was on in most of its exposures."""
    return session.of(request.config).products.redshifts(specqa_healpix, check=_check(request))


@pytest.fixture
def pixel_coadd_tables(request: pytest.FixtureRequest, pixel_redshifts: Redshifts) -> CoaddTables:
    """Tables of the coadd that the redshifts of a pixel were fitted to, without its spectra."""
    return joins.coadd_tables(session.of(request.config).products, pixel_redshifts, _check(request))


@pytest.fixture
def camera_products(request: pytest.FixtureRequest, specqa_camera: DataUnit) -> dict[str, Any]:
    """Products of the camera that can be read, by kind (``frame``, ``sframe``, ``cframe``, ``sky`` ...), two or more."""
    return joins.camera_products(session.of(request.config).products, specqa_camera, _check(request))


@pytest.fixture
def exposure_files(request: pytest.FixtureRequest, specqa_exposure: DataUnit) -> dict[str, Mapping[str, Header]]:
    """Headers of all products of the exposure that can be read, by file name and HDU; of packed files those of HDU 0."""
    return joins.exposure_files(session.of(request.config).products, specqa_exposure, _check(request))


@pytest.fixture
def visits(request: pytest.FixtureRequest, redshifts: Redshifts) -> list[Visit] | None:
    """What exposure tables and folders know of all exposures of the tile, selected or not; ``None`` where there is no table."""
    return joins.visits(session.of(request.config).products, redshifts, _check(request))


@pytest.fixture
def visit_fibermaps(request: pytest.FixtureRequest, redshifts: Redshifts) -> dict[int, Fibermap]:
    """By exposure: who was on which fiber of the petal, for those that the redshifts rest on and that have a fibermap."""
    return joins.visit_fibermaps(session.of(request.config).products, redshifts, _check(request))


@pytest.fixture
def coadd_tables(request: pytest.FixtureRequest, redshifts: Redshifts) -> CoaddTables:
    """Tables of the coadd that the redshifts were fitted to, without its spectra."""
    return joins.coadd_tables(session.of(request.config).products, redshifts, _check(request))


def _each(request: pytest.FixtureRequest, name: str, cameras: list[DataUnit]) -> CameraProducts[Any]:
    """Return the product of each camera that a fixture of this name gives for one."""
    products, check = session.of(request.config).products, _check(request)
    return CameraProducts(cameras, lambda unit: products.give(name, unit, check=check))


@pytest.fixture
def exposure_sframes(request: pytest.FixtureRequest, specqa_exposure: DataUnit) -> CameraProducts[Frame]:
    """Sky-subtracted spectra of every selected camera of the exposure, each loaded when it is reached."""
    return _each(request, "sframe", session.of(request.config).products.cameras("sframe", specqa_exposure))


@pytest.fixture
def exposure_spectra(request: pytest.FixtureRequest, specqa_exposure: DataUnit) -> CameraProducts[CameraSpectra]:
    """What `spectra` is to one camera, for those of `exposure_sframes`, in the same order, each loaded when it is reached."""
    return _each(request, "spectra", session.of(request.config).products.cameras("sframe", specqa_exposure))


@pytest.fixture
def exposure_reduced(request: pytest.FixtureRequest, specqa_exposure: DataUnit) -> Callable[[Reduce], list[Any]]:
    """``exposure_reduced(function)`` gives what a function makes of each selected camera of the exposure, in order.

    The function asks for products of a camera by the names of their fixtures. With the marker ``specqa_reduces(by=function)`` the
    function is called while the products are in memory for the tests of the camera.
    """
    return _reduced(request, session.of(request.config).products.cameras("sframe", specqa_exposure))


@pytest.fixture
def tile_reduced(request: pytest.FixtureRequest, specqa_tile: DataUnit) -> Callable[[Reduce], list[Any]]:
    """What `exposure_reduced` is to an exposure, for every selected camera of `tile_exposures`."""
    return _reduced(request, session.of(request.config).products.tile_cameras("sframe", specqa_tile))


def _reduced(request: pytest.FixtureRequest, cameras: list[DataUnit]) -> Callable[[Reduce], list[Any]]:
    return lambda function: session.of(request.config).reductions.of(function, cameras, _check(request))


@pytest.fixture
def exposure_skies(request: pytest.FixtureRequest, specqa_exposure: DataUnit) -> CameraProducts[Sky]:
    """Sky models of the cameras of `exposure_sframes`, in the same order, each loaded when it is reached."""
    return _each(request, "sky", session.of(request.config).products.cameras("sframe", specqa_exposure))


@pytest.fixture
def tile_spectra(request: pytest.FixtureRequest, specqa_tile: DataUnit) -> CameraProducts[CameraSpectra]:
    """What `spectra` is to one camera, for every selected camera of `tile_exposures`, each loaded when it is reached."""
    return _each(request, "spectra", session.of(request.config).products.tile_cameras("sframe", specqa_tile))


@pytest.fixture
def tile_skies(request: pytest.FixtureRequest, specqa_tile: DataUnit) -> CameraProducts[Sky]:
    """Sky models of the cameras of `tile_spectra`, in the same order, each loaded when it is reached."""
    return _each(request, "sky", session.of(request.config).products.tile_cameras("sframe", specqa_tile))


@pytest.fixture
def petal_spectra(request: pytest.FixtureRequest, specqa_petal: DataUnit) -> CameraProducts[CameraSpectra]:
    """What `spectra` is to one camera, for the selected cameras of one petal in the exposures of its tile."""
    return _each(request, "spectra", session.of(request.config).products.tile_cameras("sframe", specqa_petal))
