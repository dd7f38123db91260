"""The verbs ``specqa run`` and ``specqa run-task``."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.printable import printable
from pytest_specqa.processes import single_threaded
from pytest_specqa.results.storing.cli import night_range
from pytest_specqa.values import BY_NIGHT, GROUPS

if TYPE_CHECKING:
    from pytest_specqa.production import Production
    from pytest_specqa.scale.engine import Engine
    from pytest_specqa.scale.plan import How, Plan, Task

DONE, BAD, INTERRUPTED = 0, 1, 130
ENGINES = {"local": "Local", "slurm": "Slurm", "dask": "Dask"}
"""Engines, each a module of `pytest_specqa.scale`, and the class there."""
ALL = ":"
TAKEN = (
    "--specprod",
    "--night",
    "--expid",
    "--tile",
    "--camera",
    "--petal",
    "--healpix",
    "--specqa-kinds",
    "--specqa-group",
    "--specqa-store",
)
"""Options of pytest that the plan gives to each task."""
HISTORY = "--specqa-history"


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verbs; each sets ``run``, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "run",
        help="judge many nights of a production, as tasks that resume",
        description="Plan every unit of some nights, judge them as tasks (exposures, tiles, nights), and add each task's part to a "
        "store. The same command goes on where it was stopped. Exit code 0: nothing fails, 1: something fails or could not be "
        "judged, 2: misuse, 130: interrupted.",
    )
    parser.add_argument("production", metavar="PROD", help="production folder, or its name under $DESI_SPECTRO_REDUX")
    text = "nights YYYYMMDD or inclusive ranges A:B, separated by commas; : for all"
    parser.add_argument("--nights", metavar="A:B", type=_nights, required=True, help=text)
    parser.add_argument("--out", metavar="STORE", type=Path, required=True, help="store of the results, made if it is not there")
    parser.add_argument("--engine", choices=tuple(ENGINES), default="local", help="what carries the tasks out [local]")
    parser.add_argument("--workers", metavar="N", type=_positive, help="tasks judged at once; with slurm in each job [cores]")
    parser.add_argument("--at-once", metavar="N", type=_positive, help="slurm: jobs of the array that run at once [as many as may]")
    parser.add_argument("--cluster", metavar="WHAT", help="dask: local, slurm, or the address of a scheduler [local]")
    text = f"reductions of tiles: {', '.join(BY_NIGHT)} [the first that is there]"
    parser.add_argument("--group", metavar="GROUP", type=_group, help=text)
    parser.add_argument("--limits", metavar="FILE", type=Path, help="your own limits file")
    parser.add_argument("--waivers", metavar="FILE", type=Path, help="waivers.toml")
    parser.add_argument("--suite", metavar="PATH", action="append", default=[], help="tests to run; repeatable [those of specqa]")
    parser.add_argument("--pytest", metavar="WORDS", default="", help="more options of pytest, in one text such as '-k sky'")
    parser.add_argument("--plan-only", action="store_true", help="write the plan, say what it holds, and leave")
    parser.add_argument("--replan", action="store_true", help="plan anew, though an earlier plan is not done")
    parser.set_defaults(run=run)
    one = subparsers.add_parser(
        "run-task",
        help="judge tasks of a plan, here and now",
        description="Judge tasks of a plan one after the other in this process, as a worker does. "
        "Exit code 0: judged, 1: one could not be, 2: misuse.",
    )
    one.add_argument("out", metavar="STORE", type=Path, help="the store, which has the plan")
    one.add_argument("tasks", metavar="TASK", nargs="*", help="names such as 20211014-exposure-00104284")
    one.add_argument("--night", metavar="NIGHT", type=int, help="all tasks of a night that are missing")
    one.set_defaults(run=run_one)


def _nights(text: str) -> str:
    if text != ALL:
        for part in text.split(","):
            night_range(part)
    return text


def _group(text: str) -> str:
    if text not in BY_NIGHT:
        advice = f"; pytest judges it without a plan: --specqa-group {text}" if text in GROUPS else ""
        raise argparse.ArgumentTypeError(f"{text!r} is not judged night by night; expected {', '.join(BY_NIGHT)}{advice}")
    return text


def _positive(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 100_000):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, one or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa run``."""
    from pytest_specqa.production import Production, resolve  # noqa: PLC0415
    from pytest_specqa.scale.driving import hopeful  # noqa: PLC0415

    # Workers inherit it, in whatever order they load what they need: sums over threads differ in the last digits.
    single_threaded(os.environ)
    production = Production(resolve(arguments.production, os.environ))
    how = _how(arguments, production)
    engine = None if arguments.plan_only else _engine(arguments)
    with _store(arguments.out, production.name) as out, _alone(out), _stoppable():
        plan = _plan(production, how, out, again=arguments.replan)
        missing = plan.missing(out)
        todo = len(hopeful(out, missing))
        dead = f", {len(missing) - todo} given up" if todo < len(missing) else ""
        _say(f"plan: {_told(plan)}; {_counted(len(plan.tasks) - len(missing), 'task')} done, {todo} to do{dead}")
        return DONE if engine is None else _drive(out, plan, engine, missing=missing)


def _how(arguments: argparse.Namespace, production: Production) -> How:
    """Tell how tasks are judged; files that are named are read now, and not found wanting by every task."""
    from pytest_specqa.rules import limits_file, waiver_file  # noqa: PLC0415
    from pytest_specqa.run import apart  # noqa: PLC0415
    from pytest_specqa.scale.plan import How  # noqa: PLC0415

    words: list[str] = []
    if arguments.limits:
        limits_file.load([limits_file.default_file(), arguments.limits])
        words.append(f"--specqa-limits={arguments.limits.resolve()}")
    if arguments.waivers:
        waiver_file.load(arguments.waivers)
        words.append(f"--specqa-waivers={arguments.waivers.resolve()}")
    for path in arguments.suite:
        if not Path(path).exists():
            raise UsageError(f"--suite {path}: no such file or folder; expected tests")
    try:
        own = shlex.split(arguments.pytest)
    except ValueError as error:
        raise UsageError(f"--pytest {arguments.pytest}: {error}; expected options of pytest") from None
    _verify_own(own, arguments.out)
    suite = [str(Path(path).resolve()) for path in arguments.suite] or apart.suite()
    group = arguments.group or production.own_group
    if group not in BY_NIGHT:
        raise UsageError(
            f"{production.name} holds the reductions {group}, which are not judged night by night; judge them with pytest "
            f"--specqa-group {group}, or the exposures alone with --group {BY_NIGHT[0]}"
        )
    return How(str(production.root), production.name, arguments.nights, group, tuple(suite), (*words, *own))


def _verify_own(words: Sequence[str], out: Path) -> None:
    """Refuse options of pytest by which tasks would judge something else than was planned, or compare with each other."""
    for word, after in pairwise((*words, "")):
        name, given, value = word.partition("=")
        if name in TAKEN:
            raise UsageError(f"--pytest {name}: each task has its own; choose by the options of specqa run")
        if name == HISTORY and Path(value if given else after).resolve() == out.resolve():
            raise UsageError(f"--pytest {HISTORY}: is the store of this run, which grows while tasks compare with it; give another")


def _engine(arguments: argparse.Namespace) -> Engine:
    own = {"slurm": {"at_once": arguments.at_once}, "dask": {"cluster": arguments.cluster}}
    for name, options in own.items():
        for option, value in options.items():
            if value is not None and arguments.engine != name:
                raise UsageError(f"--{option.replace('_', '-')}: is an option of --engine {name}, not of {arguments.engine}")
    given: dict[str, Any] = {name: value for name, value in own.get(arguments.engine, {}).items() if value is not None}
    made = getattr(import_module(f"pytest_specqa.scale.{arguments.engine}"), ENGINES[arguments.engine])
    return cast("Engine", made(workers=arguments.workers or len(os.sched_getaffinity(0)), **given))


@contextmanager
def _store(out: Path, production: str) -> Iterator[Path]:
    """Make or open the store; one that was made for a plan that could not be made is taken away again."""
    from pytest_specqa.results.storing import planned  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import LABEL, Store  # noqa: PLC0415

    was_there, was_store = out.exists(), (out / LABEL).exists()
    root = Store.create(out, production=production).root.resolve()
    try:
        yield root
    except BaseException:
        # What somebody else has put there meanwhile makes it a store to keep.
        if not was_store and not (root / planned.PLAN).exists():
            with suppress(OSError):
                (root / planned.PLAN).parent.rmdir()
                if [path.name for path in root.iterdir()] == [LABEL]:
                    (root / LABEL).unlink()
                if not was_there:
                    root.rmdir()
        raise


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other runs away from a plan."""
    from pytest_specqa.results import holding  # noqa: PLC0415
    from pytest_specqa.results.storing import planned  # noqa: PLC0415
    from pytest_specqa.results.storing.shelf import make_folder  # noqa: PLC0415

    since = f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z}"
    make_folder((out / planned.PLAN).parent)
    try:
        lock = holding.begin(out / planned.PLAN, {"run": "run", "pid": os.getpid(), "host": socket.gethostname(), "since": since})
    except holding.BusyError as error:
        raise ResultsError(f"{str(error).partition(';')[0]}; wait for it, or end it") from None
    try:
        yield
    finally:
        lock.close(remove=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: workers are ended, and what is done stays."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _plan(production: Production, how: How, out: Path, *, again: bool) -> Plan:
    """Take up the plan of a store, or make one."""
    from pytest_specqa.results.storing import planned  # noqa: PLC0415
    from pytest_specqa.scale import planning  # noqa: PLC0415
    from pytest_specqa.scale.driving import hopeful  # noqa: PLC0415
    from pytest_specqa.scale.plan import Plan  # noqa: PLC0415
    from pytest_specqa.scale.tries import Tries  # noqa: PLC0415

    path = out / planned.PLAN
    if path.exists() and not again:
        old = Plan.read(out)
        other = "asks for something else" if old.how != how else ""
        if not other and old.checks == planning.collect(old):
            return old
        if missing := hopeful(out, old.missing(out)):
            what = other or "was made with other code or limits"
            raise UsageError(
                f"{out}: its plan (nights {old.how.nights}, {len(missing)} of {_counted(len(old.tasks), 'task')} to do) {what}; "
                "end it with the options and the code that it was made with, or plan anew with --replan"
            )
    nights = [] if how.nights == ALL else [night_range(part) for part in how.nights.split(",")]
    plan = planning.make(production, how, nights=nights)
    plan.write(path)
    Tries(out).forget()
    return plan


def _drive(out: Path, plan: Plan, engine: Engine, *, missing: Sequence[Task]) -> int:
    from pytest_specqa.scale.driving import drive  # noqa: PLC0415
    from pytest_specqa.scale.progress import Progress  # noqa: PLC0415

    progress = Progress(out, plan, missing=missing)
    try:
        drive(out, engine, told=progress.told, given_up=progress.given_up)
    except KeyboardInterrupt:
        progress.end()
        left = len(plan.missing(out))
        _say(f"stopped with {len(plan.tasks) - left} of {_counted(len(plan.tasks), 'task')} done; the same command goes on")
        return INTERRUPTED
    except BaseException:
        progress.bar.close()
        raise
    progress.end()
    _say(f"{_told(plan)} judged: {progress.found.told}; may it go? specqa gate {out}")
    return BAD if progress.found.failing or progress.found.dead else DONE


def _told(plan: Plan) -> str:
    kinds = [task.kind for task in plan.tasks]
    each = ", ".join(_counted(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))
    return f"{sum(task.checks for task in plan.tasks):,} checks of {each}"


def _counted(number: int, noun: str) -> str:
    from pytest_specqa.checks.wording import count  # noqa: PLC0415

    return count(number, noun)


def _say(text: str) -> None:
    print(printable(text), flush=True)


def run_one(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa run-task``."""
    # Before what is missing is asked for, which loads numpy.
    single_threaded(os.environ)
    from pytest_specqa.scale.plan import Plan  # noqa: PLC0415
    from pytest_specqa.scale.task import run_all  # noqa: PLC0415

    names: Sequence[str] = arguments.tasks
    if arguments.night is not None:
        plan = Plan.read(arguments.out, nights=[arguments.night])
        missing = plan.missing(arguments.out)
        if not missing:
            _say(f"night {arguments.night}: " + ("all is judged" if plan.tasks else "the plan has no task of it"))
        names = [*names, *(task.name for task in missing)]
    elif not names:
        raise UsageError("expected names of tasks, or --night NIGHT")
    return DONE if run_all(arguments.out, names) else BAD
