"""What a run means to judge, known once it is collected: results tell by it whether they are whole."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from pytest_specqa.errors import SpecQAError
from pytest_specqa.results import store
from pytest_specqa.run import session
from pytest_specqa.values import DataUnit, Record

STAGE_MARKER = "specqa_stage"
PLAN = "plan.json"
"""File in which the first worker of pytest-xdist that has collected tells the controller, which collects nothing itself."""


@dataclass(frozen=True)
class Planned:
    """A check that a run means to make.

    Attributes
    ----------
    unit : DataUnit
        What it judges.
    expectation : str
        Name of the test as it is recorded.
    instance : str
        File and instance of the test, as records have it.
    stage : str
        Stage of the reduction that the test declares; empty if it declares none.
    """

    unit: DataUnit
    expectation: str
    instance: str
    stage: str = ""


@dataclass
class Plan:
    """The plan of a run.

    Attributes
    ----------
    run : str
        Names the run: the time in UTC and a random part, so that no two runs share it.
    checks : mapping of str to Planned
        What the run means to judge, by node id, after all selection and deselection; None until it is collected, and where workers
        on other machines cannot tell.
    broken : set of str
        Files that could not be collected.
    """

    run: str = field(default_factory=lambda: f"{datetime.datetime.now(tz=datetime.UTC):%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}")
    checks: Mapping[str, Planned] | None = None
    broken: set[str] = field(default_factory=set)
    _counted: tuple[Mapping[str, Planned], int] | None = None

    @property
    def planned(self) -> int | None:
        """Number of checks, one for each unit and expectation; None while it is not known.

        A file that cannot be collected counts as one that is never judged: nobody knows how many it holds.
        """
        return None if self._distinct is None else self._distinct + len(self.broken)

    @property
    def _distinct(self) -> int | None:
        if self.checks is None:
            return None
        if self._counted is None or self._counted[0] is not self.checks:
            self._counted = self.checks, len({(one.unit.id, one.expectation) for one in self.checks.values()})
        return self._counted[1]

    def mark(self, records: Iterable[Record]) -> None:
        """Write into records to which run they belong, and how many checks it had planned."""
        planned = self.planned
        for record in records:
            record["run"] = self.run
            if planned is not None:
                record["planned"] = planned


KEY: pytest.StashKey[Plan] = pytest.StashKey()


def of(config: pytest.Config) -> Plan:
    """Return the plan of a run, in its controlling process."""
    if KEY not in config.stash:
        config.stash[KEY] = Plan()
    return config.stash[KEY]


def planned_of(item: pytest.Item) -> Planned | None:
    """Tell what a test means to judge, as records name it; ``None`` for one that judges no unit."""
    unit = session.unit_of(item)
    if unit is None or not isinstance(item, pytest.Function):
        return None
    extra = item.callspec.id.replace(unit.id, "").strip("-")
    marker = item.get_closest_marker(STAGE_MARKER)
    return Planned(
        unit=unit,
        # With what it is parametrized by besides its unit.
        expectation=item.originalname + (f"[{extra}]" if extra else ""),
        instance=f"{item.path.name}::{item.name}",
        stage=str(marker.args[0]) if marker else "",
    )


def collected(run: pytest.Session) -> None:
    """Keep the plan of what is collected; a worker hands it over. A run that calls no test plans nothing."""
    if any(getattr(run.config.option, name, False) for name in ("collectonly", "setuponly", "setupplan")):
        return
    checks = {item.nodeid: planned for item in run.items if (planned := planned_of(item)) is not None}
    running = session.of(run.config)
    if not running.is_worker:
        of(run.config).checks = checks
    elif (folder := running.shared_folder) is not None and not (folder / PLAN).exists():
        try:
            store.write_text(folder / PLAN, json.dumps({name: asdict(planned) for name, planned in checks.items()}))
        except (SpecQAError, OSError):
            # Another machine, or a full disk: the number that was planned stays unknown, which the results say.
            return


def receive(config: pytest.Config) -> None:
    """Take over the plan that a worker has handed over."""
    plan, folder = of(config), session.of(config).folder
    if plan.checks is None and folder is not None and (folder / PLAN).is_file():
        told: dict[str, dict[str, Any]] = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        plan.checks = {name: Planned(**one | {"unit": DataUnit(**one["unit"])}) for name, one in told.items()}
