"""The suite in a process of its own."""

from pathlib import Path

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.run.apart import Suite


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A production of two cameras, by their names alone."""
    folder = tmp_path / "made" / "exposures" / "20211014" / "00104284"
    folder.mkdir(parents=True)
    for camera in ("r6", "r7"):
        (folder / f"sframe-{camera}-00104284.fits").write_bytes(b"none")
    return tmp_path / "made"


def test_the_suite_is_run_by_pytest_and_its_complaint_is_passed_on(root):
    with pytest.raises(UsageError, match="20211015"):
        Suite(("--night=20211015",)).measure(root)


def test_units_are_left_out_of_a_second_run(root, tmp_path):
    check = tmp_path / "test_one.py"
    check.write_text("def test_one(specqa_camera, expect): expect.not_expected('nothing to see')\n")
    suite = Suite(tests=(str(check),))
    assert [item["camera"] for item in suite.measure(root)] == ["r6", "r7"]
    (left,) = suite.measure(root, skipping={"20211014-00104284-r6"})
    assert left["camera"] == "r7"
    assert suite.measure(root, skipping={"20211014-00104284-r6", "20211014-00104284-r7"}) == []


def test_the_store_and_the_past_that_a_configuration_file_names_are_not_those_of_every_production(root, tmp_path):
    store = Store.create(tmp_path / "store", production="another")
    (tmp_path / "pytest.ini").write_text("[pytest]\nspecqa_store = store\nspecqa_history = store\nspecqa_vectors = true\n")
    check = tmp_path / "test_one.py"
    check.write_text("def test_one(specqa_camera, expect): expect.keep('x', [1.0], first=0); expect.not_expected('nothing')\n")
    records = Suite(tests=(str(check),)).measure(root)
    assert [item["camera"] for item in records] == ["r6", "r7"]
    assert not any("vectors" in item for item in records)
    assert store.nights == []
