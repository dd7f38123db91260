"""What belongs together: the bad records of a run as groups, each with the cause that explains it best."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pytest_specqa.instrument import DESI
from pytest_specqa.triage.evidence import ORDER, Evidence
from pytest_specqa.triage.group import LAST, SHOWS, Group
from pytest_specqa.triage.places import Place, share_fibers, share_waves
from pytest_specqa.triage.ranking import best
from pytest_specqa.triage.rules import Extent, Rule
from pytest_specqa.triage.rules.groups import WHOLE
from pytest_specqa.triage.run import Run
from pytest_specqa.triage.stages import stage_of
from pytest_specqa.triage.weight import worst_first
from pytest_specqa.values import Record, judged_as

COMMON = 4
"""More cameras of one exposure than this with one fault have it in common, whatever a single one of them would mean."""


def grouped(bad: Iterable[Record], run: Run, *, beside: Iterable[Record] = ()) -> list[Group]:
    """Group bad records by what explains them.

    Parameters
    ----------
    bad : iterable of Record
        What has to be in a group, all of one outcome.
    run : Run
        Everything that was judged.
    beside : iterable of Record
        What else is bad, and may speak for a cause.

    Returns
    -------
    list of Group
        Each record of `bad` is in exactly one; nothing of `beside` is in any.
    """
    units: dict[str, list[Record]] = defaultdict(list)
    others: dict[str, list[Record]] = defaultdict(list)
    for record in bad:
        units[record["unit"]].append(record)
    for record in beside:
        others[record["unit"]].append(record)
    groups = [group for unit, records in units.items() for group in _in_unit(records, others[unit], run)]
    return _absorbed(_joined(groups, run), run)


def judged_again(groups: Sequence[Group], run: Run) -> list[Group]:
    """Look for the cause of each group again, now that all its records and warnings are known, and join what that makes one.

    Parameters
    ----------
    groups : sequence of Group
        As `grouped` gives them, with warnings attached.
    run : Run
        Everything that was judged.

    Returns
    -------
    list of Group
        As many or fewer.
    """
    for group in groups:
        ranked = best(Evidence([*group.records, *group.attached], run))
        group.rule = next((verdict.rule for verdict in ranked if verdict.score > 0 and _own(verdict.rule, group.records)), None)
    return _absorbed(_joined(groups, run), run)


def _in_unit(records: Sequence[Record], beside: Sequence[Record], run: Run) -> list[Group]:
    """Explain the records of one unit by as few causes as will do."""
    groups, rest = [], list(records)
    while rest:
        ranked = best(Evidence([*rest, *beside], run))
        chosen = next((verdict.rule for verdict in ranked if verdict.score > 0 and _own(verdict.rule, rest)), None)
        if chosen is None:
            groups.append(Group(None, rest))
            break
        claimed = _claimed(chosen, rest, run)
        groups.append(Group(chosen, claimed))
        taken = {id(record) for record in claimed}
        rest = [record for record in rest if id(record) not in taken]
    return groups


def _own(rule: Rule, records: Iterable[Record]) -> list[Record]:
    return [record for record in records if judged_as(record) in rule.shows]


def _claimed(rule: Rule, records: Sequence[Record], run: Run) -> list[Record]:
    """Records that a cause explains, beginning with what shows it best and growing over what shares a place with that."""
    own = sorted(_own(rule, records), key=lambda record: -rule.shows[judged_as(record)])
    claimed, place = [own[0]], run.place(own[0])
    rest = [record for record in worst_first(records) if record is not own[0]]
    grown = True
    while grown:
        grown = False
        for record in list(rest):
            where = run.place(record)
            if explains(rule, place, record, where):
                claimed.append(record)
                rest.remove(record)
                grown = True
                if not where.is_wide:
                    place |= where
    return claimed


def explains(rule: Rule, place: Place, record: Record, where: Place) -> bool:
    """Tell whether a cause at a place can be why a record is bad.

    Parameters
    ----------
    rule : Rule
        The cause.
    place : Place
        Where the cause is known to act.
    record : Record
        What is bad.
    where : Place
        Its place.

    Returns
    -------
    bool
        True for what the cause can move, at a place that it reaches; and for whatever lies in the same fibers at the same
        wavelengths and is measured no earlier in the data flow.
    """
    same_fibers = share_fibers(place, where, slack=DESI.block)
    if rule.shows.get(judged_as(record), 0.0) >= SHOWS and not rule.narrow:
        # A measure names the worst place; the cause may have more of them.
        return True
    if judged_as(record) in rule.shows or judged_as(record) in rule.moves:
        if rule.narrow and where.fibers and where.is_wide:
            return False
        if place.is_wide or where.is_wide:
            return True
        return same_fibers or (rule.vertical and place.bands == where.bands and share_waves(place, where))
    later = ORDER.get(stage_of(record), LAST) >= ORDER.get(rule.stage, 0)
    told = bool(place.fibers and place.waves and where.fibers and where.waves)
    return later and told and not place.is_wide and not where.is_wide and share_fibers(place, where) and share_waves(place, where)


def _joined(groups: Sequence[Group], run: Run) -> list[Group]:
    """Join groups of several units that are one fault."""
    joined: list[Group] = []
    common = _common(groups, run)
    places = {id(group): _place(group, run) for group in groups}
    for group in groups:
        place, linked = places[id(group)], []
        for other in joined:
            if _is_one(group, other, place, places[id(other)], common):
                linked.append(other)
        for other in linked:
            group.take(other)
            place |= places[id(other)]
            joined.remove(other)
        places[id(group)] = place
        joined.append(group)
    return joined


def _place(group: Group, run: Run) -> Place:
    place = Place()
    for record in (*group.records, *group.attached):
        place |= run.place(record)
    return place


def _common(groups: Iterable[Group], run: Run) -> frozenset[tuple[str, str, int]]:
    """Cause, measure and exposure of what more cameras have than chance can break at once."""
    found: Counter[tuple[str, str, int]] = Counter()
    for group in groups:
        if group.rule:
            for expid in _place(group, run).exposures:
                found.update((group.rule.name, measure, expid) for measure in group.shown)
    return frozenset(key for key, number in found.items() if number > COMMON)


def _is_one(group: Group, other: Group, place: Place, there: Place, common: frozenset[tuple[str, str, int]]) -> bool:
    """Tell whether two groups are one fault: the same cause, shown by the same measures, in reach of each other."""
    if group.rule is None or other.rule is None:
        same = group.rule is other.rule and group.shown == other.shown
        return same and bool(place.cameras & there.cameras or place.exposures & there.exposures)
    shared = group.signs & other.signs
    if group.rule.name != other.rule.name or not shared:
        return False
    exposures = place.exposures & there.exposures
    if any((group.rule.name, measure, expid) in common for measure in shared for expid in exposures):
        return True
    return _in_reach(group.rule.extent, place, there)


def _in_reach(extent: Extent, place: Place, there: Place) -> bool:
    """Tell whether one fault of this extent can be at both places."""
    unknown = not place.cameras or not there.cameras
    match extent:
        case Extent.CAMERA:
            return bool(place.cameras & there.cameras or (unknown and place.petals & there.petals))
        case Extent.PETAL:
            return bool(place.petals & there.petals) and share_fibers(place, there)
        case Extent.TILE:
            return bool(place.tiles & there.tiles)
    # What exposures as a whole show has no cameras: the same petals in several exposures are one fault that lasts.
    lasting = unknown and bool(place.petals) and place.petals == there.petals
    return lasting or bool(place.exposures & there.exposures or place.cameras & there.cameras)


def _absorbed(groups: Sequence[Group], run: Run) -> list[Group]:
    """Hang groups under the group that explains all of them, latest stage first."""
    kept = sorted(groups, key=lambda group: (group.first, -len(group.records)))
    for group in reversed(list(kept)):
        cause = next((other for other in kept if other is not group and _follows(group, other, run)), None)
        if cause is not None:
            cause.take(group)
            kept.remove(group)
    return kept


def _follows(group: Group, cause: Group, run: Run) -> bool:
    """Tell whether everything in a group is explained by the cause of another."""
    if cause.rule is None or cause.first > group.first or (cause.first == group.first and len(cause.records) < len(group.records)):
        return False
    same = group.rule is not None and group.rule.name == cause.rule.name
    return all(follows(record, cause, run, anywhere=same) for record in group.records)


def follows(record: Record, cause: Group, run: Run, *, anywhere: bool = False) -> bool:
    """Tell whether one record is explained by a group: in its exposures and petals, and in reach of its cause.

    Parameters
    ----------
    record : Record
        What is bad.
    cause : Group
        What may be why.
    run : Run
        Everything that was judged.
    anywhere : bool
        Whether the fibers of a petal may be others: where the record alone points to the same cause.

    Returns
    -------
    bool
        False where the group has no cause.
    """
    if cause.rule is None:
        return False
    where = run.place(record)
    near = cause.near(where, run)
    if near is None or (judged_as(record) in WHOLE and near.petals and 2 * len(near.petals) < len(where.petals)):
        return False
    if judged_as(record) not in cause.rule.shows and judged_as(record) not in cause.rule.moves and record["camera"] is None:
        return False
    return anywhere or explains(cause.rule, near, record, where)
