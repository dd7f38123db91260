"""How long a server is waited for, and what each of its refusals means."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from pytest_specqa.errors import RefusedError, UnreachableError

Answer = TypeVar("Answer")

PASSING = frozenset({408, 425, 429})
"""Statuses below 500 that another try may end; all from 500 on may."""
GONE = frozenset({404, 410})
REFUSED = frozenset({401, 403, 407})
WEARY = 3
"""After so many requests in a row that no retry brought, each next one is tried once until one succeeds."""


@dataclass(frozen=True)
class Patience:
    """How often and after what time a request is repeated, and how long each may take.

    Attributes
    ----------
    tries : int
        Requests in all.
    first, most : float
        Seconds before the second request, doubled before each further one up to `most`; up to a quarter is left to chance, so that
        many processes do not come back together.
    asked : float
        Seconds that a server may ask for by Retry-After; it is asked again after these where it asked for more.
    connect, silent, whole : float
        Seconds in which a connection must be made, in which some bytes must come, and in which all must have come.
    """

    tries: int = 5
    first: float = 0.5
    most: float = 8.0
    asked: float = 60.0
    connect: float = 10.0
    silent: float = 30.0
    whole: float = 600.0

    def pause(self, number: int, asked: float | None) -> float:
        """Seconds between a try and the next one.

        Parameters
        ----------
        number : int
            The try that failed, from 1.
        asked : float or None
            What the server asked for.

        Returns
        -------
        float
            Not less than the server asked for, within the bound.
        """
        usual: float = min(self.first * 2 ** (number - 1), self.most) * random.uniform(0.75, 1.25)
        return usual if asked is None else max(usual, min(asked, self.asked))


PATIENCE = Patience()


class PassingError(Exception):
    """What another try may mend.

    Parameters
    ----------
    found : str
        What came instead of the answer.
    wait : float, optional
        Seconds that the server asks for.
    """

    def __init__(self, found: str, *, wait: float | None = None) -> None:
        super().__init__(found)
        self.found, self.wait = found, wait


class Retrying:
    """Asks one server again where another try may help.

    Parameters
    ----------
    patience : Patience
        How often.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._in_vain = 0

    def __call__(self, ask: Callable[[bool], Answer], *, where: str) -> Answer:
        """Ask until an answer comes.

        Parameters
        ----------
        ask : callable
            Makes one request; is told whether it repeats one. Raises `PassingError` where another may help.
        where : str
            The address, for the error.

        Returns
        -------
        object
            What `ask` returned.

        Raises
        ------
        UnreachableError
            If no try brought it.
        """
        tries = self.patience.tries if self._in_vain < WEARY else 1
        for number in range(1, tries + 1):
            try:
                answer = ask(number > 1)
            except PassingError as error:
                last = error
            else:
                self._in_vain = 0
                return answer
            if number < tries:
                wait(self.patience.pause(number, last.wait))
        self._in_vain += 1
        raise unreachable(where, found=f"{last.found}{f' in each of {tries} tries' if tries > 1 else ''}") from None


def wait(duration: float) -> None:
    """Let so many seconds pass."""
    time.sleep(duration)


def unreachable(where: str, *, found: str) -> UnreachableError:
    """Say that an address gave nothing that can be judged."""
    return UnreachableError(f"{where}: found {found}; expected an answer of the server; run again when it answers")


def require_success(status: int, *, where: str, code: str = "", retry_after: str = "") -> None:
    """Say what the status of an answer means.

    Parameters
    ----------
    status : int
        Of HTTP.
    where : str
        The address, without anything secret.
    code : str
        What the server calls the reason, in one word.
    retry_after : str
        What it says in Retry-After.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RefusedError
        If the user may not read it, or it is elsewhere; an address that a server sends is never opened.
    PassingError
        If another try may help.
    UnreachableError
        If none would.
    """
    if status in (200, 206):
        return
    said = _said(status, code)
    if status in GONE:
        raise FileNotFoundError(where)
    if status in REFUSED:
        do = "give the address of a production that you may read, or your credentials (~/.netrc for https, the AWS profile for s3)"
        raise RefusedError(f"{where}: found {said}; expected leave to read it; {do}")
    if 300 <= status < 400:
        raise RefusedError(f"{where}: found {said}, a way to another address; expected the files themselves; give that address")
    if status in PASSING or status >= 500:
        raise PassingError(said, wait=seconds(retry_after))
    raise unreachable(where, found=said)


def _said(status: int, code: str) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return " ".join(filter(None, (str(status), code if code.isalnum() and not code.isdecimal() else phrase)))


def seconds(retry_after: str) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date; ``None`` where it says nothing that can be read."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
