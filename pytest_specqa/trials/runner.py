"""The expectations of ``qa_tests``, run on products in memory: the same functions, the same limits, no files and no pytest."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_specqa.checks.check import Check, Expect
from pytest_specqa.errors import ProductError, UsageError
from pytest_specqa.rules import expectations, limits_file
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run.collecting import BANDS_MARKER
from pytest_specqa.values import DataUnit, Measurement


@dataclass(frozen=True)
class Suite:
    """Every test function of a folder of expectations, with the limits that lie beside it.

    Attributes
    ----------
    folder : Path
        Folder with ``test_*.py`` and ``limits.toml``.
    overrides : tuple of Path
        Further limits files, the strongest last.
    """

    folder: Path = field(default_factory=expectations.folder)
    overrides: tuple[Path, ...] = ()

    @cached_property
    def limits(self) -> Limits:
        """The limits that the values are judged by."""
        return limits_file.load([self.folder / "limits.toml", *self.overrides])

    @cached_property
    def expectations(self) -> dict[str, Callable[..., None]]:
        """Test functions by name, in file order."""
        found: dict[str, Callable[..., None]] = {}
        for path in sorted(self.folder.glob("test_*.py")):
            module = _load(path)
            tests = [(name, test) for name, test in vars(module).items() if name.startswith("test_") and callable(test)]
            found |= {name: test for name, test in tests if test.__module__ == module.__name__}
        if not found:
            raise UsageError(f"{self.folder} holds no expectation: expected test_*.py with functions named test_*")
        return found

    def fitting(self, fixtures: Mapping[str, object] | set[str], *, band: str) -> list[str]:
        """Names of the expectations that need no fixture but these and ``expect``.

        Parameters
        ----------
        fixtures : collection of str
            Fixtures that can be given.
        band : str
            Band of the camera; expectations for other bands are left out.

        Returns
        -------
        list of str
            In file order.
        """
        known = {*fixtures, "expect"}
        return [
            name
            for name, test in self.expectations.items()
            if set(inspect.signature(test).parameters) <= known and band in (_bands(test) or band)
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
            At least one; a crash is a failed measurement named ``crash``.
        """
        check = Check(unit, name, name, self.limits, root=Path())
        test = self.expectations[name]
        try:
            given = {each: fixtures[each]() for each in inspect.signature(test).parameters if each != "expect"}
            test(**given, expect=Expect(check))
        except ProductError as error:
            check.fail("product", str(error))
        except Exception as error:
            # A check that crashes on simulated data would crash on real data: that is a result, and the other trials go on.
            check.fail("crash", f"{type(error).__name__}: {error}")
        if not check.measurements:
            check.fail("made_no_measurement", "the test made no measurement")
        return check.measurements


def _bands(test: Callable[..., None]) -> tuple[str, ...]:
    """Bands of the marker ``specqa_bands``; none means all."""
    marks = getattr(test, "pytestmark", [])
    return tuple(band for mark in marks if mark.name == BANDS_MARKER for band in mark.args)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"specqa_expectations_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported: expected a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
