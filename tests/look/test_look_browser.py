"""The page as a browser shows it: a click, a blink, a zoom, and nothing asked of the network."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from .conftest import EXPID, PATCH, WAVE, Written

PLACE = """
const fibers = specqaLook.model('fibers'), index = Array.from(fibers.data.fiber).indexOf(arguments[0])
const plane = [...Bokeh.documents[0].roots()].find((one) => one.title && one.title.text === 'after sky subtraction')
const view = Bokeh.index.get_by_id(plane.id), box = view.el.getBoundingClientRect()
return [box.left + view.frame.x_scale.compute(fibers.data.x[index]), box.top + view.frame.y_scale.compute(fibers.data.y[index])]
"""

support = pytest.importorskip("selenium.webdriver.support.ui", reason="needs selenium (pip install selenium)")
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install selenium)")


@pytest.fixture(scope="module")
def browser(chromium: Any, written: Written) -> Any:
    """The browser with the page opened from disk."""
    chromium.get(written.page.as_uri())
    support.WebDriverWait(chromium, 60).until(lambda one: one.execute_script("return document.body.dataset.ready === 'yes'"))
    return chromium


def drawn(browser: Any) -> str:
    return str(browser.execute_script("return document.body.dataset.drawn"))


def test_a_click_on_a_fiber_shows_its_spectrum(browser: Any, written: Written) -> None:
    fiber = 3271
    browser.execute_script("document.querySelector('.planes').scrollIntoView()")
    left, top = browser.execute_script(PLACE, fiber)
    mouse = webdriver.ActionChains(browser)
    mouse.w3c_actions.pointer_action.move_to_location(round(left), round(top))
    mouse.click().perform()
    told = "return document.getElementById('fiber-told').textContent"
    support.WebDriverWait(browser, 20).until(lambda one: f"fiber {fiber} " in one.execute_script(told))
    assert f"TARGETID {39628000000000000 + fiber}, TGT (LRG), 17.50 mag, FIBERSTATUS good" in browser.execute_script(told)
    spectrum = browser.execute_script("const data = specqaLook.model('spectrum').data; return [[...data.residual], [...data.sky]]")
    flux, sky = (image["r6"][fiber - 3000] for image in (written.flux, written.sky))
    assert spectrum[0][110] == pytest.approx(flux[1100:1110].mean(), abs=0.5)
    assert spectrum[1][110] == pytest.approx(sky[1100:1110].mean(), abs=0.5)
    link = browser.find_element("id", "fiber-sky").get_attribute("href")
    assert link.startswith("https://www.legacysurvey.org/viewer?ra=4")


def test_colours_follow_another_window(browser: Any, written: Written) -> None:
    for name, value in (("low", "6000"), ("high", "6100")):
        box = browser.find_element("id", f"window-{name}")
        box.clear()
        box.send_keys(value)
    browser.find_element("id", "window-set").click()
    after = browser.execute_script("return [...specqaLook.model('fibers').data.after]")
    bins = WAVE[:2320].reshape(-1, 10).mean(axis=1)
    means = written.flux["r6"][:, :2320].reshape(500, -1, 10).mean(axis=2)[:, (bins >= 6000) & (bins <= 6100)]
    assert after[260] == pytest.approx(np.median(means[260]), abs=0.5)


def test_b_blinks_and_buttons_choose(browser: Any) -> None:
    assert drawn(browser).startswith("r6 sframe")
    body = browser.find_element("css selector", "body")
    body.send_keys("b")
    seen = set()

    def all_three(_: Any) -> bool:
        seen.add(drawn(browser).split()[1])
        return seen == {"frame", "sky", "sframe"}

    support.WebDriverWait(browser, 60, poll_frequency=0.1).until(all_three)
    body.send_keys("b")
    assert browser.find_element("id", "blink").get_attribute("aria-pressed") == "false"
    browser.find_element("css selector", "[data-view=ratio]").click()
    support.WebDriverWait(browser, 20).until(lambda _: drawn(browser).startswith("r6 ratio"))
    values = browser.execute_script(
        "const one = specqaLook.images.get('r6'); return [one.frame[5000], one.sframe[5000], one.sky[5000]]"
    )
    assert values[0] == pytest.approx(values[1] + values[2], abs=1e-3)


def test_only_buttons_change_the_view(browser: Any) -> None:
    tags = browser.execute_script("return [...document.querySelectorAll('[data-view]')].map((one) => one.tagName)")
    assert tags == ["BUTTON"] * 4


def test_rows_are_straightened_by_the_bend(browser: Any, written: Written) -> None:
    browser.find_element("css selector", "[data-view=sframe]").click()
    browser.execute_script("const one = document.getElementById('bend'); one.value = -20; one.dispatchEvent(new Event('input'))")
    support.WebDriverWait(browser, 20).until(lambda _: drawn(browser) == "r6 sframe -20")
    shown = browser.execute_script(
        "const image = specqaLook.model('image_rows').data.image[0]; return [image[1000], image[250 * 2326 + 1000]]"
    )
    assert shown[0] == pytest.approx(written.flux["r6"][0, 980], abs=1.5)
    assert shown[1] == pytest.approx(written.flux["r6"][250, 1000], abs=1.5)


def test_a_cell_of_the_night_is_named(browser: Any) -> None:
    browser.find_element("css selector", "tr.here [data-camera=r7]").click()
    told = browser.find_element("id", "told").text
    assert told.startswith(f"{EXPID:08d} r7: no results given")
    assert "specqa look ... --camera r7" in told
    browser.find_element("css selector", "tr.here [data-camera=r6]").click()
    assert "sky_step failed" in browser.find_element("id", "told").text


def test_sky_fibers_and_marks_are_drawn(browser: Any) -> None:
    lines, fibers, marked = browser.execute_script(
        "const lines = specqaLook.model('sky_lines').data;"
        "return [lines.ys.length, [...lines.fiber], specqaLook.model('marked').data.x.length]"
    )
    assert lines == 50
    assert all(fiber % 10 == 0 for fiber in fibers)
    assert marked == PATCH[1] - PATCH[0] + 1


def test_the_browser_complains_of_nothing_and_asks_for_nothing(browser: Any) -> None:
    log = [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert log == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert not [url for url in asked if url.startswith(("http:", "https:", "ws:", "wss:"))]
