"""Pictures, stacks and the page of changes, each by itself."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pytest_specqa.cli import main
from pytest_specqa.report.words import css_class
from pytest_specqa.site import history_page, nightly, residual_image, stacks, sums, timeline
from pytest_specqa.site.timeline import Box, Limits, Points, Span
from pytest_specqa.values import Outcome
from pytest_specqa.vectors import Vector

from .conftest import BAD_BIN, BAD_FIBER, BINS, EDGES, HOSTILE, NIGHTS, Made, change, expids


def points(values: np.ndarray, rank: np.ndarray | None = None) -> Points:
    """A series of single values, a day apart."""
    number = len(values)
    given = np.zeros(number, np.int8) if rank is None else rank
    names, links = [f"night {k}" for k in range(number)], [f"{k}.html" for k in range(number)]
    return Points(np.arange(number, dtype=float), values, values, values, given, names, links.__getitem__)


def heights(svg: str, css: str) -> list[float]:
    """Lowest and highest pixel of the bars of a picture."""
    drawn = re.search(rf'class="{css}" d="([^"]*)"', svg)
    assert drawn
    return [float(one) for part in re.findall(r"M[\d.]+,([\d.]+)V([\d.]+)", drawn[1]) for one in part]


def test_an_outlier_among_thousands_is_seen() -> None:
    values = np.random.default_rng(1).normal(0, 1, 5000)
    usual = timeline.picture(points(values), Box(400, 100, 0, 5000))
    values[1234] = -18.0
    drawn = timeline.picture(points(values), Box(400, 100, 0, 5000))
    assert len(drawn) < 20_000
    floor = 100 - timeline.FOOT
    assert max(heights(drawn, "t-range")) > floor - 8
    assert sum(height > floor - 8 for height in heights(drawn, "t-range")) < sum(
        height > floor - 30 for height in heights(usual, "t-range")
    )


def test_failures_and_warnings_differ_in_shape_and_lead_to_their_night() -> None:
    rank = np.array([0, Outcome.FAILED.rank, Outcome.WARNED.rank, 0], np.int8)
    drawn = timeline.picture(
        points(np.array([0.1, 2.0, 0.7, 0.2]), rank), Box(300, 100, 0, 3), limits=Limits(high=1.0, warn_high=0.5)
    )
    shapes = dict(re.findall(r'class="t-(failed|warned)" d="([^"]*)"', drawn))
    assert "a3,3" in shapes["warned"]
    assert "l-4,-8z" in shapes["failed"]
    assert re.findall(r'<a href="(\d).html" aria-label="([^"]*)"', drawn) == [
        ("2", "night 2: 0.7, warned"),
        ("1", "night 1: 2, failed"),
    ]


@pytest.mark.parametrize(
    ("least", "largest", "limits", "told"),
    [(-3, 1, Limits(low=-2.0), -3), (-3, 1, Limits(high=0.5), 1), (0, 1, Limits(high=2.0), None)],
)
def test_the_end_that_is_beyond_its_limit_is_marked(least: float, largest: float, limits: Limits, told: float | None) -> None:
    assert limits.beyond(least, largest) == told


def test_a_limit_far_away_does_not_flatten_the_course() -> None:
    values = np.random.default_rng(2).normal(0, 1, 50)
    assert "t-fail" not in timeline.picture(points(values), Box(300, 100, 0, 50), limits=Limits(high=1000.0))
    assert "t-fail" in timeline.picture(points(values), Box(300, 100, 0, 50), limits=Limits(high=4.0))


def test_nothing_but_unknown_values_is_an_empty_frame() -> None:
    drawn = timeline.picture(points(np.full(3, np.nan)), Box(300, 100, 0, 3))
    assert "t-frame" in drawn
    assert "t-middle" not in drawn


def test_an_interval_is_shaded_where_it_is() -> None:
    box = Box(timeline.LEFT + timeline.RIGHT + 100, 100, 0, 10)
    drawn = timeline.shaded(Span(2, 5, HOSTILE), box)
    assert f'x="{timeline.LEFT + 20:.1f}"' in drawn
    assert 'width="30.0"' in drawn
    assert "<script>" not in drawn


@pytest.mark.parametrize("night", [0, 20211399, 99999999])
def test_a_night_that_is_no_date_has_a_place(night: int) -> None:
    assert np.isfinite(timeline.day(night))
    assert timeline.box_of_nights([night], width=300, height=100).last > 0


def vector(values: np.ndarray, name: str = "residual") -> Vector:
    return Vector(name, 500, values, 0.01, tuple(range(values.shape[1] + 1)) if values.ndim == 2 else ())


def test_exposures_stack_by_the_root_of_their_number() -> None:
    values = np.array([[1.0, np.nan, 2.0], [0.0, 0.5, np.nan]])
    found = stacks.stacked(
        20211014, {"residual": [vector(values), vector(values), vector(np.where(np.isnan(values), 1.0, values))]}
    )
    assert found is not None
    np.testing.assert_allclose(found.residual, [[np.sqrt(3), 1.0, 2 * np.sqrt(3)], [0.0, 0.5 * np.sqrt(3), 1.0]], rtol=1e-6)


def test_one_exposure_does_not_make_a_stack() -> None:
    """A feature of one object is tall, and of no concern; half as tall in every exposure it is."""
    quiet = np.zeros((1, 4))
    tall, lasting = quiet.copy(), quiet.copy()
    tall[0, 1], lasting[0, 2] = 40.0, 4.0
    found = stacks.stacked(20211014, {"residual": [vector(tall + lasting), *[vector(lasting)] * 8]})
    assert found is not None
    assert found.residual[0, 1] < 1.5
    assert found.residual[0, 2] == pytest.approx(12.0)


def test_levels_are_medians_of_what_is_known() -> None:
    given = [vector(np.array(values), "line_scale") for values in ([1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [9.0, np.nan])]
    found = stacks.stacked(20211014, {"line_scale": given})
    assert found is not None
    np.testing.assert_array_equal(found.levels["line_scale"], [3.0, np.nan])
    assert found.residual.shape == (2, 0)
    assert stacks.stacked(20211014, {}) is None


def test_vectors_of_other_bins_are_left_out() -> None:
    found = stacks.stacked(20211014, {"residual": [vector(np.ones((2, 3))), vector(np.full((2, 4), 3.0))]})
    assert found is not None
    np.testing.assert_array_equal(found.residual, np.ones((2, 3)))


def test_the_image_runs_from_left_to_right_and_blue_to_red() -> None:
    box = Box(timeline.LEFT + timeline.RIGHT + 40, 100, -0.5, 3.5)
    residual = np.zeros((3, 2))
    residual[2, 1] = 8.0
    found = residual_image.columns(np.array([0.0, 1.0, 3.0]), residual, box)
    assert found.shape == (2, 40)
    assert (found[0, 30:] == 8.0).all()
    assert (found[1, 30:] == 0.0).all()
    assert np.isnan(found[:, 20:30]).all()


def test_colours_tell_sign_and_absence() -> None:
    data = residual_image.png(np.array([[-9.0, 0.0, 9.0, np.nan]]))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)[0]
    below, nothing, above, unknown = shown
    assert below[2] - below[0] > 80
    assert above[0] - above[2] > 80
    assert nothing.min() > 240
    assert np.ptp(unknown) < 10
    assert 190 < unknown.mean() < 220


def test_the_page_of_changes_is_one_file_when_alone(whole: Made, tmp_path: Path) -> None:
    changes = [
        change(ongoing=False, significance=5.0),
        change(what="width", scope="camera", fibers=None, waves=None, significance=9.0),
    ]
    changes.append(change(fibers=(3225, 3249), scope="group", what="line_scale", waves=None))
    history_page.write(whole.store, changes, tmp_path / "history.html")
    text = (tmp_path / "history.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#|https://github)[^"]', text)
    assert "<script>alert" not in text
    order = re.findall(r"<h2>\d\. ([^<]*)</h2>", text)
    assert order == ["line scale: r6 fibers 3225–3249", "width: r6 camera", "residual: r6 fiber 3234"]
    articles = text.split("<article")[1:]
    assert 'class="t-span"' in articles[1]
    assert "t-range" in articles[1]
    assert articles[2].count("data:image/png") == 7
    assert "redshifts of fiber 3234" in articles[2]
    assert "a defect of the CCD" in articles[2]
    assert "part of the sky lines that is left" in articles[0]
    assert "4 rows for flagged_fibers.ecsv" in articles[2]
    assert re.search(rf"{NIGHTS[1]} {expids(NIGHTS[1])[0]} 7951 {BAD_FIBER} BADFIBER", articles[2])


def test_the_fault_shows_in_its_fiber_at_its_wavelengths(whole: Made) -> None:
    """From the store and from what the site keeps alike; in no neighbour, and not on the night before."""
    key = ("r6", (BAD_FIBER - 3, BAD_FIBER + 3))
    direct = history_page._from_store(whole.store, [key], NIGHTS)[key]
    kept = history_page._kept(whole.out, [key], NIGHTS)[key]
    for found in (direct, kept):
        image = np.array([stack.residual for stack in found])
        assert image.shape == (3, 7, BINS)
        high = np.argwhere(np.abs(image) > 3.5).tolist()
        assert high == [[1, 3, BAD_BIN], [2, 3, BAD_BIN]]
        assert found[0].waves == pytest.approx(EDGES)
    for one, other in zip(direct, kept, strict=True):
        np.testing.assert_allclose(one.residual, other.residual, atol=0.13)


def test_the_redshifts_of_a_fiber(whole: Made) -> None:
    found = stacks.redshifts(whole.store, 6, fibers=[BAD_FIBER, 2999], nights=NIGHTS)
    assert list(found) == [BAD_FIBER]
    assert found[BAD_FIBER].nights == list(NIGHTS)
    np.testing.assert_allclose(found[BAD_FIBER].z, 1.6, atol=1e-3)
    assert found[BAD_FIBER].good == [True] * 3


def test_the_verb_says_what_it_wrote(whole: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", str(whole.store.root), "--out", str(tmp_path / "out"), "--processes", "1"]) == 0
    assert re.search(r"^site: \S+index.html \(3 nights and \d+ files written\)$", capsys.readouterr().out.strip())
    assert main(["site", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_outcomes_are_ranked_in_sql_as_in_words() -> None:
    assert Outcome.WARNED.rank == nightly.WARNED
    assert re.search(r"\['passed', 'not measured', 'unreachable', 'warned', 'failed'\]", nightly.RANKS)


def test_sums_of_a_folder_whose_name_is_a_pattern_are_its_own(tmp_path: Path) -> None:
    """A site may lie anywhere, beside one whose name the pattern of its own would match."""
    for name, night in (("s1", 20220101), ("s[1]", 20220102)):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"night": [night]}), tmp_path / name / "sums.parquet")
    with sums.opened(tmp_path / "s[1]" / "sums.parquet") as kept:
        assert kept.sql("SELECT night FROM sums").fetchall() == [(20220102,)]


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ((Outcome.PASSED, Outcome.NOT_MEASURED), Outcome.PASSED),
        ((Outcome.PASSED, Outcome.UNREACHABLE), Outcome.UNREACHABLE),
        ((Outcome.UNREACHABLE, Outcome.WARNED), Outcome.WARNED),
        ((), Outcome.NOT_MEASURED),
    ],
)
def test_a_unit_is_shown_by_its_worst_check_but_for_what_cannot_be_measured(found, shown) -> None:
    counts = tuple(int(one in found) for one in Outcome)
    assert nightly.Cell("u", "camera", 1, None, "r6", None, counts).outcome is shown


def test_the_script_of_the_exposure_page_knows_every_outcome_in_its_order() -> None:
    script = (Path(nightly.__file__).parent / "assets/exposure.js").read_text()
    words = re.search(r"const WORDS = \[(.*?)\]", script)
    classes = re.search(r"const CLASSES = \[(.*?)\]", script)
    assert re.findall(r"'([^']*)'", words[1]) == [str(one) for one in Outcome]
    assert re.findall(r"'([^']*)'", classes[1]) == [css_class(one) for one in Outcome]
