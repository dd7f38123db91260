"""The Slurm that the tests start is a real one, and where it cannot start it says why in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .conftest import CANNOT, SCRIPT, Slurm


def test_runs_an_array_and_keeps_its_exit_codes(slurm: Slurm, tmp_path: Path) -> None:
    slurm.call("sbatch", "--wait", "--array=0-1", f"--output={tmp_path}/%a", "--wrap", "echo $SLURM_ARRAY_TASK_ID")
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["0\n", "1\n"]
    failed = subprocess.run(
        ["sbatch", "--wait", f"--output={tmp_path}/failed", "--wrap", "exit 7"], check=False, capture_output=True, timeout=60
    )
    assert failed.returncode == 7


def test_says_in_one_line_which_program_is_lacking(tmp_path: Path) -> None:
    for name in ("bash", "id", "realpath"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    # Its own folders of programs come after those of the caller.
    script = tmp_path / "slurm.sh"
    script.write_text(SCRIPT.read_text().replace("PATH=$PATH:/usr/sbin:/sbin", ""))
    said = subprocess.run(
        [shutil.which("bash") or "bash", script, "start", tmp_path / "here"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": str(tmp_path)},
        timeout=60,
    )
    assert (said.returncode, said.stdout, said.stderr) == (
        CANNOT,
        "no Slurm here: munged is not installed (Debian: slurm-wlm, munge)\n",
        "",
    )
    assert not (tmp_path / "here").exists()
