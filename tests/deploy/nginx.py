"""A real nginx with deploy/nginx.conf on free ports of this machine, and stand-ins for the web machines behind it."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "banshi.example"
STRANGER = "127.0.0.9"
"""An address of this machine that is not 127.0.0.1: nginx takes whoever comes from it for a stranger."""
_START_SECONDS = 20
# As Debian's nginx.conf has it around conf.d, with all that it writes in one folder.
_AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    access_log {folder}/access.log;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/banshi.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class _StandIn(BaseHTTPRequestHandler):
    """Answers with what it was asked; /fails with 503; speaks on after a WebSocket handshake, repeating what it hears."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade") == "websocket":
            self._repeat()
            return
        length = int(self.headers.get("Content-Length", 0))
        received = len(self.rfile.read(length))
        asked = {
            "machine": self.server.server_address[1],
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "received": received,
            "padding": " " * 2000,
        }
        body = json.dumps(asked).encode()
        self.send_response(503 if self.server.fails or self.path == "/fails" else 200)  # type: ignore[attr-defined]
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "public, max-age=31536000, immutable")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def _repeat(self) -> None:
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        while heard := self.connection.recv(1024):
            self.connection.sendall(heard)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def web_machine(*, fails: bool = False) -> Iterator[int]:
    """The port of a stand-in for `banshi serve`; one that fails answers 503 to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _StandIn)
    server.fails = fails  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Site:
    """nginx as citizens see it."""

    def __init__(self, folder: Path, plain: int, secure: int) -> None:
        self.folder = folder
        self.plain = plain
        self.secure = secure
        self._trusted = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
        self._trusted.set_alpn_protocols(["http/1.1"])

    def connect(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        """A connection with TLS; whose address nginx sees is ``source``."""
        connection = socket.create_connection(("127.0.0.1", self.secure), timeout=20, source_address=(source, 0))
        return self._trusted.wrap_socket(connection, server_hostname=NAME)

    @contextlib.contextmanager
    def visiting(self, source: str = "127.0.0.1") -> Iterator[http.client.HTTPConnection]:
        """A client that keeps one connection open."""
        client = http.client.HTTPConnection(NAME)
        client.sock = self.connect(source)
        try:
            yield client
        finally:
            client.close()

    def ask(
        self,
        path: str,
        *,
        source: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer over https."""
        with self.visiting(source) as client:
            return answer_to(client, path, headers or {}, body)

    def ask_plainly(self, path: str) -> Answer:
        """The answer over http."""
        client = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=20)
        try:
            return answer_to(client, path, {"Host": NAME})
        finally:
            client.close()

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


def answer_to(
    client: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Answer:
    client.request("GET" if body is None else "POST", path, body, headers or {})
    response = client.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


@contextlib.contextmanager
def running(folder: Path, *machines: int) -> Iterator[Site]:
    """nginx before one web machine, or before two."""
    plain, secure = _free_ports(2)
    arguments = configured(folder, plain, secure, *machines)
    with (folder / "said").open("wb") as said:
        # The signal that ends it comes also when the tests are killed and can't send it.
        process = subprocess.Popen(["setpriv", "--pdeathsig=TERM", *arguments], stdout=said, stderr=said)
    site = Site(folder, plain, secure)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", secure), timeout=1).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"nginx did not start: {(folder / 'said').read_text()}{site.logs()}")
            time.sleep(0.05)
        yield site
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def configured(folder: Path, plain: int, secure: int, *machines: int) -> list[str]:
    """Write the configuration to a folder, with a certificate for it; return the command that runs nginx on it.

    Changed is only what the file says to change, and that its ports are free ones of 127.0.0.1.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.read_text(encoding="utf-8")
    changes = [
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen 443 ssl", f"listen 127.0.0.1:{secure} ssl"),
        (r"listen \[::\]:(80|443).*;", ""),
        (r"/var/log/nginx|/etc/ssl/banshi|/var/www/acme", str(folder)),
    ]
    if len(machines) == 1:
        changes.append((r"127\.0\.0\.1:8000", f"127.0.0.1:{machines[0]}"))
    else:
        changes.append((r"server 127\.0\.0\.1:8000", "# one"))
        changes += [
            (rf"# server 192\.168\.10\.{11 + n}:8000", f"server 127.0.0.1:{port}") for n, port in enumerate(machines)
        ]
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        assert count, f"{CONFIGURATION.name} has no {pattern}"
    (folder / "banshi.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder), encoding="utf-8")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return [_program(), "-e", str(folder / "start.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        pytest.fail("No nginx is installed. Run: tests/install-system-packages")
    return found


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


def free_port() -> int:
    """A port where nobody listens."""
    return _free_ports(1)[0]
