"""The gate lets through what is proved good, and says why it holds back the rest."""

from __future__ import annotations

import argparse
import datetime
import json
import xml.etree.ElementTree as ET

import pytest

from pytest_specqa.errors import PolicyError, ResultsError, WaiverError
from pytest_specqa.results import cli, holding, store
from pytest_specqa.results.comparing.flips import Flip
from pytest_specqa.results.gating import gate_output
from pytest_specqa.results.gating.gate import gate
from pytest_specqa.rules import policy, waiver_file
from pytest_specqa.triage import worst_first
from pytest_specqa.values import Limit, Measured, Severity

TODAY = datetime.date(2026, 6, 1)
WARN = Limit("sky_chromatic", high=1.0, severity=Severity.WARN)
IMPOSSIBLE = Measured.impossible("too faint")
WAIVER = """[[waiver]]
id = "known"
expectation = "test_sky_model_smooth"
measure = "sky_chromatic"
covers = 2.0
camera = "r6"
reason = "Interstellar H-alpha"
issue = "https://example.org/1"
owner = "Ada"
expires = 2026-12-31
"""


@pytest.fixture
def judge(tmp_path):
    """Judge records against a policy text, with waivers and a baseline."""

    def run(records, text="[gate]\n", *, waivers="", baseline=(), today=TODAY, suffix=".parquet"):
        (tmp_path / "gate.toml").write_text(text)
        (tmp_path / "waivers.toml").write_text(waivers)
        store.write(tmp_path / f"now{suffix}", records)
        if baseline:
            store.write(tmp_path / "old.jsonl", baseline)
        entries = waiver_file.load(tmp_path / "waivers.toml")
        return gate([tmp_path / f"now{suffix}"], policy.load(tmp_path / "gate.toml"), waivers=entries, today=today)

    return run


def broken(report) -> list[str]:
    return [rule.name for rule in report.rules if not rule.passed]


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_good_results_pass_and_one_failure_blocks(judge, record, suffix):
    good = [record(expid=number) for number in range(5)]
    assert judge(good, suffix=suffix).passed
    report = judge([*good, record(2.0, expid=9), record(3.0, expid=8)], suffix=suffix)
    assert broken(report) == ["failures"]
    assert [item["unit"] for item in report.blocking] == ["20211014-00000008-r6", "20211014-00000009-r6"]
    assert report.blocking_total == 2
    assert report.sentence == "BLOCKED: failures; 2 checks (2 measurements) in the way (7 measurements judged, 1 night, 1 file)."


@pytest.mark.parametrize("suffix", store.SUFFIXES)
@pytest.mark.parametrize(
    ("asked", "weak"), [("none", []), ("datasum", [(2, "none"), (3, "not known")]), ("crc", [(1, "datasum"), (2, "none")])]
)
def test_files_must_be_verified_as_far_as_the_policy_asks(judge, record, suffix, asked, weak):
    """What is older does not say, and blocks; a check that read no file has nothing to verify."""
    levels = ["crc", "datasum", "none", None, ""]
    records = [record(expid=n) | ({} if level is None else {"verified": level}) for n, level in enumerate(levels)]
    report = judge(records, f'[gate]\nverified = "{asked}"\n', suffix=suffix)
    assert broken(report) == (["verified files"] if weak else [])
    rules = {rule.name: rule for rule in report.rules}
    assert ("verified files" in rules) == (asked != "none")
    if weak:
        assert rules["verified files"].found.startswith(f"{2 if asked == 'datasum' else 3} measurements with less: ")
        assert all(f"20211014-0000000{n}-r6 ({level})" in rules["verified files"].found for n, level in weak)
    assert judge(records[:1] + records[4:], f'[gate]\nverified = "{asked}"\n', suffix=suffix).passed


def test_results_of_before_there_were_levels_can_be_judged(judge, record):
    assert judge([record()]).passed
    assert broken(judge([record()], '[gate]\nverified = "datasum"\n')) == ["verified files"]


@pytest.mark.parametrize("level", ['"sha"', "1", '["crc"]', "true"])
def test_an_unknown_level_of_verification_is_named(judge, record, level):
    with pytest.raises(PolicyError, match=r"verified.*expected one of none, datasum, crc"):
        judge([record()], f"[gate]\nverified = {level}\n")


def test_what_has_no_value_blocks_first(judge, record):
    report = judge([record(100.0, expid=1), record(float("nan"), expid=2)])
    assert [item["value"] for item in report.blocking] == [None, 100.0]


def test_a_release_full_of_not_measured_is_blocked(judge, record):
    mostly = [record(expid=n, measured=IMPOSSIBLE) for n in range(6)] + [record(expid=n) for n in range(10, 14)]
    assert broken(judge(mostly)) == ["measured fraction"]
    assert judge(mostly, "[gate]\nmin_measured = 0.4\n").passed
    assert not judge([record(measured=IMPOSSIBLE)], "[gate]\nmin_measured = 0.001\n").passed


def test_warnings_block_only_on_demand(judge, record):
    warned = [record(2.0, limit=WARN)]
    assert judge(warned).passed
    assert broken(judge(warned, '[gate]\nblock = ["fail", "warn"]\n')) == ["failures"]


def test_max_failures_is_a_number_that_may_remain(judge, record):
    failed = [record(2.0, expid=n) for n in range(3)]
    assert judge(failed, "[gate]\nmax_failures = 3\n").passed
    assert not judge(failed, "[gate]\nmax_failures = 2\n").passed


def test_the_first_override_that_fits_decides(judge, record):
    text = """[gate]
[[override]]
survey = "main"
program = "backup"
max_failures = 1
[[override]]
program = "backup"
block = ["warn"]
"""
    backup = record(2.0) | {"program": "backup"}
    other = record(2.0, camera="r7") | {"program": "backup", "survey": "special"}
    assert judge([backup], text).passed
    assert judge([backup, other], text).passed
    assert broken(judge([backup, other, record(2.0, camera="r8")], text)) == ["failures (the rest)"]
    assert broken(judge([backup, backup | {"unit": "another"}], text)) == ["failures (survey main program backup)"]


def test_an_override_that_nothing_fits_leaves_the_others_in_force(judge, record):
    text = '[gate]\n[[override]]\nsurvey = "sv1"\n[[override]]\nprogram = "backup"\n'
    report = judge([record(2.0) | {"program": "backup"}, record(2.0, camera="r7")], text)
    assert broken(report) == ["failures (program backup)", "failures (the rest)"]


def test_required_expectations_and_nights_must_be_there(judge, record):
    text = '[gate]\nrequire = ["test_sky_model_smooth", "test_redshift_pileup"]\nmin_nights = 2\n'
    found = [record(), record(expectation="test_redshift_pileup", measured=IMPOSSIBLE)]
    assert broken(judge(found, text)) == ["nights", "requires test_redshift_pileup"]


def test_a_measurement_given_twice_is_not_counted_twice(judge, record):
    assert broken(judge([record(), record()])) == ["repeated measurements"]


def test_a_waived_failure_does_not_block_until_it_grows_or_the_waiver_expires(judge, record):
    report = judge([record(1.5)], waivers=WAIVER)
    assert report.passed
    assert report.counts == {("test_sky_model_smooth", "waived"): 1}
    assert broken(judge([record(2.5)], waivers=WAIVER)) == ["failures"]
    assert broken(judge([record(1.5, camera="r7")], waivers=WAIVER)) == ["failures"]
    late = judge([record(1.5)], waivers=WAIVER, today=datetime.date(2027, 1, 1))
    assert broken(late) == ["expired waivers", "failures"]
    assert "waivers.toml:1: waiver 'known' expired on 2026-12-31" in gate_output.text(late)


def test_a_mark_from_the_run_counts_for_nothing_without_the_waivers(judge, record):
    assert not judge([record(1.5) | {"waiver": "known"}]).passed


def test_a_stale_waiver_is_reported(judge, record):
    report = judge([record(0.5)], waivers=WAIVER)
    assert report.passed
    assert "waiver 'known' is stale: 1 measured in its scope" in gate_output.text(report)


def test_regressions_against_the_release_before(judge, record):
    before = [record(2.0, expid=1), record(expid=2), record(expid=3), record(expid=4), record(night=20211001), record(2.0, expid=6)]
    after = [record(2.0, expid=1), record(2.0, expid=2), record(expid=3, measured=IMPOSSIBLE), record(expid=5), record(expid=6)]
    text = '[gate]\nmax_failures = 9\nbaseline = "old.jsonl"\nmax_regressions = {}\n'
    report = judge(after, text.format(2), baseline=before)
    assert broken(report) == ["regressions"]
    assert report.regressions.counts == {Flip.BROKEN: 1, Flip.MISSING: 1, Flip.LOST: 1}
    assert report.regressions.examples[0] == (Flip.BROKEN, "20211014-00000002-r6", "test_sky_model_smooth")
    assert judge(after, text.format(3), baseline=before).passed


def test_nothing_is_never_a_pass(judge, record, tmp_path):
    report = judge([])
    assert broken(report) == ["measurements"]
    with pytest.raises(ResultsError, match="no such results file"):
        gate([tmp_path / "none.parquet"], policy.Policy(), today=TODAY)
    strange = tmp_path / "strange.jsonl"
    strange.write_text(json.dumps(record()) + "\n{}\n")
    with pytest.raises(ResultsError, match=r"strange.jsonl:2: 'unit' is None"):
        gate([strange], policy.Policy(), today=TODAY)
    strange.write_text(json.dumps(record()) + "\n{\n")
    with pytest.raises(ResultsError, match=r"strange.jsonl:2: is no JSON"):
        gate([strange], policy.Policy(), today=TODAY)


def test_measurements_of_no_night_make_no_night(judge, record):
    report = judge([record() | {"night": None}])
    assert report.nights == (0, 0, 0)
    assert broken(report) == ["nights"]


def test_patterns_gather_many_nights(tmp_path, record):
    for night in (20211014, 20211015):
        store.write(tmp_path / f"{night}.parquet", [record(night=night)])
        store.write(tmp_path / f"{night}.jsonl", [record(night=night, camera="z1")])
    report = gate([str(tmp_path / "*.*")], policy.Policy(min_nights=2), today=TODAY)
    assert report.passed
    assert (report.total, report.files, report.nights) == (4, 4, (20211014, 20211015, 2))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[gates]\n", 1, "is unknown"),
        ("", 1, "found no table [gate]"),
        ("[gate]\nmin_measurd = 1\n", 2, "'min_measurd' is unknown in [gate]"),
        ("[gate]\nmin_measured = 0\n", 2, "above 0"),
        ("[gate]\nmin_measured = true\n", 2, "above 0"),
        ("[gate]\n\nblock = []\n", 3, "severities out of warn, fail"),
        ('[gate]\nblock = ["error"]\n', 2, "severities out of warn, fail"),
        ("[gate]\nmax_failures = -1\n", 2, "0 or more"),
        ("[gate]\nmax_regressions = 1\n", 2, "needs a baseline"),
        ("[gate]\n[[override]]\nmax_failures = 1\n", 2, "needs survey"),
        ('[gate]\n[[override]]\nsurvey = "main"\nmax_failures = "one"\n', 4, "whole number"),
        ('[gate]\n[[override]]\nsurvey = "a"\n[[override]]\nsurvey = 3\n', 5, "expected text"),
        ("[gate]\nmax_failures = \n", 2, "is no TOML"),
    ],
)
def test_a_mistake_in_the_policy_is_named_with_its_line(tmp_path, text, line, message):
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        policy.load(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_markdown_keeps_markup_out_and_names_what_blocks(judge, record):
    nasty = record(2.0) | {"detail": "a|b <script>alert(1)</script> `x` [y](http://z) $x^2$ @ada #12\nnext"}
    page = gate_output.markdown(judge([nasty, record(camera="r7")]))
    assert page.startswith("## ❌ Release gate")
    assert "<script>" not in page
    (row,) = [line for line in page.splitlines() if "script" in line]
    assert row.count(" | ") == 3
    assert r"a\|b" in row
    assert not any(active in row for active in ("`x`", "[y]", "http://", "$", "@ada", "#12"))
    assert "| sky model smooth | 1 | 0 | 0 | 0 | 0 | 1 |" in page


def test_junit_and_json_say_the_same(judge, record):
    report = judge([record(2.0) | {"message": "bad\x00byte"}, record(camera="r7")], waivers=WAIVER)
    root = ET.fromstring(gate_output.junit(report).encode())
    policy_suite, blocking = root
    assert [case.get("name") for case in policy_suite if case.find("failure") is not None] == broken(report)
    assert len(blocking) == report.blocking_total
    content = json.loads(gate_output.as_json(report))
    assert content["passed"] is report.passed
    assert content["measurements"] == 2


def test_the_text_names_rules_blocking_units_and_the_verdict(judge, record):
    limits = Limit("sky_chromatic", low=-1.0, high=1.0, unit="fraction")
    bad = [record(2.0 + number, expid=number, limit=limits) for number in range(21)]
    report = judge([*bad, record(expectation="test_here", expid=99)], '[gate]\nrequire = ["test_here", "test_absent"]\n')
    lines = gate_output.text(report).splitlines()
    first = lines.index("Blocking: 21 checks (21 measurements)")
    said = "sky_chromatic = 22 fraction (must be at least -1 and at most 1)"
    assert lines[first + 1] == f"  sky model smooth: {said} on 20211014-00000020-r6 and 20 others"
    assert lines[first + 2 : first + 4] == ["", f"Policy {report.policy}"]
    assert "  ok       requires test_here: measured; allowed measured at least once" in lines
    assert "  BLOCKED  requires test_absent: never measured; allowed measured at least once" in lines
    verdict = "failures, requires test_absent; 21 checks (21 measurements) in the way (22 measurements judged, 1 night, 1 file)."
    assert lines[0] == lines[-1] == f"BLOCKED: {verdict}"


def test_checks_and_measurements_are_counted_apart(judge, record):
    names = ("sky_chromatic", "other")
    report = judge([record(2.0, expid=number, measure=name) for number in range(3) for name in names])
    (rule,) = [rule for rule in report.rules if rule.name == "failures"]
    assert (rule.found, rule.allowed) == ("3 checks (6 measurements)", "0 measurements")
    content = json.loads(gate_output.as_json(report))["blocking"]
    assert (content["checks"], content["total"]) == (3, 6)


def test_markdown_shows_twenty_claims_and_counts_the_rest(judge, record):
    report = judge([record(2.0, expectation=f"test_claim_{number}") for number in range(22)])
    page = gate_output.markdown(report).splitlines()
    assert "### Blocking: 22 checks (22 measurements)" in page
    assert sum(line.startswith("| claim") and "20211014-" in line for line in page) == 20
    assert "  ... and 2 more checks" in page
    policy_rows = [line for line in page if line.startswith(("| ✅", "| ❌"))]
    assert policy_rows[0] == "| ❌ | failures | 22 checks (22 measurements) | 0 measurements |"
    assert all(line.startswith("| ✅") for line in policy_rows[1:])


def test_findings_come_before_what_blocks_and_counts(judge, record):
    found = [record(5.0, stage="sky"), record(3.0, camera="r7", stage="sky"), record(9.0, expectation="test_late", stage="sframe")]
    report = judge(found)
    assert (report.findings[0][0], report.findings[0][1].stage) == (20211014, "sky")
    page = gate_output.markdown(report)
    places = [page.index(words) for words in ("**sky model**, night 20211014", "### Blocking", "### Policy", "<details>")]
    assert places == sorted(places)
    first = json.loads(gate_output.as_json(report))["findings"]["listed"][0]
    assert (first["night"], first["stage"], first["outcome"]) == (20211014, "sky", "failed")
    assert first["scope"] == report.findings[0][1].scope
    assert first["shown_by"]["value"] == 5.0
    assert first["checks"] == sum(
        len({(r["unit"], r["expectation"]) for r in (*f.records, *f.follows)}) for _, f in report.findings[:1]
    )


def test_rows_follow_the_data_flow_not_the_alphabet(judge, record):
    late = record(99.0, expectation="test_a_late_claim", stage="cframe")
    early = [
        record(2.0, expectation="test_z_early_claim", stage="frame"),
        record(4.0, expectation="test_y_early_claim", stage="frame"),
    ]
    report = judge([late, *early])
    assert [row.claim for row in gate_output.rows(report)] == ["y early claim", "z early claim", "a late claim"]
    assert [item["expectation"] for item in report.blocking] == ["test_y_early_claim", "test_z_early_claim", "test_a_late_claim"]


def test_the_nights_with_most_failures_are_told_and_the_others_counted(judge, record):
    nights = [record(2.0, night=20211001 + night, expid=n) for night in range(7) for n in range(night + 1)]
    report = judge(nights)
    assert (report.nights_told, report.nights_blocked) == (5, 7)
    assert {night for night, _ in report.findings} == {20211003, 20211004, 20211005, 20211006, 20211007}
    assert "Findings of 5 of 7 nights" in gate_output.text(report)
    assert sum(row.checks for row in gate_output.rows(report)) == 28, "what no finding speaks of is listed all the same"


def test_a_waived_failure_is_in_no_finding(judge, record):
    report = judge([record(1.5), record(1.8, camera="r7")], waivers=WAIVER)
    assert [record["camera"] for _, finding in report.findings for record in finding.records] == ["r7"]


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_a_finding_knows_what_the_measure_found(judge, record, suffix):
    feature = {"kind": "line", "fibers": [3000, 3049], "waves": [6500.0, 6600.0], "amplitude": 2.0}
    report = judge([record(2.0) | {"features": [feature], "detail": "a line"}], suffix=suffix)
    (lead,) = [finding.lead for _, finding in report.findings]
    assert (lead["features"], lead["detail"]) == ([feature], "a line")
    assert report.blocking[0]["detail"] == "a line"


BOUNDS = [{"high": 2.0}, {"low": 2.0}, {"low": -1.0, "high": 1.0}, {"low": 0.0}, {"high": 0.0}, {"high": -1.0}, {"low": -2.0}]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_the_size_of_a_failure_is_the_same_in_sql(judge, record, bounds):
    values = [-9.0, -3.0, -0.5, 0.5, 3.0, 9.0, float("nan")]
    limit = Limit("sky_chromatic", **bounds)
    report = judge([record(value, expid=number, limit=limit) for number, value in enumerate(values)])
    assert len(report.blocking) > 1
    assert list(report.blocking) == worst_first(report.blocking)


def test_outputs_hold_regressions_and_waivers(judge, record):
    before = [record(expid=number) for number in range(25)]
    text = '[gate]\nmax_failures = 99\nbaseline = "old.jsonl"\n'
    report = judge([item | {"outcome": "failed", "value": 1.5} for item in before], text, baseline=before, waivers=WAIVER)
    assert report.passed, "what is waived is no regression"
    report = judge([item | {"outcome": "failed", "value": 2.5} for item in before], text, baseline=before, waivers=WAIVER)
    lines = gate_output.text(report).splitlines()
    first = lines.index("Regressions (25 checks)") + 1
    assert lines[first] == "  broken: 20211014-00000000-r6 sky model smooth"
    assert lines[first + 20] == "  ... and 5 more checks"
    page = gate_output.markdown(report)
    assert "### Regressions: 25 checks" in page
    assert page.count("| broken |") == 20
    assert "| exceeded | Ada |" in page
    content = json.loads(gate_output.as_json(report))
    assert content["regressions"]["total"] == 25
    assert content["regressions"]["counts"] == {"broken": 25, "lost": 0, "missing": 0}
    assert content["regressions"]["listed"][0] == {
        "change": "broken", "unit": "20211014-00000000-r6", "expectation": "test_sky_model_smooth",
    }  # fmt: skip
    assert content["nights"] == {"first": 20211014, "last": 20211014, "count": 1}
    assert [(one["id"], one["state"]) for one in content["waivers"]] == [("known", "exceeded")]
    assert {(one["name"], one["passed"], one["allowed"]) for one in content["rules"]} >= {("regressions", False, "0")}


def test_nothing_measured_is_counted_as_nothing(judge):
    report = judge([])
    assert (report.total, report.blocking_total, report.nights) == (0, 0, (0, 0, 0))
    assert json.loads(gate_output.as_json(report))["blocking"] == {"total": 0, "checks": 0, "listed": []}


def test_junit_counts_what_it_lists(judge, record):
    report = judge([record(2.0, expid=number) for number in range(3)], '[gate]\nrequire = ["test_absent"]\n')
    policy_suite, blocking = ET.fromstring(gate_output.junit(report).encode())
    assert (policy_suite.get("tests"), policy_suite.get("failures")) == (str(len(report.rules)), "2")
    assert (blocking.get("tests"), blocking.get("failures")) == ("3", "3")
    case = blocking[0]
    assert (case.get("classname"), case.get("name")) == ("test_sky_model_smooth", "sky_chromatic[20211014-00000000-r6]")
    assert case.find("failure").get("message") == "sky_chromatic = 2 fraction (must be at most 1)"
    assert case.find("failure").text == "sky_chromatic = 2.0"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add_verb(parser.add_subparsers())
    arguments = parser.parse_args(words)
    return int(arguments.run(arguments))


def test_the_verbs_write_their_files_and_return_their_codes(tmp_path, record, capsys, monkeypatch):
    store.write(tmp_path / "good.jsonl", [record()])
    store.write(tmp_path / "bad.jsonl", [record(2.0)])
    files = {name: str(tmp_path / f"out.{name}") for name in ("markdown", "junit", "json")}
    assert run("gate", str(tmp_path / "good.jsonl"), *(word for name, path in files.items() for word in (f"--{name}", path))) == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1].startswith("PASS")
    assert json.loads((tmp_path / "out.json").read_text())["passed"] is True
    summary = tmp_path / "summary.md"
    summary.write_text("earlier step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run("gate", str(tmp_path / "bad.jsonl"), "--markdown", str(summary)) == 1
    assert summary.read_text().startswith("earlier step\n## ❌")
    (tmp_path / "known.toml").write_text(WAIVER)
    words = ("gate", str(tmp_path / "waived.jsonl"), "--waivers", str(tmp_path / "known.toml"), "--today")
    store.write(tmp_path / "waived.jsonl", [record(1.5)])
    assert [run(*words, day) for day in ("2026-12-31", "2027-01-01")] == [0, 1]
    draft = tmp_path / "waivers.toml"
    assert run("waive", str(tmp_path / "bad.jsonl"), "-o", str(draft)) == 0
    with pytest.raises(WaiverError, match="'reason' is ''"):
        run("gate", str(tmp_path / "bad.jsonl"), "--waivers", str(draft))
    with pytest.raises(Exception, match="exists; choose a new name"):
        run("waive", str(tmp_path / "bad.jsonl"), "-o", str(draft))


def test_results_that_are_not_whole_block_unless_the_policy_allows_them(judge, record):
    whole = [record(expid=number, run="a", planned=3) for number in range(3)]
    assert judge(whole).passed
    other = [record(expid=number, night=20211015, run="b", planned=1) for number in range(1)]
    assert judge(whole + other).passed
    part = judge(whole[:2] + other)
    assert broken(part) == ["whole runs"]
    assert "3 of 4 checks judged (1 of 2 runs not whole)" in gate_output.text(part)
    assert judge(whole[:2], '[gate]\npartial = "allow"\n').passed
    with pytest.raises(PolicyError, match="partial"):
        judge(whole, '[gate]\npartial = "maybe"\n')


def test_older_results_do_not_say_and_block_only_where_the_policy_asks(judge, record):
    older = [record(expid=1), record(expid=2, run="a", planned=1)]
    assert judge(older).passed
    assert broken(judge(older, '[gate]\npartial = "refuse-unknown"\n')) == ["whole runs"]


def test_one_run_in_two_files_is_whole_together(tmp_path, record):
    whole = [record(expid=number, run="a", planned=2) for number in range(2)]
    for number, one in enumerate(whole):
        store.write(tmp_path / f"{number}.jsonl", [one])
    files = [tmp_path / "0.jsonl", tmp_path / "1.jsonl"]
    assert gate(files, policy.Policy(), today=TODAY).passed
    assert broken(gate(files[:1], policy.Policy(), today=TODAY)) == ["whole runs"]


def test_an_unfinished_run_beside_the_results_is_told_and_blocks_where_only_whole_runs_will_do(judge, record, tmp_path):
    whole = [record(expid=number, run="a", planned=4) for number in range(4)]
    strict = '[gate]\npartial = "refuse-unknown"\n'
    assert judge(whole, strict).passed
    own = holding.begin(tmp_path / "now.parquet", {"run": "b"})
    assert "still running" in gate_output.text(judge(whole))
    lines = [{"plan": 2, "units": {"u": 2}}, {"check": "t::a", "unit": "u", "records": whole[:1]}]
    own.append(lines, sync=True)
    own.close(remove=False)
    told = judge(whole)
    assert told.passed
    (line,) = [line for line in gate_output.text(told).splitlines() if "unfinished runs:" in line]
    assert f"an unfinished run lies beside the results: {tmp_path / 'now.parquet.journal'} (1 of 2 checks; " in line
    assert "unfinished runs" in gate_output.markdown(told)
    assert broken(judge(whole, strict)) == ["unfinished runs"]


def test_journals_of_other_files_are_none_of_the_gates_business(judge, record, tmp_path):
    for name in ("then.parquet", "now.parquet.journal", "now.jsonl"):
        holding.begin(tmp_path / name, {"run": "b"}).close(remove=False)
    report = judge([record()])
    assert [rule for rule in report.rules if rule.name == "unfinished runs"] == []


def test_a_journal_that_cannot_be_read_is_told_too(judge, record, tmp_path):
    (tmp_path / "now.parquet.journal.2").write_text("nothing of ours")
    report = judge([record()])
    assert report.passed
    assert "now.parquet.journal.2: is no journal of pytest-specqa" in gate_output.text(report)


def test_pixels_of_the_sky_count_as_no_night_and_block_as_others_do(judge, record):
    pixel = {"unit": "healpix-main-dark-311", "kind": "healpix", "night": 0, "tile": None}
    sound = judge([record(), record(camera=None, expid=None) | pixel], "[gate]\nmin_nights = 1\n")
    assert (sound.nights, sound.passed) == ((20211014, 20211014, 1), True)
    assert not judge([record(camera=None, expid=None) | pixel], "[gate]\nmin_nights = 1\n").passed
    blocked = judge([record(), record(2.0, camera=None, expid=None) | pixel])
    assert not blocked.passed
    assert "pixels of the sky: " in gate_output.text(blocked)


UNREAD = {"measured": Measured.impossible("https://x/y: 503"), "outcome": "unreachable", "measure": "unreachable"}


@pytest.mark.parametrize("suffix", store.SUFFIXES)
@pytest.mark.parametrize(
    ("unread", "planned_so", "allowed", "blocks"),
    [
        (0, 0, "", False),
        (1, 0, "", True),
        (1, 0, "max_unreachable = 0.1", False),
        (2, 0, "max_unreachable = 0.1", True),
        (0, 4, "", False),
    ],
)
def test_a_release_of_which_too_much_was_unreachable_is_held_back(judge, record, suffix, unread, planned_so, allowed, blocks):
    """What is not measured as planned looks alike, and is no reason."""
    records = [record(expid=n) for n in range(10 - unread - planned_so)]
    records += [record(expid=20 + n, **UNREAD) for n in range(unread)]
    records += [record(expid=30 + n, measured=IMPOSSIBLE) for n in range(planned_so)]
    report = judge(records, f"[gate]\n{allowed}\n", suffix=suffix)
    assert broken(report) == (["unreachable"] if blocks else [])
    assert report.blocking_total == 0
    if blocks:
        (rule,) = [rule for rule in report.rules if not rule.passed]
        assert rule.found == f"{unread / 10:.2%}: {unread} of 10 measurements; judge these units again"


def test_what_was_unreachable_is_not_measured_and_no_regression(judge, record):
    report = judge([record(expid=1, **UNREAD)], '[gate]\nrequire = ["test_sky_model_smooth"]\nmax_unreachable = 0.9\n')
    assert broken(report) == ["unreachable", "measured fraction", "requires test_sky_model_smooth"]
    now = [record(expid=1), record(expid=2, **UNREAD)]
    text = '[gate]\nbaseline = ["old.jsonl"]\nmax_unreachable = 0.5\n'
    assert judge(now, text, baseline=[record(expid=1), record(expid=2)]).passed


def test_a_waiver_is_not_stale_where_its_scope_was_unreachable(judge, record):
    unread, sound = (
        judge([record(**extra)], "[gate]\nmax_unreachable = 0.9\n", waivers=WAIVER)
        for extra in (UNREAD | {"measure": "sky_chromatic"}, {})
    )
    assert [str(state) for report in (unread, sound) for _, state, _ in report.waivers] == ["not exercised", "stale"]


@pytest.mark.parametrize("value", ["1.0", "-0.1", "true", '"none"'])
def test_a_policy_cannot_let_all_be_unreachable(judge, record, value):
    with pytest.raises(PolicyError, match="max_unreachable"):
        judge([record()], f"[gate]\nmax_unreachable = {value}\n")
