"""The state of a run in one process: options, production, selection, limits; made when a test asks for data, not before."""

from __future__ import annotations

import datetime
import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa import __version__
from pytest_specqa.errors import ProductError, SpecQAError
from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.printable import printable
from pytest_specqa.processes import single_threaded
from pytest_specqa.rules import limits_file
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run import mistakes, options, preparing, selection, writable
from pytest_specqa.run.cache import NightCache, ProductCache
from pytest_specqa.run.loader import Products
from pytest_specqa.run.options import Options
from pytest_specqa.run.quota import Gallery
from pytest_specqa.run.reading import ledger
from pytest_specqa.run.reductions import Reductions
from pytest_specqa.run.selection import Selection
from pytest_specqa.values import DataUnit

if TYPE_CHECKING:
    from pytest_specqa.archive import Archive
    from pytest_specqa.rules.waivers import Ledger
    from pytest_specqa.run.digests import Digests
    from pytest_specqa.run.trends import Trends

FOLDER = "specqa_folder"
"""Name under which workers are told the folder of a run."""
UNIT_FIXTURES = {f"specqa_{kind}": kind for kind in options.KINDS}


class Session:
    """State of one process of a run; it costs nothing until a test asks for a data unit.

    Parameters
    ----------
    config : pytest.Config
        The run.
    chosen : Options
        What the user asked for.
    """

    def __init__(self, config: pytest.Config, chosen: Options) -> None:
        self.config = config
        self.options = chosen
        self.usage_error = ""
        self.kinds_used: set[str] = set()
        self.expectations: set[str] = set()
        self.counted = 0
        self.known: frozenset[tuple[str, str, str]] = frozenset()
        self.lost = 0
        self.beside = ""
        self.folder: Path | None = None
        self.since = time.time_ns()
        self._limits: dict[Path, Limits] = {}
        self._tiles: dict[int, int | None] = {}

    @cached_property
    def production(self) -> Archive:
        """The production of the run, from a hook or in the layout of DESI; `SpecQAError` if there is none."""
        ledger().begin(whole=self.options.verify == "whole")
        found: Archive | None = self.config.hook.pytest_specqa_archive(config=self.config, specprod=self.options.specprod)
        if found is not None:
            return found
        from pytest_specqa.production import Production, resolve  # noqa: PLC0415

        return Production(resolve(self.options.specprod, os.environ))

    @property
    def versions(self) -> dict[str, str]:
        """What every value of the run depends on."""
        return {"pytest-specqa": __version__, "production": self.production.name}

    @property
    def instrument(self) -> Instrument:
        """What made the spectra of the run; DESI for records that come without a production."""
        try:
            return self.production.instrument
        except SpecQAError:
            return DESI

    @cached_property
    def selection(self) -> Selection:
        """The units to judge; `SelectionError` if a filter matches nothing."""
        return selection.select(self.production, self.options)

    @cached_property
    def products(self) -> Products:
        """The loaded products of this process."""
        # A camera of an exposure needs 0.12 GB, half of the flats of a night 0.16 GB.
        cameras = 2 * self.options.cache_bytes // 5
        flats = NightCache(self.options.cache_bytes - cameras)
        return Products(self.production, self.selection, ProductCache(cameras), flats=flats)

    @cached_property
    def reductions(self) -> Reductions:
        """What checks of exposures and tiles need of cameras."""
        return Reductions(self.products, self.shared_folder)

    @property
    def shared_folder(self) -> Path | None:
        """Where workers of a run hand things to one another; None in a process that works alone."""
        folder = getattr(self.config, "workerinput", {}).get(FOLDER)
        return Path(folder) if folder else None

    @cached_property
    def gallery(self) -> Gallery:
        """The pictures drawn in this process."""
        return Gallery(self.options.max_pictures, self.shared_folder)

    @cached_property
    def digests(self) -> Digests:
        """Tell what the checks of this process depend on."""
        from pytest_specqa.run.digests import Digests  # noqa: PLC0415

        return Digests(self)

    @cached_property
    def waivers(self) -> Ledger | None:
        """The waivers of the run with what they met in this process; `WaiverError` if the file is malformed."""
        if self.options.waivers is None:
            return None
        from pytest_specqa.rules.waiver_file import load  # noqa: PLC0415
        from pytest_specqa.rules.waivers import Ledger  # noqa: PLC0415

        return Ledger(load(self.options.waivers), datetime.datetime.now(tz=datetime.UTC).date())

    @cached_property
    def trends(self) -> Trends | None:
        """What values are compared with besides their limits; `UsageError` if the store is none of this production."""
        if self.options.history is None:
            return None
        from pytest_specqa.run.trends import Trends  # noqa: PLC0415

        return Trends(self.options.history, self.production.name, shared=self.shared_folder)

    def release(self) -> None:
        """Let the loaded products go."""
        self.__dict__.pop("products", None)
        self.__dict__.pop("reductions", None)

    @property
    def announced(self) -> bool:
        """Whether the command line alone shows that data units will be judged."""
        return self.options.explicit or any("qa_tests" in arg for arg in self.config.args)

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker of pytest-xdist."""
        return hasattr(self.config, "workerinput")

    def limits_for(self, path: Path) -> Limits:
        """Return the limits for a test file: the project's, those nearest to the file, those of hooks, the user's.

        Raises
        ------
        LimitError
            If one of the files is malformed, with its line.
        """
        folder = path.parent
        if folder not in self._limits:
            near = next((one / "limits.toml" for one in (folder, *folder.parents) if (one / "limits.toml").is_file()), None)
            inside = near is not None and near.is_relative_to(self.config.rootpath)
            layers = [limits_file.default_file(), *([near] if near is not None and inside else []), *self._hooked()]
            layers = [layer.resolve() for layer in layers if layer.is_file()]
            self._limits[folder] = limits_file.load([*layers, *([self.options.limits] if self.options.limits else [])])
        return self._limits[folder]

    def _hooked(self) -> Iterator[Path]:
        for found in self.config.hook.pytest_specqa_limits(config=self.config):
            yield from [found] if isinstance(found, Path) else found

    def tile_of(self, unit: DataUnit) -> int | None:
        """Return the tile of a unit; where no table tells, from the header of a product of its exposure."""
        if unit.tile is not None or unit.expid is None:
            return unit.tile
        if unit.expid not in self._tiles:
            try:
                self._tiles[unit.expid] = self.production.tile_of(unit.night, unit.expid)
            except ProductError:
                self._tiles[unit.expid] = None
        return self._tiles[unit.expid]


SESSION: pytest.StashKey[Session] = pytest.StashKey()


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn our usage errors into pytest's: one line and exit code 4."""
    try:
        yield
    except SpecQAError as error:
        raise pytest.UsageError(printable(error)) from None


def begin(config: pytest.Config) -> None:
    """Read the options and keep the state of this process in ``config.stash``."""
    with usage_errors():
        session = Session(config, options.read_options(config))
        _ = session.waivers
        config.stash[SESSION] = session
        writable.verify(session)
    if session.announced:
        single_threaded(os.environ)


def of(config: pytest.Config) -> Session:
    """Return the session of a run."""
    return config.stash[SESSION]


def unit_of(item: pytest.Item) -> DataUnit | None:
    """Return the data unit that a test judges, if any."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return None
    found = next((callspec.params[name] for name in UNIT_FIXTURES if name in callspec.params), None)
    return found if isinstance(found, DataUnit) else None


def verify_selection(session: Session) -> None:
    """Stop before anything is collected if the command line names units that do not exist."""
    if session.options.explicit and not session.is_worker:
        with usage_errors():
            mistakes.verify_tests(session)
            _ = session.selection
            if session.trends is not None:
                session.trends.verify(session.selection.nights)


def prepare(session: Session) -> None:
    """Compile the measures before the first verdict, and before workers would each do it."""
    config = session.config
    if session.announced and not session.is_worker and not config.option.collectonly:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        preparing.ensure(reporter.write_line if reporter else lambda _: None)


def hear(node: Any) -> None:
    """Take over the usage error of a worker."""
    text = getattr(node, "workeroutput", {}).get("specqa_usage_error", "")
    session = of(node.config)
    session.usage_error = session.usage_error or text


@contextmanager
def settled(config: pytest.Config) -> Iterator[None]:
    """Keep what was loaded before the first test out of garbage collection: each full pass would look at all of it again."""
    if not of(config).announced:
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def raise_usage_error(config: pytest.Config) -> None:
    """End the run with exit code 4 if units could not be selected."""
    if (session := of(config)).usage_error and not session.is_worker:
        raise pytest.UsageError(printable(session.usage_error))


def give_folder(node: Any) -> None:
    """Tell a worker the folder of the run, which is made for the first of them with what the run has read for all."""
    session = of(node.config)
    if session.folder is None:
        session.folder = Path(tempfile.mkdtemp(prefix="specqa-"))
        if session.options.explicit and session.trends is not None:
            session.trends.hand_over(session.folder)
    node.workerinput[FOLDER] = str(session.folder)


def remove_folder(config: pytest.Config) -> None:
    """Remove the folder of the run."""
    if (folder := of(config).folder) is not None:
        shutil.rmtree(folder, ignore_errors=True)


def make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Return the scheduler of pytest-xdist that shares out whole cameras, for runs that judge data units."""
    if not of(config).announced or config.getoption("dist") != "load":
        return None
    from pytest_specqa.run.scheduling import UnitScheduling  # noqa: PLC0415

    return UnitScheduling(config, log)
