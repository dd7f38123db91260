"""A production of empty files, a project that judges it, and a way to run pytest on both."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

# Runs in this process forget what they import, and numpy cannot be imported twice.
import pytest_specqa.production  # noqa: F401

TABLE_COLUMNS = ("EXPID", "OBSTYPE", "TILEID", "LASTSTEP", "CAMWORD", "BADCAMWORD", "BADAMPS", "EXPTIME", "SURVEY", "FAPRGRM")

LIMITS = """
[value]
high = 2
warn_high = 1
needs = 0.5
unit = "m"
source = "a test"

[other]
high = 2
source = "another test"
"""

PROJECT = """
def test_value(specqa_camera, expect):
    expect("value", 0.5)
"""


class Tree:
    """Writes a production folder; the files are empty unless a test fills them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "exposures").mkdir(parents=True)
        self._rows: dict[int, list[dict[str, object]]] = {}

    def exposure(
        self, expid: int, cameras: Iterable[str] = ("r6",), *, night: int = 20211014, kinds: Iterable[str] = ("sframe",)
    ) -> Path:
        folder = self.root / f"exposures/{night}/{expid:08d}"
        folder.mkdir(parents=True)
        for camera in cameras:
            for kind in kinds:
                (folder / f"{kind}-{camera}-{expid:08d}.fits.gz").touch()
        return folder

    def row(self, expid: int, *, night: int = 20211014, **values: object) -> None:
        """Add a line to the exposure table of a night."""
        plain = {
            "OBSTYPE": "science",
            "TILEID": 7951,
            "LASTSTEP": "all",
            "CAMWORD": "r6",
            "EXPTIME": 900.0,
            "SURVEY": "main",
            "FAPRGRM": "dark",
        }
        rows = self._rows.setdefault(night, [])
        rows.append(dict.fromkeys(TABLE_COLUMNS, "") | plain | {"EXPID": expid} | values)
        path = self.root / f"exposure_tables/{str(night)[:6]}/exposure_table_{night}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, TABLE_COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def tile(self, tile: int, *, night: int = 20211014, petals: Iterable[int] = (6,)) -> Path:
        folder = self.root / f"tiles/cumulative/{tile}/{night}"
        folder.mkdir(parents=True)
        for petal in petals:
            (folder / f"redrock-{petal}-{tile}-thru{night}.fits").touch()
        return folder


@pytest.fixture(autouse=True)
def no_production_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DESI_SPECTRO_REDUX", raising=False)
    monkeypatch.delenv("SPECPROD", raising=False)
    # In a CI service pytest prints long messages a second time, whole, in its short summary.
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A production that a test fills."""
    return Tree(tmp_path / "redux" / "daily")


@pytest.fixture
def night(tree: Tree) -> Tree:
    """Two exposures with two cameras each, and one tile with two petals."""
    tree.exposure(104282, ("r6", "r7"))
    tree.exposure(104284, ("r6", "r7"))
    tree.tile(7951, petals=(6, 7))
    return tree


@pytest.fixture
def project(pytester: pytest.Pytester) -> Callable[[str], Path]:
    """Write a test file with its limits beside it."""

    def write(source: str = PROJECT, limits: str = LIMITS) -> Path:
        (pytester.path / "limits.toml").write_text(limits)
        return pytester.makepyfile(test_project=source)

    return write


@pytest.fixture
def run(pytester: pytest.Pytester, tree: Tree) -> Callable[..., pytest.RunResult]:
    """Run pytest on the production, in this process."""

    def run(*args: object, specprod: object = None, **how: bool) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", f"--specprod={specprod or tree.root}", *args, **how)

    return run


@pytest.fixture
def records(pytester: pytest.Pytester) -> Callable[[], list[dict[str, object]]]:
    """Read what a run with ``--specqa-results r.jsonl`` stored."""
    return lambda: [json.loads(line) for line in (pytester.path / "r.jsonl").read_text().splitlines()]
