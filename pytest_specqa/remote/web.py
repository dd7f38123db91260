"""Servers that are read over https or http."""

from __future__ import annotations

import logging
import os
from typing import Any

import aiohttp
import fsspec
import yarl

from pytest_specqa.errors import RefusedError
from pytest_specqa.remote.index import Entry, entries
from pytest_specqa.remote.patience import PATIENCE, PassingError, Patience, require_success, unreachable
from pytest_specqa.remote.sites import Reply, Site, part, require_whole
from pytest_specqa.remote.traffic import METER

LARGEST = 1 << 30
"""Bytes of an answer beyond which it is not read: a server without parts of files is no place for larger ones."""
PIECE = 1 << 16
UNSATISFIABLE = 416


class Web(Site):
    """A web server; it is asked over fsspec's connection, which knows proxies, and passwords in ``~/.netrc``.

    Parameters
    ----------
    address : str
        ``https://HOST`` or ``http://HOST``.
    patience : Patience
        How long an answer may take.
    """

    def __init__(self, address: str, *, patience: Patience = PATIENCE) -> None:
        super().__init__(address, patience=patience)
        # What it warns of is a ~/.netrc that it cannot read, of which it repeats words.
        logging.getLogger("aiohttp.client").setLevel(logging.ERROR)
        limits = aiohttp.ClientTimeout(total=patience.whole, sock_connect=patience.connect, sock_read=patience.silent)
        # A packed file must come as it is: servers that know .gz call it an encoding, which would be undone on the way.
        kept = {"timeout": limits, "trust_env": True, "auto_decompress": False}
        self._files = fsspec.filesystem("http", skip_instance_cache=True, client_kwargs=kept)

    async def _get(self, key: str, start: int, stop: int) -> Reply:
        if start >= stop:
            raise ValueError("no bytes are asked for")
        status, headers, body = await self._request("GET", key, Range=f"bytes={start}-{stop - 1}")
        if status == UNSATISFIABLE:
            # An empty file has no first byte.
            size = headers.get("Content-Range", "").rpartition("/")[2]
            return Reply(b"", start, int(size) if size.isdecimal() else 0, *_told(headers))
        first, size = part(headers.get("Content-Range", ""), body, status=status)
        return require_whole(Reply(body, first, size, *_told(headers)), start, stop)

    async def _head(self, key: str) -> Reply:
        _, headers, _ = await self._request("HEAD", key)
        length = headers.get("Content-Length", "")
        return Reply(b"", 0, int(length) if length.isdecimal() else 0, *_told(headers))

    async def _list(self, key: str, more: str) -> tuple[dict[str, Entry], str]:  # noqa: ARG002
        folder = f"{key}/" if key else ""
        _, headers, body = await self._request("GET", folder)
        if "html" not in headers.get("Content-Type", "html"):
            raise unreachable(self.where(folder), found="no listing of the folder")
        return entries(body.decode("utf-8", errors="replace"), address=self.where(folder)), ""

    async def _request(self, method: str, key: str, **headers: str) -> tuple[int, Any, bytes]:
        where = self.where(key)
        session = await self._files.set_session()
        asked = {"Accept-Encoding": "identity", **headers}
        url = yarl.URL(where, encoded=True)
        try:
            async with session.request(method, url, headers=asked, allow_redirects=False) as answer:
                if not (answer.status == UNSATISFIABLE and "Range" in headers):
                    require_success(answer.status, where=where, retry_after=answer.headers.get("Retry-After", ""))
                return answer.status, answer.headers, await self._body(answer, where)
        except FileNotFoundError:
            raise
        except aiohttp.ClientConnectorCertificateError as error:
            raise RefusedError(
                f"{where}: found no trustworthy certificate ({_word(error)}); expected one; see SSL_CERT_FILE"
            ) from None
        except TimeoutError:
            raise PassingError("no answer in time") from None
        except aiohttp.ClientPayloadError:
            raise PassingError("a transfer that was cut off") from None
        except (aiohttp.ClientError, OSError) as error:
            raise PassingError(f"no connection ({_word(error)})") from None

    @staticmethod
    async def _body(answer: Any, where: str) -> bytes:
        if int(answer.headers.get("Content-Length") or 0) > LARGEST and answer.method != "HEAD":
            raise unreachable(
                where, found=f"a server that sends {answer.headers['Content-Length']} bytes at once and no parts of them"
            )
        body = bytearray()
        async for chunk in answer.content.iter_chunked(PIECE):
            METER.came(len(chunk))
            body += chunk
            if len(body) > LARGEST:
                raise unreachable(where, found=f"more than {LARGEST} bytes at once")
        return bytes(body)


def _told(headers: Any) -> tuple[str, str]:
    return headers.get("ETag", ""), headers.get("Last-Modified", "")


def _word(error: Exception) -> str:
    """Name an error by its kind: what it says may hold what the user typed."""
    inner = getattr(error, "os_error", error)
    if not isinstance(inner, OSError) or not inner.errno:
        return type(error).__name__
    # A name that cannot be resolved has a negative number, and words of its own.
    return os.strerror(inner.errno) if inner.errno > 0 else str(inner.strerror)
