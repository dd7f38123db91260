"""The journal beside a results file: what a run has judged so far, on disk before the run has ended.

Lines are JSON objects ``{"sum": CRC32, "line": {...}}``; the sum is that of the bytes of the inner object. The first line is the
header (key ``run``); then come ``plan`` (how many checks each unit has), ``inputs`` (what files were like, by name) and ``check``
(one test with its records). A line whose sum is wrong, such as the last one after a power cut, is left out and counted.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import socket
import stat
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.records import check
from pytest_specqa.values import Record

FORMAT = 1
SUFFIX = ".journal"
LINE = re.compile(rb'\{"sum": "([0-9a-f]{8})", "line": (.*)\}\n', re.DOTALL)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
TRIES = 20

Line = Mapping[str, Any]


def beside(target: Path) -> Path:
    """Name the journal of a results file."""
    target = Path(os.path.realpath(target))
    return target.with_name(target.name + SUFFIX)


def asides(path: Path) -> list[Path]:
    """Journals of earlier runs that did not end, moved out of the way of `path`; oldest first."""
    found = [(int(end), other) for other in path.parent.glob("*") if (end := _number(path, other))]
    return [other for _, other in sorted(found)]


def _number(path: Path, other: Path) -> str:
    end = other.name.removeprefix(f"{path.name}.")
    return end if end != other.name and end.isdecimal() else ""


class BusyError(ResultsError):
    """A results file that another run is writing."""


@dataclass(frozen=True)
class Judged:
    """A test that has reported.

    Attributes
    ----------
    nodeid, unit : str
        The test and what it judged.
    records : list of Record
        What it measured.
    lost : bool
        Whether the process that ran it died: it has to be judged again.
    """

    nodeid: str
    unit: str
    records: list[Record]
    lost: bool = False


@dataclass
class Contents:
    """What a journal holds.

    Attributes
    ----------
    path : Path
        Where it lies.
    header : dict
        ``journal`` (version of the format), ``run``, ``target``, ``pid``, ``host``, ``since``, ``base`` ...
    planned : int or None
        Number of checks that the run meant to make, if it came to know.
    units : dict of str to int
        The same for each unit.
    inputs : dict of str to object
        What files and folders were like when a check had read them, by name.
    checks : dict of str to Judged
        By node id.
    damaged : int
        Number of lines that cannot be trusted; the last one is often cut short.
    """

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    planned: int | None = None
    units: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Judged] = field(default_factory=dict)
    damaged: int = 0

    @property
    def told(self) -> str:
        """Say in a few words who wrote it."""
        who = f"pid {self.header.get('pid', '?')} on {self.header.get('host', '?')}"
        return f"{who} since {self.header.get('since', '?')}"

    @property
    def progress(self) -> str:
        """Say how far the run came."""
        return f"{len(self.checks)} of {self.planned if self.planned is not None else 'an unknown number of'} checks"

    def take(self, line: Line) -> None:
        """Take in one line."""
        if "run" in line:
            self.header = dict(line)
        elif "plan" in line:
            self.planned, self.units = int(line["plan"]), {str(unit): int(number) for unit, number in line["units"].items()}
        elif "inputs" in line:
            self.inputs.update(line["inputs"])
        else:
            records = [check(record, where=f"{self.path}: {line['check']}") for record in line["records"]]
            self.checks[str(line["check"])] = Judged(str(line["check"]), str(line["unit"]), records, bool(line.get("lost")))


def read(path: Path) -> Contents:
    """Read a journal, as far as it can be trusted.

    Raises
    ------
    ResultsError
        If it is no regular file, cannot be read or is no journal.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ResultsError(f"{path}: is no regular file, expected the journal of a run")
            found = Contents(path)
            for raw in stream:
                _take(found, raw)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not found.header:
        raise ResultsError(f"{path}: is no journal of pytest-specqa, or its first line is damaged")
    if found.header.get("journal") != FORMAT:
        form = found.header.get("journal")
        raise ResultsError(f"{path}: is a journal of format {form!r}, expected {FORMAT}; use the version that wrote it")
    return found


def _take(found: Contents, raw: bytes) -> None:
    match = LINE.fullmatch(raw)
    if match is None or f"{zlib.crc32(match[2]):08x}" != match[1].decode():
        found.damaged += 1
        return
    try:
        found.take(json.loads(match[2]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ResultsError):
        found.damaged += 1


def packed(line: Line) -> bytes:
    """Return a line with its sum, as it is on disk."""
    body = json.dumps(line, allow_nan=False).encode()
    return b'{"sum": "%08x", "line": %s}\n' % (zlib.crc32(body), body)


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
            raise ResultsError(f"{path}: cannot be written ({error.strerror}); choose a folder that exists and is yours") from None
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
            raise ResultsError(f"{path}: cannot be written ({error.strerror}); choose a folder that is yours") from None
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
    taken = [int(_number(path, other)) for other in asides(path)]
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
