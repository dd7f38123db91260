"""What the suite says of a damaged production, in a process of its own that may crash, hang or take memory."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import resource
import select
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .bench import CAMERA, EXPID, NIGHT, PETAL, TILE

SECONDS = 5
"""Of the processor, or by the clock for what only waits: a machine with other work to do makes nothing hang."""
LOOK = 0.2
MEMORY = 1_500_000_000
ROOM = 6_000_000_000
"""Address space: what would take more is stopped before the machine is."""
SUITE = Path(__file__).parents[2] / "qa_tests"
UNITS = {**dict.fromkeys(("redrock", "coadd"), f"petal{PETAL}"), "fibermap": ""}
"""Part of the names of the tests that read a kind of file; empty for all of them, and the exposure where none is given."""
NAMES = {"fiberflatnight": "fiber ?flat", "redrock": "redrock|redshift", "fibermap": "fibermap|targets?\\b|fibers?\\b"}
"""How a failure calls a kind of file, where it is not by this word."""
IDENTITY = ("test_production.py", "test_joins.py", "test_frame.py::test_fibers_are_who_they_say")

PLUGINS = ("pytest_specqa.plugin",)
"""All that is loaded of plugins: what else is installed here costs half a second at each start."""
NOT_LOADED = ("no:unraisableexception", "no:threadexception", "no:faulthandler")
"""What collects all waste at the end of a run, which takes as long as the run."""
CAMERA_ONLY = (f"--expid={EXPID}", f"--camera={CAMERA}")
WHOLE = "--specqa-verify=whole"
"""Has packed files inflated to their end, where their sum is."""


@dataclass(frozen=True)
class Saying:
    """What came of it.

    Attributes
    ----------
    verdict : str
        ``passed``, ``named``, ``unnamed`` (a failure that names no file), ``traceback``, ``hang`` or ``memory``.
    words : str
        The line that names the file, or the last lines of a traceback.
    """

    verdict: str
    words: str = ""


def apart(work: Callable[[], Saying], *, seconds: int = SECONDS) -> Saying:
    """Do some work in a forked process, with limits."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, read, write, seconds)
    os.close(write)
    said = _drained(read, child)
    if said is None:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    if said is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)):
        return Saying("hang", f"{used.ru_utime + used.ru_stime:.1f} s of the processor, or {SECONDS} s of waiting")
    if used.ru_maxrss * 1024 > MEMORY:
        return Saying("memory", f"{used.ru_maxrss / 1e6:.1f} GB")
    if not said:
        return Saying("traceback", f"the process died: status {status}")
    return Saying(**json.loads(said))


def _work(work: Callable[[], Saying], read: int, write: int, seconds: int) -> None:
    """The child: never returns."""
    os.close(read)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    try:
        said = work()
    except MemoryError:
        said = Saying("memory", f"more than {ROOM / 1e9:.0f} GB asked for")
    except BaseException:
        said = Saying("traceback", traceback.format_exc()[-600:])
    with contextlib.suppress(OSError):
        os.write(write, json.dumps(said.__dict__).encode()[:60000])
    os._exit(0)


def _drained(read: int, child: int) -> bytes | None:
    """What the child writes until it ends; ``None`` where it has stood still for too long."""
    parts, worked, since = [], -1, time.monotonic()
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while time.monotonic() - since < SECONDS:
            if select.select([pipe], [], [], LOOK)[0]:
                if not (part := pipe.read(65536)):
                    return b"".join(parts)
                parts.append(part)
            state, ticks = _progress(child)
            if state == "R" or ticks != worked:
                worked, since = ticks, time.monotonic()
    return None


def _progress(child: int) -> tuple[str, int]:
    """State of a process, and the time of the processor that it has had."""
    fields = Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return fields[0], int(fields[11]) + int(fields[12])


def read_alone(kind: str, root: Path) -> Saying:
    """Read one product as the fixtures do."""
    from pytest_specqa.errors import SpecQAError  # noqa: PLC0415
    from pytest_specqa.production import Production  # noqa: PLC0415
    from pytest_specqa.values import Tile  # noqa: PLC0415

    production = Production(root)
    camera = {"night": NIGHT, "expid": EXPID, "camera": CAMERA}
    tile = Tile(TILE, NIGHT, "cumulative", f"thru{NIGHT}", (PETAL,))
    readers: dict[str, Callable[[], object]] = {
        **{one: lambda one=one: production.read_frame(one, **camera) for one in ("frame", "sframe", "cframe")},
        "sky": lambda: production.read_sky(**camera),
        "fluxcalib": lambda: production.read_fluxcalib(**camera),
        "fiberflatnight": lambda: production.read_fiberflat(night=NIGHT, camera=CAMERA),
        "fibermap": lambda: production.read_exposure_fibermap(night=NIGHT, expid=EXPID, petal=PETAL),
        "redrock": lambda: production.read_redshifts(tile, PETAL),
        "coadd": lambda: production.read_coadd_tables(tile, PETAL),
    }
    try:
        readers[kind]()
    except SpecQAError as error:
        return _line(str(error))
    return Saying("passed")


def _line(text: str) -> Saying:
    return Saying("named", text) if "\n" not in text else Saying("traceback", f"more than a line: {text}")


def run(root: Path, scratch: Path, *, units: str, select: tuple[str, ...] = CAMERA_ONLY, names: str = "") -> Saying:
    """Run the checks of identity and use on the units that a file belongs to, as pytest does, in this process.

    A failure names the file where its text matches the pattern `names`.
    """
    results = scratch / "results.jsonl"
    results.unlink(missing_ok=True)
    words = [*(str(SUITE / test) for test in IDENTITY), f"--specprod={root}", *select, f"--specqa-results={results}"]
    # The modules of the suite are in memory already, which pytest would warn of.
    words += ["-k", units] if units else []
    words += [word for plugin in (*PLUGINS, *NOT_LOADED) for word in ("-p", plugin)]
    words += ["-q", "-p", "no:cacheprovider", "--assert=plain", f"--rootdir={SUITE.parent}"]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    output = io.StringIO()
    with _silent(output):
        code = int(pytest.main(words))
    return weighed(code, output.getvalue(), results, names)


def weighed(code: int, output: str, results: Path, names: str) -> Saying:
    """What a run says: its exit code, what it printed, and its results, of which a failure that matches `names` names the file."""
    if "Traceback (most recent call last)" in output or "INTERNALERROR" in output or code not in (0, 1, 4, 5):
        return Saying("traceback", output[-600:])
    if code in (4, 5):
        lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
        return _line(lines[-1]) if len(lines) == 1 else Saying("traceback", f"exit {code}: {output[-600:]}")
    records = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    crashed = [record for record in records if record["measure"] == "crash"]
    if crashed:
        return Saying("traceback", crashed[0]["message"])
    failed = [record for record in records if record["outcome"] == "failed"]
    if bool(failed) != (code == 1):
        return Saying("traceback", f"exit {code} beside {len(failed)} failed measurements")
    said = [f"{one['expectation']} [{one['measure']}]: {one['message']}" for one in failed]
    naming = [text for text in said if re.search(names, text, re.IGNORECASE)]
    if naming or not said:
        return Saying("named", naming[0]) if said else _warned(records)
    return Saying("unnamed", said[0])


def _warned(records: list[dict[str, Any]]) -> Saying:
    """What is said of a table without a failure: it hides no exposure, and the sound one gives no such warning."""
    odd = [one["message"] for one in records if one["measure"] == "table_oddities" and one["outcome"] == "warned"]
    return Saying("named", odd[0]) if odd else Saying("passed")


@contextlib.contextmanager
def _silent(output: io.StringIO) -> Iterator[None]:
    """Keep what is printed."""
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield


def warm(sound: Path) -> None:
    """Load what every run needs, so that forked processes need not: judge a sound production, and leave its modules in memory."""
    import astropy.io.fits  # noqa: F401, PLC0415

    from pytest_specqa import cli  # noqa: PLC0415

    with _silent(io.StringIO()):
        cli.main(["prepare"])
    with tempfile.TemporaryDirectory() as scratch:
        said = run(sound, Path(scratch), units="")
    if said.verdict != "passed":
        raise ValueError(f"a sound production: {said.verdict} {said.words}")
    # What is collected in a forked process is its own waste only.
    gc.collect()
    gc.freeze()
