"""Files are opened only where they are regular, and are what they were at the end."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from pytest_specqa import opening
from pytest_specqa.opening import ChangedFileError, UnfitFileError, open_regular, read_text, require_unchanged, state


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "file.txt"


def refusal(path: Path, *, limit: int | None = None) -> str:
    with pytest.raises(UnfitFileError) as caught:
        open_regular(path, limit=limit)
    assert caught.value.strerror == f"{caught.value.found}, expected {caught.value.expected}"
    return caught.value.found


def test_a_regular_file_is_read_by_name_or_link(place: Path, tmp_path: Path) -> None:
    place.write_bytes(b"content")
    link = tmp_path / "link"
    link.symlink_to(place)
    for path in (place, link):
        with open_regular(path, limit=7) as file:
            assert file.read() == b"content"
            assert os.get_blocking(file.fileno())


def test_a_fifo_is_named_and_not_waited_for(place: Path) -> None:
    os.mkfifo(place)
    assert refusal(place) == "a FIFO"


def test_a_link_to_a_device_is_named(place: Path) -> None:
    place.symlink_to("/dev/zero")
    assert refusal(place) == "a character device"


def test_a_folder_is_named(place: Path) -> None:
    place.mkdir()
    assert refusal(place) == "a folder"


def test_a_socket_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The address of a socket may not be long.
    monkeypatch.chdir(place.parent)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(place.name)
        assert refusal(place) == "a socket"


def test_a_loop_of_links_is_named(place: Path) -> None:
    place.symlink_to(place)
    assert refusal(place) == "a loop of links"


def test_a_file_below_a_file_is_named(place: Path) -> None:
    place.touch()
    assert refusal(place / "more") == "a file where the path needs a folder"


def test_a_long_name_is_named(place: Path) -> None:
    assert refusal(place.with_name("x" * 300)) == "a name that is too long for the file system"


def test_a_name_with_a_zero_byte_is_named(place: Path) -> None:
    assert "a name that is none" in refusal(place.with_name("a\0b"))


def test_a_file_that_may_not_be_read_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(opening.os, "open", refuse)
    assert refusal(place) == "permission denied"


def test_a_missing_file_and_a_link_to_nothing_are_missing(place: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(place)
    for path in (place, tmp_path / "link"):
        with pytest.raises(FileNotFoundError):
            open_regular(path)


def test_a_file_under_lease_is_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_bytes(b"content")
    plain = os.open

    def leased(path: Path, flags: int) -> int:
        if flags & os.O_NONBLOCK:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return plain(path, flags)

    monkeypatch.setattr(opening.os, "open", leased)
    with open_regular(place) as file:
        assert file.read() == b"content"


def test_a_size_beyond_the_limit_is_refused_and_the_limit_itself_is_not(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(3_000_001)
    assert refusal(place, limit=3_000_000) == "a file of 3 MB"
    open_regular(place, limit=3_000_001).close()


def test_no_descriptor_is_left_open_by_a_refusal(place: Path) -> None:
    os.mkfifo(place)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208
    for _ in range(3):
        refusal(place)
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208
    assert after == before


def changed(place: Path, change: object) -> str:
    place.write_bytes(b"before")
    with open_regular(place) as file:
        before = state(file)
        change()  # type: ignore[operator]
        with pytest.raises(ChangedFileError) as caught:
            require_unchanged(place, file, before)
    return caught.value.found


def test_a_file_that_grows_while_it_is_read_is_named(place: Path) -> None:
    def grow() -> None:
        with place.open("ab") as file:
            file.write(b"more")

    assert changed(place, grow) == "a file that changed while it was read"


def test_a_file_that_is_written_over_in_its_own_length_is_named(place: Path) -> None:
    def write() -> None:
        with place.open("r+b") as file:
            file.write(b"after!")
        # The clock of a file system may be coarse.
        os.utime(place, ns=(0, 1))

    assert changed(place, write) == "a file that changed while it was read"


def test_a_file_that_is_replaced_while_it_is_read_is_named(place: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"before")
    assert changed(place, lambda: (tmp_path / "new").replace(place)) == "a file that was replaced while it was read"


def test_a_file_that_vanishes_while_it_is_read_is_named(place: Path) -> None:
    assert changed(place, place.unlink) == "a file that was removed while it was read"


def test_a_file_that_others_read_link_or_protect_meanwhile_is_unchanged(place: Path, tmp_path: Path) -> None:
    place.write_bytes(b"before")
    with open_regular(place) as file:
        before = state(file)
        os.utime(place, ns=(1, place.stat().st_mtime_ns))
        os.link(place, tmp_path / "other")
        place.chmod(0o440)
        require_unchanged(place, file, before)


def test_text_is_read_whole_within_its_limit(place: Path) -> None:
    place.write_text("größe\n", encoding="utf-8")
    assert read_text(place, limit=8) == "größe\n"
    with pytest.raises(UnfitFileError):
        read_text(place, limit=7)
