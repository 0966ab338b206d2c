from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.serving import DivisionTree, resolve, service_key
from tests.catalogue import DIVISIONS

TREE = DivisionTree(DIVISIONS)
CITY, DAOLI, NANGANG, ZHAOLIN, HUAYUAN = (d.code for d in DIVISIONS)
places = st.lists(st.sampled_from([d.code for d in DIVISIONS]), unique=True, min_size=1)


def serves(*divisions: str) -> dict[str, set[str]]:
    found = resolve(TREE, [(f"at {d}", d) for d in divisions])
    return {code.removeprefix("at "): set(serving.serves) for code, serving in found.items()}


def test_a_citys_guide_serves_everyone() -> None:
    assert serves(CITY) == {CITY: {CITY, DAOLI, NANGANG, ZHAOLIN, HUAYUAN}}


def test_a_districts_guide_takes_its_own_streets_from_the_city() -> None:
    assert serves(CITY, DAOLI) == {CITY: {CITY, NANGANG, HUAYUAN}, DAOLI: {DAOLI, ZHAOLIN}}


def test_where_only_districts_handle_it_one_stands_for_all_and_says_so() -> None:
    found = resolve(TREE, [("d", DAOLI), ("n", NANGANG)])
    assert found["d"].represents == (CITY,)
    assert found["n"].represents == ()


def test_a_place_that_nobody_serves_is_served_by_nobody() -> None:
    found = resolve(TREE, [("d", DAOLI)])
    assert NANGANG not in found["d"].serves


def test_two_authorities_in_one_place_both_serve_it() -> None:
    found = resolve(TREE, [("a", CITY), ("b", CITY)])
    assert found["a"] == found["b"]


def test_a_sub_item_is_a_service_of_its_own() -> None:
    assert service_key("1" * 31, "230721000100") != service_key("1" * 31 + "02", "230721000100")


@given(places)
def test_every_division_gets_the_service_at_most_once_and_the_nearest(chosen: list[str]) -> None:
    found = resolve(TREE, [(place, place) for place in chosen])
    for division in TREE.by_code:
        servers = [code for code, serving in found.items() if division in serving.serves]
        above = [a for a in TREE.ancestors(division) if a in chosen]
        if above:
            assert servers == [above[0]]
        else:
            below = [c for c in chosen if division in TREE.ancestors(c)]
            assert len(servers) == (1 if below else 0)
            assert all(division in found[code].represents for code in servers)
