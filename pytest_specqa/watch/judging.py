"""One job, judged by a run of pytest in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_specqa.checks.outcome import is_excused
from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.errors import EmptyResultsError, ResultsError
from pytest_specqa.results import store
from pytest_specqa.triage.finding import Finding
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import TOGETHER, Outcome, Record
from pytest_specqa.watch import child
from pytest_specqa.watch.jobs import Job

PASSED, FAILED, USAGE, NO_TESTS = 0, 1, 4, 5
"""Exit codes of pytest."""
TRIES = 2
LAST_BYTES = 4096


@dataclass(frozen=True)
class How:
    """How jobs are judged.

    Attributes
    ----------
    root : Path
        The production.
    folder : Path
        Where logs go, and results as long as they are not in the store.
    suite : sequence of str
        Files or folders of tests.
    options : sequence of str
        The user's own options of pytest.
    group : str
        Folder below ``tiles/``.
    most : float
        Seconds that a run may take.
    reports : Path or None
        Where the pages of the runs go; none are written by default.
    """

    root: Path
    folder: Path
    suite: Sequence[str]
    options: Sequence[str] = ()
    group: str = "cumulative"
    most: float = 3600.0
    reports: Path | None = None


@dataclass(frozen=True)
class Judged:
    """What became of a job.

    Attributes
    ----------
    verdict : str
        ``passed``, ``warned``, ``failed``, ``not measured``, ``unreachable``, or ``lost`` where no run came to its end.
    sentence : str
        What is to be said in one line.
    records : list of Record
        Measurements; none of what is lost.
    findings : list of Finding
        What fails or warns and no waiver or baseline answers for, worst first.
    tries : int
        Runs that it took.
    """

    verdict: str
    sentence: str
    records: list[Record] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    tries: int = 1


class Judge:
    """Judges jobs, one after the other.

    Parameters
    ----------
    how : How
        What is run.
    """

    def __init__(self, how: How) -> None:
        self.how = how

    def log(self, job: Job) -> Path:
        """Where the output of the last run for a job is kept."""
        return self.how.folder / str(job.night) / f"{job.key}.log"

    def results(self, job: Job) -> Path:
        """Where its results are until the store has them."""
        return self.how.folder / str(job.night) / f"{job.key}.jsonl"

    def judge(self, job: Job) -> Judged:
        """Run pytest for a job; one that dies is tried once more, and goes on where it was.

        Raises
        ------
        ResultsError
            If there is no place for its log.
        """
        why = ""
        for number in range(1, TRIES + 1):
            self._clear(job)
            code = self._run(job, again=number > 1)
            why, found = self._read(job, code)
            if found is not None:
                return Judged(found.verdict, found.sentence, found.records, found.findings, number)
            if code == USAGE:
                break
        return Judged("lost", f"NOT JUDGED: {why}; see {self.log(job)}", tries=number)

    def forget(self, job: Job) -> None:
        """Remove the results of a job, which the store has or nobody wants, and its journal."""
        self._clear(job)
        for path in self.results(job).parent.glob(f"{self.results(job).name}.journal*"):
            path.unlink(missing_ok=True)

    def words(self, job: Job) -> list[str]:
        """Return the command line for a job."""
        numbers = {"exposure": [f"--expid={job.number}"], "tile": [f"--tile={job.number}"], "night": []}[job.kind]
        own = ["-p", "no:cacheprovider", f"--specprod={self.how.root}", f"--night={job.night}", *numbers]
        own += [f"--specqa-kinds={','.join(TOGETHER[job.kind])}", f"--specqa-group={self.how.group}"]
        own += [f"--specqa-results={self.results(job)}", "--specqa-vectors", "--specqa-resume"]
        if self.how.reports is not None:
            own.append(f"--html={self.how.reports / job.key}.html")
        return [sys.executable, "-m", "pytest", *self.how.suite, *own, *self.how.options]

    def _run(self, job: Job, *, again: bool) -> int | None:
        log = self.log(job)
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            if self.how.reports is not None:
                self.how.reports.mkdir(parents=True, exist_ok=True)
            with log.open("ab" if again else "wb") as out:
                return child.run(self.words(job), out=out, most=self.how.most)
        except OSError as error:
            raise ResultsError(f"{log}: cannot be written, or pytest not started: {error.strerror or error}") from None

    def _read(self, job: Job, code: int | None) -> tuple[str, Judged | None]:
        """Read what a run has stored; say why it does not count if it is not whole."""
        if code is None:
            return f"the run did not end within {self.how.most / 60:g} minutes", None
        if code == NO_TESTS:
            return "", Judged("not measured", "NOT MEASURED: no test judges it")
        if code not in (PASSED, FAILED):
            return self._died(job, code), None
        try:
            records = store.read(self.results(job))
        except EmptyResultsError:
            records = []
        except ResultsError as error:
            return str(error), None
        beside = f"pytest ended with exit code {code}; see {self.log(job)}" if code == FAILED else ""
        verdict = Verdict.of(records, Circumstances())
        if verdict.partial:
            return f"only {verdict.partial}", None
        if beside and verdict.outcome is not Outcome.FAILED:
            verdict = Verdict.of(records, Circumstances(beside=beside))
        made = findings(record for record in records if not is_excused(record))
        return "", Judged(str(verdict.outcome), verdict.sentence, records, made)

    def _died(self, job: Job, code: int) -> str:
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        try:
            with self.log(job).open("rb") as file:
                file.seek(max(0, self.log(job).stat().st_size - LAST_BYTES))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            lines = []
        said = next((line for line in reversed(lines) if line.startswith(("ERROR: ", "INTERNALERROR> "))), "")
        return f"the run {ended}{f' ({said[:300]})' if said else ''}"

    def _clear(self, job: Job) -> None:
        self.results(job).unlink(missing_ok=True)
