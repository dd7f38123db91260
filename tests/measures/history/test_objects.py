"""Objects of a petal: what counts as a target, what is improbable for it, and which tiles show the same objects again."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.history.objects import (
    COARSE_BINS,
    QSO,
    TRACERS,
    Objects,
    coarse_counts,
    first_wave,
    improbable,
    redshift_places,
    state_of,
    wave_counts,
    wave_places,
    without_repeats,
)

BGS, ELG = list(TRACERS).index("BGS"), list(TRACERS).index("ELG")


def _objects(z: np.ndarray, *, spectype: int = 1, target: int = 1 + 8, zwarn: int = 0) -> Objects:
    shape = z.shape
    state = state_of(z, spectype=np.full(shape, spectype), zwarn=np.full(shape, zwarn), target=np.full(shape, target))
    return Objects(np.arange(len(z)), np.arange(len(z)), 0, z.astype(np.float32), state)


def test_what_is_used() -> None:
    z = np.full((1, 7), 0.3)
    z[0, 6] = np.nan
    target = np.array([[1 + 8, 1 + 32 + 16, 2, 1 + 128, 8, 1 + 8, 1 + 8]])
    zwarn = np.array([[4, 0, 0, 0, 0, 1 << 9, 0]])
    state = state_of(z, spectype=np.full((1, 7), QSO), zwarn=zwarn, target=target)
    objects = Objects(np.array([1]), np.array([2]), 0, z, state)
    assert objects.tracer.tolist() == [[BGS, ELG, -1, -1, -1, -1, -1]]
    assert objects.failed[0, :2].tolist() == [True, False]
    assert (objects.spectype[0, :6] == QSO).all()


def test_places_that_a_tracer_hardly_has_are_improbable_whatever_piles_up_there() -> None:
    rng = np.random.default_rng(1)
    z = rng.gamma(4.0, 0.06, (400, 500))
    # A hundred times more than there should be, all at one redshift.
    z[:, 0] = 1.65
    objects = _objects(z)
    rare = improbable(coarse_counts(objects))
    assert rare[BGS, objects.kind[0, 0]]
    assert not rare[BGS, objects.kind[:, 1:]].mean() > 0.005
    assert not rare[BGS, COARSE_BINS + int(np.log1p(0.2) / 0.01)]
    # A quasar among galaxies of the same redshift is improbable, and a star where there are none.
    assert rare[BGS, 2 * COARSE_BINS + int(np.log1p(0.2) / 0.01)]
    assert rare[BGS, 3 * COARSE_BINS]


def test_stars_are_probable_where_a_tracer_has_many_and_fits_that_fail_say_nothing() -> None:
    rng = np.random.default_rng(3)
    z = rng.gamma(4.0, 0.06, (100, 500))
    spectype, zwarn = np.ones(z.shape), np.zeros(z.shape)
    spectype[:, :50], z[:, :50] = 3, 0.0
    z[:, 400:], zwarn[:, 400:] = rng.uniform(0.0, 1.7, (100, 100)), 4
    state = state_of(z, spectype=spectype, zwarn=zwarn, target=np.full(z.shape, 9))
    objects = Objects(np.arange(100), np.arange(100), 0, z.astype(np.float32), state)
    rare = improbable(coarse_counts(objects))
    assert not rare[BGS, 3 * COARSE_BINS]
    assert rare[BGS, COARSE_BINS + int(np.log1p(1.5) / 0.01)]


def test_places_are_sorted_by_fiber_and_know_their_dates() -> None:
    z = np.array([[0.9, 0.2], [0.5, 0.3], [0.7, 1.1]])
    places = redshift_places(_objects(z), BGS)
    assert places.starts.tolist() == [0, 3, 6]
    np.testing.assert_allclose(places.place, np.log1p([0.5, 0.7, 0.9, 0.2, 0.3, 1.1]), rtol=1e-6)
    assert places.order.tolist() == [1, 2, 0, 0, 1, 2]
    assert places.seen[:, 0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_an_object_has_a_place_for_each_line_that_it_can_show() -> None:
    objects = _objects(np.array([[1.306]]), target=1 + 32)
    waves = np.exp(wave_places(objects).place)
    # [O II] and the 4000 A break; [O III] and the Balmer lines lie beyond the instrument.
    np.testing.assert_allclose(waves, [3728.48 * 2.306, 4000.0 * 2.306], rtol=1e-6)
    counts = wave_counts(objects)
    assert counts.sum() == 2
    assert np.flatnonzero(counts[ELG])[0] == int((np.log(3728.48 * 2.306) - first_wave()) / 1e-4)


def test_the_same_objects_on_a_later_tile_count_once_and_a_pile_up_of_a_tile_is_kept() -> None:
    rng = np.random.default_rng(2)
    z = rng.uniform(0.1, 1.5, (6, 500))
    z[4, :60] = (1 + z[1, :60]) * (1 + rng.normal(0, 2e-5, 60)) - 1
    z[2, 100:200] = z[3, 100:200] = 0.9
    kept = without_repeats(_objects(z)).z
    assert np.isnan(kept[1, :60]).sum() >= 58
    assert np.isfinite(kept[4, :60]).all()
    assert np.isfinite(kept[2:4]).all()
    assert np.isnan(kept).sum() <= 60
