"""Keeps pytest's root folder out of the production.

pytest looks for its ini file and its root folder before plugins have declared their options. It therefore takes the PATH of
``--specprod PATH`` for a folder of tests: with no other folder of tests given, the production becomes the root folder, a cache is
written into it, and the ini file of the project is overlooked. ``--specprod=PATH`` is free of this.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.rules import expectations

OPTIONS = ("specprod", "specqa_limits", "specqa_waivers", "specqa_baseline")
SECTIONS = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}


def correct(config: pytest.Config) -> None:
    """Put the root folder right if a value of ours was taken for a folder of tests.

    Parameters
    ----------
    config : pytest.Config
        Before initial conftests are loaded.

    Raises
    ------
    UsageError
        If pytest has overlooked an ini file because of it, which can no longer be mended.
    """
    given = [(name, value) for name in OPTIONS if (value := getattr(config.known_args_namespace, name, None))]
    here = config.invocation_params.dir
    mistaken = [(name, value) for name, value in given if (here / value).exists() and value in config.invocation_params.args]
    if not mistaken or config.inipath is not None or config.known_args_namespace.rootdir:
        return
    if overlooked := next(_ini_files(here), None):
        name, value = mistaken[0]
        option = f"--{name.replace('_', '-')}"
        naming = "" if config.known_args_namespace.file_or_dir else f", and name the tests, such as {expectations.NAME}"
        raise UsageError(
            f"pytest takes the {value} of {option} for a folder of tests and overlooks {overlooked}; write {option}={value}{naming}"
        )
    tests = [
        path if path.is_dir() else path.parent
        for text in config.known_args_namespace.file_or_dir
        if (path := here / text.split("::")[0]).exists()
    ]
    # There is no public way to set it; without this line the worst is a cache folder in the production.
    config._rootpath = Path(os.path.commonpath(tests or [here]))


def _ini_files(folder: Path) -> Iterator[Path]:
    for parent in (folder, *folder.parents):
        for name, section in SECTIONS.items():
            path = parent / name
            if path.is_file() and section in path.read_text(encoding="utf-8", errors="replace"):
                yield path
