"""A guard before a node: TLS and a password, as a full distribution has them and our assembled node has not.

It answers as Elasticsearch's security does (401 with a security_exception), and hands everything else through.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

USER, PASSWORD = "banshi", "correct horse"
_DENIED = json.dumps(
    {
        "error": {"type": "security_exception", "reason": "unable to authenticate user", "root_cause": []},
        "status": 401,
    }
).encode()
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Guard:
    """Where the guard listens, and its certificate."""

    url: str
    certificate: Path
    fingerprint: str


@contextmanager
def guarded(node_url: str, folder: Path) -> Iterator[Guard]:
    """A guard before the node until the block ends."""
    certificate, key = folder / "guard.crt", folder / "guard.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    upstream = urlsplit(node_url)
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != expected:
                self._answer(
                    401, [("Content-Type", "application/json"), ("X-Elastic-Product", "Elasticsearch")], _DENIED
                )
                return
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)
            try:
                headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
                self._answer(answer.status, answer.getheaders(), content)
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_request  # noqa: N815

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        yield Guard(f"https://127.0.0.1:{server.server_address[1]}", certificate, hashlib.sha256(der).hexdigest())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
