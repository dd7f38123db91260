"""The verb ``specqa spectra``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_specqa.look.spectra_choice import Choice
    from pytest_specqa.look.spectra_lines import Trouble
    from pytest_specqa.production import Production

MOST = 50


def add_verb(subparsers: Any) -> None:
    """Add the parser of the verb; it sets ``run``, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "spectra",
        help="look at any choice of spectra, or at a tile, on one page",
        description="Write one self-contained page of spectra, of a tile (coadds, with their redshifts) or of an exposure, "
        "or of a pixel of the sky. Without a choice, the page of a tile: n(z), redshift against fiber, effective time, positions.",
    )
    parser.add_argument("production", metavar="PROD", help="production: a path, or a name under $DESI_SPECTRO_REDUX")
    parser.add_argument("--out", type=Path, required=True, metavar="PAGE", help="where to write the page (.html)")
    what = parser.add_argument_group("of what")
    what.add_argument("--tile", type=int, metavar="TILE", help="coadded spectra of this tile")
    what.add_argument("--night", type=int, metavar="NIGHT", help="last night of the reduction, or night of the exposure [latest]")
    what.add_argument("--healpix", metavar="PIXEL", help="coadded spectra of this pixel of the sky: main-dark-27247, or 27247")
    what.add_argument("--group", help="reductions of tiles: cumulative, pernight ... [what is there]")
    what.add_argument("--expid", type=int, metavar="EXPID", help="spectra of this exposure, camera by camera")
    what.add_argument("--camera", metavar="CAMERAS", help="cameras of the exposure: r6, a band r or a camword [all]")
    what.add_argument("--kind", choices=("frame", "sframe", "cframe"), default="sframe", help="which of its files [sframe]")
    which = parser.add_argument_group("which spectra, all of them at once")
    which.add_argument("--fiber", metavar="FIBERS", help="by FIBER: 3000,3250-3260")
    which.add_argument("--targetid", metavar="IDS", help="by TARGETID: one or more, joined by commas")
    which.add_argument("--spectype", metavar="TYPES", help="by SPECTYPE of the fit: QSO, GALAXY, STAR")
    which.add_argument("--z", metavar="LOW:HIGH", help="by redshift of the fit: 4.25:4.40, or 4: for more than 4")
    which.add_argument("--petal", metavar="PETALS", help="by petal: 6 or 6-8")
    which.add_argument("--zwarn", action="store_true", help="only fits with a warning")
    which.add_argument("--sky", "--sky-fibers", action="store_true", help="only sky fibers")
    how = parser.add_argument_group("how")
    how.add_argument("--rebin", type=int, metavar="N", help="average N pixels [5; of an exposure 10]")
    how.add_argument("--max", type=int, default=MOST, metavar="N", help=f"draw at most N one by one [{MOST}]")
    how.add_argument("--templates", type=Path, metavar="DIR", help="templates of redrock, for best-fit models [$RR_TEMPLATE_DIR]")
    how.add_argument(
        "--results", type=Path, metavar="FILE", help="stored results: shade where checks fail, and name what coincides"
    )
    how.add_argument("--tile-page", action="store_true", help="the page of the tile, whatever is chosen")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa spectra``."""
    from pytest_specqa.look.embed import require_bokeh  # noqa: PLC0415
    from pytest_specqa.production import Production, resolve  # noqa: PLC0415
    from pytest_specqa.results.store import write_text  # noqa: PLC0415

    require_bokeh()
    _check(arguments)
    choice = _choice(arguments)
    production = Production(resolve(arguments.production, os.environ))
    arguments.group = arguments.group or production.own_group
    if arguments.expid is not None:
        page, told = _of_exposure(arguments, production, choice)
    elif arguments.healpix is None and (arguments.tile_page or choice.empty):
        page, told = _of_tile_page(arguments, production)
    else:
        page, told = _of_tile(arguments, production, choice)
    write_text(arguments.out, page)
    print(f"{told}\npage: {arguments.out}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    from pytest_specqa.errors import UsageError  # noqa: PLC0415

    if sum(given is not None for given in (arguments.tile, arguments.expid, arguments.healpix)) != 1:
        raise UsageError(
            "give either --tile or --expid or --healpix: the spectra of a tile, of one exposure, or of a pixel of the sky"
        )
    if arguments.healpix is not None and (arguments.night is not None or arguments.petal is not None):
        raise UsageError("--night and --petal go with --tile or --expid: a pixel of the sky has spectra of many nights and petals")
    if arguments.camera and arguments.expid is None:
        raise UsageError("--camera goes with --expid: coadds hold all cameras")
    if arguments.max < 1 or (arguments.rebin is not None and not 1 <= arguments.rebin <= 1000):
        raise UsageError("--max takes a number from 1, and --rebin one from 1 to 1000")
    if arguments.tile_page and arguments.tile is None:
        raise UsageError("--tile-page goes with --tile")


def _choice(arguments: argparse.Namespace) -> Choice:
    from pytest_specqa.errors import SelectionError  # noqa: PLC0415
    from pytest_specqa.instrument import DESI  # noqa: PLC0415
    from pytest_specqa.look.spectra_choice import Choice, numbers, redshift_range  # noqa: PLC0415

    def given(text: str | None, read: Callable[[str], tuple[Any, ...]]) -> tuple[Any, ...]:
        return () if text is None else read(text)

    fibers = given(arguments.fiber, lambda text: numbers(text, what="fiber"))
    petals = given(arguments.petal, lambda text: numbers(text, what="petal"))
    for asked, most, what in ((fibers, DESI.all_fibers, "fiber"), (petals, len(DESI.petals), "petal")):
        if lost := [one for one in asked if not 0 <= one < most]:
            raise SelectionError(f"no {what} {lost[0]}: {DESI.name} has {what}s 0-{most - 1}")
    return Choice(
        fibers=fibers,
        petals=petals,
        targetids=given(arguments.targetid, lambda text: numbers(text, what="TARGETID")),
        spectypes=given(arguments.spectype, lambda text: tuple(word.strip().upper() for word in text.split(",") if word.strip())),
        z=given(arguments.z, lambda text: tuple(redshift_range(word) for word in text.split(","))),
        zwarn=arguments.zwarn,
        sky=arguments.sky,
    )


def _of_tile(arguments: argparse.Namespace, production: Production, choice: Choice) -> tuple[str, str]:
    from pytest_specqa.look.spectra_find import find_pixel, find_tile  # noqa: PLC0415
    from pytest_specqa.look.spectra_models import Models  # noqa: PLC0415
    from pytest_specqa.look.spectra_page import spectra_page  # noqa: PLC0415
    from pytest_specqa.look.spectra_read import called, tile_spectra  # noqa: PLC0415

    if arguments.healpix is not None:
        tile = find_pixel(production, arguments.healpix)
    else:
        tile = find_tile(production, arguments.tile, group=arguments.group, night=arguments.night)
    models = Models.find(arguments.templates, os.environ)
    by = arguments.rebin or 5
    found = tile_spectra(production, tile, choice, by=by, most=arguments.max, models=models)
    title = f"Spectra of {called(tile)}, {production.name}"
    places = _places(arguments, tile.tile) if arguments.healpix is None else []
    page = spectra_page(found, title=title, by=by, most=arguments.max, places=places)
    return page, _told(found.steps, found.notes)


def _of_exposure(arguments: argparse.Namespace, production: Production, choice: Choice) -> tuple[str, str]:
    from pytest_specqa.look.spectra_find import find_cameras, find_exposure, tile_of  # noqa: PLC0415
    from pytest_specqa.look.spectra_page import spectra_page  # noqa: PLC0415
    from pytest_specqa.look.spectra_read import exposure_spectra  # noqa: PLC0415

    night = find_exposure(production, arguments.expid, night=arguments.night)
    cameras = find_cameras(production, arguments.camera, night=night, expid=arguments.expid, kind=arguments.kind)
    number = production.tile_of(night, arguments.expid)
    tile = tile_of(production, number, group=arguments.group, night=night)
    by = arguments.rebin or 10
    found = exposure_spectra(production, cameras, choice, night=night, expid=arguments.expid, kind=arguments.kind, by=by, tile=tile)
    sky = "sky fibers of " if choice.sky else ""
    named = arguments.camera or "all cameras"
    title = f"{arguments.kind} {named}, {sky}exposure {arguments.expid:08d}, night {night}, {production.name}"
    places = _places(arguments, number) if number is not None else []
    page = spectra_page(found, title=title, by=by, most=arguments.max, places=places)
    return page, _told(found.steps, found.notes)


def _of_tile_page(arguments: argparse.Namespace, production: Production) -> tuple[str, str]:
    from pytest_specqa.look.spectra_find import find_tile  # noqa: PLC0415
    from pytest_specqa.look.tilepage import tile_page  # noqa: PLC0415

    tile = find_tile(production, arguments.tile, group=arguments.group, night=arguments.night)
    return tile_page(production, tile)


def _places(arguments: argparse.Namespace, tile: int) -> list[Trouble]:
    from pytest_specqa.look.spectra_lines import troubles  # noqa: PLC0415
    from pytest_specqa.results.store import read  # noqa: PLC0415

    return troubles(read(arguments.results), tile=tile) if arguments.results else []


def _told(steps: tuple[tuple[str, int], ...], notes: tuple[str, ...]) -> str:
    counts = ", ".join(f"{count:,} {'' if number == 0 else 'left by '}{name}" for number, (name, count) in enumerate(steps))
    return "\n".join([f"spectra: {counts}", *(f"note: {note}" for note in notes)])
