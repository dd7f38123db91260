"""One damaged file: what it was, what it is, and what was done to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bench import Bench, Tree, Variant

Rng = np.random.Generator
SPECIAL = ("empty", "folder", "fifo", "socket", "device", "loop", "dangling", "gone")


@dataclass(frozen=True)
class Draft:
    """What a mutation is given: a generator of its own, and a sound file of a kind.

    Attributes
    ----------
    rng : numpy.random.Generator
        Seeded by the name of the case.
    kind : str
        Kind of file.
    variant : Variant
        How it is written.
    bench : Bench
        Where sound files are.
    tree : Tree
        The production that is damaged.
    """

    rng: Rng
    kind: str
    variant: Variant
    bench: Bench
    tree: Tree

    @property
    def raw(self) -> bytes:
        """Bytes of the file on disk."""
        return self.bench.path(self.kind, self.variant).read_bytes()


@dataclass(frozen=True)
class Damage:
    """What comes out of a mutation: the bytes of the file, or what is put in its place; and words on what was done."""

    words: str
    raw: bytes = b""
    special: str = ""


Mutation = Callable[[Draft], Damage]


def place(damage: Damage, path: Path) -> None:
    """Put a damaged file where a sound one was."""
    if not damage.special:
        path.write_bytes(damage.raw)
        return
    makers: dict[str, Callable[[], object]] = {
        "empty": path.touch,
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "socket": lambda: _socket(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "loop": lambda: path.symlink_to(path.name),
        "dangling": lambda: path.symlink_to("nowhere"),
        "gone": lambda: None,
    }
    makers[damage.special]()


def _socket(path: Path) -> None:
    # The path of a socket may be too short for a deep folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)
