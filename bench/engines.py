"""``python -m bench.engines``: both engines in one run, on 13,000 guides and ten times that.

The catalogue is repeated with changed names and codes; queries are the sample's own names in citizens' ways of
speaking. Rebuilds and searches of both engines run one after the other on the same machine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from banshi.composition import Application
from banshi.settings import Settings
from bench.machine import describe, percentile
from bench.queries import measured_queries
from guides import document, exchange, standard
from guides.sample.catalogue import SampleCatalogue
from indexer.rebuild import rebuild
from tests.elasticsearch.node import Node

GUIDES = 13_000
QUERIES = 500


class Row(NamedTuple):
    """One engine on one size."""

    guides: int
    engine: str
    rebuild_per_second: float
    total_ms: list[float]
    engine_ms: list[float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 10], help="sizes, in times 13,000 guides")
    arguments = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="banshi-engines-") as name:
        folder = Path(name)
        # The whole compiler, as a deployment has it; tests leave it out to start sooner.
        node = Node(folder / "node", settings={"discovery.type": "single-node"}, jvm_options=["-Xms1g", "-Xmx1g"])
        node.start()
        node.wait_ready()
        try:
            for copies in arguments.copies:
                rows += measure(folder / f"x{copies}", node.url, copies)
        finally:
            node.stop()
    table = Table(title=f"{describe()}; {QUERIES} queries, one after the other")
    for column in ("guides", "engine", "rebuild guides/s", "search p50 ms", "p95", "p99", "of which engine p50", "p95"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            f"{row.guides:,}",
            row.engine,
            f"{row.rebuild_per_second:,.0f}",
            *(f"{percentile(row.total_ms, share):.1f}" for share in (0.5, 0.95, 0.99)),
            *(f"{percentile(row.engine_ms, share):.1f}" for share in (0.5, 0.95)),
        )
    Console(width=130).print(table)


def measure(folder: Path, url: str, copies: int) -> list[Row]:
    """Both engines on the catalogue repeated ``copies`` times."""
    application = Application(
        Settings(
            data=folder,
            engine="elasticsearch",
            elasticsearch_urls=url,
            elasticsearch_index=f"bench{copies}",
            elasticsearch_replicas=0,
            elasticsearch_timeout_seconds=30,
        )
    )
    application.database.upgrade()
    with application.database.writing() as connection:
        standard.seed(connection)
    guides = exchange.import_records(application.database, repeated(copies), note="bench").guides.added
    rows = []
    for indexes in application.indexes:
        built = rebuild(application.database, indexes)
        service = application.search_on(indexes.engine)
        queries = measured_queries(service.language.lexicon, QUERIES)
        for request in queries[:100]:
            service.search(request)
        answers = [service.search(request) for request in queries]
        rows.append(
            Row(
                guides,
                indexes.engine,
                built.guides_per_second,
                [answer.took_ms for answer in answers],
                [answer.engine_ms for answer in answers],
            )
        )
    application.database.close()
    return rows


def repeated(copies: int) -> Iterator[document.AnyRecord]:
    """Some 13,000 guides of the sample ``copies`` times, each copy with names and codes of its own."""
    catalogue = SampleCatalogue()
    yield from catalogue.divisions
    yield from catalogue.departments()
    guides: list[document.Guide] = []
    for guide in catalogue.guides():
        guides.append(guide)
        if len(guides) >= GUIDES:
            break
    wanted = {guide.item_code for guide in guides}
    items = [item for item in catalogue.items() if item.code in wanted]
    for copy in range(copies):
        mark = "" if copy == 0 else f"{copy}类"
        serial = "" if copy == 0 else str(copy)
        for item in items:
            changed = {"code": item.code + serial, "name": mark + item.name}
            yield item.model_copy(update=changed | {"aliases": [mark + alias for alias in item.aliases]})
        for guide in guides:
            yield guide.model_copy(
                update={
                    "code": guide.code + serial,
                    "item_code": guide.item_code + serial,
                    "title": mark + guide.title,
                }
            )


if __name__ == "__main__":
    main()
