"""Servers: what is asked of each, how often, and what is kept of the answers."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from pytest_specqa.errors import UsageError
from pytest_specqa.remote.ahead import AHEAD
from pytest_specqa.remote.index import Entry
from pytest_specqa.remote.patience import PATIENCE, PassingError, Patience, Retrying
from pytest_specqa.remote.shelf import KEPT
from pytest_specqa.remote.traffic import FILE, HEAD, LISTING, METER

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Reply:
    """Part of a file, and what the server says of all of it.

    Attributes
    ----------
    body : bytes
        The part.
    start : int
        Offset of its first byte.
    size : int
        Bytes of the file.
    etag : str
        What tells this content from another, or empty.
    modified : str
        Last-Modified, or empty.
    """

    body: bytes
    start: int
    size: int
    etag: str = ""
    modified: str = ""

    @property
    def mark(self) -> str:
        """What tells this content from another: the ETag, else size and time of writing; empty where the server gives neither."""
        return self.etag or (f"{self.size} {self.modified}" if self.modified else "")


class Site(ABC):
    """A server, or a bucket on one: the only place that asks it anything.

    Parameters
    ----------
    address : str
        Such as ``https://HOST`` or ``s3://BUCKET``.
    patience : Patience
        How often a request is repeated, and how long one may take.
    """

    def __init__(self, address: str, *, patience: Patience = PATIENCE) -> None:
        self.address, self.patience = address, patience
        self._listing_lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Forget listings and states of files, and that requests were in vain; connections stay."""
        self._listings: dict[str, Mapping[str, Entry] | None] = {}
        self._marks: dict[str, str] = {}
        self._retrying = Retrying(self.patience)

    def entries(self, key: str) -> Mapping[str, Entry] | None:
        """List a folder, once.

        Parameters
        ----------
        key : str
            Its name, without a slash at either end.

        Returns
        -------
        mapping of str to Entry or None
            By name; ``None`` where there is no such folder. Where a listing that is kept lacks it, nothing is asked.

        Raises
        ------
        UnreachableError
            If the server does not answer, or refuses.
        """
        with self._listing_lock:
            if key not in self._listings:
                self._listings[key] = None if self._is_missing(key) else self._listed(key)
            return self._listings[key]

    def entry(self, key: str) -> Entry | None:
        """Look for a file or folder where its parent is listed, or may be; the folder at the top is always there."""
        parent, _, name = key.rpartition("/")
        return (self.entries(parent) or {}).get(name) if key else Entry("", is_folder=True)

    def has_listed(self, key: str) -> bool:
        """Tell whether the listing of a folder is kept."""
        return key in self._listings

    def read(self, key: str, start: int, stop: int) -> Reply:
        """Read part of a file.

        Parameters
        ----------
        key : str
            Its name.
        start, stop : int
            Offsets of the first byte and of the one behind the last; those behind the end of the file are left out.

        Returns
        -------
        Reply
            The first of these bytes at least, and all of them where they come from the server; more where it gives no parts.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        UnreachableError
            If the server does not answer, or refuses.
        """
        if (waiting := AHEAD.find(self, key, start)) is not None:
            return waiting
        if KEPT.shelf is not None and (kept := KEPT.shelf.find(self, key, start)) is not None:
            return kept
        reply = self._ask(FILE, key, lambda: self._get(key, start, stop))
        self._marks[key] = reply.mark
        if KEPT.shelf is not None:
            KEPT.shelf.put(self, key, reply)
        return reply

    def mark(self, key: str) -> str:
        """Tell one content of a file from another; empty where the server says nothing. `FileNotFoundError` where there is none.

        What a listing that is kept lacks is not asked for: every check of a night asks after the table that a release has not.
        """
        if key not in self._marks:
            parent, _, name = key.rpartition("/")
            kept = (self._listings.get(parent) or {}).get(name)
            if kept is None and (parent in self._listings or self._is_missing(parent)):
                raise FileNotFoundError(self.where(key))
            self._marks[key] = kept.etag if kept and kept.etag else self._ask(HEAD, key, lambda: self._head(key)).mark
        return self._marks[key]

    def where(self, key: str) -> str:
        """Address of a file or folder, without anything secret."""
        return f"{self.address}/{quote(key)}"

    def _is_missing(self, key: str) -> bool:
        """Tell whether a listing that is kept says that there is no such folder."""
        while key:
            key, _, name = key.rpartition("/")
            if key in self._listings:
                found = (self._listings[key] or {}).get(name)
                return found is None or not found.is_folder
        return False

    def _listed(self, key: str) -> Mapping[str, Entry] | None:
        found: dict[str, Entry] = {}
        more = ""
        try:
            while True:
                page, more = self._ask(LISTING, key, lambda token=more: self._list(key, token))  # type: ignore[misc]
                found.update(page)
                if not more:
                    break
        except FileNotFoundError:
            return None
        return found

    def _ask(self, kind: str, key: str, request: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        def once(again: bool) -> Answer:
            METER.asked(kind, again=again)
            return self._run(request)

        return self._retrying(once, where=self.where(key))

    @staticmethod
    def _run(request: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        from fsspec.asyn import get_loop, sync  # noqa: PLC0415

        answer: Answer = sync(get_loop(), request)
        return answer

    @abstractmethod
    async def _get(self, key: str, start: int, stop: int) -> Reply:
        """Ask for part of a file, once."""

    @abstractmethod
    async def _head(self, key: str) -> Reply:
        """Ask what tells the content of a file from another, once."""

    @abstractmethod
    async def _list(self, key: str, more: str) -> tuple[dict[str, Entry], str]:
        """Ask for the names in a folder, once, and how to ask for those that are left."""


def require_whole(reply: Reply, start: int, stop: int) -> Reply:
    """Raise `PassingError` unless an answer has all bytes that were asked for: a transfer that was cut is no file that was."""
    wanted = min(stop, reply.size) - start
    came = reply.start + len(reply.body) - start
    if reply.start > start or came < wanted:
        raise PassingError(f"a transfer that ended after {max(came, 0)} of {wanted} bytes")
    return reply


def part(header: str, body: bytes, *, status: int) -> tuple[int, int]:
    """Offset and size that Content-Range tells; without it the body is the whole file.

    Parameters
    ----------
    header : str
        Content-Range, or empty.
    body : bytes
        What came.
    status : int
        Of the answer.

    Returns
    -------
    int
        Offset of the first byte.
    int
        Bytes of the file.

    Raises
    ------
    PassingError
        If it is said to be a part and not which.
    """
    place, _, size = header.removeprefix("bytes").strip().partition("/")
    if size.isdecimal() and place.partition("-")[0].isdecimal():
        return int(place.partition("-")[0]), int(size)
    if header or status == 206:
        raise PassingError(f"part of a file that does not say which ({header[:40]!r})")
    return 0, len(body)


_SITES: dict[tuple[int, str], Site] = {}
_SITES_LOCK = threading.Lock()


def site_of(scheme: str, host: str) -> Site:
    """Return the one site of an address in this process.

    Parameters
    ----------
    scheme, host : str
        As in ``https://HOST`` or ``s3://BUCKET``.

    Returns
    -------
    Site
        Another one after a fork: connections are not shared.

    Raises
    ------
    UsageError
        If the packages that it needs are not installed.
    """
    address = f"{scheme}://{host}"
    with _SITES_LOCK:
        key = os.getpid(), address
        if key not in _SITES:
            _SITES[key] = _new(scheme, address)
        return _SITES[key]


def forget() -> None:
    """Forget all listings and states: the next look at each asks its server again."""
    with _SITES_LOCK:
        for site in _SITES.values():
            site.forget()


def _new(scheme: str, address: str) -> Site:
    try:
        if scheme == "s3":
            from pytest_specqa.remote.bucket import Bucket  # noqa: PLC0415

            return Bucket(address)
        from pytest_specqa.remote.web import Web  # noqa: PLC0415

        return Web(address)
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise UsageError(
            f"{address}: found no package {name}; expected it for {scheme}; pip install 'pytest-specqa[remote]'"
        ) from None
