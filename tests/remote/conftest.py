"""A small production with one frame of real size, the servers that hold it, and retries that do not wait."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from isal import igzip

from pytest_specqa import remote
from pytest_specqa.remote import RemotePath, patience
from tests.production.conftest import EXPID, NIGHT, TILE, Writer, fibermap_rows, grid
from tests.remote import servers

FOLDER = f"exposures/{NIGHT}/{EXPID:08d}"
SFRAME = f"{FOLDER}/sframe-r6-{EXPID:08d}.fits.gz"
SKY = f"{FOLDER}/sky-r6-{EXPID:08d}.fits"
TABLE = f"exposure_tables/{NIGHT // 100}/exposure_table_{NIGHT}.csv"
ODD = "odd"
ELSEWHERE = "denied/from-a-header"


def real_frame(address: str) -> bytes:
    """A packed frame whose RESOLUTION has as much entropy as one of the pipeline, and a header that holds an address."""
    rng, wave = np.random.default_rng(0), grid("r")
    shape = 500, len(wave)
    flux, ivar = rng.normal(size=shape).astype("f4"), rng.uniform(0.5, 2, shape).astype("f4")
    resolution = rng.normal(size=(shape[0], 11, shape[1])).astype("f4")
    resolution.view("u4")[:] &= 0xFFFFFE00
    hdus = {"FLUX": flux, "IVAR": ivar, "MASK": np.zeros(shape, "u4"), "WAVELENGTH": wave, "RESOLUTION": resolution}
    written = fits.HDUList([(fits.ImageHDU if number else fits.PrimaryHDU)(data) for number, data in enumerate(hdus.values())])
    for hdu, name in zip(written, hdus, strict=True):
        hdu.name = name
    written.append(fits.BinTableHDU(fibermap_rows(), name="FIBERMAP"))
    written[0].header.update({"CAMERA": "r6", "NIGHT": NIGHT, "EXPID": EXPID, "TILEID": TILE, "FIBERFLT": address})
    plain = io.BytesIO()
    written.writeto(plain)
    return bytes(igzip.compress(plain.getvalue(), compresslevel=1))


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night with one exposure of one camera."""
    root = tmp_path_factory.mktemp("redux") / "daily"
    (root / FOLDER).mkdir(parents=True)
    (root / SFRAME).write_bytes(real_frame(f"http://127.0.0.1/{ELSEWHERE}"))
    writer = Writer()
    writer.write(root / SKY, writer.sky())
    writer.write(
        root / f"preproc/{NIGHT}/{EXPID:08d}/fibermap-{EXPID:08d}.fits", {"": None, "FIBERMAP": fibermap_rows(tuple(range(10)))}
    )
    (root / ODD).mkdir()
    whole = (root / SKY).read_bytes()
    (root / ODD / "sky-r6-short.fits").write_bytes(whole[: len(whole) // 2])
    (root / ODD / "empty").touch()
    (root / ODD / "small.gz").write_bytes(igzip.compress(b"text" * 100))
    (root / TABLE).parent.mkdir(parents=True)
    columns = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS,EXPTIME,SURVEY,FAPRGRM"
    (root / TABLE).write_text(f"{columns}\n{EXPID},science,{TILE},skysub,r6,,,900,main,dark\n", encoding="utf-8")
    # Another one, in which the table promises a file that is not there.
    for name in (SKY, TABLE):
        (root.with_name(servers.LACKING) / name).parent.mkdir(parents=True)
        (root.with_name(servers.LACKING) / name).hardlink_to(root / name)
    return root


@pytest.fixture(scope="session")
def web(production: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Nginx]:
    """Hold the production on nginx."""
    with servers.nginx(tmp_path_factory.mktemp("nginx"), production) as running:
        yield running


@pytest.fixture(scope="session")
def s3_server(production: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Hold the production in S3, for everyone."""
    with servers.s3(tmp_path_factory.mktemp("rclone"), production.parent.parent) as address:
        yield address


@pytest.fixture
def s3(s3_server: str, production: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of the production in S3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    return f"s3://{production.parent.name}/{production.name}"


@pytest.fixture(params=["web", "s3"])
def address(request: pytest.FixtureRequest) -> str:
    """Return the address of the production on either kind of server."""
    return str(request.getfixturevalue("s3")) if request.param == "s3" else request.getfixturevalue("web").url()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """Forget what earlier tests have asked; no one's credentials are there; pauses between tries are gathered, not made."""
    found: list[float] = []
    monkeypatch.setattr(patience, "wait", found.append)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    remote.forget()
    return found


@pytest.fixture
def at() -> Callable[[str], RemotePath]:
    """Make a path of an address."""
    return RemotePath.of


@pytest.fixture
def moved() -> Callable[[], remote.Traffic]:
    """Tell what was asked since the test began."""
    before = remote.traffic()

    def since() -> remote.Traffic:
        now = remote.traffic()
        kinds = {kind: now.by_kind[kind] - before.by_kind.get(kind, 0) for kind in now.by_kind}
        changed = {kind: count for kind, count in kinds.items() if count}
        return remote.Traffic(now.requests - before.requests, now.bytes - before.bytes, now.retries - before.retries, changed)

    return since
