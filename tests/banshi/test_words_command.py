"""``banshi words`` and ``banshi use``: what clerks add is in the index after the next sync, and refusals say why."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

from banshi.composition import Application
from banshi.settings import Settings
from guides import use
from indexer.lexicon import Lexicon
from tests.banshi.conftest import ID_CARD, PASSPORT, Command
from tests.elasticsearch.node import Node


def record_opened(banshi: Command, query: str, item: str, times: int) -> None:
    """What the web server notes of searches after which an item was opened."""
    database = banshi.database()
    now = datetime.datetime.now(datetime.UTC)
    with database.writing() as connection:
        for number in range(times):
            token = f"{query[:4]:-<8}{number:04}"
            use.record(connection, [use.Search(now, query, "230102", {}, "page", 3, "embedded", token)])
            use.mark_opened(connection, use.Opening(token, item, 1))
    database.close()


def lexicon_of(banshi: Command, engine: str, **settings: Any) -> Lexicon:
    """The words of the index that serves, as a search reads them."""
    application = Application(Settings(data=banshi.folder, **settings))
    indexes = application.indexes_of(engine)
    return indexes.reader(indexes.current()).lexicon()


def refusal(outcome: Any, message: str, field: str | None) -> None:
    """The command was refused in words, in JSON and for people."""
    assert outcome.exit_code == 1
    error = outcome.json["error"]
    assert message in error["message"]
    assert error["field"] == field
    assert error["message"] in outcome.stderr


def test_synonyms_are_added_listed_and_removed(banshi: Command) -> None:
    added = banshi("words", "synonyms", "add", "护照", "出国本", "--note", "窗口常听到", "--json").json
    assert (added["words"], added["note"]) == (["护照", "出国本"], "窗口常听到")
    assert banshi("words", "synonyms", "list", "--json").json == {"synonyms": [added]}
    assert "护照＝出国本（窗口常听到）" in banshi("words", "synonyms", "list").stdout
    removed = banshi("words", "synonyms", "remove", str(added["id"]), "--json")
    assert removed.json == {"removed": added["id"]}
    assert banshi("words", "synonyms", "list", "--json").json == {"synonyms": []}


def test_best_bets_are_added_listed_and_removed(banshi: Command) -> None:
    added = banshi("words", "best-bets", "add", "出国", PASSPORT.code, "--json").json
    assert (added["query"], added["item_code"], added["position"]) == ("出国", PASSPORT.code, 1)
    listed = banshi("words", "best-bets", "list", "--json").json["best_bets"]
    assert listed == [{**added, "item_name": PASSPORT.name}]
    assert f"出国 → {PASSPORT.name}" in banshi("words", "best-bets", "list").stdout
    assert banshi("words", "best-bets", "remove", str(added["id"])).exit_code == 0
    assert banshi("words", "best-bets", "list", "--json").json == {"best_bets": []}


def test_an_alias_is_found_after_the_next_sync_and_not_after_it_is_removed(banshi: Command) -> None:
    added = banshi("words", "aliases", "add", PASSPORT.code, "出国小本本", "--json").json
    assert added == {"item_code": PASSPORT.code, "name": PASSPORT.name, "aliases": ["办护照", "出国小本本"]}
    banshi("index", "sync")
    assert banshi("search", "出国小本本", "--json").json["results"][0]["item_code"] == PASSPORT.code
    assert banshi("words", "aliases", "remove", PASSPORT.code, "出国小本本").exit_code == 0
    banshi("index", "sync")
    assert "出国小本本" not in repr(lexicon_of(banshi, "embedded").items)


def test_words_reach_the_index_of_either_engine(banshi: Command, elasticsearch_node: Node) -> None:
    prefix = f"t{uuid.uuid4().hex[:8]}"
    settings = {
        "BANSHI_ENGINE": "elasticsearch",
        "BANSHI_ELASTICSEARCH_URLS": elasticsearch_node.url,
        "BANSHI_ELASTICSEARCH_INDEX": prefix,
        "BANSHI_ELASTICSEARCH_REPLICAS": "0",
    }
    assert banshi("index", "rebuild", **settings).exit_code == 0
    assert banshi("words", "synonyms", "add", "护照", "出国本", **settings).exit_code == 0
    assert banshi("words", "best-bets", "add", "出 国！", PASSPORT.code, **settings).exit_code == 0
    synced = banshi("index", "sync", "--json", **settings).json["engines"]
    assert [each["after"] - each["before"] for each in synced] == [2, 2]
    for engine in ("elasticsearch", "embedded"):
        found = lexicon_of(banshi, engine, elasticsearch_urls=elasticsearch_node.url, elasticsearch_index=prefix)
        assert found.synonyms == (("护照", "出国本"),)
        assert found.best_bets == (("出国", PASSPORT.code),)
    assert [e["passed"] for e in banshi("index", "check", "--json", **settings).json["engines"]] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "message", "field"),
    [
        (["synonyms", "add", "护照"], "2 到 20 个词", "words"),
        (["synonyms", "add", "护照", ""], "不能为空", "words"),
        (["synonyms", "remove", "9"], "没有编号为 9 的同义词组", "id"),
        (["best-bets", "add", "出国", "999999999999"], "没有基本编码为 999999999999 的事项", "item_code"),
        (["best-bets", "add", "！", ID_CARD.code], "搜索时认不出来", "query"),
        (["best-bets", "remove", "9"], "没有编号为 9 的优先结果", "id"),
        (["aliases", "add", ID_CARD.code, "身份证丢了"], "已经是", "aliases"),
        (["aliases", "add", "999999999999", "丢证"], "没有基本编码为 999999999999 的事项", "item_code"),
        (["aliases", "remove", ID_CARD.code, "没有的"], "没有“没有的”这个别名", "aliases"),
    ],
    ids=" ".join,
)
def test_words_that_make_no_sense_are_refused(banshi: Command, arguments: list[str], message: str, field: str) -> None:
    refusal(banshi("words", *arguments, "--json"), message, field)


@pytest.mark.parametrize(
    "arguments",
    [
        ["words", "synonyms", "add"],
        ["words", "synonyms", "remove", "护照"],
        ["words", "synonyms", "remove", "0"],
        ["words", "best-bets", "add", "出国"],
        ["words", "best-bets", "remove", str(2**31)],
        ["words", "aliases", "add", "1"],
        ["use", "report", "--days", "0"],
        ["use", "accept", "出国本"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(banshi: Command, arguments: list[str]) -> None:
    outcome = banshi(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")


def test_a_report_of_nothing_is_a_report(banshi: Command) -> None:
    report = banshi("use", "report", "--json").json
    assert (report["days"], report["searches"], report["frequent"], report["divisions"]) == (30, 0, [], [])
    assert "30 天内搜索 0 次" in banshi("use", "report").stdout
    assert banshi("use", "proposals", "--json").json == {"proposals": []}


def test_a_report_tells_what_was_searched_and_where(banshi: Command) -> None:
    record_opened(banshi, "出国本", PASSPORT.code, 3)
    record_opened(banshi, "秘密", PASSPORT.code, 2)
    report = banshi("use", "report", "--days", "1", "--json").json
    assert report["frequent"] == [{"query": "出国本", "times": 3, "without_result": 0, "opened": 3, "unopened": 0}]
    assert report["divisions"] == [{"division_code": "230102", "name": "道里区", "times": 5, "without_result": 0}]
    text = banshi("use", "report").stdout
    assert "出国本" in text
    assert "道里区" in text
    assert "秘密" not in text


def test_a_proposal_is_accepted_and_found_after_the_next_sync(banshi: Command) -> None:
    record_opened(banshi, "出国本", PASSPORT.code, 3)
    (proposal,) = banshi("use", "proposals", "--json").json["proposals"]
    assert proposal == {
        "query": "出国本",
        "item_code": PASSPORT.code,
        "item_name": PASSPORT.name,
        "times": 3,
        "share": 1.0,
    }
    assert "3 次，占 100%" in banshi("use", "proposals").stdout
    accepted = banshi("use", "accept", "出国本", PASSPORT.code, "--json").json
    assert accepted["aliases"] == ["办护照", "出国本"]
    banshi("index", "sync")
    assert banshi("search", "出国本", "--json").json["results"][0]["item_code"] == PASSPORT.code
    refusal(banshi("use", "accept", "出国本", PASSPORT.code, "--json"), "没有把“出国本”作为", "query")


def test_a_dismissed_proposal_does_not_come_back(banshi: Command) -> None:
    record_opened(banshi, "出国本", PASSPORT.code, 3)
    outcome = banshi("use", "dismiss", "出国本", PASSPORT.code, "--json")
    assert outcome.json == {"dismissed": {"query": "出国本", "item_code": PASSPORT.code}}
    assert banshi("use", "proposals", "--json").json == {"proposals": []}
