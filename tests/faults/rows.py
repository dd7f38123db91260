"""Mutations of an exposure table, and what its cells say by other means than the suite."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from .bench import NIGHT, TABLE, Tree, existing, unpacked
from .case import SPECIAL, Damage, Rng
from .fits import split
from .oracle import Opinion

USED = ("EXPID", "OBSTYPE", "TILEID", "LASTSTEP", "CAMWORD", "BADCAMWORD", "BADAMPS", "EXPTIME", "EFFTIME_ETC", "SURVEY", "FAPRGRM")
REQUIRED = ("EXPID", "OBSTYPE", "TILEID", "LASTSTEP", "CAMWORD")
STEPS = ("ignore", "skysub", "stdstarfit", "fluxcal", "all")
WRONG = [
    "",
    "x",
    "-1",
    "0",
    "99999999",
    "7951",
    "1298",
    "104285",
    "dark",
    "scinece",
    "all",
    "skysub",
    "ignore",
    "r6",
    "r0r",
    "a0123",
    "NaN",
    "1e30",
]
SLACK = 1.0


def rows_mutation(rng: Rng, raw: bytes) -> Damage:
    """A row doubled, contradicted, taken out or moved."""
    header, *rows = raw.decode().splitlines()
    what, at = str(rng.choice(["twice", "contradicted", "gone", "moved", "all gone"])), int(rng.integers(len(rows)))
    if what == "twice":
        rows.insert(int(rng.integers(len(rows) + 1)), rows[at])
    elif what == "contradicted":
        cells = rows[at].split(",")
        cells[3] = "ignore"
        rows.insert(int(rng.integers(len(rows) + 1)), ",".join(cells))
    elif what == "gone":
        rows.pop(at)
    elif what == "moved":
        rows.append(rows.pop(at))
    else:
        rows = []
    return Damage(f"row {at} {what}", "\n".join([header, *rows, ""]).encode())


def columns_mutation(rng: Rng, raw: bytes) -> Damage:
    """A column removed, doubled with other cells, renamed or moved."""
    table = [line.split(",") for line in raw.decode().splitlines()]
    what, at = str(rng.choice(["gone", "twice", "renamed", "moved"])), int(rng.integers(len(USED)))
    place = table[0].index(USED[at])
    for number, cells in enumerate(table):
        cell = cells[place]
        if what == "gone":
            cells.pop(place)
        elif what == "twice":
            cells.append(cell if number == 0 else str(rng.choice([cell, "0", "all"])))
        elif what == "renamed" and number == 0:
            cells[place] = f"{cell}_"
        elif what == "moved":
            cells.append(cells.pop(place))
    return Damage(f"column {USED[at]} {what}", "\n".join([*map(",".join, table), ""]).encode())


def cell_mutation(rng: Rng, raw: bytes) -> Damage:
    """A cell changed."""
    table = [line.split(",") for line in raw.decode().splitlines()]
    column, row = str(rng.choice(USED)), int(rng.integers(1, len(table)))
    table[row][table[0].index(column)] = value = str(rng.choice(WRONG))
    return Damage(f"{column} = {value!r} in row {row}", "\n".join([*map(",".join, table), ""]).encode())


def bytes_mutation(rng: Rng, raw: bytes) -> Damage:
    """A bit, a cut, or bytes put in."""
    at, what = int(rng.integers(1, len(raw))), str(rng.choice(["bit", "cut", "bytes"]))
    if what == "cut":
        return Damage(f"cut off at {at} of {len(raw)}", raw[:at])
    if what == "bytes":
        return Damage(f"bytes put in at {at}", raw[:at] + rng.bytes(int(rng.integers(1, 9))) + raw[at:])
    damaged = bytearray(raw)
    damaged[at] ^= 1 << int(rng.integers(8))
    return Damage(f"a bit of byte {at}", bytes(damaged))


def special_mutation(rng: Rng, _: bytes) -> Damage:
    """Something else in the place of the table."""
    what = str(rng.choice(SPECIAL))
    return Damage(f"{what} in place of the table", special=what)


MUTATIONS = {
    "table-rows": rows_mutation,
    "table-columns": columns_mutation,
    "table-cell": cell_mutation,
    "table-bytes": bytes_mutation,
    "table-special": special_mutation,
}


SELECT = (f"--night={NIGHT}",)
UNITS = "not (-b6] or -r6] or -z6])"
"""Cameras that should be there are judged with their products."""


def opinion(tree: Tree) -> Opinion:
    """Compare the table of a tree with the sound one, and with the folders and headers beside it."""
    path = tree.root / TABLE
    if not path.is_file():
        return Opinion(True, "unreadable" if path.exists() or path.is_symlink() else "", "no exposure table")
    before, after = (_cells(one.read_bytes()) for one in (tree.bench.demo / TABLE, path))
    if before == after:
        return Opinion(False)
    if after is None:
        return Opinion(True, "schema", "a column that is missing, twice, or rows of another length")
    numbers = [row["EXPID"] for row in after]
    if len(set(numbers)) < len(numbers):
        contradicted = any(after.count(row) < numbers.count(row["EXPID"]) for row in after)
        return Opinion(contradicted or len(set(numbers)) < len(before or ()), "schema", "an exposure twice")
    told = [text for row in after if (text := _wrong(tree, row))]
    lost = set(_on_disk(tree)) - {int(number) for number in numbers if number.isdecimal()}
    words = "; ".join([*told, *(f"no row of exposure {expid}" for expid in sorted(lost))])
    decided = "cell of an exposure table that is a decision of the survey, or that no other file says"
    material = bool(words) or sorted(map(str, before or ())) != sorted(map(str, after))
    return Opinion(material, "second file" if words else "", words or decided)


def _cells(raw: bytes) -> list[dict[str, str]] | None:
    """Rows of the columns that are used; ``None`` where there is no such table."""
    try:
        table = list(csv.reader(io.StringIO(raw.decode("utf-8", errors="replace"), newline=""), strict=True))
    except csv.Error:
        return None
    if not table or any(table[0].count(name) > 1 for name in USED) or any(name not in table[0] for name in REQUIRED):
        return None
    if any(len(row) != len(table[0]) for row in table[1:] if row):
        return None
    return [{name: dict(zip(table[0], row, strict=True)).get(name, "").strip() for name in USED} for row in table[1:] if row]


def _on_disk(tree: Tree) -> list[int]:
    return sorted(int(path.name) for path in (tree.root / f"exposures/{NIGHT}").iterdir())


def _wrong(tree: Tree, row: dict[str, str]) -> str:
    """What a row says and files do not."""
    if not row["EXPID"].isdecimal() or row["LASTSTEP"].casefold() not in STEPS:
        return f"row {row['EXPID']!r} cannot be read"
    expid = int(row["EXPID"])
    folder = tree.root / f"exposures/{NIGHT}/{expid:08d}"
    if not folder.is_dir():
        return f"exposure {expid} is not there" if row["LASTSTEP"].casefold() != "ignore" else ""
    header = _header(tree, expid)
    right = {
        "OBSTYPE": row["OBSTYPE"].casefold() == "science",
        "CAMWORD": row["CAMWORD"] in ("b6r6z6", "a6"),
        "TILEID": row["TILEID"] == header["TILEID"],
        "EXPTIME": not row["EXPTIME"] or _near(row["EXPTIME"], header["EXPTIME"]),
    }
    return "; ".join(f"{name} of {expid} is {row[name]!r}" for name, fine in right.items() if not fine)


def _near(text: str, other: str) -> bool:
    try:
        return abs(float(text) - float(other)) <= SLACK
    except ValueError:
        return False


_HEADERS: dict[tuple[Path, int], dict[str, str]] = {}


def _header(tree: Tree, expid: int) -> dict[str, str]:
    """TILEID and EXPTIME of a frame; read once."""
    key = (tree.bench.demo, expid)
    if key not in _HEADERS:
        first = split(unpacked(existing(tree.bench.demo / f"exposures/{NIGHT}/{expid:08d}/sky-r6-{expid:08d}.fits")))[0]
        _HEADERS[key] = {name: first.text(name) for name in ("TILEID", "EXPTIME")}
    return _HEADERS[key]


def rng_of(name: str) -> Rng:
    """Generator of a case."""
    family, _, seed = name.partition(":")
    return np.random.default_rng([*family.encode(), int(seed)])
