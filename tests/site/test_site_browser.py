"""The site as a browser shows it from disk: from the calendar down to a fiber, without errors and without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import BAD_FIBER, HOSTILE, NIGHTS, Made, expids

LAST = NIGHTS[-1]

support = pytest.importorskip("selenium.webdriver.support.ui", reason="needs selenium (pip install selenium)")
keys = pytest.importorskip("selenium.webdriver.common.keys", reason="needs selenium (pip install selenium)").Keys


@pytest.fixture
def browser(chromium: Any, whole: Made) -> Iterator[Any]:
    """The browser at the calendar; whatever a test does, nothing is complained of and no network is asked."""
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get_log("performance")
    visit(chromium, whole, "index.html")
    yield chromium
    log = [entry["message"] for entry in chromium.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert log == []
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert asked
    assert not [url for url in asked if not url.startswith(("file:", "data:", "about:"))]


def visit(browser: Any, made: Made, name: str) -> None:
    browser.get(made.out.as_uri() + "/" + name)


def wait(browser: Any, what: str) -> Any:
    """Wait until a script gives something."""
    return support.WebDriverWait(browser, 15).until(lambda one: one.execute_script(f"return {what}"))


def click(browser: Any, selector: str) -> None:
    element = browser.find_element("css selector", selector)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def text(browser: Any, selector: str = "main") -> str:
    return str(browser.find_element("css selector", selector).text)


def test_from_the_calendar_to_the_reason_in_two_clicks(browser: Any) -> None:
    click(browser, f".site-calendar a[href='nights/{LAST}.html']")
    assert text(browser, "h1") == "Night 2021-10-14"
    assert "FAILED" in text(browser, ".specqa-verdict")
    click(browser, "td.specqa-failed a")
    row = wait(browser, "document.querySelector('.specqa-here[open]')")
    assert HOSTILE in row.text


def test_from_the_night_to_exposure_camera_and_fiber(browser: Any) -> None:
    click(browser, f".site-calendar a[href='nights/{LAST}.html']")
    click(browser, f"a[href='../exposure.html#{LAST}-{expids(LAST)[0]:08d}']")
    wait(browser, "document.querySelector('.site-values tbody tr')")
    assert text(browser, "h1") == f"Exposure {expids(LAST)[0]:08d}, tile 7951"
    assert HOSTILE in text(browser, "#exposure-reasons")
    first = text(browser, ".site-values tbody tr")
    assert first.startswith("plain ")
    assert "F 7" in text(browser, ".site-values")
    click(browser, f"#exposure-cells a[href$='{expids(LAST)[0]:08d}-r6']")
    wait(browser, "document.querySelector('#exposure-told a[href=\"cameras/r6.html\"]')")
    click(browser, "#exposure-told a")
    assert text(browser, "h1") == "Camera r6"
    click(browser, f".site-changes a[href='../fibers/{BAD_FIBER}.html']")
    assert text(browser, "h1") == f"Fiber {BAD_FIBER}"
    assert browser.execute_script("return [...document.querySelectorAll('image')].length") >= 7


def test_keys_go_from_night_to_night_and_exposure_to_exposure(browser: Any, whole: Made) -> None:
    visit(browser, whole, f"nights/{LAST}.html")
    browser.find_element("css selector", "body").send_keys(keys.ARROW_LEFT)
    wait(browser, f"location.pathname.endsWith('{NIGHTS[1]}.html')")
    visit(browser, whole, f"exposure.html#{LAST}-{expids(LAST)[0]:08d}")
    wait(browser, "document.querySelector('.site-values')")
    browser.find_element("css selector", "body").send_keys(keys.ARROW_RIGHT)
    wait(browser, f"document.title === 'Exposure {expids(LAST)[1]:08d}'")


def test_measures_are_found_by_their_words(browser: Any, whole: Made) -> None:
    visit(browser, whole, "cameras/r6.html")
    wait(browser, "document.readyState === 'complete'")
    browser.find_element("css selector", "body").send_keys("/")
    browser.switch_to.active_element.send_keys("plain off")
    shown = "[...document.querySelectorAll('.site-course:not([hidden])')].map((one) => one.id).join()"
    wait(browser, f"{shown} === 'offset'")


def test_only_what_is_bad_is_shown_on_request(browser: Any, whole: Made) -> None:
    visit(browser, whole, f"exposure.html#{LAST}-{expids(LAST)[0]:08d}-b0")
    wait(browser, "document.querySelector('.site-values tbody tr')")
    click(browser, "[name=bad]")
    rows = "[...document.querySelectorAll('.site-values tbody tr:not([hidden])')].map((one) => one.dataset.text).join()"
    wait(browser, f"{rows} === 'plain width width'")


def test_any_fiber_is_looked_up(browser: Any, whole: Made) -> None:
    visit(browser, whole, "fibers.html")
    box = browser.find_element("css selector", "#fiber-bar input")
    box.send_keys(str(BAD_FIBER))
    box.submit()
    wait(browser, "document.querySelector('#fiber-shown svg')")
    assert "its own page tells more" in text(browser, "#fiber-told")
    assert "largest stacked residual of a night [sigmas], r6" in text(browser, "#fiber-shown")
    visit(browser, whole, "fibers.html#250")
    wait(browser, "document.querySelector('#fiber-shown svg') && document.querySelector('#fiber-told').textContent === 'Fiber 250'")


def test_every_page_opens(browser: Any, whole: Made) -> None:
    for path in sorted(whole.out.rglob("*.html")):
        browser.get(path.as_uri())
        there = f"document.readyState === 'complete' && location.pathname.endsWith('/{path.name}')"
        wait(browser, f"{there} && document.querySelector('main h1')")
        overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(overflow) <= 0, path


def test_an_address_that_names_nothing_says_so(browser: Any, whole: Made) -> None:
    visit(browser, whole, f"exposure.html#{LAST}-00000001")
    wait(browser, "document.querySelector('#exposure-told').textContent.includes('has no exposure 00000001')")
