"""Text from outside made fit to be shown: what would steer a terminal, reorder a line or hide in it is written out.

Names of folders and files, headers, limits, waivers and stored results come from anywhere. Wherever such text leaves the project -
lines of a terminal, usage errors, Markdown, HTML, JUnit XML - it passes through here once, at the border; what is stored stays as
it was.
"""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterable
from typing import IO, Any

_INVISIBLE = (
    r"\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's format characters and separators without a glyph: marks of direction, spaces without width, line separators, tags."""
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNPRINTABLE = re.compile(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_INVISIBLE}]")
_ABOVE_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_INVISIBLE}]")


def _written_out(found: re.Match[str]) -> str:
    if found[0] in _NAMED:
        return _NAMED[found[0]]
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00  # a byte of a name that is no UTF-8, as `os.fsdecode` gives it
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: object) -> str:
    r"""Write text on one line, as it can be shown.

    Parameters
    ----------
    text : object
        Anything that has a text.

    Returns
    -------
    str
        Control characters, line breaks, terminal escapes, marks of direction, characters without width and lone surrogates are
        written out (``\x1b``, ``\u202e``); all other Unicode stays.
    """
    return _UNPRINTABLE.sub(_written_out, str(text))


def printable_lines(text: object) -> str:
    """Do the same for a text whose line breaks and tabs are ours."""
    return _ABOVE_LINES.sub(_written_out, str(text))


def joined(lines: Iterable[object]) -> str:
    """Join lines, each of which stays one: no text from outside can add a line that looks like ours."""
    return "\n".join(printable(line) for line in lines)


def escape(text: object, quote: bool = True) -> str:
    """Write text for HTML: it shows as it is, and nothing in it becomes markup."""
    return html.escape(printable_lines(text), quote)


def command(words: Iterable[str]) -> str:
    r"""Write a command line that can be typed as it is shown.

    Parameters
    ----------
    words : iterable of str
        Its words.

    Returns
    -------
    str
        In the quotes of a POSIX shell; words that cannot be shown are in ``$'...'``, which bash, zsh and ksh read, byte by byte.
    """
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if not _UNPRINTABLE.search(word):
        return shlex.quote(word)
    kept = word.replace("\\", "\\\\").replace("'", "\\'")
    # Three octal digits: a hexadecimal escape would swallow a digit that follows it.
    return "$'" + _UNPRINTABLE.sub(lambda found: "".join(f"\\{byte:03o}" for byte in _bytes(found[0])), kept) + "'"


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass")


class Clean:
    """A stream of text whose lines are ours, and that writes out what else cannot be shown.

    Parameters
    ----------
    stream : file
        Where to.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        self.stream.write(printable_lines(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
