"""Measures as series of nights."""

from __future__ import annotations

from pytest_specqa.results.history.nightly import measure_panels
from pytest_specqa.results.storing.dataset import Store

from .conftest import NIGHTS, Nights


def test_a_measure_that_the_last_night_lacks_has_its_unit(tmp_path):
    nights = Nights()
    store = Store.create(tmp_path / "store", production="made")
    records = [record | {"vectors": [], "value_unit": "Angstrom"} for record in nights.records()]
    last = {"measure": "another", "value_unit": "s"}
    store.add([record | last if record["night"] == nights.days[-1] else record for record in records])
    (panel,) = measure_panels(store, nights.days)
    assert (panel.measure, panel.unit, panel.values.shape) == ("sky_line_width", "Angstrom", (5, NIGHTS))
