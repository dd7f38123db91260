"""Files and folders of a production that lie on a server, over https or in S3; all that is asked of a server is asked here."""

from __future__ import annotations

from pathlib import Path

from pytest_specqa.remote.place import RemotePath, is_address


def is_remote(path: Path | str) -> bool:
    """Tell whether a path, or a text that a user gave for one, means something on a server."""
    return is_address(path) if isinstance(path, str) else isinstance(path, RemotePath)


__all__ = ["RemotePath", "is_remote"]
