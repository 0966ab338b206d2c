"""What every engine must do. A test class for one engine subclasses EngineContract and gives it the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guides import document, store
from indexer.analysis import exact_key
from search.engines.base import (
    AnyOf,
    Best,
    Both,
    Constant,
    Engine,
    EngineRequest,
    EngineUnavailableError,
    Phrase,
    Term,
    Unscored,
)
from tests import catalogue

ID_CARD = catalogue.item(1, "居民身份证补领", aliases=["身份证丢了"], popularity=5)
PASSPORT = catalogue.item(2, "普通护照签发", aliases=["办护照"], popularity=3)
SHOP = catalogue.item(3, "个体工商户设立登记", sector="市场监管", aliases=["开饭店", "办营业执照"])
ALLOWANCE = catalogue.item(4, "最低生活保障金给付", sector="民政", aliases=["低保"])
ITEMS = [ID_CARD, PASSPORT, SHOP, ALLOWANCE]
SECTORS = ("公安", "市场监管", "民政")
GUIDES = [
    catalogue.guide(ID_CARD, "230102"),
    catalogue.guide(ID_CARD, "230103"),
    catalogue.guide(PASSPORT, "230100", online=True, online_depth="IV", visits=0, visit_reason=""),
    catalogue.guide(PASSPORT, "230102", promised_limit={"days": 5}),
    catalogue.guide(SHOP, "230102", applicants=["企业法人"], themes_individual=[], themes_legal=["005"]),
    catalogue.guide(ALLOWANCE, "230102001"),
]
CITY = {"serves": ("230100",)}
DAOLI = {"serves": ("230102",)}
NANGANG = {"serves": ("230103",)}


def title(text: str, boost: float = 1.0) -> Term:
    return Term("title", text, boost)


class EngineContract:
    """Subclasses provide ``make_engine``: an engine on an index of these guides, and ``refresh`` after a change."""

    def make_engine(self, folder: Path) -> Any:
        raise NotImplementedError

    def refresh(self) -> None:
        raise NotImplementedError

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        self.database = catalogue.filled_database(tmp_path, ITEMS, GUIDES, SECTORS)
        yield self.make_engine(tmp_path)
        self.database.close()

    def titles(self, engine: Engine, query: Any, filters: dict[str, tuple[str, ...]], **more: Any) -> list[str]:
        return [hit.card["title"] for hit in engine.search(EngineRequest(query, filters, **more)).hits]

    def test_a_word_finds_the_guides_that_have_it(self, engine: Engine) -> None:
        assert self.titles(engine, title("护照"), DAOLI) == ["普通护照签发"]

    def test_an_unknown_word_finds_nothing(self, engine: Engine) -> None:
        response = engine.search(EngineRequest(title("飞船"), DAOLI))
        assert (response.hits, response.total) == ([], 0)

    def test_each_service_comes_once_from_the_nearest_authority(self, engine: Engine) -> None:
        def where(filters: dict[str, tuple[str, ...]]) -> list[str]:
            hits = engine.search(EngineRequest(title("护照"), filters)).hits
            return [hit.card["division"]["code"] for hit in hits]

        assert where(DAOLI) == ["230102"]
        assert where(NANGANG) == ["230100"]
        assert where({"serves": ("230102001",)}) == ["230102"]

    def test_a_service_of_districts_is_represented_once_in_the_city(self, engine: Engine) -> None:
        assert self.titles(engine, title("身份证"), CITY) == ["居民身份证补领"]

    def test_without_words_the_popular_come_first(self, engine: Engine) -> None:
        assert self.titles(engine, None, DAOLI)[:2] == ["居民身份证补领", "普通护照签发"]

    def test_filters_of_different_fields_must_all_agree(self, engine: Engine) -> None:
        assert self.titles(engine, None, {**DAOLI, "sector": ("公安",), "applicant": ("individual",)}) == [
            "居民身份证补领",
            "普通护照签发",
        ]
        assert self.titles(engine, None, {**DAOLI, "sector": ("公安",), "applicant": ("legal",)}) == []

    def test_any_value_of_a_filter_will_do(self, engine: Engine) -> None:
        assert len(self.titles(engine, None, {**DAOLI, "sector": ("公安", "市场监管")})) == 3

    def test_an_unknown_filter_value_leaves_nothing(self, engine: Engine) -> None:
        assert self.titles(engine, None, {**DAOLI, "sector": ("航天",)}) == []

    def test_themes_and_online_are_filters(self, engine: Engine) -> None:
        assert self.titles(engine, None, {**DAOLI, "theme": ("legal/005",)}) == ["个体工商户设立登记"]
        assert self.titles(engine, None, {**NANGANG, "online": ("yes",)}) == ["普通护照签发"]

    def test_a_filter_does_not_change_scores(self, engine: Engine) -> None:
        free = engine.search(EngineRequest(title("护照"), DAOLI)).hits[0].score
        filtered = engine.search(EngineRequest(title("护照"), {**DAOLI, "sector": ("公安",)})).hits[0].score
        assert filtered == pytest.approx(free)

    def test_each_facet_is_counted_under_the_filters_given_for_it(self, engine: Engine) -> None:
        filtered = {**DAOLI, "sector": ("公安",)}
        facets = {"sector": DAOLI, "applicant": filtered}
        response = engine.search(EngineRequest(None, filtered, facets))
        assert response.facets["sector"] == {"公安": 2, "市场监管": 1, "民政": 1}
        assert response.facets["applicant"] == {"individual": 2}

    def test_facets_count_only_what_matches_the_words(self, engine: Engine) -> None:
        response = engine.search(EngineRequest(title("护照"), DAOLI, {"sector": DAOLI}))
        assert response.facets["sector"] == {"公安": 1}

    def test_pages_follow_each_other_without_overlap(self, engine: Engine) -> None:
        every = self.titles(engine, None, DAOLI, limit=10)
        pages = [self.titles(engine, None, DAOLI, limit=2, offset=n) for n in (0, 2, 4)]
        assert [name for page in pages for name in page] == every

    def test_the_total_counts_all_pages(self, engine: Engine) -> None:
        assert engine.search(EngineRequest(None, DAOLI, limit=1)).total == 4

    def test_fewest_visits_first(self, engine: Engine) -> None:
        assert self.titles(engine, None, NANGANG, sort="visits")[0] == "普通护照签发"

    def test_shortest_limit_first(self, engine: Engine) -> None:
        assert self.titles(engine, None, DAOLI, sort="limit")[0] == "普通护照签发"

    def test_a_boost_multiplies_a_words_score(self, engine: Engine) -> None:
        once = engine.search(EngineRequest(title("护照"), DAOLI)).hits[0].score
        thrice = engine.search(EngineRequest(title("护照", 3.0), DAOLI)).hits[0].score
        assert thrice == pytest.approx(3 * once, rel=1e-3)

    def test_any_of_sums_scores_and_asks_for_a_minimum(self, engine: Engine) -> None:
        both = AnyOf((title("普通"), title("护照")), minimum=2)
        assert self.titles(engine, both, DAOLI) == ["普通护照签发"]
        assert self.titles(engine, AnyOf((title("护照"), title("身份证")), minimum=2), DAOLI) == []
        assert len(self.titles(engine, AnyOf((title("护照"), title("身份证"))), DAOLI)) == 2

    def test_best_takes_the_better_clause(self, engine: Engine) -> None:
        best = engine.search(EngineRequest(Best((title("护照", 5.0), title("护照"))), DAOLI)).hits[0].score
        single = engine.search(EngineRequest(title("护照", 5.0), DAOLI)).hits[0].score
        assert best == pytest.approx(single, rel=1e-3)

    def test_both_needs_the_required_and_rewards_the_optional(self, engine: Engine) -> None:
        query = Both(AnyOf((title("护照"), title("身份证"))), (Constant("popularity", "3", 100.0),))
        assert self.titles(engine, query, DAOLI) == ["普通护照签发", "居民身份证补领"]

    def test_an_unscored_clause_matches_and_scores_nothing(self, engine: Engine) -> None:
        hits = engine.search(EngineRequest(Unscored(title("护照")), DAOLI)).hits
        assert [(hit.card["title"], hit.score) for hit in hits] == [("普通护照签发", 0.0)]

    def test_what_is_closer_is_answered_apart_with_the_same_scores(self, engine: Engine) -> None:
        either = AnyOf((title("护照"), title("身份证")))
        response = engine.search(EngineRequest(either, DAOLI, {"applicant": DAOLI}, closer=title("护照")))
        assert (response.total, response.facets) == (2, {"applicant": {"individual": 2}})
        closer = response.closer
        assert closer is not None
        assert (closer.total, closer.facets, closer.closer) == (1, {"applicant": {"individual": 1}}, None)
        scores = {hit.item_code: hit.score for hit in response.hits}
        assert [(hit.item_code, hit.score) for hit in closer.hits] == [(PASSPORT.code, scores[PASSPORT.code])]

    def test_what_is_closer_is_filtered_and_cut_into_pages_alike(self, engine: Engine) -> None:
        either = AnyOf((title("护照"), title("身份证"), title("登记")))
        police = {**DAOLI, "sector": ("公安",)}
        request = EngineRequest(either, police, {"sector": DAOLI}, offset=1, limit=1, closer=either)
        response = engine.search(request)
        assert response.closer is not None
        assert (response.closer.total, response.closer.hits[0].code) == (2, response.hits[0].code)
        assert response.closer.facets == {"sector": {"公安": 2, "市场监管": 1}}

    def test_nothing_may_be_closer(self, engine: Engine) -> None:
        response = engine.search(EngineRequest(title("护照"), DAOLI, closer=title("飞船")))
        assert response.total == 1
        assert response.closer is not None
        assert (response.closer.total, response.closer.hits) == (0, [])

    def test_a_clause_of_which_too_little_is_known_finds_nothing(self, engine: Engine) -> None:
        assert self.titles(engine, AnyOf((title("护照"), title("飞船")), minimum=2), DAOLI) == []
        assert self.titles(engine, Both(title("飞船"), (title("护照"),)), DAOLI) == []
        assert self.titles(engine, Unscored(Best((title("飞船"), title("火箭")))), DAOLI) == []
        assert self.titles(engine, Phrase("title_bigrams", ("普通", "通飞")), DAOLI) == []
        assert self.titles(engine, Both(title("护照"), (title("飞船"),)), DAOLI) == ["普通护照签发"]

    def test_a_hit_tells_which_guide_and_item_it_is(self, engine: Engine) -> None:
        (hit,) = engine.search(EngineRequest(title("护照"), DAOLI)).hits
        assert (hit.code, hit.item_code) == (hit.card["code"], hit.card["item_code"])

    def test_a_constant_scores_what_it_says(self, engine: Engine) -> None:
        hits = engine.search(EngineRequest(Constant("exact", exact_key("办护照"), 42.0), DAOLI)).hits
        assert [round(hit.score) for hit in hits] == [42]

    def test_a_phrase_needs_its_words_in_a_row(self, engine: Engine) -> None:
        assert self.titles(engine, Phrase("title_bigrams", ("设立", "立登", "登记")), DAOLI) == ["个体工商户设立登记"]
        assert self.titles(engine, Phrase("title_bigrams", ("登记", "立登", "设立")), DAOLI) == []

    def test_the_card_holds_what_a_result_shows(self, engine: Engine) -> None:
        card = engine.search(EngineRequest(title("身份证"), DAOLI)).hits[0].card
        assert card["aliases"] == ["身份证丢了"]
        assert card["department"]["name"] == "道里区公安局"
        assert card["visits"] == 1
        assert card["materials"] == ["居民户口簿"]

    def test_a_change_is_seen_after_a_refresh(self, engine: Engine) -> None:
        changed = document.Guide.model_validate(document.dump(GUIDES[0]) | {"title": "居民身份证遗失补领"})
        with self.database.writing() as connection:
            store.save_guides(connection, [changed], "测试")
        self.refresh()
        assert self.titles(engine, title("身份证"), DAOLI) == ["居民身份证遗失补领"]

    def test_the_status_tells_documents_and_position(self, engine: Engine) -> None:
        status = engine.status()
        assert status.ready
        assert (status.documents, status.position) == (len(GUIDES), len(GUIDES))

    def test_an_engine_without_an_index_says_what_to_run(self, tmp_path: Path) -> None:
        engine = self.make_engine_without_index(tmp_path)
        assert not engine.status().ready
        with pytest.raises(EngineUnavailableError, match="banshi index rebuild"):
            engine.search(EngineRequest(None, CITY))

    def make_engine_without_index(self, folder: Path) -> Any:
        raise NotImplementedError
