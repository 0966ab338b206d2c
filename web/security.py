"""Headers of every answer, in one place."""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, g, request

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", re.ASCII)
_YEAR_SECONDS = 31_536_000


def _sockets() -> str:
    """This site's WebSockets by name: Safari up to 15 does not count them as 'self'."""
    host = request.headers.get("Host", "")
    return f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""


def register(app: Flask) -> None:
    """Give every request a nonce and every answer its headers."""

    @app.before_request
    def make_nonce() -> None:
        g.nonce = secrets.token_urlsafe(16)

    @app.after_request
    def set_headers(response: Response) -> Response:
        nonce = getattr(g, "nonce", "")
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; "
            # 'self' is for the module that takes the sound from the microphone: a worklet cannot carry a nonce.
            f"script-src 'self' 'nonce-{nonce}'; "
            f"style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'{_sockets()}; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(self)"
        if request.endpoint == "static" and response.status_code == 200 and "v" in request.args:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        elif "Cache-Control" not in response.headers:
            # A guide may change at any minute, and a kiosk's neighbour must not see what was read before.
            response.headers["Cache-Control"] = "no-cache, private"
        return response
