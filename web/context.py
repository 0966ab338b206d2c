"""What the web room is given by whoever starts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app

from guides.database import Database
from search.engines.base import EngineStatus
from search.service import SearchService
from voice.listening import VoiceService
from web.recorder import Recorder


@dataclass(frozen=True, slots=True)
class IndexLag:
    """An engine's state, how many changes its index has yet to see, and the age of the oldest of them in seconds."""

    status: EngineStatus
    changes: int
    seconds: float


@dataclass(frozen=True)
class WebContext:
    """The site's parts and settings. ``index_lags`` tells of every engine in use, the one that answers first;
    ``recorder`` takes notes of use, None where none are wanted; ``voice`` listens, None where it is switched off;
    ``is_stopping`` tells whether this process is about to end, so that whoever waits for a person does not go on."""

    database: Database
    search: SearchService
    index_lags: Callable[[], list[IndexLag]]
    city_name: str
    public_url: str
    index_stale_seconds: int
    version: str
    recorder: Recorder | None = None
    voice: VoiceService | None = None
    is_stopping: Callable[[], bool] = lambda: False


def web() -> WebContext:
    """The context of the running application."""
    return cast(WebContext, current_app.extensions["banshi"])
