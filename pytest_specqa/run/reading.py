"""Reading on behalf of a check: every file is noted, and whether the check looks at anything that is no file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.checks.check import Check
from pytest_specqa.errors import ProductError
from pytest_specqa.opening import FITS

if TYPE_CHECKING:
    from pytest_specqa.archive import Archive
    from pytest_specqa.production import Fibermap, Frame
    from pytest_specqa.production.verified import Ledger
    from pytest_specqa.values import Verified

ONE_FILE = ("read_sky", "read_fiberflat", "read_fluxcalib", "read_redshifts", "read_coadd")
LISTED_BY_NIGHT = ("exposures", "exposure")
HARMLESS = ("name", "instrument", "kinds", "expected_products")
"""What a production tells from its name, its survey and the exposure table, which a comparison looks at for every unit."""


@dataclass
class Notes:
    """What was read for checks that will come, with the meaning that the same attributes of `Check` have."""

    products: list[Path] = field(default_factory=list)
    read: list[Path] = field(default_factory=list)
    cameras: dict[str, Path] = field(default_factory=dict)
    beyond_products: bool = False
    levels: dict[Path, tuple[Verified, str]] = field(default_factory=dict)

    def keep_levels(self) -> None:
        """Keep what was verified of the files, which another process would not know."""
        self.levels = {path: (ledger().level(path), ledger().content(path)) for path in self.read}

    def add_to(self, check: Check) -> None:
        """Let a check know, and this process what was verified in another."""
        for path, (level, content) in self.levels.items():
            ledger().note(path, level, content=content)
        check.products += self.products
        check.read += self.read
        check.cameras = self.cameras | check.cameras
        check.beyond_products |= self.beyond_products


def ledger() -> Ledger:
    """What was verified in this process; numpy comes with it, which a run without data does without."""
    from pytest_specqa.production.verified import LEDGER  # noqa: PLC0415

    return LEDGER


def verified(paths: Iterable[Path]) -> str:
    """Return the weakest level among the FITS files of these paths; empty without any: tables of text have no sums."""
    files = [path for path in paths if path.name.endswith(FITS)]
    return str(ledger().weakest(files)) if files else ""


@contextmanager
def attempt(check: Check | Notes) -> Iterator[None]:
    """Remember that a file of this block is missing or damaged: mended, it might change what becomes of the check."""
    try:
        yield
    except ProductError:
        check.beyond_products = True
        raise


def followed(frame: Frame, check: Check | Notes) -> Frame:
    """Return the frame, bound to a check that notes the file of its fibermap when it is asked for.

    Spectra, fibermap and resolution are those of `frame`, each loaded once for all checks.
    """

    def fibermap() -> Fibermap:
        """Note what the shared frame holds or now reads."""
        with attempt(check):
            found = frame.fibermap
        check.read.append(found.path)
        return found

    return replace(frame, load_fibermap=fibermap, load_resolution=lambda: frame.resolution)


def look_at_night(check: Check, night: int) -> None:
    """Note that a check asks which exposures a night has; for a tile or night of its own that goes without saying."""
    if night != check.unit.night or check.unit.kind in ("camera", "exposure"):
        check.beyond_products = True


class ProductionView:
    """A production as one check sees it: it notes what the check reads.

    Parameters
    ----------
    production : Archive
        Does all the work.
    check : Check
        Takes the notes. Whatever is asked for that is not known to name its files counts as a look beyond them.
    """

    def __init__(self, production: Archive, check: Check) -> None:
        self._production = production
        self._check = check

    def __repr__(self) -> str:
        return repr(self._production)

    def find(self, product: str, **where: Any) -> Path:
        """Find a file, and note it: the test will read it."""
        with attempt(self._check):
            path = self._production.find(product, **where)
        self._check.read.append(path)
        return path

    def read_frame(self, kind: str, **where: Any) -> Frame:
        """Read a frame, and note its file and that of its fibermap."""
        with attempt(self._check):
            frame = self._production.read_frame(kind, **where)
        self._check.read.append(frame.path)
        return followed(frame, self._check)

    def __getattr__(self, name: str) -> Any:
        """Return what the production has by this name; what is private to it is no business of a test."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._production, name)
        if name in ONE_FILE:
            return self._noting(found)
        if name in LISTED_BY_NIGHT:
            return self._looking(found)
        if name not in HARMLESS:
            self._check.beyond_products = True
        return found

    def _noting(self, read: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(read)
        def noted(*args: Any, **more: Any) -> Any:
            with attempt(self._check):
                product = read(*args, **more)
            self._check.read.append(product.path)
            return product

        return noted

    def _looking(self, listed: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(listed)
        def looked(night: int, *args: Any, **more: Any) -> Any:
            look_at_night(self._check, night)
            return listed(night, *args, **more)

        return looked
