"""Objects of one fiber at one redshift, one per tile: found with their dates; what all fibers share, and clean ones, stay quiet."""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.history.clumps import BIN, Clump, Density, Places, find_clumps

RNG = np.random.default_rng(11)
LOG_LIMIT = float(np.log(0.02 * 0.4 / 5000 / 5))


def _draw(n_fiber: int, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(rng.normal(0.53, 0.12, (n_fiber, n)), 0.01, 1.9)


def _search(x: np.ndarray, everyone: np.ndarray) -> list[Clump | None]:
    n_fiber, n = x.shape
    order = np.argsort(x, axis=1)
    counts = np.histogram(everyone, np.arange(0.0, 2.0, BIN))[0][None].astype(float)
    seen = np.tile(np.arange(n + 1.0), n_fiber)[:, None]
    starts, seen_starts = np.arange(n_fiber + 1) * n, np.arange(n_fiber + 1) * (n + 1)
    places = Places(starts, np.take_along_axis(x, order, axis=1).ravel(), order.ravel().astype(np.int64), seen_starts, seen)
    return find_clumps(places, Density.of(0.0, counts, np.array([everyone.size])))


def _numbers(found: list[Clump | None]) -> np.ndarray:
    return np.array([np.inf if each is None else np.exp(each.log_number) for each in found])


def test_clean_fibers_stay_quiet() -> None:
    x = _draw(4000, 120, np.random.default_rng(12))
    numbers = _numbers(_search(x, x))
    for level in (1.0, 0.1, 0.01):
        assert (numbers <= level).mean() <= level + 3.0 * np.sqrt(level / 4000)


def test_finds_a_pile_up_with_its_dates() -> None:
    rng = np.random.default_rng(13)
    x, everyone = _draw(1, 400, rng), _draw(500, 400, rng)
    bad = rng.choice(np.arange(150, 250), 12, replace=False)
    x[0, bad] = 0.955 + rng.uniform(0.0, 8e-4, 12)
    (found,) = _search(x, everyone)
    assert found is not None
    assert found.log_number < LOG_LIMIT
    assert 0.954 < found.low <= found.high < 0.957
    assert (found.first, found.last) == (bad.min(), bad.max())
    assert found.objects == 12
    assert found.seen == bad.max() - bad.min() + 1


def test_what_all_fibers_share_is_no_fault_of_one() -> None:
    """A sky line gives every fiber some of its redshifts: a crowd in each, and in all of them."""
    rng = np.random.default_rng(14)
    x = _draw(300, 200, rng)
    shared = rng.random(x.shape) < 0.05
    x[shared] = 0.7 + rng.uniform(0.0, 3e-4, int(shared.sum()))
    assert _numbers(_search(x, x)).min() > 1e-3
    # The same crowd in one fiber alone.
    alone = _draw(300, 200, rng)
    alone[0, shared[0]] = 0.7 + rng.uniform(0.0, 3e-4, int(shared[0].sum()))
    assert _numbers(_search(alone, alone))[0] < np.exp(LOG_LIMIT)


def test_three_objects_are_no_pile_up() -> None:
    x, everyone = np.array([[0.2, 0.5, 0.5, 0.5, 0.8]]), _draw(50, 100, RNG)
    assert _search(x, everyone) == [None]
    assert _search(np.zeros((1, 0)), everyone) == [None]
