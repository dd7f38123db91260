"""Where products lie below the folder of a production."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

from pytest_specqa.errors import MissingProductError, UsageError
from pytest_specqa.opening import PACKED
from pytest_specqa.production.defects import defect, one_line
from pytest_specqa.production.nearby import nearest
from pytest_specqa.remote import place

_EXPOSURE = "exposures/{night}/{expid:08d}/"
_TILE = "tiles/{group}/{tile}/{folder}/"
_HEALPIX = "healpix/{survey}/{program}/{hundred}/{pixel}/{kind}-{survey}-{program}-{pixel}.fits"
HEALPIX_KINDS = ("redrock", "rrmodel", "coadd", "spectra")
HEALPIX, OLDER_GROUP = "healpix", "older"
"""Groups that are no folder below ``tiles/``: pixels of the sky, and ``tiles/TILEID/NIGHT`` as it was before Everest."""
# Also what no expectation of ours reads: `Production.find` is how a check of one's own comes to such a file.
TEMPLATES = {
    **{kind: _EXPOSURE + kind + "-{camera}-{expid:08d}.fits" for kind in ("frame", "sframe", "cframe", "sky", "fluxcalib")},
    "fiberflat": _EXPOSURE + "fiberflat-{camera}-{expid:08d}.fits",
    "fiberflatexp": _EXPOSURE + "fiberflatexp-{camera}-{expid:08d}.fits",
    "psf": _EXPOSURE + "psf-{camera}-{expid:08d}.fits",
    "stdstars": _EXPOSURE + "stdstars-{petal}-{expid:08d}.fits",
    "exposure-qa": _EXPOSURE + "exposure-qa-{expid:08d}.fits",
    "fibermap": "preproc/{night}/{expid:08d}/fibermap-{expid:08d}.fits",
    "preproc": "preproc/{night}/{expid:08d}/preproc-{camera}-{expid:08d}.fits",
    "fiberflatnight": "calibnight/{night}/fiberflatnight-{camera}-{night}.fits",
    "psfnight": "calibnight/{night}/psfnight-{camera}-{night}.fits",
    **{kind: _TILE + kind + "-{petal}-{tile}-{suffix}.fits" for kind in ("redrock", "rrmodel", "zbest", "coadd", "spectra")},
    "tile-qa": _TILE + "tile-qa-{tile}-{suffix}.fits",
    "exposure_table": "exposure_tables/{month}/exposure_table_{night}.csv",
}
# A tile reduced before Everest has the older name.
OLDER = {"redrock": "zbest"}
_SUFFIX = re.compile(r"(thru|exp|[a-z0-9]+subset)?([0-9]+)")
PIXEL = re.compile(r"([0-9a-z]+)-([0-9a-z]+)-([0-9]{1,5})")
"""SURVEY-PROGRAM-PIXEL, as files of a pixel are called; there are 49,152 at nside 64."""


def resolve(specprod: str | None, environ: Mapping[str, str]) -> Path:
    """Folder of the production that the user means.

    Parameters
    ----------
    specprod : str or None
        A path, an address of https or S3, or a bare name below ``$DESI_SPECTRO_REDUX``; by default ``$SPECPROD``.
    environ : Mapping
        The environment.

    Returns
    -------
    Path
        An existing folder, on this machine or on a server.

    Raises
    ------
    UsageError
        If nothing is given, it does not exist, or its server refuses it; one line that says what to give.
    UnreachableError
        If its server does not answer.
    """
    redux, name = environ.get("DESI_SPECTRO_REDUX", ""), specprod or environ.get("SPECPROD", "")
    if not name or not (specprod or redux):
        raise UsageError("no production given: use --specprod PATH, or set DESI_SPECTRO_REDUX and SPECPROD")
    bare = "/" not in name and name not in (".", "..")
    candidates = [place(name)] if specprod else []
    if redux and bare:
        candidates.append(place(redux) / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    places = (" or ".join(map(str, candidates)) or name) + (nearest(name, place(redux)) if redux and bare else "")
    raise UsageError(f"no production {places}: give --specprod the path or address of a folder, or a name below DESI_SPECTRO_REDUX")


def product_path(root: Path, product: str, *, fields: Mapping[str, int | str | None]) -> Path:
    """Path that a product must have, without ``.gz``.

    Parameters
    ----------
    root : Path
        Folder of the production.
    product : str
        A key of `TEMPLATES`.
    fields : Mapping
        night, expid, camera, petal, tile, group and suffix, as far as the product needs them; of the group ``healpix`` the suffix
        SURVEY-PROGRAM-PIXEL alone.

    Returns
    -------
    Path
        Whether it exists or not.

    Raises
    ------
    UsageError
        If the product is unknown, or a field is missing or malformed: nothing else may become part of a path.
    """
    if product not in TEMPLATES:
        raise UsageError(f"no product {product!r}: there are {', '.join(sorted(TEMPLATES))}")
    template = TEMPLATES[product]
    given = {key: value for key, value in fields.items() if value is not None}
    if template.startswith(_TILE) and given.get("group") == HEALPIX:
        return root / _healpix_path(product, str(given.get("suffix", "")))
    for key in ("night", "expid", "petal", "tile"):
        if key in given:
            given[key] = int(given[key])
    if "night" in given:
        given["month"] = str(given["night"])[:6]
    if template.startswith(_TILE):
        given.setdefault("group", "cumulative")
        if "night" in given:
            given.setdefault("suffix", f"thru{given['night']}")
        given["folder"] = _folder(str(given.get("suffix", "")))
    for _, name, _, _ in Formatter().parse(template):
        if name and name not in given:
            raise UsageError(f"product {product} needs {name}")
    if not re.fullmatch("[brz][0-9]", str(given.get("camera", "r0"))) or not re.fullmatch(
        r"[0-9A-Za-z_]+", str(given.get("group", "a"))
    ):
        raise UsageError(f"no camera {given.get('camera')!r} or group {given.get('group')!r}")
    if given.get("group") == OLDER_GROUP:
        template = template.replace("{group}/", "")
    return root / template.format(**given)


def find_product(path: Path) -> Path:
    """The file at a path, or beside it with ``.gz`` or ``.fz``.

    Parameters
    ----------
    path : Path
        What `product_path` gave.

    Returns
    -------
    Path
        The one that exists.

    Raises
    ------
    MissingProductError
        If none exists.
    ProductError
        If more than one exists, it is a loop of links, or the folder cannot be searched.
    """
    candidates = [path, *(path.with_name(path.name + end) for end in PACKED)]
    with one_line(path):
        there = [candidate for candidate in candidates if _is_there(candidate)]
    if len(there) > 1:
        expected = "only one of them"
        raise defect(path, None, found=" beside ".join(one.name for one in there), expected=expected, do="remove the stale one")
    if there:
        return there[0]
    tail = ".gz" if path.suffix == ".fits" else ""
    dangling = " (a link that leads nowhere)" if any(one.is_symlink() for one in candidates) else ""
    do = "process it, or exclude it in the exposure table (LASTSTEP, BADCAMWORD)"
    raise MissingProductError(f"{path.name}: not found{dangling}; expected {path}{f'[{tail}]' if tail else ''}; {do}")


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _healpix_path(product: str, suffix: str) -> str:
    match = PIXEL.fullmatch(suffix)
    if match is None or product not in HEALPIX_KINDS:
        raise UsageError(
            f"no {product} of pixel {suffix!r}: expected {', '.join(HEALPIX_KINDS)} of SURVEY-PROGRAM-PIXEL such as main-dark-27247"
        )
    survey, program, pixel = match[1], match[2], int(match[3])
    return _HEALPIX.format(kind=product, survey=survey, program=program, pixel=pixel, hundred=pixel // 100)


def _folder(suffix: str) -> str:
    match = _SUFFIX.fullmatch(suffix)
    if match is None:
        raise UsageError(f"no tile suffix {suffix!r}: expected thruNIGHT, NIGHT, expEXPID or NAMEsubsetN")
    return match[2]
