"""Where the project's own expectations lie: inside the package when it is installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

NAME = "qa_tests"
_PACKAGE = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """Return the folder of the expectations and of their ``limits.toml``; in a broken installation it does not exist."""
    installed = _PACKAGE / NAME
    return installed if installed.is_dir() else _PACKAGE.parent / NAME


def module_of(path: Path) -> str:
    """Return the dotted name that ``pytest --pyargs`` finds a file or folder of the package by; empty for one outside it."""
    if not path.is_relative_to(_PACKAGE):
        return ""
    return ".".join((_PACKAGE.name, *path.relative_to(_PACKAGE).with_suffix("").parts))
