"""Text of ours or of the data as HTML, with what can be followed made into links; everything is escaped here."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from pytest_specqa.printable import escape

ORGANISATIONS = {"KPF-Pipeline": "Keck-DataReductionPipelines", "lvmdrp": "sdss", "idlspec2d": "sdss"}
"""Who keeps a repository on GitHub, where it is not `DESI_ORGANISATION`."""
DESI_ORGANISATION = "desihub"
REPOSITORIES = (
    "desispec", "redrock", "desitarget", "desisurveyops", "nightwatch", "desimodel", "desiutil", "fiberassign", "gpu_specter",
    "specter", "LSS", *ORGANISATIONS,
)  # fmt: skip
VIEWER = "https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&layer=ls-dr9&zoom=12&desi-footprint&desifiber={ra},{dec}"
WHERE = re.compile(
    rf"""(?P<url>https?://[^\s<>"')\]]+[^\s<>"')\].,;:])
    |\b(?P<repository>{"|".join(REPOSITORIES)})(?:\#|\s(?:PR|issues?)\s\#?)(?P<numbers>\d+(?:(?:,\s|-)\d+\b(?!\s*[%.]))*)
    |\bPR\s\#?(?P<number>\d+)
    |\bRA\s?=?\s?(?P<ra>\d+(?:\.\d+)?),?\s(?:and\s)?DEC\s?=?\s?(?P<dec>[+-]?\d+(?:\.\d+)?)""",
    re.VERBOSE,
)


def linked(text: object) -> str:
    """Escape a text, and make links of issues, pull requests, addresses and sky positions.

    Parameters
    ----------
    text : object
        Whatever a limit, a measure or a file says.

    Returns
    -------
    str
        HTML. A pull request without a repository belongs to the one that was named before it, and is left as it is where none was.
    """
    words, parts, end, repository = str(text), [], 0, ""
    for found in WHERE.finditer(words):
        repository = found["repository"] or repository
        parts += [escape(words[end : found.start()]), _link(found, repository)]
        end = found.end()
    return "".join([*parts, escape(words[end:])])


def _link(found: re.Match[str], repository: str) -> str:
    if found["url"]:
        return anchor(found["url"], found[0])
    if found["numbers"]:
        opening = found[0][: found.start("numbers") - found.start()]
        first, *others = re.split(r"(,\s|-)", found["numbers"])
        more = [escape(part) if index % 2 == 0 else _issue(repository, part, part) for index, part in enumerate(others)]
        return "".join([_issue(repository, first, opening + first), *more])
    if found["number"] and repository:
        return _issue(repository, found["number"], found[0])
    if found["ra"]:
        return anchor(VIEWER.format(ra=found["ra"], dec=found["dec"]), found[0])
    return escape(found[0])


def _issue(repository: str, number: str, text: str) -> str:
    # GitHub leads from the number of an issue to a pull request where it is one.
    owner = ORGANISATIONS.get(repository, DESI_ORGANISATION)
    return anchor(f"https://github.com/{owner}/{repository}/issues/{number}", text)


def anchor(address: str, text: str) -> str:
    """Link to a page elsewhere, which opens beside this one."""
    return f'<a href="{escape(address, quote=True)}" target="_blank" rel="noopener">{escape(text)}</a>'


def measure_id(name: str) -> str:
    """Id of the place where the page explains a measure."""
    return f"measure/{quote(name)}"


def product(name: str, *, root: str) -> str:
    """Name a file of the production, as a link where it can be reached.

    Parameters
    ----------
    name : str
        Relative to the production, or absolute.
    root : str
        Folder or address of the production; empty if it is not known.

    Returns
    -------
    str
        HTML; the link of a folder's file is absolute, as the page may lie anywhere.
    """
    code = f"<code>{escape(name)}</code>"
    if re.match(r"https?://", root):
        address = f"{root.rstrip('/')}/{quote(name)}"
    elif Path(name).is_absolute() or Path(root).is_absolute():
        address = (Path(root) / name).as_uri()
    else:
        return code
    return f'<a href="{escape(address, quote=True)}" title="{escape(address, quote=True)}">{code}</a>'
