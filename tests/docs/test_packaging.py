"""What a release says of itself in several places is the same in all of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from pytest_specqa import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
URLS = PROJECT["project"]["urls"]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "duckdb": "python-duckdb"}
PAGES = ("blob/main/", "tree/main/")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def conda(requirement: str) -> str:
    name, versions = re.match(r"([\w-]+)(.*)", requirement).groups()
    return f"{CONDA_NAMES.get(name, name)} {versions}".strip()


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == __version__
    assert citation["repository-code"] == URLS["Repository"]
    assert citation["license"] == PROJECT["project"]["license"]


def test_the_conda_recipe_needs_what_the_package_needs():
    recipe = read("conda/meta.yaml")
    assert f'{{% set version = "{__version__}" %}}' in recipe
    run = recipe.split("  run:\n")[1].split("\n\n")[0]
    asked = {line.strip().removeprefix("- ") for line in run.splitlines()}
    assert asked == {"python >=3.11", *map(conda, PROJECT["project"]["dependencies"])}


def test_links_of_the_readme_hold_wherever_it_is_shown():
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", read("README.md")) if not target.startswith("#")]
    assert [target for target in targets if "://" not in target] == []
    repository = URLS["Repository"]
    raw = repository.replace("github.com", "raw.githubusercontent.com") + "/main/"
    files = [target.removeprefix(raw) for target in targets if target.startswith(raw)]
    for start in PAGES:
        files += [target.removeprefix(f"{repository}/{start}") for target in targets if target.startswith(f"{repository}/{start}")]
    assert "docs/report.png" in files
    assert [name for name in files if not (ROOT / name.partition("#")[0]).exists()] == []
    assert sum(target.startswith((repository, raw)) for target in targets) >= len(files)


def test_a_source_distribution_has_what_tests_and_documents_are_made_of():
    given = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/docs", "/tests", "/qa_tests", "/conda", "/CITATION.cff", "/constraints.txt", "/Makefile"} <= set(given)
    assert [name for name in given if not (ROOT / name.removeprefix("/")).exists()] == []


def test_classifiers_name_the_versions_of_python_that_are_asked_for():
    least = PROJECT["project"]["requires-python"].removeprefix(">=")
    listed = [name.rpartition(" :: ")[2] for name in PROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d+$", name)]
    assert listed[0] == least
    assert "Typing :: Typed" in PROJECT["project"]["classifiers"]
    # A license expression and a classifier of a license exclude each other (PEP 639).
    assert not any(name.startswith("License ::") for name in PROJECT["project"]["classifiers"])


def test_the_newest_section_of_the_changelog_is_of_this_version_or_not_released():
    (first, *_) = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert first == "Unreleased" or first.split()[0] == __version__


def test_a_release_is_made_of_a_tag_of_its_version():
    release = yaml.safe_load(read(".github/workflows/release.yml"))
    # YAML 1.1 takes the key "on" for true.
    assert release[True]["push"]["tags"] == ["v*"]
    assert release["jobs"]["publish"]["needs"] == "build"
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}


def test_the_site_is_built_by_ci_with_warnings_as_errors():
    steps = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]["docs"]["steps"]
    assert any(step.get("run") == "make docs" for step in steps)
    assert re.search(r"^docs:.*\n\t.*sphinx -W ", read("Makefile"), re.MULTILINE)
