"""Names of files and folders on a server that are used as paths are."""

from __future__ import annotations

import re
from pathlib import PosixPath
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from pytest_specqa.errors import UsageError
from pytest_specqa.opening import Elsewhere

SCHEMES = ("https", "http", "s3")
_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)}):/+", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Tell whether a text is meant as an address on a server."""
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
        if len(self.parts) < 2 or not _ADDRESS.match(self.parts[0] + "/"):
            return "/".join(self.parts)
        return f"{self.parts[0]}//{self.host}{'/' if self.key else ''}{quote(self.key)}"

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"
