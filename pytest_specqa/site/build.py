"""Bring a site up to date with its store: a page is written again when what it is made from has changed, and no other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_specqa
from pytest_specqa.errors import UsageError
from pytest_specqa.results.history import changes as history
from pytest_specqa.results.store import write_text
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.writable import why_not
from pytest_specqa.site import (
    calendar_page,
    cameras_page,
    exposure_page,
    fiber_page,
    frame,
    history_page,
    lookup,
    made_stacks,
    making,
    overview,
    sums,
    trends_page,
)
from pytest_specqa.site.kept import FOLDER, Kept, NightKept
from pytest_specqa.site.night_page import Around, reports_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow

    from pytest_specqa.results.history.changes import Change

BATCH = 60
"""Nights after which what is done is remembered: so much a run that is killed loses."""
ALONE = 4
"""Nights up to which other processes take longer to start than they save."""
SUMS = "sums.parquet"


@dataclass
class Built:
    """What was done.

    Attributes
    ----------
    nights : list of int
        Nights whose pages were written.
    written : list of str
        All pages that were written, relative to the site.
    removed : list of str
        Files of nights that the store no longer has.
    """

    nights: list[int] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def build(store_root: str | Path, out: str | Path, *, reports: str | Path | None = None, processes: int = 1) -> Built:
    """Write what is new in a store to its site.

    Parameters
    ----------
    store_root : path
        The store.
    out : path
        Folder of the site: new, empty, or a site already.
    reports : path, optional
        Folder with reports whose names hold their night, such as ``report-20211014.html``.
    processes : int
        How many work on nights at once, where there are many.

    Returns
    -------
    Built
        What was written and removed. Every page appears whole; the calendar is written last, so that nothing leads nowhere, and a
        run that is killed leaves the site that was there with some pages newer.

    Raises
    ------
    UsageError
        If the folder is no site or cannot be written, or another process writes it at the moment.
    ResultsError
        If the store cannot be read.
    """
    store, out = Store.open(store_root), Path(out)
    if out.resolve() == store.root.resolve():
        raise UsageError(f"--out {out}: it is the store; choose another folder")
    kept = Kept.read(out, version=f"{pytest_specqa.__version__} {_code()}")
    try:
        for folder in ("assets", "nights", "cameras", "fibers", FOLDER):
            (out / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {why_not(error)}") from None
    with _alone(out):
        site = _Site(store, out, kept, _listed(reports, out))
        try:
            return site.build(processes)
        except sums.DamagedError:
            # It was made here, and is made again with all that it is made from.
            site.sums.unlink(missing_ok=True)
            return _Site(store, out, site.kept.forgotten(), site.reports).build(processes)


def _code() -> str:
    """Digest of what writes the pages."""
    here = Path(__file__).parent
    found = hashlib.blake2b(digest_size=6)
    for path in sorted([*here.glob("*.py"), *here.glob("assets/*")]):
        found.update(path.read_bytes())
    return found.hexdigest()


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other processes from writing the same site."""
    import fcntl  # noqa: PLC0415

    with (out / FOLDER / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"--out {out}: another process writes this site at the moment; wait for it") from None
        except OSError:
            pass  # a file system without locks
        yield


def _listed(reports: str | Path | None, out: Path) -> tuple[tuple[str, str], ...]:
    """Addresses and names of reports, as seen from the page of a night."""
    if reports is None:
        return ()
    folder = Path(reports)
    if not folder.is_dir():
        raise UsageError(f"--reports {folder}: there is no such folder")
    from os.path import relpath  # noqa: PLC0415
    from urllib.parse import quote  # noqa: PLC0415

    found = sorted(path for path in folder.iterdir() if path.suffix in (".html", ".htm") and path.is_file())
    return tuple((quote(relpath(path.resolve(), (out / "nights").resolve())), path.name) for path in found)


class _Site:
    """One run over a site.

    Parameters
    ----------
    store : Store
        The store.
    out : Path
        Folder of the site.
    kept : Kept
        What is remembered of it.
    reports : sequence of (str, str)
        Addresses and names.
    """

    def __init__(self, store: Store, out: Path, kept: Kept, reports: Sequence[tuple[str, str]]) -> None:
        self.store, self.out, self.kept, self.reports = store, out, kept, reports
        self.built = Built()
        self.changes: list[Change] = []
        self.sums = out / FOLDER / SUMS
        self.nights = store.nights
        self.sources = {night: making.source(store, night) for night in self.nights}

    def build(self, processes: int) -> Built:
        """Write what is new, in an order in which no page leads to one that is not there yet."""
        if not self.sums.is_file():
            self.kept = self.kept.forgotten()
        self.kept.write(self.out)
        self.changes = read_changes(self.store.root)
        site = frame.Site(self.store.production, frame.now(), tuple(self.nights))
        for name, text in frame.assets().items():
            self._page(f"assets/{name}", text, made_from=text)
        self._page("exposure.html", exposure_page.write(site), made_from="")
        self._nights(site, processes)
        shown = {night: self.kept.nights[night] for night in self.nights}
        with sums.opened(self.sums if self.nights else None) as kept:
            cameras = frozenset(sums.cameras(kept)) if self.nights else frozenset()
            site = replace(site, fibers=frozenset(fiber_page.chosen(self.changes, shown)), cameras=cameras)
            places = sums.places(kept, nights=self.nights[-overview.OVER :]) if self.nights else {}
            self._over_all(site, shown, places, kept)
        calendar = calendar_page.write(site, shown, self.changes, places, over=min(len(self.nights), overview.OVER))
        self._put("index.html", calendar)
        self._clear(site)
        self.kept.write(self.out)
        return self.built

    def _page(self, name: str, text: str, *, made_from: str) -> None:
        """Write a page unless it was made from the same before."""
        digest = making.digest(made_from)
        if self.kept.pages.get(name) != digest or not (self.out / name).is_file():
            self._put(name, text)
            self.kept.pages[name] = digest

    def _put(self, name: str, text: str) -> None:
        write_text(self.out / name, text)
        self.built.written.append(name)

    def _nights(self, site: frame.Site, processes: int) -> None:
        """Write the nights that are new, the last ones first."""
        jobs = []
        for before, night, after in zip([0, *self.nights], self.nights, [*self.nights[1:], 0], strict=False):
            around = Around(before, after, reports_of(night, self.reports))
            page, known = making.digest(repr(around)), self.kept.nights.get(night)
            if (
                known is None
                or (known.source, known.page) != (self.sources[night], page)
                or not (self.out / f"nights/{night}.html").is_file()
            ):
                jobs.append(making.Job(self.store.root, self.out, site, night, around, self.sources[night], page))
        batch: list[tuple[int, NightKept, pyarrow.Table]] = []
        for made in making.made(jobs[::-1], processes=processes if len(jobs) > ALONE else 1):
            batch.append(made)
            if len(batch) == BATCH:
                self._remember(batch)
                batch = []
        self._remember(batch)

    def _remember(self, batch: Sequence[tuple[int, NightKept, pyarrow.Table]]) -> None:
        done = [night for night, _, _ in batch]
        gone = [night for night in self.kept.nights if night not in self.sources]
        if batch or gone:
            # What is remembered of a night is never newer than its sums.
            sums.update(self.sums, [table for _, _, table in batch], gone=[*done, *gone])
        self.kept.nights.update({night: told for night, told, _ in batch})
        self.kept.write(self.out)
        self.built.nights += done
        self.built.written += [f"nights/{night}.{ending}" for night in done for ending in ("js", "html")]

    def _over_all(
        self, site: frame.Site, shown: Mapping[int, NightKept], places: cameras_page.Places, kept: duckdb.DuckDBPyConnection
    ) -> None:
        """Write the pages over all nights, if any night or change is not what it was."""
        state = making.digest(repr([sorted(self.sources.items()), self.changes, sorted(site.fibers)]))
        if self.kept.pages.get("trends.html") == state and (self.out / "trends.html").is_file():
            return
        years = {
            year: making.digest(repr([self.sources[night] for night in of])) for year, of in lookup.by_year(self.nights).items()
        }
        stale = [year for year, digest in years.items() if self.kept.pages.get(f"fibers/{year}") != digest]
        for name, text in overview.fibers(site, self.out, self.changes, shown, years=stale):
            self._put(name, text)
        self._put("fibers.html", lookup.write(site, sorted(years)))
        if self.nights:
            for name, text in overview.cameras(site, self.store, kept, places=places, changes=self.changes):
                self._put(name, text)
        else:
            self._put("cameras.html", cameras_page.write(site, {}, self.changes, over=0))
        history_page.write(self.store, self.changes, self.out / "changes.html", site=site, kept=self.out)
        self._put("trends.html", overview.trends(site, kept) if self.nights else trends_page.write(site, {}, []))
        self.kept.pages |= {f"fibers/{year}": digest for year, digest in years.items()} | {"trends.html": state}

    def _clear(self, site: frame.Site) -> None:
        """Remove what belongs to nights that the store no longer has, and pages of fibers that nothing concerns any more."""
        for night in [night for night in self.kept.nights if night not in self.sources]:
            self._remove(self.out / f"nights/{night}.{ending}" for ending in ("html", "js"))
            made_stacks.remove(self.out, night)
            del self.kept.nights[night]
        pages = {path: path.stem for path in (self.out / "fibers").glob("*.html")}
        self._remove(path for path, name in pages.items() if name.isdecimal() and int(name) not in site.fibers)
        years = {str(night // 10000) for night in self.nights}
        self._remove(path for path in (self.out / "fibers").glob("lookup-*-*.js") if path.stem.split("-")[2] not in years)

    def _remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
            self.built.removed.append(str(path.relative_to(self.out)))


def read_changes(root: Path) -> list[Change]:
    """Read what ``specqa history`` found in a store; nothing where it has not run."""
    path = root / "history.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); write it again with specqa history") from None
    return history.from_json(text, where=str(path))
