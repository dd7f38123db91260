"""Pictures in the HTML report: of what failed or warned, a few of each, never at the cost of the verdict."""

from __future__ import annotations

import base64

import pytest

from pytest_specqa import plots

PNG = b"a sketch of the failure"
REPORT = ("--html", "report.html", "--self-contained-html")

DRAWN = """
def test_value(specqa_camera, expect):
    expect.picture("sketch", level=1)
    expect("value", {"r6": 2.5, "r7": 0.5}[specqa_camera.camera])
"""

# Workers are processes of their own: they stand in for the plots themselves.
WORKERS = f"""
import os
from pytest_specqa import plots

if "PYTEST_XDIST_WORKER" in os.environ:
    plots.draw = lambda name, **arrays: name
    plots.stamp = lambda figure, text: None
    plots.to_png = lambda figure: {PNG!r}
"""


@pytest.fixture
def sketches(monkeypatch):
    """Stand in for the plots, and count what is drawn."""
    drawn = []

    def draw(name: str, **arrays: object) -> object:
        if name == "broken":
            raise ValueError("no axes")
        drawn.append((name, arrays))
        return name

    monkeypatch.setattr(plots, "draw", draw)
    monkeypatch.setattr(plots, "stamp", lambda figure, text: drawn.append((figure, text)))
    monkeypatch.setattr(plots, "to_png", lambda _: PNG)
    return drawn


def images(pytester: pytest.Pytester) -> int:
    return (pytester.path / "report.html").read_text().count(base64.b64encode(PNG).decode())


def test_nothing_is_drawn_without_a_report(project, run, night, sketches):
    project(DRAWN)
    run()
    assert sketches == []


def test_only_what_failed_is_drawn(project, run, night, sketches, pytester):
    project(DRAWN)
    run(*REPORT)
    drawn = [one for one in sketches if isinstance(one[1], dict)]
    assert [(name, arrays["level"], arrays["mark"].value) for name, arrays in drawn] == [("sketch", 1, "2.5 m")] * 2
    assert images(pytester) == 2


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_the_number_per_expectation_is_bounded(project, run, tree, sketches, pytester, workers):
    for expid in range(1, 7):
        tree.exposure(expid)
    project(DRAWN)
    pytester.makeconftest(WORKERS)
    result = run(*REPORT, "--specqa-max-pictures", 2, *workers)
    result.assert_outcomes(failed=6)
    assert images(pytester) == 2
    assert result.stdout.str().count("(--specqa-max-pictures)") == 4


def test_every_picture_says_what_it_is_of(project, run, night, sketches):
    project(DRAWN)
    run(*REPORT)
    assert [text for _, text in sketches if isinstance(text, str)] == ["20211014-00104282-r6", "20211014-00104284-r6"]


WARNS_FIRST = """
def test_value(specqa_camera, expect):
    expect.picture("sketch", level=specqa_camera.expid)
    expect("value", 2.5 if specqa_camera.expid == 6 else 1.5)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_warnings_leave_room_for_what_failed(project, run, tree, sketches, pytester, workers):
    for expid in range(1, 7):
        tree.exposure(expid)
    project(WARNS_FIRST)
    pytester.makeconftest(WORKERS)
    run(*REPORT, "--specqa-max-pictures", 1, *workers)
    assert images(pytester) == 2


def test_pictures_can_be_switched_off(project, run, night, sketches, pytester):
    project(DRAWN)
    run(*REPORT, "--specqa-max-pictures", 0)
    assert sketches == []
    assert images(pytester) == 0


def test_a_crash_while_drawing_changes_no_verdict_and_is_said(project, run, night, sketches):
    project(
        """
def test_value(specqa_camera, expect):
    expect.picture("broken")
    expect("value", 2.5)
"""
    )
    result = run(*REPORT, "--expid", 104284, "--camera", "r6")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["picture broken could not be drawn: ValueError: no axes"])
