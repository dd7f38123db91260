"""What was read from servers, kept in a folder of this machine, of which it fills no more than the user grants."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.errors import UsageError

if TYPE_CHECKING:
    from pytest_specqa.remote.sites import Reply, Site

FOLDER = "specqa-remote"
"""Below the folder of the user: nothing else of it is looked at, or removed."""
FULL, SPARE = 0.9, 0.05
"""Parts of what is granted: what is left after room was made, and what is added before it is made again."""


class Shelf:
    """Pieces of files, each with what told its content from another; what was used longest ago leaves first.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    most : int
        Bytes that it may take.

    Raises
    ------
    UsageError
        If nothing can be written there.

    Notes
    -----
    A piece is given out only where the server says that the file is still the one that it was read from, so one request for each
    file is left; of a server that tells no content from another nothing is kept. Each process makes room for itself: with more than
    two of them the folder may grow by a twentieth of what is granted for each.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder / FOLDER, most
        self._added = 0
        self._lock = threading.Lock()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            raise UsageError(f"--specqa-remote-cache {folder}: cannot be written ({error.strerror}); expected a folder") from None
        self._make_room()

    def find(self, site: Site, key: str, start: int) -> Reply | None:
        """Return a kept piece that has the byte at `start` of a file as the server has it now; ``None`` where there is none."""
        folder = self._of(site, key)
        if not folder.is_dir() or not (mark := site.mark(key)):
            return None
        for path in folder.glob(f"{_short(mark)}-*"):
            first, last = map(int, path.name.split("-")[1:3])
            if first <= start < last and (reply := _read(path, first, last)) is not None:
                with suppress(OSError):
                    os.utime(path)
                return reply
        return None

    def put(self, site: Site, key: str, reply: Reply) -> None:
        """Keep a piece; where there is no room on the disk it is not kept, which costs time and nothing else."""
        size = len(reply.body)
        if not reply.mark or not size or size > SPARE * self._most:
            return
        folder = self._of(site, key)
        path = folder / f"{_short(reply.mark)}-{reply.start}-{reply.start + size}"
        about = {"size": reply.size, "etag": reply.etag, "modified": reply.modified, "crc": zlib.crc32(reply.body)}
        partial = folder / f".{os.getpid()}-{threading.get_ident()}"
        try:
            folder.mkdir(exist_ok=True)
            partial.write_bytes(json.dumps(about).encode() + b"\n" + reply.body)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            return
        with self._lock:
            self._added += size
            if self._added > SPARE * self._most:
                self._make_room()

    def _of(self, site: Site, key: str) -> Path:
        # An address may be longer than a name may be.
        return self._folder / _short(site.where(key))

    def _make_room(self) -> None:
        self._added = 0
        found = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime_ns, state.st_size, path))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left <= FULL * self._most:
                break
            with suppress(OSError):
                path.unlink()
            with suppress(OSError):
                path.parent.rmdir()
            left -= size


@dataclass
class Kept:
    """Where this process keeps what it reads.

    Attributes
    ----------
    shelf : Shelf or None
        ``None`` where nothing is kept.
    """

    shelf: Shelf | None = None


KEPT = Kept()


def _read(path: Path, first: int, last: int) -> Reply | None:
    """Read a piece; one that is damaged is removed."""
    from pytest_specqa.remote.sites import Reply  # noqa: PLC0415

    try:
        head, _, body = path.read_bytes().partition(b"\n")
        about = json.loads(head)
        if len(body) != last - first or zlib.crc32(body) != about["crc"]:
            raise ValueError("cut short")
        return Reply(body, first, int(about["size"]), str(about["etag"]), str(about["modified"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return None


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
