"""What is usual on a coming night, and how far out chance goes."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.history.usual import MONTH, NIGHTS, TERMS, Coming, reach, usual

PLACES, EXPOSURES = 6, 5


def past(nights: int = 60, *, seed: int = 1, level=lambda _, day: 0.0 * day) -> Coming:
    """Values of unit scatter, half of it shared by a night, about a level."""
    generator = np.random.default_rng(seed)
    place, night = (one.ravel() for one in np.meshgrid(np.arange(PLACES), np.arange(nights), indexing="ij"))
    shared = generator.normal(size=len(place)) * np.sqrt(0.5)
    values = shared[:, None] + generator.normal(size=(len(place), EXPOSURES)) * np.sqrt(0.5) + level(place, night)[:, None]
    return Coming(
        values.ravel(), np.repeat(place, EXPOSURES), np.repeat(night, EXPOSURES), 59500.0 + np.arange(nights), 59500.0 + nights
    )


def test_each_place_has_its_own_level_and_scatter():
    found = usual(past(level=lambda place, _: 10.0 * place), PLACES)
    assert found.center == pytest.approx(10.0 * np.arange(PLACES), abs=0.6)
    assert found.scale == pytest.approx(np.ones(PLACES), abs=0.2)
    assert np.nanstd(found.scaled) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("term", "level"),
    [(1, lambda _, day: 0.1 * day), (2, lambda _, day: 4.0 * np.cos(2 * np.pi * day / MONTH))],
    ids=["season", "moonlight"],
)
def test_what_a_level_follows_is_foretold(term, level):
    found = usual(past(level=level), PLACES)
    assert [TERMS[number] for number in found.term] == [TERMS[term]] * PLACES
    assert found.center == pytest.approx(level(0, np.full(PLACES, 60)), abs=1.2)
    assert found.scale == pytest.approx(np.ones(PLACES), abs=0.35)


def test_noise_is_hardly_ever_taken_for_a_term():
    terms = np.concatenate([usual(past(30, seed=seed), PLACES).term for seed in range(20)])
    assert (terms > 0).mean() < 0.08


@pytest.mark.parametrize(("nights", "known"), [(NIGHTS - 1, False), (NIGHTS, True)])
def test_too_few_nights_make_nothing_usual(nights, known):
    found = usual(past(nights), PLACES)
    assert np.isfinite(found.scale).all() == known
    assert np.isfinite(found.center).all() == known
    assert np.isfinite(found.scaled).all() == known


def test_values_that_are_all_alike_have_no_scatter():
    same = past()._replace(values=np.zeros(PLACES * 60 * EXPOSURES))
    assert np.isnan(usual(same, PLACES).scale).all()
    counts = past()._replace(values=np.random.default_rng(1).integers(0, 4, PLACES * 60 * EXPOSURES).astype(float))
    assert np.isnan(usual(counts, PLACES).scale).all()


def test_a_few_bad_nights_move_neither_level_nor_scatter():
    found = usual(past(level=lambda _, day: 50.0 * (day % 12 == 5)), PLACES)
    assert np.abs(found.center).max() < 0.6
    assert found.scale == pytest.approx(np.ones(PLACES), abs=0.35)
    assert not found.term.any()


def test_a_change_that_has_just_begun_does_not_hide_itself_and_an_old_one_counts():
    def finds(first: int, last: int) -> tuple[bool, float]:
        given = past(level=lambda place, day: 20.0 * ((place == 2) & (first <= day) & (day < last)))
        found = usual(given, PLACES)
        (far,) = reach(found.scaled, given.place * 60 + given.night, (1e-6,))
        return bool(np.isnan(found.scaled).any()), far

    clean = finds(0, 0)
    assert finds(57, 60) == (True, pytest.approx(clean[1], rel=0.2))
    assert finds(30, 33)[0] is False


@pytest.mark.parametrize("law", ["normal", "Student"])
def test_chance_goes_no_farther_than_it_is_told_to(law):
    generator = np.random.default_rng(2)
    draw = generator.standard_normal if law == "normal" else (lambda size: generator.standard_t(4, size))
    blocks = np.repeat(np.arange(600), 10)
    rates = [float((draw(400_000) > reach(draw(6000), blocks, (1e-4,))[0]).mean()) for _ in range(10)]
    assert np.mean(rates) < 1e-4
    assert reach(draw(6000), blocks, (1e-4,))[0] < {"normal": 7.0, "Student": 25.0}[law]


def test_too_few_values_tell_no_reach():
    assert np.isnan(reach(np.random.default_rng(1).normal(size=100), np.arange(100), (1e-4, 1e-6))).all()
