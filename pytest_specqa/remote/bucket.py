"""Buckets of S3, with the credentials that the user's AWS configuration gives, else without any."""

from __future__ import annotations

from typing import Any

import s3fs
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from pytest_specqa.errors import RefusedError
from pytest_specqa.remote.index import Entry
from pytest_specqa.remote.patience import PATIENCE, PassingError, Patience, require_success
from pytest_specqa.remote.sites import Reply, Site, part, require_whole
from pytest_specqa.remote.traffic import METER

PIECE = 1 << 16


class Bucket(Site):
    """A bucket.

    Parameters
    ----------
    address : str
        ``s3://BUCKET``.
    patience : Patience
        How long an answer may take.
    """

    def __init__(self, address: str, *, patience: Patience = PATIENCE) -> None:
        super().__init__(address, patience=patience)
        self.name = address.removeprefix("s3://")
        self._files: Any = None

    async def _client(self) -> Any:
        if self._files is None:
            session = AioSession()
            try:
                anonymous = await session.get_credentials() is None
            except BotoCoreError as error:
                raise RefusedError(
                    f"{self.address}: the AWS configuration cannot be read ({type(error).__name__}); correct it"
                ) from None
            # Every repetition is counted and paced in one place, for all kinds of servers.
            once = {
                "retries": {"total_max_attempts": 1},
                "connect_timeout": self.patience.connect,
                "read_timeout": self.patience.silent,
            }
            self._files = s3fs.S3FileSystem(anon=anonymous, session=session, config_kwargs=once, skip_instance_cache=True)
        return await self._files.set_session()

    async def _get(self, key: str, start: int, stop: int) -> Reply:
        answer = await self._call("get_object", key, Key=key, Range=f"bytes={start}-{stop - 1}")
        if answer is None:
            return Reply(b"", start, 0)
        body = await self._body(answer["Body"])
        first, size = part(answer.get("ContentRange") or "", body, status=200)
        return require_whole(Reply(body, first, size, *_told(answer)), start, stop)

    async def _head(self, key: str) -> Reply:
        answer = await self._call("head_object", key, Key=key)
        return Reply(b"", 0, int(answer["ContentLength"]), *_told(answer))

    async def _list(self, key: str, more: str) -> tuple[dict[str, Entry], str]:
        prefix = f"{key}/" if key else ""
        token = {"ContinuationToken": more} if more else {}
        answer = await self._call("list_objects_v2", prefix, Prefix=prefix, Delimiter="/", **token)
        length = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("content-length", "")
        METER.came(int(length) if length.isdecimal() else 0)
        found: dict[str, Entry] = {}
        for one in answer.get("CommonPrefixes", ()):
            name = one["Prefix"].removeprefix(prefix).rstrip("/")
            found[name] = Entry(name, is_folder=True)
        for one in answer.get("Contents", ()):
            if name := one["Key"].removeprefix(prefix):
                written = one.get("LastModified")
                found[name] = Entry(name, False, one.get("Size"), written.isoformat() if written else "", one.get("ETag", ""))
        if not found and not answer.get("Contents") and key:
            # There are no folders in a bucket, only names that begin alike.
            raise FileNotFoundError(self.where(key))
        return found, answer.get("NextContinuationToken", "") if answer.get("IsTruncated") else ""

    async def _call(self, name: str, key: str, **words: Any) -> Any:
        where = self.where(key)
        client = await self._client()
        try:
            return await getattr(client, name)(Bucket=self.name, **words)
        except ClientError as error:
            said = error.response.get("Error", {}).get("Code", "")
            about = error.response.get("ResponseMetadata", {})
            if said == "InvalidRange":
                return None
            wait = about.get("HTTPHeaders", {}).get("retry-after", "")
            require_success(int(about.get("HTTPStatusCode", 500)), where=where, code=said, retry_after=wait)
            raise PassingError(said or "an answer that is none") from None
        except (ConnectionError, HTTPClientError, OSError) as error:
            raise PassingError(f"no connection ({type(error).__name__})") from None
        except BotoCoreError as error:
            raise RefusedError(f"{where}: the AWS configuration does not serve ({type(error).__name__}); correct it") from None

    @staticmethod
    async def _body(stream: Any) -> bytes:
        body = bytearray()
        try:
            async with stream:
                while chunk := await stream.read(PIECE):
                    METER.came(len(chunk))
                    body += chunk
        except (BotoCoreError, OSError, ValueError) as error:
            raise PassingError(f"a transfer that was cut off ({type(error).__name__})") from None
        return bytes(body)


def _told(answer: dict[str, Any]) -> tuple[str, str]:
    written = answer.get("LastModified")
    return answer.get("ETag", ""), written.isoformat() if written else ""
