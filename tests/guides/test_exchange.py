"""Import and export: nothing lost, all or nothing, mistakes told by line and field."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guides import document, exchange, store, vocabulary
from guides.database import Database
from tests import catalogue
from tests.postgresql import Databases

ITEM = catalogue.item()

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30).map(str.strip)
line = text.filter(bool)
maybe_line = st.none() | line
literal = {name: st.sampled_from(getattr(vocabulary, name).__args__) for name in (
    "Applicant", "CaseType", "PowerSource", "TimeUnit", "OnlineDepth", "MaterialType", "MaterialForm", "MaterialSource",
    "Delivery", "HandlingScope", "ResultKind")}  # fmt: skip
limit = st.none() | st.builds(document.Limit, days=st.integers(0, 3650), unit=literal["TimeUnit"])
situations = st.lists(
    st.builds(document.Situation, question=line, options=st.lists(line, min_size=2, max_size=3)), max_size=2
).filter(lambda s: len({o for x in s for o in x.options}) == sum(len(x.options) for x in s))


@st.composite
def guides(draw: st.DrawFn) -> document.Guide:
    """Any guide that the schema allows, about the one item of the test's catalogue."""
    asked = draw(situations)
    options = [option for situation in asked for option in situation.options]
    material = st.builds(
        document.Material, name=line, required=st.booleans(), main=st.booleans(), type=literal["MaterialType"],
        form=literal["MaterialForm"], copies=st.integers(0, 99), page_size=maybe_line, source=literal["MaterialSource"],
        issuer=maybe_line, blank_form=maybe_line, filled_example=maybe_line, filling_notes=text,
        acceptance_standard=text, deferrable=st.booleans(), from_data_sharing=st.booleans(),
        only_for=st.lists(st.sampled_from(options), unique=True) if options else st.just([]),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "title": draw(line), "summary": draw(text), "power_source": draw(literal["PowerSource"]),
        "applicants": draw(st.lists(literal["Applicant"], min_size=1, unique=True)),
        "themes_individual": draw(st.lists(st.sampled_from(["005", "090"]), unique=True)),
        "themes_legal": draw(st.lists(st.sampled_from(["005", "170"]), unique=True)),
        "case_type": draw(literal["CaseType"]), "conditions": draw(st.lists(text, max_size=3)),
        "quantity_limit": draw(maybe_line), "statutory_limit": draw(limit), "promised_limit": draw(limit),
        "visits": draw(st.integers(0, 20)), "visit_reason": draw(text), "online": draw(st.booleans()),
        "online_depth": draw(st.none() | literal["OnlineDepth"]), "online_payment": draw(st.booleans()),
        "mail_in": draw(st.booleans()), "appointment": draw(st.booleans()), "express": draw(st.booleans()),
        "self_service": draw(st.booleans()), "handling_scope": draw(literal["HandlingScope"]),
        "fees": draw(st.lists(st.builds(document.Fee, name=line, standard=text, basis=text, reduction=text), max_size=2)),
        "result": draw(st.none() | st.builds(document.Result, name=line, kind=literal["ResultKind"], sample=maybe_line)),
        "delivery": draw(st.lists(literal["Delivery"], unique=True)),
        "legal_basis": draw(st.lists(st.builds(document.LegalBasis, law=line, article=text, text=text), max_size=2)),
        "situations": asked, "materials": draw(st.lists(material, max_size=3)),
        "steps": draw(st.lists(st.builds(document.Step, name=line, handler=maybe_line, days=st.integers(0, 99), standard=text, result=text), max_size=2)),
        "places": draw(st.lists(st.builds(document.Place, name=line, address=line, window=text, hours=text, phone=text), max_size=2)),
        "questions": draw(st.lists(st.builds(document.Question, question=line, answer=line), max_size=2)),
        "consultation_phone": draw(text), "complaint_phone": draw(text), "entrusted_department": draw(maybe_line),
        "joint_departments": draw(st.lists(line, max_size=2)), "intermediary_services": draw(st.lists(line, max_size=2)),
        "source": draw(text), "revised_on": draw(st.dates(datetime.date(1949, 10, 1), datetime.date(2100, 1, 1))),
        "status": draw(st.sampled_from(vocabulary.Status.__args__)),
    }  # fmt: skip
    return catalogue.guide(ITEM, **fields)


@pytest.fixture
def pair(databases: Databases) -> tuple[Database, Database]:
    return databases.filled([ITEM], []), databases.new()


# The databases keep what earlier examples left, as those of an office would: only the latest version travels.
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(guide=guides())
def test_any_guide_survives_export_and_import(
    pair: tuple[Database, Database], tmp_path: Path, guide: document.Guide
) -> None:
    first, second = pair
    exported, again = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    exchange.import_records(first, [guide], note="测试")
    exchange.export_file(first, exported)
    exchange.import_file(second, exported, note="往返")
    exchange.export_file(second, again)
    assert again.read_bytes() == exported.read_bytes()
    with second.reading() as connection:
        assert list(store.latest_guides(connection, [guide.code])) == [guide]


@pytest.fixture
def database(databases: Databases) -> Database:
    return databases.filled([ITEM], [])


def write(path: Path, *records: Any) -> Path:
    lines = [
        r if isinstance(r, bytes) else json.dumps(r if isinstance(r, dict) else document.dump(r)).encode()
        for r in records
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def refused(database: Database, path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(exchange.ImportRefusedError) as caught:
        exchange.import_file(database, path, note="测试")
    with database.reading() as connection:
        assert store.guide_codes(connection) == []
    return [(p.line, p.field, p.message) for p in caught.value.problems]


def test_references_may_stand_after_what_refers_to_them(database: Database, tmp_path: Path) -> None:
    other = catalogue.item(2, "临时居民身份证申领")
    report = exchange.import_file(database, write(tmp_path / "f", catalogue.guide(other), other), note="测试")
    assert report.guides.added == 1


def test_a_dry_run_counts_and_writes_nothing(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "f", catalogue.guide(ITEM))
    report = exchange.import_file(database, path, note="测试", dry_run=True)
    assert (report.guides.added, report.dry_run) == (1, True)
    with database.reading() as connection:
        assert store.guide_codes(connection) == []


def test_importing_twice_changes_nothing_the_second_time(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "f", catalogue.guide(ITEM))
    exchange.import_file(database, path, note="测试")
    assert exchange.import_file(database, path, note="测试").guides.unchanged == 1


def test_one_broken_line_of_ten_thousand_is_named_and_nothing_is_imported(database: Database, tmp_path: Path) -> None:
    good = json.dumps(document.dump(catalogue.guide(ITEM)))
    lines = [good.replace(ITEM.code, f"{n:012d}").encode() for n in range(10_000)]
    items = [document.dump(catalogue.item()) | {"code": f"{n:012d}"} for n in range(10_000)]
    lines[7_811] = lines[7_811][:100]
    path = tmp_path / "f"
    path.write_bytes(b"\n".join(lines) + b"\n" + b"\n".join(json.dumps(i).encode() for i in items))
    problems = refused(database, path)
    assert [(number, "JSON" in message) for number, _field, message in problems] == [(7_812, True)]


def test_every_mistake_is_told_with_line_field_and_remedy(database: Database, tmp_path: Path) -> None:
    good = document.dump(catalogue.guide(ITEM))
    path = write(
        tmp_path / "f",
        good | {"visits": "多"},
        good | {"case_type": "快件"},
        good | {"unknown": 1},
        {k: v for k, v in good.items() if k != "title"},
        good | {"materials": [{"name": "户口簿", "source": "天上"}]},
        good | {"item_code": "999999999999", "code": "X1"},
        {"kind": "rumour"},
        b'{"kind": "guide", "title": "\xff"}',
        good | {"code": "X2", "title": "half \ud800"},
        good | {"code": "X3"},
        good | {"code": "X3"},
        good | {"code": "X4", "themes_individual": ["123"]},
    )
    found = refused(database, path)
    assert {(number, field) for number, field, _message in found} == {
        (1, "visits"), (2, "case_type"), (3, "unknown"), (4, "title"), (5, "materials.0.source"), (6, "item_code"),
        (7, "kind"), (8, ""), (9, "title"), (11, "code"), (12, "themes_individual"),
    }  # fmt: skip
    assert not any(word in message for _l, _f, message in found for word in ("Input", "should be", "Traceback"))


def test_a_line_without_end_is_refused_without_reading_it_all(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b'{"kind":"item","name":"' + b"a" * 3_000_000 + b'"}\n' + b"{}\n")
    assert [number for number, _field, _message in refused(database, path)] == [1, 2]


def test_a_byte_order_mark_and_blank_lines_do_no_harm(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(document.dump(catalogue.guide(ITEM))).encode() + b"\n\n\n")
    assert exchange.import_file(database, path, note="测试").guides.added == 1


def test_an_export_that_fails_leaves_no_half_file(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_database: Database) -> Any:
        yield catalogue.DIVISIONS[0]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exchange, "export_records", full)
    with pytest.raises(OSError, match="No space"):
        exchange.export_file(database, tmp_path / "out.jsonl")
    assert list(tmp_path.glob("out*")) == []
