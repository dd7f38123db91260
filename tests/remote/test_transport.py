"""What comes from real servers, whole, in parts, late, cut or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pytest_specqa import remote
from pytest_specqa.errors import MissingProductError, ProductError, RefusedError, SpecQAError, UnreachableError, UsageError
from pytest_specqa.instrument import Camera
from pytest_specqa.opening import ChangedFileError
from pytest_specqa.production.frames import read_frame
from pytest_specqa.production.layout import find_product
from pytest_specqa.production.models import read_sky
from pytest_specqa.production.stream import FitsStream
from pytest_specqa.remote import RemotePath, patience
from pytest_specqa.remote.patience import Patience
from pytest_specqa.remote.web import Web
from tests.production.conftest import EXPID, NIGHT
from tests.remote.conftest import ELSEWHERE, FOLDER, ODD, SFRAME, SKY, TABLE
from tests.remote.servers import Nginx

At = Callable[[str], RemotePath]
Moved = Callable[[], remote.Traffic]
WHICH = {"night": NIGHT, "expid": EXPID, "camera": Camera.parse("r6")}


def read_all(path: RemotePath) -> bytes:
    with remote.open_stream(path) as file:
        return file.read()


def refusal(kind: type[SpecQAError], path: RemotePath) -> str:
    """The one line on a file that does not come."""
    with pytest.raises(kind) as error:
        read_all(path)
    assert type(error.value) is kind
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_comes_as_it_lies_there(address: str, production: Path, at: At) -> None:
    assert read_all(at(address) / SKY) == (production / SKY).read_bytes()
    assert read_all(at(address) / TABLE) == (production / TABLE).read_bytes()


def test_any_part_can_be_read(address: str, production: Path, at: At) -> None:
    rng = np.random.default_rng(3)
    with remote.open_stream(at(address) / SFRAME) as far, (production / SFRAME).open("rb") as near:
        size = near.seek(0, os.SEEK_END)
        assert far.seek(0, os.SEEK_END) == size
        for place, count in zip(rng.integers(0, size + 100, 12), rng.integers(0, 3_000_000, 12), strict=True):
            far.seek(int(place))
            near.seek(int(place))
            assert far.read(int(count)) == near.read(int(count))
            assert far.tell() == near.tell()


def test_lines_are_read_as_from_a_file_here(address: str, production: Path, at: At) -> None:
    with remote.open_stream(at(address) / TABLE) as file:
        assert [*file] == (production / TABLE).read_bytes().splitlines(keepends=True)


def test_a_real_frame_moves_at_most_22_percent_of_its_bytes(address: str, production: Path, at: At, moved: Moved) -> None:
    far = read_frame(at(address) / SFRAME, "sframe", **WHICH)
    near = read_frame(production / SFRAME, "sframe", **WHICH)
    for name in ("flux", "ivar", "mask", "wave"):
        np.testing.assert_array_equal(getattr(far, name), getattr(near, name))
    size = (production / SFRAME).stat().st_size
    assert size > 40_000_000
    assert 0.17 * size < moved().bytes <= 0.22 * size
    assert moved().requests <= 14


def test_the_log_of_the_server_counts_as_we_do(web: Nginx, at: At, moved: Moved) -> None:
    before = len(web.asked())
    read_frame(at(web.url()) / SFRAME, "sframe", **WHICH)
    asked = web.asked()[before:]
    assert moved().requests == len(asked)
    assert moved().bytes == sum(one.sent for one in asked)


def test_whether_files_are_there_is_asked_once_a_folder(address: str, at: At, moved: Moved) -> None:
    folder = at(address) / FOLDER
    for kind in ("frame", "sframe", "sky", "cframe", "fluxcalib"):
        for camera in ("r6", "r7", "b6"):
            path = folder / f"{kind}-{camera}-{EXPID:08d}.fits"
            if camera == "r6" and kind in ("sframe", "sky"):
                assert find_product(path).name.startswith(path.name)
            else:
                with pytest.raises(MissingProductError, match="not found"):
                    find_product(path)
    assert moved().by_kind == {"listing": 1}


def test_what_a_listing_lacks_is_not_asked_for(address: str, at: At, moved: Moved) -> None:
    root = at(address)
    assert root.is_dir()
    assert not (root / "tiles").is_dir()
    assert not (root / "tiles/cumulative/7951").exists()
    assert list((root / "tiles/cumulative").glob("*/*")) == []
    assert moved().requests == 1


def test_headers_are_read_without_the_data_between_them(address: str, production: Path, at: At, moved: Moved) -> None:
    with FitsStream(at(address) / SKY) as stream:
        names = [hdu.name for hdu in stream]
    assert names[:4] == ["SKY", "IVAR", "MASK", "WAVELENGTH"]
    assert moved().bytes < 0.15 * (production / SKY).stat().st_size


@pytest.mark.parametrize("fault", ["cut", "dropped", "reset", "busy", "crowded"])
def test_what_another_try_may_mend_is_tried_again_and_then_unreachable(
    fault: str, web: Nginx, at: At, moved: Moved, pauses: list[float]
) -> None:
    path = at(web.url(fault)) / SKY
    line = refusal(UnreachableError, path)
    assert str(path) in line
    assert "5 tries" in line
    assert "truncated" not in line
    assert moved().requests == 5
    assert moved().retries == 4
    if fault != "busy":
        assert all(0.75 * usual <= pause <= 1.25 * usual for usual, pause in zip([0.5, 1, 2, 4], pauses, strict=True))


def test_a_server_that_says_when_to_come_back_is_believed(web: Nginx, at: At, pauses: list[float]) -> None:
    assert "503" in refusal(UnreachableError, at(web.url("busy")) / SKY)
    assert pauses == [7, 7, 7, 7]


def test_a_server_that_says_nothing_is_not_waited_for_without_end(web: Nginx, moved: Moved) -> None:
    site = Web(web.direct, patience=Patience(tries=2, silent=0.2))
    with pytest.raises(UnreachableError, match="no answer in time in each of 2 tries"):
        site.read(f"silent/{SKY}", 0, 10)
    assert moved().requests == 2


def test_a_slow_server_is_no_silent_one(web: Nginx, production: Path, at: At, moved: Moved) -> None:
    assert read_all(at(web.url("slow")) / TABLE) == (production / TABLE).read_bytes()
    with remote.open_stream(at(web.url("slow")) / SKY) as file:
        assert file.read(2880) == (production / SKY).read_bytes()[:2880]
    assert moved().retries == 0


def test_a_server_that_fails_twice_gives_the_file_the_third_time(web: Nginx, production: Path, at: At, moved: Moved) -> None:
    assert read_all(at(web.url("flaky")) / TABLE) == (production / TABLE).read_bytes()
    assert (moved().requests, moved().retries) == (3, 2)


@pytest.mark.parametrize(("fault", "word"), [("denied", "403 Forbidden"), ("moved", "302 Found"), ("locked", "401 Unauthorized")])
def test_a_refusal_is_the_users_to_mend_and_is_not_repeated(fault: str, word: str, web: Nginx, at: At, moved: Moved) -> None:
    before, path = len(web.asked()), at(web.url(fault)) / SKY
    line = refusal(RefusedError, path)
    assert line.startswith(f"{path}: found {word}")
    assert moved().requests == 1
    # The address that the server sent is not opened either.
    assert [one.path for one in web.asked()[before:]] == [f"/{fault}/{SKY}"]


def test_an_answer_that_means_nothing_is_unreachable_at_once(web: Nginx, at: At, moved: Moved) -> None:
    assert "418" in refusal(UnreachableError, at(web.url("odd")) / SKY)
    assert moved().requests == 1


def test_a_file_that_is_not_there_is_missing(address: str, at: At, moved: Moved) -> None:
    with pytest.raises(FileNotFoundError):
        read_all(at(address) / FOLDER / "sframe-r9.fits")
    with pytest.raises(MissingProductError):
        read_sky(at(address) / FOLDER / "sky-r9.fits", **WHICH)
    assert moved().requests == 2


def test_a_folder_without_a_listing_is_a_refusal(web: Nginx, at: At) -> None:
    with pytest.raises(UsageError, match=r"/unlisted/: found 403 Forbidden"):
        (at(web.url("unlisted")) / "exposures").exists()


def test_a_truncated_file_is_no_cut_transfer(address: str, at: At, moved: Moved) -> None:
    with pytest.raises(ProductError, match="truncated file") as error:
        read_sky(at(address) / ODD / "sky-r6-short.fits", **WHICH)
    assert not isinstance(error.value, UnreachableError)
    assert moved().retries == 0


def test_a_packed_file_that_the_server_calls_encoded_comes_packed(web: Nginx, production: Path, at: At) -> None:
    with remote.open_stream(at(web.url("encoded")) / SFRAME) as file:
        assert file.read(300_000) == (production / SFRAME).read_bytes()[:300_000]


def test_a_server_without_parts_of_files_is_asked_once(web: Nginx, production: Path, at: At, moved: Moved) -> None:
    with remote.open_stream(at(web.url("whole")) / SKY) as file:
        assert file.read(10) == (production / SKY).read_bytes()[:10]
        file.seek(-10, os.SEEK_END)
        assert file.read() == (production / SKY).read_bytes()[-10:]
    assert moved().requests == 1


def test_a_file_that_is_replaced_while_it_is_read_is_named(web: Nginx, at: At) -> None:
    with pytest.raises(ChangedFileError, match="replaced while it was read"):
        read_all(at(web.url("marked")) / SKY)
    with pytest.raises(ProductError, match="replaced while it was read"):
        read_sky(at(web.url("marked")) / SKY, **WHICH)


def test_an_address_in_a_header_is_never_opened(web: Nginx, at: At) -> None:
    before = len(web.asked())
    frame = read_frame(at(web.url()) / SFRAME, "sframe", **WHICH)
    assert str(frame.header["FIBERFLT"]).endswith(ELSEWHERE)
    assert {one.path for one in web.asked()[before:]} == {f"/daily/{SFRAME}"}


def test_a_server_that_is_down_is_not_waited_for_at_each_file(web: Nginx, at: At, moved: Moved) -> None:
    for _ in range(patience.WEARY + 2):
        refusal(UnreachableError, at(web.url("dropped")) / SKY)
    assert moved().requests == 5 * patience.WEARY + 2
    # One answer restores the patience.
    read_all(at(web.url()) / TABLE)
    refusal(UnreachableError, at(web.url("dropped")) / SKY)
    assert moved().requests == 5 * patience.WEARY + 2 + 1 + 5


def test_state_tells_contents_apart_and_is_the_same_before_and_after_reading(address: str, at: At, moved: Moved) -> None:
    path, other = at(address) / SKY, at(address) / SFRAME
    unread = remote.state(path)
    assert unread
    assert unread != remote.state(other)
    assert moved().by_kind.get("head", 0) == 2
    remote.forget()
    remote.open_stream(path).close()
    assert remote.state(path) == unread
    assert moved().by_kind["head"] == 2


def test_an_empty_file_is_empty(address: str, at: At) -> None:
    assert read_all(at(address) / ODD / "empty") == b""


def test_a_packed_file_of_any_size_is_not_inflated_on_the_way(web: Nginx, production: Path, at: At) -> None:
    assert read_all(at(web.url("encoded")) / ODD / "small.gz") == (production / ODD / "small.gz").read_bytes()
