"""Releases on a server: lists in place of exposure tables, thousands of tiles, and other groups of reductions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Runs in this process forget what they import, and connections outlive them.
import pytest_specqa.production
import pytest_specqa.remote.bucket
import pytest_specqa.remote.web  # noqa: F401
from tests.integration.test_layouts import READS, petal, pixel
from tests.remote.servers import nginx

NIGHT, EXPID, TILE, OTHERS = 20211014, 104284, 7951, 2000
LIMITS = '[value]\nhigh = 2\nunit = "m"\nsource = "a test"\n[other]\nlow = 0\nunit = "m"\nsource = "a test"\n'
DIFFER = {"run", "seconds", "started", "inputs", "rerun", "link"}
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def judged(pytester: pytest.Pytester) -> Run:
    """Judge a production with the expectations of `READS`; give what is recorded."""
    (pytester.path / "limits.toml").write_text(LIMITS)
    pytester.makepyfile(READS)
    results = pytester.path / "r.jsonl"

    def judged(specprod: object, *words: str) -> list[dict[str, Any]]:
        results.unlink(missing_ok=True)
        said = pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", f"--specprod={specprod}", f"--specqa-results={results}", *words
        )
        assert said.ret == 0
        found = [json.loads(line) for line in results.read_text().splitlines()]
        return [{key: value for key, value in one.items() if key not in DIFFER} for one in found]

    return judged


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a production, and a folder for a server beside it."""
    (tmp_path / "nginx").mkdir()
    return tmp_path / "redux" / "daily"


def exposure(root: Path) -> None:
    """Make an exposure and the list that has it, and no exposure table."""
    folder = root / f"exposures/{NIGHT}/{EXPID:08d}"
    folder.mkdir(parents=True)
    (folder / f"sframe-r6-{EXPID:08d}.fits.gz").touch()
    head = "NIGHT,EXPID,TILEID,SURVEY,FAPRGRM,EXPTIME"
    (root / "exposures-daily.csv").write_text(f"{head}\n{NIGHT},{EXPID},{TILE},main,dark,900\n")


def test_a_night_of_a_release_is_selected_without_a_look_at_each_tile(root: Path, judged: Run) -> None:
    exposure(root)
    petal(root / f"tiles/cumulative/{TILE}/{NIGHT}/redrock-6-{TILE}-thru{NIGHT}.fits", SPGRP="cumulative", SPGRPVAL=NIGHT)
    for number in range(OTHERS):
        (root / f"tiles/cumulative/{number + 10_000}/20220101").mkdir(parents=True)
    rows = [f"{TILE},main,dark,{NIGHT}", *(f"{number + 10_000},main,dark,20220101" for number in range(OTHERS))]
    (root / "tiles-daily.csv").write_text("\n".join(["TILEID,SURVEY,FAPRGRM,LASTNIGHT", *rows, ""]))
    with nginx(root.parents[1] / "nginx", root) as web:
        far = judged(web.url(), f"--night={NIGHT}")
        asked = [one.path for one in web.asked()]
    assert {one["unit"] for one in far} == {f"{NIGHT}-{EXPID:08d}-r6", f"{TILE}-{NIGHT}", f"{TILE}-{NIGHT}-petal6"}
    assert len(asked) <= 20, asked
    assert len(asked) == len(set(asked))


def _perexp(root: Path) -> None:
    exposure(root)
    path = root / f"tiles/perexp/{TILE}/{EXPID:08d}/redrock-6-{TILE}-exp{EXPID:08d}.fits"
    petal(path, SPGRP="perexp", SPGRPVAL=EXPID)


def _healpix(root: Path) -> None:
    pixel(root, "main-dark-27247")
    pixel(root, "sv3-bright-311")


@pytest.mark.parametrize(
    ("write", "words", "count"), [(_perexp, ("--specqa-group=perexp", "-k", "petal or tile"), 2), (_healpix, (), 2)]
)
def test_groups_of_reductions_are_judged_as_the_files_themselves(
    root: Path, judged: Run, write: Callable[[Path], None], words: tuple[str, ...], count: int
) -> None:
    write(root)
    near = judged(root, *words)
    with nginx(root.parents[1] / "nginx", root) as web:
        far = judged(web.url(), *words)
    assert far == near
    assert len(near) == count
    assert {one["outcome"] for one in near} == {"passed"}
