"""The verb ``specqa demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pytest_specqa.demo import FAULTS
from pytest_specqa.demo.cli import add_verb, parse_faults, parse_petals
from pytest_specqa.errors import UsageError


def _parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_verb(parser.add_subparsers())
    return parser.parse_args(["demo", *words])


def test_demo_writes_what_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = _parse(str(tmp_path / "d"), "--petals", "3", "--variants", "after", "--quiet", "--fault", "edge_excess=5")
    assert args.run(args) == 0
    assert "4 exposures x 1 camera, after" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "d" / "after" / "calibnight" / "20211014").iterdir()) == [
        "fiberflatnight-r3-20211014.fits"
    ]


def test_default_amplitude_is_that_of_the_library() -> None:
    assert parse_faults(["cte_offset"]) == {"cte_offset": FAULTS["cte_offset"].amplitude}
    assert parse_faults(["cte_offset=2.5", "noisy_amp=1"]) == {"cte_offset": 2.5, "noisy_amp": 1.0}


@pytest.mark.parametrize(("text", "words"), [("cte_ofset=1", "nearest are cte_offset"), ("cte_offset=much", "'much'")])
def test_bad_faults_are_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        parse_faults([text])
    assert "\n" not in str(error.value)


def test_petal_lists() -> None:
    assert parse_petals("0-9") == tuple(range(10))
    assert parse_petals("6") == (6,)
    assert parse_petals("0,3,6-8") == (0, 3, 6, 7, 8)
    with pytest.raises(UsageError, match="petals 'x'"):
        parse_petals("x")


def test_list_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leave:
        _parse("--list-faults")
    assert leave.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FAULTS)
    assert any(line.startswith("line_scale_leak") and "F27" in line for line in lines)
