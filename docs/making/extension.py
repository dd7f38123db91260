"""The Sphinx extension that makes the generated pages before the build, and leads links out of the site to the repository."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

from making import gallery, notebooks, pages, pictures, reference
from making.facts import ROOT
from making.text import at_home, source

LOG = logging.getLogger(__name__)
FOLDER = ROOT / "docs" / "generated"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the steps and the switch ``specqa_pictures``: without pictures a build takes seconds."""
    app.add_config_value("specqa_pictures", default=True, rebuild="env", types=[bool])
    app.connect("builder-inited", generate)
    app.connect("source-read", lead_out)
    app.connect("build-finished", keep_report)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def generate(app: Sphinx) -> None:
    """Write all generated pages; only what differs is written again."""
    if app.config.specqa_pictures:
        LOG.info("judging one petal of the demo night ...")
        pictures.judge_demo(FOLDER / "demo")
        LOG.info("drawing the picture of each expectation with its fault planted ...")
        pictures.draw_all(FOLDER / "pictures", processes=os.cpu_count() or 1)
    pages.write_all(FOLDER)
    reference.write_all(FOLDER)
    gallery.write_all(FOLDER)
    notebooks.write_all(FOLDER)


def lead_out(_: Sphinx, docname: str, text: list[str]) -> None:
    """Lead links of a page to files that are no pages of the site to the repository, where GitHub shows them.

    Parameters
    ----------
    _ : Sphinx
        Who asks.
    docname : str
        Page relative to ``docs/``.
    text : list of str
        Its source, which is changed in place.
    """
    here = (ROOT / "docs" / docname).parent

    def moved(found: re.Match[str]) -> str:
        path = Path(os.path.normpath(here / found[1]))
        page = path.is_relative_to(ROOT / "docs") and path.suffix in (".md", ".rst", ".png")
        if "://" in found[1] or page or not path.exists():
            return found[0]
        return f"]({source(str(path.relative_to(ROOT)))}{found[2] or ''})"

    if docname == "index":
        text[0] = complete(text[0])
    if not docname.startswith("generated/"):
        text[0] = re.sub(r"\]\(([^)#\s]+)(#[^)]*)?\)", moved, at_home(text[0]))


def complete(text: str) -> str:
    """Add the pages that the index does not name, and the notebooks, to its list, before the changelog."""
    last = "generated/changelog\n"
    docs = ROOT / "docs"
    known = {"index", *re.findall(r"[\w/]+", text.rsplit("{toctree}", maxsplit=1)[-1])}
    more = [path.stem for path in sorted(docs.glob("*.md")) if path.stem not in known]
    more += [f"generated/notebooks/{path.stem}" for path in sorted((docs / "notebooks").glob("*.ipynb"))]
    return text.replace(last, "".join(f"{name}\n" for name in more) + last)


def keep_report(app: Sphinx, exception: Exception | None) -> None:
    """Put the report of the demo night beside the pages: it is a page of its own."""
    report = FOLDER / "demo" / "report.html"
    if exception is None and report.is_file() and app.builder.format == "html":
        shutil.copy(report, Path(app.outdir) / "demo-report.html")
