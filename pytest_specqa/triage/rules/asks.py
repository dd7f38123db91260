"""Questions that rules ask of the measurements; each answers with what speaks, or with nothing."""

from __future__ import annotations

from pytest_specqa.instrument import DESI
from pytest_specqa.triage.evidence import Evidence
from pytest_specqa.triage.places import lines_at
from pytest_specqa.triage.rules.rule import Look
from pytest_specqa.triage.stages import STAGES
from pytest_specqa.triage.wording import count, listed, quantity
from pytest_specqa.values import called, judged_as

EDGE = 60
"""Fibers from the end of a slit that count as its corner."""
CORNER = 250.0
"""Angstrom from the end of a band that count as its corner."""
MOSTLY = 0.8
"""Part of the places in which signs must be opposite."""
FEW = 3
"""Other cameras that it takes to say what is usual."""
LINE_WIDTH = 1.8
"""Full width in Angstrom of a sky line where there is nothing to compare with: R = 2000-5000 of the spectrographs."""
MIDDLE = 320.0
"""Half-width in Angstrom of the range in which amplifiers meet, all fibers and the windows beside it together."""


def bad(*measures: str) -> Look:
    """Some of these measures fail or warn."""

    def _look(evidence: Evidence) -> str:
        found = [evidence.bad[measure] for measure in measures if measure in evidence.bad]
        return listed([f"{called(record)}: {quantity(record)}" for record in found[:2]])

    return _look


def sound(*measures: str) -> Look:
    """These measures were judged on the same units, and all pass."""

    def _look(evidence: Evidence) -> str:
        found = evidence.sound(measures)
        return f"{called(found[0])}: passes ({count(len(found), 'value')})" if found else ""

    return _look


def stage_sound(stage: str) -> Look:
    """A stage was judged on the same units, and nothing in it fails or warns."""

    def _look(evidence: Evidence) -> str:
        found = evidence.stage_is_sound(stage)
        return f"{STAGES[stage]} passes ({count(len(found), 'value')})" if found else ""

    return _look


def signed(sign: int, *measures: str, say: str) -> Look:
    """What these measures found has one sign."""
    return lambda evidence: say if evidence.sign(measures) == sign else ""


def opposite(measures: tuple[str, ...], others: tuple[str, ...], *, say: str) -> Look:
    """Where two sets of measures found something in the same fibers at the same wavelengths, it has opposite signs."""

    def _look(evidence: Evidence) -> str:
        signs = evidence.products(measures, others)
        against = sum(sign < 0 for sign in signs)
        return f"{say} ({against} of {len(signs)} places)" if signs and against >= MOSTLY * len(signs) else ""

    return _look


def near_a_star(*measures: str) -> Look:
    """What these measures found lies around a bright star of the catalogue."""

    def _look(evidence: Evidence) -> str:
        records = (record for record in evidence.records if judged_as(record) in measures)
        stars = [feature for record in records for feature in record.get("features") or () if feature["kind"] == "star"]
        return min(stars, key=lambda star: star["amplitude"] or 0.0)["label"] if stars else ""

    return _look


def fibers(low: int, high: int, *measures: str, say: str) -> Look:
    """These measures speak of so many fibers."""

    def _look(evidence: Evidence) -> str:
        number = evidence.where(measures or evidence.failed).n_fibers
        return say.format(count(number, "fiber")) if low <= number <= high else ""

    return _look


def blocks(*measures: str) -> Look:
    """The fibers of these measures fill slit blocks."""

    def _look(evidence: Evidence) -> str:
        size = evidence.is_block(measures)
        return f"in groups of {size} neighbouring fibers" if size else ""

    return _look


def wider(measure: str, factor: float) -> Look:
    """A measure that passes is so many times that of the other cameras of the band, or above what the band has by design."""

    def _look(evidence: Evidence) -> str:
        judged = [record for record in evidence.judged((measure,)) if record["value"] is not None]
        mine = [value for record in judged if (value := record["value"]) is not None]
        bands = evidence.place.bands
        others = [
            record["value"]
            for record in evidence.run.of(measure)
            if record["value"] is not None and record["unit"] not in evidence.units and (record["camera"] or "-")[0] in bands
        ]
        usual = sorted(others)[len(others) // 2] if len(others) > FEW else LINE_WIDTH
        if not mine or max(mine) < factor * usual:
            return ""
        return f"{called(judged[0])}: {max(mine):.2g}, {max(mine) / usual:.2g} times the usual"

    return _look


def one_half(*measures: str) -> Look:
    """The fibers of these measures lie in one half of the slit, which other amplifiers read than the other half."""

    def _look(evidence: Evidence) -> str:
        place = evidence.where(measures)
        half = DESI.fibers // 2
        numbers = {int(fiber) // half for pair in place.fibers for fiber in pair}
        return "one half of the slit has it, which other amplifiers read" if place.fibers and len(numbers) == 1 else ""

    return _look


def corner(*measures: str) -> Look:
    """The fibers lie at an end of the slit, the wavelengths at an end of the band."""

    def _look(evidence: Evidence) -> str:
        place = evidence.where(measures)
        slots = [int(fiber) % DESI.fibers for pair in place.fibers for fiber in pair]
        at_end = bool(slots) and (min(slots) >= DESI.fibers - EDGE or max(slots) < EDGE)
        ends = [(DESI.bands[band].first, DESI.bands[band].last) for band in place.bands]
        at_edge = any(low <= first + CORNER or high >= last - CORNER for first, last in ends for low, high in place.waves)
        return "in a corner of the CCD" if at_end and at_edge else ""

    return _look


def slit_ends(*measures: str) -> Look:
    """The fibers lie at the ends of the slit."""

    def _look(evidence: Evidence) -> str:
        slots = [int(fiber) % DESI.fibers for pair in evidence.where(measures).fibers for fiber in pair]
        outside = [slot < EDGE or slot >= DESI.fibers - EDGE for slot in slots]
        return "at the ends of the slit" if outside and all(outside) else ""

    return _look


def mid_band(*measures: str) -> Look:
    """The wavelengths hold the middle of the band, where the rows are that amplifiers share."""

    def _look(evidence: Evidence) -> str:
        place = evidence.where(measures)
        middles = [DESI.bands[band].middle for band in place.bands]
        near = any(low - MIDDLE <= middle <= high + MIDDLE for middle in middles for low, high in place.waves)
        narrow = bool(place.waves) and all(high - low < 2 * MIDDLE for low, high in place.waves)
        return "at the middle rows of the CCD" if near and narrow else ""

    return _look


def value(measure: str, low: float, high: float, *, say: str) -> Look:
    """A measure is bad with a value in a range."""

    def _look(evidence: Evidence) -> str:
        record = evidence.bad.get(measure)
        number = record["value"] if record else None
        return say.format(quantity(record)) if record and number is not None and low <= number <= high else ""

    return _look


def at_lines(*measures: str, waves: tuple[float, ...], slack: float, say: str) -> Look:
    """The wavelengths of these measures are narrow and hold one of the given."""

    def _look(evidence: Evidence) -> str:
        ranges = [(low, high) for low, high in evidence.where(measures).waves if high - low < 60]
        return say if any(low - slack <= wave <= high + slack for low, high in ranges for wave in waves) else ""

    return _look


def petals_at_least(number: int, *measures: str) -> Look:
    """So many petals have it in one exposure, or all that were judged where that is more than one."""

    def _look(evidence: Evidence) -> str:
        petals = evidence.where(measures or evidence.failed).petals
        return f"{len(petals)} petals have it" if len(petals) >= number else ""

    return _look


def one_petal(*measures: str) -> Look:
    """One petal has it, of several that were judged."""

    def _look(evidence: Evidence) -> str:
        petals = evidence.where(measures or evidence.failed).petals
        return f"petal {next(iter(petals))} has it alone" if len(petals) == 1 < len(evidence.run.petals) else ""

    return _look


def spread(low: int, *measures: str) -> Look:
    """The fibers of these measures are so many, those of the ranges that they name."""

    def _look(evidence: Evidence) -> str:
        number = evidence.where(measures).n_fibers
        return f"over {count(number, 'fiber')}" if number >= low else ""

    return _look


def neighbours(*measures: str) -> Look:
    """Several fibers have it, which all lie in one patch of the focal plane."""

    def _look(evidence: Evidence) -> str:
        fibers = sorted({int(fiber) for pair in evidence.where(measures).fibers for fiber in pair})
        together = len(fibers) > 1 and fibers[-1] - fibers[0] < DESI.patch
        return "the fibers are neighbours on the focal plane" if together else ""

    return _look


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


def window_at(line: str, *, waves: tuple[float, float]) -> Look:
    """A redshift window puts a line into a range of wavelengths."""

    def _look(evidence: Evidence) -> str:
        for window in evidence.windows:
            low, high = lines_at(window).get(line, (0.0, 0.0))
            if low <= waves[1] and high >= waves[0]:
                return f"redshifts pile up at {window[0]:.2f}-{window[1]:.2f}, where {line} is at {low:.0f}-{high:.0f} A"
        return ""

    return _look


def window_in(low: float, high: float, *, say: str) -> Look:
    """A redshift window lies in a range of redshifts."""
    return lambda evidence: say if any(low <= a and b <= high for a, b in evidence.windows) else ""


def when(condition: Look, *then: Look) -> Look:
    """The last of several questions, where those before it are answered too."""

    def _look(evidence: Evidence) -> str:
        said = [each(evidence) for each in (condition, *then)]
        return said[-1] if all(said) else ""

    return _look
