"""Documents of the repository name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_specqa import Measured
from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.quiet import QUIET

ROOT = Path(__file__).parents[1]
CATALOGUE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"\b[FN][0-9]{2}\b")
ENTRIES = set(re.findall(rf"^\| ({NUMBER.pattern}) \|", CATALOGUE, re.MULTILINE))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def test_every_fault_of_the_library_is_in_the_catalogue():
    assert {fault.id for fault in FAULTS.values()} <= ENTRIES


def test_every_case_that_must_not_trigger_is_in_the_catalogue():
    assert {case.id for case in QUIET.values()} - {""} <= ENTRIES


def test_the_catalogue_and_the_judgement_name_only_entries():
    assert set(NUMBER.findall(CATALOGUE)) <= ENTRIES
    assert set(NUMBER.findall((ROOT / "docs" / "judgement.md").read_text(encoding="utf-8"))) <= ENTRIES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_documents_that_the_code_names_exist():
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("pytest_specqa/**/*.py"))
    named = set(re.findall(r"docs/[\w/]+\.md", code))
    assert "docs/faults.md" in named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_check_in_the_readme_measures():
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (code,) = (one for one in blocks if "def test_" in one)
    names: dict[str, object] = {}
    exec(code, names)
    flux = np.ones((500, 10))
    flux[7] = 3
    found: dict[str, Measured] = {}
    names["test_no_fiber_outshines_its_camera"](sky=SimpleNamespace(flux=flux), expect=found.__setitem__)
    assert found["sky_brightest_fiber"].value == 3
