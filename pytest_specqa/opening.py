"""Files that are opened to be read: a regular file at once, or a word on what it is instead; nothing that waits is waited for."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFDIR: "a folder",
}
_REGULAR = "a regular file"
PACKED = (".gz", ".fz")
"""Ends of the names of packed FITS files behind ``.fits``: of gzip and of fpack."""
FITS = (".fits", *(f".fits{end}" for end in PACKED))
"""Ends of the names of FITS files; `FITS_END` is the pattern of them."""
FITS_END = r"\.fits(?:" + "|".join(PACKED).replace(".", r"\.") + ")?"
# What the system says in words of its own, for those who must mend it; found, expected, and what to do.
_SAID = {
    errno.EACCES: ("permission denied", "a readable file", "give read permission"),
    errno.EPERM: ("permission denied", "a readable file", "give read permission"),
    errno.ELOOP: ("a loop of links", _REGULAR, "mend the link"),
    errno.ENAMETOOLONG: ("a name that is too long for the file system", "a name that it can have", "give a shorter path"),
    errno.ENOTDIR: ("a file where the path needs a folder", "a folder", "see what stands in its place"),
    errno.ESTALE: ("a stale handle: the file was removed on its server", "a file that stays", "run again"),
}


class UnfitFileError(OSError):
    """A file that cannot be read as it is; ``strerror`` says what was found and what was expected.

    Parameters
    ----------
    path : Path
        The file.
    found, expected, do : str
        What it is, what it should be, and what to do about it.
    code : int
        Number of the system's error.
    """

    def __init__(self, path: Path, *, found: str, expected: str, do: str, code: int = errno.EINVAL) -> None:
        super().__init__(code, f"{found}, expected {expected}", str(path))
        self.found, self.expected, self.do = found, expected, do


class Elsewhere:
    """A path that is none of this machine's file system, and opens itself."""

    __slots__ = ()

    def open_forward(self, *, limit: int | None = None) -> BinaryIO:
        """Open it as `open_regular` does."""
        raise NotImplementedError


class ForwardFile(BufferedIOBase):
    """What `Elsewhere` opens: a file that knows its own state, which does not change as long as it can be read.

    Attributes
    ----------
    state : State
        What tells its content from another.
    """

    state: State


class ChangedFileError(UnfitFileError):
    """A file that another process wrote, replaced or removed while it was read."""


@dataclass(frozen=True)
class State:
    """What tells one content of a file from another without reading it: device, inode, size in bytes, time of writing (ns)."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> State:
        """Take it from what the system says of a file; the time of reading is no part of it."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def open_regular(path: Path, *, limit: int | None = None) -> BinaryIO:
    """Open a regular file to read bytes.

    Parameters
    ----------
    path : Path
        The file, or a link to it.
    limit : int, optional
        Size in bytes beyond which it is refused.

    Returns
    -------
    file
        Buffered and at its beginning.

    Raises
    ------
    FileNotFoundError
        If there is none.
    UnfitFileError
        If it is a folder, FIFO, socket or device, too large, or may not be read. Nothing is waited for: a FIFO without a writer
        is named at once.
    OSError
        As the system raises it, for anything else.
    """
    if isinstance(path, Elsewhere):
        return path.open_forward(limit=limit)
    descriptor = _open(path)
    try:
        found = os.fstat(descriptor)
        _require_regular(path, found)
        if limit is not None and found.st_size > limit:
            raise too_large(path, found.st_size, limit)
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def too_large(path: Path, size: int, limit: int) -> UnfitFileError:
    """Say that a file has more bytes than it may have."""
    what, most = f"a file of {size / 1e6:,.0f} MB", f"at most {limit / 1e6:,g} MB"
    return UnfitFileError(path, found=what, expected=most, do="see what wrote it", code=errno.EFBIG)


def explained(error: OSError, path: Path) -> UnfitFileError | None:
    """Say what the system's error means for a file or folder and what to do about it; ``None`` where its own words must do."""
    if isinstance(error, UnfitFileError):
        return error
    if error.errno not in _SAID:
        return None
    found, expected, do = _SAID[error.errno]
    return UnfitFileError(path, found=found, expected=expected, do=do, code=error.errno)


def read_text(path: Path, *, limit: int) -> str:
    """Read a text file in UTF-8 that no one changes meanwhile.

    Raises
    ------
    OSError
        As `open_regular` and `require_unchanged` do.
    UnicodeDecodeError
        If it is no UTF-8.
    """
    with open_regular(path, limit=limit) as file:
        before = state(file)
        # What grows meanwhile is not read on without end.
        raw = file.read(limit + 1)
        require_unchanged(path, file, before)
    return raw.decode("utf-8")


def require_regular(path: Path) -> None:
    """Raise as `open_regular` does; for what another library opens by its name."""
    open_regular(path).close()


def state(file: BinaryIO) -> State:
    """Return the state of an open file."""
    return file.state if isinstance(file, ForwardFile) else State.of(os.fstat(file.fileno()))


def require_unchanged(path: Path, file: BinaryIO, before: State) -> None:
    """Make sure that a file is still what it was when it was opened, and still in its place.

    Parameters
    ----------
    path : Path
        Its name.
    file : file
        The open file.
    before : State
        What `state` said before the first byte was read.

    Raises
    ------
    ChangedFileError
        If it was written to, replaced or removed.
    """
    try:
        # On a server only the answers to what was read tell.
        now = state(file) if isinstance(file, ForwardFile) else State.of(path.stat())
    except OSError as error:
        what = "was removed" if isinstance(error, FileNotFoundError) else f"can no longer be found ({error.strerror})"
        raise changed(path, what) from None
    if state(file) != before:
        raise changed(path, "changed")
    if now != before:
        raise changed(path, "was replaced")


def changed(path: Path, what: str) -> ChangedFileError:
    """Say what became of a file while it was read."""
    found, do = f"a file that {what} while it was read", "run again when the pipeline is done"
    return ChangedFileError(path, found=found, expected="a finished file", do=do, code=errno.ESTALE)


def _open(path: Path) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY
    try:
        try:
            return os.open(path, flags | os.O_NONBLOCK)
        except BlockingIOError:
            # A server of files holds a lease on it, which it gives back when asked to wait.
            _require_regular(path, path.stat())
            return os.open(path, flags)
    except ValueError as error:
        raise UnfitFileError(path, found=f"a name that is none ({error})", expected="the path of a file", do="correct it") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        if said := explained(error, path):
            raise said from None
        # A socket, and a device that nothing drives, cannot be opened at all.
        _require_regular(path, path.stat())
        raise


def _require_regular(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        code = errno.EISDIR if kind == "a folder" else errno.EINVAL
        raise UnfitFileError(path, found=kind, expected=_REGULAR, do="put the file in its place", code=code)
