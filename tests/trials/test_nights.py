"""Nights with planted faults: what they strike, what is judged, and which are tried."""

import json
from dataclasses import asdict, replace

import pytest

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.triage.rules import RULES
from pytest_specqa.trials import night_units, plan
from pytest_specqa.trials.nights import EXPIDS, OF_TILE, Judged, Night, Planted, planted_in, together


def test_every_fault_has_a_cause_that_the_triage_knows():
    assert {fault.cause for fault in FAULTS.values()} <= set(RULES)


def test_what_lasts_strikes_every_exposure_of_one_camera():
    for name in ("cte_offset", "flat_lamp_off"):
        plant = planted_in(FAULTS[name], size=1, seed=3)
        assert plant.expids == EXPIDS
        assert len(plant.petals) == 1


@pytest.mark.parametrize(
    ("name", "exposures", "petals", "redshifts"),
    [
        ("swapped_fibers", 1, 1, False),
        ("unmasked_cosmics", 2, 1, True),
        ("line_scale_leak", 2, 10, True),
        ("vega_for_ab", 1, 10, False),
        ("other_targets", 0, 1, True),
    ],
)
def test_faults_strike_as_many_units_as_they_do_on_the_sky(name, exposures, petals, redshifts):
    plant = planted_in(FAULTS[name], size=1, seed=3)
    assert (len(plant.expids), len(plant.petals), plant.redshifts) == (exposures, petals, redshifts)
    if exposures == 2:
        assert plant.expids == OF_TILE


def test_places_differ_between_seeds_and_a_petal_can_be_chosen():
    drawn = {planted_in(FAULTS["swapped_fibers"], size=1, seed=seed).petals for seed in range(12)}
    assert len(drawn) > 3
    assert planted_in(FAULTS["swapped_fibers"], size=1, seed=3, petal=7).petals == (7,)


def test_a_night_judges_the_units_that_its_fault_strikes_and_no_other():
    plant = replace(planted_in(FAULTS["fluxcalib_zero"], size=1, seed=1, petal=4), expids=(EXPIDS[0],))
    judged = night_units.run(Night(1, "r", (plant,)))
    assert {record["unit"] for record in judged.records} == {"20211014-00104282-r4", "20211014-00104282"}
    assert "failed" in {record["outcome"] for record in judged.records if record["kind"] == "camera"}
    assert {(place.fault, place.unit) for place in judged.planted} == {("fluxcalib_zero", "20211014-00104282-r4")}
    assert all(2000 <= low <= high < 2500 for place in judged.planted for low, high in place.fibers)


def test_redshifts_of_the_struck_petal_are_judged_with_the_tile():
    judged = night_units.run(Night(1, "r", (planted_in(FAULTS["other_targets"], size=1, seed=1, petal=4),)))
    assert {record["unit"] for record in judged.records} == {"7951-20211014-petal4", "7951-20211014"}
    assert [place.unit for place in judged.planted] == ["7951-20211014-petal4"]
    assert all(2000 <= low <= high < 2500 for place in judged.planted for low, high in place.fibers)
    assert Judged.read(_as_line(judged)) == judged


def _as_line(judged):
    """A result as it comes back from a file: tuples are lists."""
    return json.loads(json.dumps(asdict(judged)))


def record(unit, kind="camera", expectation="test_a", outcome="passed"):
    return {"unit": unit, "kind": kind, "expectation": expectation, "outcome": outcome, "measure": "a"}


def test_struck_units_stand_among_the_clean_ones_once():
    clean = {
        "r": Judged(Night(1, "r"), [record("r1"), record("r2"), record("exposure", "exposure")]),
        "b": Judged(Night(1, "b"), [record("b1"), record("exposure", "exposure")]),
    }
    night = Judged(Night(1, "r", (planted_in(FAULTS["noisy_amp"], size=1, seed=1),)), [record("r1", outcome="failed")])
    assert sorted((one["unit"], one["outcome"]) for one in together(night, clean)) == [
        ("b1", "passed"),
        ("exposure", "passed"),
        ("r1", "failed"),
        ("r2", "passed"),
    ]


def test_what_is_not_seen_is_planted_larger():
    few = replace(plan.QUICK, nights=2)
    first = plan.fault_nights(few, {})
    assert {night.seed for night in first} == {3, 5}
    assert {night.plants[0].size for night in first} == {1.0}
    unseen = first[0]
    again = plan.fault_nights(few, {unseen.key: False})
    assert again[0].plants[0].size == 3.0
    assert again[0].plants[0].fault == unseen.plants[0].fault
    assert again[1:] == first[1:]


def test_pairs_have_two_causes_and_are_seen_alone():
    few = replace(plan.QUICK, nights=1, pairs=20)
    names = (
        "cte_offset",
        "bad_bias",
        "noisy_amp",
        "fluxcalib_zero",
        "swapped_fibers",
        "line_scale_leak",
        "other_targets",
        "gain_missing",
    )
    seen = {night.key: night.plants[0].fault in names for night in plan.fault_nights(few, {})}
    pairs = plan.pair_nights(few, seen)
    assert len({night.key for night in pairs}) == 20
    for night in pairs:
        one, other = night.plants
        assert {one.fault, other.fault} <= set(names)
        assert FAULTS[one.fault].cause != FAULTS[other.fault].cause
    shared = [bool(set(night.plants[0].petals) & set(night.plants[1].petals)) for night in pairs]
    assert 8 <= sum(shared) <= 18


def test_no_pair_is_drawn_where_nothing_is_seen():
    few = replace(plan.QUICK, nights=1, pairs=20)
    assert plan.pair_nights(few, {}) == []


def test_places_are_read_as_they_were_written():
    night = Night(1, "r", (planted_in(FAULTS["noisy_amp"], size=1, seed=1),))
    judged = Judged(night, [], (Planted("noisy_amp", "20211014-00104282-r1", ((500, 510),), (6000.0, 6100.0)),))
    assert Judged.read(_as_line(judged)) == judged
