"""What the records of a group say together: computed once, asked by every rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, reduce
from operator import or_

from pytest_specqa.instrument import DESI
from pytest_specqa.triage.places import Place, Ranges, merged, windows_of
from pytest_specqa.triage.run import BAD, Run
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.triage.weight import lead
from pytest_specqa.values import UNJUDGED, FeatureRecord, Outcome, Record, judged_as

ORDER = {stage: number for number, stage in enumerate(STAGES)}


class Evidence:
    """The facts about a group of bad records.

    Parameters
    ----------
    records : iterable of Record
        What failed, and what warned at the same places.
    run : Run
        Everything that was judged.
    """

    def __init__(self, records: Iterable[Record], run: Run) -> None:
        self.records = list(records)
        self.run = run

    @cached_property
    def bad(self) -> dict[str, Record]:
        """The record of each measure that tells most."""
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(judged_as(record), []).append(record)
        return {measure: lead(same) for measure, same in found.items()}

    @cached_property
    def failed(self) -> frozenset[str]:
        """Measures that failed; those that warn where nothing failed."""
        failed = str(Outcome.FAILED)
        names = {judged_as(record) for record in self.records if record["outcome"] == failed}
        return frozenset(names or self.bad)

    @cached_property
    def units(self) -> frozenset[str]:
        """Units with something bad."""
        return frozenset(record["unit"] for record in self.records)

    @cached_property
    def stages(self) -> list[str]:
        """Stages with something that failed (or warns, where nothing failed), in data-flow order."""
        found = {stage_of(self.bad[measure]) for measure in self.failed}
        return [stage for stage in STAGES if stage in found]

    @cached_property
    def place(self) -> Place:
        """Where it is, all together."""
        return self.where(self.bad)

    def where(self, measures: Collection[str]) -> Place:
        """Where some measures are bad."""
        places = [self.run.place(record) for record in self.records if judged_as(record) in measures]
        return reduce(or_, places, Place())

    def sign(self, measures: Collection[str]) -> int:
        """Return 1 or -1 where all features of these measures have one sign, else 0."""
        signs = {
            1 if (feature["amplitude"] or 0) > 0 else -1
            for record in self.records
            if judged_as(record) in measures
            for feature in (record.get("features") or ())[:1]
            if feature["amplitude"]
        }
        return signs.pop() if len(signs) == 1 else 0

    def products(self, measures: Collection[str], others: Collection[str]) -> list[int]:
        """Products of the signs of what two sets of measures found in one unit, in the same fibers at the same wavelengths."""
        found: dict[str, tuple[list[FeatureRecord], list[FeatureRecord]]] = defaultdict(lambda: ([], []))
        for record in self.records:
            features = [feature for feature in record.get("features") or () if feature["amplitude"]]
            if judged_as(record) in measures:
                found[record["unit"]][0].extend(features)
            if judged_as(record) in others:
                found[record["unit"]][1].extend(features)
        pairs = [(one, other) for some, rest in found.values() for one in some for other in rest if _overlap(one, other)]
        return [1 if (one["amplitude"] or 0.0) * (other["amplitude"] or 0.0) > 0 else -1 for one, other in pairs]

    def sound(self, measures: Collection[str]) -> list[Record]:
        """Records of measures that were judged on these units, all of which pass; empty if one does not or none was judged."""
        found = self.judged(measures)
        return [] if any(record["outcome"] in BAD for record in found) else found

    def judged(self, measures: Collection[str]) -> list[Record]:
        """Records of measures that came to a value here: in the same cameras, or in all of the same exposures and petals."""
        return [record for record in self._here if judged_as(record) in measures]

    @cached_property
    def _here(self) -> list[Record]:
        """What came to a value in the same cameras, or, where none is named, in all cameras of the same exposures and petals."""
        units = set(self.units)
        if not self.place.cameras:
            units.update(*(self.run.cameras_of.get(expid, ()) for expid in self.place.exposures))
        found = (record for unit in units for record in self.run.on_unit(unit))
        return [record for record in found if record["outcome"] not in UNJUDGED and self._is_here(record)]

    def _is_here(self, record: Record) -> bool:
        camera, place = record["camera"], self.place
        if camera is None or record["unit"] in self.units:
            return True
        return (not place.petals or int(camera[1:]) in place.petals) and (not place.bands or camera[0] in place.bands)

    def stage_is_sound(self, stage: str) -> list[Record]:
        """Records of a stage that was judged on these units and has nothing bad; empty otherwise."""
        found = [record for record in self._here if stage_of(record) == stage]
        return [] if any(record["outcome"] in BAD for record in found) else found

    @cached_property
    def windows(self) -> Ranges:
        """Redshift windows with too many spectra."""
        return merged(window for record in self.records for window in windows_of(record))

    @cached_property
    def spared(self) -> frozenset[int]:
        """Exposures in which the measures that are bad here were judged and are sound."""
        sound: set[int] = set()
        for measure in self.failed:
            for record in self.run.of(measure):
                if record["outcome"] == str(Outcome.PASSED) and record.get("expid") is not None:
                    sound.add(record["expid"])  # type: ignore[arg-type]
        bad = {record["expid"] for measure in self.failed for record in self.run.of(measure) if record["outcome"] in BAD}
        return frozenset(sound - bad)

    @cached_property
    def halves(self) -> frozenset[tuple[int, int]]:
        """Halves of slits, as petal and 0 or 1, that hold the fibers; empty where none are named."""
        half = DESI.fibers // 2
        return frozenset(
            (number // 2, number % 2)
            for low, high in self.place.fibers
            for number in range(int(low) // half, int(high) // half + 1)
        )

    def is_block(self, measures: Collection[str], sizes: Sequence[int] = (DESI.block, DESI.patch)) -> int:
        """Return the size of slit blocks at whose borders the fibers of these measures begin and end; 0 where they do not."""
        fibers = self.where(measures).fibers
        if not fibers:
            return 0
        return next((size for size in sorted(sizes, reverse=True) if all(_fits(pair, size) for pair in fibers)), 0)


def _overlap(one: FeatureRecord, other: FeatureRecord) -> bool:
    """Tell whether two features share fibers and wavelengths."""
    fibers = one["fibers"][0] <= other["fibers"][1] and other["fibers"][0] <= one["fibers"][1]
    return fibers and one["waves"][0] <= other["waves"][1] and other["waves"][0] <= one["waves"][1]


def _fits(pair: tuple[float, float], size: int) -> bool:
    return int(pair[0]) % size == 0 and (int(pair[1]) + 1) % size == 0
