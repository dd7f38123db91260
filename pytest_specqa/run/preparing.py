"""Are the loops of the measures compiled for this machine? Asked without loading the compiler, so that it costs a run nothing."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest_specqa

FOLDER = Path(pytest_specqa.__file__).parent
KEPT = 8
"""Marks that are kept, of so many kinds of machine and states of the code."""
CPU_INFO = Path("/proc/cpuinfo")
FAILED = "the measures could not be compiled ahead: each process compiles them when they are first called; see specqa prepare"


def key() -> str:
    """Name what machine code depends on: the measures, the compiler, Python and the processor."""
    parts = [sys.version, platform.machine(), _processor()]
    with suppress(PackageNotFoundError):
        parts.append(version("numba"))
    for path in sorted((FOLDER / "measures").rglob("*.py")):
        found = path.stat()
        parts.append(f"{path.relative_to(FOLDER)} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    try:
        with CPU_INFO.open(encoding="utf-8", errors="replace") as lines:
            return next((line for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def marks() -> list[Path]:
    """Places where it may be marked that all is compiled, best first: beside the measures, and in the user's cache."""
    home, name = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"), f"specqa-prepared-{key()}"
    return [folder / name for folder in (FOLDER / "measures" / "__pycache__", home / "pytest-specqa")]


def is_done() -> bool:
    """Tell whether all is compiled."""
    return any(mark.exists() for mark in marks())


def note_done() -> None:
    """Mark that all is compiled; where no folder can be written, the next run will ask again."""
    for mark in marks():
        with suppress(OSError):
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            # Machines of several kinds may share the folder.
            others = sorted(mark.parent.glob("specqa-prepared-*"), key=lambda other: other.stat().st_mtime_ns)
            for old in others[:-KEPT]:
                old.unlink(missing_ok=True)
            return


def ensure(say: Callable[[str], None]) -> None:
    """Compile what is not compiled, in a process of its own, before the first test; say so, and how long it took."""
    if is_done():
        return
    say("compiling the measures for this machine, once ...")
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pytest_specqa.cli", "prepare"], capture_output=True, text=True, check=False)
    say(f"compiled in {time.monotonic() - start:.0f} s" if done.returncode == 0 else f"{FAILED}: {_last(done.stderr)}")


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "it gave no reason"
