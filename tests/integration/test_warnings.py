"""The verdict does not depend on what a checkout does with warnings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

NOISY = """
import warnings
import numpy as np
import pytest

@pytest.fixture
def setting():
    warnings.warn("old way", DeprecationWarning)
    return np.zeros(3) / np.zeros(3)

def test_value(specqa_camera, setting, expect):
    warnings.warn("old way", DeprecationWarning)
    ratio = np.float64(1) / np.zeros(3)[0]
    expect("value", 0.5 if np.isinf(ratio) and np.isnan(setting).all() else 9)

def test_other(specqa_camera, expect):
    expect("other", float(np.log(np.zeros(2))[0]))
"""
RAISING = "import numpy\nnumpy.seterr(all='raise')\n"
WAYS = {
    "plain": ((), "", ""), "error": (("-W", "error"), "", ""), "ignore": (("-W", "ignore"), "", ""),
    "no plugin": (("-p", "no:warnings"), "", ""),
    "ini": ((), "[pytest]\nfilterwarnings = error\n", ""), "seterr": ((), "", RAISING),
}  # fmt: skip


@pytest.fixture(autouse=True)
def numpys_own_state() -> Iterator[None]:
    """The runs are made in this process, and what one of them tells numpy must not reach other tests."""
    with np.errstate():
        yield


def _judged(project, run, pytester, records, way):
    arguments, ini, conftest = WAYS[way]
    project(NOISY)
    if ini:
        (pytester.path / "pytest.ini").write_text(ini)
    if conftest:
        (pytester.path / "conftest.py").write_text(conftest)
    result = run("--specqa-results", "r.jsonl", *arguments)
    return result.ret, [(one["expectation"], one["measure"], one["outcome"], one["message"]) for one in records()]


@pytest.mark.parametrize("way", WAYS)
def test_the_verdict_is_the_same_under_every_filter(project, run, tree, pytester, records, way):
    tree.exposure(1)
    code, found = _judged(project, run, pytester, records, way)
    assert [one[:3] for one in found] == [("test_other", "other", "passed"), ("test_value", "value", "passed")]
    assert code == 0
