"""Processes that a watch starts: bounded in time, and ended with the watch however it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_specqa.watch import child

from .conftest import Fifo

SLEEPER = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def is_gone(pid: int) -> bool:
    """Wait until a process has ended; a zombie has."""
    handle = None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 20)[0])
    finally:
        os.close(handle)


@pytest.fixture
def out(tmp_path: Path):
    with (tmp_path / "out").open("w+b") as file:
        yield file


def test_exit_code_and_output_come_back_and_arguments_stay_what_they_are(out) -> None:
    words = [*python("import sys; print(sys.argv[1:]); sys.exit(3)"), "$(id)", "a; b", "-x", ""]
    assert child.run(words, out=out, most=60) == 3
    out.seek(0)
    assert out.read() == b"['$(id)', 'a; b', '-x', '']\n"


def test_a_process_that_takes_too_long_is_ended_with_all_that_it_started(out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE", 0.1)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {stubborn!r}])"
    said = b""
    for most in (0.5, 2, 10, 60):
        # As long as a busy machine needs to get that far.
        assert child.run(python(parent), out=out, most=most) is None
        out.seek(0)
        if said := out.read():
            break
    assert is_gone(int(said))


def test_a_process_does_not_outlive_a_watch_that_is_killed(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from pytest_specqa.watch import child
with Path({str(tmp_path / "out")!r}).open("wb") as out:
    child.run({python(SLEEPER)!r}, out=out, most=600)
"""
    # The output of the sleeper comes here by way of a FIFO, which is no wait for a time.
    said = Fifo(tmp_path / "out")
    watch = subprocess.Popen([sys.executable, "-c", code], text=True)
    pid = int(said.hear(watch))
    watch.kill()
    watch.wait()
    assert is_gone(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_watch_ends_the_process_in_order(tmp_path: Path, number: signal.Signals) -> None:
    last = tmp_path / "last"
    orderly = f"""
import signal, sys, time
def end(*_):
    open({str(last)!r}, "w").write("in order")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""
    code = f"""
import signal
from pathlib import Path
from pytest_specqa.watch import child, cli
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, cli.Stop())
with Path({str(tmp_path / "out")!r}).open("wb") as out:
    child.run({python(orderly)!r}, out=out, most=600)
"""
    said = Fifo(tmp_path / "out")
    watch = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, text=True)
    assert said.hear(watch) == "ready\n"
    watch.send_signal(number)
    watch.wait(300)
    assert last.read_text() == "in order"
