"""A small catalogue for tests: one city, two districts, two streets, and as many items as a test asks for."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from banshi.composition import Application
from banshi.settings import Settings
from guides import codes, document, exchange, standard
from guides.database import Database
from guides.sample.catalogue import SampleCatalogue
from indexer.rebuild import rebuild

DIVISIONS = [
    document.Division(code="230100", name="哈尔滨市", level="city", aliases=["哈尔滨"]),
    document.Division(code="230102", name="道里区", level="district", parent_code="230100", aliases=["道里"]),
    document.Division(code="230103", name="南岗区", level="district", parent_code="230100", aliases=["南岗"]),
    document.Division(code="230102001", name="兆麟街道", level="street", parent_code="230102", aliases=["兆麟"]),
    document.Division(code="230103001", name="花园街道", level="street", parent_code="230103"),
]
LEVELS = {division.code: division.level for division in DIVISIONS}


_SERIALS = {"公安": 1, "市场监管": 2, "民政": 3}


def department(division: str = "230102", sector: str = "公安") -> document.Department:
    serial = _SERIALS[sector]
    place = next(d.name for d in DIVISIONS if d.code == division)
    return document.Department(
        code=codes.government_credit_code(
            division, serial if len(division) == 6 else serial * 1000 + int(division[6:])
        ),
        name=f"{place}{sector}局",
        sector=sector,
        division_code=division,
        aliases=[f"{sector}局"],
    )


def item(serial: int = 1, name: str = "居民身份证补领", **fields: Any) -> document.Item:
    values: dict[str, Any] = {"type": "公共服务", "sector": "公安", "aliases": ["身份证丢了"]}
    return document.Item(code=codes.basic_code("21", serial), name=name, **(values | fields))


def guide(of: document.Item, division: str = "230102", **fields: Any) -> document.Guide:
    authority = department(division, of.sector)
    values: dict[str, Any] = {
        "code": codes.implementation_code(authority.code, LEVELS[division], of.code),
        "item_code": of.code,
        "title": of.name,
        "level": LEVELS[division],
        "division_code": division,
        "department_code": authority.code,
        "summary": f"{of.name}的说明。",
        "applicants": ["自然人"],
        "themes_individual": ["090"],
        "case_type": "承诺件",
        "conditions": ["本市居民。"],
        "statutory_limit": document.Limit(days=20),
        "promised_limit": document.Limit(days=10),
        "visits": 1,
        "visit_reason": "须核对本人。",
        "materials": [document.Material(name="居民户口簿", source="政府部门核发", issuer="公安机关")],
        "steps": [document.Step(name="申请", days=1), document.Step(name="办结", days=9)],
        "places": [document.Place(name="政务服务中心", address="示例路1号", window="1楼1号窗口", hours="周一至周五")],
        "consultation_phone": "0451-01000001",
        "complaint_phone": "0451-01000002",
        "legal_basis": [document.LegalBasis(law="中华人民共和国居民身份证法")],
        "questions": [document.Question(question="多久？", answer="十个工作日。")],
        "result": document.Result(name="居民身份证", kind="出证办结"),
        "delivery": ["窗口领取"],
        "revised_on": datetime.date(2026, 1, 31),
    }
    return document.Guide.model_validate(values | fields)


def departments(sectors: Sequence[str] = ("公安",)) -> list[document.Department]:
    return [department(division.code, sector) for division in DIVISIONS for sector in sectors]


def sample(folder: Path) -> Application:
    """An application on the whole sample catalogue, with its index."""
    application = Application(Settings(data=folder))
    prepare(application.database)
    exchange.import_records(application.database, SampleCatalogue().records(), note="示例目录")
    rebuild(application.database, application.index_folder)
    return application


def prepare(database: Database) -> None:
    """Give an empty database the standard's tables."""
    database.upgrade()
    with database.writing() as connection:
        standard.seed(connection)


def fill(
    database: Database,
    items: Sequence[document.Item],
    guides: Sequence[document.Guide],
    sectors: Sequence[str] = ("公安",),
) -> None:
    """Give a prepared database the small catalogue."""
    exchange.import_records(database, [*DIVISIONS, *departments(sectors), *items, *guides], note="测试")


def new_database(folder: Path) -> Database:
    """An empty SQLite database with the standard's tables, where the data folder has it."""
    database = Database(f"sqlite:///{folder / 'banshi.db'}")
    prepare(database)
    return database


def filled_database(
    folder: Path,
    items: Sequence[document.Item],
    guides: Sequence[document.Guide],
    sectors: Sequence[str] = ("公安",),
) -> Database:
    """A SQLite database with the small catalogue, where the data folder has it."""
    database = new_database(folder)
    fill(database, items, guides, sectors)
    return database
