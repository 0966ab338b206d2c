"""``banshi serve``: web workers, and a follower that keeps the index fresh, each in a process of its own.

The parent only watches: a follower that dies is started again, and when the web server ends, everything ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from prometheus_client.multiprocess import mark_process_dead

from banshi.composition import Application
from banshi.logs import configure_logging
from banshi.settings import Settings
from web.app import create_app
from web.context import WebContext
from web.metrics import count_unrecorded
from web.recorder import Recorder

_RESTART_SECONDS = 2
_POLL_SECONDS = 0.2
_STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1


def web_context(settings: Settings) -> WebContext:
    """What a web worker is given."""
    application = Application(settings)
    return WebContext(
        database=application.database,
        search=application.search,
        index_lags=application.lags,
        city_name=settings.city_name,
        public_url=settings.public_url.rstrip("/"),
        index_stale_seconds=settings.index_stale_seconds,
        version=metadata.version("banshi"),
        recorder=Recorder(application.database, on_dropped=count_unrecorded) if settings.use_log else None,
        voice=application.voice if settings.voice else None,
    )


def web_application(settings: Settings) -> Flask:
    """The Flask application with its parts, as one worker holds it."""
    configure_logging(settings.log_format)
    return create_app(web_context(settings))


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """Gunicorn with its configuration from our settings instead of its own command line."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._worker: Any = None
        super().__init__()

    def load_config(self) -> None:
        """Our settings in Gunicorn's words."""
        options: dict[str, Any] = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "workers": self.settings.workers,
            "threads": self.settings.threads,
            "worker_class": "gthread",
            "timeout": 60,
            "graceful_timeout": 15,
            "limit_request_line": 8190,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
            "proc_name": "banshi",
            # Its default place is the home folder, shared by every server of the user; all our state is in BANSHI_DATA.
            "control_socket_disable": True,
            "post_fork": self._remember_worker,
            "post_worker_init": _warm_up,
            "child_exit": lambda _server, worker: mark_process_dead(worker.pid),  # type: ignore[no-untyped-call]
            "when_ready": lambda _server: print(
                f"办事指南已在 http://{self.settings.host}:{self.settings.port} 提供服务，按 Ctrl+C 停止", flush=True
            ),
        }
        for key, value in options.items():
            self.cfg.set(key, value)

    def _remember_worker(self, _server: Any, worker: Any) -> None:
        self._worker = worker

    def load(self) -> Flask:
        """The application of one worker."""
        configure_logging(self.settings.log_format)
        return create_app(self.context())

    def context(self) -> WebContext:
        """What this worker is given."""
        return replace(web_context(self.settings), is_stopping=lambda: not self._worker.alive)


def _warm_up(worker: Any) -> None:
    """Load the dictionaries before the first visitor comes, not while they wait."""
    with contextlib.suppress(Exception):  # no index yet: the pages say so themselves
        _ = worker.app.callable.extensions["banshi"].search.language


def run_web(settings: Settings) -> None:
    """Serve until stopped, in this process."""
    # prometheus_client reads it when it is imported, so it must have come with the environment.
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir(parents=True)
    Gunicorn(settings).run()


def serve(settings: Settings) -> int:
    """Run web server and follower until one is told to stop; return the web server's exit status."""
    environment = {
        **os.environ,
        **settings.as_environment(),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.data.resolve() / "metrics"),
    }
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    # Before the children start: told to stop in between, they must not be left behind.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    web = _start(["banshi.server"], environment)
    follower = _start(_FOLLOWER, environment)
    restarted_at = time.monotonic()
    while not stopping and web.poll() is None:
        if follower.poll() is not None and time.monotonic() - restarted_at > _RESTART_SECONDS:
            follower = _start(_FOLLOWER, environment)
            restarted_at = time.monotonic()
        time.sleep(_POLL_SECONDS)
    for process in (web, follower):
        if process.poll() is None:
            process.terminate()
    for process in (web, follower):
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return 0 if stopping else web.returncode


_FOLLOWER = ["banshi", "index", "sync", "--follow"]


def _start(module: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A child that is told to stop when this process ends, however it ends."""
    return subprocess.Popen([sys.executable, "-m", *module], env=environment, preexec_fn=_end_with_parent)  # noqa: PLW1509 - this process has one thread


def _end_with_parent() -> None:
    """Ask Linux for a SIGTERM when the parent dies (prctl(2), PR_SET_PDEATHSIG)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    run_web(Settings())
