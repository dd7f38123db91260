"""What is kept of a server's files is what the server has now, no more than was granted, and never a damaged piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.remote.index import Entry
from pytest_specqa.remote.shelf import FOLDER, KEPT, Shelf
from pytest_specqa.remote.sites import Reply, Site

PIECE = 1000


class Server(Site):
    """Files whose bytes are their mark."""

    def __init__(self, mark: str = "a") -> None:
        super().__init__("https://server")
        self.mark_now, self.reads, self.heads = mark, 0, 0

    async def _get(self, key: str, start: int, stop: int) -> Reply:  # noqa: ARG002
        self.reads += 1
        return Reply((self.mark_now or "?").encode() * (stop - start), start, 10 * PIECE, self.mark_now)

    async def _head(self, key: str) -> Reply:  # noqa: ARG002
        self.heads += 1
        return Reply(b"", 0, 10 * PIECE, self.mark_now)

    async def _list(self, key: str, more: str) -> tuple[dict[str, Entry], str]:
        raise NotImplementedError(key + more)


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Keep what is read in a folder, up to so many bytes."""

    def begin(most: int = 1_000_000) -> Path:
        monkeypatch.setattr(KEPT, "shelf", Shelf(tmp_path / "cache", most))
        return tmp_path / "cache"

    return begin


def pieces(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_second_run_asks_once_for_a_file_and_reads_it_here(keep):
    keep()
    first, second = Server(), Server()
    wanted = [first.read("f", start, start + PIECE) for start in (0, PIECE)]
    assert [second.read("f", start, start + PIECE) for start in (0, PIECE)] == wanted
    assert (second.reads, second.heads) == (0, 1)


def test_a_piece_serves_any_place_in_it(keep):
    keep()
    Server().read("f", 0, PIECE)
    found = Server().read("f", PIECE // 2, 2 * PIECE)
    assert (found.start, len(found.body)) == (0, PIECE)


@pytest.mark.parametrize(("now", "reads"), [("a", 0), ("b", 1), ("", 1)])
def test_another_content_is_read_again_and_so_is_one_that_nothing_tells_apart(keep, now, reads):
    keep()
    Server("a").read("f", 0, PIECE)
    server = Server(now)
    assert server.read("f", 0, PIECE).body == (now or "?").encode() * PIECE
    assert server.reads == reads


def test_nothing_is_kept_of_a_server_that_tells_no_content_from_another(keep):
    folder = keep()
    Server("").read("f", 0, PIECE)
    assert pieces(folder) == []


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: raw[:-1] + b"z", lambda _: b"", lambda _: b"[]\n"])
def test_a_damaged_piece_is_read_again(keep, damage):
    folder = keep()
    Server().read("f", 0, PIECE)
    (piece,) = pieces(folder)
    piece.write_bytes(damage(piece.read_bytes()))
    server = Server()
    assert server.read("f", 0, PIECE).body == b"a" * PIECE
    assert server.reads == 1


def test_no_more_is_kept_than_granted_and_what_was_used_last_stays(keep):
    folder = keep(40 * PIECE)
    (folder / "of-somebody-else").write_bytes(bytes(100 * PIECE))
    for number in range(100):
        Server().read(f"f{number}", 0, PIECE)
        Server().read("f0", 0, PIECE)
        assert sum(path.stat().st_size for path in pieces(folder / FOLDER)) <= 40 * PIECE
    server = Server()
    server.read("f0", 0, PIECE)
    server.read("f99", 0, PIECE)
    assert server.reads == 0
    assert (folder / "of-somebody-else").exists()


def test_no_address_is_written(keep):
    folder = keep()
    Server().read("secret-folder/f", 0, PIECE)
    assert not any(b"server" in path.read_bytes() or "secret" in str(path.relative_to(folder)) for path in pieces(folder))


def test_a_place_that_is_no_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--specqa-remote-cache .*file: cannot be written"):
        Shelf(tmp_path / "file", 1000)
