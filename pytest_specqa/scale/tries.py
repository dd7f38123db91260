"""How often tasks were lost, kept beside the plan: one that kills its worker is given up in the end, whoever started the runs."""

from __future__ import annotations

import datetime
import json
import os
from collections import defaultdict
from pathlib import Path

from pytest_specqa.errors import ResultsError
from pytest_specqa.printable import printable
from pytest_specqa.results.writable import why_not
from pytest_specqa.scale.engine import Event

NAME = "plan/lost.jsonl"
TRIES = 3
"""Times that a task is tried."""


class Tries:
    """Losses of tasks, in the store of a plan.

    Parameters
    ----------
    out : Path
        The store.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / NAME
        self._why: dict[str, list[str]] = defaultdict(list)
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        for line in lines:
            try:
                found = json.loads(line)
                self._why[found["task"]].append(str(found["why"]))
            except (ValueError, KeyError, TypeError):
                # The end of a line that was being written when its writer was stopped.
                continue

    def note(self, event: Event) -> None:
        """Note that a task was lost, on disk."""
        self._why[event.task.name].append(event.why)
        now = f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        line = json.dumps({"task": event.task.name, "why": printable(event.why), "worker": event.worker, "at": now})
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be written: {why_not(error)}") from None

    def spent(self, name: str) -> bool:
        """Tell whether a task was lost as often as it is tried."""
        return len(self._why[name]) >= TRIES

    def why(self, name: str) -> str:
        """Say what became of the tries of a task."""
        told = list(dict.fromkeys(self._why[name]))
        return f"{'; '.join(told)} ({len(self._why[name])} tries)"

    def forget(self) -> None:
        """Count anew."""
        self._why.clear()
        self.path.unlink(missing_ok=True)
