"""Which tests go to the same worker."""

from __future__ import annotations

import pytest

from pytest_specqa.run.scheduling import share


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("qa/test_a.py::test_a[20211014-00104284-r6]", "20211014-00104284"),
        ("qa/test_b.py::test_b[20211014-00104284]", "20211014-00104284"),
        ("qa/test_b.py::test_b[OI-20211014-00104284-r6]", "20211014-00104284"),
        ("qa/test_b.py::test_b[20211014-00104284-r6-OI]", "20211014-00104284"),
        ("qa/test_c.py::test_c[7951-20211014-petal6]", "7951-20211014"),
        ("qa/test_c.py::test_c[7951-20211014]", "7951-20211014"),
        ("qa/test_d.py::test_d[20211014]", "20211014"),
        ("tests/test_e.py::test_e", "tests/test_e.py::test_e"),
        ("tests/test_e.py::test_e[1-2]", "tests/test_e.py::test_e[1-2]"),
    ],
)
def test_share_is_the_exposure_or_tile(nodeid, expected):
    assert share(nodeid) == expected
