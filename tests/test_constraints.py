"""The versions of constraints.txt are a whole: each package that is asked for by name has one, and it is one that is allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
UNPINNED = {"pytest-specqa", "desispec", "cosmic-ray"}
"""The package itself; and what is installed beside it by who needs it, not by make."""


def name_of(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {name_of(name): version for name, version in (line.split("==") for line in lines)}


def asked() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    return [found for found in map(Requirement, texts) if name_of(found.name) not in UNPINNED]


@pytest.mark.parametrize("asked", asked(), ids=str)
def test_what_is_asked_for_is_pinned_to_what_is_allowed(asked):
    assert asked.specifier.contains(pins()[name_of(asked.name)])


def test_what_has_private_parts_that_are_used_is_bound_from_above():
    bound = {one.name for one in asked() if any(part.operator == "<" for part in one.specifier)}
    assert {"pytest", "pytest-html", "pytest-xdist"} <= bound


def test_what_develops_brings_the_extras_that_tests_need():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (own,) = [Requirement(text) for text in extras["dev"] if text.startswith("pytest-specqa")]
    assert {"look", "remote", "scale", "notebook", "completion"} == own.extras
