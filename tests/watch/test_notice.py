"""A command is run for each finding of a night once, with no shell in between."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.triage.findings import findings
from pytest_specqa.watch import child
from pytest_specqa.watch.jobs import Job, Sight
from pytest_specqa.watch.judging import Judged
from pytest_specqa.watch.notice import Notifier

WRITER = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    told = json.load(sys.stdin)
    said = {name: text for name, text in os.environ.items() if name.startswith("SPECQA_")}
    file.write(json.dumps([sys.argv[2:], told, said]) + "\\n")
"""


@pytest.fixture
def writer(tmp_path: Path) -> str:
    """A command that notes what it is told."""
    (tmp_path / "a writer.py").write_text(WRITER)
    return f"{sys.executable} -I -S '{tmp_path / 'a writer.py'}' '{tmp_path / 'told'}' 'two words'"


@pytest.fixture
def heard(tmp_path: Path):
    def heard() -> list[Any]:
        path = tmp_path / "told"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return heard


@pytest.fixture
def judged(record):
    def judged(*cameras: str, value: float = 2.0, **more: Any) -> Judged:
        return Judged("failed", "FAILED", findings=findings([record(value, camera=camera, **more) for camera in cameras]))

    return judged


def sight(expid: int = 104284) -> Sight:
    return Sight(Job(20211014, "exposure", expid), 7951, "mark", "quiet")


def test_the_finding_comes_as_json_on_standard_input_and_as_a_line(writer, heard, judged) -> None:
    assert Notifier(writer).tell(sight(), judged("r6"), told=[], log="/a/log") == []
    ((words, told, said),) = heard()
    assert words[0] == "two words"
    assert words[1].startswith("20211014 exposure 00104284 of tile 7951: ")
    assert words[1].count("00104284") == 1
    assert (told["night"], told["expid"], told["tile"], told["outcome"], told["text"]) == (
        20211014,
        104284,
        7951,
        "failed",
        words[1],
    )
    assert told["finding"]["records"][0]["measure"] == "sky_chromatic"
    assert (said["SPECQA_EXPID"], said["SPECQA_TEXT"], said["SPECQA_LOG"]) == ("104284", words[1], "/a/log")


def test_a_finding_is_told_once_in_a_night_and_again_where_it_spreads(writer, heard, judged) -> None:
    told: list[str] = []
    notifier = Notifier(writer)
    for expid, cameras in ((1, ["r6"]), (2, ["r6"]), (2, ["r6"]), (3, ["r6", "r7"]), (4, ["r7"])):
        notifier.tell(sight(expid), judged(*cameras, expid=expid), told=told, log="")
    assert [told["expid"] for _, told, _ in heard()] == [1, 3]
    notifier.tell(sight(5), judged("r6", expid=5), told=[], log="")
    assert [told["expid"] for _, told, _ in heard()] == [1, 3, 5]


def test_a_finding_that_grows_is_told_once_more(writer, heard, judged) -> None:
    told: list[str] = []
    for expid, value in ((1, 1.5), (2, 2.9), (3, 3.5), (4, 1.5), (5, 9.0), (6, 40.0), (7, 35.0)):
        Notifier(writer).tell(sight(expid), judged("r6", expid=expid, value=value), told=told, log="")
    assert [told["expid"] for _, told, _ in heard()] == [1, 3, 6]


def test_many_checks_of_one_cause_are_one_finding(writer, heard, record) -> None:
    records = [record(3.0, camera=f"r{petal}", expectation=name) for petal in range(10) for name in ("test_a", "test_b")]
    made = Judged("failed", "FAILED", findings=findings(records))
    assert len(made.findings) == 1
    Notifier(writer).tell(sight(), made, told=[], log="")
    assert len(heard()) == 1


def test_warnings_and_good_exposures_are_not_told(writer, heard, record) -> None:
    made = Judged("warned", "WARNED", findings=findings([record(3.0, severity="warning", outcome="warned"), record(0.5)]))
    assert made.findings
    assert Notifier(writer).tell(sight(), made, told=[], log="") == []
    assert Notifier(writer).tell(sight(), Judged("passed", "PASSED"), told=[], log="") == []
    assert heard() == []


def test_what_could_not_be_judged_is_told(writer, heard) -> None:
    told: list[str] = []
    for _ in range(2):
        Notifier(writer).tell(sight(), Judged("lost", "NOT JUDGED: it died"), told=told, log="")
    ((words, found, _),) = heard()
    assert "NOT JUDGED: it died" in words[1]
    assert found["finding"] is None


def test_text_from_headers_reaches_no_shell_and_no_terminal(writer, heard, judged, tmp_path: Path) -> None:
    hostile = f"x\x1b[2J'; touch {tmp_path / 'owned'}; $(touch {tmp_path / 'owned'})\x00\n--help"
    made = judged("r6", measure=hostile)
    assert Notifier(writer).tell(sight(), made, told=[], log="") == []
    ((words, _, _),) = heard()
    assert len(words) == 2
    assert not any(letter in words[1] for letter in "\x00\x1b\n")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (f"{sys.executable} -I -S -c 'import sys; sys.exit(\"no such\\nchannel\")'", "ended with 1 (channel)"),
        ("/no/such/program", "ended with 1 (/no/such/program: No such file or directory)"),
        (f"{sys.executable} -I -S -c 'import time; time.sleep(600)'", "did not end within 0.3 s"),
    ],
)
def test_a_command_that_fails_is_a_line(judged, command: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE", 0.1)
    (said,) = Notifier(command, most=0.3 if "sleep" in command else 60).tell(sight(), judged("r6"), told=[], log="")
    assert said == f"notify: {command.split(maxsplit=1)[0]} {line}"


@pytest.mark.parametrize("command", ["mail 'operator", " "])
def test_a_command_that_is_none_is_refused_at_the_start(command: str) -> None:
    with pytest.raises(UsageError, match="--notify"):
        Notifier(command)
