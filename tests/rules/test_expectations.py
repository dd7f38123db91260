"""Where the expectations are, installed or in a checkout."""

from __future__ import annotations

import pytest

from pytest_specqa.rules import expectations


@pytest.fixture
def package(tmp_path, monkeypatch):
    package = tmp_path / "pytest_specqa"
    package.mkdir()
    monkeypatch.setattr(expectations, "_PACKAGE", package)
    return package


def test_those_inside_the_package_come_first(package):
    (package / "qa_tests").mkdir()
    (package.parent / "qa_tests").mkdir()
    assert expectations.folder() == package / "qa_tests"
    assert expectations.module_of(expectations.folder()) == "pytest_specqa.qa_tests"
    assert expectations.module_of(expectations.folder() / "test_sky.py") == "pytest_specqa.qa_tests.test_sky"


def test_in_a_checkout_they_lie_beside_the_package(package):
    (package.parent / "qa_tests").mkdir()
    assert expectations.folder() == package.parent / "qa_tests"
    assert expectations.module_of(expectations.folder()) == ""


def test_their_folder_holds_expectations_and_limits():
    assert (expectations.folder() / "limits.toml").is_file()
    assert list(expectations.folder().glob("test_*.py"))
