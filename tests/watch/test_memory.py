"""What a watch remembers is read back, and refused in one line where it is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.watch.memory import Memory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watch.json"


def test_all_of_it_is_read_back(path: Path) -> None:
    judged = {"20211014-exposure-00000001": {"mark": "abc", "verdict": "lost", "tries": 2, "why": "no end"}}
    memory = Memory(path, "daily", judged=judged, seen={"20211014-night": {"quiet": "def", "since": 5.5}}, newest=20211014)
    memory.told["20211014"] = ["sky r6"]
    memory.save()
    again = Memory.load(path, production="daily")
    assert (again.judged, again.seen, again.told, again.newest) == (judged, memory.seen, memory.told, 20211014)


def test_nothing_is_written_where_nothing_has_changed(path: Path) -> None:
    Memory(path, "daily").save()
    path.chmod(0o444)
    before = path.stat()
    Memory.load(path, production="daily").save()
    assert path.stat() == before


def test_what_was_told_is_forgotten_after_sixty_nights(path: Path) -> None:
    memory = Memory(path, "daily", told={str(night): ["x"] for night in range(100)})
    memory.save()
    assert set(Memory.load(path, production="daily").told) == set(map(str, sorted(map(str, range(100)))[-60:]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"format": 2}',
        '{"format": 1}',
        '{"format": 1, "production": "daily", "newest": 0, "judged": {"a": 1}, "seen": {}, "told": {}}',
        '{"format": 1, "production": "daily", "newest": 0, "judged": {}, "seen": {"a": {"quiet": 1, "since": "x"}}, "told": {}}',
        '{"format": 1, "production": "daily", "newest": 0, "judged": {}, "seen": [], "told": {}}',
        '{"format": 1, "production": "daily", "newest": 0, "judged": {}, "seen": {}, "told": {"a": 1}}',
    ],
)
def test_a_damaged_one_is_named_with_what_to_do(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ResultsError, match=r"watch.json: is damaged .* remove it to judge the last nights anew") as caught:
        Memory.load(path, production="daily")
    assert "\n" not in str(caught.value)


def test_that_of_another_production_is_refused(path: Path) -> None:
    Memory(path, "daily").save()
    with pytest.raises(ResultsError, match="of production daily, expected other"):
        Memory.load(path, production="other")
    assert json.loads(path.read_text())["production"] == "daily"
