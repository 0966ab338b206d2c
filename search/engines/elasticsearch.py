"""Elasticsearch as the engine: clauses into its query language, filters in filter context, facets by aggregations.

Asks the index that the read alias points to, by its own name, so that words and documents are of the same index.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from dataclasses import replace
from typing import Any, Final

from elastic_transport import TransportError
from elasticsearch import ApiError

from indexer.elasticsearch.connection import ElasticsearchUnavailableError, explain, explain_item
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.elasticsearch.reader import ElasticsearchReader
from indexer.lexicon import Lexicon
from indexer.life import IndexMissingError
from search.engines.base import (
    AnyOf,
    Best,
    Both,
    Capability,
    Clause,
    Constant,
    EngineRequest,
    EngineResponse,
    EngineStatus,
    EngineUnavailableError,
    Filters,
    Hit,
    Phrase,
    Term,
    Unscored,
)

LOOK_SECONDS: Final = 0.5
"""How often a process looks which index serves and whether its lexicon changed."""
_MAX_FACET_VALUES: Final = 200


class ElasticsearchEngine:
    """Searches the serving index of a cluster. Safe to share between threads."""

    name = "elasticsearch"
    capabilities: frozenset[Capability] = frozenset({"many machines"})

    def __init__(self, indexes: ElasticsearchIndexes) -> None:
        self.indexes = indexes
        self._lock = threading.Lock()
        self._reader: ElasticsearchReader | None = None
        self._stamp: object = None
        self._looked_at = float("-inf")

    def reader(self) -> ElasticsearchReader:
        """A reader of the index that serves, at most LOOK_SECONDS old; EngineUnavailableError where there is none."""
        self._look()
        assert self._reader is not None
        return self._reader

    def _look(self) -> None:
        now = time.monotonic()
        if self._reader is not None and now - self._looked_at < LOOK_SECONDS:
            return
        with self._lock:
            if self._reader is not None and time.monotonic() - self._looked_at < LOOK_SECONDS:
                return
            try:
                reader = self.indexes.reader(self.indexes.current())
                _state, stamp = reader.state_and_stamp()
            except (IndexMissingError, ElasticsearchUnavailableError) as error:
                raise EngineUnavailableError(str(error)) from error
            self._reader, self._stamp, self._looked_at = reader, stamp, time.monotonic()

    def lexicon_stamp(self) -> object:
        """Something that changes with the lexicon."""
        self._look()
        return self._stamp

    def lexicon(self) -> Lexicon:
        """The lexicon of the index that serves."""
        try:
            return self.reader().lexicon()
        except (IndexMissingError, ElasticsearchUnavailableError) as error:
            raise EngineUnavailableError(str(error)) from error

    def search(self, request: EngineRequest) -> EngineResponse:
        """Answer a request from the index that serves."""
        started = time.perf_counter()
        bodies = [_body(request, None)]
        if request.closer is not None:
            # In one trip, and side by side in the cluster.
            bodies.append(_body(request, request.closer))
        answers = self._answers(bodies)
        response, *closer = (_response(request, answer, started) for answer in answers)
        return replace(response, closer=closer[0] if closer else None)

    def _answers(self, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The cluster's answers to searches, all of them from the same copies of the index."""
        header = {
            "index": self.reader().name,
            "preference": _preference(bodies[0]),
            "allow_partial_search_results": False,
        }
        searches = [line for body in bodies for line in (header, body)]
        try:
            answers: list[dict[str, Any]] = self.indexes.client.msearch(searches=searches)["responses"]
        except (ApiError, TransportError) as error:
            self._looked_at = float("-inf")
            raise EngineUnavailableError(explain(error, self.indexes.options)) from error
        for answer in answers:
            if "error" in answer:
                # The index may be gone; look again before the next search.
                self._looked_at = float("-inf")
                raise EngineUnavailableError(explain_item(answer["status"], answer["error"], self.indexes.options))
        return answers

    def status(self) -> EngineStatus:
        """How the index is. Asks the cluster each time."""
        try:
            reader = self.indexes.reader(self.indexes.current())
            state = reader.state()
            documents = reader.documents()
            health = self.indexes.health()
        except (IndexMissingError, ElasticsearchUnavailableError) as error:
            return EngineStatus(self.name, False, "", 0, 0, str(error))
        message = "" if health == "green" else f"集群状态：{health}。黄色表示缺副本，查得到但少一份保险"
        return EngineStatus(self.name, True, reader.name, documents, state.position, message)


def _response(request: EngineRequest, answer: dict[str, Any], started: float) -> EngineResponse:
    facets = {
        field: {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"][field]["values"]["buckets"]}
        for field in request.facets
    }
    hits = [_hit(hit["_score"], hit["_source"]) for hit in answer["hits"]["hits"]]
    total = int(answer["hits"]["total"]["value"])
    return EngineResponse(hits, total, facets, (time.perf_counter() - started) * 1000)


def _hit(score: float | None, source: dict[str, Any]) -> Hit:
    card: str = source["card"]
    return Hit(float(score or 0.0), source["code"][0], source["item_code"][0], lambda: card)


def _body(request: EngineRequest, closer: Clause | None) -> dict[str, Any]:
    """A search request, for all that is found or for what is ``closer``.

    Facets are counted under their own filters, so what only some of them share filters the hits after the counting
    (post_filter).
    """
    scored = {"match_all": {}} if request.query is None else _compile(request.query)
    narrowed = [] if closer is None else [_compile(closer)]
    shared = {
        field: values
        for field, values in request.filters.items()
        if all(filters.get(field) == values for filters in request.facets.values())
    }
    later = {field: values for field, values in request.filters.items() if field not in shared}
    body: dict[str, Any] = {
        "query": {"bool": {"must": [scored], "filter": [*narrowed, *_filters(shared)]}},
        "from": request.offset,
        "size": request.limit,
        "_source": ["code", "item_code", "card"],
        "track_total_hits": True,
        # Equal scores in one order on every copy of the index, so that pages do not overlap.
        "sort": [{request.order_field: "asc"} if request.order_field else {"_score": "desc"}, {"code": "asc"}],
    }
    if later:
        body["post_filter"] = {"bool": {"filter": _filters(later)}}
    if request.facets:
        body["aggregations"] = {
            field: {
                "filter": {"bool": {"filter": _filters({k: v for k, v in filters.items() if k not in shared})}},
                "aggs": {"values": {"terms": {"field": field, "size": _MAX_FACET_VALUES}}},
            }
            for field, filters in request.facets.items()
        }
    return body


def _preference(body: dict[str, Any]) -> str:
    """The same question goes to the same copies: their deleted documents differ, and with them the scores."""
    return f"banshi{zlib.crc32(json.dumps(body['query']).encode())}"


def _filters(filters: Filters) -> list[dict[str, Any]]:
    return [{"terms": {field: list(values)}} for field, values in filters.items()]


def _compile(clause: Clause) -> dict[str, Any]:
    match clause:
        case Term():
            return {"term": {clause.field: {"value": clause.token, "boost": clause.boost}}}
        case Phrase():
            words = {"query": " ".join(clause.tokens), "boost": clause.boost}
            return {"match_phrase": {clause.field: words}}
        case Constant():
            return {"constant_score": {"filter": {"term": {clause.field: clause.value}}, "boost": clause.score}}
        case Unscored():
            return {"bool": {"filter": [_compile(clause.clause)]}}
        case Best():
            return {"dis_max": {"queries": [_compile(c) for c in clause.clauses], "tie_breaker": clause.tie}}
        case AnyOf():
            clauses = [_compile(c) for c in clause.clauses]
            return {"bool": {"should": clauses, "minimum_should_match": clause.minimum}}
        case Both():
            return {"bool": {"must": [_compile(clause.required)], "should": [_compile(c) for c in clause.optional]}}
