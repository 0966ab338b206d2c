"""``python -m bench.relevance``: the held-out judgements, Banshi beside three baselines, on one catalogue in one run.

Baselines: plain BM25 over jieba's tokens of the title; SQLite's FTS5 on the same tokens; pairs of characters. Prints
Markdown tables for docs/relevance.md: measures by way of searching, by kind, and the time of a search on each engine
beside that of the plain query on the same engine.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from banshi.composition import Application
from banshi.settings import Settings
from bench.machine import describe, percentile
from guides import exchange, standard
from guides.sample.catalogue import SampleCatalogue
from indexer.rebuild import rebuild
from search import evaluation
from search.answering import FACET_FIELDS
from search.engines.base import AnyOf, Engine, EngineRequest, Term
from search.evaluation import Figures, Judgement, Ranked
from search.service import SearchService
from tests.elasticsearch.node import Node

JUDGEMENTS = Path(__file__).parents[1] / "tests" / "search" / "judgements"
_ROUNDS = 3

Ask = Callable[[Judgement], Ranked]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.relevance", description=__doc__)
    parser.add_argument("--half", choices=["held_out", "tuning"], default="held_out")
    arguments = parser.parse_args()
    judgements = evaluation.load(JUDGEMENTS / f"{arguments.half}.jsonl")
    with tempfile.TemporaryDirectory(prefix="banshi-relevance-") as name, served(Path(name)) as application:
        services = {engine: application.search_on(engine) for engine in ("embedded", "elasticsearch")}
        print(f"{describe()}; {len(judgements)} judged queries ({arguments.half})\n")
        embedded = services["embedded"]
        ways: dict[str, Ask] = {
            "plain BM25 over jieba tokens of the title": partial(plain, embedded, "title"),
            "SQLite FTS5 on the same tokens": full_text(embedded),
            "pairs of characters of the title": partial(plain, embedded, "title_bigrams"),
            **{f"Banshi, {engine}": partial(evaluation.shown_by, s.search) for engine, s in services.items()},
        }
        reports = {way: evaluation.evaluate(judgements, ask) for way, ask in ways.items()}
        print(_header("way"))
        for way, report in reports.items():
            print(_row(way, report.overall))
        ours = reports["Banshi, embedded"]
        print("\n" + _header("kind"))
        for kind, figures in ours.by_kind.items():
            print(_row(kind, figures))
        print("\n| engine | plain p50 | plain p95 | everything on p50 | everything on p95 | p95 ratio |")
        print("|---|---:|---:|---:|---:|---:|")
        for engine, service in services.items():
            print(_latency(engine, service, judgements))


def _header(first: str) -> str:
    columns = ("success@1", "success@3", "MRR", "nDCG@10", "unsure", "wrongly confident")
    return f"| {first} | queries | {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) + 1)}"


def _row(name: str, figures: Figures) -> str:
    values = (
        figures.success_1,
        figures.success_3,
        figures.mrr,
        figures.ndcg_10,
        figures.unsure,
        figures.wrong_confident,
    )
    return f"| {name} | {figures.queries} | {' | '.join('' if v is None else f'{v:.3f}' for v in values)} |"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Application]:
    """The sample catalogue with its index in both engines."""
    node = Node(folder / "node", settings={"discovery.type": "single-node"}, jvm_options=["-Xms1g", "-Xmx1g"])
    node.start()
    try:
        node.wait_ready()
        application = Application(
            Settings(
                data=folder,
                engine="elasticsearch",
                elasticsearch_urls=node.url,
                elasticsearch_replicas=0,
                elasticsearch_timeout_seconds=30,
            )
        )
        application.database.upgrade()
        with application.database.writing() as connection:
            standard.seed(connection)
        exchange.import_records(application.database, SampleCatalogue().records(), note="bench")
        for indexes in application.indexes:
            rebuild(application.database, indexes)
        yield application
        application.database.close()
    finally:
        node.stop()


def _request(service: SearchService, field: str, judgement: Judgement, *, facets: bool = False) -> EngineRequest | None:
    """The plain query: any token of the query in one field, with the person's division and the page's facets."""
    language = service.language
    tokens = (
        language.analyzer.query_tokens(judgement.query)
        if field == "title"
        else language.analyzer.bigrams(judgement.query).split()
    )
    if not tokens:
        return None
    place = language.places.division(judgement.division).code if judgement.division else language.places.root
    filters = {"serves": (place,)}
    clause = AnyOf(tuple(Term(field, token) for token in dict.fromkeys(tokens)))
    counted = dict.fromkeys(FACET_FIELDS.values(), filters) if facets else {}
    return EngineRequest(clause, filters, counted, limit=evaluation.DEPTH)


def plain(service: SearchService, field: str, judgement: Judgement) -> Ranked:
    """BM25 over one field."""
    request = _request(service, field, judgement)
    hits = service.engines.first.search(request).hits if request else []
    return Ranked([(h.card["item_code"], h.card["code"], h.card["title"]) for h in hits], is_confident=bool(hits))


def full_text(service: SearchService) -> Ask:
    """SQLite's FTS5 over the same tokens of every item's name, ranked by its bm25()."""
    language = service.language
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE item USING fts5(code UNINDEXED, title, tokenize='unicode61')")
    connection.executemany(
        "INSERT INTO item VALUES (?, ?)",
        [(item.code, language.analyzer.index_tokens(item.name)) for item in language.lexicon.items],
    )

    def ask(judgement: Judgement) -> Ranked:
        tokens = language.analyzer.query_tokens(judgement.query)
        if not tokens:
            return Ranked([], is_confident=False)
        words = " OR ".join(f'"{token}"' for token in tokens)
        rows = connection.execute(
            "SELECT code, title FROM item WHERE item MATCH ? ORDER BY bm25(item) LIMIT ?", (words, evaluation.DEPTH)
        ).fetchall()
        return Ranked([(code, code, title) for code, title in rows], is_confident=bool(rows))

    return ask


def _latency(name: str, service: SearchService, judgements: list[Judgement]) -> str:
    """Milliseconds of the plain query and of everything, in turn on the same queries.

    The plain query is what the plainest page of results would take on this engine: jieba's tokens of the words, one
    BM25 clause each in the title, the person's division, the page's five facets, and the cards of the first ten read.
    """
    engine: Engine = service.engines.first
    bare: list[float] = []
    whole: list[float] = []
    for turn in range(_ROUNDS):
        for judgement in judgements:
            started = time.perf_counter()
            request = _request(service, "title", judgement, facets=True)
            if request is None:
                continue
            for hit in engine.search(request).hits:
                _ = hit.card
            middle = time.perf_counter()
            evaluation.shown_by(service.search, judgement)
            if turn:  # the first round warms up
                bare.append((middle - started) * 1000)
                whole.append((time.perf_counter() - middle) * 1000)
    figures = (percentile(bare, 0.5), percentile(bare, 0.95), percentile(whole, 0.5), percentile(whole, 0.95))
    return f"| {name} | {' | '.join(f'{value:.1f}' for value in figures)} | {figures[3] / figures[1]:.2f} |"


if __name__ == "__main__":
    main()
