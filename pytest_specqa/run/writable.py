"""The files that a run leaves: probed before the first check, and written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa.errors import SpecQAError, UsageError
from pytest_specqa.report import page

if TYPE_CHECKING:
    from pytest_specqa.run.session import Session

OTHERS = {"htmlpath": "--html", "xmlpath": "--junitxml"}
"""Options of other plugins that name a file, by where they keep it."""
IDLE = ("collectonly", "help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
"""Options that make pytest tell something instead of running tests."""
UNWRITTEN: pytest.StashKey[list[str]] = pytest.StashKey()


def idle(config: pytest.Config) -> bool:
    """Tell whether this process leaves no file: a worker, or a pytest that only lists."""
    return hasattr(config, "workerinput") or any(getattr(config.option, name, None) for name in IDLE)


def verify(session: Session) -> None:
    """Refuse files that cannot be written, before pytest-html makes their folders and before anything is collected.

    Raises
    ------
    UsageError
        In one line; with the option, the file, what is wrong and what to do.
    """
    config = session.config
    if idle(config) or not session.announced:
        return
    from pytest_specqa.results import writable  # noqa: PLC0415

    taken: dict[Path, str] = {}
    named = [("--specqa-results", path) for path in session.options.results]
    for key, option in OTHERS.items():
        if text := getattr(config.option, key, None):
            # As pytest and pytest-html find the place.
            named.append((option, Path(os.path.abspath(os.path.expanduser(os.path.expandvars(text))))))  # noqa: PTH100, PTH111
    for option, path in named:
        writable.verify(path, option=option)
        place = path.resolve()
        if taken.setdefault(place, option) != option:
            raise UsageError(f"{option} {path}: {taken[place]} names the same file; give each its own")


def unwritten(config: pytest.Config) -> list[str]:
    """Return what could not be written at the end of the run, a line for each file."""
    return config.stash.setdefault(UNWRITTEN, [])


class WholePage:
    """What `pytest_html` writes its page with, made to write it whole."""

    def _write_report(self: Any, rendered_report: str) -> None:
        text = page.finished(self.specqa, rendered_report)
        _whole(self, "report", self._report_path, lambda path: path.write_text(text, encoding="utf-8"))

    def _write_content(self: Any, content: bytes, asset_name: str) -> str:
        try:
            return str(super()._write_content(content, asset_name))  # type: ignore[misc]
        except OSError as error:
            _refuse(self.specqa, "report", Path(self._assets_path, asset_name), error)
            return str(Path(self._assets_path.name, asset_name))

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self: Any, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the page, if there is one."""
        if not any(line.startswith("report NOT written") for line in unwritten(self.specqa)):
            super().pytest_terminal_summary(terminalreporter)  # type: ignore[misc]


class WholeXml:
    """What pytest writes JUnit XML with, made to write it whole."""

    def pytest_sessionfinish(self: Any) -> None:
        """Write the file."""
        target = self.logfile

        def write(path: Path) -> None:
            """Write it elsewhere."""
            self.logfile = str(path)
            super(WholeXml, self).pytest_sessionfinish()  # type: ignore[misc]

        try:
            _whole(self, "JUnit XML", Path(target), write)
        finally:
            self.logfile = target

    def pytest_terminal_summary(self: Any, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Name the file, if there is one."""
        if not any(line.startswith("JUnit XML NOT written") for line in unwritten(config)):
            super().pytest_terminal_summary(terminalreporter, config)  # type: ignore[misc]


def _whole(plugin: Any, what: str, path: Path, write: Any) -> None:
    from pytest_specqa.results.store import replacing  # noqa: PLC0415

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path.resolve()) as temporary:
            write(temporary)
    except (SpecQAError, OSError) as error:
        _refuse(plugin.specqa, what, path, error)


def _refuse(config: pytest.Config, what: str, path: Path, error: Exception) -> None:
    from pytest_specqa.results.writable import why_not  # noqa: PLC0415

    reason = f"{path}: cannot be written: {why_not(error)}" if isinstance(error, OSError) else str(error)
    lines, line = unwritten(config), f"{what} NOT written: {reason}"
    if line not in lines:
        lines.append(line)


def make_whole(config: pytest.Config) -> None:
    """Let page and JUnit XML take the place of earlier ones only once they are whole; call it when all plugins are configured."""
    from _pytest.junitxml import LogXML  # noqa: PLC0415

    if hasattr(config, "workerinput"):
        return
    kinds: list[tuple[type, type]] = [(WholeXml, LogXML)]
    with suppress(ImportError):
        from pytest_html.basereport import BaseReport  # noqa: PLC0415

        kinds.append((WholePage, BaseReport))
    for plugin in list(config.pluginmanager.get_plugins()):
        for whole, kind in kinds:
            if isinstance(plugin, kind) and not isinstance(plugin, whole):
                # Registered anew, as pytest calls the methods that it found when it met the plugin.
                name = config.pluginmanager.get_name(plugin)
                config.pluginmanager.unregister(plugin)
                plugin.__class__ = type(whole.__name__, (whole, type(plugin)), {})
                plugin.specqa = config  # type: ignore[attr-defined]
                config.pluginmanager.register(plugin, name)


def finish(session: pytest.Session) -> None:
    """End the run with exit code 3 if a file could not be written: what was judged is not where it was asked for."""
    if unwritten(session.config):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
