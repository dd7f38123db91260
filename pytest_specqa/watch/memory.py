"""What a watch remembers: what was judged in which state, since when files are as they are, and what was told; one JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_specqa.errors import ResultsError
from pytest_specqa.opening import read_text
from pytest_specqa.results.store import write_text

FORMAT = 1
NAME = "watch.json"
MOST = 200_000_000
"""Bytes of the file; an exposure takes 150."""
NIGHTS_TOLD = 60
"""Nights of which is remembered what was told."""


@dataclass
class Memory:
    """What is known of a production's jobs, by `jobs.Job.key`.

    Attributes
    ----------
    path : Path
        ``watch.json`` in the store.
    production : str
        Name of the production.
    judged : dict
        ``mark``, ``verdict``, ``at`` (time in UTC) of what was judged; ``tries`` and ``why`` of what could not be.
    seen : dict
        Of what waits: ``quiet``, and ``since`` when it is as it is (seconds).
    told : dict
        By night, what a command of the user's was run for.
    newest : int
        Latest night that was there.
    """

    path: Path
    production: str
    judged: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    newest: int = 0
    _saved: str = ""

    @classmethod
    def load(cls, path: Path, *, production: str) -> Memory:
        """Read it; empty where there is none.

        Raises
        ------
        ResultsError
            If it is damaged or of another production: to begin anew, the user removes it.
        """
        memory = cls(path, production)
        try:
            text = read_text(path, limit=MOST)
        except FileNotFoundError:
            return memory
        except (OSError, UnicodeDecodeError) as error:
            raise ResultsError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']}, expected {FORMAT}")
            if found["production"] != production:
                raise ValueError(f"it is of production {found['production']}, expected {production}")
            memory.judged = {key: {"mark": str(one["mark"]), **one} for key, one in found["judged"].items()}
            memory.seen = {key: {"quiet": str(one["quiet"]), "since": float(one["since"])} for key, one in found["seen"].items()}
            memory.told = {night: [str(one) for one in told] for night, told in found["told"].items()}
            memory.newest = int(found["newest"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            what = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
            raise ResultsError(f"{path}: is damaged ({what}); remove it to judge the last nights anew") from None
        memory._saved = text
        return memory

    def save(self) -> None:
        """Write it whole or not at all, if it has changed; `ResultsError` if it cannot be."""
        self.told = {night: told for night, told in sorted(self.told.items())[-NIGHTS_TOLD:] if told}
        head = {"format": FORMAT, "production": self.production, "newest": self.newest}
        text = json.dumps({**head, "judged": self.judged, "seen": self.seen, "told": self.told}, indent=1)
        if text != self._saved:
            write_text(self.path, text)
            self._saved = text
