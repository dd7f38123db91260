"""The report page as a browser shows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
TARGET = "qa_tests/test_sky.py::test_sky_model_smooth[20211014-00104286-r6]"
"""A warned check: its row is folded when the page opens."""

support = pytest.importorskip("selenium.webdriver.support.ui", reason="needs selenium (pip install selenium)")
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install selenium)")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on PATH")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any, page: Any) -> Any:
    """The browser with the page freshly opened from disk."""
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(page.path.as_uri())
    return chromium


def row(browser: Any, nodeid: str) -> Any:
    """Place and state of a row."""
    return browser.execute_script(
        """
        const cell = [...document.querySelectorAll('td[data-specqa]')].find((one) => one.dataset.specqa === arguments[0])
        if (!cell) { return null }
        const body = cell.closest('tbody')
        const extras = body.querySelector('.extras-row')
        const box = body.getBoundingClientRect()
        return {open: extras.offsetHeight > 0, top: box.top, inside: box.top >= -1 && box.top < window.innerHeight,
                text: body.innerText, marked: body.classList.contains('specqa-here')}
        """,
        nodeid,
    )


def click_cell(browser: Any, nodeid: str) -> None:
    """Click the cell of a grid as a mouse does."""
    links = browser.find_elements("css selector", "a[data-specqa-go]")
    next(link for link in links if link.get_attribute("data-specqa-go") == nodeid).click()


def errors(browser: Any) -> list[str]:
    """What the console complains of."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_the_page_opens_from_disk_without_console_errors(browser: Any) -> None:
    """A file share is all that the page needs."""
    assert browser.title == "Spectroscopic QA: production daily, night 20211014"
    assert browser.find_element("css selector", ".specqa-verdict").is_displayed()
    assert errors(browser) == []


def test_nothing_overflows_sideways(browser: Any) -> None:
    """At the width of a common screen no horizontal scrolling is needed."""
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(overflow) <= 0
    browser.find_element("id", "show_all_details").click()
    assert browser.execute_script(overflow) <= 0


def test_rows_fill_the_width(browser: Any) -> None:
    """Wide pictures neither stretch the table nor squeeze its columns."""
    right = browser.execute_script("return document.querySelector('td.col-duration').getBoundingClientRect().right")
    assert 1300 < right <= 1400


def test_failed_rows_are_open_and_others_folded(browser: Any) -> None:
    """What needs attention is seen without a click."""
    assert row(browser, TARGET.replace("104286", "104284"))["open"]
    assert not row(browser, TARGET)["open"]


def test_a_cell_leads_to_its_row(browser: Any) -> None:
    """A click scrolls to the row of the worst test, opens and marks it."""
    assert not row(browser, TARGET)["inside"]
    click_cell(browser, TARGET)
    found = row(browser, TARGET)
    assert found["open"]
    assert found["inside"]
    assert found["marked"]
    assert "nearly smooth" in found["text"]
    assert errors(browser) == []


def test_a_cell_finds_a_row_that_a_filter_hides(browser: Any) -> None:
    """Warned checks are pytest's passed ones: hiding those must not break the grid."""
    browser.find_element("css selector", 'input[data-test-result="passed"]').click()
    assert row(browser, TARGET) is None
    click_cell(browser, TARGET)
    assert row(browser, TARGET)["open"]


def test_a_row_folds_with_a_click(browser: Any) -> None:
    """Clicking the badge folds and opens a row, wherever it is hit."""
    nodeid = TARGET.replace("104286", "104284")
    badge = "const rows = [...document.querySelectorAll('td[data-specqa]')].find((one) => one.dataset.specqa === arguments[0])"
    element = browser.execute_script(f"{badge}; return rows.closest('tr').querySelector('td.specqa-outcome')", nodeid)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()
    assert not row(browser, nodeid)["open"]


def test_pictures_are_shown_and_survive_a_redraw(browser: Any) -> None:
    """Every click on a row makes pytest-html write the table anew."""
    shown = "return [...document.querySelectorAll('.specqa-picture img')].filter((one) => one.naturalWidth === 1500).length"
    wait = support.WebDriverWait(browser, 10)
    browser.execute_script("document.querySelector('.specqa-picture').scrollIntoView()")
    assert wait.until(lambda driver: driver.execute_script(shown) == 3)
    click_cell(browser, TARGET)
    browser.execute_script("document.querySelector('.specqa-picture').scrollIntoView()")
    assert wait.until(lambda driver: driver.execute_script(shown) == 3)


def test_filters_speak_of_our_outcomes(browser: Any) -> None:
    """The check boxes are labelled with the words that the rows use."""
    labels = [label.text for label in browser.find_elements("css selector", ".filters span") if label.is_displayed()]
    assert labels == ["10 failed", "3 warned", "4 not measured", "1 broken"]


def test_the_environment_is_folded_at_the_bottom(browser: Any) -> None:
    """The table of versions does not stand in the way."""
    assert not browser.find_element("id", "environment").is_displayed()
    below = "return document.getElementById('environment-header').offsetTop > document.getElementById('results-table').offsetTop"
    assert browser.execute_script(below)
