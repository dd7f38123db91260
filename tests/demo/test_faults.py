"""Every fault of the library changes its product, at its place, in proportion to its amplitude."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_specqa.demo import FAULTS, Conditions, SimCamera, TileConditions, fault_template, simulate_camera, simulate_redshifts
from pytest_specqa.demo.faults import BY_STAGE
from pytest_specqa.demo.quiet import QUIET
from pytest_specqa.errors import UsageError

SEED = 3
# What redshift faults change.
SAID = (("redshifts", "Z"), ("redshifts", "TARGETID"), ("fibermap", "COADD_NUMEXP"))
CAMERA_FAULTS = [name for name, fault in FAULTS.items() if fault.camera is not None]
REDSHIFT_FAULTS = [name for name, fault in FAULTS.items() if fault.redshifts is not None]
# Faults that change bins outside their place a little: light spreads, and neighbours share it.
SPREADING = {"amp_bias_step", "ccd_glow", "row_timing", "bright_column", "collimator_dip", "flat_wavelength_frame", "nebular_lines"}
SPREADING |= {"flat_stray_light", "calibration_ism", "laser_guide_star", "mispositioned_petal"}


def _band(name: str) -> str:
    bands = FAULTS[name].bands
    return "r" if "r" in bands else bands[0]


@lru_cache(maxsize=4)
def _clean(band: str) -> SimCamera:
    return simulate_camera(Conditions(band=band, petal=2), np.random.default_rng(SEED))


def _faulty(name: str, amplitude: float) -> SimCamera:
    return simulate_camera(Conditions(band=_band(name), petal=2), np.random.default_rng(SEED), faults={name: amplitude})


def _product(camera: SimCamera, product: str) -> NDArray[Any]:
    kind, _, part = product.partition(".")
    if kind == "fibermap":
        columns = ("TARGETID", "FIBERSTATUS")
        return np.stack([camera.fibermap[column] for column in columns], axis=1)
    whole = getattr(camera, kind)
    if isinstance(whole, np.ndarray):
        return whole
    return np.asarray(getattr(whole, part or ("fluxcalib" if kind == "fluxcalib" else "flux")))


@pytest.mark.parametrize("name", CAMERA_FAULTS)
def test_fault_changes_its_product_at_its_place(name: str) -> None:
    fault = FAULTS[name]
    clean, faulty = _clean(_band(name)), _faulty(name, fault.amplitude)
    before, after = _product(clean, fault.product), _product(faulty, fault.product)
    changed = before != after
    place = faulty.truth[name]
    assert place.rows.size > 0
    assert changed[place.rows].any()
    if fault.product == "fibermap":
        return
    inside = np.zeros(changed.shape, dtype=bool)
    bins = (clean.wave >= place.waves[0]) & (clean.wave <= place.waves[1])
    inside[np.ix_(place.rows, bins)] = True
    assert (changed & inside).any(axis=1)[place.rows].mean() > 0.3
    if name not in SPREADING:
        assert not (changed & ~inside).any()


@pytest.mark.parametrize("band", ["b", "r"])
def test_amplitude_zero_changes_nothing(band: str) -> None:
    clean = _clean(band)
    planted = {name: 0.0 for name in CAMERA_FAULTS if band in FAULTS[name].bands}
    faulty = simulate_camera(Conditions(band=band, petal=2), np.random.default_rng(SEED), faults=planted)
    for product in ("frame", "sky", "sframe", "cframe", "fiberflat"):
        assert np.array_equal(_product(clean, product), _product(faulty, product))
    assert np.array_equal(clean.fibermap, faulty.fibermap)
    assert faulty.truth == {}


@pytest.mark.parametrize("name", ["cte_offset", "flat_screen_gradient", "sky_line_mismatch", "vertical_feature"])
def test_template_grows_with_the_amplitude(name: str) -> None:
    conditions = Conditions(band=_band(name), petal=2)
    small = fault_template(conditions, SEED, name, amplitude=0.1 * FAULTS[name].amplitude)
    large = fault_template(conditions, SEED, name, amplitude=0.2 * FAULTS[name].amplitude)
    ratio = np.linalg.norm(large.sframe) / np.linalg.norm(small.sframe)
    assert ratio == pytest.approx(2.0, rel=0.1)


def test_template_has_the_place_of_the_noisy_camera() -> None:
    template = fault_template(Conditions(petal=2), SEED, "cte_offset")
    noisy = _faulty("cte_offset", FAULTS["cte_offset"].amplitude)
    assert np.array_equal(template.place.rows, noisy.truth["cte_offset"].rows)
    difference = noisy.frame.flux - _clean("r").frame.flux
    assert np.allclose(difference, template.frame, atol=0.02)


def test_one_fault_does_not_move_another() -> None:
    both = simulate_camera(Conditions(petal=2), np.random.default_rng(SEED), faults={"cte_offset": 6.0, "bright_column": 15.0})
    alone = _faulty("cte_offset", 6.0)
    assert np.array_equal(both.truth["cte_offset"].rows, alone.truth["cte_offset"].rows)


def test_fault_of_another_band_is_not_planted() -> None:
    camera = simulate_camera(
        Conditions(band="z"), np.random.default_rng(0), faults={"calibration_ism": 0.03, "collimator_dip": 4.0}
    )
    assert camera.truth == {}


def test_persistent_faults_stay_in_their_column() -> None:
    places = [
        simulate_camera(Conditions(petal=2), np.random.default_rng(seed), faults={"cte_offset": 6.0}, spectrograph=1).truth[
            "cte_offset"
        ]
        for seed in (1, 2)
    ]
    assert np.array_equal(places[0].rows, places[1].rows)


def test_unknown_fault_lists_the_nearest() -> None:
    with pytest.raises(UsageError, match="cte_offset") as error:
        simulate_camera(Conditions(), np.random.default_rng(0), faults={"cte_ofset": 1.0})
    assert "\n" not in str(error.value)


def test_template_of_a_fault_that_the_band_does_not_show() -> None:
    with pytest.raises(UsageError, match="bands b"):
        fault_template(Conditions(band="r"), 0, "collimator_dip")


@pytest.mark.parametrize("name", REDSHIFT_FAULTS)
def test_redshift_fault_changes_its_rows_only(name: str) -> None:
    amplitude = FAULTS[name].amplitude * (4 if name in {"template_limit", "star_galaxy_leak"} else 1)
    clean = simulate_redshifts(TileConditions(), np.random.default_rng(SEED), petals=(0, 6))
    faulty = simulate_redshifts(TileConditions(), np.random.default_rng(SEED), petals=(0, 6), faults={name: amplitude})
    changes = [getattr(clean, part)[column] != getattr(faulty, part)[column] for part, column in SAID]
    changed = np.flatnonzero(np.logical_or.reduce(changes))
    place = faulty.truth[name]
    assert changed.size > 0
    assert np.isin(changed, place.rows).all()


def test_line_scale_leak_piles_up_quasars() -> None:
    tile = simulate_redshifts(TileConditions(), np.random.default_rng(SEED), petals=(6,), faults={"line_scale_leak": 1.0})
    rows = tile.truth["line_scale_leak"].rows
    assert 5 <= rows.size <= 30
    assert np.abs(tile.redshifts["Z"][rows] - 4.30).max() < 0.2
    assert (tile.redshifts["SPECTYPE"][rows] == b"QSO").all()
    assert (tile.redshifts["ZWARN"][rows] == 0).all()
    assert rows.max() - rows.min() < 50


def test_no_two_faults_have_one_name() -> None:
    names = [fault.name for group in BY_STAGE for fault in group]
    assert len(names) == len(set(names)) == len(FAULTS)


def test_library_is_complete_and_documented() -> None:
    assert len(FAULTS) >= 30
    ids = {fault.id for fault in FAULTS.values()}
    assert {"F01", "F03", "F17", "F21", "F27", "F28", "F29", "F41", "F52", "F57"} <= ids
    for fault in FAULTS.values():
        assert fault.doc.endswith(".")
        assert fault.reference
        assert fault.amplitude != 0
        assert fault.camera is not None or fault.redshifts is not None


@pytest.mark.parametrize("name", list(QUIET))
def test_quiet_cases_can_be_simulated(name: str) -> None:
    case = QUIET[name]
    conditions = case.make(np.random.default_rng(SEED))
    if isinstance(conditions, TileConditions):
        assert case.level == "tile"
        tile = simulate_redshifts(conditions, np.random.default_rng(SEED), petals=(1,))
        assert np.isfinite(tile.redshifts["Z"]).all()
        return
    if case.level == "camera":
        camera = simulate_camera(conditions, np.random.default_rng(SEED))
        assert np.isfinite(camera.sframe.flux).all()
        assert (camera.sframe.ivar > 0).mean() > 0.5
