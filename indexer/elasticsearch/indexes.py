"""The indexes in Elasticsearch and their life: aliases say which one serves.

    banshi-20260101-120000-000000-1a2b3c4d   an index: time and digest of the schema
    banshi-read, banshi-write                aliases of the one that serves
    banshi-previous                          alias of the one before, kept for a rollback
    banshi-locks                             who writes, who rebuilds (lease.py)

``banshi`` is the prefix of the settings; several catalogues can share a cluster.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

from elastic_transport import TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from indexer.elasticsearch.connection import ElasticsearchOptions, connect, translated
from indexer.elasticsearch.lease import Lease
from indexer.elasticsearch.mapping import loading_settings, mappings
from indexer.elasticsearch.reader import ElasticsearchReader
from indexer.elasticsearch.writer import ElasticsearchWriter
from indexer.lexicon import Lexicon
from indexer.life import IndexMissingError, IndexWriteError, is_name, new_name

_ADMIN_SECONDS = 30


class ElasticsearchIndexes:
    """All our indexes of one cluster (indexer.life.Indexes)."""

    engine = "elasticsearch"

    def __init__(self, options: ElasticsearchOptions) -> None:
        self.options = options
        self.client: Elasticsearch = connect(options)
        self._admin = self.client.options(request_timeout=_ADMIN_SECONDS, max_retries=3)

    def alias(self, role: str) -> str:
        """The alias of a role: read, write or previous."""
        return f"{self.options.index}-{role}"

    def current(self) -> str:
        """Name of the index that serves; IndexMissingError where there is none."""
        name = self._behind(self.alias("read"))
        if name is None:
            raise IndexMissingError("Elasticsearch 里还没有索引。请先运行：banshi init，再运行：banshi index rebuild")
        return name

    def previous(self) -> str | None:
        """Name of the index that served before."""
        return self._behind(self.alias("previous"))

    def _behind(self, alias: str) -> str | None:
        with translated(self.options):
            try:
                names = sorted(self.client.indices.get_alias(name=alias).keys())
            except NotFoundError:
                if self.client.indices.exists(index=alias):
                    raise IndexMissingError(
                        f"{alias} 应当是别名，现在却是一个索引，可能是别的程序误建的。"
                        f"确认它没有用之后删除它（DELETE /{alias}），再运行：banshi index rebuild"
                    ) from None
                return None
        return names[-1] if names else None

    def new_name(self, now: datetime.datetime) -> str:
        """A name for an index made now."""
        return new_name(self.options.index, now)

    def create(self, name: str, lexicon: Lexicon) -> None:  # noqa: ARG002 - the first commit writes it
        """Make an empty index with the settings of loading."""
        self.current_or_none()  # an alias that is no alias is told now, not after the loading
        with translated(self.options):
            try:
                self._admin.indices.create(
                    index=name, settings=loading_settings(self.options.shards), mappings=mappings()
                )
            except BadRequestError as error:
                raise IndexWriteError(f"建不了索引 {name}：{error.message}。请检查集群的设置和上限") from error

    def current_or_none(self) -> str | None:
        """Name of the index that serves, if there is one."""
        return self._behind(self.alias("read"))

    def writer(self, name: str) -> ElasticsearchWriter:
        """A writer of the index."""
        return ElasticsearchWriter(self.client, name, self.options)

    def reader(self, name: str) -> ElasticsearchReader:
        """A reader of the index; IndexMissingError where it is of another schema."""
        return ElasticsearchReader(self.client, name, self.options)

    def swap(self, name: str) -> None:
        """Let ``name`` serve: all aliases move in one call."""
        old = self.current_or_none()
        before = self.previous()
        actions: list[dict[str, dict[str, object]]] = []
        if before is not None:
            actions.append({"remove": {"index": before, "alias": self.alias("previous")}})
        if old is not None:
            actions += [{"remove": {"index": old, "alias": self.alias(role)}} for role in ("read", "write")]
            actions.append({"add": {"index": old, "alias": self.alias("previous")}})
        actions += [
            {"add": {"index": name, "alias": self.alias("read")}},
            {"add": {"index": name, "alias": self.alias("write"), "is_write_index": True}},
        ]
        with translated(self.options):
            self._admin.indices.update_aliases(actions=actions)

    def discard(self, name: str) -> None:
        """Delete an index that came to nothing."""
        with contextlib.suppress(ApiError, TransportError):  # the next rebuild clears it away
            self._admin.indices.delete(index=name, ignore_unavailable=True)

    def remove_leftovers(self) -> list[str]:
        """Delete our indexes that neither serve nor are kept."""
        kept = {self.current_or_none(), self.previous()}
        with translated(self.options):
            present = self._admin.indices.get_alias(index=f"{self.options.index}-*").keys()
            removed = sorted(name for name in present if is_name(self.options.index, name) and name not in kept)
            for name in removed:
                self._admin.indices.delete(index=name, ignore_unavailable=True)
        return removed

    @contextlib.contextmanager
    def lock(self, name: str, busy: str, *, wait_seconds: float = 0) -> Iterator[None]:
        """Hold a lock among all machines that use this prefix."""
        lease = Lease(self._admin, f"{self.options.index}-locks", name)
        with contextlib.ExitStack() as stack:
            with translated(self.options):
                stack.enter_context(lease.held(busy, wait_seconds))
            yield

    def health(self) -> str:
        """Colour of the index that serves: green, yellow (copies are missing) or red."""
        with translated(self.options):
            return str(self.client.cluster.health(index=self.current())["status"])

    def close(self) -> None:
        """Let go of all connections."""
        self.client.close()
