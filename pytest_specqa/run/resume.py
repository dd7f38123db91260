"""``--specqa-resume``: what an earlier run has judged is taken over where code, limits and inputs are still the same."""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

import pytest_specqa
from pytest_specqa import remote
from pytest_specqa.checks.outcome import reduce
from pytest_specqa.errors import SpecQAError
from pytest_specqa.results.journal import Judged
from pytest_specqa.run import digests, inputs, keeping, session
from pytest_specqa.run.calls import TAKEN
from pytest_specqa.values import PROPERTY, Outcome, Record, key_of

WORKERINPUT = "specqa_taken"


class Snapshot:
    """What checks depend on, as it is now: a state for each name, looked at once.

    A file that has changed since the run began has no state: what was read of it may be older than what is seen now.

    Parameters
    ----------
    config : pytest.Config
        The run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.running = session.of(config)
        self._start = time.time_ns()
        self._states: dict[str, Any] = {}

    @property
    def base(self) -> dict[str, str]:
        """What every check depends on: the package, the libraries that it computes with, and the production."""
        try:
            root = str(self.running.production.root)
        except SpecQAError:
            root = ""
        chosen = self.running.options
        # A check that kept no vectors is made again where they are asked for.
        kept = str(chosen.vectors)
        history = self.running.trends.state if root and self.running.trends is not None else ""
        return {
            "version": pytest_specqa.__version__,
            "code": digests.package(),
            "production": root,
            "group": chosen.group,
            "vectors": kept,
            "history": history,
        }

    def inputs(self, nodeid: str, records: list[Record]) -> dict[str, Any]:
        """States of all that a check depends on, by name."""
        record, products = records[0], inputs.products(records)
        names = [f"tests {nodeid.partition('::')[0]}", *(f"file {name}" for name in [*inputs.tables(record, products), *products])]
        if record["kind"] != "camera":
            names.append("selection")
        for folder, pattern in inputs.folders(record, products):
            names.append(f"names {record['camera'] or '*'} {pattern} {folder}")
        for name in names:
            if name not in self._states:
                self._states[name] = self._state(name, record)
        return {name: self._states[name] for name in names}

    def _state(self, name: str, record: Record) -> Any:
        kind, _, rest = name.partition(" ")
        try:
            if kind == "tests":
                return self._tests((self.config.rootpath / rest).resolve())
            if kind == "selection":
                chosen = self.running.selection
                parts = [*sorted(map(repr, chosen.exposures.values())), *sorted(map(repr, chosen.tiles.values()))]
                return hashlib.sha256("\n".join(parts).encode()).hexdigest()
            root = self.running.production.root
            if kind == "names":
                _, pattern, folder = rest.split(" ", 2)
                found = sorted(inputs.names(root / folder, pattern))
                return zlib.crc32("\n".join(one for one in found if inputs.concerns(record, one)).encode())
            return self._file(root / rest)
        except (OSError, SpecQAError):
            return None

    def _file(self, path: Path) -> list[int] | str | None:
        try:
            if remote.is_remote(path):
                return remote.state(path) or None
            found = path.stat()
        except FileNotFoundError:
            return "absent"
        if max(found.st_mtime_ns, found.st_ctime_ns) >= self._start:
            return None
        return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]

    def _tests(self, path: Path) -> str:
        """What a test file is made of, and its limits."""
        return digests.tests(path, self.config.rootpath) + digests.limits(self.running.limits_for(path))


def _is_final(judged: Judged) -> bool:
    """Tell whether a check came to its end: neither its process died, nor did a server fail to give a file."""
    return not judged.lost and not any(record["outcome"] == Outcome.UNREACHABLE for record in judged.records)


class Resume:
    """Hooks of a run with ``--specqa-resume``.

    Parameters
    ----------
    config : pytest.Config
        The run. Its controlling process reads the journals and hands what can be taken over to the workers.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.taken: dict[str, list[Record]] = {}
        self.line = ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Find out what can be taken over."""
        if told := getattr(self.config, "workerinput", {}).get(WORKERINPUT):
            self.taken = json.loads(Path(told).read_text(encoding="utf-8"))
        elif not session.of(self.config).is_worker:
            self._find()

    def _find(self) -> None:
        keeper = keeping.of(self.config)
        if not keeper.left_over:
            self.line = "specqa: nothing to resume: no earlier run has left a journal; everything is judged"
            return
        snapshot, changed = Snapshot(self.config), set[str]()
        base = snapshot.base
        for found in keeper.left_over:
            for one in found.checks.values():
                now = snapshot.inputs(one.nodeid, one.records)
                same = all(state is not None and found.inputs.get(name) == state for name, state in now.items())
                if found.header.get("base") == base and same and _is_final(one) and inputs.are_named(one.records):
                    self.taken[one.nodeid] = one.records
                    changed.discard(one.nodeid)
                else:
                    # A later run has the last word.
                    self.taken.pop(one.nodeid, None)
                    changed.add(one.nodeid)
        other = f"; {len(changed)} are judged again, as code, limits or inputs have changed or are not all named" if changed else ""
        self.line = f"specqa: {len(self.taken)} checks of an earlier run can be taken over{other}"

    def pytest_report_header(self) -> str:
        """Say what can be taken over."""
        return self.line

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand it to a worker of pytest-xdist."""
        session.give_folder(node)
        folder = session.of(self.config).folder
        if folder is not None and self.taken:
            path = folder / "taken.json"
            if not path.exists():
                path.write_text(json.dumps(self.taken), encoding="utf-8")
            node.workerinput[WORKERINPUT] = str(path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the tests that are taken over: they ask for no data."""
        for item in items:
            if isinstance(item, pytest.Function) and (records := self.taken.get(item.nodeid)):
                item.stash[TAKEN] = records
                item.fixturenames = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """End a test that is taken over as it ended before, but for waivers and baseline, which are those of this run."""
        if TAKEN not in pyfuncitem.stash:
            return None
        running = session.of(self.config)
        records = [self._anew(running, record) for record in pyfuncitem.stash[TAKEN]]
        failed = [record for record in records if record["outcome"] == Outcome.FAILED and not record["waiver"]]
        if all(key_of(one) in running.known for one in failed):
            for record in failed:
                record["known"] = True
        pyfuncitem.user_properties.extend((PROPERTY, record) for record in records)
        result = reduce(records)
        if result.fails:
            lines = [f"{one['message']} [{one['measure']}]" for one in failed]
            raise pytest.fail.Exception("\n".join([*lines, "taken over from the journal of an earlier run"]), pytrace=False)
        if result.excused or not result.outcome.judged:
            why = [one.get("waiver_reason", "") or one["message"] for one in records if one["outcome"] != Outcome.PASSED]
            raise pytest.skip.Exception("; ".join(dict.fromkeys(why)), _use_item_location=True)
        return True

    @staticmethod
    def _anew(running: session.Session, record: Record) -> Record:
        plain: Record = {**record, "waiver": "", "reused": True}
        for name in ("waiver_reason", "known"):
            plain.pop(name, None)  # type: ignore[misc]
        return running.waivers.judge(plain) if running.waivers is not None else plain
