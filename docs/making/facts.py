"""What is known about each expectation: from its code, from the limits, and from the tables of the judgement."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType

from pytest_specqa.checks import wording
from pytest_specqa.rules.limits import Basis, Limits, Override, limit_of
from pytest_specqa.run import fixtures
from pytest_specqa.triage.stages import STAGES
from pytest_specqa.trials.runner import Suite
from pytest_specqa.values import Limit

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("camera", "exposure", "petal", "tile", "night", "healpix")
"""Units from small to large, and pixels of the sky, beside which no test asks for another."""


@dataclass(frozen=True)
class Measure:
    """A number that an expectation judges.

    Attributes
    ----------
    limit : Limit
        As it holds where no override applies.
    basis, warn_basis : Basis
        What the limit and its warning rest on.
    overrides : tuple of Override
        Nights, surveys, programs, bands and cameras with other values.
    """

    limit: Limit
    basis: Basis
    warn_basis: Basis
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class Facts:
    """What code and limits say of one expectation.

    Attributes
    ----------
    name, claim : str
        Name of the test function, and its docstring in one line.
    kind, stage : str
        Kind of unit that it judges, and stage that it declares.
    bands : tuple of str
        Bands that it is for.
    file, line : str, int
        Where it stands, relative to the repository.
    measures : tuple of Measure
        In the order of the code.
    pictures : tuple of str
        Families of pictures that it may draw.
    """

    name: str
    claim: str
    kind: str
    stage: str
    bands: tuple[str, ...]
    file: str
    line: int
    measures: tuple[Measure, ...]
    pictures: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name as words."""
        words = wording.claim(self.name).replace("ccd", "CCD")
        return words[:1].upper() + words[1:]


@cache
def suite() -> Suite:
    """The project's own expectations."""
    return Suite()


@cache
def expectations() -> tuple[Facts, ...]:
    """Every expectation of the project, by stage in the order of the data, and in file order within a stage."""
    found = [_facts(name, test) for name, test in suite().expectations.items()]
    order = list(STAGES)
    return tuple(sorted(found, key=lambda one: order.index(one.stage)))


def _facts(name: str, test: FunctionType) -> Facts:
    texts = list(dict.fromkeys(_texts(test)))
    limits = suite().limits
    path = Path(inspect.getsourcefile(test) or "").resolve()
    unmarked = inspect.unwrap(test)
    return Facts(
        name=name,
        claim=" ".join((test.__doc__ or "").split()),
        kind=kind_of(test),
        stage=suite().stage(name),
        bands=suite().bands(name),
        file=str(path.relative_to(ROOT)),
        line=unmarked.__code__.co_firstlineno,
        measures=tuple(measure(text, limits) for text in texts if text in limits.names),
        pictures=tuple(dict.fromkeys(_families(test))),
    )


def measure(name: str, limits: Limits) -> Measure:
    """What the limits files say of one measure."""
    entries = [layer[name] for layer in limits.layers if name in layer]
    merged = {key: value for entry in entries for key, value in entry.values.items()}
    return Measure(limit_of(name, merged), *limits.basis(name), tuple(one for entry in entries for one in entry.overrides))


def kind_of(test: FunctionType) -> str:
    """Kind of unit that the fixtures of a test ask for: the smallest of them."""
    kinds = {found.removeprefix("specqa_") for found in _fixtures(test) if found.startswith("specqa_")}
    return next(kind for kind in KINDS if kind in kinds)


def _fixtures(function: FunctionType) -> Iterator[str]:
    for name in inspect.signature(function).parameters:
        yield name
        if isinstance(given := getattr(fixtures, name, None), object) and given is not None:
            yield from _fixtures(inspect.unwrap(getattr(given, "_fixture_function", given)))


def _trees(test: FunctionType) -> Iterator[ast.AST]:
    """Syntax of a test, and of the functions of its file that it names."""
    module = ast.parse(Path(inspect.getsourcefile(test) or "").read_text(encoding="utf-8"))
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    waiting, seen = [test.__name__], set[str]()
    while waiting:
        if (name := waiting.pop(0)) in seen:
            continue
        seen.add(name)
        yield functions[name]
        called = {node.id for part in functions[name].body for node in ast.walk(part) if isinstance(node, ast.Name)}
        waiting += sorted(called & set(functions) - seen)


def _texts(test: FunctionType) -> Iterator[str]:
    """Texts of a test, but for the names of picture families, some of which measures have too."""
    for tree in _trees(test):
        families = {id(node.args[0]) for node in _pictures(tree)}
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found = [node for node in found if id(node) not in families]
        yield from (str(node.value) for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)))


def _families(test: FunctionType) -> Iterator[str]:
    for tree in _trees(test):
        yield from (str(node.args[0].value) for node in _pictures(tree) if isinstance(node.args[0], ast.Constant))


def _pictures(tree: ast.AST) -> list[ast.Call]:
    """Calls of ``expect.picture``."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "picture"]
