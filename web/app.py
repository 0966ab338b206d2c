"""The Flask application."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import IO

from flask import Flask, Request, url_for

from web import api, errors, health, metrics, pages, security, voice, voice_stream
from web.context import WebContext
from web.presenting import register_filters

_STATIC = Path(__file__).parent / "static"


class _Request(Request):
    """Files that people send stay in memory: what they say must not touch a disk. Their size is limited."""

    def _get_file_stream(self, *_about_the_file: object, **_more: object) -> IO[bytes]:
        return BytesIO()


def create_app(context: WebContext) -> Flask:
    """An application around ``context``."""
    app = Flask(__name__)
    app.request_class = _Request
    app.extensions["banshi"] = context
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": voice_stream.MAX_MESSAGE_BYTES}
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    digests = {path.name: _digest(path) for path in _STATIC.iterdir() if path.is_file()}

    @app.template_global()
    def static_url(name: str) -> str:
        """The address of a static file, with its digest so that browsers may keep it for good."""
        return url_for("static", filename=name, v=digests[name])

    app.jinja_env.globals["site"] = context
    register_filters(app)
    security.register(app)
    metrics.register(app)
    errors.register(app)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(voice.blueprint)
    app.register_blueprint(voice_stream.blueprint)
    app.register_blueprint(health.blueprint)
    return app


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
