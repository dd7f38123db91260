"""A small project whose runs are processes of their own, and faults that strike them at a check that is named, never after a time.

They load the plugins that they need and no others: that of hypothesis takes three seconds at the end of every run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

CHECKS = """
import os, signal

def judged(unit, production):
    production.find("sframe", night=unit.night, expid=unit.expid, camera=unit.camera)
    with open(os.environ["JUDGED"], "a") as stream:
        stream.write(unit.id + "\\n")

def test_value(specqa_camera, expect, production):
    judged(specqa_camera, production)
    expect("value", 5 if specqa_camera.camera == "r6" else 0.5)

def test_other(specqa_camera, expect, production):
    judged(specqa_camera, production)
    if str(specqa_camera) == "20211014-00104284-r6" and "STRIKE" in os.environ:
        victim, name = os.environ["STRIKE"].split()
        if name == "START":
            import subprocess, sys, shlex
            with open(os.environ["SECOND"], "w") as stream:
                os.environ.pop("STRIKE")
                code = subprocess.call(shlex.split(os.environ["WORDS"]), stdout=stream, stderr=stream)
                stream.write(f"exit {code}")
        elif name == "FILL":
            with open(victim, "wb", buffering=0) as stream:
                try:
                    while stream.write(bytes(512)):
                        pass
                except OSError:
                    pass
        else:
            os.kill(os.getppid() if victim == "parent" else os.getpid(), getattr(signal, name))
            if victim == "parent" and name == "SIGKILL":
                # The end of the other process ends this one.
                signal.pause()
            elif victim == "parent":
                # It has the signal already, and would wait ten seconds for a check that does not end.
                os._exit(0)
    expect("other", 1.5)
"""
LIMITS = """
[value]
high = 2
source = "a test"

[other]
high = 2
source = "another test"
"""
TOTAL = 8
PLUGINS = {"-n": ("xdist",), "--html": ("pytest_metadata.plugin", "pytest_html.plugin", "pytest_html.fixtures")}
"""What an option needs."""
LEFT_OUT = ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
"""Variables of the environment that change what is printed, or what a start costs."""
NAMING = ("run", "reused", "known", "inputs")
"""What differs between runs that judge the same, or against another baseline."""

Rows = list[dict[str, object]]


class Project:
    """A production of empty files and a project that judges it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.production = root / "redux" / "daily"
        self.target = self.root / "r.jsonl"
        self.judged = root / "judged.txt"
        self.second = root / "second.txt"
        # All projects of a run of tests share what is compiled.
        self.compiled = root.parent / "compiled"
        self.root.mkdir()
        (self.root / "pytest.ini").write_text("[pytest]\n")
        (self.root / "test_project.py").write_text(CHECKS)
        (self.root / "limits.toml").write_text(LIMITS)
        for expid in (104282, 104284):
            folder = self.production / f"exposures/20211014/{expid:08d}"
            folder.mkdir(parents=True)
            for camera in ("r6", "r7"):
                (folder / f"sframe-{camera}-{expid:08d}.fits.gz").touch()

    def file(self, expid: int, camera: str) -> Path:
        return self.production / f"exposures/20211014/{expid:08d}/sframe-{camera}-{expid:08d}.fits.gz"

    def run(self, *more: str, strike: str = "", stores: bool = True) -> subprocess.CompletedProcess[str]:
        self.judged.write_text("")
        needed = [name for option, names in PLUGINS.items() for name in names if any(word.startswith(option) for word in more)]
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            *(f"-p{name}" for name in ["pytest_specqa.plugin", *needed]),
        ]
        words += [f"--specprod={self.production}", *([f"--specqa-results={self.target}"] if stores else []), *more]
        kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        told = {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPYCACHEPREFIX": str(self.compiled),
            "JUDGED": str(self.judged),
            "SECOND": str(self.second),
            "WORDS": " ".join(words),
        }
        environment = kept | told | ({"STRIKE": strike} if strike else {})
        # A shell that starts these tests in the background has them ignore the interrupt, and so would what they start.
        return subprocess.run(
            words,
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def specqa(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest_specqa.cli", *words]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=120)

    @property
    def journal(self) -> Path:
        return self.target.with_name(f"{self.target.name}.journal")

    def ran(self) -> list[str]:
        """Units of the tests whose functions were called."""
        return self.judged.read_text().split()


def rows(path: Path) -> Rows:
    """Records without what names their run, and its own copy of the products."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in NAMING} for row in found]
