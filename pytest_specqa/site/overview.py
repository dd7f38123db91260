"""The pages over all nights: cameras, trends and fibers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_specqa.instrument import DESI
from pytest_specqa.site import camera_page, cameras_page, fiber_page, frame, lookup, made_stacks, recent, sums, trends_page
from pytest_specqa.site.fiber_figures import BESIDE
from pytest_specqa.site.stacks import Stack

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pytest_specqa.results.history.changes import Change
    from pytest_specqa.results.storing.dataset import Store
    from pytest_specqa.site.kept import NightKept

OVER = 30
"""Last nights that the overview of the cameras counts."""
Pages = Iterator[tuple[str, str]]
"""Names relative to the site, and texts."""


def cameras(
    site: frame.Site, store: Store, kept: duckdb.DuckDBPyConnection, *, places: cameras_page.Places, changes: Sequence[Change]
) -> Pages:
    """Write the page of each camera, and that of all."""
    names = sorted(site.cameras, key=cameras_page.by_band)
    exposures = recent.read(store, site.nights[-recent.NIGHTS :])
    for camera in names:
        of = [change for change in changes if change.camera == camera]
        courses = list(sums.courses(kept, camera))
        yield (
            f"cameras/{camera}.html",
            camera_page.write(site, camera, courses, recent=exposures.get(camera, {}), changes=of, around=names),
        )
    yield "cameras.html", cameras_page.write(site, places, changes, over=len(site.nights[-OVER:]))


def trends(site: frame.Site, kept: duckdb.DuckDBPyConnection) -> str:
    """Write the page of all measures by band."""
    others = [course for place in ("exposure", "tile", "night") for course in sums.courses(kept, place)]
    bands = sums.bands(kept)
    ordered = {band: bands[band] for band in sorted(bands, key=cameras_page.by_band)}
    return trends_page.write(site, ordered, others)


def fibers(
    site: frame.Site, out: Path, changes: Sequence[Change], nights: Mapping[int, NightKept], *, years: Sequence[int]
) -> Pages:
    """Write the pages of fibers, and the data by which any is looked up of the years that are wanted."""
    stacks: dict[int, dict[str, list[Stack]]] = {fiber: defaultdict(list) for fiber in sorted(site.fibers)}
    looked: dict[int, dict[str, lookup.Gathered]] = {year: defaultdict(lookup.Gathered) for year in years}
    for night in site.nights if stacks else [night for night in site.nights if night // 10000 in looked]:
        for band, of in made_stacks.read(out, night):
            for fiber, cameras in stacks.items():
                cameras[f"{band}{fiber // DESI.fibers}"].append(_beside(of, fiber))
            if night // 10000 in looked:
                looked[night // 10000][band].add(of)
    for year, bands in looked.items():
        yield from lookup.files(year, bands)
    z = made_stacks.redshifts(out, fibers=list(stacks), nights=site.nights) if stacks else {}
    for fiber, cameras in stacks.items():
        named = [night for night, kept in nights.items() if fiber in kept.fibers]
        about = fiber_page.concerning(fiber, changes)
        yield f"fibers/{fiber}.html", fiber_page.write(site, fiber, cameras, redshifts=z.get(fiber), changes=about, named=named)


def _beside(night: made_stacks.BandNight, fiber: int) -> Stack:
    """A fiber and its neighbours, as far as they are of the same petal."""
    first, last = DESI.petal_range(fiber // DESI.fibers)
    return night.stack(max(fiber - BESIDE, first), min(fiber + BESIDE, last))
