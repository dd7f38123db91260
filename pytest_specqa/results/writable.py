"""Whether a file can be written, found out before the work whose results it is for; what is there already is not touched."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from pytest_specqa.errors import UsageError

PROBE = bytes(range(256)) * 64
"""Written to see whether there is room: the blocks of a file system are as large as 4 kB."""
ADVICE = {
    errno.ENOSPC: "the disk is full; make room, or choose another place",
    errno.EDQUOT: "your quota is used up; make room, or choose another place",
    errno.EFBIG: "files may not be as large (ulimit -f); choose a larger limit",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "its links lead in a circle; choose another place",
    errno.ENOENT: "there is no such folder; make it first, or choose another",
    errno.ENOTDIR: "a part of its folder is a file; choose a folder that exists",
}


def why_not(error: OSError) -> str:
    """Say what an error of the system means for who wants to write, and what to do."""
    said = error.strerror or str(error) or type(error).__name__
    return ADVICE.get(error.errno or 0, f"{said}; choose a folder that exists and is yours")


def verify(path: str | Path, *, option: str = "") -> None:
    """Raise unless a file can be written whole: a temporary one beside it is written, and removed.

    Parameters
    ----------
    path : path
        Of the file, whether or not it exists.
    option : str
        What asked for it, for the message.

    Raises
    ------
    UsageError
        In one line: for a folder that is missing, full or not writable, a file that may not be changed, and for anything that is
        no regular file, such as a folder, a pipe, a device or a link that leads nowhere.
    """
    path = Path(path)
    where = f"{option} {path}" if option else str(path)
    try:
        problem = _problem(path)
        if not problem:
            _probe(path)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        problem = why_not(error) if isinstance(error, OSError) else f"is no name of a file ({error}); choose another"
    if problem:
        raise UsageError(f"{where}: cannot be written: {problem}")


def _problem(path: Path) -> str:
    """What a look at the file tells; empty if it is new or may be replaced."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            return f"it is a link to {path.readlink()}, which does not exist; remove the link, or choose another name"
        return ""
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, a device or a socket"
        return f"it is {kind}; expected the name of a file"
    return "" if os.access(path, os.W_OK) else "the file is write-protected; change its mode, or choose another name"


def _probe(path: Path) -> None:
    folder = path.resolve().parent
    handle, name = tempfile.mkstemp(dir=folder, prefix=".specqa-probe-")
    try:
        view = memoryview(PROBE)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
        Path(name).unlink(missing_ok=True)
