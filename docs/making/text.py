"""Text for MyST: escaped, with what can be followed made into links, and tables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from making.facts import ROOT
from pytest_specqa.report import links


@cache
def address(of: str) -> str:
    """Address of the project's Repository or Documentation, as pyproject.toml has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["urls"][of]).rstrip("/")


def at_home(text: str) -> str:
    """Lead links of a page of ``docs/`` to the published site, and to notebooks, to pages of this one: on GitHub there are none."""
    published = re.escape(f"{address('Documentation')}/en/latest/")
    text = re.sub(r"\]\((notebooks/\w+)\.ipynb\)", r"](generated/\1.md)", text)
    return re.sub(rf"\]\({published}([\w/]+)\.html(#[^)]*)?\)", r"](\1.md\2)", text)


def source(file: str, line: int | None = None) -> str:
    """Address of a file of the repository."""
    return f"{address('Repository')}/blob/main/{file}" + (f"#L{line}" if line else "")


def prose(text: object) -> str:
    """Plain text as MyST: nothing in it is markup, and issues, pull requests and addresses are links."""
    parts = re.split(r"(<[^>]*>)", links.linked(text))
    return "".join(part if part.startswith("<") else re.sub(r"([\\`*_\[\]|$~])", r"\\\1", part) for part in parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; a cell is MyST on one line."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a page, unless it is there already: Sphinx reads again what is newer."""
    text = "\n".join(lines) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
