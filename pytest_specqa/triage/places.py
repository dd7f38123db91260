"""Where a record speaks of: exposures, cameras, fibers and wavelengths, and whether two places can be the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.values import Record

Ranges = tuple[tuple[float, float], ...]

WIDE = 200
"""Fibers from which on a place is no place any more, but a half of a camera or all of it."""
SLACK = 12.0
"""Angstrom by which two ranges may miss each other and still be one place: the bins of the broad searches."""
LINES = {
    "Ly-alpha": 1215.67,
    "C IV": 1549.06,
    "Mg II": 2799.12,
    "[O II]": 3728.48,
    "the 4000 A break": 4000.0,
    "H-beta": 4862.68,
    "[O III]": 5008.24,
    "H-alpha": 6564.61,
}
"""What a fit of a redshift hangs on: rest wavelengths in vacuum Angstrom (Vanden Berk et al. 2001, AJ 122, 549; NIST)."""


@dataclass(frozen=True)
class Place:
    """Where something is.

    Attributes
    ----------
    exposures : frozenset of int
        Exposure numbers; those of the tile where a record speaks of a tile.
    cameras : frozenset of str
        Names of cameras; empty where the place is known by petal only.
    petals, tiles : frozenset of int
        Petals and tiles.
    bands : frozenset of str
        Letters of the bands, by camera or by wavelength.
    fibers : tuple of (float, float)
        Inclusive ranges of FIBER; empty where all fibers are meant.
    waves : tuple of (float, float)
        Ranges in Angstrom; empty where all wavelengths are meant.
    """

    exposures: frozenset[int] = frozenset()
    cameras: frozenset[str] = frozenset()
    petals: frozenset[int] = frozenset()
    tiles: frozenset[int] = frozenset()
    bands: frozenset[str] = frozenset()
    fibers: Ranges = ()
    waves: Ranges = ()

    @property
    def n_fibers(self) -> int:
        """Number of fibers; 0 where none are named."""
        return int(sum(high - low + 1 for low, high in merged(self.fibers)))

    @property
    def is_wide(self) -> bool:
        """Whether it names no fibers, or so many that they tell no place."""
        return not self.fibers or self.n_fibers >= WIDE

    def __or__(self, other: Place) -> Place:
        return Place(
            self.exposures | other.exposures,
            self.cameras | other.cameras,
            self.petals | other.petals,
            self.tiles | other.tiles,
            self.bands | other.bands,
            merged(self.fibers + other.fibers),
            merged(self.waves + other.waves),
        )


def place_of(record: Record, exposures: Mapping[int, frozenset[int]], *, instrument: Instrument = DESI) -> Place:
    """Read the place of a record.

    Parameters
    ----------
    record : Record
        A measurement record.
    exposures : mapping of int to frozenset of int
        Exposures of each tile, as far as they were judged.
    instrument : Instrument
        Knows petals and bands.

    Returns
    -------
    Place
        A redshift window counts as the wavelengths at which it puts the lines that a fit hangs on.
    """
    expid, tile, camera = record.get("expid"), record.get("tile"), record.get("camera")
    fibers = tuple((float(low), float(high)) for low, high in record.get("fibers") or ())
    waves = _waves(record)
    petals = _petals(record, fibers, instrument)
    bands = {camera[0]} if camera else _bands(record, instrument)
    return Place(
        exposures=frozenset([expid]) if expid is not None else exposures.get(tile or -1, frozenset()),
        cameras=frozenset([camera] if camera else ()),
        petals=frozenset(petals),
        tiles=frozenset([tile] if tile is not None else ()),
        bands=frozenset(bands),
        fibers=fibers,
        waves=waves,
    )


def windows_of(record: Record) -> Ranges:
    """Redshift windows that a record names."""
    found = (feature["waves"] for feature in record.get("features") or () if feature["kind"] == "window")
    return tuple((low, high) for low, high in found)


def lines_at(window: tuple[float, float], *, instrument: Instrument = DESI) -> dict[str, tuple[float, float]]:
    """Observed ranges in Angstrom of the lines of `LINES` at the redshifts of a window, as far as some band sees them."""
    blue, red = min(band.first for band in instrument.bands.values()), max(band.last for band in instrument.bands.values())
    seen = {name: (rest * (1 + window[0]), rest * (1 + window[1])) for name, rest in LINES.items()}
    return {name: (low, high) for name, (low, high) in seen.items() if high >= blue and low <= red}


def merged(ranges: Iterable[tuple[float, float]]) -> Ranges:
    """Join ranges that overlap or touch."""
    found: list[tuple[float, float]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def share_fibers(one: Place, other: Place, *, slack: float = 0.0) -> bool:
    """Tell whether two places have fibers in common; places without fibers are everywhere."""
    return not one.fibers or not other.fibers or _meets(one.fibers, other.fibers, slack)


def share_waves(one: Place, other: Place) -> bool:
    """Tell whether two places have wavelengths in common; places without wavelengths are everywhere."""
    return not one.waves or not other.waves or _meets(one.waves, other.waves, SLACK)


def _meets(some: Ranges, others: Ranges, slack: float = 0.0) -> bool:
    return any(low <= top + slack and bottom <= high + slack for low, high in some for bottom, top in others)


def _waves(record: Record) -> Ranges:
    given = [(wave[0], wave[1])] if (wave := record.get("waves")) else []
    for window in windows_of(record):
        given += lines_at(window).values()
    return merged(given)


def _bands(record: Record, instrument: Instrument) -> set[str]:
    """Bands that the middle of the wavelengths of a record lies in: ranges that end where a band does touch the next one."""
    if not (wave := record.get("waves")):
        return set()
    middle = 0.5 * (wave[0] + wave[1])
    return {name for name, band in instrument.bands.items() if band.first <= middle <= band.last}


def _petals(record: Record, fibers: Ranges, instrument: Instrument) -> set[int]:
    petal, camera = record.get("petal"), record.get("camera")
    if petal is not None:
        return {petal}
    if camera:
        return {int(camera[1:])} if camera[1:].isdecimal() else set()
    size = instrument.fibers
    return {petal for low, high in fibers for petal in range(int(low) // size, int(high) // size + 1)}
