"""The verb ``specqa watch``."""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.printable import printable
from pytest_specqa.remote import is_remote
from pytest_specqa.values import BY_NIGHT

PASSED, FAILED, SIGNALLED = 0, 1, 128
FOLDER = "watch"
"""Folder in the store that has the logs."""


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb; it sets ``run``, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "watch",
        help="judge a production while it is made",
        description="Judge exposures as their products are complete, then tiles and nights; keep the results in a store, bring the "
        "pages of a site up to date, and run a command on a finding. Options of pytest may follow after --. "
        "Exit code with --once 0: nothing fails, 1: something fails or could not be judged; 2: misuse.",
    )
    parser.add_argument("production", metavar="PROD", help="production folder, or its name under $DESI_SPECTRO_REDUX")
    parser.add_argument("--store", metavar="DIR", type=Path, required=True, help="store of the results, made if it is not there")
    parser.add_argument("--site", metavar="DIR", type=Path, help="pages to keep up to date")
    parser.add_argument("--since", metavar="NIGHT", type=_night, help="first night to look at [the last two, and what is not done]")
    parser.add_argument("--once", action="store_true", help="judge what is complete now, and leave")
    parser.add_argument("--notify", metavar="COMMAND", default="", help="run this on a finding, with its JSON on standard input")
    text = "time between two looks: Lustre and GPFS do not tell of files that other machines write [60]"
    parser.add_argument("--poll", metavar="SECONDS", type=_positive, default=60.0, help=text)
    text = "time that files must stay as they are before they are judged [30]"
    parser.add_argument("--settle", metavar="SECONDS", type=_positive, default=30.0, help=text)
    text = "time after which an exposure is judged without what is missing [60]"
    parser.add_argument("--patience", metavar="MINUTES", type=_positive, default=60.0, help=text)
    parser.add_argument("--timeout", metavar="MINUTES", type=_positive, default=60.0, help="time that one run of pytest has [60]")
    parser.add_argument("--group", choices=BY_NIGHT, default=BY_NIGHT[0], help="folder below tiles/ [cumulative]")
    parser.add_argument("--limits", metavar="FILE", type=Path, help="your own limits file")
    parser.add_argument("--waivers", metavar="FILE", type=Path, help="waivers.toml")
    parser.add_argument("--suite", metavar="PATH", action="append", default=[], help="tests to run; repeatable [those of specqa]")
    parser.add_argument("-n", dest="workers", metavar="N", help="processes of one run, as pytest -n")
    parser.set_defaults(run=run, pytest=[])
    _pass_on(parser)


def _pass_on(parser: argparse.ArgumentParser) -> None:
    """Keep what follows ``--`` for pytest: argparse would take it for more of what came before."""
    plain = parser.parse_known_args

    def parse(args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        words = list(args or ())
        at = words.index("--") if "--" in words else len(words)
        found, rest = plain(words[:at], namespace)
        found.pytest = words[at + 1 :]
        return found, rest

    parser.parse_known_args = parse  # type: ignore[method-assign,assignment]


def _night(text: str) -> int:
    try:
        datetime.datetime.strptime(text, "%Y%m%d")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no night, expected YYYYMMDD") from None
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e7:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number, zero or more")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa watch``."""
    from pytest_specqa.production import Production, resolve  # noqa: PLC0415
    from pytest_specqa.results import holding  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415
    from pytest_specqa.watch.memory import NAME  # noqa: PLC0415

    root = resolve(arguments.production, os.environ)
    if is_remote(root):
        raise UsageError(f"{root}: found an address; expected a folder of this machine; judge it with specqa run")
    production = Production(root)
    options = _options(arguments)
    store = Store.create(arguments.store, production=production.name)
    since = f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z}"
    header = {"run": FOLDER, "pid": os.getpid(), "host": socket.gethostname(), "since": since}
    try:
        lock = holding.begin(store.root / NAME, header)
    except holding.BusyError as error:
        who = str(error).partition(";")[0].replace("another run", "another watch", 1)
        raise ResultsError(f"{who}; one store has one watch") from None
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _watch(arguments, root.resolve(), store=store, options=options, stop=stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        lock.close(remove=True)


class Stop:
    """What a signal that ends a watch calls; a library may swallow what it raises, as DuckDB does: `check` raises it again."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int, _: object) -> None:
        """Take the signal."""
        self.number = number
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if there was a signal."""
        if self.number:
            raise KeyboardInterrupt


def _options(arguments: argparse.Namespace) -> list[str]:
    """Options of pytest; files that are named are read now, and not found wanting in the night."""
    from pytest_specqa.rules import limits_file, waiver_file  # noqa: PLC0415

    words: list[str] = []
    if arguments.limits:
        limits_file.load([limits_file.default_file(), arguments.limits])
        words.append(f"--specqa-limits={arguments.limits.resolve()}")
    if arguments.waivers:
        waiver_file.load(arguments.waivers)
        words.append(f"--specqa-waivers={arguments.waivers.resolve()}")
    if arguments.workers:
        words += ["-n", arguments.workers]
    for path in arguments.suite:
        if not Path(path).exists():
            raise UsageError(f"--suite {path}: no such file or folder; expected tests")
    return words + list(arguments.pytest)


def _watch(arguments: argparse.Namespace, root: Path, *, store: Any, options: list[str], stop: Stop) -> int:
    from pytest_specqa.rules import expectations  # noqa: PLC0415
    from pytest_specqa.watch.endings import cut_short  # noqa: PLC0415
    from pytest_specqa.watch.jobs import Scanner  # noqa: PLC0415
    from pytest_specqa.watch.judging import How, Judge  # noqa: PLC0415
    from pytest_specqa.watch.loop import Parts, WallClock, Watch  # noqa: PLC0415
    from pytest_specqa.watch.memory import NAME, Memory  # noqa: PLC0415
    from pytest_specqa.watch.notice import Notifier  # noqa: PLC0415
    from pytest_specqa.watch.ripe import Patience, Sorter  # noqa: PLC0415

    memory = Memory.load(store.root / NAME, production=store.production)
    suite = arguments.suite or [str(expectations.folder())]
    site, reports = _site(store, arguments.site)
    how = How(root, store.root.resolve() / FOLDER, suite, options, arguments.group, arguments.timeout * 60, reports)
    patience = Patience(arguments.settle, arguments.patience * 60)
    watch = Watch(
        Parts(
            scanner=Scanner(root, group=arguments.group),
            sorter=Sorter(memory, patience, cut_short=cut_short),
            judge=Judge(how),
            notifier=Notifier(arguments.notify),
            memory=memory,
            store=store,
            site=site,
            say=_say,
            clock=WallClock(),
            check=stop.check,
        ),
        since=arguments.since,
    )
    try:
        if arguments.once:
            try:
                left = watch.once()
            except OSError as error:
                raise UsageError(f"{error.filename or root}: {error.strerror or error}") from None
            for one in left:
                _say(f"waiting: {one.sight.job.told}: {one.why}")
            return FAILED if watch.failed else PASSED
        _say(f"watching {root} every {arguments.poll:g} s; results in {store.root}, logs in {how.folder}; Ctrl-C ends it")
        watch.forever(poll=arguments.poll)
    except KeyboardInterrupt:
        _say(f"watch stopped after {watch.judged} judged, {watch.failed} of them failed; start it again to go on")
        return SIGNALLED + stop.number
    return PASSED


def _site(store: Any, out: Path | None) -> tuple[Callable[[], object] | None, Path | None]:
    """Bring the pages up to date, and return what does so again, and where reports of runs go that the pages lead to."""
    if out is None:
        return None, None
    from pytest_specqa.site.build import build  # noqa: PLC0415

    # A folder that is no site is refused now, and what an earlier watch has judged last is shown.
    build(store.root, out)
    reports = out.resolve() / "reports"

    def again() -> object:
        return build(store.root, out, reports=reports if reports.is_dir() else None)

    return again, reports


def _say(text: str) -> None:
    print(printable(text), flush=True)
