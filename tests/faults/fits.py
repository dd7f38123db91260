"""FITS files taken apart into cards and data and put together again, with their sums: by the standard, not by the suite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

BLOCK, CARD = 2880, 80
SUMS = ("CHECKSUM", "DATASUM")
ALL_ONES = 0xFFFFFFFF


@dataclass(frozen=True)
class Unit:
    """One header-data unit: its cards without END, and its data with padding."""

    cards: tuple[bytes, ...]
    data: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """EXTNAME, or ``PRIMARY``."""
        return self.text("EXTNAME") or "PRIMARY"

    def text(self, keyword: str) -> str:
        """Value of a keyword without quotes; empty where there is none."""
        card = next((card for card in self.cards if card[:9] == f"{keyword:<8}=".encode()), b"")
        field_ = card[10:].decode("ascii", errors="replace").strip()
        return field_[1:].partition("'")[0].strip() if field_.startswith("'") else field_.partition("/")[0].strip()

    def with_card(self, keyword: str, value: str) -> Unit:
        """The unit with a card changed in its place, or added; `value` is written as it stands."""
        new = f"{keyword:<8}= {value:>20}".ljust(CARD)[:CARD].encode()
        places = [place for place, card in enumerate(self.cards) if card[:9] == new[:9]]
        if not places:
            return replace(self, cards=(*self.cards, new))
        return replace(self, cards=(*self.cards[: places[0]], new, *self.cards[places[0] + 1 :]))

    def without(self, keywords: Iterable[str]) -> Unit:
        """The unit without some cards."""
        heads = tuple(f"{keyword:<8}=".encode() for keyword in keywords)
        return replace(self, cards=tuple(card for card in self.cards if card[:9] not in heads))

    @property
    def length(self) -> int:
        """Bytes of data that the header declares, without padding."""
        return declared(self)


def declared(unit: Unit) -> int:
    """Bytes of data that a header declares."""
    axes = [int(unit.text(f"NAXIS{axis + 1}")) for axis in range(int(unit.text("NAXIS") or 0))]
    if not axes:
        return 0
    return abs(int(unit.text("BITPIX"))) // 8 * (int(unit.text("PCOUNT") or 0) + int(np.prod(axes, dtype=object)))


def split(raw: bytes) -> list[Unit]:
    """Take a file apart, without what follows the last HDU; `ValueError` where its headers do not allow it."""
    units, at = [], 0
    while at < len(raw) and (not units or raw[at : at + 8] == b"XTENSION"):
        cards: list[bytes] = []
        while not (card := raw[at : at + CARD]).startswith(b"END".ljust(8)):
            if len(card) < CARD:
                raise ValueError("a header without END")
            cards.append(card)
            at += CARD
        at = -(-(at + CARD) // BLOCK) * BLOCK
        while cards and not cards[-1].strip():
            cards.pop()
        unit = Unit(tuple(cards))
        size = -(-declared(unit) // BLOCK) * BLOCK
        units.append(replace(unit, data=raw[at : at + size]))
        at += size
    return units


def head(unit: Unit) -> bytes:
    """Header of a unit, padded."""
    text = b"".join(unit.cards) + b"END".ljust(CARD)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK)


def join(units: Iterable[Unit]) -> bytes:
    """Put a file together, without a look at its sums."""
    return b"".join(head(unit) + unit.data for unit in units)


def summed(unit: Unit) -> Unit:
    """The unit with the DATASUM and the CHECKSUM that its bytes have."""
    unit = unit.with_card("DATASUM", f"'{_sum(unit.data)}'".ljust(20)).with_card("CHECKSUM", f"'{'0' * 16}'".ljust(20))
    total = _sum(head(unit) + unit.data)
    return unit.with_card("CHECKSUM", f"'{_encoded(ALL_ONES - total)}'".ljust(20))


def bare(unit: Unit) -> Unit:
    """The unit without sums."""
    return unit.without(SUMS)


def _sum(data: bytes) -> int:
    """Sum of 32-bit words in ones' complement."""
    total = int(np.frombuffer(data, dtype=">u4").sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def _encoded(value: int) -> str:
    """A sum as 16 letters and digits, as appendix J of the standard has it."""
    letters = np.zeros((4, 4), dtype=int)
    for byte in range(4):
        whole = value >> 8 * (3 - byte) & 0xFF
        four = [whole // 4 + whole % 4 + 48, *[whole // 4 + 48] * 3]
        # Punctuation between digits and letters is stepped over, in pairs that leave the sum as it is.
        while any(58 <= one <= 64 or 91 <= one <= 96 for one in four):
            for first in (0, 2):
                if any(58 <= one <= 64 or 91 <= one <= 96 for one in four[first : first + 2]):
                    four[first], four[first + 1] = four[first] + 1, four[first + 1] - 1
        letters[:, byte] = four
    text = "".join(chr(one) for one in letters.ravel())
    return text[-1] + text[:-1]
