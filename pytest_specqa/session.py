"""One run: the production and its units, the checks of each test, and what becomes of them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa import __version__, limits, options, selection
from pytest_specqa.cache import ProductCache
from pytest_specqa.check import CRASH, NOTHING, PRODUCT, SKIPPED, Check
from pytest_specqa.errors import ProductError, SpecQAError
from pytest_specqa.limits import Limits
from pytest_specqa.options import Options
from pytest_specqa.pictures import Gallery
from pytest_specqa.products import NotExpected, Products
from pytest_specqa.selection import Selection
from pytest_specqa.values import DataUnit, Outcome

if TYPE_CHECKING:
    from pytest_specqa.production import Production

UNIT_FIXTURES = {f"specqa_{kind}": kind for kind in selection.KINDS}
CHECK: pytest.StashKey[Check] = pytest.StashKey()


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
        self._limits: dict[Path, Limits] = {}

    @cached_property
    def production(self) -> Production:
        """The production of the run; `SpecQAError` if there is none."""
        from pytest_specqa.production import Production, resolve  # noqa: PLC0415

        return Production(resolve(self.options.specprod, os.environ))

    @cached_property
    def selection(self) -> Selection:
        """The units to judge; `SelectionError` if a filter matches nothing."""
        return selection.select(self.production, self.options)

    @cached_property
    def products(self) -> Products:
        """The loaded products of this process."""
        return Products(self.production, self.selection, ProductCache(self.options.cache_bytes))

    @cached_property
    def gallery(self) -> Gallery:
        """The pictures drawn in this process."""
        return Gallery(self.options.max_pictures)

    @property
    def announced(self) -> bool:
        """Whether the command line alone shows that data units will be judged."""
        return self.options.explicit or any("qa_tests" in arg for arg in self.config.args)

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker of pytest-xdist."""
        return hasattr(self.config, "workerinput")

    def limits_for(self, path: Path) -> Limits:
        """Return the limits that hold for a test file: the project's, those nearest to the file, those of hooks, the user's."""
        folder = path.parent
        if folder not in self._limits:
            near = next((one / "limits.toml" for one in (folder, *folder.parents) if (one / "limits.toml").is_file()), None)
            inside = near is not None and near.is_relative_to(self.config.rootpath)
            layers = [limits.default_file(), *([near] if near is not None and inside else []), *self._hooked()]
            layers = [layer.resolve() for layer in layers if layer.is_file()]
            self._limits[folder] = limits.load([*layers, *([self.options.limits] if self.options.limits else [])])
        return self._limits[folder]

    def _hooked(self) -> Iterator[Path]:
        for found in self.config.hook.pytest_specqa_limits(config=self.config):
            yield from [found] if isinstance(found, Path) else found

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Give a test one instance per data unit, if it asks for units at all."""
        kinds = [kind for fixture, kind in UNIT_FIXTURES.items() if fixture in metafunc.fixturenames]
        if not kinds:
            return
        narrowest = kinds[0]
        self.kinds_used.add(narrowest)
        try:
            units = self.selection.units[narrowest]
            self.limits_for(Path(metafunc.definition.path))
        except SpecQAError as error:
            self.usage_error = self.usage_error or str(error)
            units = ()
        marks = pytest.mark.skip(reason=f"the selection holds no {narrowest}")
        params: list[Any] = list(units) or [pytest.param(None, marks=marks, id=f"no-{narrowest}")]
        metafunc.parametrize(f"specqa_{narrowest}", params, indirect=True, ids=str if units else None)

    def arrange(self, items: list[pytest.Item]) -> None:
        """Stop the run if it cannot judge anything; else put tests of one unit together, so that its products are loaded once."""
        if not self.usage_error and self.kinds_used and not any(self.selection.units[kind] for kind in self.kinds_used):
            self.usage_error = self._nothing()
        if self.usage_error:
            self._refuse(items)
            return
        found = [(number, unit_of(item)) for number, item in enumerate(items)]
        slots = [(number, unit) for number, unit in found if unit is not None]
        ordered = sorted(slots, key=lambda slot: selection.order(slot[1]))
        items_before = list(items)
        for (slot, _), (number, _) in zip(slots, ordered, strict=True):
            items[slot] = items_before[number]

    def _nothing(self) -> str:
        kinds = " or ".join(sorted(self.kinds_used))
        held = ", ".join(f"{len(units)} {kind}s" for kind, units in self.selection.units.items() if units)
        return f"the selected tests judge a {kinds}, and the selection holds none (it holds {held}); choose other tests or filters"

    def _refuse(self, items: list[pytest.Item]) -> None:
        """End with a usage error; a worker hands it to the controller, which alone can set the exit code."""
        if not self.is_worker:
            raise pytest.UsageError(self.usage_error)
        self.config.workeroutput["specqa_usage_error"] = self.usage_error  # type: ignore[attr-defined]
        items.clear()

    def check_for(self, item: pytest.Item) -> Check | None:
        """Begin the check of a test; ``None`` if the test judges no data unit."""
        unit = unit_of(item)
        if unit is None or not isinstance(item, pytest.Function):
            return None
        held = self.selection.exposure(unit) or self.selection.tile(unit)
        extra = item.callspec.id.replace(unit.id, "").strip("-")
        check = Check(
            unit=unit,
            expectation=item.originalname + (f"[{extra}]" if extra else ""),
            limits=self.limits_for(item.path),
            root=self.production.root,
            survey=held.survey if held else "",
            program=held.program if held else "",
            versions={"pytest-specqa": __version__, "production": self.production.name},
            rerun=self.rerun(item, unit),
        )
        item.stash[CHECK] = check
        return check

    def close(self, item: pytest.Item, check: Check) -> None:
        """Attach what a check measured to the reports of its test, and draw the pictures that they will show."""
        if not check.measurements:
            check.fail(NOTHING, "made no measurement: a test must call expect at least once, or expect.not_expected(reason)")
        item.user_properties.extend(("specqa", found.as_record()) for found in check.measurements)
        if getattr(self.config.option, "htmlpath", None):
            self.gallery.draw(check)

    def rerun(self, item: pytest.Function, unit: DataUnit) -> str:
        """Return the command that repeats one test on one unit."""
        package = Path(__file__).resolve().parent
        here = self.config.invocation_params.dir
        if item.path.is_relative_to(package):
            module = ".".join(("pytest_specqa", *item.path.relative_to(package).with_suffix("").parts))
            words = ["pytest", "--pyargs", f"{module}::{item.originalname}"]
        else:
            path = item.path.relative_to(here) if item.path.is_relative_to(here) else item.path
            words = ["pytest", f"{path}::{item.originalname}"]
        words += ["--specprod", self.options.specprod or str(self.production.root), "--night", str(unit.night)]
        words += ["--expid", str(unit.expid)] if unit.expid is not None else []
        words += ["--tile", str(unit.tile)] if unit.kind in ("tile", "petal") else []
        words += ["--camera", unit.camera] if unit.camera else []
        words += ["--petal", str(unit.petal)] if unit.kind == "petal" else []
        if unit.kind not in ("camera", "petal"):
            words += [word for text in self.options.cameras for word in ("--camera", text)]
            words += [word for petal in self.options.petals for word in ("--petal", str(petal))]
        words += ["--specqa-group", unit.group] if unit.group not in ("", "cumulative") else []
        words += ["--specqa-limits", str(self.options.limits)] if self.options.limits else []
        return shlex.join(words)


SESSION: pytest.StashKey[Session] = pytest.StashKey()


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn our usage errors into pytest's: one line and exit code 4."""
    try:
        yield
    except SpecQAError as error:
        raise pytest.UsageError(str(error)) from None


def begin(config: pytest.Config) -> None:
    """Read the options and keep the state of this process in ``config.stash``."""
    with usage_errors():
        config.stash[SESSION] = Session(config, options.read_options(config))


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
            _ = session.selection


@contextmanager
def set_up(item: pytest.Item) -> Iterator[None]:
    """Set a test up; what goes wrong with its data is kept for the call, where it counts as a failed expectation."""
    check = of(item.config).check_for(item)
    try:
        yield
    except (Exception, pytest.skip.Exception) as error:
        if check is None or isinstance(error, pytest.UsageError):
            raise
        check.setup_error = error


@contextmanager
def judged(item: pytest.Item) -> Iterator[None]:
    """Run a test function, judge what it measured, and end it as passed, failed or skipped."""
    check = item.stash.get(CHECK, None)
    if check is None:
        yield
        return
    try:
        if check.setup_error is not None:
            raise check.setup_error
        yield
    except NotExpected as reason:
        check.not_measured(PRODUCT, str(reason))
    except ProductError as error:
        check.fail(PRODUCT, str(error))
    except pytest.skip.Exception as reason:
        check.not_measured(SKIPPED, str(reason.msg))
    except (Exception, pytest.fail.Exception) as error:
        check.fail(CRASH, f"{type(error).__name__}: {error}")
        check.crashed = True
        raise
    finally:
        of(item.config).close(item, check)
    if check.outcome is Outcome.FAILED:
        pytest.fail(check.failure(), pytrace=False)
    if check.outcome is Outcome.NOT_MEASURED:
        raise pytest.skip.Exception(check.reason(), _use_item_location=True)


def hear(node: Any) -> None:
    """Take over the usage error of a worker."""
    text = getattr(node, "workeroutput", {}).get("specqa_usage_error", "")
    session = of(node.config)
    session.usage_error = session.usage_error or text


def raise_usage_error(config: pytest.Config) -> None:
    """End the run with exit code 4 if units could not be selected."""
    if (session := of(config)).usage_error and not session.is_worker:
        raise pytest.UsageError(session.usage_error)


def make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Return the scheduler of pytest-xdist that shares out whole exposures, for runs that judge data units."""
    if not of(config).announced or config.getoption("dist") != "load":
        return None
    from pytest_specqa.scheduling import UnitScheduling  # noqa: PLC0415

    return UnitScheduling(config, log)
