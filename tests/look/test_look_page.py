"""What the page holds is what the products hold, and nothing else gets into it or out of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.models import HoverTool

from pytest_specqa.look import exposure as exposures
from pytest_specqa.look import figures
from pytest_specqa.look.fibers import fiber_columns
from pytest_specqa.look.light import read_light
from pytest_specqa.look.pack import unpack

from .conftest import DEPTH, EXPID, HOSTILE, INSIDE, NIGHT, PATCH, WAVE, WINDOW, Written


class Tags(HTMLParser):
    """All tags of a page, and what is in its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def page_data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="specqa-data">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.fixture(scope="module")
def data(written: Written) -> dict[str, Any]:
    return page_data(written.html)


def test_spectra_are_means_of_the_good_pixels_of_the_products(written: Written, data: dict[str, Any]) -> None:
    camera = data["cameras"][0]
    residual, sky = unpack(camera["residual"]), unpack(camera["sky_model"])
    assert residual.shape == (500, 233)
    assert data["wave"][0] == pytest.approx(WAVE[:10].mean(), abs=0.01)
    expected = written.flux["r6"][:, 1000:1010].mean(axis=1)
    expected[3] = np.nan
    np.testing.assert_allclose(residual[:, 100], expected, atol=camera["residual"]["step"])
    np.testing.assert_allclose(sky[10, 100], written.sky["r6"][10, 1000:1010].mean(), atol=camera["sky_model"]["step"])
    # The bin of the bad pixel holds the nine others.
    nine = written.flux["r6"][10, 701:710].mean()
    assert residual[10, 70] == pytest.approx(nine, abs=camera["residual"]["step"])


def test_rounding_is_a_small_part_of_the_noise(data: dict[str, Any]) -> None:
    assert data["cameras"][0]["residual"]["step"] < 10 / np.sqrt(10) / 4
    assert data["images"]["r6"]["sframe"]["step"] < 10 / 4


def test_images_are_those_of_the_products(written: Written, data: dict[str, Any]) -> None:
    image = data["images"]["r6"]
    sframe, sky = unpack(image["sframe"]), unpack(image["sky"])
    assert (image["start"], image["step"], image["first"]) == (pytest.approx(5760.0), pytest.approx(0.8), 3000)
    good = written.ivar["r6"] > 0
    np.testing.assert_array_equal(np.isfinite(sframe), good)
    np.testing.assert_allclose(sframe[good], written.flux["r6"][good], atol=image["sframe"]["step"] / 2 + 1e-4)
    np.testing.assert_allclose(sky, written.sky["r6"], atol=image["sky"]["step"] / 2 + 1e-4)
    low, high = image["limits"]["sframe"]
    assert low < -20 < 20 < high


def test_each_fiber_is_coloured_by_the_median_of_its_window(written: Written) -> None:
    light = read_light(written.production, night=NIGHT, expid=EXPID, camera="r6", window=WINDOW, images=False)
    columns = fiber_columns([light], written.production.instrument)
    expected = np.median(written.flux["r6"][:, INSIDE], axis=1)
    assert columns["after"][260] == pytest.approx(expected[260], abs=1e-3)
    before = expected + np.median(written.sky["r6"][:, INSIDE], axis=1)
    shift = columns["before"][260] - columns["before"][100]
    assert shift == pytest.approx(before[260] - before[100], abs=3.0)
    assert np.mean([columns["after"][row] for row in range(250, 300)]) == pytest.approx(DEPTH, abs=1)
    assert columns["after"][3] is None
    assert light.images == {}


def test_a_fiber_is_told_by_number_target_class_flags_and_magnitude(written: Written) -> None:
    light = read_light(written.production, night=NIGHT, expid=EXPID, camera="r6", window=WINDOW, images=False)
    columns = fiber_columns([light], written.production.instrument)
    told = {name: values[7] for name, values in columns.items()}
    assert told["fiber"] == 3007
    # JavaScript would round the number.
    assert told["targetid"] == "39628000000003007"
    assert told["kind"] == "TGT (LRG)"
    assert told["status"] == "STUCKPOSITIONER, BADPOSITION"
    assert told["mag"] == pytest.approx(17.5)
    assert columns["status"][8] == "good"
    planes = figures.focal_planes(columns, instrument=written.production.instrument, unit="e")
    hover = next(tool for tool in planes["after"].tools if isinstance(tool, HoverTool))
    source = hover.renderers[0].data_source
    fields = [re.match(r"@(\w+)", text)[1] for _, text in hover.tooltips]  # type: ignore[index]
    assert set(fields) >= {"fiber", "targetid", "kind", "mag", "status", "before", "after"}
    assert set(fields) <= set(source.data)
    assert source.data["after"][260] == columns["after"][260]
    assert planes["before"].x_range is planes["after"].x_range


def test_the_failing_place_is_marked_and_shown_first(data: dict[str, Any]) -> None:
    assert data["fibers"] == list(PATCH)
    assert data["window"] == list(WINDOW)
    assert PATCH[0] <= data["start"] <= PATCH[1]
    boxes = data["images"]["r6"]["boxes"]
    assert boxes["left"][0] < WINDOW[0] < WINDOW[1] < boxes["right"][0]
    assert (boxes["bottom"], boxes["top"]) == ([3249.5], [3299.5])


def test_what_files_and_results_say_is_no_html(written: Written) -> None:
    html = written.html
    assert HOSTILE not in html
    tags = Tags(html).tags
    assert not [attrs for tag, attrs in tags if tag == "img" and "onerror" in attrs]
    assert not [tag for tag, _ in tags if tag in ("i", "iframe")]
    assert "&lt;/script&gt;&lt;img src=x" in html
    assert "production &lt;i&gt;daily" in html


def test_hostile_names_of_targets_stay_data(written: Written) -> None:
    light = read_light(written.production, night=NIGHT, expid=EXPID, camera="r6", window=WINDOW, images=False)
    columns = fiber_columns([light], written.production.instrument)
    columns["kind"][0] = HOSTILE
    script, _, _ = figures.embed(figures.focal_planes(columns, instrument=written.production.instrument, unit="e"))
    assert [tag for tag, _ in Tags(script).tags] == ["script"]


def test_the_page_loads_nothing(written: Written) -> None:
    for tag, attrs in Tags(written.html).tags:
        for name in ("src", "srcset", "data", "poster", "action"):
            assert not re.match(r"\s*(https?:)?//", attrs.get(name) or "", re.IGNORECASE), (tag, attrs)
        assert tag not in ("link", "base", "object", "embed")
        if tag != "a":
            assert "href" not in attrs
    style = re.search(r"<style>(.*?)</style>", written.html, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_sky_is_linked_to_the_viewer(written: Written) -> None:
    links = [attrs["href"] for tag, attrs in Tags(written.html).tags if tag == "a" and "legacysurvey" in (attrs.get("href") or "")]
    assert len(links) == 2
    assert all(re.search(r"ra=4[78]\.\d+&dec=-[56]\.\d+", link or "") for link in links)


def test_an_exposure_of_another_tile_is_shown_beside_it(written: Written) -> None:
    images = [attrs for tag, attrs in Tags(written.html).tags if tag == "img"]
    assert [attrs["alt"] for attrs in images] == [
        f"sframe r6 {EXPID:08d}, tile 7951 (this one)",
        "sframe r6 00104286, tile 6699",
    ]
    assert "previous exposure: none on this night" in written.html


def test_a_page_that_grows_too_large_averages_pixels_and_says_so(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposures, "MOST_BYTES", written.page.stat().st_size - 200_000)
    page = tmp_path / "page.html"
    exposures.write_page(written.production, page, night=NIGHT, expid=EXPID)
    html = page.read_text()
    image = page_data(html)["images"]["r6"]
    assert "2 pixels along wavelength are averaged" in html
    assert (image["bins"], image["step"]) == (1163, pytest.approx(1.6))
    assert image["start"] == pytest.approx(5760.4)
    pair = written.flux["r6"][10, 20:22].mean()
    assert unpack(image["sframe"])[10, 10] == pytest.approx(pair, abs=image["sframe"]["step"])
    assert "pixels along wavelength are averaged" not in written.html


def test_a_camera_without_sky_model_is_said_and_shown(written: Written, links: Path, tmp_path: Path) -> None:
    (links / f"exposures/{NIGHT}/{EXPID:08d}/sky-r6-{EXPID:08d}.fits").unlink()
    page = tmp_path / "page.html"
    exposures.write_page(exposures.Production(links), page, night=NIGHT, expid=EXPID, cameras="r6")
    html = page.read_text()
    data = page_data(html)
    assert "r6 has no sky model" in html
    assert data["images"]["r6"]["sky"] is None
    assert list(data["images"]["r6"]["limits"]) == ["sframe"]
    assert np.isfinite(unpack(data["cameras"][0]["residual"])).any()
    assert np.isnan(unpack(data["cameras"][0]["sky_model"])).all()


def test_a_camera_that_cannot_be_read_is_said_unless_it_was_asked_for(links: Path, tmp_path: Path) -> None:
    path = links / f"exposures/{NIGHT}/{EXPID:08d}/sframe-r7-{EXPID:08d}.fits"
    path.unlink()
    path.write_bytes(b"no FITS")
    page = tmp_path / "page.html"
    exposures.write_page(exposures.Production(links), page, night=NIGHT, expid=EXPID, cameras="r6")
    assert "sframe-r7-00104284.fits" in page.read_text()
    assert [one["name"] for one in page_data(page.read_text())["cameras"]] == ["r6"]
    other = tmp_path / "other.html"
    with pytest.raises(exposures.ProductError, match="sframe-r7"):
        exposures.write_page(exposures.Production(links), other, night=NIGHT, expid=EXPID, cameras="r7")
    assert not other.exists()


def test_no_other_room_needs_bokeh() -> None:
    code = (
        "import sys, pytest_specqa.plugin, pytest_specqa.report, pytest_specqa.cli, pytest_specqa.look.cli;"
        "import pytest_specqa.plots.gallery;"
        "pytest_specqa.cli.parser('look');"
        "assert 'bokeh' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_pages_of_neighbours_are_linked_once_they_are_there(
    written: Written, tmp_path: Path, look_record: Callable[..., Any]
) -> None:
    page, other = tmp_path / "look-00104284.html", tmp_path / "look-00104286.html"
    other.write_text("")
    exposures.write_page(written.production, page, night=NIGHT, expid=EXPID, records=[look_record()])
    hrefs = [attrs.get("href") for tag, attrs in Tags(page.read_text()).tags if tag == "a"]
    assert hrefs.count("look-00104286.html") == 2
    assert "look-00104286.html" not in written.html
