"""The sample catalogue: large enough, true to the rules, and plainly marked as a sample."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from banshi.composition import Application
from guides import lint, lookups, store
from guides.sample import catalogue, check
from search.request import SearchRequest

WRITTEN = sorted(Path(catalogue.__file__).parent.glob("items/*.yaml"))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_a_written_file_is_well_formed_and_without_findings(path: Path) -> None:
    assert list(check.problems_of_file(path.name, path.read_text(encoding="utf-8"))) == []


def test_the_catalogue_covers_the_city(sample: Application) -> None:
    with sample.database.reading() as connection:
        assert lookups.count_published(connection) >= 13_000
        assert len(lookups.divisions(connection)) == 347
        items = lookups.items(connection)
    assert len(items) >= 1_000
    assert sum(len(item.aliases) >= 5 for item in items) >= 160


def test_every_guide_satisfies_every_rule_and_says_that_it_is_a_sample(sample: Application) -> None:
    findings: Counter[str] = Counter()
    with sample.database.reading() as connection:
        types = {item.code: item.type for item in lookups.items(connection)}
        for guide in store.latest_guides(connection, store.guide_codes(connection)):
            assert "示例数据" in guide.source
            findings.update(f.rule for f in lint.lint(guide, lint.LintContext(types[guide.item_code])))
    assert findings == {}


def test_a_street_is_served_by_its_own_office_its_district_and_the_city(sample: Application) -> None:
    response = sample.search.search(SearchRequest(division="兆麟街道", size=1))
    levels = {value.value: value.count for value in response.facets["level"]}
    assert levels.keys() == {"street", "district", "city"}
    assert min(levels.values()) >= 10


def test_codes_and_names_of_items_are_distinct(sample: Application) -> None:
    with sample.database.reading() as connection:
        names = Counter(item.name for item in lookups.items(connection))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_item_has_sayings_of_its_own_and_every_saying_an_item() -> None:
    sample = catalogue.SampleCatalogue()
    codes = {item.code for item in sample.items()}
    assert sample.sayings.keys() == codes
    for code, sayings in sample.sayings.items():
        assert all(isinstance(saying, str) and 2 <= len(saying) <= 14 for saying in sayings), code
        assert len(set(sayings)) == len(sayings), code


def test_two_builds_are_equal() -> None:
    first, second = catalogue.SampleCatalogue(), catalogue.SampleCatalogue()
    assert first.items() == second.items()
    assert next(first.guides()) == next(second.guides())
