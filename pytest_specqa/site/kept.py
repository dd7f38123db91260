"""What the site remembers of what it has written: from what each page was made, so that only what is new costs time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pytest_specqa.errors import UsageError
from pytest_specqa.results.store import write_text
from pytest_specqa.values import Outcome

FOLDER, NAME = "made", "site.json"
FORMAT = 2


@dataclass(frozen=True)
class NightKept:
    """One night as the calendar shows it.

    Attributes
    ----------
    source : str
        Digest of the parts of the store that its pages were made from.
    page : str
        Digest of what else its page shows: its neighbours and reports.
    outcome, sentence : str
        The verdict.
    exposures : int
        How many were judged.
    told : list of (str, str)
        Outcome and headline of each finding.
    fibers : list of int
        Fibers that a finding which fails names, where they are few.
    """

    source: str
    page: str
    outcome: str
    sentence: str
    exposures: int
    told: list[tuple[str, str]] = field(default_factory=list)
    fibers: list[int] = field(default_factory=list)


@dataclass
class Kept:
    """All that is remembered.

    Attributes
    ----------
    version : str
        Of the program that wrote the pages; another one writes them anew.
    nights : dict of int to NightKept
        Every night that has pages.
    pages : dict of str to str
        Digest of what each other page was made from, by its name relative to the site.
    """

    version: str
    nights: dict[int, NightKept] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, out: Path, *, version: str) -> Kept:
        """Read what is remembered of a site; of a damaged file, and of another version's, nothing is.

        Raises
        ------
        UsageError
            If the folder holds something that is no site.
        """
        path = out / FOLDER / NAME
        if not path.exists():
            if out.exists() and not out.is_dir():
                raise UsageError(f"--out {out}: it is a file; expected the name of a folder")
            if out.is_dir() and any(out.iterdir()):
                raise UsageError(f"--out {out}: the folder holds something that is no site; choose a new or an empty one")
            return cls(version)
        try:
            found: Any = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                return cls(version)
            nights = {int(night): _night(told) for night, told in found["nights"].items()}
            pages = {str(name): str(digest) for name, digest in found["pages"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError):
            return cls(version)
        kept = cls(version, nights, pages)
        return kept if found.get("version") == version else kept.forgotten()

    def forgotten(self) -> Kept:
        """Know what there is, and nothing of what it was made from, so that all is written anew."""
        nights = {night: NightKept("", "", told.outcome, told.sentence, told.exposures) for night, told in self.nights.items()}
        return Kept(self.version, nights, dict.fromkeys(self.pages, ""))

    def write(self, out: Path) -> None:
        """Write it, whole or not at all."""
        told: Mapping[str, Any] = {
            "format": FORMAT,
            "version": self.version,
            "nights": {str(night): asdict(one) for night, one in sorted(self.nights.items())},
            "pages": dict(sorted(self.pages.items())),
        }
        write_text(out / FOLDER / NAME, json.dumps(told) + "\n")


def _night(told: Mapping[str, Any]) -> NightKept:
    names = {one.name for one in fields(NightKept)}
    night = NightKept(**{name: value for name, value in told.items() if name in names})
    Outcome(night.outcome)
    found = [(str(Outcome(outcome)), str(text)) for outcome, text in night.told]
    return NightKept(
        str(night.source),
        str(night.page),
        night.outcome,
        str(night.sentence),
        int(night.exposures),
        found,
        [int(one) for one in night.fibers],
    )
