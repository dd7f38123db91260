"""Mutations that know FITS: values, keywords and HDUs, with the sums of what is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import fits
from .bench import packed, unpacked, written
from .bytewise import USED, again, units_of, used_unit
from .case import Damage, Draft

ODD = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf, "-1": -1.0, "1e30": 1e30, "1e-40": 1e-40, "0": 0.0}
IDENTITY = (
    "CAMERA",
    "EXPID",
    "NIGHT",
    "TILEID",
    "FLAVOR",
    "OBSTYPE",
    "EXPTIME",
    "HELIOCOR",
    "MJD-OBS",
    "SPECGRPH",
    "FIBERMIN",
    "PETAL",
)
STRUCTURE = (
    "BITPIX",
    "NAXIS",
    "NAXIS1",
    "NAXIS2",
    "TFIELDS",
    "PCOUNT",
    "BSCALE",
    "BZERO",
    "EXTNAME",
    "XTENSION",
    "TFORM1",
    "TTYPE1",
)
WRONG = {
    "CAMERA": ["'z6      '", "'b6      '", "'r7      '", "''", "6"],
    "FLAVOR": ["'flat    '", "'dark    '", "''"],
    "OBSTYPE": ["'FLAT    '", "'DARK    '"],
    "EXPTIME": ["'long    '", "-1000.0", "1E30", "0.0", "'NaN     '", "", "500.0"],
    "HELIOCOR": ["0.0", "2.0", "'one     '", "1.00009", ""],
    "MJD-OBS": ["59000.0", "'noon    '", "0.0"],
    "EXTNAME": ["'NOTHING '", "''", "'FLUX    '"],
    "XTENSION": ["'IMAGE   '", "'TABLE   '", "'BINTABLE'"],
    "TFORM1": ["'1E      '", "'0J      '", "'9999999999K'", "'Z       '", "'1PE(3)  '"],
    "TTYPE1": ["'NOTHING '", "''", "'Z       '"],
}
NUMBERS = ["0", "1", "-1", "7", "100", "99999999", "20211015", "104285", "1298", "999999999999", "-32", "16", "'x       '", ""]


def _finish(draft: Draft, units: list[fits.Unit]) -> bytes:
    raw = written(units, sums=draft.variant.sums)
    return again(draft, raw)


def values(draft: Draft) -> Damage:
    """Odd values in the data of an HDU, a few or many."""
    units = units_of(draft)
    number = used_unit(draft, units)
    unit, word = units[number], str(draft.rng.choice(list(ODD)))
    data = bytearray(unit.data)
    share = float(draft.rng.choice([1e-4, 1e-2, 0.3]))
    places = _floats(draft, unit)
    chosen = places[: max(int(share * len(places)), 1)]
    for at, code in chosen:
        with np.errstate(over="ignore", invalid="ignore"):
            data[at : at + np.dtype(code).itemsize] = np.array(ODD[word]).astype(code).tobytes()
    units[number] = replace(unit, data=bytes(data))
    return Damage(f"{len(chosen)} values {word} in {unit.name}", _finish(draft, units))


def _floats(draft: Draft, unit: fits.Unit) -> list[tuple[int, str]]:
    """Where floating-point numbers lie, in random order: of an image, or of one column of a table; all of a table without any."""
    bitpix = unit.text("BITPIX")
    if unit.text("XTENSION") != "BINTABLE":
        code = {"-32": ">f4", "-64": ">f8", "32": ">i4"}[bitpix]
        size = np.dtype(code).itemsize
        count = unit.length // size
        return [(int(at) * size, code) for at in draft.rng.choice(count, min(count, 20000), replace=False)]
    row, rows, at, columns = int(unit.text("NAXIS1")), int(unit.text("NAXIS2")), 0, []
    widths = {"E": ">f4", "D": ">f8", "J": ">i4", "K": ">i8", "I": ">i2", "B": "u1", "L": "u1", "A": "u1"}
    for number in range(1, int(unit.text("TFIELDS")) + 1):
        form = unit.text(f"TFORM{number}")
        code = widths[form[-1]]
        repeat = int(form[:-1] or 1)
        columns += [(at, code)] if form[-1] in "ED" else []
        at += repeat * np.dtype(code).itemsize
    if not columns:
        return [(0, ">i4")]
    first, code = columns[int(draft.rng.integers(len(columns)))]
    return [(int(which) * row + first, code) for which in draft.rng.permutation(rows)]


def _held(draft: Draft, units: list[fits.Unit]) -> tuple[int, str]:
    """An HDU, and a keyword of it that says what the file is."""
    held = [(number, keyword) for number, unit in enumerate(units) for keyword in IDENTITY if unit.text(keyword)]
    return held[int(draft.rng.integers(len(held)))]


def keyword_changed(draft: Draft) -> Damage:
    """A keyword that says what the file is, changed."""
    units = units_of(draft)
    number, keyword = _held(draft, units)
    value = str(draft.rng.choice(WRONG.get(keyword, NUMBERS)))
    units[number] = units[number].with_card(keyword, value)
    return Damage(f"{keyword} = {value} in {units[number].name}", _finish(draft, units))


def keyword_removed(draft: Draft) -> Damage:
    """A keyword taken out."""
    units, keyword = units_of(draft), str(draft.rng.choice((*IDENTITY, *STRUCTURE)))
    holders = [number for number, unit in enumerate(units) if unit.text(keyword)] or [0]
    number = int(draft.rng.choice(holders))
    units[number] = units[number].without([keyword])
    return Damage(f"{keyword} gone from {units[number].name}", _rewritten(draft, units))


def keyword_twice(draft: Draft) -> Damage:
    """A keyword that occurs twice, with two values."""
    units = units_of(draft)
    number, keyword = _held(draft, units)
    value = str(draft.rng.choice(WRONG.get(keyword, NUMBERS)))
    other = fits.Unit(()).with_card(keyword, value).cards
    ahead = bool(draft.rng.integers(2))
    cards = units[number].cards
    # The first card of a header must stay the first.
    cards = (cards[0], *cards[1:5], *other, *cards[5:]) if ahead else (*cards, *other)
    units[number] = replace(units[number], cards=cards)
    return Damage(
        f"{keyword} = {value} {'before' if ahead else 'behind'} the true one in {units[number].name}", _finish(draft, units)
    )


def structure(draft: Draft) -> Damage:
    """A keyword that says how data are laid out, changed; the data are left as they are."""
    units, keyword = units_of(draft), str(draft.rng.choice(STRUCTURE))
    holders = [number for number, unit in enumerate(units) if unit.text(keyword)] or [used_unit(draft, units)]
    number = int(draft.rng.choice(holders))
    value = str(draft.rng.choice(WRONG.get(keyword, NUMBERS)))
    units[number] = units[number].with_card(keyword, value)
    return Damage(f"{keyword} = {value} in {units[number].name}", _rewritten(draft, units))


def _rewritten(draft: Draft, units: list[fits.Unit]) -> bytes:
    """Bytes with right sums where data can be summed as they stand."""
    return again(draft, fits.join(fits.summed(unit) if draft.variant.sums else unit for unit in units))


def hdus(draft: Draft) -> Damage:
    """An HDU removed, doubled, renamed or moved."""
    units = units_of(draft)
    number, what = used_unit(draft, units), str(draft.rng.choice(["removed", "twice", "renamed", "last", "other"]))
    name = units[number].name
    if what == "removed" and number:
        units.pop(number)
    elif what == "twice" or (what == "removed" and not number):
        data = bytearray(units[number].data)
        data[: len(data) // 2] = data[len(data) // 2 :][: len(data) // 2]
        copy = replace(units[number], data=bytes(data)) if draft.rng.integers(2) else units[number]
        units.append(_extension(copy))
        what = "twice"
    elif what == "renamed":
        units[number] = units[number].with_card("EXTNAME", "'OTHER   '")
    elif what == "last" and number:
        units.append(units.pop(number))
    else:
        names = [unit.name for unit in units if unit.name in USED[draft.kind] and unit.name != name] or ["OTHER"]
        other = str(draft.rng.choice(names))
        units[number] = units[number].with_card("EXTNAME", f"'{other:<8}'")
        what = f"named {other}"
    return Damage(f"{name} {what}", _finish(draft, units))


def _extension(unit: fits.Unit) -> fits.Unit:
    if not unit.cards[0].startswith(b"SIMPLE"):
        return unit
    return replace(unit, cards=(b"XTENSION= 'IMAGE   '".ljust(80), *unit.cards[1:]))


def swapped(draft: Draft) -> Damage:
    """The file of another camera, exposure, tile or night under this name."""
    others = draft.tree.others[draft.kind]
    source = others[int(draft.rng.integers(len(others)))]
    content = unpacked(source)
    return Damage(f"content of {source.name}", again(draft, content))


def both(draft: Draft) -> Damage:
    """HDUs of two files in one: the data of another exposure or camera under the header of this one."""
    units = units_of(draft)
    number = used_unit(draft, units)
    others = draft.tree.others[draft.kind]
    source = others[int(draft.rng.integers(len(others)))]
    given = next((unit for unit in fits.split(unpacked(source)) if unit.name == units[number].name), units[0])
    units[number] = replace(units[number], data=given.data)
    return Damage(f"{given.name} of {source.name}", again(draft, fits.join(units)))


def bomb(draft: Draft) -> Damage:
    """Sizes that are declared and packed in little: gigabytes of zeros."""
    units = units_of(draft)
    number = used_unit(draft, units)
    size = int(draft.rng.choice([1, 3])) * 10**9
    axis = max(int(units[number].text("NAXIS")), 1)
    unit = units[number]
    row = max(unit.length // max(int(unit.text(f"NAXIS{axis}")), 1), 1)
    unit = unit.with_card(f"NAXIS{axis}", str(size // row))
    before, after = fits.join(units[:number]), fits.join(units[number + 1 :])
    content = before + fits.head(unit) + unit.data
    packed_zeros = packed(bytes(10**7))
    raw = packed(content) + packed_zeros * (size // 10**7 + 1) + packed(after) if draft.variant.packed else content + after
    return Damage(f"{unit.name} of {size} bytes", raw)
