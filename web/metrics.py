"""/metrics for Prometheus: requests, searches by engine, how far the indexes are behind, whether the standby answers.

Several workers count together through files in PROMETHEUS_MULTIPROC_DIR, which whoever starts them sets. No query, no
address of a person, nothing that tells who looked for what.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import sqlalchemy.exc
from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from search.results import SearchResponse
from web.context import WebContext, web

blueprint = Blueprint("metrics", __name__)

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_registry = CollectorRegistry()
_requests = Counter("banshi_requests", "Answers sent.", ("endpoint", "status"), registry=_registry)
_request_seconds = Histogram(
    "banshi_request_seconds", "Time to answer a request.", ("endpoint",), buckets=_SECONDS, registry=_registry
)
_searches = Counter(
    "banshi_searches", "Searches by the engine that answered; degraded where it is the standby.",
    ("engine", "degraded"), registry=_registry,
)  # fmt: skip
_search_seconds = Histogram(
    "banshi_search_seconds", "Time of a whole search.", ("engine",), buckets=_SECONDS, registry=_registry
)
_engine_seconds = Histogram(
    "banshi_engine_seconds", "Time of the engine within it.", ("engine",), buckets=_SECONDS, registry=_registry
)
_unrecorded = Counter(
    "banshi_use_unrecorded", "Notes of use that were dropped: no room for more, or the database refused them.",
    ("reason",), registry=_registry,
)  # fmt: skip
_voice = Counter(
    "banshi_voice_queries",
    "Queries spoken, by way (stream, upload) and outcome: speech and other conditions of the sound, lost, cancelled, "
    "or the code of the error.",
    ("way", "outcome"), registry=_registry,
)  # fmt: skip


def register(app: Flask) -> None:
    """Count every answer of the application."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        _requests.labels(endpoint, str(response.status_code)).inc()
        if "started" in g:
            _request_seconds.labels(endpoint).observe(time.perf_counter() - g.started)
        return response

    app.register_blueprint(blueprint)


def count_search(response: SearchResponse) -> SearchResponse:
    """Count a search that was answered, and hand it on."""
    _searches.labels(response.engine, str(response.degraded).lower()).inc()
    _search_seconds.labels(response.engine).observe(response.took_ms / 1000)
    _engine_seconds.labels(response.engine).observe(response.engine_ms / 1000)
    return response


def count_voice(way: str, outcome: str) -> None:
    """Count a spoken query, however it ended."""
    _voice.labels(way, outcome).inc()


def count_unrecorded(count: int, reason: str) -> None:
    """Count notes of use that were dropped."""
    _unrecorded.labels(reason).inc(count)


class _Indexes(Collector):
    """What is asked of the engines at the moment of looking, rather than counted."""

    def __init__(self, context: WebContext) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        """How every engine in use is."""
        ready = GaugeMetricFamily("banshi_engine_ready", "Whether the engine can answer.", labels=["engine"])
        documents = GaugeMetricFamily("banshi_index_documents", "Guides in the index.", labels=["engine"])
        changes = GaugeMetricFamily("banshi_index_lag_changes", "Changes the index has yet to see.", labels=["engine"])
        age = GaugeMetricFamily(
            "banshi_index_lag_seconds", "Age of the oldest change the index has yet to see.", labels=["engine"]
        )
        try:
            lags = self._context.index_lags()
        except sqlalchemy.exc.SQLAlchemyError:
            lags = []
        for lag in lags:
            ready.add_metric([lag.status.name], float(lag.status.ready))
            if lag.status.ready:
                documents.add_metric([lag.status.name], lag.status.documents)
                changes.add_metric([lag.status.name], lag.changes)
                age.add_metric([lag.status.name], lag.seconds)
        yield from (ready, documents, changes, age)
        degraded = self._context.search.engines.degraded_reason is not None
        yield GaugeMetricFamily("banshi_degraded", "Whether this worker's searches go to the standby.", value=degraded)
        yield GaugeMetricFamily("banshi_database_reachable", "Whether the database answers.", value=bool(lags))


@blueprint.get("/metrics")
def metrics() -> Response:
    """All figures in Prometheus's text format."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    else:
        counted = _registry
    looked = CollectorRegistry()
    looked.register(_Indexes(web()))
    return Response(generate_latest(counted) + generate_latest(looked), content_type=CONTENT_TYPE_LATEST)
