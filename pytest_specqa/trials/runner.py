"""The expectations of ``qa_tests``, called on products in memory: the same functions, limits and runner, and no files."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_specqa.checks import call
from pytest_specqa.checks.check import Check, Expect
from pytest_specqa.errors import UsageError
from pytest_specqa.instrument import DESI
from pytest_specqa.rules import expectations, limits_file
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run.calls import SKIPS, STOPS
from pytest_specqa.run.collecting import BANDS_MARKER
from pytest_specqa.run.plan import STAGE_MARKER
from pytest_specqa.values import DataUnit, Measurement

GIVEN = "expect"
"""What every expectation may ask for beside its products."""


@dataclass(frozen=True)
class Suite:
    """Every test function of a folder of expectations, with the limits that lie beside it.

    Attributes
    ----------
    folder : Path
        Folder with ``test_*.py`` and, for measures of its own, ``limits.toml``.
    overrides : tuple of Path
        Further limits files, the strongest last.
    keeps : bool
        Whether numbers of every fiber are kept.
    """

    folder: Path = field(default_factory=expectations.folder)
    overrides: tuple[Path, ...] = ()
    keeps: bool = False

    @cached_property
    def limits(self) -> Limits:
        """The limits that the values are judged by."""
        near = [path for path in (self.folder / "limits.toml",) if path.is_file()]
        return limits_file.load(list(dict.fromkeys([limits_file.default_file(), *near, *self.overrides])))

    @cached_property
    def expectations(self) -> dict[str, Callable[..., None]]:
        """Test functions by name, in file order."""
        return {name: test for name, (test, _) in self._found.items()}

    @cached_property
    def _found(self) -> dict[str, tuple[Callable[..., None], ModuleType]]:
        """Test functions with their modules."""
        found: dict[str, tuple[Callable[..., None], ModuleType]] = {}
        for path in sorted(self.folder.glob("test_*.py")):
            module = _load(path)
            tests = [(name, test) for name, test in vars(module).items() if name.startswith("test_") and callable(test)]
            found |= {name: (test, module) for name, test in tests if test.__module__ == module.__name__}
        if not found:
            raise UsageError(f"{self.folder} holds no expectation: expected test_*.py with functions named test_*")
        return found

    def unjudged(self, kinds: Iterable[Iterable[str]]) -> dict[str, tuple[str, ...]]:
        """Expectations that no trial can judge.

        Parameters
        ----------
        kinds : iterable of iterable of str
            Fixtures that each kind of unit can be given.

        Returns
        -------
        dict of str to tuple of str
            By name: the fixtures that no kind of unit has; those of the expectation where each is known, but never all together.
        """
        sets = [{*kind, GIVEN} for kind in kinds]
        known = set().union(*sets)
        asked = {name: tuple(inspect.signature(test).parameters) for name, test in self.expectations.items()}
        return {
            name: tuple(one for one in wanted if one not in known) or tuple(one for one in wanted if one != GIVEN)
            for name, wanted in asked.items()
            if not any(kind.issuperset(wanted) for kind in sets)
        }

    def bands(self, name: str) -> tuple[str, ...]:
        """Bands that an expectation is for."""
        return _marked(BANDS_MARKER, *self._found[name]) or tuple(DESI.bands)

    def stage(self, name: str) -> str:
        """Stage of the reduction that an expectation declares; empty if it declares none."""
        return "".join(_marked(STAGE_MARKER, *self._found[name]))

    def fitting(self, fixtures: Mapping[str, object] | set[str], *, band: str = "") -> list[str]:
        """Names of the expectations that need no fixture but these and ``expect``.

        Parameters
        ----------
        fixtures : collection of str
            Fixtures that can be given.
        band : str
            Band of the camera; expectations for other bands are left out. Empty: none is.

        Returns
        -------
        list of str
            In file order.
        """
        known = {*fixtures, GIVEN}
        return [
            name
            for name, (test, _) in self._found.items()
            if set(inspect.signature(test).parameters) <= known and (not band or band in self.bands(name))
        ]

    def judge(self, name: str, unit: DataUnit, *, fixtures: Mapping[str, Callable[[], Any]]) -> list[Measurement]:
        """Run one expectation.

        Parameters
        ----------
        name : str
            Name of the test function.
        unit : DataUnit
            What is judged.
        fixtures : mapping of str to callable
            Gives each product when it is asked for.

        Returns
        -------
        list of Measurement
            At least one, as in a run of pytest: see `pytest_specqa.checks.call.recorded`.
        """
        return self.check(name, unit, fixtures=fixtures).measurements

    def check(self, name: str, unit: DataUnit, *, fixtures: Mapping[str, Callable[[], Any]]) -> Check:
        """Run one expectation, and return its check with what its pictures need; arguments as for `judge`."""
        test, module = self._found[name]
        check = Check(unit, name, name, self.limits, root=Path(), stage=self.stage(name), keeps=self.keeps)
        # A check that crashes on simulated data would crash on real data: that is a result, and the other trials go on.
        with suppress(Exception, *STOPS), call.recorded(check, skips=SKIPS, stops=STOPS):
            if reasons := _skipped(test, module):
                raise SKIPS[0](reasons[0])
            asked = inspect.signature(test).parameters
            test(**{each: Expect(check) if each == GIVEN else fixtures[each]() for each in asked})
        return check


def why_not(name: str, fixtures: Iterable[str]) -> str:
    """Say why no trial can judge an expectation, as `Suite.unjudged` gives it."""
    return f"not judged: {name} (no trial gives {', '.join(fixtures)})"


def _marks(test: Callable[..., None], module: ModuleType) -> list[Any]:
    """Markers of a function, and then of its module."""
    ours = getattr(module, "pytestmark", [])
    return [*getattr(test, "pytestmark", []), *(ours if isinstance(ours, list) else [ours])]


def _marked(marker: str, test: Callable[..., None], module: ModuleType) -> tuple[str, ...]:
    """What the nearest marker of this name says; nothing without one."""
    return next((tuple(map(str, mark.args)) for mark in _marks(test, module) if mark.name == marker), ())


def _skipped(test: Callable[..., None], module: ModuleType) -> list[str]:
    """Why markers say that an expectation is not to be run; a condition that is a text needs a run of pytest, and so holds here."""
    return [
        str(mark.kwargs.get("reason") or "".join(map(str, mark.args)) or "marked to be skipped")
        for mark in _marks(test, module)
        if mark.name == "skip" or (mark.name == "skipif" and any([*mark.args, mark.kwargs.get("condition")]))
    ]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"specqa_expectations_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported: expected a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
