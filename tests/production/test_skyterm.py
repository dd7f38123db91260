from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production import Frame, Sky, flat_fielded, sky_term
from pytest_specqa.production.fibermap import Fibermap
from pytest_specqa.production.skyterm import Era, era_of, line_part, sky_lines

STARTS = {"b": (3600.0, 2751), "r": (5760.0, 2326), "z": (7520.0, 2881)}
LINE = 6302.06
Make = Callable[..., tuple[Frame, Sky]]


def no_fibermap() -> Fibermap:
    raise AssertionError("not needed")


@pytest.fixture
def make() -> Make:
    """An sframe and a sky of 500 fibers: a sloping continuum and one line, THRPUTCORR rising from 0.9 to 1.1."""

    def made(camera: str = "r6", version: str | None = "0.70.0", *, sky_version: str | None = None) -> tuple[Frame, Sky]:
        start, bins = STARTS[camera[0]]
        wave = start + 0.8 * np.arange(bins)
        model = 100 + 0.01 * (wave - start) + 5000 * np.exp(-0.5 * ((wave - LINE) / 0.6) ** 2)
        flux = np.ones((500, 1), "f4") * model.astype("f4")
        shared: dict[str, Any] = {
            "camera": camera,
            "night": 20211014,
            "expid": 104284,
            "ivar": flux,
            "mask": np.zeros(flux.shape, "u4"),
        }
        headers = [
            {} if one is None else {"DEPNAM03": "numpy", "DEPVER03": "1.0", "DEPNAM07": "desispec", "DEPVER07": one}
            for one in (version, sky_version)
        ]
        frame = Frame(
            kind="sframe",
            flux=np.full(flux.shape, 3, "f4"),
            wave=wave,
            header=headers[0],
            path=Path("sframe-x.fits"),
            tile=7951,
            load_fibermap=no_fibermap,
            load_resolution=lambda: None,
            **shared,
        )
        corrections = np.linspace(0.9, 1.1, 500).astype("f4")
        sky = Sky(
            flux=flux,
            wave=wave.astype("f4").astype("f8"),
            stativar=None,
            thrputcorr=corrections,
            header=headers[1],
            path=Path("sky-x.fits"),
            **shared,
        )
        return frame, sky

    return made


@pytest.mark.parametrize(
    ("version", "era"),
    [
        ("0.46.1", Era.WHOLE),
        ("0.47.0.dev5895", Era.WHOLE),
        ("0.53.0", Era.WHOLE),
        ("0.53.2", Era.WHOLE),
        ("0.53.2.dev7093", Era.WHOLE),
        ("0.53.2.dev7094", Era.NONE),
        ("0.54.0", Era.NONE),
        ("0.54.0.dev7430", Era.NONE),
        ("0.54.0.dev7431", Era.LINES),
        ("0.55.0", Era.LINES),
        ("0.70.0", Era.LINES),
        ("1.0", Era.LINES),
        ("main", Era.LINES),
        ("", Era.LINES),
    ],
)
def test_the_version_tells_the_era(version: str, era: Era) -> None:
    assert era_of(version) is era


@pytest.mark.parametrize("camera", ["b6", "r6", "z6"])
def test_until_0_53_the_correction_scales_the_whole_sky(make: Make, camera: str) -> None:
    frame, sky = make(camera, "0.51.13")
    np.testing.assert_allclose(sky_term(frame, sky), sky.flux.astype("f8") * sky.thrputcorr[:, None], rtol=1e-12)


def test_in_0_54_the_sky_is_subtracted_as_it_is(make: Make) -> None:
    frame, sky = make(version="0.54.0")
    np.testing.assert_array_equal(sky_term(frame, sky), sky.flux)


def test_since_0_55_only_lines_are_scaled(make: Make) -> None:
    frame, sky = make()
    term = sky_term(frame, sky)
    change = term - sky.flux
    away = np.abs(frame.wave[:, None] - sky_lines()).min(axis=1) > 2
    assert np.abs(change[:, away]).max() == 0, "the continuum is left alone"
    core = int(np.abs(frame.wave - LINE).argmin())
    line = 5000 * np.exp(-0.5 * ((frame.wave[core] - LINE) / 0.6) ** 2)
    expected = (sky.thrputcorr[[0, -1]] - 1) * line
    np.testing.assert_allclose(change[[0, -1], core], expected, rtol=2e-3)
    np.testing.assert_allclose(change[0], -change[-1], atol=1e-3)


def test_since_0_55_blue_cameras_are_not_corrected(make: Make) -> None:
    frame, sky = make("b6")
    np.testing.assert_array_equal(sky_term(frame, sky), sky.flux)


def test_the_version_of_the_sframe_counts_before_that_of_the_sky(make: Make) -> None:
    frame, sky = make(version="0.54.0", sky_version="0.46.0")
    np.testing.assert_array_equal(sky_term(frame, sky), sky.flux)
    frame, sky = make(version=None, sky_version="0.46.0")
    assert (sky_term(frame, sky)[0] < sky.flux[0]).all()
    frame, sky = make(version=None)
    assert sky_term(frame, sky)[0, 0] == sky.flux[0, 0], "without any version the newest rule counts"


def test_selected_rows_get_the_term_of_their_own_fibers(make: Make) -> None:
    frame, sky = make()
    np.testing.assert_array_equal(sky_term(frame.select(np.array([7, 400])), sky), sky_term(frame, sky)[[7, 400]])


def test_flat_fielded_data_are_the_sum(make: Make) -> None:
    frame, sky = make()
    np.testing.assert_allclose(flat_fielded(frame, sky), 3 + sky_term(frame, sky))


def test_other_wavelengths_are_one_line(make: Make) -> None:
    frame, _ = make("r6")
    _, sky = make("z6")
    with pytest.raises(
        ProductError, match=r"sky-x.fits HDU WAVELENGTH: found 7520.00-9824.00 A; expected the wavelengths of sframe-x"
    ):
        sky_term(frame, sky)


def test_the_continuum_under_a_line_is_interpolated_and_never_above_the_sky() -> None:
    wave = 6280 + 0.8 * np.arange(60)
    line = np.where(np.abs(wave - LINE) < 1, 50.0, 0)
    sloping = 10 + 0.5 * (wave - wave[0])
    np.testing.assert_allclose(line_part(np.array([sloping + line]), wave)[0], line, atol=1e-9)
    assert (line_part(np.array([sloping - line]), wave) == 0).all(), "absorption is no line"


def test_edges_inside_a_line_take_the_nearest_continuum() -> None:
    wave, sky = LINE + 0.8 * np.arange(7), np.array([[9.0, 8, 7, 6, 5, 5, 5]])
    free = np.abs(wave - sky_lines()[:, None]).min(axis=0) > 2
    first = int(np.flatnonzero(free)[0])
    assert first > 0
    np.testing.assert_allclose(line_part(sky, wave)[0, :first], sky[0, :first] - sky[0, first])


def test_a_window_without_continuum_has_no_line_part() -> None:
    assert (line_part(np.ones((2, 3)), LINE + np.array([-0.8, 0, 0.8])) == 0).all()


def test_blue_lines_are_continuum() -> None:
    """The pipeline keeps no line below 5700 Angstrom apart; 5577 is as bright as any."""
    wave = 5500 + 0.8 * np.arange(500)
    sky = 100 + sum(5000 * np.exp(-0.5 * ((wave - line) / 0.6) ** 2) for line in (5578.9, 5891.58))
    found = line_part(sky[None], wave)[0]
    assert np.abs(sky_lines() - 5578.9).min() < 1
    assert found[np.abs(wave - 5578.9) < 10].max() == 0
    assert found[np.abs(wave - 5891.58) < 2].max() > 4000


def test_the_line_list_is_the_one_of_the_pipeline() -> None:
    lines = sky_lines()
    assert len(lines) == 274
    assert (np.diff(lines) > 0).all()
    inside = {band: int(((lines > start) & (lines < start + 0.8 * (bins - 1))).sum()) for band, (start, bins) in STARTS.items()}
    assert inside == {"b": 4, "r": 78, "z": 198}
