"""A Slurm of one machine, started for these tests where it can be."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "slurm.sh"
CANNOT = 3


@dataclass(frozen=True)
class Slurm:
    """A running Slurm whose configuration, state and logs lie in one folder."""

    folder: Path

    def call(self, *words: str) -> str:
        """Run one of Slurm's own programs and give what it says."""
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def daemon(self, what: str) -> None:
        """Start or stop slurmd alone."""
        subprocess.run([SCRIPT, "slurmd", self.folder, what], check=True, timeout=60)


@pytest.fixture(scope="session")
def started_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Start munged, slurmctld and slurmd once; without them the tests are skipped with the reason."""
    folder = tmp_path_factory.mktemp("slurm")
    begun = subprocess.run([SCRIPT, "start", folder], check=False, stdout=subprocess.PIPE, text=True, timeout=120)
    if begun.returncode == CANNOT:
        pytest.skip(begun.stdout.strip())
    begun.check_returncode()
    yield Slurm(folder)
    subprocess.run([SCRIPT, "stop", folder], check=True, timeout=120)


@pytest.fixture
def slurm(started_slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Let sbatch and its like find the Slurm of the tests."""
    monkeypatch.setenv("SLURM_CONF", str(started_slurm.folder / "slurm.conf"))
    return started_slurm
