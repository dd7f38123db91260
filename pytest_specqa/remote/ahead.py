"""What will be read next, read while something else is done: the line to a server need not be idle while a camera is judged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING

from pytest_specqa.errors import SpecQAError

if TYPE_CHECKING:
    from pytest_specqa.remote.place import RemotePath
    from pytest_specqa.remote.sites import Reply, Site

PIECE = 1 << 22
"""Bytes of one request."""
MOST = 128_000_000
"""Bytes that may wait to be read: what a camera of DESI needs is some 30 MB."""
MORE = 1.02
"""Files of one kind differ a little in size, and so in where the HDUs that are wanted end."""
THREADS = 2


@dataclass
class _File:
    """A file that is read ahead, from its beginning, in pieces that are asked for one after the other."""

    turn: int
    upto: int = 0
    pieces: list[tuple[range, Future[Reply]]] = field(default_factory=list)


class Ahead:
    """Reads, when a file has been read, as much of the file that follows it; two threads do it, which end with the process.

    What they could not read they say nothing of: whoever asks for it asks the server itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._follower: Callable[[RemotePath], RemotePath | None] | None = None
        self._files: dict[tuple[str, str], _File] = {}
        self._seen: set[tuple[str, str]] = set()
        self._turn = 0
        self._tasks: SimpleQueue[tuple[Future[Reply], Callable[[], Reply]]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._mine = threading.local()

    def clear(self) -> None:
        """Forget what earlier runs of this process have read."""
        with self._lock:
            self._follower = None
            for key in list(self._files):
                self._drop(key)
            self._seen.clear()

    def follow(self, follower: Callable[[RemotePath], RemotePath | None] | None) -> None:
        """Take up the next turn, in which what was read ahead in the last one is asked for.

        Parameters
        ----------
        follower : callable or None
            Names the file that will be read after another one, or ``None`` where none will; without it nothing is read ahead.
        """
        with self._lock:
            self._turn += 1
            self._follower = follower
            old = [key for key, file in self._files.items() if file.turn < self._turn - 1]
            for key in old:
                self._drop(key)

    def opened(self, path: RemotePath) -> None:
        """Hear that a file is read: there is no use in reading it ahead from now on."""
        with self._lock:
            self._seen.add(_key(path))

    def closed(self, path: RemotePath, upto: int) -> None:
        """Hear that a file was read from its beginning up to an offset, and read as much of its follower ahead."""
        if getattr(self._mine, "ahead", False):
            return
        with self._lock:
            following = self._follower(path) if self._follower else None
            if following is None or _key(following) in self._seen:
                return
            file = self._files.get(_key(following)) or _File(self._turn)
            upto = int(upto * MORE)
            if upto <= file.upto or sum(one.upto for one in self._files.values()) + upto - file.upto > MOST:
                return
            self._files[_key(following)] = file
            for start in range(file.upto, upto, PIECE):
                span = range(start, min(start + PIECE, upto))
                file.pieces.append((span, self._later(following, span.start, span.stop)))
            file.upto = upto

    def find(self, site: Site, key: str, start: int) -> Reply | None:
        """Return a piece that was, or is being, read ahead and has the byte at `start`; ``None`` where there is none."""
        if getattr(self._mine, "ahead", False):
            return None
        with self._lock:
            file = self._files.get((site.address, key))
            piece = next((piece for span, piece in file.pieces if start in span), None) if file else None
        if piece is None:
            return None
        try:
            reply = piece.result()
        except (SpecQAError, OSError):
            return None
        return reply if reply.start <= start < reply.start + len(reply.body) else None

    def _later(self, path: RemotePath, start: int, stop: int) -> Future[Reply]:
        while len(self._threads) < THREADS:
            self._threads.append(threading.Thread(target=self._work, name="specqa-ahead", daemon=True))
            self._threads[-1].start()
        future: Future[Reply] = Future()
        self._tasks.put((future, lambda: _read(path, start, stop)))
        return future

    def _work(self) -> None:
        self._mine.ahead = True
        while True:
            future, read = self._tasks.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(read())
            except Exception as error:
                future.set_exception(error)

    def _drop(self, key: tuple[str, str]) -> None:
        file = self._files.pop(key, None)
        for _, piece in file.pieces if file else ():
            piece.cancel()


def _read(path: RemotePath, start: int, stop: int) -> Reply:
    entry = path.site.entry(path.key)
    if entry is None or entry.is_folder or (entry.size is not None and entry.size <= start):
        raise FileNotFoundError(str(path))
    return path.site.read(path.key, start, stop)


def _key(path: RemotePath) -> tuple[str, str]:
    return f"{path.scheme}://{path.host}", path.key


AHEAD = Ahead()
"""That of this process."""
