"""Patches for a person to review: what changed, in the formats in which the survey keeps what it knows to be bad.

``flagged_fibers.ecsv`` is read by desispec where it assembles the fibermap of an exposure, BADAMPS belong to exposure tables, and
waivers to this project. Nothing is edited in place: a folder of one's own gets files, each row with its reason.

References
----------
desispec pull request 2588 and `desispec.calibfinder.get_flagged_fibers` (flagged fibers); `desispec.workflow.exptable` and
``desi_edit_exposure_table`` (BADAMPS); `desispec.maskbits.fibermask` (names of bits).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_specqa.errors import ResultsError
from pytest_specqa.instrument import DESI
from pytest_specqa.printable import printable
from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.records import from_row
from pytest_specqa.results.store import replacing, write_text
from pytest_specqa.results.writable import why_not
from pytest_specqa.rules.waiver_file import draft

if TYPE_CHECKING:
    import duckdb

    from pytest_specqa.results.storing.dataset import Store

FLAGGED, BADAMPS, WAIVERS = "flagged_fibers.ecsv", "badamps.csv", "waivers.toml"
MARK = "drafted by specqa history"
"""Stands in every file that is written here: a file without it is someone else's, and stays as it is."""
BITS = {
    "line_scale": "LOWTRANSMISSION",
    "flux_over_imaging": "LOWTRANSMISSION",
    "line_shift": "BADARC",
    "line_width": "BADTRACE",
}
"""What desispec calls a fiber that is off in a vector; anything else makes it a BADFIBER."""
VARIABLE = "VARIABLETHRU"
"""Name of the bit where light is lost now and then."""
MOST_COMMENT = 240
MOST_RECORDS = 100_000
"""Failures that are read for waivers."""


@dataclass(frozen=True)
class Exposure:
    """An exposure of a camera."""

    night: int
    expid: int
    tile: int
    camera: str


@dataclass(frozen=True)
class Written:
    """A file and the number of its entries."""

    path: Path
    entries: int


def write(store: Store, changes: Sequence[Change], folder: Path) -> list[Written]:
    """Write the patches that changes call for.

    Parameters
    ----------
    store : Store
        Where they were found; it knows the exposures.
    changes : sequence of Change
        What was found.
    folder : Path
        Gets `FLAGGED` (a row for each fiber or group of fibers and exposure), `BADAMPS` (a row for each exposure with what to add)
        and `WAIVERS` (drafts for failures at the same place); is made if it is not there. A file without entries is not written.

    Returns
    -------
    list of Written
        What was written.

    Raises
    ------
    ResultsError
        If the folder cannot be written, or holds a file of such a name that was not drafted here: the survey's own stay.
    """
    exposures = exposures_of(store, changes)
    flagged = flagged_rows(changes, exposures)
    amplifiers = badamps_rows(changes, exposures)
    waivers = draft(failures_of(store, changes), warnings=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (FLAGGED, BADAMPS, WAIVERS):
            _require_ours(folder / name)
        written = []
        if flagged:
            write_flagged(folder / FLAGGED, flagged)
            written.append(Written(folder / FLAGGED, len(flagged)))
        if amplifiers:
            write_text(folder / BADAMPS, _badamps_text(amplifiers))
            written.append(Written(folder / BADAMPS, len(amplifiers)))
        if waivers:
            why = "each needs reason, issue, owner and expires from a person"
            write_text(folder / WAIVERS, f"# {MARK} from {printable(store.production)}; {why}.\n\n{waivers}")
            written.append(Written(folder / WAIVERS, waivers.count("[[waiver]]")))
    except OSError as error:
        raise ResultsError(f"{folder}: patches cannot be written: {why_not(error)}") from None
    return written


def _require_ours(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(4096)
    if MARK.encode() not in head:
        raise ResultsError(f"{path}: was not drafted by specqa history and is left as it is; give --patches a folder of its own")


def exposures_of(store: Store, changes: Iterable[Change]) -> list[Exposure]:
    """Return the exposures of all cameras from the first to the last night of any change, in order."""
    dates = [(change.first[0], change.last[0]) for change in changes]
    if not dates:
        return []
    low, high = min(first for first, _ in dates), max(last for _, last in dates)
    query = (
        "SELECT DISTINCT night, expid, coalesce(tile, -99), camera FROM all_records "
        "WHERE camera IS NOT NULL AND expid IS NOT NULL AND night BETWEEN ? AND ? ORDER BY ALL"
    )
    rows = store.ask(lambda connection: connection.execute(query, [low, high]).fetchall())
    return [Exposure(*row) for row in rows]


def _inside(change: Change, exposures: Iterable[Exposure]) -> list[Exposure]:
    """Choose the exposures of the cameras of a change from its first to its last, one camera for each where it names none."""
    petals = set() if change.fibers is None else {change.fibers[0] // DESI.fibers, change.fibers[1] // DESI.fibers}
    chosen: dict[int, Exposure] = {}
    for each in exposures:
        here = each.camera == change.camera if change.camera else _petal(each.camera) in petals
        begun = (each.night, each.expid) >= (change.first[0], change.first[1] or 0)
        over = (each.night, each.expid) > (change.last[0], change.last[1] if change.last[1] is not None else each.expid)
        if here and begun and not over:
            chosen.setdefault(each.expid, each)
    return list(chosen.values())


def _petal(camera: str | None) -> int | None:
    """Petal of a camera; None for a name that is none."""
    digits = (camera or "")[1:]
    return int(digits) if digits.isascii() and digits.isdecimal() else None


def flagged_rows(changes: Iterable[Change], exposures: Sequence[Exposure]) -> list[dict[str, Any]]:
    """Rows of ``flagged_fibers.ecsv`` for changes of fibers and groups of fibers, in the order of exposures."""
    rows = []
    for change in changes:
        if change.scope in ("fiber", "group") and change.fibers is not None:
            first, last = change.fibers
            fibers = str(first) if first == last else f"{first}-{last}"
            for each in _inside(change, exposures):
                row = {"NIGHT": each.night, "EXPID": each.expid, "TILEID": each.tile, "FIBERS": fibers}
                rows.append(row | {"FIBERSTATUS_BITNAME": bit_of(change), "COMMENTS": reason(change)})
    return sorted(rows, key=lambda row: (row["NIGHT"], row["EXPID"], row["FIBERS"], row["FIBERSTATUS_BITNAME"]))


def bit_of(change: Change) -> str:
    """Name the bit of FIBERSTATUS that a change of a fiber calls for."""
    name = BITS.get(change.what, "BADFIBER")
    return VARIABLE if name == "LOWTRANSMISSION" and change.shape in ("intermittent", "one-off") else name


def reason(change: Change) -> str:
    """Say in one line why; commas and bars, which separate fields of the survey's tables, are replaced."""
    where = f" {change.waves[0]:.0f}-{change.waves[1]:.0f} A" if change.waves else ""
    some = f"; {change.bad} of {change.seen} are off" if change.shape == "intermittent" else ""
    parts = [f"{change.what} {change.camera}{where} {change.significance:.1f} sigma", change.detail, *change.joined]
    text = printable("; ".join(parts) + some).replace(",", ";").replace("|", "/").replace('"', "'")
    return text if len(text) <= MOST_COMMENT else text[: MOST_COMMENT - 3] + "..."


def write_flagged(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as ECSV; the file appears complete or not at all."""
    from astropy.table import Table  # noqa: PLC0415

    table = Table(rows=list(rows), names=list(rows[0]))
    table.meta["comments"] = [f"{MARK}: review each row before it is added to the survey's own table"]
    with replacing(path) as temporary:
        table.write(temporary, format="ascii.ecsv", overwrite=True)


def badamps_rows(changes: Iterable[Change], exposures: Sequence[Exposure]) -> list[dict[str, Any]]:
    """Entries of BADAMPS for changes of amplifiers: one row an exposure, its amplifiers joined as exposure tables have them."""
    found: dict[Exposure, tuple[set[str], list[str]]] = {}
    for change in changes:
        if change.scope == "amplifier" and change.camera:
            for each in _inside(change, exposures):
                key = Exposure(each.night, each.expid, each.tile, "")
                names, reasons = found.setdefault(key, (set(), []))
                names.update(change.camera + letter for letter in amplifiers_of(change))
                reasons.append(reason(change))
    return [
        {
            "EXPID": each.expid,
            "TILEID": each.tile,
            "BADAMPS": ";".join(sorted(names)),
            "NIGHT": each.night,
            "COMMENTS": "|".join(why),
        }
        for each, (names, why) in sorted(found.items(), key=lambda item: (item[0].night, item[0].expid))
    ]


def amplifiers_of(change: Change) -> str:
    """Name the amplifiers that read the fibers and wavelengths of a change: A and B the blue half, A and C the first fibers."""
    letters = "ABCD"
    if change.fibers is not None:
        right = DESI.right_half(np.array(change.fibers)).tolist()
        if right[0] == right[1]:
            letters = "".join(letter for letter in letters if (letter in "BD") == right[0])
    if change.waves is not None:
        red = 0.5 * sum(change.waves) > DESI.bands[change.camera[0]].middle
        letters = "".join(letter for letter in letters if (letter in "CD") == red)
    return letters


def _badamps_text(rows: Sequence[dict[str, Any]]) -> str:
    """Columns of an exposure table; COMMENTS is a list whose items a bar ends, as there."""
    lines = [",".join(rows[0])]
    for row in rows:
        lines.append(",".join(str(row[name]) for name in row if name != "COMMENTS") + f",{MARK}|{row['COMMENTS']}|")
    return "\n".join(lines) + "\n"


def failures_of(store: Store, changes: Iterable[Change]) -> list[Any]:
    """Return the failures and warnings that lie where and when something changed, each once."""
    records: dict[tuple[str, str, str], Any] = {}
    query = (
        "SELECT * EXCLUDE (content, added) FROM records WHERE outcome IN ('failed', 'warned') AND night BETWEEN ? AND ? "
        f"ORDER BY night, unit, expectation, measure LIMIT {MOST_RECORDS}"
    )
    listed = list(changes)
    if not listed:
        return []
    low, high = min(change.first[0] for change in listed), max(change.last[0] for change in listed)

    def read(connection: duckdb.DuckDBPyConnection) -> None:
        """Keep what speaks of a change, row by row."""
        cursor = connection.execute(query, [low, high])
        names = [column[0] for column in cursor.description or ()]
        for values in cursor.fetchall():
            record = from_row(dict(zip(names, values, strict=True)))
            if any(_speaks_of(record, change) for change in listed):
                records[record["unit"], record["expectation"], record["measure"]] = record

    store.ask(read)
    return list(records.values())


def _speaks_of(record: dict[str, Any], change: Change) -> bool:
    """Whether a failure is of the measure, or at the fibers, of a change, in its camera and dates."""
    if record["waiver"] or not change.first[0] <= record["night"] <= change.last[0]:
        return False
    petals = set() if change.fibers is None else {fiber // DESI.fibers for fiber in change.fibers}
    if change.camera:
        if record["camera"] != change.camera:
            return False
    elif record["petal"] not in petals and _petal(record["camera"]) not in petals:
        return False
    if record["measure"] == change.what:
        return True
    fibers = change.fibers
    return fibers is not None and any(low <= fibers[1] and fibers[0] <= high for low, high in record["fibers"] or ())
