"""Notebooks as pages: their text, their code, and what they keep of their output."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from making.facts import ROOT
from making.text import source, write

Cell = Mapping[str, Any]


def write_all(folder: Path) -> None:
    """Write a page for each notebook of ``docs/notebooks`` into the folder of what is generated."""
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        page = folder / "notebooks" / f"{path.stem}.md"
        lines = [line for number, cell in enumerate(cells) for line in page_of(cell, page.with_name(f"{path.stem}-{number}"))]
        write(page, [*lines, f"*[This page as a notebook]({source(str(path.relative_to(ROOT)))}).*"])


def page_of(cell: Cell, picture: Path) -> Iterator[str]:
    """Lines of one cell; pictures that it keeps are written to files whose names begin with that of `picture`."""
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield from (text, "")
    elif cell["cell_type"] == "code" and text.strip():
        yield from ("```python", text, "```", "")
        for number, output in enumerate(cell.get("outputs", ())):
            yield from _output(output, picture.with_name(f"{picture.name}-{number}.png"))


def _output(output: Mapping[str, Any], picture: Path) -> Iterator[str]:
    data = output.get("data", {})
    if "image/png" in data:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b64decode("".join(data["image/png"])))
        yield from (f"![What the cell draws]({picture.name})", "")
    elif text := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
        yield from ("```text", text, "```", "")
