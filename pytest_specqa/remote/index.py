"""Listings that a web server makes of its folders: names that lie directly in them, and nothing that leads elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
FARTHEST = 200
"""Characters behind a name among which its date and size are looked for."""
# What nginx and Apache write behind a name: a date, a time, and a size, of Apache in rounded units.
_BEHIND = re.compile(r"\s*(\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2}|\d{4}-\d{2}-\d{2} \d{2}:\d{2})\s+(?:(\d+(?:\.\d+)?)([KMGT]?)\b|-)")


@dataclass(frozen=True)
class Entry:
    """One name in a folder.

    Attributes
    ----------
    name : str
        Without a slash.
    is_folder : bool
        Whether it is a folder.
    size : int or None
        Bytes, rounded where the server rounds them; ``None`` where it says nothing.
    modified : str
        When it was written, in the server's words, or empty.
    etag : str
        What tells its content from another, or empty.
    """

    name: str
    is_folder: bool
    size: int | None = None
    modified: str = ""
    etag: str = ""

    def is_dir(self) -> bool:
        """Tell whether it is a folder, as `os.DirEntry` does."""
        return self.is_folder

    def is_symlink(self) -> bool:
        """Tell that it is no link: a server follows them."""
        return False


def entries(html: str, *, address: str) -> dict[str, Entry]:
    """Read the listing of a folder.

    Parameters
    ----------
    html : str
        The page.
    address : str
        Its address, which ends with a slash.

    Returns
    -------
    dict of str to Entry
        By name. Links to parents, other folders, other servers and ways of sorting are left out.
    """
    parser = _Index(address)
    parser.feed(html)
    parser.close()
    return parser.found


class _Index(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, Entry] = {}
        self._address = address
        self._last, self._behind, self._inside = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._last, self._behind, self._inside = "", "", True
            self._take(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag != "a"

    def handle_data(self, data: str) -> None:
        if not self._last or self._inside:
            return
        self._behind += f" {data}"
        if len(self._behind) > FARTHEST:
            self._last = ""
        elif told := _BEHIND.match(self._behind):
            size = round(float(told[2]) * _UNITS[told[3]]) if told[2] else None
            kept = self.found[self._last]
            self.found[self._last] = Entry(kept.name, kept.is_folder, None if kept.is_folder else size, told[1])
            self._last = ""

    def _take(self, link: str) -> None:
        try:
            here, there = urlsplit(self._address), urlsplit(urljoin(self._address, link))
        except ValueError:
            return
        folder = unquote(here.path)
        if there[:2] != here[:2] or "?" in link or "#" in link or not unquote(there.path).startswith(folder):
            return
        name = unquote(there.path)[len(folder) :]
        is_folder, name = name.endswith("/"), name.removesuffix("/")
        if name and "/" not in name and name not in (".", "..") and "\0" not in name:
            self.found[name] = Entry(name, is_folder)
            self._last = name
