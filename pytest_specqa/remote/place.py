"""Names of files and folders on a server that are used as paths are."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Self, cast
from urllib.parse import quote, unquote, urlsplit

from pytest_specqa.errors import UsageError
from pytest_specqa.opening import Elsewhere, UnfitFileError, too_large

if TYPE_CHECKING:
    from pytest_specqa.remote.index import Entry
    from pytest_specqa.remote.sites import Site

SCHEMES = ("https", "http", "s3")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Tell whether a text is meant as an address on a server, of whatever kind."""
    return bool(_ADDRESS.match(text))


class RemotePath(PosixPath, Elsewhere):
    """A file or folder on a server, named like a local one.

    It has the names, parents and children of a path, and whether it exists is read from the listing of its folder, which is asked
    for once. Nothing of it can be written, and no local file is meant by it: `os.fspath` refuses it.
    """

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Take an address that a user gives.

        Parameters
        ----------
        text : str
            ``https://HOST/FOLDER``, ``http://HOST/FOLDER`` or ``s3://BUCKET/FOLDER``.

        Returns
        -------
        RemotePath
            It holds nothing secret.

        Raises
        ------
        UsageError
            If it is no such address, or holds a password or a query; what it holds is not repeated.
        """
        parts = urlsplit(text)
        site, folder = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path
        if "@" in parts.netloc:
            where = "the AWS configuration (profile or environment)" if parts.scheme == "s3" else "~/.netrc"
            raise UsageError(f"{site}{folder}: found a user or password in the address; expected none; put them into {where}")
        if parts.query or parts.fragment:
            raise UsageError(f"{site}{folder}: found '?' or '#' in the address; expected that of a folder; leave what follows away")
        if parts.scheme not in SCHEMES or not parts.netloc:
            raise UsageError(f"{site}{folder}: expected an address like https://HOST/FOLDER or s3://BUCKET/FOLDER")
        return cls(f"{parts.scheme}:", parts.netloc, *(unquote(part) for part in folder.split("/") if part))

    @property
    def scheme(self) -> str:
        """``https``, ``http`` or ``s3``."""
        return self.parts[0].rstrip(":")

    @property
    def host(self) -> str:
        """Host and port, or bucket."""
        return self.parts[1]

    @property
    def key(self) -> str:
        """Name below the host or bucket, without a slash at either end."""
        return "/".join(self.parts[2:])

    def __str__(self) -> str:
        if len(self.parts) < 2:
            return "/".join(self.parts)
        return f"{self.parts[0]}//{self.host}{'/' if self.key else ''}{quote(self.key)}"

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __fspath__(self) -> NoReturn:
        raise UnfitFileError(self, found="an address", expected="a file of this machine", do="give a path")

    @property
    def site(self) -> Site:
        """The server."""
        from pytest_specqa.remote.sites import site_of  # noqa: PLC0415

        return site_of(self.scheme, self.host)

    def open_forward(self, *, limit: int | None = None) -> BinaryIO:
        """Open the file at its beginning; see `pytest_specqa.opening.open_regular`."""
        from pytest_specqa.remote.forward import RemoteFile  # noqa: PLC0415

        file = RemoteFile(self, self.site)
        if limit is not None and file.size > limit:
            raise too_large(self, file.size, limit)
        return cast(BinaryIO, file)

    def entries(self) -> Mapping[str, Entry]:
        """List the folder, once in this process; `FileNotFoundError` where there is none."""
        found = self.site.entries(self.key)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        return found

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002
        """Tell kind, size and time of writing as far as the listing of the folder does; the rest is 0."""
        entry = self.site.entry(self.key)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        mode = stat.S_IFDIR | 0o555 if entry.is_folder else stat.S_IFREG | 0o444
        written = _seconds(entry.modified)
        return os.stat_result((mode, 0, 0, 1, 0, 0, entry.size or 0, written, written, written))

    def lstat(self) -> os.stat_result:
        """As `stat`: a server shows no links."""
        return self.stat()

    def exists(self, **_: Any) -> bool:
        """Tell whether the listing of its folder has it."""
        return self.site.entry(self.key) is not None

    def is_file(self, **_: Any) -> bool:
        """Tell whether the listing of its folder has it as a file."""
        entry = self.site.entry(self.key)
        return entry is not None and not entry.is_folder

    def is_dir(self, **_: Any) -> bool:
        """Tell whether it is a folder: by the listing of its parent where that is kept, else by its own."""
        parent = self.key.rpartition("/")[0]
        if self.key and self.site.has_listed(parent):
            entry = self.site.entry(self.key)
            return entry is not None and entry.is_folder
        return self.site.entries(self.key) is not None

    def is_symlink(self) -> bool:
        """Tell that it is none."""
        return False

    def iterdir(self) -> Generator[Self, None, None]:
        """Files and folders in it."""
        yield from (self / name for name in sorted(self.entries()))

    def glob(self, pattern: str, *_: Any, **__: Any) -> Generator[Self, None, None]:
        """Files and folders in it whose name fits a pattern without a slash; none where it does not exist."""
        if "/" in pattern:
            raise NotImplementedError(f"{pattern}: only names of one folder are looked for")
        found = self.site.entries(self.key) or {}
        yield from (self / name for name in sorted(found) if fnmatch.fnmatchcase(name, pattern))

    def resolve(self, strict: bool = False) -> Self:  # noqa: ARG002
        """Return itself: a server shows no links."""
        return self

    def absolute(self) -> Self:
        """Return itself."""
        return self

    def is_absolute(self) -> bool:
        """Tell that it does not depend on the folder in which the program runs."""
        return True

    def as_uri(self) -> str:
        """Return its address."""
        return str(self)

    def relative_to(self, *other: Any, **words: Any) -> Path:  # type: ignore[override]
        """Return the name below a folder, as a path that is none of a server."""
        return Path(*super().relative_to(*other, **words).parts)


def _seconds(modified: str) -> int:
    for form in ("%d-%b-%Y %H:%M", "%Y-%m-%d %H:%M"):
        try:
            return int(datetime.strptime(modified, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    try:
        return int(datetime.fromisoformat(modified).timestamp())
    except ValueError:
        return 0
