"""What can be wrong with a cluster: each in a sentence that says what to do next, and nothing lost by it."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guides import document, store
from guides.database import Database
from indexer import follower, gate
from indexer.elasticsearch.connection import ElasticsearchOptions, ElasticsearchUnavailableError
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.elasticsearch.writer import ElasticsearchWriter
from indexer.life import BusyError, IndexMissingError, IndexWriteError
from indexer.rebuild import rebuild
from search.engines.base import EngineRequest, EngineUnavailableError
from search.engines.elasticsearch import ElasticsearchEngine
from tests import catalogue
from tests.elasticsearch.guard import PASSWORD, USER, guarded
from tests.elasticsearch.node import Node
from tests.elasticsearch.options import options_for

ITEMS = [catalogue.item(n, f"{name}补领") for n, name in enumerate(["居民身份证", "居住证", "户口簿"], 1)]
GUIDES = [catalogue.guide(item, division) for item in ITEMS for division in ("230100", "230102")]
ANYTHING = EngineRequest(None, {"serves": ("230102",)})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = catalogue.filled_database(tmp_path, ITEMS, GUIDES)
    yield found
    found.close()


@pytest.fixture
def options(elasticsearch_node: Node) -> ElasticsearchOptions:
    return options_for(elasticsearch_node, prefix=f"t{uuid.uuid4().hex[:8]}")


@pytest.fixture
def indexes(options: ElasticsearchOptions) -> Iterator[ElasticsearchIndexes]:
    found = ElasticsearchIndexes(options)
    yield found
    found.close()


def save(database: Database, guide: document.Guide, **fields: object) -> None:
    changed = document.Guide.model_validate(document.dump(guide) | fields)
    with database.writing() as connection:
        store.save_guides(connection, [changed], "测试")


def trouble(options: ElasticsearchOptions) -> str:
    """What a person is told who asks for the status."""
    indexes = ElasticsearchIndexes(options)
    try:
        status = ElasticsearchEngine(indexes).status()
    finally:
        indexes.close()
    assert not status.ready
    return status.message


def test_nobody_at_the_address_is_told(options: ElasticsearchOptions) -> None:
    message = trouble(replace(options, urls=("http://127.0.0.1:9",)))
    assert "连不上 http://127.0.0.1:9" in message
    assert "BANSHI_ELASTICSEARCH_URLS" in message


def test_an_address_that_is_none_is_told(options: ElasticsearchOptions) -> None:
    with pytest.raises(ElasticsearchUnavailableError, match="BANSHI_ELASTICSEARCH_URLS"):
        ElasticsearchIndexes(replace(options, urls=("not an address",)))


def test_a_wrong_password_a_wrong_fingerprint_and_an_unknown_authority_are_told(
    options: ElasticsearchOptions, elasticsearch_node: Node, tmp_path: Path, database: Database
) -> None:
    with guarded(elasticsearch_node.url, tmp_path) as guard:
        secure = replace(options, urls=(guard.url,), user=USER, password=PASSWORD, ca_file=guard.certificate)
        assert "_PASSWORD" in trouble(replace(secure, password="wrong"))
        by_fingerprint = replace(secure, ca_file=None, fingerprint=guard.fingerprint)
        wrong = guard.fingerprint[:-2] + ("00" if guard.fingerprint[-2:] != "00" else "11")
        assert "BANSHI_ELASTICSEARCH_FINGERPRINT" in trouble(replace(by_fingerprint, fingerprint=wrong))
        assert "BANSHI_ELASTICSEARCH_CA_FILE" in trouble(replace(secure, ca_file=None))
        with pytest.raises(ElasticsearchUnavailableError, match="找不到证书文件"):
            ElasticsearchIndexes(replace(secure, ca_file=tmp_path / "missing.crt"))
        for good in (secure, by_fingerprint):
            indexes = ElasticsearchIndexes(good)
            assert rebuild(database, indexes, processes=1).guides == len(GUIDES)
            assert ElasticsearchEngine(indexes).search(ANYTHING).total == 3
            indexes.close()


def test_without_an_index_the_remedy_is_named(options: ElasticsearchOptions) -> None:
    assert "banshi index rebuild" in trouble(options)


def test_a_red_cluster_is_told_and_heals(database: Database, indexes: ElasticsearchIndexes) -> None:
    rebuild(database, indexes, processes=1)
    red = indexes.current()
    indexes.client.indices.close(index=red)
    indexes.client.indices.put_settings(index=red, settings={"index.routing.allocation.require._name": "no such node"})
    indexes.client.options(ignore_status=408).indices.open(index=red, wait_for_active_shards=0)
    engine = ElasticsearchEngine(indexes)
    with pytest.raises(EngineUnavailableError, match="红色"):
        engine.search(ANYTHING)
    indexes.client.indices.put_settings(index=red, settings={"index.routing.allocation.require._name": None})
    assert eventually(lambda: engine.search(ANYTHING).total == 3)


def test_a_disk_at_its_flood_stage_is_told_and_what_waited_is_applied_afterwards(
    database: Database, indexes: ElasticsearchIndexes
) -> None:
    rebuild(database, indexes, processes=1)
    name = indexes.current()
    watermark = "cluster.routing.allocation.disk.watermark"
    full = {f"{watermark}.{stage}": "100pb" for stage in ("low", "high", "flood_stage")}
    look = {"cluster.info.update.interval": "10s", "cluster.routing.allocation.disk.threshold_enabled": True}
    indexes.client.cluster.put_settings(persistent={**full, **look})
    try:
        assert eventually(lambda: _is_read_only(indexes, name), 40), "the node locks the index by itself"
        save(database, GUIDES[0], title="磁盘满时改的名")
        with pytest.raises((IndexWriteError, ElasticsearchUnavailableError), match="磁盘到了警戒线"):
            follower.sync(database, indexes)
        assert ElasticsearchEngine(indexes).search(ANYTHING).total == 3, "searching goes on"
        indexes.client.cluster.put_settings(persistent=dict.fromkeys(full))
        assert eventually(lambda: not _is_read_only(indexes, name), 40), "and lets go of it when there is room"
    finally:
        indexes.client.cluster.put_settings(persistent=dict.fromkeys({**full, **look}))
    follower.sync(database, indexes)
    assert gate.check(database, indexes.reader(name)).passed


def _is_read_only(indexes: ElasticsearchIndexes, name: str) -> bool:
    settings = indexes.client.indices.get_settings(index=name)[name]["settings"]["index"]
    return settings.get("blocks", {}).get("read_only_allow_delete") == "true"


def test_an_index_of_another_schema_is_told(database: Database, indexes: ElasticsearchIndexes) -> None:
    rebuild(database, indexes, processes=1)
    other = f"{indexes.options.index}-20260101-000000-000000-ffffffff"
    indexes.client.indices.create(index=other)
    indexes.swap(other)
    status = ElasticsearchEngine(indexes).status()
    assert not status.ready
    assert "结构" in status.message
    assert "banshi index rebuild" in status.message
    rebuild(database, indexes, processes=1)
    assert ElasticsearchEngine(indexes).search(ANYTHING).total == 3


def test_a_mapping_that_does_not_fit_is_refused_by_the_gate_and_the_old_index_serves_on(
    database: Database, indexes: ElasticsearchIndexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = rebuild(database, indexes, processes=1).name
    narrow = {"dynamic": "strict", "properties": {"code": {"type": "keyword"}, "card": {"type": "keyword"}}}
    monkeypatch.setattr("indexer.elasticsearch.indexes.mappings", lambda: narrow)
    with pytest.raises(gate.GateError, match="strict_dynamic_mapping_exception"):
        rebuild(database, indexes, processes=1)
    assert indexes.current() == old
    assert len(indexes.remove_leftovers()) == 0, "the new index was discarded"


def test_a_real_index_where_the_alias_should_be_is_told(database: Database, indexes: ElasticsearchIndexes) -> None:
    indexes.client.indices.create(index=indexes.alias("read"))
    with pytest.raises(IndexMissingError, match="应当是别名"):
        rebuild(database, indexes, processes=1)
    indexes.client.indices.delete(index=indexes.alias("read"))
    assert rebuild(database, indexes, processes=1).guides == len(GUIDES)


def test_a_poisoned_document_is_named_and_the_others_are_loaded(
    database: Database, indexes: ElasticsearchIndexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned = GUIDES[0].code
    real = ElasticsearchWriter.add

    def poisoning(self: ElasticsearchWriter, documents: Any, position: int) -> int:
        return real(
            self, ({**d, "visits_order": "often"} if d["code"] == [poisoned] else d for d in documents), position
        )

    with monkeypatch.context() as patch:
        patch.setattr(ElasticsearchWriter, "add", poisoning)
        report = rebuild(database, indexes, processes=1)
    assert [each.code for each in report.rejected] == [poisoned]
    assert "often" in report.rejected[0].reason
    assert report.guides == len(GUIDES) - 1
    checked = gate.check(database, indexes.reader(indexes.current()))
    assert not checked.passed
    assert checked.may_serve
    assert [each.code for each in checked.rejected] == [poisoned]
    save(database, GUIDES[0], summary="好了。")
    follower.sync(database, indexes)
    assert gate.check(database, indexes.reader(indexes.current())).passed, "a document that is well again is taken"


def test_a_cluster_that_stalls_is_told_in_time(
    database: Database, elasticsearch_node: Node, options: ElasticsearchOptions, indexes: ElasticsearchIndexes
) -> None:
    rebuild(database, indexes, processes=1)
    hasty = ElasticsearchIndexes(replace(options, timeout_seconds=0.5))
    engine = ElasticsearchEngine(hasty)
    assert engine.search(ANYTHING).total == 3
    elasticsearch_node.suspend()
    try:
        started = time.monotonic()
        with pytest.raises(EngineUnavailableError, match="没有回答"):
            engine.search(ANYTHING)
        assert time.monotonic() - started < 5
    finally:
        elasticsearch_node.resume()
    assert eventually(lambda: engine.search(ANYTHING).total == 3)
    hasty.close()


def test_a_lock_is_held_by_one_and_taken_from_the_dead(
    indexes: ElasticsearchIndexes, options: ElasticsearchOptions
) -> None:
    other = ElasticsearchIndexes(options)
    with (
        indexes.lock("rebuild", "x"),
        pytest.raises(BusyError, match="另一个重建"),
        other.lock("rebuild", "另一个重建"),
    ):
        pass
    with other.lock("rebuild", "x"):
        pass
    # One that died without letting go: its document stays, and nobody renews it.
    dead = {"holder": "dead", "renewed": 1}
    indexes.client.index(index=f"{options.index}-locks", id="writer", document=dead, op_type="create")
    with other.lock("writer", "x"):
        assert other.client.get(index=f"{options.index}-locks", id="writer")["_source"]["holder"] != "dead"
    other.close()


def test_whoever_writes_late_does_not_put_an_older_state_over_a_newer_one(
    database: Database, indexes: ElasticsearchIndexes
) -> None:
    rebuild(database, indexes, processes=1)
    reader = indexes.reader(indexes.current())
    late = indexes.client.get(index=reader.name, id=GUIDES[0].code)["_source"]
    save(database, GUIDES[0], title="新的名字")
    follower.sync(database, indexes)
    writer = indexes.writer(reader.name)
    writer.add([late], position=1)
    writer.commit(reader.state().position, reader.lexicon())
    assert gate.check(database, reader).passed


def test_an_index_of_another_database_is_told(
    database: Database, indexes: ElasticsearchIndexes, tmp_path: Path
) -> None:
    save(database, GUIDES[0], title="改一次")
    rebuild(database, indexes, processes=1)
    (tmp_path / "other").mkdir()
    other = catalogue.filled_database(tmp_path / "other", ITEMS, GUIDES)
    with contextlib.closing(other), pytest.raises(follower.TooFarBehindError, match="banshi index rebuild"):
        follower.sync(other, indexes)


def eventually(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Whether a condition comes true in time; what is unavailable is asked again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(EngineUnavailableError):
            if condition():
                return True
        time.sleep(0.2)
    return False
