"""How often a server is asked, and what its refusals mean."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from pytest_specqa.errors import RefusedError, UnreachableError
from pytest_specqa.remote.patience import PATIENCE, PassingError, Patience, Retrying, require_success, seconds

WHERE = "https://data.example.org/prod/a.fits"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_another_try_may_mend_these(status: int) -> None:
    with pytest.raises(PassingError, match=str(status)) as error:
        require_success(status, where=WHERE, retry_after="3")
    assert error.value.wait == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, FileNotFoundError) for status in (404, 410)),
        *((status, RefusedError) for status in (301, 302, 307, 308, 401, 403, 407)),
        *((status, UnreachableError) for status in (204, 400, 405, 418)),
    ],
)
def test_no_other_try_would_mend_those(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=WHERE) as error:
        require_success(status, where=WHERE)
    assert type(error.value) is kind


@pytest.mark.parametrize("status", [200, 206])
def test_these_are_answers(status: int) -> None:
    require_success(status, where=WHERE)


def test_a_code_of_the_server_is_said_only_if_it_is_a_word() -> None:
    with pytest.raises(RefusedError, match="403 SignatureDoesNotMatch"):
        require_success(403, where=WHERE, code="SignatureDoesNotMatch")
    with pytest.raises(RefusedError, match="403 Forbidden"):
        require_success(403, where=WHERE, code="key AKIA/secret\n")


def test_retry_after_is_a_number_or_a_date() -> None:
    assert seconds("120") == 120
    assert seconds(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=5)
    assert seconds(formatdate(0, usegmt=True)) == 0
    assert seconds("soon") is seconds("") is seconds("-3") is None


def test_pauses_grow_up_to_a_bound_and_heed_the_server_up_to_another() -> None:
    patience = Patience(first=1, most=4, asked=60)
    usual = [patience.pause(number, None) for number in (1, 2, 3, 4, 50)]
    assert all(0.75 * base <= pause <= 1.25 * base for base, pause in zip([1, 2, 4, 4, 4], usual, strict=True))
    assert patience.pause(1, 30) == 30
    assert patience.pause(1, 86_400) == 60
    assert patience.pause(3, 0) >= 3


def test_what_is_not_passing_is_not_repeated(pauses: list[float]) -> None:
    asked = []

    def ask(again: bool) -> None:
        asked.append(again)
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        Retrying(PATIENCE)(ask, where=WHERE)
    assert pauses == []
    assert asked == [False]


def test_the_last_failure_is_told() -> None:
    found = iter(["a", "b", "c"])

    def ask(again: bool) -> None:
        raise PassingError(next(found))

    with pytest.raises(UnreachableError, match="found c in each of 3 tries"):
        Retrying(Patience(tries=3))(ask, where=WHERE)
