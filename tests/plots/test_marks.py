"""Every picture shows what fails, where it is, with the number of the message: in each family, and for each expectation."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle, Wedge

from pytest_specqa.checks import wording
from pytest_specqa.checks.check import Check
from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.plots import Mark, draw, to_png
from pytest_specqa.plots.canvas import MAX_BYTES
from pytest_specqa.plots.mark import GID
from pytest_specqa.run.quota import chosen, mark_of
from pytest_specqa.trials.runner import Suite
from pytest_specqa.trials.trials import unit_and_fixtures
from pytest_specqa.values import Feature, Outcome, Peer

WAVE, FIBER = 5760 + 0.8 * np.arange(600), 3000 + np.arange(500)
X, Y = 3.0 * (FIBER % 100) - 150.0, 6.0 * (FIBER // 100 - 30) - 200.0
PLACE = Feature("bump", (3100, 3149), (5900.0, 5940.0), 5.0, 0.5, 9.0, label="here")
MARK = Mark(
    "sky_value",
    called="sky value",
    value="5 ± 0.5 sigma",
    number=5.0,
    bounds="allowed: at most 1 sigma",
    fibers=((3100, 3149),),
    waves=(5900.0, 5940.0),
    features=(PLACE,),
    detail="the sky of fibers 3100-3149 is too bright",
    high=1.0,
    peers=tuple(Peer(petal, "r", 0.1 * petal, 0.01, chosen=petal == 6) for petal in range(10)),
)
IMAGE = np.random.default_rng(1).normal(0, 1, (500, 600))
FAMILIES: dict[str, dict[str, Any]] = {
    "sframe_lines": {"flux": IMAGE, "wave": WAVE, "fiber": FIBER},
    "sky_model": {"flux": IMAGE + 100, "wave": WAVE, "fiber": FIBER},
    "fiber_image": {"image": IMAGE, "wave": WAVE, "fiber": FIBER},
    "amp_map": {"image": IMAGE, "wave": WAVE, "fiber": FIBER},
    "focal_plane": {"x": X, "y": Y, "after": IMAGE[:, 0], "before": IMAGE[:, 1], "fiber": FIBER},
    "per_fiber": {"fiber": FIBER, "value": IMAGE[:, 0]},
    "redshift_pileup": {"z": np.abs(IMAGE[:, 0]), "fiber": FIBER, "window": (0.5, 0.6)},
    "spectrum_stack": {"wave": WAVE, "residual": IMAGE[:2]},
    "per_petal": {},
    "night_trend": {"night": np.repeat(20220101 + np.arange(25), 20), "value": IMAGE[:, 0], "judged": 20220201},
    "per_line": {"wave": WAVE[::60], "value": IMAGE[0, ::60]},
}


def marks(figure: Figure) -> list[tuple[Any, Any]]:
    """Axes and artists that are drawn at the place of what fails."""
    return [(axes, one) for axes in figure.axes for one in axes.get_children() if one.get_gid() == GID]


def extents(figure: Figure) -> list[tuple[Any, float, float, float, float]]:
    """Axes and range, in data coordinates, of the boxes and shades."""
    found = []
    for axes, one in marks(figure):
        if isinstance(one, Rectangle):
            found.append((axes, one.get_x(), one.get_x() + one.get_width(), one.get_y(), one.get_y() + one.get_height()))
    return found


def holds(figure: Figure, mark: Mark, fiber: np.ndarray) -> bool:
    """Tell whether the worst place lies inside something that is drawn in one of the axes, whatever these show."""
    (first, last), waves = mark.places[0]
    rows = float(np.searchsorted(fiber, first)), float(np.searchsorted(fiber, last, side="right") - 1)
    for axes, left, right, low, high in extents(figure):
        across, up = axes.get_xlabel() or figure.axes[-1].get_xlabel(), axes.get_ylabel()
        by_wave = waves is not None and "wavelength" in across and left <= waves[0] and waves[1] <= right
        by_row = low <= rows[0] and rows[1] <= high
        by_fiber = "FIBER" in across and left <= first and last <= right
        if (up == "FIBER" and (by_wave or waves is None) and by_row) or by_fiber or (up != "FIBER" and by_wave):
            return True
    return any(isinstance(one, (Circle, Wedge)) for _, one in marks(figure))


def words(figure: Figure) -> str:
    """All that is written beside the axes."""
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_tells_measure_value_limit_and_what_was_found(name: str) -> None:
    """Above the picture, in the words of the text."""
    told = words(draw(name, mark=MARK, **FAMILIES[name]))
    assert "fails: sky value: 5 ± 0.5 sigma (allowed: at most 1 sigma)" in told
    assert "The sky of fibers 3100-3149 is too bright" in told


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_marks_the_place(name: str) -> None:
    """A box, a ring, a shade or a line; none without something that fails."""
    figure = draw(name, mark=MARK, **FAMILIES[name])
    assert marks(figure)
    assert name in ("per_petal", "per_line", "night_trend") or holds(figure, MARK, FIBER)
    if name != "sky_model":
        assert not marks(draw(name, **FAMILIES[name]))


def test_a_tiny_place_is_marked_large_enough_to_be_seen() -> None:
    """One bin of one fiber."""
    tiny = Mark("hit", features=(Feature("cosmic", (3250, 3250), (6000.0, 6000.8), 1.0, 0.0, 6.0),))
    _, left, right, low, high = extents(draw("sframe_lines", mark=tiny, **FAMILIES["sframe_lines"]))[0]
    assert right - left > 5 * 1.6
    assert high - low > 5
    assert low < 250 < high
    assert left < 6000.4 < right


def test_a_whole_petal_is_outlined_along_its_edges() -> None:
    """Petal 6 of the focal plane, at the upper left."""
    petal = Mark("petal", features=(Feature("petal", (3000, 3499), (6500.0, 6700.0), 5.0, 1.0, 9.0),))
    wedges = [one for _, one in marks(draw("focal_plane", mark=petal, **FAMILIES["focal_plane"]))]
    assert all(isinstance(one, Wedge) for one in wedges)
    assert (wedges[0].theta1 - 252) / 36 == 6


def test_only_the_marked_fibers_are_red() -> None:
    """Others may be as far out."""
    value = np.zeros(500)
    value[100:150], value[400] = 5.0, 9.0
    axes = draw("per_fiber", fiber=FIBER, value=value, mark=MARK, limited="value").axes[0]
    red = [dots for dots in axes.collections if matplotlib.colors.to_hex(dots.get_facecolors()[0]) == "#d55e00"]
    assert sorted({int(x) for dots in red for x, y in dots.get_offsets() if np.isfinite(y)}) == list(range(3100, 3150))


def test_the_curves_of_a_sky_model_reach_the_value_of_their_measure() -> None:
    """At the fibers and wavelength that were measured, in the running median that was measured."""
    grid = np.arange(5800.0, 6200.0, 12.0)
    block, run = np.zeros((500, grid.size)), np.zeros((500, grid.size))
    block[100:150, 9], run[100:150, 9] = 0.05, 0.211
    both = {"sky_chromatic_block": block, "sky_chromatic_run": run}
    where = Feature("bump", (3100, 3149), (5900.0, 5920.0), 0.211, 0.0, 9.0)
    mark = Mark("sky_chromatic_run", features=(where,))
    figure = draw("sky_model", mark=mark, chromatic=both, chromatic_wave=grid, **FAMILIES["sky_model"])
    red = [line for axes in figure.axes for line in axes.lines if line.get_color() == "#D55E00"]
    assert max(np.max(np.abs(line.get_ydata())) for line in red) == pytest.approx(21.1)


def test_what_fails_is_told_apart_by_its_colour_in_the_image() -> None:
    """The scale follows what fails, not what is no fault."""
    image = np.random.default_rng(2).normal(0, 0.001, (500, 600))
    image[100:150, 175:225] += 5.0
    drawn = draw("fiber_image", image=image, wave=WAVE, fiber=FIBER, mark=MARK).axes[0].images[0]
    assert drawn.get_clim()[1] > 1.0


CAMERA_FAULTS = ("sky_bump", "ccd_hole", "fluxcalib_scale", "amp_bias_step", "calibration_ism", "shifted_labels", "flat_lamp_off")
EXPOSURE_FAULTS = ("scattered_light", "bright_camera")
LEFT_OUT = {
    "test_fibers_are_who_they_say",
    "test_products_of_a_camera_agree_on_what_it_is",
    "test_cameras_of_an_exposure_agree_on_what_it_is",
    "test_redshifts_are_of_the_targets_that_the_frames_hold",
    "test_redshifts_rest_on_every_good_exposure",
    "test_redshifts_add_up_to_their_exposures",
    "test_redshifts_and_coadd_agree",
    "test_flags_of_a_fiber_are_the_same_in_all_files",
    "test_night_has_every_tile",
    "test_the_exposure_table_says_one_thing_of_every_exposure",
}
"""What two files say of one thing: there are no data to draw."""


@functools.cache
def checks(kind: str, fault: str) -> list[Check]:
    """All checks of one simulated unit, with their pictures."""
    suite = Suite(Path(__file__).parents[2] / "qa_tests")
    band = "r" if "r" in FAULTS[fault].bands else FAULTS[fault].bands[0]
    unit, given = unit_and_fixtures(kind, fault, 2 * FAULTS[fault].amplitude, band=band, rng=np.random.default_rng(5))
    return [suite.check(name, unit, fixtures=given) for name in suite.fitting(set(given), band=band)]


def made(check: Check) -> list[tuple[Mark, dict[str, Any], Figure]]:
    """What the page would show of a check."""
    found, pictures = chosen(check)
    drawn = []
    for name, given, _ in pictures:
        arrays = {key: value() if callable(value) else value for key, value in given.items()}
        drawn.append((mark_of(found), arrays, draw(name, mark=mark_of(found), **arrays)))
    return drawn


@pytest.mark.parametrize(
    ("kind", "fault"), [*(("camera", one) for one in CAMERA_FAULTS), *(("exposure", one) for one in EXPOSURE_FAULTS)]
)
def test_what_fails_by_a_planted_fault_is_in_its_picture(kind: str, fault: str) -> None:
    """The place inside the mark, the number of the message above it, and a file that fits the page."""
    bad = [check for check in checks(kind, fault) if check.result.outcome in (Outcome.FAILED, Outcome.WARNED)]
    assert bad
    for check in bad:
        assert not check.crashed, check.measurements
        drawn = made(check)
        assert drawn or check.expectation in LEFT_OUT, check.expectation
        found, _ = chosen(check)
        for mark, arrays, figure in drawn:
            number = wording.number(found.measured.value)
            assert number in found.message
            assert f": {number} " in words(figure) + " "
            if mark.places and "fiber" in arrays:
                assert holds(figure, mark, np.asarray(arrays["fiber"])), (check.expectation, mark)
            assert len(to_png(figure)) <= MAX_BYTES


def test_every_measure_of_spectra_and_redshifts_has_a_picture() -> None:
    """Whatever becomes of it; checks of what two files say have none."""
    for kind in ("camera", "exposure", "tile", "petal"):
        fault = {"camera": "ccd_hole", "exposure": "bright_camera", "tile": "bright_camera", "petal": "template_limit"}[kind]
        for check in checks(kind, fault):
            if check.expectation in LEFT_OUT:
                continue
            assert not check.crashed, check.measurements
            for found in check.measurements:
                shown = any(not picture.shows or found.limit.name in picture.shows for picture in check.pictures)
                assert shown or not (found.measured.features or found.measured.fibers), (check.expectation, found.limit.name)
