"""The lock of a results file: as long as a run holds its journal open, no other run may write the results.

The lock is ``flock`` of the journal, which ends with the process however it ends. Where a file system has no locks, to have made
the file is the lock, and a run that is known to have ended lets go of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.journal import FORMAT, Line, asides, beside, number_of, packed, read
from pytest_specqa.results.writable import why_not

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
TRIES = 20


class BusyError(ResultsError):
    """A results file that another run is writing."""


class Journal:
    """The journal of a run that is going on; as long as it is open no other run may write the results.

    Parameters
    ----------
    path : Path
        Where it lies.
    handle : int
        Open for reading and writing, empty, and locked where the file system can.
    aside : Path or None
        Where the journal of an earlier run, which did not end, has been moved.
    """

    def __init__(self, path: Path, handle: int, *, aside: Path | None = None) -> None:
        self.path = path
        self.aside = aside
        self.problem = ""
        self._handle = handle
        self._size = 0
        self._pending: list[bytes] = []

    def append(self, lines: Sequence[Line], *, sync: bool) -> None:
        """Write lines; what does not fit on the disk now is tried again with those that follow.

        Parameters
        ----------
        lines : sequence of mapping
            Each becomes a line.
        sync : bool
            Whether they have to survive a power cut from now on.
        """
        self._pending += [packed(line) for line in lines]
        rest = memoryview(b"".join(self._pending))
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            if sync:
                os.fsync(self._handle)
        except OSError as error:
            self.problem = f"{self.path}: {error.strerror or error}"
            # Half a line would spoil the next one.
            os.ftruncate(self._handle, self._size)
            os.lseek(self._handle, self._size, os.SEEK_SET)
            return
        self._size += sum(map(len, self._pending))
        self._pending.clear()
        self.problem = ""

    def is_ours(self) -> bool:
        """Tell whether the file still has its name: another run, where locks do not reach, may have moved it."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._handle))
        except OSError:
            return False

    def close(self, *, remove: bool) -> None:
        """Let the results file go to others; remove the journal if what it holds is in the results."""
        if self._handle < 0:
            return
        if remove and self.is_ours():
            self.path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = -1


def is_live(path: Path) -> bool:
    """Tell whether a run that has not ended holds a journal."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return not _is_dead(path)
    finally:
        os.close(handle)
    return False


def _is_dead(path: Path) -> bool:
    """Where nothing can be locked: whether the process that wrote a journal is known to have ended."""
    try:
        header = read(path).header
    except ResultsError:
        return False
    if header.get("host") != socket.gethostname() or not isinstance(header.get("pid"), int):
        return False
    try:
        os.kill(header["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(header["pid"] == os.getpid())


def begin(target: Path, header: Line) -> Journal:
    """Open the journal of a results file for a run, and keep other runs from it.

    Parameters
    ----------
    target : Path
        The results file.
    header : mapping
        First line; needs ``run``.

    Returns
    -------
    Journal
        With nothing but the header. The journal of an earlier run that did not end is kept, as ``aside``.

    Raises
    ------
    BusyError
        If another run is writing the file.
    ResultsError
        If it cannot be written.
    """
    path, aside = beside(target), None
    for _ in range(TRIES):
        try:
            handle, made = _opened(path)
        except OSError as error:
            raise ResultsError(f"{path}: cannot be written: {why_not(error)}") from None
        try:
            if not _hold(handle, path, made=made):
                os.close(handle)
                continue
            if os.fstat(handle).st_size:
                if _holds_checks(path):
                    aside = _moved(path)
                    os.close(handle)
                    continue
                os.ftruncate(handle, 0)
        except (BusyError, OSError) as error:
            os.close(handle)
            if isinstance(error, BusyError):
                raise BusyError(f"{target}: {error}") from None
            raise ResultsError(f"{path}: cannot be written: {why_not(error)}") from None
        journal = Journal(path, handle, aside=aside)
        journal.append([{"journal": FORMAT, **header}], sync=True)
        _sync_folder(path.parent)
        return journal
    raise BusyError(f"{target}: other runs open and close {path.name} all the time; choose another results file")


def _opened(path: Path) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        try:
            return os.open(path, flags), False
        except FileNotFoundError:
            return _opened(path)


def _hold(handle: int, path: Path, *, made: bool) -> bool:
    """Lock the file; False if it has lost its name meanwhile and the next try may meet another."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(f"{_who(path)} is writing it; wait until it has ended, or choose another file") from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        # To have made it is the lock.
        if not made and not _is_dead(path):
            raise BusyError(f"{_who(path)} may be writing it (there are no locks here); if it has ended, remove {path}") from None
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _who(path: Path) -> str:
    try:
        return f"another run (started by {read(path).told})"
    except ResultsError:
        return "another run"


def _holds_checks(path: Path) -> bool:
    try:
        return bool(read(path).checks)
    except ResultsError:
        return True


def _moved(path: Path) -> Path:
    """Move a journal out of the way, to the first number that is free."""
    taken = [int(number_of(path, other)) for other in asides(path)]
    aside = path.with_name(f"{path.name}.{max(taken, default=0) + 1}")
    path.rename(aside)
    return aside


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems have no way to bring a folder to the disk.
        if error.errno not in (errno.EINVAL, *NO_LOCKS):
            raise
    finally:
        os.close(handle)
