"""Debian's Chromium, driven by Playwright, and the site served on a free port of this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from banshi.logs import configure_logging
from banshi.server import web_context
from banshi.settings import Settings
from voice.listening import VoiceService
from web.app import create_app

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ALLOWED_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""A microphone that need not be asked for; ``speaking`` says what it hears."""
PHONE = (390, 844)
DESKTOP = (1280, 900)


def speaking(recording: Path) -> str:
    """The flag that lets the microphone hear a WAV file, once."""
    return f"--use-file-for-fake-audio-capture={recording}%noloop"


class Quiet(WSGIRequestHandler):
    def log_request(self, *_arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(settings: Settings, voice: VoiceService | None = None) -> Iterator[str]:
    """The site's address while it is served from a thread; with ``voice`` instead of its own ears, where given."""
    configure_logging(settings.log_format)
    context = web_context(settings)
    app = create_app(replace(context, voice=voice or context.voice))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        if recorder := app.extensions["banshi"].recorder:
            recorder.close()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@contextlib.contextmanager
def launched(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """A headless browser with flags of one's own, beside others of the same Playwright."""
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*_FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()
