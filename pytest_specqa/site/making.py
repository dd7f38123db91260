"""The pages of nights, made one by one or by several processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.results.store import write_text
from pytest_specqa.results.storing.asking import one_line
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.reading import again
from pytest_specqa.site import exposure_page, made_stacks, night_page, nightly
from pytest_specqa.site.frame import Site
from pytest_specqa.site.kept import NightKept
from pytest_specqa.site.night_page import Around
from pytest_specqa.triage import Finding
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    import pyarrow

FEW = 3
"""Fibers up to which a finding speaks of these and not of a part of the slit."""


@dataclass(frozen=True)
class Job:
    """A night to write.

    Attributes
    ----------
    root, out : Path
        Of the store and of the site.
    site : Site
        What the page says of the site.
    night : int
        YYYYMMDD.
    around : Around
        What the night is seen beside.
    source, page : str
        Digests of what it is made from.
    """

    root: Path
    out: Path
    site: Site
    night: int
    around: Around
    source: str
    page: str


def digest(text: str) -> str:
    """Stand for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def source(store: Store, night: int) -> str:
    """Stand for the parts of a night, which are never written twice under one name."""
    parts = [*store.records.parts(night), *store.kept.parts(night)]
    return digest("\n".join(f"{path.parent.parent.name}/{path.name} {path.stat().st_size}" for path in parts))


def made(jobs: Sequence[Job], *, processes: int) -> Iterator[tuple[int, NightKept, pyarrow.Table]]:
    """Write nights, in any order; yields each when it is done, with what the pages over all nights need of it."""
    if processes <= 1 or len(jobs) <= 1:
        yield from map(make, jobs)
        return
    # A process that was forked would share the threads of DuckDB and Arrow.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, jobs, chunksize=1)


def make(job: Job) -> tuple[int, NightKept, pyarrow.Table]:
    """Write the page of a night and the data of its exposures."""
    store = Store.open(job.root)

    def ask() -> tuple[nightly.Night, pyarrow.Table]:
        """Ask the parts that there are now."""
        with one_line(store.root, night=job.night), nightly.opened(store, job.night) as connection:
            return nightly.read(connection, job.night), nightly.summed(connection)

    night, table = again(ask)
    made_stacks.write(store, job.out, job.night)
    told = night_page.found(night)
    write_text(job.out / f"nights/{job.night}.js", exposure_page.data(night))
    write_text(job.out / f"nights/{job.night}.html", night_page.write(job.site, night, told, job.around))
    kept = NightKept(
        job.source,
        job.page,
        outcome=str(night.verdict.outcome),
        sentence=night.verdict.sentence,
        exposures=len(night.tiles),
        told=[(str(finding.outcome), finding.headline) for finding in told],
        fibers=sorted({fiber for finding in told for fiber in _fibers(finding)}),
    )
    return job.night, kept, table


def _fibers(finding: Finding) -> list[int]:
    """Fibers that a finding which fails is about, where they are few."""
    ranges = finding.reach.fibers if finding.outcome is Outcome.FAILED else ()
    if sum(int(last) - int(first) + 1 for first, last in ranges) > FEW:
        return []
    return [fiber for first, last in ranges for fiber in range(int(first), int(last) + 1)]
