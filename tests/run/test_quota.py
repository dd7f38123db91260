"""Pictures are drawn as long as the page has room for them, whichever process draws them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_specqa import plots
from pytest_specqa.checks.check import Check
from pytest_specqa.run.quota import Gallery
from pytest_specqa.values import DataUnit, Outcome


@pytest.fixture(autouse=True)
def sketch(monkeypatch):
    monkeypatch.setattr(plots, "draw", lambda name, **_: name)
    monkeypatch.setattr(plots, "stamp", lambda *_: None)
    monkeypatch.setattr(plots, "to_png", lambda _: b"png")


def failed(expectation: str = "test_value", *, outcome: Outcome = Outcome.FAILED) -> Check:
    unit = DataUnit("camera", 20211014, expid=1, camera="r6")
    pictures = [("sketch", {}), ("map", {})]
    made = SimpleNamespace(unit=unit, expectation=expectation, pictures=pictures, notes=[], extras=[])
    made.result = SimpleNamespace(outcome=outcome)
    return made  # type: ignore[return-value]


def drawn(gallery: Gallery, *checks: Check) -> list[int]:
    for check in checks:
        gallery.draw(check)
    return [len(check.extras) for check in checks]


@pytest.mark.parametrize("shared", [False, True])
def test_each_expectation_and_family_has_its_quota(tmp_path, shared):
    gallery = Gallery(2, tmp_path if shared else None)
    assert drawn(gallery, failed(), failed(), failed(), failed("test_other")) == [2, 2, 0, 2]


def test_two_processes_share_one_quota(tmp_path):
    one, other = Gallery(3, tmp_path), Gallery(3, tmp_path)
    assert drawn(one, failed(), failed()) == [2, 2]
    late = failed()
    assert drawn(other, failed(), late) == [2, 0]
    assert drawn(one, failed()) == [0]
    assert late.notes == [
        f"picture {name} not drawn: 3 of this expectation are shown (--specqa-max-pictures)" for name in ("sketch", "map")
    ]


def test_warnings_use_up_no_place_of_failures(tmp_path):
    gallery = Gallery(2, tmp_path)
    warned = [failed(outcome=Outcome.WARNED) for _ in range(2)]
    assert drawn(gallery, *warned, failed(), failed()) == [2, 0, 2, 2]


def test_without_the_folder_a_process_has_the_quota_for_itself(tmp_path):
    gallery = Gallery(1, tmp_path / "gone")
    assert drawn(gallery, failed(), failed()) == [2, 0]
    assert not Path(tmp_path / "gone").exists()
