"""What authors of their own checks may rely on."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

import pytest_specqa


def test_the_public_names_are_few_and_there():
    assert len(pytest_specqa.__all__) <= 13
    assert pytest_specqa.__all__ == sorted(pytest_specqa.__all__)
    for name in pytest_specqa.__all__:
        assert getattr(pytest_specqa, name) is not None


def test_an_unknown_name_is_an_error_as_in_any_module():
    with pytest.raises(AttributeError, match="module 'pytest_specqa' has no attribute 'Measure'"):
        _ = pytest_specqa.Measure


def test_a_measure_needs_neither_pytest_nor_arrays():
    code = "import sys; from pytest_specqa import Measured; print({'pytest', 'numpy', 'tomllib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_type_checkers_are_told_that_the_package_is_typed():
    assert (resources.files(pytest_specqa) / "py.typed").is_file()


def test_results_are_read_and_written_from_one_name(tmp_path):
    from pytest_specqa import results  # noqa: PLC0415

    assert results.__all__ == ["read", "write"]
    assert results.write(tmp_path / "empty.jsonl", []) == 0
