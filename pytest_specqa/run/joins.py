"""Products of several files side by side, for checks of whether they say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pytest_specqa.checks.call import NotExpected
from pytest_specqa.errors import MissingProductError, ProductError, UnreachableError
from pytest_specqa.run.reading import attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_specqa.checks.check import Check
    from pytest_specqa.production import Fibermap, Production, Redshifts
    from pytest_specqa.production.coadds import CoaddTables
    from pytest_specqa.production.headers import Header
    from pytest_specqa.run.loader import Products
    from pytest_specqa.values import DataUnit, Visit

COMPARED = ("frame", "sframe", "cframe", "sky", "fluxcalib", "fiberflat")
"""Products of a camera that are laid side by side."""
IDENTIFIED = ("frame", "sframe", "cframe", "sky", "fluxcalib", "fiberflatexp", "fiberflatnight")
"""Products of a camera whose headers are compared all over an exposure."""


def camera_products(products: Products, unit: DataUnit, check: Check) -> dict[str, Any]:
    """Return the products of a camera that can be read, by their kinds: what is missing or damaged is the matter of its own checks.

    Raises
    ------
    NotExpected
        If there are fewer than two.
    """
    found: dict[str, Any] = {}
    for kind in COMPARED:
        try:
            found[kind] = products.give(kind, unit, check=check)
        except UnreachableError:
            raise
        except (ProductError, NotExpected):
            continue
    if len(found) < 2:
        raise NotExpected("fewer than two products of the camera can be read")
    return found


def exposure_files(products: Products, unit: DataUnit, check: Check) -> dict[str, Mapping[str, Header]]:
    """Return the headers of all products of an exposure that can be read, by file name, for a link that of what it leads to.

    Of the selected cameras all products and the flat of the night, and the fibermap of the exposure; others cost too much or
    have no file of their own.
    """
    products.require_kind("exposure_table")
    production = cast("Production", products.production)
    asked: list[tuple[str, dict[str, Any]]] = [("fibermap", {"night": unit.night, "expid": unit.expid})]
    for camera in products.selection.cameras[unit.expid or 0]:
        where = {"night": unit.night, "camera": camera.camera}
        asked += [(kind, where if kind == "fiberflatnight" else {**where, "expid": unit.expid}) for kind in IDENTIFIED]
    found: dict[str, Mapping[str, Header]] = {}
    for kind, where in asked:
        try:
            with attempt(check):
                path = production.find(kind, **where)
                found[path.resolve().name] = production.read_headers(path)
        except UnreachableError:
            raise
        except (ProductError, OSError):
            continue
        check.read.append(path)
    return found


def visits(products: Products, redshifts: Redshifts, check: Check) -> list[Visit] | None:
    """Return what the exposure tables and folders know of the exposures of a tile; ``None`` where there is no table."""
    products.require_kind("exposure_table")
    check.beyond_products = True
    production = cast("Production", products.production)
    return production.visits(redshifts.tile, redshifts.petal, used=redshifts.used)


def visit_fibermaps(products: Products, redshifts: Redshifts, check: Check) -> dict[int, Fibermap]:
    """Return the fibermap of the petal in each exposure that redshifts rest on, as far as there are any, by exposure."""
    products.require_kind("fibermap")
    production = cast("Production", products.production)
    used = redshifts.used
    if redshifts.exposures is None:
        known = visits(products, redshifts, check) or []
        used = {visit.expid: visit.night for visit in known if redshifts.tile.may_rest_on(visit.night, visit.expid)}
    found: dict[int, Fibermap] = {}
    for expid, night in used.items():
        try:
            with attempt(check):
                found[expid] = production.read_exposure_fibermap(
                    night=night or redshifts.tile.night, expid=expid, petal=redshifts.petal
                )
        except MissingProductError:
            continue
        check.read.append(found[expid].path)
    return found


def coadd_tables(products: Products, redshifts: Redshifts, check: Check) -> CoaddTables:
    """Return the tables of the coadd that redshifts were fitted to.

    Raises
    ------
    NotExpected
        If the petal or pixel has no coadd.
    """
    products.require_kind("coadd")
    production = cast("Production", products.production)
    try:
        with attempt(check):
            found = production.read_coadd_tables(redshifts.tile, redshifts.petal)
    except MissingProductError:
        raise NotExpected(f"there is no coadd of the {'pixel' if redshifts.petal < 0 else 'petal'}") from None
    check.read.append(found.path)
    return found
