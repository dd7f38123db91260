"""A command of the user's choice is run for what was found: once for each finding of a night, and never through a shell."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Iterable

from pytest_specqa.errors import UsageError
from pytest_specqa.printable import printable
from pytest_specqa.triage.finding import Finding
from pytest_specqa.triage.telling import as_json
from pytest_specqa.triage.weight import excess
from pytest_specqa.triage.wording import shortened
from pytest_specqa.values import Outcome
from pytest_specqa.watch import child
from pytest_specqa.watch.jobs import Sight
from pytest_specqa.watch.judging import Judged

SECONDS = 30.0
"""Time that a command has."""
TEXT = 300
"""Characters of the line that it is given."""
STEPS = (3, 10, 30, 100)
"""Times of the limit from which on a finding is told once more in the same night."""
LAST_BYTES = 2048


class Notifier:
    """Runs the command.

    Parameters
    ----------
    command : str
        Program and arguments, quoted as for a shell; empty if nobody wants to be told.
    most : float
        Seconds that it may take.

    Raises
    ------
    UsageError
        If its quotes do not match.
    """

    def __init__(self, command: str, *, most: float = SECONDS) -> None:
        try:
            self.words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"--notify {command!r}: cannot be read ({error}); quote it as for a shell") from None
        if command and not self.words:
            raise UsageError(f"--notify {command!r}: names no program")
        self.most = most

    def tell(self, sight: Sight, judged: Judged, *, told: list[str], log: str) -> list[str]:
        """Run the command for what fails and was not told of this night.

        Parameters
        ----------
        sight : Sight
            What was judged.
        judged : Judged
            What became of it.
        told : list of str
            What was told of the night; what is told now is added.
        log : str
            Where the output of the run is.

        Returns
        -------
        list of str
            A line for each command that failed.
        """
        lines = []
        for keys, text, finding in self._news(sight, judged):
            if self.words and not set(keys) <= set(told):
                line = printable(shortened(f"{sight.job.night} {_place(sight)}: {text}", TEXT))
                lines += self._run(sight, line, finding, outcome=judged.verdict, log=log)
                told.extend(key for key in keys if key not in told)
        return lines

    @staticmethod
    def _news(sight: Sight, judged: Judged) -> Iterable[tuple[list[str], str, Finding | None]]:
        if judged.verdict == "lost":
            yield [f"lost {sight.job.key}"], judged.sentence, None
        for finding in judged.findings:
            if finding.outcome is Outcome.FAILED:
                yield _keys(sight, finding), headline(finding, sight), finding

    def _run(self, sight: Sight, text: str, finding: Finding | None, *, outcome: str, log: str) -> list[str]:
        told = {
            "night": sight.job.night,
            "kind": sight.job.kind,
            "expid": sight.job.number if sight.job.kind == "exposure" else None,
            "tile": sight.tile,
            "outcome": outcome,
            "text": text,
            "log": log,
            "finding": json.loads(as_json([finding]))[0] if finding else None,
        }
        names = ("night", "kind", "expid", "tile", "outcome", "text", "log")
        variables = {f"SPECQA_{name.upper()}": printable("" if told[name] is None else told[name]) for name in names}
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
            given.write(json.dumps(told).encode() + b"\n")
            given.seek(0)
            try:
                code = child.run([*self.words, text], out=out, given=given, most=self.most, environ={**os.environ, **variables})
            except (OSError, ValueError) as error:
                return [f"notify: {self.words[0]} cannot be run ({getattr(error, 'strerror', None) or error})"]
            if code == 0:
                return []
            out.seek(max(0, out.seek(0, os.SEEK_END) - LAST_BYTES))
            said = out.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        ended = f"did not end within {self.most:g} s" if code is None else f"ended with {code}"
        return [f"notify: {self.words[0]} {ended}{f' ({said})' if said else ''}"]


def headline(finding: Finding, sight: Sight) -> str:
    """Say what a finding is where the exposure or tile is told already."""
    tile = f" of tile {sight.tile}" if sight.tile is not None else ""
    return finding.headline.replace(f", {sight.job.told}{tile}:", ":", 1)


def _place(sight: Sight) -> str:
    tile = f" of tile {sight.tile}" if sight.job.kind == "exposure" and sight.tile is not None else ""
    return f"{sight.job.told}{tile}"


def _keys(sight: Sight, finding: Finding) -> list[str]:
    """Name a finding by its cause, by each camera or petal that has it and by its size in half decades of the limit.

    The same in the next exposure is no news; it is where it has spread, or is three times as far out.
    """
    cause = finding.suspects[0].name if finding.suspects and not finding.unclear else finding.lead["measure"]
    reach = finding.reach
    if sight.job.kind == "exposure":
        places = [*reach.cameras] or [f"petal {petal}" for petal in reach.petals]
    else:
        places = [f"{sight.job.told} petal {petal}" for petal in reach.petals] or [sight.job.told]
    sizes = ["", *(f" x{step}" for step in STEPS if excess(finding.lead) >= step)]
    return [f"{finding.stage} {cause} {place}".strip() + size for place in places or [""] for size in sizes]
