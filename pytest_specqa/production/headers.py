"""FITS header cards as a plain mapping."""

from __future__ import annotations

from collections.abc import Mapping

HeaderValue = str | int | float | bool | None
Header = Mapping[str, HeaderValue]

CARD = 80
# As long as the name of an HDU or a column can be in one card.
MAX_NAME = 68
# A header is plain text; anything else in it must not reach a terminal.
PRINTABLE = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))
COMMENTARY = frozenset({"", "COMMENT", "HISTORY", "END"})


def parse_header(raw: bytes) -> dict[str, HeaderValue]:
    """Read the cards of one header, up to END.

    Parameters
    ----------
    raw : bytes
        Whole cards of 80 bytes.

    Returns
    -------
    dict
        Keyword to value; a keyword that occurs twice keeps its first value, commentary cards are left out and a card that cannot
        be read is kept as text. Strings lose their trailing blanks; long strings (CONTINUE) are joined.
    """
    text = raw.translate(PRINTABLE).decode("ascii")
    values: dict[str, HeaderValue] = {}
    last, more = "", list[str]()
    for start in range(0, len(text), CARD):
        card = text[start : start + CARD]
        keyword = card[:8].rstrip()
        if keyword == "CONTINUE":
            more.append(card[8:])
            continue
        if more:
            _append(values, last, more)
            more = []
        if keyword == "HIERARCH":
            keyword, equals, field = card[8:].partition("=")
            keyword = keyword.strip()
            if not equals:
                continue
        elif keyword in COMMENTARY or card[8:9] != "=":
            if keyword == "END":
                break
            continue
        else:
            field = card[9:]
        last = "" if keyword in values else keyword
        values.setdefault(keyword, parse_value(field))
    _append(values, last, more)
    return values


def parse_value(field: str) -> HeaderValue:
    """Read the value field of a card, comment included; an empty field is ``None``.

    Parameters
    ----------
    field : str
        What follows the equals sign.

    Returns
    -------
    str, int, float, bool or None
        The value; text where it is nothing else.
    """
    field = field.strip()
    if field.startswith("'"):
        return _quoted(field)
    token = field.partition("/")[0].strip()
    if token in {"T", "F"}:
        return token == "T"
    if not token:
        return None
    try:
        return int(token)
    except ValueError:
        pass
    try:
        return float(token.replace("D", "E").replace("d", "e"))
    except ValueError:
        return token


def _quoted(field: str) -> str:
    end = 1
    while (end := field.find("'", end)) != -1 and field[end + 1 : end + 2] == "'":
        end += 2
    inside = field[1:] if end == -1 else field[1:end]
    return inside.replace("''", "'").rstrip()


def _append(values: dict[str, HeaderValue], keyword: str, fields: list[str]) -> None:
    """Join a text with those that continue it, all at once: one by one, a thousand times as long a text takes a million times."""
    text = values.get(keyword)
    parts: list[str] = []
    for field in fields:
        more = parse_value(field)
        if isinstance(text, str) and text.endswith("&") and isinstance(more, str):
            parts.append(text[:-1])
            text = more
    if parts:
        values[keyword] = "".join(parts) + str(text)
