"""Makes a plan: the units of the production from its listing, and what is checked of them from one collection of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import UsageError
from pytest_specqa.results.storing import planned
from pytest_specqa.scale.plan import How, Plan, Task, band
from pytest_specqa.values import TOGETHER, DataUnit, Exposure

if TYPE_CHECKING:
    import pyarrow

    from pytest_specqa.archive import Archive
    from pytest_specqa.run.selection import Selection

Row = dict[str, Any]


def make(production: Archive, how: How, *, nights: Sequence[tuple[int, int]]) -> Plan:
    """Plan what there is to judge.

    Parameters
    ----------
    production : Archive
        Its listing is read, and no product.
    how : How
        How tasks are judged.
    nights : sequence of (int, int)
        Inclusive ranges; empty for all.

    Returns
    -------
    Plan
        Night by night the exposures, tiles and the night; without what no test judges.

    Raises
    ------
    UsageError
        If a night does not exist, pytest cannot carry out its command line, or no test judges any of it.
    """
    from pytest_specqa.run import selection  # noqa: PLC0415
    from pytest_specqa.run.options import Options  # noqa: PLC0415

    chosen = selection.select(production, Options(nights=tuple(nights), group=how.group))
    rows = sorted(
        _rows(chosen), key=lambda row: (row["night"], list(TOGETHER).index(row["kind"]), row["expid"] or row["tile"] or 0)
    )
    whole = Plan(how, (), _table(rows))
    checks = collect(whole)
    counted: dict[tuple[str, str], int] = {}
    for check in checks:
        counted[check.kind, check.band] = counted.get((check.kind, check.band), 0) + 1
    sizes = _sizes(production, chosen)
    for row in rows:
        of = row["unit_kind"], band(row["camera"])
        row["checks"], row["bytes"] = counted.get(of, 0), sizes.get(of, 0)
    rows = [row for row in rows if row["checks"]]
    if not rows:
        raise UsageError(f"{' '.join(how.suite)}: no test judges any unit of {production.name}; expected tests such as qa_tests")
    return Plan(how, checks, _table(rows))


def collect(plan: Plan) -> tuple[planned.Check, ...]:
    """Ask pytest what the tests, as they are now, check of each kind of unit that a plan holds.

    Returns
    -------
    tuple of planned.Check
        In order. Some tasks are collected that hold units of every kind and band among them.
    """
    from pytest_specqa.run import within  # noqa: PLC0415

    found: set[within.Expected] = set()
    for task in _samples(plan):
        found |= within.collect(plan.how.words(task), units=plan.units_of(task))
    return tuple(planned.Check(*one) for one in sorted(found))


def _samples(plan: Plan) -> list[Task]:
    """Tasks that hold units of every kind and band among them: one, or a few where cameras are missing."""
    first: dict[tuple[str, str], str] = {}
    columns = (plan.units.column(name).to_pylist() for name in ("unit_kind", "camera", "task"))
    for kind, camera, task in zip(*columns, strict=True):
        first.setdefault((kind, band(camera)), task)
    return [plan.task(name) for name in sorted(set(first.values()))]


def _rows(chosen: Selection) -> Iterator[Row]:
    """Yield a row for each unit."""
    tiles: dict[int, list[Exposure]] = {}
    for one in chosen.exposures.values():
        if one.tile is not None:
            tiles.setdefault(one.tile, []).append(one)
    for kind, judged in TOGETHER.items():
        for unit in (unit for name in judged for unit in chosen.units[name]):
            nights = {unit.night}
            if kind == "tile" and unit.tile is not None:
                nights.update(one.night for one in tiles.get(unit.tile, ()) if one.night <= unit.night)
            yield {
                "task": _name(kind, unit),
                "night": unit.night,
                "kind": kind,
                "expid": unit.expid,
                "tile": unit.tile,
                "nights": sorted(nights),
                "unit": unit.id,
                "unit_kind": unit.kind,
                "camera": unit.camera,
                "petal": unit.petal,
                "checks": 1,
                "bytes": 0,
            }


def _name(kind: str, unit: DataUnit) -> str:
    number = {"exposure": f"-{unit.expid or 0:08d}", "tile": f"-{unit.tile}", "night": ""}[kind]
    return f"{unit.night}-{kind}{number}"


def _table(rows: list[Row]) -> pyarrow.Table:
    import pyarrow as pa  # noqa: PLC0415

    return pa.Table.from_pylist(rows, schema=planned.schema())


def _sizes(production: Archive, chosen: Selection) -> dict[tuple[str, str], int]:
    """Tell by kind and band what the products of a unit take on disk: those of the first exposure and tile stand for all."""
    from pytest_specqa.production.listing import group_folder  # noqa: PLC0415

    sizes: dict[tuple[str, str], int] = {}
    root = production.root
    # What is not on a disk is not asked for the sizes of its files, which costs a request each.
    if not isinstance(root, Path):
        return sizes
    for exposure in list(chosen.exposures.values())[:1]:
        folder = root / f"exposures/{exposure.night}/{exposure.expid:08d}"
        for letter in {band(camera) for camera in exposure.cameras}:
            cameras = [camera for camera in exposure.cameras if band(camera) == letter]
            sizes["camera", letter] = sum(_bytes(folder, f"*-{camera}-*.fits*") for camera in cameras) // len(cameras)
    for tile in list(chosen.tiles.values())[:1]:
        folder = group_folder(root, tile.group) / f"{tile.tile}/{tile.night}"
        sizes["petal", ""] = sum(_bytes(folder, f"*-{petal}-{tile.tile}-*.fits*") for petal in tile.petals) // len(tile.petals)
    return sizes


def _bytes(folder: Path, pattern: str) -> int:
    try:
        return sum(path.stat().st_size for path in folder.glob(pattern))
    except OSError:
        return 0
