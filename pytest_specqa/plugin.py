"""The pytest plugin: each hook hands over to the module that does the work."""

from __future__ import annotations

from collections.abc import Generator
from importlib import import_module
from typing import Any

import pytest

from pytest_specqa.report import page
from pytest_specqa.run import (
    calls,
    collecting,
    gatherer,
    hookspecs,
    keeping,
    mistakes,
    options,
    plan,
    reports,
    rootdir,
    storing,
    writable,
)
from pytest_specqa.run import session as running

pytest_plugins = ["pytest_specqa.run.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse what is meant for other programs; keep the root folder out of the production."""
    with running.usage_errors():
        mistakes.verify_words(early_config)
        rootdir.correct(early_config)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options."""
    running.begin(config)
    for line in collecting.MARKERS:
        config.addinivalue_line("markers", line)
    page.configure(config, announced=running.of(config).announced, show_passed=running.of(config).options.show_passed)
    if running.of(config).options.baseline:
        baseline = import_module("pytest_specqa.compare.baseline")
        config.pluginmanager.register(baseline.Baseline(config), "specqa-baseline")
    if running.of(config).options.resume:
        config.pluginmanager.register(import_module("pytest_specqa.run.resume").Resume(config), "specqa-resume")
    if not hasattr(config, "workerinput"):
        gatherer.begin(config)
        config.pluginmanager.register(Controller(config), "specqa-controller")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse units that do not exist before anything is collected."""
    writable.make_whole(session.config)
    keeping.watch(session.config)
    running.verify_selection(running.of(session.config))
    storing.verify(session.config)
    keeping.begin(session.config)
    running.prepare(running.of(session.config))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the production and what is selected, if units will be judged."""
    return gatherer.header(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests that ask for data units one instance per unit."""
    collecting.parametrize(running.of(metafunc.config), metafunc)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests of one unit together."""
    collecting.arrange(running.of(config), items, broken=session.testsfailed > 0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note what the run means to judge; a worker does so before it tells that it has collected."""
    plan.collected(session)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """Share out whole exposures and tiles."""
    return running.make_scheduler(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker that the run cannot be carried out."""
    running.hear(node)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Run the tests; end a distributed run with the usage error that its workers met."""
    with running.settled(session.config):
        result = yield
    running.raise_usage_error(session.config)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Keep what goes wrong with the data of a test for its call."""
    with calls.set_up(item):
        yield


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Drop what no further test needs."""
    calls.tear_down(item, nextitem)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Judge what a test measured."""
    with calls.judged(pyfuncitem):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Complete the report of a check."""
    report = yield
    reports.complete(item, report)
    return report


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> object | None:
    """Show what warned and what could not be measured."""
    return reports.status(report)


class Controller:
    """Hooks of the process that receives the reports of all workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the records of a test."""
        gatherer.of(self.config).receive(report)
        page.take(self.config, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected: what it would have judged is missing."""
        if report.failed:
            plan.of(self.config).broken.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Store the records; see whether the page could be written."""
        gatherer.finish(session)
        yield
        writable.finish(session)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where workers hand things to one another."""
        running.give_folder(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Hear from a worker of pytest-xdist what the run means to judge."""
        plan.receive(self.config)

    def pytest_unconfigure(self) -> None:
        """Remove what workers have handed to one another, and let go of the results files."""
        running.remove_folder(self.config)
        keeping.end(self.config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None]:
        """Close with the verdict, below pytest's own list of what failed."""
        yield
        gatherer.summarize(self.config, terminalreporter)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Get hold of the page that pytest-html will write."""
        page.title(self.config, report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Take the row of a check out of pytest-html's table."""
        page.row(self.config, report, cells)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put verdict, findings, grids and rows on the page."""
        state = running.of(self.config)
        told = gatherer.of(self.config).circumstances()
        page.summary(self.config, prefix=prefix, instrument=state.instrument, quota=state.options.max_pictures, told=told)
