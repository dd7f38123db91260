"""What people type who mean something else: one line each, with what they mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.errors import UsageError
from pytest_specqa.rules import expectations

if TYPE_CHECKING:
    from pytest_specqa.run.session import Session

MOST_CHECKS = 20_000
"""Of a run that names no nights: those of a month."""
MOST_PROCESSES = 1000
"""A night that was meant for --night is a larger number."""
SHORT = {"-e": "--expid", "-t": "--tile"}
"""How programs of DESI call what is selected; pytest keeps small letters to itself."""
_NUMBERS = re.compile(r"[0-9][0-9,:]*")


def verify_words(config: pytest.Config) -> None:
    """Refuse options of other programs that say what to judge, before pytest acts upon them.

    Parameters
    ----------
    config : pytest.Config
        Before initial conftests are loaded.

    Raises
    ------
    UsageError
        With the option that is meant.
    """
    processes = getattr(config.known_args_namespace, "numprocesses", None)
    if isinstance(processes, int) and processes > MOST_PROCESSES:
        meant = f"; did you mean --night {processes}?" if re.fullmatch(r"20\d{6}", str(processes)) else ""
        raise UsageError(f"-n {processes}: this is the number of processes, at most {MOST_PROCESSES}{meant}")
    words = [str(word) for word in config.invocation_params.args]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        value = word[2:] or following
        if (option := SHORT.get(word[:2])) and _NUMBERS.fullmatch(value):
            raise UsageError(f"{word[:2]} {value}: no such option; did you mean {option} {value}?")


def verify_tests(session: Session) -> None:
    """Refuse a run that names data and no tests, where pytest would run what the project tests itself with.

    Raises
    ------
    UsageError
        With the tests to name.
    """
    config = session.config
    folder = expectations.folder()
    if config.args_source is pytest.Config.ArgsSource.ARGS or folder.parent != config.rootpath:
        return
    named = [config.invocation_params.dir / arg.split("::")[0] for arg in config.args]
    if not any(folder.is_relative_to(one) or one.is_relative_to(folder) for one in named):
        raise UsageError(f"a production is named, and no tests that judge it: {_named()}")


def _named() -> str:
    return f"write pytest {expectations.NAME} ... here, or pytest --pyargs pytest_specqa.{expectations.NAME} ... from anywhere"


def why_nothing(session: Session, *, left: bool) -> str:
    """Say why a run that speaks of a production judges nothing, with what is near; empty if it does or means to.

    Parameters
    ----------
    session : Session
        What was collected.
    left : bool
        Whether anything is left to run, or could not be collected.
    """
    if left:
        return ""
    if not session.expectations:
        return f"a production is named, and no tests that judge it are found: {_named()}" if session.options.explicit else ""
    keyword = str(session.config.option.keyword)
    if not keyword:
        return ""
    near = _nearest(re.findall(r"[\w-]+", keyword), session.expectations)
    return f"-k {keyword}: none of {len(session.expectations)} expectations is called so; nearest: {', '.join(near)}"


def _nearest(words: Iterable[str], names: Iterable[str]) -> list[str]:
    """Names that hold most of the parts of some words, spelt alike."""
    plain = {name.removeprefix("test_"): name for name in names}
    asked = [part for word in words if word not in ("and", "or", "not") for part in word.removeprefix("test_").split("_")]

    def alike(name: str) -> float:
        parts = name.split("_")
        return sum(max(difflib.SequenceMatcher(None, one, part).ratio() for part in parts) ** 2 for one in asked)

    return sorted(plain, key=lambda name: (-alike(name), abs(name.count("_") + 1 - len(asked)), name))[:3]


def too_many(session: Session) -> str:
    """Say how many checks a run means to make that names no nights, if they are more than anyone means by accident."""
    if session.options.nights or session.counted <= MOST_CHECKS:
        return ""
    nights = session.selection.nights
    held = f"{session.counted:,} checks of {wording.count(len(nights), 'night')} of production {session.production.name}"
    return f"this selection holds {held}: choose some, such as --night {nights[-1]}, or judge all of them with --night :"
