"""The report page as a browser shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

TARGET = "20211014-00104286-r6/test_sky_model_smooth"
"""A warned check: its row is folded when the page opens."""
FAILED = TARGET.replace("104286", "104284")
"""A failed check, whose row is open."""
FOLLOWS = "7951-20211014-petal6/test_no_redshift_pileup"
"""What follows from it, folded below it."""

support = pytest.importorskip("selenium.webdriver.support.ui", reason="needs selenium (pip install selenium)")
keys = pytest.importorskip("selenium.webdriver.common.keys", reason="needs selenium (pip install selenium)").Keys


@pytest.fixture
def browser(chromium: Any, page: Any) -> Iterator[Any]:
    """The browser with the page freshly opened from disk."""
    visit(chromium, page)
    yield chromium
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def visit(browser: Any, page: Any, more: str = "") -> None:
    """Open a page anew, at an address that goes on with `more`."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(page.path.as_uri() + more)
    wait(browser, lambda: browser.execute_script("return document.readyState") == "complete")


def row(browser: Any, anchor: str) -> Any:
    """Place and state of a row."""
    return browser.execute_script(
        """
        const row = document.getElementById(arguments[0])
        const box = row.getBoundingClientRect()
        const shown = row.checkVisibility()
        return {shown, open: shown && row.open, inside: shown && box.top >= -1 && box.top < window.innerHeight,
                text: row.innerText, marked: row.classList.contains('specqa-here')}
        """,
        anchor,
    )


def shown(browser: Any) -> list[str]:
    """The rows that no filter hides."""
    return browser.execute_script("return [...document.querySelectorAll('.specqa-row:not([hidden])')].map((one) => one.id)")


def summary(browser: Any, anchor: str) -> Any:
    """What opens and closes a row."""
    element = browser.execute_script("return document.getElementById(arguments[0]).querySelector('summary')", anchor)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    return element


def click_cell(browser: Any, anchor: str) -> None:
    """Click the cell of a grid as a mouse does."""
    links = browser.find_elements("css selector", ".specqa-grid a")
    next(link for link in links if link.get_dom_attribute("href") == f"#{anchor}").click()


def wait(browser: Any, what: Any) -> None:
    """Wait until something holds: the browser follows an address when it comes to it."""
    support.WebDriverWait(browser, 10).until(lambda _: what())


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
    browser.find_element("id", "specqa-open").click()
    assert browser.execute_script(overflow) <= 0


def test_failed_rows_are_open_and_others_folded(browser: Any) -> None:
    """What needs attention is seen without a click; what follows from it is folded away with its group."""
    assert row(browser, FAILED)["open"]
    assert not row(browser, TARGET)["open"]
    assert not row(browser, FOLLOWS)["shown"]


def test_more_than_thirty_failures_are_closed(browser: Any, crowded: Any) -> None:
    """Forty rows of pictures hide what they should show."""
    visit(browser, crowded)
    assert len(shown(browser)) == 40
    assert browser.execute_script("return document.querySelectorAll('.specqa-row[open]').length") == 0
    browser.find_element("id", "specqa-open").click()
    assert browser.execute_script("return document.querySelectorAll('.specqa-row[open]').length") == 40
    browser.find_element("id", "specqa-close").click()
    assert browser.execute_script("return document.querySelectorAll('.specqa-row[open]').length") == 0


def test_a_cell_leads_to_its_row_and_the_address_says_so(browser: Any) -> None:
    """A click scrolls to the row of the worst test, opens and marks it."""
    assert not row(browser, TARGET)["inside"]
    click_cell(browser, TARGET)
    wait(browser, lambda: row(browser, TARGET)["marked"])
    found = row(browser, TARGET)
    assert found["open"]
    assert found["inside"]
    assert "nearly smooth" in found["text"]
    assert urlsplit(browser.current_url).fragment == TARGET
    assert errors(browser) == []


@pytest.mark.parametrize("anchor", [TARGET, FOLLOWS])
def test_an_address_leads_to_its_row(browser: Any, page: Any, anchor: str) -> None:
    """What somebody was sent opens where it should, folded away or not."""
    visit(browser, page, f"#{anchor}")
    # The page opens the row after it has been laid out.
    wait(browser, lambda: row(browser, anchor)["inside"])
    found = row(browser, anchor)
    assert found["open"]
    assert found["inside"]
    assert found["marked"]


def test_a_second_click_on_a_cell_leads_there_again(browser: Any) -> None:
    """The address does not change, and the reader has scrolled away."""
    for _ in range(2):
        click_cell(browser, TARGET)
        wait(browser, lambda: row(browser, TARGET)["inside"])
        browser.execute_script("window.scrollTo(0, 0)")
        assert not row(browser, TARGET)["inside"]


def test_the_address_follows_the_row_that_is_opened(browser: Any) -> None:
    """A row that is looked at can be shared; opening one leaves no trail of pages to go back through."""
    before = browser.execute_script("return history.length")
    browser.execute_script("document.getElementById(arguments[0]).closest('.specqa-folded').open = true", TARGET)
    summary(browser, TARGET).click()
    assert row(browser, TARGET)["open"]
    assert urlsplit(browser.current_url).fragment == TARGET
    assert browser.execute_script("return history.length") == before


def test_a_finding_leads_to_its_rows(browser: Any) -> None:
    """The card is an index of what shows it and of what follows."""
    card = browser.find_element("id", "finding-1")
    card.find_element("css selector", "dd details summary").click()
    link = next(link for link in card.find_elements("css selector", "li a") if link.get_dom_attribute("href") == f"#{FAILED}")
    link.click()
    wait(browser, lambda: row(browser, FAILED)["marked"])
    assert row(browser, FAILED)["inside"]


def test_a_row_folds_and_opens_with_keys(browser: Any) -> None:
    """Enter and Space act on the row that has the focus."""
    element = summary(browser, FAILED)
    browser.execute_script("arguments[0].focus()", element)
    element.send_keys(keys.ENTER)
    assert not row(browser, FAILED)["open"]
    element.send_keys(keys.SPACE)
    assert row(browser, FAILED)["open"]


def test_keys_go_from_row_to_row(browser: Any) -> None:
    """The first j comes to the first row, without the fifty cells before it."""
    here = "return document.activeElement.closest('.specqa-row')?.id"
    seen = browser.execute_script(
        "return [...document.querySelectorAll('.specqa-row')].filter((one) => one.checkVisibility()).map((one) => one.id)"
    )
    body = browser.find_element("tag name", "body")
    body.send_keys("j")
    assert browser.execute_script(here) == seen[0]
    for _ in range(2):
        browser.switch_to.active_element.send_keys("j")
    assert browser.execute_script(here) == seen[2]
    browser.switch_to.active_element.send_keys("k")
    assert browser.execute_script(here) == seen[1]
    browser.switch_to.active_element.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("name") == "text"


def test_rows_are_found_by_text_camera_check_and_outcome(browser: Any, page: Any) -> None:
    """Each filter narrows what the others leave."""
    total = len(page.rows)
    wait(browser, lambda: len(shown(browser)) == total)
    box = browser.find_element("name", "text")
    box.send_keys("sky MODEL 00104284")
    assert {anchor.split("/")[0] for anchor in shown(browser)} == {f"20211014-00104284-r{petal}" for petal in (6, 7, 8, 9)}
    support.Select(browser.find_element("name", "place")).select_by_value("r6")
    assert shown(browser) == [FAILED]
    assert browser.find_element("id", "specqa-count").text == f"1 of {total} rows"
    box.clear()
    box.send_keys(keys.SPACE)
    browser.find_element("css selector", 'button[data-outcome="failed"]').click()
    assert {page.rows[anchor].word for anchor in shown(browser)} == {"warned"}
    assert all(anchor.split("/")[0].endswith("r6") for anchor in shown(browser))
    support.Select(browser.find_element("name", "place")).select_by_value("")
    support.Select(browser.find_element("name", "check")).select_by_visible_text("tile")
    assert shown(browser) == ["7951-20211014/test_tile"]
    assert errors(browser) == []


def test_what_is_searched_for_is_not_left_folded(browser: Any) -> None:
    """A row that follows from a finding shows when it is looked for, and groups without a match do not."""
    browser.find_element("name", "text").send_keys("petal6")
    assert row(browser, FOLLOWS)["shown"]
    headings = [one.text for one in browser.find_elements("css selector", ".specqa-group h2") if one.is_displayed()]
    assert headings == ["Finding 1"]


def test_filters_are_part_of_the_address(browser: Any, page: Any) -> None:
    """What was looked for can be shared too, beside the row."""
    browser.find_element("name", "text").send_keys("smooth")
    support.Select(browser.find_element("name", "place")).select_by_value("r6")
    browser.find_element("css selector", 'button[data-outcome="failed"]').click()
    url = urlsplit(browser.current_url)
    given = parse_qs(url.query)
    assert {name: given[name] for name in ("text", "place", "hide")} == {"text": ["smooth"], "place": ["r6"], "hide": ["failed"]}
    found = shown(browser)
    visit(browser, page, f"?{url.query}#{TARGET}")
    wait(browser, lambda: shown(browser) == found)
    assert row(browser, TARGET)["open"]


def test_an_address_finds_a_row_that_its_filters_hide(browser: Any, page: Any) -> None:
    """The row that was asked for wins."""
    visit(browser, page, f"?text=nothing-like-it#{TARGET}")
    assert row(browser, TARGET)["open"]
    assert len(shown(browser)) == len(page.rows)


def test_pictures_are_shown_where_a_row_is_open(browser: Any) -> None:
    """They are part of the file."""
    wide = (
        "return [...document.querySelectorAll('.specqa-row .specqa-picture img')].filter((one) => one.naturalWidth === 1500).length"
    )
    wait(browser, lambda: browser.execute_script(wide) == 3)
    evidence = "return document.querySelector('#finding-1 .specqa-evidence img').naturalWidth"
    wait(browser, lambda: browser.execute_script(evidence) == 1500)


@pytest.mark.parametrize("more", ["", f"#{FAILED}"])
def test_a_telephone_shows_the_page_without_scrolling_sideways(browser: Any, page: Any, more: str) -> None:
    """At 390 pixels text has its size, and the grid scrolls in its own box."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    visit(browser, page, more)
    if more:
        browser.find_element("id", "specqa-open").click()
    assert browser.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    size = "const grid = document.querySelector('.specqa-grids .specqa-scroll'); return [grid.scrollWidth, grid.clientWidth]"
    whole, seen = browser.execute_script(size)
    assert whole > seen
    assert browser.execute_script("return parseFloat(getComputedStyle(document.querySelector('.specqa-verdict')).fontSize)") >= 14


def test_the_page_is_dark_where_the_reader_is(browser: Any) -> None:
    """Paper and ink change places; what a cell says does not."""
    brightness = """
        const of = (text) => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number); return (r + g + b) / 3 }
        const paper = (element) => {
            const colour = getComputedStyle(element).backgroundColor
            return colour === 'rgba(0, 0, 0, 0)' ? paper(element.parentElement) : colour
        }
        return ['body', '.specqa-verdict', '.specqa-row summary', '#specqa-bar'].map((selector) => {
            const element = document.querySelector(selector)
            return [of(paper(element)), of(getComputedStyle(element).color)]
        })
        """
    assert all(paper > 200 and ink < 60 for paper, ink in browser.execute_script(brightness))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    assert all(paper < 60 and ink > 160 for paper, ink in browser.execute_script(brightness))


def test_the_language_is_told_to_those_who_listen(browser: Any) -> None:
    """A screen reader picks its voice by it."""
    assert browser.execute_script("return document.documentElement.lang") == "en"
    names = browser.execute_script(
        "return [...document.querySelectorAll('#specqa-bar input, #specqa-bar select')].map((one) => one.ariaLabel)"
    )
    assert all(names)


def test_the_environment_is_folded_at_the_bottom(browser: Any) -> None:
    """The table of versions does not stand in the way."""
    assert not browser.find_element("id", "environment").is_displayed()
    below = "return document.getElementById('environment-header').offsetTop > document.getElementById('specqa-rows').offsetTop"
    assert browser.execute_script(below)
