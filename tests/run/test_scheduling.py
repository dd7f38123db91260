"""Which tests go to which worker, and when."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from pytest_specqa.run.scheduling import UnitScheduling, share

NIGHT = "20211014"
CAMERAS = ("b0", "b1", "r0", "r1")


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("qa/test_a.py::test_a[20211014-00104284-r6]", "20211014-00104284-r6"),
        ("qa/test_b.py::test_b[20211014-00104284]", "20211014-00104284"),
        ("qa/test_b.py::test_b[OI-20211014-00104284-r6]", "20211014-00104284-r6"),
        ("qa/test_b.py::test_b[20211014-00104284-r6-OI]", "20211014-00104284-r6"),
        ("qa/test_c.py::test_c[7951-20211014-petal6]", "7951-20211014"),
        ("qa/test_c.py::test_c[7951-20211014]", "7951-20211014"),
        ("qa/test_d.py::test_d[20211014]", "20211014"),
        ("tests/test_e.py::test_e", "tests/test_e.py::test_e"),
        ("tests/test_e.py::test_e[1-2]", "tests/test_e.py::test_e[1-2]"),
    ],
)
def test_share_is_the_camera_exposure_or_tile(nodeid, expected):
    assert share(nodeid) == expected


class Worker:
    """Runs what it is sent, but for the last test, which waits for the one that follows or for the end: as those of xdist do."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.queue: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, places: list[int]) -> None:
        self.queue += places

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def ready(self) -> bool:
        return len(self.queue) > (0 if self.shutting_down else 1)


def night_of(expids: range, *, per_camera: int = 3) -> list[str]:
    """Tests in the order in which a run has them."""
    found = []
    for expid in expids:
        found += [f"t.py::test_{k}[{NIGHT}-{expid:08d}-{camera}]" for camera in CAMERAS for k in range(per_camera)]
        found.append(f"t.py::test_exposure[{NIGHT}-{expid:08d}]")
    return [*found, *(f"t.py::test_petal[7951-{NIGHT}-petal{petal}]" for petal in range(3))]


def play(tests: list[str], pace: tuple[int, ...], *, dies: bool = False) -> list[tuple[str, str]]:
    """Let workers of different pace run the tests; return who ran what, in order."""
    config = SimpleNamespace(option=SimpleNamespace(loadscopereorder=False), getvalue=lambda _: ["popen"] * len(pace))
    config.getoption = config.getvalue
    scheduler = UnitScheduling.__new__(UnitScheduling)
    scheduler.__init__(config, SimpleNamespace(loadscopesched=lambda *_: None))  # type: ignore[misc]
    workers = [Worker(f"gw{number}") for number in range(len(pace))]
    for worker in workers:
        scheduler.add_node(worker)
    for worker in workers:
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    done: list[tuple[str, str]] = []
    while scheduler.has_pending:
        before = len(done)
        for worker, steps in zip(list(workers), pace, strict=False):
            for _ in range(steps):
                if worker.ready:
                    place = worker.queue.pop(0)
                    done.append((worker.gateway.id, tests[place]))
                    scheduler.mark_test_complete(worker, place)
        if dies and len(done) > 10 and len(workers) == len(pace):
            crashed = scheduler.remove_node(workers.pop())
            if crashed is not None:
                done.append(("dead", crashed))
        assert len(done) > before, "nobody has anything to do, and not all is done"
    return done


@pytest.fixture(autouse=True)
def two_workers(monkeypatch):
    monkeypatch.setattr("xdist.scheduler.loadscope.parse_tx_spec_config", lambda config: config.getvalue("tx"))


@pytest.mark.parametrize("pace", [(1,), (1, 1), (2, 1), (5, 1), (1, 1, 1)])
@pytest.mark.parametrize("per_camera", [1, 2, 5])
def test_every_test_is_run_once_whatever_the_pace(pace, per_camera):
    tests = night_of(range(1, 7), per_camera=per_camera)
    assert sorted(test for _, test in play(tests, pace)) == sorted(tests)


def test_all_tests_of_a_camera_run_in_one_worker_and_the_cameras_of_an_exposure_in_both():
    done = play(night_of(range(1, 4)), (1, 1))
    by_unit: dict[str, set[str]] = {}
    for worker, test in done:
        by_unit.setdefault(share(test), set()).add(worker)
    assert all(len(workers) == 1 for workers in by_unit.values())
    for expid in range(1, 4):
        assert set.union(*(by_unit[f"{NIGHT}-{expid:08d}-{camera}"] for camera in CAMERAS)) == {"gw0", "gw1"}


def test_a_worker_keeps_its_cameras_from_exposure_to_exposure():
    done = play(night_of(range(1, 11)), (1, 1))
    kept = [(worker, test) for worker, test in done if not re.search("-000000(09|10)-", test)]
    owners = {camera: {worker for worker, test in kept if f"-{camera}]" in test} for camera in CAMERAS}
    assert all(len(workers) == 1 for workers in owners.values()), "until there are none left that are one's own"


def test_an_exposure_comes_after_a_test_of_each_of_its_cameras():
    done = [test for _, test in play(night_of(range(1, 8)), (3, 1))]
    for expid in range(1, 8):
        exposure = done.index(f"t.py::test_exposure[{NIGHT}-{expid:08d}]")
        assert all(done.index(f"t.py::test_0[{NIGHT}-{expid:08d}-{camera}]") < exposure for camera in CAMERAS)


def test_a_fast_worker_takes_over_cameras_of_a_slow_one_in_the_end():
    done = play(night_of(range(1, 4)), (6, 1))
    fast = sum(worker == "gw0" for worker, _ in done)
    assert fast > 0.6 * len(done)


def test_what_a_dead_worker_had_is_run_by_the_other_but_for_what_it_died_of():
    tests = night_of(range(1, 7))
    done = play(tests, (1, 1), dies=True)
    deadly = [test for worker, test in done if worker == "dead"]
    assert len(deadly) == 1
    assert sorted(test for worker, test in done if worker != "dead") == sorted(set(tests) - set(deadly))
