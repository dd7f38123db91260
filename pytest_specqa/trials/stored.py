"""What became of trials, on disk: a line each, so that a run can stop and go on."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import scipy

from pytest_specqa.rules import expectations
from pytest_specqa.trials import night_units, trials
from pytest_specqa.trials.nights import Judged, Night
from pytest_specqa.trials.trials import Result, Trial

_TOLD_LATER = ("triage", "report", "plots", "compare")
"""Rooms that look at records once they are there: the records of a night do not depend on them."""


class _Keyed(Protocol):
    """A trial: something with an identity."""

    @property
    def key(self) -> str:
        """Identity in a results file."""


Wanted = TypeVar("Wanted", bound=_Keyed)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Lines(Generic[Wanted, Made]):
    """A file with what became of trials of one sort.

    Attributes
    ----------
    path : Path
        The file.
    work : callable
        Carries out a trial; a function of a module, so that other processes know it.
    read : callable
        Makes of a line what `work` gave.
    key : callable
        Key of the trial that a result is of.
    label : str
        What the progress bar says.
    """

    path: Path
    work: Callable[[Wanted], Made]
    read: Callable[[Mapping[str, Any]], Made]
    key: Callable[[Made], str]
    label: str = "judging"

    def load(self, keep: Collection[str] | None = None) -> dict[str, Made]:
        """Read what has been done, by key; a last line that was cut off is left out.

        Parameters
        ----------
        keep : collection of str, optional
            Keys of what is wanted; all by default.

        Returns
        -------
        dict of str to result
            Empty where nothing has been done.
        """
        if not self.path.exists():
            return {}
        done: dict[str, Made] = {}
        with self.path.open() as lines:
            for line in lines:
                try:
                    made = self.read(json.loads(line))
                except json.JSONDecodeError:
                    continue
                if keep is None or self.key(made) in keep:
                    done[self.key(made)] = made
        return done

    def complete(
        self, asked: Iterable[Wanted], *, processes: int, progress: bool = True, seconds: float = math.inf
    ) -> Iterator[Made]:
        """Run the trials that are not on disk yet, and give the results of all.

        They run in a random order that is always the same, so that a run that was stopped has some of everything.

        Parameters
        ----------
        asked : iterable of trial
            What is wanted.
        processes : int
            Workers.
        progress : bool
            Whether to show a progress bar.
        seconds : float
            Time after which no more results are waited for; a later call goes on from there.

        Yields
        ------
        result
            In no particular order.
        """
        wanted = {trial.key: trial for trial in asked}
        done = self.load(wanted)
        yield from done.values()
        missing = [trial for key, trial in wanted.items() if key not in done]
        if missing:
            np.random.default_rng(0).shuffle(missing)
            yield from self._finish(missing, processes=processes, progress=progress, seconds=seconds)

    def _finish(self, missing: Collection[Wanted], *, processes: int, progress: bool, seconds: float) -> Iterator[Made]:
        from tqdm import tqdm  # noqa: PLC0415

        end = time.monotonic() + seconds
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (
            self.path.open("a") as file,
            multiprocessing.get_context("spawn").Pool(processes) as pool,
            tqdm(total=len(missing), desc=self.label, unit="trial", disable=not progress) as bar,
        ):
            # A run that was killed may have left half a line.
            file.write("\n")
            for result in pool.imap_unordered(self.work, missing, chunksize=4):
                file.write(json.dumps(asdict(result)) + "\n")  # type: ignore[call-overload]
                file.flush()
                bar.update()
                yield result
                if time.monotonic() > end:
                    return


def store(folder: Path) -> Lines[Trial, Result]:
    """Results of single units in a work folder; those of other versions of code and limits stay apart in it."""
    return Lines(folder / f"trials-{_fingerprint()}.jsonl", trials.run, _result, lambda result: result.trial.key)


def night_store(folder: Path) -> Lines[Night, Judged]:
    """Records of nights in a work folder; rules of the triage may change without making them anew."""
    path = folder / f"nights-{_fingerprint(_TOLD_LATER)}.jsonl"
    return Lines(path, night_units.run, Judged.read, lambda judged: judged.night.key, label="nights")


def _result(line: Mapping[str, Any]) -> Result:
    return Result(**{**line, "trial": Trial(**line["trial"])})


@cache
def _fingerprint(but: tuple[str, ...] = ()) -> str:
    return fingerprint([Path(__file__).parent.parent, expectations.folder()], but=but)


def fingerprint(folders: Iterable[Path], *, but: Collection[str] = ()) -> str:
    """Digest of everything that a result depends on.

    Parameters
    ----------
    folders : iterable of Path
        The package and the expectations; every file counts, data files too, but what Python compiled.
    but : collection of str
        Names of folders in them that do not count.

    Returns
    -------
    str
        Another one whenever a file, its place, or the version of numpy or scipy is another.
    """
    digest = hashlib.sha256(f"numpy {np.__version__}, scipy {scipy.__version__}".encode())
    for number, folder in enumerate(folders):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            inside = path.relative_to(folder)
            if inside.parts[0] in but:
                continue
            content = path.read_bytes()
            digest.update(f"\n{number} {inside} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:12]


def workers() -> int:
    """Number of processes that this machine can run at once.

    Returns
    -------
    int
        Cores that this process may use.
    """
    return len(os.sched_getaffinity(0))
