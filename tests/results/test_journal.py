"""A journal gives back what was judged, says what is lost, and keeps other runs away."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from itertools import pairwise

import pytest

from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.results import holding, journal, store
from pytest_specqa.results.recovering import recover

UNITS = ("20211014-00104282-r6", "20211014-00104284-r6")


@pytest.fixture
def target(tmp_path):
    return tmp_path / "r.jsonl"


@pytest.fixture
def lines(record):
    """What a run of two units of two checks notes."""
    checks = [
        {"check": f"t.py::{name}[{unit}]", "unit": unit, "records": [record(unit=unit, expectation=name)]}
        for unit in UNITS
        for name in ("test_one", "test_two")
    ]
    return [{"plan": 4, "units": dict.fromkeys(UNITS, 2)}, *checks]


@pytest.fixture
def left(target, lines):
    """The journal of a run that was killed after its last check."""
    own = holding.begin(target, {"run": "abc", "targets": [str(target)], "pid": 1, "host": "h", "since": "then"})
    own.append(lines, sync=True)
    own.close(remove=False)
    return own.path


def recovered(path, target):
    """What recovering a journal says, and the checks of the results that it makes."""
    out = target.with_name("out.jsonl")
    out.unlink(missing_ok=True)
    said = recover(path, out=out)
    return said, [(one["unit"], one["expectation"]) for one in store.read(out)]


def test_all_of_an_undamaged_journal_comes_back(left, target, lines):
    said, checks = recovered(left, target)
    assert checks == [(line["unit"], line["records"][0]["expectation"]) for line in lines[1:]]
    assert not any(line.startswith("lost") for line in said)


def test_a_journal_that_is_cut_anywhere_in_its_last_line_loses_that_line_alone(left, target):
    whole = left.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    _, every = recovered(left, target)
    for end in range(start, len(whole)):
        left.write_bytes(whole[:end])
        said, checks = recovered(left, target)
        if end == len(whole) - 1:
            # All but the end of the line is there, and its sum proves it.
            assert checks == every
            continue
        assert checks == every[:-1]
        assert f"lost: 1 check; of units in work: {UNITS[1]} (1 of 2)" in said
        assert any("1 damaged line of r.jsonl.journal: 6; the last one was cut short" in line for line in said) == (end > start)


def test_a_flipped_bit_costs_no_more_than_its_line_and_is_named(left, target):
    whole = left.read_bytes()
    starts = [0, *(place + 1 for place, byte in enumerate(whole) if byte == ord("\n"))]
    for number, (start, end) in enumerate(pairwise(starts), start=1):
        for place in range(start, end - 1, 7):
            flipped = bytearray(whole)
            flipped[place] ^= 1
            if flipped[place] == ord("\n"):
                continue
            left.write_bytes(flipped)
            said, checks = recovered(left, target)
            assert any(f"1 damaged line of r.jsonl.journal: {number}" in line for line in said), (number, place)
            assert not any("cut short" in line for line in said)
            assert len(checks) == (3 if number > 2 else 4)


def test_a_lost_end_of_line_costs_two_lines_and_the_check_is_counted(left, target):
    whole = left.read_bytes()
    left.write_bytes(
        b"".join(whole.splitlines(keepends=True)[:4]).rstrip(b"\n") + b"\x0b" + b"".join(whole.splitlines(keepends=True)[4:])
    )
    said, checks = recovered(left, target)
    assert len(checks) == 2
    assert any(line.startswith("lost: 2 checks") for line in said)
    assert any("1 damaged line of r.jsonl.journal: 4" in line for line in said)


@pytest.mark.parametrize("content", [b"", b"\n", b"nothing of ours\n", b'{"sum": "00000000", "line": {}}\n'])
def test_what_holds_nothing_is_refused_in_a_line(left, target, content):
    left.write_bytes(content)
    with pytest.raises(ResultsError, match="is no journal of pytest-specqa, or all of it is damaged"):
        recover(left)
    assert not target.exists()


def test_a_line_whose_record_is_none_is_left_out_though_its_sum_is_right(left, target):
    with left.open("ab") as stream:
        stream.write(journal.packed({"check": "t.py::x", "unit": "u", "records": [{"unit": 3}]}))
    said, checks = recovered(left, target)
    assert len(checks) == 4
    assert any("1 damaged line of r.jsonl.journal: 7" in line for line in said)


def test_the_journal_of_a_run_that_goes_on_is_not_recovered(target, lines):
    own = holding.begin(target, {"run": "abc", "pid": os.getpid(), "host": socket.gethostname(), "since": "then"})
    own.append(lines, sync=True)
    before = own.path.read_bytes()
    with pytest.raises(ResultsError, match="its run has not ended"):
        recover(target)
    assert own.path.read_bytes() == before
    assert not target.exists()
    own.close(remove=False)
    recover(target)
    assert len(store.read(target)) == 4


def test_a_second_results_file_says_where_the_records_are(target, lines):
    second = target.with_name("r.parquet")
    header = {"run": "abc", "targets": [str(target), str(second)]}
    first, other = holding.begin(target, header), holding.begin(second, header)
    first.append(lines, sync=True)
    first.close(remove=False)
    other.close(remove=False)
    with pytest.raises(UsageError, match=r"what its run judged is in .*r\.jsonl.journal, recover that one"):
        recover(second)
    with pytest.raises(UsageError, match="not one check is in it; rerun pytest"):
        recover(_empty(target))


def _empty(target):
    holding.begin(target.with_name("e.jsonl"), {"run": "abc"}).close(remove=False)
    return target.with_name("e.jsonl")


@pytest.fixture(params=[errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS], ids=["ENOLCK", "ENOTSUP", "ENOSYS"])
def no_locks(request, monkeypatch):
    """A file system that cannot lock."""

    def refuse(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(holding.fcntl, "flock", refuse)


def _begin(target, *, pid, host=""):
    return holding.begin(target, {"run": "abc", "pid": pid, "host": host or socket.gethostname(), "since": "then"})


def _ended() -> int:
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def living():
    """Number of another process that goes on."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.stdin.close()
    process.wait()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_to_have_made_the_journal_is_the_lock(target, lines, living):
    own = _begin(target, pid=living)
    own.append(lines, sync=True)
    with pytest.raises(holding.BusyError, match=rf"pid {living} .*there are no locks here"):
        _begin(target, pid=os.getpid())
    with pytest.raises(holding.BusyError, match="has not ended"):
        recover(target)
    assert journal.read(own.path).checks.keys() == {line["check"] for line in lines[1:]}
    own.close(remove=True)
    _begin(target, pid=os.getpid()).close(remove=True)
    assert not own.path.exists()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_run_that_is_known_to_have_ended_lets_go(target, lines):
    own = _begin(target, pid=_ended())
    own.append(lines, sync=True)
    own.close(remove=False)
    assert not holding.is_live(own.path)
    after = _begin(target, pid=os.getpid())
    assert after.aside is not None
    assert len(journal.read(after.aside).checks) == 4


@pytest.mark.usefixtures("no_locks")
def test_without_locks_nothing_is_known_of_another_host(target):
    _begin(target, pid=_ended(), host="elsewhere").close(remove=False)
    with pytest.raises(holding.BusyError, match=r"if it has ended, remove .*r\.jsonl.journal"):
        _begin(target, pid=os.getpid())


def test_another_error_of_the_lock_is_told_and_leaves_no_run(target, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(holding.fcntl, "flock", refuse)
    with pytest.raises(ResultsError, match="cannot be written"):
        _begin(target, pid=os.getpid())


def test_what_does_not_fit_now_is_written_with_what_follows(target, lines, monkeypatch):
    own = _begin(target, pid=os.getpid())
    write = os.write
    monkeypatch.setattr(holding.os, "write", lambda handle, data: write(handle, data[:40]) if len(data) > 40 else _full())
    own.append(lines[:3], sync=False)
    assert "No space left" in own.problem
    assert journal.read(own.path).damaged == []
    monkeypatch.setattr(holding.os, "write", write)
    own.append(lines[3:], sync=True)
    assert own.problem == ""
    found = journal.read(own.path)
    assert (len(found.checks), found.damaged) == (4, [])


def _full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_journals_are_found_beside_their_results_alone(left, target):
    shutil.copy(left, target.with_name("r.jsonl.journal.3"))
    for name in ("r.parquet.journal", "r.jsonl.journal.x", "xr.jsonl.journal", "r.jsonl"):
        shutil.copy(left, target.with_name(name))
    assert journal.unfinished([target]) == [left, target.with_name("r.jsonl.journal.3")]


def test_a_line_is_read_as_it_was_written():
    line = {"check": "t.py::x[\u2028]", "unit": "\n", "records": []}
    (raw,) = journal.packed(line).splitlines()
    assert json.loads(raw)["line"] == line
