"""What the web room is given by whoever starts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app

from guides.database import Database
from search.service import SearchService


@dataclass(frozen=True)
class WebContext:
    """The site's parts and settings. ``index_lag`` gives (changes unseen, age of the oldest in seconds)."""

    database: Database
    search: SearchService
    index_lag: Callable[[], tuple[int, float]]
    city_name: str
    public_url: str
    index_stale_seconds: int
    version: str


def web() -> WebContext:
    """The context of the running application."""
    return cast(WebContext, current_app.extensions["banshi"])
