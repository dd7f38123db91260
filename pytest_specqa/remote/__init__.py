"""Files and folders of a production that lie on a server, over https or in S3; all that is asked of a server is asked here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pytest_specqa.remote.ahead import AHEAD
from pytest_specqa.remote.index import Entry
from pytest_specqa.remote.place import RemotePath, is_address
from pytest_specqa.remote.traffic import METER, Traffic

if TYPE_CHECKING:
    from typing import TypeGuard


def is_remote(path: Path) -> TypeGuard[RemotePath]:
    """Tell whether a path means a file or folder on a server."""
    return isinstance(path, RemotePath)


def place(text: str) -> Path:
    """Take what a user gives for a folder.

    Parameters
    ----------
    text : str
        A path, or an address of https, http or S3.

    Returns
    -------
    Path
        A `RemotePath` for an address.

    Raises
    ------
    UsageError
        If it is an address of another kind, or one that holds what must not be shown.
    """
    return RemotePath.of(text) if is_address(text) else Path(text)


def open_stream(path: RemotePath) -> BinaryIO:
    """Open a file on a server to be read from its beginning.

    Parameters
    ----------
    path : RemotePath
        The file.

    Returns
    -------
    file
        It asks for a megabyte or more at once and for nothing behind what is read, knows the size of the file, and ends early only
        where the file does.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnreachableError
        If no retry brings it, or the user may not read it (`RefusedError`, a usage error); so does reading.
    """
    return path.open_forward()


def listing(folder: RemotePath) -> Mapping[str, Entry]:
    """List a folder on a server, once in this process.

    Parameters
    ----------
    folder : RemotePath
        The folder.

    Returns
    -------
    mapping of str to Entry
        By name; empty where there is no such folder.

    Raises
    ------
    UnreachableError
        As `open_stream` does.
    """
    return folder.site.entries(folder.key) or {}


def state(path: RemotePath) -> str:
    """Tell one content of a file from another without reading it.

    Parameters
    ----------
    path : RemotePath
        The file.

    Returns
    -------
    str
        Its ETag, else its size and Last-Modified; empty where the server says neither. What was read or listed in this process is
        not asked for again.

    Raises
    ------
    FileNotFoundError
        If there is none.
    UnreachableError
        As `open_stream` does.
    """
    return path.site.mark(path.key)


def keep_in(folder: Path | None, most: int) -> None:
    """Keep from now on what this process reads from servers in a folder of this machine.

    Parameters
    ----------
    folder : Path or None
        Made where it is not there; ``None`` keeps nothing.
    most : int
        Bytes that it may take.

    Raises
    ------
    UsageError
        If nothing can be written there.
    """
    from pytest_specqa.remote import shelf  # noqa: PLC0415

    shelf.KEPT.shelf = shelf.Shelf(folder, most) if folder else None


def forget() -> None:
    """Forget all listings and states: the next look at each asks its server again."""
    from pytest_specqa.remote import sites  # noqa: PLC0415

    sites.forget()


def traffic() -> Traffic:
    """Return what this process has asked of servers so far, and what came back."""
    return METER.traffic


__all__ = [
    "AHEAD",
    "Entry",
    "RemotePath",
    "Traffic",
    "forget",
    "is_address",
    "is_remote",
    "keep_in",
    "listing",
    "open_stream",
    "place",
    "state",
    "traffic",
]
