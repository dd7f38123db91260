"""What the triage says of planted faults: which answers count as right, and what the page makes of them."""

from dataclasses import replace
from itertools import product

import pytest

from pytest_specqa.cli import main
from pytest_specqa.triage import Finding, Reach, Suspect
from pytest_specqa.trials import document, plan, triage_section
from pytest_specqa.trials import told as asked
from pytest_specqa.trials.nights import Judged, Night, Plant, Planted
from pytest_specqa.trials.statistics import Rate
from pytest_specqa.trials.told import Pair, Told, told, told_pair, wrong_scope
from pytest_specqa.trials.tried import Tried, tried

PLANT = Plant("noisy_amp", 1.0, petals=(6,), expids=(104284, 104285))
PLACE = Planted("noisy_amp", "20211014-00104284-r6", ((3000, 3249),), (5760.0, 6700.0))


def record(expid=104284, camera="r6", *, petal=None, unit="", outcome="failed", measure="m"):
    unit = unit or f"{expid}-{camera}-{petal}"
    kind = "camera" if camera else "exposure"
    known = {"unit": unit, "kind": kind, "expectation": "test", "measure": measure, "outcome": outcome}
    return known | {"expid": expid, "camera": camera, "petal": petal, "value": 2.0}


BAD = [record(104284), record(104285)]


def finding(*causes, records=BAD, stage="frame", **reach):
    full = {"exposures": (104284, 104285), "cameras": ("r6",), "petals": (6,)}
    suspects = tuple(Suspect(cause, cause) for cause in causes)
    return Finding(stage=stage, scope="", suspects=suspects, records=tuple(records), reach=Reach(**(full | reach)))


def night(*plants, records=BAD, seed=1, places=(PLACE,)):
    return Judged(Night(seed, "r", plants or (PLANT,)), list(records), places)


CLEAN = {"r": Judged(Night(1, "r"), [])}


@pytest.mark.parametrize(
    ("reach", "wrong"),
    [
        ({}, ""),
        ({"exposures": (104284,)}, "exposures left out: 104285"),
        ({"exposures": (104282, 104284, 104285)}, "exposures that are sound: 104282"),
        ({"cameras": ()}, "cameras left out: r6"),
        ({"cameras": ("b6", "r6")}, "cameras that are sound: b6"),
        ({"petals": (5, 6)}, "petals that are sound: 5"),
        ({"petals": ()}, "petals left out: 6"),
        ({"fibers": ((3200, 3300),)}, ""),
        ({"fibers": ((3250, 3300),)}, "no fiber or wavelength in common with the fault"),
        ({"fibers": ((3200, 3300),), "waves": ((6705.0, 6800.0),)}, ""),
        ({"fibers": ((3200, 3300),), "waves": ((6715.0, 6800.0),)}, "no fiber or wavelength in common with the fault"),
    ],
)
def test_a_scope_is_right_where_it_names_what_was_struck_and_nothing_else(reach, wrong):
    assert wrong_scope(finding("amplifier_noise", **reach), PLANT, BAD, night()) == wrong


def test_the_exposures_of_a_tile_may_be_named_where_nothing_narrower_fails():
    plant, bad = replace(PLANT, expids=(104284,)), [record(None, None, unit="tile")]
    named = finding("standards", records=bad, cameras=())
    assert wrong_scope(named, plant, bad, night(plant)) == ""
    narrower = [*bad, record(104284, None)]
    assert wrong_scope(named, plant, narrower, night(plant)) == "exposures that are sound: 104285"


def test_a_night_in_which_nothing_fails_is_not_seen():
    passed = [record(outcome="warned")]
    assert told(night(records=passed), CLEAN) is None
    false_alarm = {"r": Judged(Night(1, "r"), BAD)}
    assert told(night(), false_alarm) is None


def test_the_first_failing_finding_is_judged(monkeypatch):
    said = [
        finding("x", records=[record(outcome="warned")]),
        finding("gain", "amplifier_noise"),
        finding("amplifier_noise", stage="sky"),
    ]
    monkeypatch.setattr(asked, "findings", lambda _: said)
    found = told(night(), CLEAN)
    assert found.causes == ("gain", "amplifier_noise")
    assert (found.named, found.in_two, found.staged, found.scoped, found.findings) == ("gain", True, True, True, 2)


def test_a_stage_can_be_traced_to_where_the_cause_acts(monkeypatch):
    monkeypatch.setattr(asked, "findings", lambda _: [replace(finding("gain", stage="sframe"), origin="frame")])
    found = told(night(), CLEAN)
    assert not found.staged
    assert found.traced


def test_no_finding_of_what_fails_is_wrong_in_everything(monkeypatch):
    monkeypatch.setattr(asked, "findings", lambda _: [])
    found = told(night(), CLEAN)
    assert (found.named, found.in_two, found.traced, found.scoped) == ("cannot tell", False, False, False)


OTHER = Plant("gain_missing", 1.0, petals=(2,), expids=(104284,))
ONE, TWO = finding("amplifier_noise"), finding("gain", records=[record(104284, "r2")])


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([ONE, TWO], 2),
        ([TWO, ONE], 2),
        ([ONE], 1),
        ([], 0),
        # One finding cannot stand for both, and a finding elsewhere is of none.
        ([finding("amplifier_noise", "gain", records=[*BAD, record(104284, "r2")])], 1),
        ([ONE, finding("gain", records=[record(104284, "r7")])], 1),
        ([ONE, finding("laser", "satellite", "gain", records=[record(104284, "r2")])], 1),
        ([ONE, finding("gain", records=[record(104284, "r2", outcome="warned")])], 1),
        ([finding("gain"), finding("amplifier_noise", records=[record(104284, "r2")])], 0),
    ],
)
def test_two_faults_are_found_where_each_has_its_own_finding(monkeypatch, said, found):
    monkeypatch.setattr(asked, "findings", lambda _: said)
    pair = told_pair(night(PLANT, OTHER), CLEAN)
    assert pair.found == found
    assert not pair.same


def test_nights_without_their_clean_one_are_left_out(monkeypatch):
    monkeypatch.setattr(asked, "findings", lambda _: [ONE])
    found = tried([night(), night(seed=3)], [night(PLANT, OTHER, seed=3)], {"1/r": CLEAN["r"]}, seeds=[1, 3])
    assert [one.seed for one in found.told] == [1]
    assert found.pairs == []


def test_an_interval_holds_the_rate_and_narrows_with_trials():
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert Rate(10, 10).interval[1] == 1.0
    assert Rate(10, 10).interval[0] == pytest.approx(0.6915, abs=1e-3)
    few, many = Rate(8, 10).interval, Rate(80, 100).interval
    assert few[0] < many[0] < 0.8 < many[1] < few[1]


def answers():
    """Right and wrong answers about three faults."""
    right = Told(PLANT, 1, ("amplifier_noise",), "frame", "frame", scoped=True, lead="pull_width", wrong="", findings=1)
    second = replace(right, plant=OTHER, causes=("amplifier_noise", "gain"), scoped=False, wrong="exposures left out: 104285")
    wrong = replace(right, plant=OTHER, seed=3, causes=(), stage="sky", origin="sky", findings=2)
    pairs = [Pair(PLANT, OTHER, 1, same, count, (("gain",),)) for same, count in product((True, False), (1, 2))]
    return Tried(told=[right, second, wrong], unseen=[Plant("dark_trail", 3.0, (1,))], pairs=pairs, seeds=[1, 3])


def test_the_section_counts_right_answers(tmp_path):
    text = triage_section.section(answers(), tmp_path)
    for row in (
        "| first bad stage | - | 2 | 3 | 67% |",
        "| scope | 95 % | 2 | 3 | 67% |",
        "| cause, first suspect | - | 1 | 3 | 33% |",
        "| cause, first two suspects | 90 % | 2 | 3 | 67% |",
        "| two faults: both found | 80 % | 2 | 4 | 50% |",
        "| gain | 2 | 0 | 1 | amplifier_noise 1, cannot tell 1 |",
        "| gain_missing | gain | none | sky | right | pull_width | 1 |",
        "| gain_missing | gain | right | right | exposures left out | pull_width | 1 |",
    ):
        assert row in text
    assert "In 3 of 4 nights something fails" in text
    assert "*not seen*: dark_trail" in text
    assert (tmp_path / "triage_confusion.csv").read_text().splitlines()[1:] == ["amplifier_noise,1,0,0", "gain,1,1,0"]
    assert len((tmp_path / "triage.csv").read_text().splitlines()) == 5


def test_the_section_is_written_anew_and_the_others_stay(tmp_path):
    page = tmp_path / "judgement.md"
    page.write_text("# Judgement\n\nwords\n\n## Power\n\nof it\n\n## Triage\n\nold\n\n### What\n\nold\n\n## Last\n\nthe end\n")
    document.write_triage(answers(), tmp_path)
    text = page.read_text()
    assert text.startswith("# Judgement\n\nwords\n\n## Power\n\nof it\n\n## Triage\n\nEach fault")
    assert text.endswith("\n\n## Last\n\nthe end\n")
    assert "old" not in text
    document.write_triage(answers(), tmp_path)
    assert page.read_text() == text


def test_the_section_alone_is_that_of_the_whole_page(tmp_path):
    document.write_triage(answers(), tmp_path)
    section = (tmp_path / "judgement.md").read_text().partition("\n\n## Triage\n")[2]
    assert f"## Triage\n{section}" == triage_section.section(answers(), tmp_path) + "\n"


def test_only_the_triage_is_tried_on_request(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plan, "QUICK", replace(plan.QUICK, nights=0, pairs=0))
    assert main(["judgement", "--triage", "--docs", str(tmp_path), "--work", str(tmp_path / "work"), "--no-progress"]) == 0
    assert "0 nights with one fault, 0 with two" in capsys.readouterr().out
    assert "## Triage" in (tmp_path / "judgement.md").read_text()


def test_a_production_has_no_planted_faults(capsys):
    assert main(["judgement", "--triage", "--specprod", "somewhere"]) == 2
    assert "leave --specprod out" in capsys.readouterr().err
