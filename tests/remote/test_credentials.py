"""Passwords and keys: they come from the user's own configuration, and are shown nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_specqa import remote
from pytest_specqa.errors import UsageError
from pytest_specqa.remote import RemotePath, sites
from tests.remote import servers
from tests.remote.conftest import TABLE
from tests.remote.servers import Nginx

At = Callable[[str], RemotePath]
KEY, SECRET = "AKIAREADER0", "s3samesecret0"


@pytest.fixture(scope="module")
def keyed(production: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Hold the production in S3, for one user."""
    with servers.s3(tmp_path_factory.mktemp("keyed"), production.parent.parent, keys=f"{KEY},{SECRET}") as address:
        yield address


@pytest.fixture
def path(keyed: str, production: Path, at: At, monkeypatch: pytest.MonkeyPatch) -> RemotePath:
    """Return a file that only the user may read."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", keyed)
    # Another server than that of other tests, and other keys.
    monkeypatch.setattr(sites, "_SITES", {})
    return at(f"s3://{production.parent.name}/{production.name}") / TABLE


def test_a_password_is_taken_from_netrc(web: Nginx, production: Path, at: At, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login reader password sesame\n", encoding="utf-8")
    (tmp_path / "netrc").chmod(0o600)
    path = at(web.url("locked")) / TABLE
    assert remote.open_stream(path).read() == (production / TABLE).read_bytes()
    assert "sesame" not in f"{path} {path!r} {path.site.address}"


def test_a_wrong_password_is_not_shown(web: Nginx, at: At, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login reader password s3same\n", encoding="utf-8")
    (tmp_path / "netrc").chmod(0o600)
    with pytest.raises(UsageError, match="401") as error:
        remote.open_stream(at(web.url("locked")) / TABLE)
    assert "s3same" not in str(error.value)


def test_a_netrc_that_cannot_be_read_is_not_shown(web: Nginx, at: At, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login reader s3same\n", encoding="utf-8")
    (tmp_path / "netrc").chmod(0o600)
    with pytest.raises(UsageError, match="401"):
        remote.open_stream(at(web.url("locked")) / TABLE)
    assert "s3same" not in caplog.text


def test_keys_are_taken_from_the_aws_configuration(
    path: RemotePath, production: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").write_text(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    assert remote.open_stream(path).read() == (production / TABLE).read_bytes()
    assert [*remote.listing(path.parent)] == [path.name]
    assert SECRET not in f"{path} {path!r} {path.site.address}"


def test_wrong_keys_are_a_refusal_that_does_not_show_them(path: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    with pytest.raises(UsageError, match=str(path)) as error:
        remote.open_stream(path)
    assert "403" in str(error.value)
    assert "wr0ng" not in str(error.value)
    assert KEY not in str(error.value)
