"""The plan of a run: every unit that is to be judged and the task that it belongs to, frozen as Parquet in the store."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.storing import planned
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.values import TOGETHER

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Task:
    """What one session of pytest judges.

    Attributes
    ----------
    name : str
        Such as ``20211014-exposure-00104284``, ``20211014-tile-7951`` or ``20211014-night``.
    night : int
        YYYYMMDD; of a tile the last one that is included.
    kind : str
        ``exposure`` with its cameras, ``tile`` with its petals, or ``night``.
    expid, tile : int or None
        Of an exposure its number and tile, of a tile its number.
    checks : int
        How many it makes, one for each unit and expectation.
    bytes : int
        What its products take on disk, about: judged by a sample of the production, 0 where that is not known.
    nights : tuple of int
        Nights whose exposures it needs: its own, and of a tile those of its exposures.
    """

    name: str
    night: int
    kind: str
    expid: int | None
    tile: int | None
    checks: int
    bytes: int
    nights: tuple[int, ...] = ()


@dataclass(frozen=True)
class How:
    """What is judged and how, the same for all tasks.

    Attributes
    ----------
    root : str
        The production.
    production : str
        Its name.
    nights : str
        Nights as they were asked for; empty for all.
    group : str
        Folder below ``tiles/``.
    suite : tuple of str
        How pytest is told where the tests are.
    options : tuple of str
        The user's own options of pytest.
    """

    root: str
    production: str
    nights: str = ""
    group: str = "cumulative"
    suite: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def words(self, task: Task) -> list[str]:
        """Return the command line of pytest for a task: what it selects, how it is judged, and nothing kept but by the store."""
        numbers = {"exposure": [f"--expid={task.expid}"], "tile": [f"--tile={task.tile}"], "night": []}[task.kind]
        nights = ",".join(map(str, task.nights or (task.night,)))
        own = ["-p", "no:cacheprovider", f"--specprod={self.root}", f"--night={nights}", *numbers]
        own += [f"--specqa-kinds={','.join(TOGETHER[task.kind])}", f"--specqa-group={self.group}"]
        # What a configuration file asks for besides would be written by all tasks at once.
        return [*self.suite, *own, "-o", "specqa_results=", "-o", "specqa_resume=false", *self.options]


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Attributes
    ----------
    how : How
        How its tasks are judged.
    checks : tuple of planned.Check
        What is checked of each kind of unit, with digests of code and limits.
    units : pyarrow.Table
        A row for each unit with the columns of `planned.schema`, in the order of the tasks.
    """

    how: How
    checks: tuple[planned.Check, ...]
    units: pyarrow.Table

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, in the order in which they are wanted."""
        if not self.units.num_rows:
            return ()
        sums = self.units.group_by("task").aggregate([("checks", "sum"), ("bytes", "sum")])
        summed = {row["task"]: {"checks": row["checks_sum"], "bytes": row["bytes_sum"]} for row in sums.to_pylist()}
        told = [(row["task"], tuple(row["nights"]), row) for row in _first_rows(self.units)]
        names = ("night", "kind", "expid", "tile")
        return tuple(Task(name, nights=nights, **{key: row[key] for key in names}, **summed[name]) for name, nights, row in told)

    def task(self, name: str) -> Task:
        """Return the task of a name; `ResultsError` if the plan has none."""
        found = next((task for task in self.tasks if task.name == name), None)
        if found is None:
            raise ResultsError(f"the plan has no task {name!r}; expected a name such as {self.tasks[0].name if self.tasks else ''}")
        return found

    def rows_of(self, task: Task) -> list[dict[str, Any]]:
        """Return the rows of the units of a task."""
        import pyarrow.compute as pc  # noqa: PLC0415

        return self.units.filter(pc.equal(self.units.column("task"), task.name)).to_pylist()  # type: ignore[no-any-return]

    def units_of(self, task: Task) -> list[str]:
        """Return the names of the units of a task."""
        return [row["unit"] for row in self.rows_of(task)]

    def tasks_of_units(self, tasks: Collection[Task]) -> dict[str, str]:
        """Return the names of some tasks by their units."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.compute as pc  # noqa: PLC0415

        names = pa.array([task.name for task in tasks], pa.string())
        rows = self.units.filter(pc.is_in(self.units.column("task"), value_set=names))
        return dict(zip(rows.column("unit").to_pylist(), rows.column("task").to_pylist(), strict=True))

    def write(self, path: Path) -> None:
        """Write it whole or not at all; `ResultsError` if that cannot be done."""
        told = {**asdict(self.how), "checks": [asdict(check) for check in self.checks]}
        planned.write(path, self.units, told=json.dumps(told))

    @classmethod
    def read(cls, out: Path, *, nights: Collection[int] | None = None) -> Plan:
        """Read the plan of a store.

        Parameters
        ----------
        out : Path
            The store.
        nights : collection of int, optional
            Nights whose tasks are wanted, by default all.

        Raises
        ------
        ResultsError
            In one line, if the store has no plan or it is damaged.
        """
        path = out / planned.PLAN
        units, told = planned.read(path, nights=nights)
        try:
            found: dict[str, Any] = json.loads(told)
            checks = tuple(planned.Check(**check) for check in found.pop("checks"))
            texts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
            return cls(How(**texts), checks, units)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ResultsError(f"{path}: is damaged; remove it and plan anew with specqa run") from None

    def missing(self, out: Path) -> list[Task]:
        """Return the tasks of which the store has not every check, in order: the plan without what is in the parts."""
        missing = set(planned.missing(Store.open(out), self.units, self.checks))
        return [task for task in self.tasks if task.name in missing]


def band(camera: str | None) -> str:
    """Return the band of a camera, and nothing for what is none."""
    return (camera or "")[:1]


def _first_rows(units: pyarrow.Table) -> list[dict[str, Any]]:
    """Return the first row of each task, in order."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    names = units.column("task").combine_chunks()
    first = pa.concat_arrays([pa.array([True]), pc.not_equal(names[1:], names[:-1])])
    return units.filter(first).to_pylist()  # type: ignore[no-any-return]
