"""A site on a small catalogue, and a client that lints every page it fetches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from banshi.composition import Application
from banshi.server import web_application
from banshi.settings import Settings
from guides import document, store
from indexer.rebuild import rebuild
from tests import catalogue
from tests.web.linting import LintingClient

SECTORS = ("公安", "市场监管", "民政")
EVIL = '<script>alert("恶意")</script>\'&"'
"""Markup, quotes of both kinds and an ampersand: escaped everywhere or the page breaks."""
EVIL_OPTIONS = ["</script><b>\"是'&", "否&quot;<i>"]

ID_CARD = catalogue.item(1, "居民身份证补领", aliases=["身份证丢了"], popularity=5)
PASSPORT = catalogue.item(2, "普通护照签发", aliases=["办护照"], popularity=4)
SHOP = catalogue.item(3, "个体工商户设立登记", sector="市场监管", aliases=["开饭店", "办营业执照"])
ALLOWANCE = catalogue.item(4, "最低生活保障金给付", sector="民政", aliases=["低保"])
WITHDRAWN = catalogue.item(5, "暂住证核发", aliases=["办暂住证"])
FERRY = catalogue.item(6, "渡口船票优待", aliases=["渡口优惠"])
EVIL_ITEM = catalogue.item(7, EVIL, aliases=[f"恶意{EVIL}"])
DRAFT = catalogue.item(8, "尚未发布的事项", aliases=[])
PERMITS = [catalogue.item(100 + n, f"第{n}号行业许可", type="行政许可", aliases=[]) for n in range(1, 26)]

_OTHER_LAW: dict[str, Any] = {"legal_basis": [document.LegalBasis(law="行政程序规定")]}
_OTHER: dict[str, Any] = {"result": document.Result(name="通知书"), **_OTHER_LAW}
"""The small catalogue's guides all end in an identity card; those of other things must not."""

LOST_CARD = catalogue.guide(
    ID_CARD,
    "230102",
    summary="居民身份证丢失后，向户籍地公安机关申请补领。",
    situations=[document.Situation(question="申请人满十六周岁吗？", options=["已满十六周岁", "未满十六周岁"])],
    materials=[
        document.Material(name="居民户口簿", source="政府部门核发", issuer="公安机关"),
        document.Material(name="监护人身份证", source="申请人自备", only_for=["未满十六周岁"]),
        document.Material(name="本人相片", source="申请人自备", main=False, deferrable=True, only_for=["已满十六周岁"]),
    ],
    fees=[document.Fee(name="证件工本费", standard="40元", basis="发改价格〔2003〕2322号")],
    legal_basis=[document.LegalBasis(law="中华人民共和国居民身份证法", article="第十一条")],
    source="依据公安机关公开资料编写。",
)
PASSPORT_CITY = catalogue.guide(PASSPORT, "230100", online=True, online_depth="IV", visits=0, visit_reason="", **_OTHER)
SHOP_GUIDE = catalogue.guide(
    SHOP,
    "230102",
    applicants=["企业法人"],
    themes_individual=[],
    themes_legal=["005"],
    result=document.Result(name="营业执照", kind="出证办结"),
    **_OTHER_LAW,
)
EVIL_GUIDE = catalogue.guide(
    EVIL_ITEM,
    "230102",
    summary=EVIL,
    conditions=[EVIL],
    situations=[document.Situation(question=EVIL, options=EVIL_OPTIONS)],
    materials=[document.Material(name=EVIL, source="申请人自备", filling_notes=EVIL, only_for=[EVIL_OPTIONS[0]])],
    steps=[document.Step(name=EVIL, handler=EVIL, standard=EVIL, result=EVIL)],
    places=[document.Place(name=EVIL, address=EVIL, window=EVIL, hours=EVIL, phone=EVIL)],
    fees=[document.Fee(name=EVIL, standard=EVIL, basis=EVIL, reduction=EVIL)],
    questions=[document.Question(question=EVIL, answer=EVIL)],
    legal_basis=[document.LegalBasis(law=EVIL, article=EVIL, text=EVIL)],
    result=document.Result(name=EVIL),
    visit_reason=EVIL,
    source=EVIL,
)
WITHDRAWN_GUIDE = catalogue.guide(WITHDRAWN, "230102", status="withdrawn", **_OTHER)
DRAFT_GUIDE = catalogue.guide(DRAFT, "230102", status="draft", **_OTHER)
GUIDES = [
    LOST_CARD,
    catalogue.guide(ID_CARD, "230103"),
    PASSPORT_CITY,
    catalogue.guide(PASSPORT, "230102", promised_limit={"days": 5}, **_OTHER),
    SHOP_GUIDE,
    catalogue.guide(ALLOWANCE, "230102001", **_OTHER),
    catalogue.guide(ALLOWANCE, "230103001", **_OTHER),
    catalogue.guide(FERRY, "230103", **_OTHER),
    EVIL_GUIDE,
    DRAFT_GUIDE,
    *(catalogue.guide(permit, "230100", **_OTHER) for permit in PERMITS),
]


def filled_folder(folder: Path) -> Path:
    """A data folder with the catalogue of these tests, one guide of it withdrawn, and no index yet."""
    items = [ID_CARD, PASSPORT, SHOP, ALLOWANCE, WITHDRAWN, FERRY, EVIL_ITEM, DRAFT, *PERMITS]
    published = WITHDRAWN_GUIDE.model_copy(update={"status": "published"})
    database = catalogue.filled_database(folder, items, [*GUIDES, published], SECTORS)
    with database.writing() as connection:
        store.save_guides(connection, [WITHDRAWN_GUIDE], "下线")
    database.close()
    return folder


def indexed_folder(folder: Path) -> Path:
    """The same with its index."""
    filled_folder(folder)
    application = Application(Settings(data=folder))
    rebuild(application.database, application.index_folder, processes=1)
    application.database.close()
    return folder


def open_site(folder: Path, **settings: object) -> Flask:
    """The Flask application on a data folder, as a web worker holds it, with the linting client."""
    app = web_application(Settings(data=folder, public_url="http://banshi.example", **settings))  # type: ignore[arg-type]
    app.test_client_class = LintingClient
    return app


def close_site(app: Flask) -> None:
    context = app.extensions["banshi"]
    if context.recorder is not None:
        context.recorder.close()
    context.database.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The site of most tests. Nobody changes its data."""
    app = open_site(indexed_folder(tmp_path_factory.mktemp("site")))
    yield app
    close_site(app)


@pytest.fixture
def client(site: Flask) -> LintingClient:
    """A visitor without cookies."""
    found = site.test_client()
    assert isinstance(found, LintingClient)
    return found
