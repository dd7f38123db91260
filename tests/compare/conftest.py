"""Two small productions of plain files, and a results file for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.values import DataUnit, Limit, Measured, Measurement

NIGHT, EXPID, TILE = 20211014, 104284, 7951


def reads(kind: str, camera: str) -> list[str]:
    cameras = {"camera": [camera], "exposure": ["r6", "r7"]}.get(kind, [])
    petals = {"petal": [6], "tile": [6, 7]}.get(kind, [])
    exposure = f"exposures/{NIGHT}/{EXPID:08d}"
    return [
        *[f"{exposure}/{name}-{one}-{EXPID:08d}.fits" for one in cameras for name in ("sframe", "sky")],
        *[f"tiles/cumulative/{TILE}/{NIGHT}/redrock-{petal}-{TILE}-thru{NIGHT}.fits" for petal in petals],
    ]


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """Make a record of a unit of any kind that reads what checks of such units read."""

    def make(
        kind: str = "camera", value: float = 0.5, *, camera: str = "r6", measure: str = "size", **changes: Any
    ) -> dict[str, Any]:
        petal = 6 if kind == "petal" else None
        exposed = kind in ("camera", "exposure")
        unit = DataUnit(
            kind, NIGHT, expid=EXPID if exposed else None, tile=TILE, camera=camera if kind == "camera" else None, petal=petal
        )
        limit = Limit(measure, high=1.0, unit="m", source="a test")
        measured = Measured(value, error=0.1)
        judged = Measurement(unit, "test_size", measured, limit, limit.judge(measured), f"{measure} is {value}")
        return judged.as_record() | {"products": reads(kind, camera)} | changes

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the same file into both productions, or another into the second."""

    def write(name: str, before: bytes | None = b"same", after: bytes | None = b"same") -> Path:
        for side, content in (("before", before), ("after", after)):
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
        return tmp_path

    return write
