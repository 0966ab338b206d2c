"""For machines that watch: is the process alive, and can it do its work?"""

from __future__ import annotations

import sqlalchemy.exc
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from guides.database import DatabaseNotReadyError
from web.context import web

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify({"status": "alive", "version": web().version})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Engine, database and the age of the index: 200 where all are well, 503 with the reasons where not."""
    context = web()
    problems: list[str] = []
    engine = context.search.engine.status()
    if not engine.ready:
        problems.append(f"engine: {engine.message}")
    changes, seconds = 0, 0.0
    try:
        context.database.require_ready()
        if engine.ready:
            changes, seconds = context.index_lag()
        if engine.ready and engine.documents == 0:
            problems.append("index: empty; import a catalogue with `banshi guides import`")
        if seconds > context.index_stale_seconds:
            problems.append(
                f"index: {changes} changes unseen for {seconds:.0f} s; is `banshi index sync --follow` running?"
            )
    except (DatabaseNotReadyError, sqlalchemy.exc.SQLAlchemyError) as error:
        problems.append(f"database: {error}")
    body = {
        "status": "ready" if not problems else "not ready",
        "problems": problems,
        "engine": {"name": engine.name, "index": engine.index, "documents": engine.documents},
        "index_lag": {"changes": changes, "seconds": round(seconds, 1)},
    }
    return jsonify(body), 200 if not problems else 503
