"""Where the parts meet: words against filters, a cookie that outlived its division, sub-items, a site without index."""

from __future__ import annotations

from pathlib import Path

from banshi.composition import Application
from banshi.settings import Settings
from guides import document, exchange
from indexer.rebuild import rebuild
from tests import catalogue
from tests.web.conftest import LOST_CARD, close_site, filled_folder, open_site
from tests.web.linting import LintingClient


def test_the_filter_form_leaves_out_the_words_it_repeats_so_that_another_choice_counts(client: LintingClient) -> None:
    page = client.page("/search?q=道里区身份证丢了")
    form = page.one("form", "facet-form")
    hidden = {field.get("name"): field.get("value") for field in form.iter() if field.get("type") == "hidden"}
    assert hidden == {"q": "身份证丢了"}
    assert client.page("/search?q=身份证丢了&division=230103").texts("option", None, form) is not None


def test_a_full_name_of_a_department_stays_chosen_in_the_form(client: LintingClient) -> None:
    page = client.page("/search?q=身份证&division=230102&department=道里区公安局")
    chosen = [
        e.get("value") for e in page.all("input") if e.get("name") == "department" and e.get("checked") is not None
    ]
    assert chosen == ["道里区公安局"]


def test_a_cookie_with_a_division_that_is_gone_counts_as_none(client: LintingClient) -> None:
    client.set_cookie("division", "999999")
    assert client.page("/search?q=护照").all("li", "card")


def test_page_links_keep_the_size(client: LintingClient) -> None:
    page = client.page("/search?q=行业许可&size=5")
    last = [link.get("href") for link in page.all("a", "page")][-1]
    assert "size=5" in last
    assert client.page(last).all("li", "card")


def test_control_characters_in_the_words_are_not_shown_again(client: LintingClient) -> None:
    client.page("/search?q=%00%01身份证")
    client.page("/search?q=%00%01", 400)


def test_each_sub_item_leads_to_its_own_guides(tmp_path: Path) -> None:
    item = catalogue.item(1, "出生登记", aliases=[])
    guides = []
    for division in ("230102", "230103"):
        for suffix, title in (("01", "出生登记（婚生）"), ("02", "出生登记（非婚生）")):
            whole = catalogue.guide(item, division, title=title)
            guides.append(document.Guide.model_validate(document.dump(whole) | {"code": whole.code + suffix}))
    catalogue.filled_database(tmp_path, [item], guides).close()
    application = Application(Settings(data=tmp_path))
    rebuild(application.database, application.index_folder, processes=1)
    site = open_site(tmp_path)
    try:
        client = site.test_client()
        results = client.json("/api/v1/search?q=出生登记")["results"]
        assert sorted(result["title"] for result in results) == ["出生登记（婚生）", "出生登记（非婚生）"]
        for result in results:
            assert client.page(result["url"]).heading == result["title"]
            assert client.get(result["url"].replace("230100", "230103")).location.endswith(result["url"][19:21])
    finally:
        close_site(site)


def test_a_guide_is_read_even_without_an_index(tmp_path: Path) -> None:
    site = open_site(filled_folder(tmp_path))
    try:
        client = site.test_client()
        assert client.page(f"/guides/{LOST_CARD.code}").heading == LOST_CARD.title
        assert client.get(f"/items/{LOST_CARD.item_code}?division=道里区").location.endswith(LOST_CARD.code)
        assert "banshi init" in client.json("/readyz", 503)["problems"][0]
    finally:
        close_site(site)


def test_an_empty_catalogue_says_so_instead_of_failing(tmp_path: Path) -> None:
    database = catalogue.new_database(tmp_path)
    exchange.import_records(database, [], note="空")
    application = Application(Settings(data=tmp_path))
    rebuild(database, application.index_folder, processes=1)
    site = open_site(tmp_path)
    try:
        client = site.test_client()
        for address in ("/", "/search?q=身份证", "/divisions", "/departments", "/themes"):
            client.page(address, 503)
        assert client.json("/api/v1/search?q=身份证", 503)["error"]["code"] == "unavailable"
        assert "empty" in client.json("/readyz", 503)["problems"][0]
    finally:
        close_site(site)
        database.close()
