"""Questions that rules ask of the measurements; each answers with what speaks, or with nothing."""

from __future__ import annotations

from collections.abc import Callable

from pytest_specqa.instrument import DESI
from pytest_specqa.triage.evidence import Evidence
from pytest_specqa.triage.places import lines_at
from pytest_specqa.triage.rules.rule import Look
from pytest_specqa.triage.stages import STAGES
from pytest_specqa.triage.wording import count, listed, quantity
from pytest_specqa.triage.words import plain

EDGE = 60
"""Fibers from the end of a slit that count as its corner."""
CORNER = 250.0
"""Angstrom from the end of a band that count as its corner."""
MIDDLE = 320.0
"""Half-width in Angstrom of the range in which amplifiers meet, all fibers and the windows beside it together."""


def bad(*measures: str) -> Look:
    """Some of these measures fail or warn."""

    def look(evidence: Evidence) -> str:
        found = [evidence.bad[measure] for measure in measures if measure in evidence.bad]
        return listed([f"{plain(record['measure'])} {quantity(record)}" for record in found[:2]])

    return look


def sound(*measures: str) -> Look:
    """These measures were judged on the same units, and all pass."""

    def look(evidence: Evidence) -> str:
        found = evidence.sound(measures)
        return f"{plain(found[0]['measure'])} is sound" if found else ""

    return look


def stage_sound(stage: str) -> Look:
    """A stage was judged on the same units, and nothing in it fails or warns."""

    def look(evidence: Evidence) -> str:
        found = evidence.stage_is_sound(stage)
        return f"{STAGES[stage]} passes ({count(len(found), 'value')})" if found else ""

    return look


def signed(sign: int, *measures: str, say: str) -> Look:
    """What these measures found has one sign."""
    return lambda evidence: say if evidence.sign(measures) == sign else ""


def opposite(measures: tuple[str, ...], others: tuple[str, ...], *, say: str) -> Look:
    """What some measures found has the sign against that of others."""

    def look(evidence: Evidence) -> str:
        return say if evidence.sign(measures) * evidence.sign(others) == -1 else ""

    return look


def same_waves(measures: tuple[str, ...], others: tuple[str, ...]) -> Look:
    """Two sets of measures are bad at the same wavelengths."""

    def look(evidence: Evidence) -> str:
        one, two = evidence.where(measures).waves, evidence.where(others).waves
        both = [(max(a, c), min(b, d)) for a, b in one for c, d in two if max(a, c) <= min(b, d)]
        return f"both at {both[0][0]:.0f}-{both[0][1]:.0f} A" if both else ""

    return look


def fibers(low: int, high: int, *measures: str, say: str) -> Look:
    """These measures speak of so many fibers."""

    def look(evidence: Evidence) -> str:
        number = evidence.where(measures or evidence.failed).n_fibers
        return say.format(count(number, "fiber")) if low <= number <= high else ""

    return look


def blocks(*measures: str) -> Look:
    """The fibers of these measures fill slit blocks."""

    def look(evidence: Evidence) -> str:
        size = evidence.is_block(measures)
        return f"in groups of {size} neighbouring fibers" if size else ""

    return look


def one_half(*measures: str) -> Look:
    """The fibers of these measures lie in one half of the slit, which other amplifiers read than the other half."""

    def look(evidence: Evidence) -> str:
        place = evidence.where(measures)
        half = DESI.fibers // 2
        numbers = {int(fiber) // half for pair in place.fibers for fiber in pair}
        return "one half of the slit has it, which other amplifiers read" if place.fibers and len(numbers) == 1 else ""

    return look


def corner(*measures: str) -> Look:
    """The fibers lie at an end of the slit, the wavelengths at an end of the band."""

    def look(evidence: Evidence) -> str:
        place = evidence.where(measures)
        slots = [int(fiber) % DESI.fibers for pair in place.fibers for fiber in pair]
        at_end = bool(slots) and (min(slots) >= DESI.fibers - EDGE or max(slots) < EDGE)
        ends = [(DESI.bands[band].first, DESI.bands[band].last) for band in place.bands]
        at_edge = any(low <= first + CORNER or high >= last - CORNER for first, last in ends for low, high in place.waves)
        return "in a corner of the CCD" if at_end and at_edge else ""

    return look


def slit_ends(*measures: str) -> Look:
    """The fibers lie at the ends of the slit."""

    def look(evidence: Evidence) -> str:
        slots = [int(fiber) % DESI.fibers for pair in evidence.where(measures).fibers for fiber in pair]
        outside = [slot < EDGE or slot >= DESI.fibers - EDGE for slot in slots]
        return "at the ends of the slit" if outside and all(outside) else ""

    return look


def mid_band(*measures: str) -> Look:
    """The wavelengths hold the middle of the band, where the rows are that amplifiers share."""

    def look(evidence: Evidence) -> str:
        place = evidence.where(measures)
        middles = [DESI.bands[band].middle for band in place.bands]
        near = any(low - MIDDLE <= middle <= high + MIDDLE for middle in middles for low, high in place.waves)
        narrow = bool(place.waves) and all(high - low < 2 * MIDDLE for low, high in place.waves)
        return "at the middle rows of the CCD" if near and narrow else ""

    return look


def value(measure: str, low: float, high: float, *, say: str) -> Look:
    """A measure is bad with a value in a range."""

    def look(evidence: Evidence) -> str:
        record = evidence.bad.get(measure)
        number = record["value"] if record else None
        return say.format(quantity(record)) if record and number is not None and low <= number <= high else ""

    return look


def at_lines(*measures: str, waves: tuple[float, ...], slack: float, say: str) -> Look:
    """The wavelengths of these measures are narrow and hold one of the given."""

    def look(evidence: Evidence) -> str:
        ranges = [(low, high) for low, high in evidence.where(measures).waves if high - low < 60]
        return say if any(low - slack <= wave <= high + slack for low, high in ranges for wave in waves) else ""

    return look


def petals_at_least(number: int, *measures: str) -> Look:
    """So many petals have it in one exposure, or all that were judged where that is more than one."""

    def look(evidence: Evidence) -> str:
        petals = evidence.where(measures or evidence.failed).petals
        return f"{len(petals)} petals have it" if len(petals) >= number else ""

    return look


def one_petal(*measures: str) -> Look:
    """One petal has it, of several that were judged."""

    def look(evidence: Evidence) -> str:
        petals = evidence.where(measures or evidence.failed).petals
        return f"petal {next(iter(petals))} has it alone" if len(petals) == 1 < len(evidence.run.petals) else ""

    return look


def every_exposure(evidence: Evidence) -> str:
    """All exposures have it, of more than one tile."""
    run, place = evidence.run, evidence.place
    tiles = {tile for tile in run.tile_of.values() if tile is not None}
    everywhere = len(tiles) > 1 and place.exposures >= set(run.tile_of)
    return f"in all {count(len(run.tile_of), 'exposure')}, of {count(len(tiles), 'tile')}" if everywhere else ""


def other_exposures_sound(evidence: Evidence) -> str:
    """The same measures pass in other exposures."""
    spared = evidence.spared
    return f"not in {count(len(spared), 'other exposure')}" if spared else ""


def window_at(*lines: str, waves: tuple[float, float], say: str) -> Look:
    """A redshift window puts one of these lines into a range of wavelengths."""

    def look(evidence: Evidence) -> str:
        for window in evidence.windows:
            seen = lines_at(window)
            if any(name in seen and seen[name][0] <= waves[1] and seen[name][1] >= waves[0] for name in lines):
                return say
        return ""

    return look


def window_in(low: float, high: float, *, say: str) -> Look:
    """A redshift window lies in a range of redshifts."""
    return lambda evidence: say if any(low <= a and b <= high for a, b in evidence.windows) else ""


def only(stages: tuple[str, ...], *, say: str) -> Look:
    """Nothing fails at any other stage."""
    return lambda evidence: say if evidence.stages and set(evidence.stages) <= set(stages) else ""


def any_of(*looks: Look) -> Look:
    """The first of several questions that is answered."""
    return lambda evidence: next((said for look in looks if (said := look(evidence))), "")


def both(*looks: Look) -> Look:
    """All of several questions are answered."""

    def look(evidence: Evidence) -> str:
        said = [each(evidence) for each in looks]
        return listed(said) if all(said) else ""

    return look


def unless(look: Look, *others: Callable[[Evidence], str]) -> Look:
    """One question is answered and none of the others is."""
    return lambda evidence: "" if any(other(evidence) for other in others) else look(evidence)
