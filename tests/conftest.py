"""A record as the run writes it, and names of tests that do not depend on the hour."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import numba
import pytest

from pytest_specqa.values import DataUnit, Limit, Measured, Measurement

# Runs of pytest within a test forget what they import, and numba cannot be imported twice; some of it is at the first compilation.
numba.njit(lambda value: value)(1)

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
MakeRecord = Callable[..., dict[str, Any]]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their length: their content may hold the time of packing, and workers must collect the same names."""
    return f"{len(val)}bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless browser with a profile of its own, which logs what it complains of and what it asks for."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install selenium)")
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver on PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def record() -> MakeRecord:
    """Make one record: a camera of one exposure, judged against an upper limit of 1."""

    def make(
        value: float = 0.5,
        *,
        error: float | None = 0.1,
        night: int = 20211014,
        expid: int | None = 104284,
        camera: str | None = "r6",
        expectation: str = "test_sky_model_smooth",
        measure: str = "sky_chromatic",
        limit: Limit | None = None,
        measured: Measured | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        unit = DataUnit("camera" if camera else "night", night, expid=expid, tile=7951, camera=camera)
        limit = limit or Limit(measure, high=1.0, unit="fraction", source="measured")
        measured = measured or Measured(value, error=error)
        judged = Measurement(
            unit, expectation, measured, limit, limit.judge(measured), f"{measure} = {value}", survey="main", program="dark"
        )
        return judged.as_record() | changes

    return make
