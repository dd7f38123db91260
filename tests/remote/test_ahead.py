"""What will be read next is read meanwhile: once, as much of it as of the file before, and never instead of a true answer."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pytest_specqa.errors import UnreachableError
from pytest_specqa.remote import RemotePath, sites
from pytest_specqa.remote.ahead import AHEAD, MORE, PIECE
from pytest_specqa.remote.index import Entry
from pytest_specqa.remote.patience import PassingError, Patience
from pytest_specqa.remote.sites import Reply, Site
from pytest_specqa.run.following import renamed, successors
from pytest_specqa.values import DataUnit

NAMES = [f"{kind}-{camera}.fits" for kind in ("sframe", "sky") for camera in ("r5", "r6", "r7")]
SIZE = 3 * PIECE


class Held(Site):
    """A site of files of zeros; what is asked of it is written down, and it answers when it may."""

    def __init__(self) -> None:
        super().__init__("https://held", patience=Patience(tries=1))
        self.asked: list[tuple[str, int, int]] = []
        self.down: set[str] = set()
        self.may_answer = threading.Event()
        self.may_answer.set()

    async def _get(self, key: str, start: int, stop: int) -> Reply:
        self.asked.append((key, start, stop))
        self.may_answer.wait()
        if key in self.down:
            raise PassingError("503")
        stop = min(stop, SIZE)
        return Reply(bytes(stop - start), start, SIZE, "mark")

    async def _head(self, key: str) -> Reply:
        raise NotImplementedError(key)

    async def _list(self, key: str, more: str) -> tuple[dict[str, Entry], str]:  # noqa: ARG002
        return {name: Entry(name, is_folder=False, size=SIZE) for name in NAMES}, ""


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Let every address lead there."""
    site = Held()
    monkeypatch.setattr(sites, "site_of", lambda *_: site)
    AHEAD.clear()
    yield site
    site.may_answer.set()
    AHEAD.clear()


def path(name: str) -> RemotePath:
    return RemotePath.of(f"https://held/{name}")


def after(one: str, other: str) -> Callable[[RemotePath], RemotePath | None]:
    return lambda found: path(found.name.replace(one, other)) if f"-{one}." in found.name else None


def read(name: str, count: int) -> None:
    with path(name).open_forward() as file:
        assert len(file.read(count)) == count


def of(held: Held, name: str) -> list[tuple[int, int]]:
    return [(start, stop) for key, start, stop in held.asked if key == name]


def test_as_much_is_read_as_of_the_file_before_and_not_asked_for_again(held):
    AHEAD.follow(after("r5", "r6"))
    read("sframe-r5.fits", PIECE + 100)
    AHEAD.follow(None)
    read("sframe-r6.fits", PIECE + 100)
    assert sorted(of(held, "sframe-r6.fits")) == [(0, PIECE), (PIECE, int((PIECE + 100) * MORE))]


def test_what_goes_beyond_is_asked_for_as_ever(held):
    AHEAD.follow(after("r5", "r6"))
    read("sframe-r5.fits", 1000)
    AHEAD.follow(None)
    read("sframe-r6.fits", SIZE)
    assert of(held, "sframe-r6.fits")[0] == (0, int(1000 * MORE))
    assert max(stop for _, stop in of(held, "sframe-r6.fits")) == SIZE


def test_a_piece_that_is_on_its_way_is_waited_for(held):
    AHEAD.follow(after("r5", "r6"))
    read("sframe-r5.fits", 1000)
    held.may_answer.clear()
    AHEAD.follow(None)
    reader = threading.Thread(target=read, args=("sframe-r6.fits", 1000))
    reader.start()
    held.may_answer.set()
    reader.join()
    assert len(of(held, "sframe-r6.fits")) == 1


def test_a_file_that_was_read_before_or_is_not_there_or_follows_none_is_left_alone(held):
    read("sframe-r6.fits", 1000)
    before = len(held.asked)
    AHEAD.follow(after("r5", "r6"))
    read("sframe-r5.fits", 1000)
    AHEAD.follow(after("r7", "r8"))
    read("sframe-r7.fits", 1000)
    AHEAD.follow(None)
    read("sky-r5.fits", 1000)
    assert {key for key, *_ in held.asked[before:]} == {"sframe-r5.fits", "sframe-r7.fits", "sky-r5.fits"}


def test_a_server_that_fails_meanwhile_is_asked_again_when_it_matters(held):
    held.down.add("sframe-r6.fits")
    AHEAD.follow(after("r5", "r6"))
    read("sframe-r5.fits", 1000)
    AHEAD.follow(None)
    with pytest.raises(UnreachableError):
        path("sframe-r6.fits").open_forward()
    held.down.clear()
    read("sframe-r6.fits", 1000)


def test_what_nobody_came_for_is_let_go_a_turn_later(held):
    AHEAD.follow(after("r5", "r6"))
    read("sframe-r5.fits", 1000)
    AHEAD.follow(None)
    AHEAD.follow(None)
    held.asked.clear()
    read("sframe-r6.fits", 1000)
    assert of(held, "sframe-r6.fits")


def test_the_next_camera_is_the_next_of_the_run_and_its_files_have_its_numbers():
    cameras = [DataUnit("camera", 20211014, expid=expid, camera=camera) for expid in (7, 8) for camera in ("r6", "r7")]
    units = [cameras[0], cameras[0], cameras[1], DataUnit("exposure", 20211014, expid=7), *cameras[2:]]
    following = successors(units)
    assert [following.get(camera) for camera in cameras] == [*cameras[1:], None]
    root = path("redux/daily")

    def name(file: str, number: int) -> str | None:
        found = renamed(root / file, cameras[number], cameras[number + 1], root=root)
        return None if found is None else str(found.relative_to(root))

    assert name("exposures/20211014/00000007/sky-r6-00000007.fits", 0) == "exposures/20211014/00000007/sky-r7-00000007.fits"
    assert name("exposures/20211014/00000007/sky-r7-00000007.fits", 1) == "exposures/20211014/00000008/sky-r6-00000008.fits"
    assert name("exposures/20211014/00000007/sky-r7-00000007.fits", 0) is None
    assert name("preproc/20211014/00000007/fibermap-00000007.fits", 0) is None
    assert renamed(path("elsewhere/sky-r6-00000007.fits"), *cameras[:2], root=root) is None
