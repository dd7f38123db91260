"""Productions on a server that are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.compare import runs
from pytest_specqa.compare.runs import Side, records_of
from pytest_specqa.remote import RemotePath
from tests.conftest import MakeRecord

FAR, NEAR = RemotePath.of("https://data.example.org/prod"), Path("prod")


class Measuring:
    """A suite that measures one thing; what it skips is kept."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found, self.skipped = found, [set[str]()]

    def measure(self, root: Path, *, skipping: set[str] = frozenset()) -> list[Any]:  # type: ignore[assignment]  # noqa: ARG002
        self.skipped.append(set(skipping))
        return [self.found]


@pytest.mark.parametrize(("before", "after", "compared"), [(FAR, NEAR, 0), (NEAR, FAR, 0), (FAR, FAR, 0), (NEAR, NEAR, 1)])
def test_files_of_a_server_are_judged_and_not_compared_byte_by_byte(
    before: Path, after: Path, compared: int, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, Path]] = []

    class Same:
        def __init__(self, *roots: Path) -> None:
            asked.append(roots)  # type: ignore[arg-type]

        def identical_units(self, records: list[Any]) -> set[str]:
            return {one["unit"] for one in records}

    monkeypatch.setattr(runs, "Inputs", Same)
    suite = Measuring(record())
    records_of(Side("a", before), Side("b", after), suite)  # type: ignore[arg-type]
    assert len(asked) == compared
    assert bool(suite.skipped[-1]) is bool(compared)
