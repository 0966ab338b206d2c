"""For machines that watch: is the process alive, and can it do its work?"""

from __future__ import annotations

import sqlalchemy.exc
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from guides.database import DatabaseNotReadyError
from web.context import IndexLag, web

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify({"status": "alive", "version": web().version})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Engines, database and the age of the index that answers: 200 where searches are answered well, 503 with the
    reasons where not. A standby that answers in the engine's place is a warning: this machine should go on serving."""
    context = web()
    problems: list[str] = []
    warnings: list[str] = []
    lags: list[IndexLag] = []
    reason = context.search.engines.degraded_reason
    try:
        context.database.require_ready()
        lags = context.index_lags()
    except (DatabaseNotReadyError, sqlalchemy.exc.SQLAlchemyError) as error:
        problems.append(f"database: {error}")
        lags = [IndexLag(engine.status(), 0, 0.0) for engine in context.search.engines.all]
    usable = [lag for lag in lags if lag.status.ready]
    if not usable:
        problems += [f"engine: {lag.status.name}: {lag.status.message}" for lag in lags]
    else:
        warnings += [f"engine: {lag.status.name}: {lag.status.message}" for lag in lags if not lag.status.ready]
    # What answers is the first usable one, or the standby while the first is left alone.
    answering = usable[-1 if reason is not None else 0] if usable else lags[0]
    if reason is not None:
        warnings.append(f"engine: degraded, {answering.status.name} answers: {reason}")
    for lag in usable:
        found = problems if lag is answering else warnings
        if lag.status.documents == 0:
            found.append(f"index: {lag.status.name}: empty; import a catalogue with `banshi guides import`")
        if lag.seconds > context.index_stale_seconds:
            found.append(
                f"index: {lag.status.name}: {lag.changes} changes unseen for {lag.seconds:.0f} s; "
                "is `banshi index sync --follow` running?"
            )
    body = {
        "status": "not ready" if problems else "ready",
        "degraded": bool(usable) and answering is not lags[0],
        "problems": problems,
        "warnings": warnings,
        "engine": {
            "name": answering.status.name,
            "index": answering.status.index,
            "documents": answering.status.documents,
        },
        "index_lag": {"changes": answering.changes, "seconds": round(answering.seconds, 1)},
        "engines": [
            {
                "name": lag.status.name,
                "ready": lag.status.ready,
                "index": lag.status.index,
                "documents": lag.status.documents,
                "lag": {"changes": lag.changes, "seconds": round(lag.seconds, 1)},
            }
            for lag in lags
        ],
    }
    return jsonify(body), 503 if problems else 200
