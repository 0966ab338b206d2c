"""``python -m tests.web.voice_server FOLDER PORT``: the site as ``banshi serve`` runs it, listening without a model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from banshi.server import Gunicorn
from banshi.settings import Settings
from tests.listener import Listener
from web.context import WebContext


class _Server(Gunicorn):
    def context(self) -> WebContext:
        return replace(super().context(), voice=Listener())


if __name__ == "__main__":
    _Server(Settings(data=Path(sys.argv[1]), port=int(sys.argv[2]), workers=1)).run()
