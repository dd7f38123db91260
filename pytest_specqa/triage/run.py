"""The records of a run, by unit and measure: what was judged beside what is bad."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from pytest_specqa.triage.places import Place, place_of
from pytest_specqa.values import Outcome, Record, judged_as

BAD = (str(Outcome.FAILED), str(Outcome.WARNED))


class Run:
    """Everything that was judged, so that a finding can be told from what is sound.

    Parameters
    ----------
    records : iterable of Record
        All records of the run.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = list(records)
        self._places: dict[int, Place] = {}

    @cached_property
    def tile_of(self) -> dict[int, int | None]:
        """Tile of each exposure that was judged."""
        return {expid: record.get("tile") for record in self.records if (expid := record.get("expid")) is not None}

    @cached_property
    def exposures_of(self) -> dict[int, frozenset[int]]:
        """Exposures of each tile that were judged."""
        found: dict[int, set[int]] = defaultdict(set)
        for expid, tile in self.tile_of.items():
            if tile is not None:
                found[tile].add(expid)
        return {tile: frozenset(expids) for tile, expids in found.items()}

    @cached_property
    def cameras(self) -> frozenset[str]:
        """Cameras that were judged."""
        return frozenset(camera for record in self.records if (camera := record.get("camera")))

    @cached_property
    def petals(self) -> frozenset[int]:
        """Petals that were judged."""
        found = {int(camera[1:]) for camera in self.cameras}
        return frozenset(found | {petal for record in self.records if (petal := record.get("petal")) is not None})

    @cached_property
    def _by_measure(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            found[judged_as(record)].append(record)
        return found

    def of(self, measure: str) -> list[Record]:
        """Records of a measure."""
        return self._by_measure.get(measure, [])

    def place(self, record: Record) -> Place:
        """Place of a record."""
        key = id(record)
        if key not in self._places:
            self._places[key] = place_of(record, self.exposures_of)
        return self._places[key]

    @cached_property
    def _by_unit(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            found[record["unit"]].append(record)
        return found

    def on_unit(self, unit: str) -> list[Record]:
        """Records of a unit."""
        return self._by_unit.get(unit, [])

    @cached_property
    def cameras_of(self) -> dict[int, frozenset[str]]:
        """Units of the cameras of each exposure."""
        found: dict[int, set[str]] = defaultdict(set)
        for record in self.records:
            if record["camera"] is not None and record["expid"] is not None:
                found[record["expid"]].add(record["unit"])
        return {expid: frozenset(units) for expid, units in found.items()}
