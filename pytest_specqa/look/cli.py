"""The verb ``specqa look``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.errors import UsageError
from pytest_specqa.look.embed import require_bokeh
from pytest_specqa.printable import printable

if TYPE_CHECKING:
    from pytest_specqa.values import Record


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb; it sets ``run``, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "look",
        help="write an interactive page of one exposure",
        description="Write one self-contained page of an exposure: focal plane, spectra, images, its night, its place on the sky.",
    )
    parser.add_argument("production", metavar="PROD", help="production (path, or name under $DESI_SPECTRO_REDUX)")
    parser.add_argument("--night", type=int, required=True, metavar="N", help="night YYYYMMDD")
    parser.add_argument("--expid", type=int, required=True, metavar="N", help="exposure")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="page to write (.html)")
    parser.add_argument(
        "--camera", default="", metavar="CAMERAS", help="cameras whose images are shown [those of the worst finding]"
    )
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="results of the night (.jsonl or .parquet): what fails, and where"
    )
    parser.add_argument("--fibers", default="", metavar="A-B", help="fibers to mark [those of the worst finding]")
    parser.add_argument(
        "--waves", default="", metavar="A:B", help="Angstrom that colour the focal plane [those that fail, or 6500:6700]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa look``."""
    require_bokeh()
    from pytest_specqa.look.exposure import write_page  # noqa: PLC0415
    from pytest_specqa.production import Production, resolve  # noqa: PLC0415

    out: Path = arguments.out
    if out.suffix not in (".html", ".htm") or out.is_dir():
        raise UsageError(f"--out {out}: expected the name of a page, such as look-{arguments.expid:08d}.html")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}; make it first")
    production = Production(resolve(arguments.production, os.environ))
    size = write_page(
        production,
        out,
        night=arguments.night,
        expid=arguments.expid,
        cameras=arguments.camera,
        records=_records(arguments.results),
        fibers=arguments.fibers,
        waves=arguments.waves,
    )
    print(f"page: {printable(out)} ({size / 1e6:.1f} MB)")
    return 0


def _records(path: Path | None) -> list[Record]:
    if path is None:
        return []
    from pytest_specqa.results.store import read  # noqa: PLC0415

    return read(path)
