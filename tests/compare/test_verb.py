"""``specqa compare`` from its words to its exit code; the suite itself is not run here."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from pytest_specqa.cli import main
from pytest_specqa.compare import cli, runs
from pytest_specqa.compare.redshifts import RedshiftChanges
from pytest_specqa.compare.shifts import ALLOWED, Shift
from pytest_specqa.results import store
from pytest_specqa.run.apart import Suite


@pytest.fixture
def productions(write, record, monkeypatch) -> Path:
    """Two productions that differ in camera r6; measuring one gives its records and remembers how it was asked."""
    for camera in ("r6", "r7"):
        write(f"exposures/20211014/00104284/sky-{camera}-00104284.fits", b"one", b"two" if camera == "r6" else b"one")
        root = write(f"exposures/20211014/00104284/sframe-{camera}-00104284.fits")
    values = {"before": 2.0, "after": 0.5}
    asked: list[tuple[str, set[str]]] = []

    def measure(self: Suite, folder: Path, *, skipping=()) -> list[dict[str, object]]:
        asked.append((folder.name, set(skipping)))
        every = [record(value=values[folder.name]), record(camera="r7")]
        return [item for item in every if item["unit"] not in skipping]

    monkeypatch.setattr(Suite, "measure", measure)
    monkeypatch.setattr(runs, "asked", asked, raising=False)
    return root


def test_what_was_fixed_is_no_failure_and_what_broke_is(productions, capsys):
    before, after = str(productions / "before"), str(productions / "after")
    assert main(["compare", before, after]) == 0
    assert "Nothing broke, 1 fixed, of 2 checks" in capsys.readouterr().out
    assert main(["compare", after, before]) == 1
    assert "1 broke, of 2 checks" in capsys.readouterr().out


def test_units_with_the_same_inputs_are_measured_once(productions, capsys):
    assert main(["compare", str(productions / "before"), str(productions / "after")]) == 0
    assert runs.asked == [("before", set()), ("after", {"20211014-00104284-r7"})]
    assert "1 measurements taken over" in capsys.readouterr().out


def test_results_are_kept_and_read_instead_of_measuring(productions):
    words = ["compare", str(productions / "before"), str(productions / "after")]
    words += [f"--results-{side}={productions}/{side}.parquet" for side in ("before", "after")]
    assert main(words) == 0
    assert len(store.read(productions / "after.parquet")) == 2
    assert main(words) == 0
    assert len(runs.asked) == 2


def test_stored_results_are_compared_alone(productions, record, tmp_path):
    store.write(tmp_path / "old.jsonl", [record(value=2.0)])
    store.write(tmp_path / "new.parquet", [record(value=0.5)])
    assert main(["compare", f"{tmp_path}/old.jsonl", f"{tmp_path}/new.parquet"]) == 0
    assert main(["compare", f"{tmp_path}/new.parquet", f"{tmp_path}/old.jsonl"]) == 1
    assert runs.asked == []


def test_markdown_and_json_are_written_whole(productions, tmp_path, capsys):
    files = [f"--{name}={tmp_path}/c.{name}" for name in ("markdown", "json")]
    assert main(["compare", str(productions / "after"), str(productions / "before"), *files]) == 1
    assert (tmp_path / "c.markdown").read_text().startswith("## ❌ Before and after")
    content = json.loads((tmp_path / "c.json").read_text())
    assert (content["broken"], content["before"]) == (True, str(productions / "after"))
    out = capsys.readouterr().out.splitlines()
    assert out[0] == out[-1] == content["verdict"], "the verdict first and last"


def test_a_file_that_cannot_be_written_is_misuse(productions, capsys):
    sides = [str(productions / name) for name in ("before", "after")]
    assert main(["compare", *sides, "--markdown", str(productions / "nowhere" / "c.md")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cannot be written" in line


def test_a_shift_of_all_quasars_fails_the_comparison(productions, monkeypatch, capsys):
    shift = Shift("QSO", "SPECTYPE", 800, 800, 5e-4, 1e-6, 1e-99, ALLOWED["QSO"], significant=True)
    monkeypatch.setattr(cli, "_redshifts", Mock(return_value=RedshiftChanges(shifts=(shift,))))
    assert main(["compare", str(productions / "before"), str(productions / "after")]) == 1
    assert capsys.readouterr().out.startswith("Redshifts shifted: spectra of type QSO: median dz/(1+z) +0.0005")


def test_the_page_says_why_a_picture_is_missing(productions, tmp_path):
    page = tmp_path / "page.html"
    main(["compare", str(productions / "before"), str(productions / "after"), "--html", str(page)])
    text = page.read_text()
    assert "20211014-00104284-r6: sky model over its median: no picture (" in text
    assert "sky-r6-00104284.fits" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{tmp}/none.jsonl", "{tmp}/none.jsonl"], "no such results file"),
        (["{tmp}/nowhere", "{tmp}/after"], "nowhere"),
        (["{tmp}/old.jsonl", "{tmp}/other.jsonl"], "have no night and expectation in common"),
        (["{tmp}/old.jsonl", "{tmp}/after", "--results-before", "x.jsonl"], "holds results already"),
        (["{tmp}/broken.jsonl", "{tmp}/old.jsonl"], "broken.jsonl:1: is no JSON object"),
    ],
)
def test_misuse_is_one_line_and_its_own_exit_code(productions, record, capsys, words, message):
    store.write(productions / "old.jsonl", [record()])
    store.write(productions / "other.jsonl", [record(expectation="test_other")])
    (productions / "broken.jsonl").write_text("{")
    assert main(["compare", *(word.format(tmp=productions) for word in words)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("specqa compare: ")
    assert message in line


def test_a_rate_is_between_zero_and_one(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "a", "b", "--rate", "2"])
    assert stopped.value.code == 2
    assert "'2' is no rate" in capsys.readouterr().err
