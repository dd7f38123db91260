"""Count what is asked of servers and what comes back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

LISTING, FILE, HEAD = "listing", "file", "head"


@dataclass(frozen=True)
class Traffic:
    """Requests of this process, and the bytes of the bodies that answered them.

    Attributes
    ----------
    requests : int
        All of them, those that were repeated among them.
    bytes : int
        Of all bodies, those that were cut off among them.
    retries : int
        Requests that repeated one that had failed.
    by_kind : mapping of str to int
        Requests for a ``listing``, for part of a ``file``, and for what tells its content from another, ``head``.
    """

    requests: int = 0
    bytes: int = 0
    retries: int = 0
    by_kind: Mapping[str, int] = field(default_factory=dict)


class Meter:
    """Counts; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._bytes = self._retries = 0

    def asked(self, kind: str, *, again: bool) -> None:
        """Count a request."""
        with self._lock:
            self._requests[kind] += 1
            self._retries += again

    def came(self, count: int) -> None:
        """Count bytes."""
        with self._lock:
            self._bytes += count

    @property
    def traffic(self) -> Traffic:
        """What was counted so far."""
        with self._lock:
            return Traffic(self._requests.total(), self._bytes, self._retries, dict(self._requests))


METER = Meter()
