"""Files on a server that are read from the front: a few large requests, and nothing behind what is wanted."""

from __future__ import annotations

import os
import zlib
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_specqa.opening import ForwardFile, State, changed
from pytest_specqa.remote.ahead import AHEAD as READ_AHEAD
from pytest_specqa.remote.sites import Reply, Site

if TYPE_CHECKING:
    from pytest_specqa.remote.place import RemotePath

FIRST, AHEAD = 1 << 18, 1 << 20
"""Bytes that are read at least: at first and after a jump, which lead to headers of which few are needed, and doubled with each
request that goes on, up to the most. Of a packed frame of 47 MB the first four HDUs are 8.3 MB: these, the most, and half a
megabyte that the inflating reader takes ahead are 21 %; a quarter of it would take four times the requests."""
AT_ONCE = 1 << 22
"""Bytes of one request at most, so that a slow line need not repeat more."""


class RemoteFile(ForwardFile):
    """A file that is opened for reading.

    Parameters
    ----------
    path : RemotePath
        Its name.
    site : Site
        Its server.

    Raises
    ------
    FileNotFoundError
        If there is none.
    UnreachableError
        If the server does not answer, or refuses; so does reading.
    """

    def __init__(self, path: RemotePath, site: Site) -> None:
        super().__init__()
        self._path, self._site, self._at, self._front = path, site, 0, 0
        READ_AHEAD.opened(path)
        first, self._ahead = site.read(path.key, 0, FIRST), FIRST
        self._kept, self._kept_from = memoryview(first.body), first.start
        self._written = first.modified or first.etag
        self.size = first.size
        self.state = _state(first)

    def close(self) -> None:
        """End reading, so that as much may be read of the file that follows."""
        if not self.closed:
            READ_AHEAD.closed(self._path, self._front)
        super().close()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from any place."""
        return True

    def tell(self) -> int:
        """Offset of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to another place; nothing is asked of the server."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("an offset before the beginning of the file")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, fewer only where the file ends: what is cut on the way raises `UnreachableError`."""
        left = max(self.size - self._at, 0)
        count = left if size is None or size < 0 else min(size, left)
        parts = []
        while count:
            parts.append(self._next(count))
            count -= len(parts[-1])
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Return some of the next bytes, of one request at most."""
        left = max(self.size - self._at, 0)
        return bytes(self._next(left if size < 0 else min(size, left))) if left and size else b""

    def _next(self, count: int) -> memoryview:
        """Return the next bytes, `count` at most, from what is kept or from the server."""
        at = self._at - self._kept_from
        if not 0 <= at < len(self._kept):
            self._fetch(count)
            at = self._at - self._kept_from
        found = self._kept[at : at + count]
        if self._at <= self._front:
            self._front = max(self._front, self._at + len(found))
        self._at += len(found)
        return found

    def _fetch(self, count: int) -> None:
        goes_on = self._at == self._kept_from + len(self._kept)
        self._ahead = min(2 * self._ahead, AHEAD) if goes_on else FIRST
        stop = min(self._at + min(max(count, self._ahead), AT_ONCE), self.size)
        reply = self._site.read(self._path.key, self._at, stop)
        if reply.size != self.size or (reply.modified or reply.etag) != self._written:
            raise changed(self._path, "was replaced")
        self._kept, self._kept_from = memoryview(reply.body), reply.start


def _state(reply: Reply) -> State:
    """State of a file; of an ETag, which differs between the servers of one name, only where nothing else tells."""
    written = _nanoseconds(reply.modified)
    return State(0, 0 if written else zlib.crc32(reply.etag.encode()), reply.size, written)


def _nanoseconds(modified: str) -> int:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return int(parse(modified).timestamp()) * 10**9
        except (TypeError, ValueError, OverflowError):
            continue
    return 0
