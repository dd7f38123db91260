"""Mutations that know nothing of FITS beyond where headers and data lie: bits, cuts, insertions, blocks of zeros, gzip."""

from __future__ import annotations

import gzip

from . import fits
from .bench import packed, unpacked
from .case import SPECIAL, Damage, Draft

ZEROS = 64 * 1024
USED = {
    **dict.fromkeys(("frame", "sframe", "cframe"), ("FLUX", "IVAR", "MASK", "WAVELENGTH")),
    "sky": ("SKY", "IVAR", "MASK", "WAVELENGTH", "STATIVAR", "THRPUTCORR"),
    "fluxcalib": ("FLUXCALIB", "IVAR", "MASK", "WAVELENGTH", "FIBERCORR"),
    "fiberflatnight": ("FIBERFLAT", "IVAR", "MASK", "MEANSPEC", "WAVELENGTH"),
    "fibermap": ("FIBERMAP",),
    "redrock": ("REDSHIFTS", "FIBERMAP", "EXP_FIBERMAP", "TSNR2"),
    "coadd": ("FIBERMAP", "EXP_FIBERMAP"),
}
"""HDUs of each kind of file that checks rest on."""


def units_of(draft: Draft) -> list[fits.Unit]:
    """The sound file taken apart."""
    return fits.split(unpacked(draft.bench.path(draft.kind, draft.variant)))


def again(draft: Draft, raw: bytes) -> bytes:
    """The file as its variant has it; the sum of a gzip member is that of the damaged content."""
    return packed(raw) if draft.variant.packed else raw


def used_unit(draft: Draft, units: list[fits.Unit]) -> int:
    """Number of an HDU that checks rest on."""
    return int(draft.rng.choice([number for number, unit in enumerate(units) if unit.name in USED[draft.kind] and unit.data]))


def untouched(draft: Draft) -> Damage:
    """The sound file: whoever names it cries wolf."""
    return Damage("nothing was done to it", draft.raw)


def flip_data(draft: Draft) -> Damage:
    """One bit in the data of an HDU that is used; sums are left as they are."""
    units = units_of(draft)
    number = used_unit(draft, units)
    data = bytearray(units[number].data)
    at, bit = int(draft.rng.integers(units[number].length)), int(draft.rng.integers(8))
    data[at] ^= 1 << bit
    units[number] = fits.Unit(units[number].cards, bytes(data))
    return Damage(f"bit {bit} of byte {at} of {units[number].name}", again(draft, fits.join(units)))


def flip_padding(draft: Draft) -> Damage:
    """One bit behind the data of an HDU."""
    units = units_of(draft)
    padded = [number for number, unit in enumerate(units) if len(unit.data) > unit.length]
    number = int(draft.rng.choice(padded))
    data = bytearray(units[number].data)
    at = int(draft.rng.integers(units[number].length, len(data)))
    data[at] ^= 1 << int(draft.rng.integers(8))
    units[number] = fits.Unit(units[number].cards, bytes(data))
    return Damage(f"a bit of the padding of {units[number].name}", again(draft, fits.join(units)))


def flip_header(draft: Draft) -> Damage:
    """One bit in a card of a header."""
    units = units_of(draft)
    number = int(draft.rng.integers(len(units)))
    cards = list(units[number].cards)
    which, at, bit = (int(draft.rng.integers(size)) for size in (len(cards), 80, 8))
    card = bytearray(cards[which])
    card[at] ^= 1 << bit
    words = f"bit {bit} of byte {at} of {cards[which].decode().strip()!r} in {units[number].name}"
    cards[which] = bytes(card)
    units[number] = fits.Unit(tuple(cards), units[number].data)
    return Damage(words, again(draft, fits.join(units)))


def flip_file(draft: Draft) -> Damage:
    """One bit anywhere in the file on disk: in a packed one, of the gzip stream."""
    raw = bytearray(draft.raw)
    at, bit = int(draft.rng.integers(len(raw))), int(draft.rng.integers(8))
    raw[at] ^= 1 << bit
    return Damage(f"bit {bit} of byte {at} of {len(raw)} of the file", bytes(raw))


def truncate(draft: Draft) -> Damage:
    """The file ends somewhere before its end."""
    raw = draft.raw
    at = int(draft.rng.integers(1, len(raw)))
    return Damage(f"cut off at {at} of {len(raw)}", raw[:at])


def insert(draft: Draft) -> Damage:
    """Some bytes too many."""
    raw = draft.raw
    at, count = int(draft.rng.integers(len(raw))), int(draft.rng.choice([1, 4, 80, 512, 2880]))
    return Damage(f"{count} bytes put in at {at}", raw[:at] + draft.rng.bytes(count) + raw[at:])


def delete(draft: Draft) -> Damage:
    """Some bytes too few."""
    raw = draft.raw
    at, count = int(draft.rng.integers(len(raw))), int(draft.rng.choice([1, 4, 80, 512, 2880]))
    return Damage(f"{count} bytes taken out at {at}", raw[:at] + raw[at + count :])


def zeros(draft: Draft, *, sums: bool = False) -> Damage:
    """64 kB of zeros over the data of an HDU, with the sums of the true data."""
    units = units_of(draft)
    number = used_unit(draft, units)
    data = bytearray(units[number].data)
    at = int(draft.rng.integers(max(len(data) - ZEROS, 1)))
    size = min(ZEROS, units[number].length - at)
    data[at : at + size] = bytes(size)
    units[number] = fits.Unit(units[number].cards, bytes(data))
    if sums and draft.variant.sums:
        units[number] = fits.summed(units[number])
    return Damage(f"{size} zeros at {at} of {units[number].name}", again(draft, fits.join(units)))


def zeros_summed(draft: Draft) -> Damage:
    """The same, written by a program that believes them."""
    return zeros(draft, sums=True)


def garbage_after(draft: Draft) -> Damage:
    """Bytes behind the end."""
    count = int(draft.rng.choice([1, 100, 2880, 28800]))
    return Damage(f"{count} bytes behind the end", draft.raw + draft.rng.bytes(count))


def gzip_trailer(draft: Draft) -> Damage:
    """Another sum, or another size, at the end of a packed file."""
    raw = bytearray(draft.raw)
    at = len(raw) - 1 - int(draft.rng.integers(8))
    raw[at] ^= int(draft.rng.integers(1, 256))
    return Damage(f"byte {at - len(raw)} of the trailer", bytes(raw))


def gzip_members(draft: Draft) -> Damage:
    """The content in several gzip members, the last of them cut off or not."""
    content = unpacked(draft.bench.path(draft.kind, draft.variant))
    at = int(draft.rng.integers(1, len(content)))
    parts = [gzip.compress(part, 1) for part in (content[:at], content[at:])]
    cut = int(draft.rng.integers(2)) * int(draft.rng.integers(1, len(parts[1])))
    raw = b"".join(parts)
    return Damage(f"two members, parted at {at}, {cut} bytes short", raw[: len(raw) - cut])


def special(draft: Draft) -> Damage:
    """Something else in the place of the file."""
    what = str(draft.rng.choice(SPECIAL))
    return Damage(f"{what} in place of the file", special=what)
