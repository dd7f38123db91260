"""The CI examples do what they say: their steps are run as written, but for the installation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/release-gate.yml"
GITLAB = ROOT / "docs/ci/gitlab-ci.yml"


def steps(path: Path) -> list[str]:
    """Shell scripts of an example in order; the first installs what these tests have installed already."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path == WORKFLOW:
        scripts = [step["run"] for step in content["jobs"]["gate"]["steps"] if "run" in step]
    else:
        scripts = [*content["release gate"]["before_script"], *content["release gate"]["script"]]
    assert scripts[0] == "python -m pip install --quiet ."
    return scripts[1:]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a runner checks out, as far as the steps use it."""
    for name in ("qa_tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_github_steps_run_as_written(checkout):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(checkout / "summary.md"),
    }
    for script in steps(WORKFLOW):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    assert (checkout / "summary.md").read_text().startswith("## ✅ Release gate")
    assert json.loads((checkout / "gate.json").read_text())["passed"] is True
    assert ET.parse(checkout / "gate.xml").getroot().find("testsuite").get("failures") == "0"
    assert "Nothing broke" in (checkout / "compare.html").read_text()


def test_the_gitlab_job_runs_the_same_steps():
    def plain(scripts: list[str]) -> str:
        return " ".join(" ".join(scripts).replace("\\\n", " ").split())

    assert plain(steps(GITLAB)).replace("gate.md", '"$GITHUB_STEP_SUMMARY"') == plain(steps(WORKFLOW))
