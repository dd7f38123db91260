"""Bad files in one line each: where, what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from isal import isal_zlib

from pytest_specqa.errors import MissingProductError, ProductError
from pytest_specqa.opening import explained

REPLACE = "write the file again"
COPY = "copy or write the file again"
_ISAL_ERROR = cast(type[Exception], isal_zlib.error)


def defect(path: Path, hdu: str | None, *, found: str, expected: str, do: str = REPLACE) -> ProductError:
    """One line on a bad file: where, what was found, what was expected, what to do."""
    place = f"{path.name} HDU {hdu}" if hdu else path.name
    return ProductError(f"{place}: found {found}; expected {expected}; {do}")


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """Turn what the system and the gzip library raise into one line about the file."""
    whole = "a whole FITS file"
    try:
        yield
    except FileNotFoundError:
        raise MissingProductError(f"{path.name}: not found; expected {path}; process it or deselect its unit") from None
    except EOFError as error:
        raise defect(path, None, found=f"a truncated file ({str(error)[:60]})", expected=whole, do=COPY) from None
    except (OSError, _ISAL_ERROR) as error:
        if isinstance(error, OSError) and (said := explained(error, path)):
            raise defect(path, None, found=said.found, expected=said.expected, do=said.do) from None
        what = f"unreadable data ({str(error).splitlines()[0][:80] if str(error) else type(error).__name__})"
        raise defect(path, None, found=what, expected=whole, do=COPY) from None
