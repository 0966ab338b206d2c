"""The rest of the sample catalogue: items whose content follows from their type and name.

``derived/names.csv`` lists the items, ``derived/topics.yaml`` says what an item is about (its law, who applies, its
special conditions), ``derived/patterns.yaml`` says how it is handled (materials, steps, limits, questions), and
``derived/summaries.yaml`` has the first sentence of items that share a pattern but differ in purpose. The first topic
and the first pattern that fit an item make its template. There is no chance in it.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from guides import document, vocabulary
from guides.sample import template

_FOLDER = "derived"
_LONGEST_FORM_SUBJECT = 20
_FORM_NAME = re.compile(r"(表|申请书|承诺书|登记书|报告书|授权书)$")
_CERTIFICATE_NAME = re.compile(r"(证|证书)$")
_RESULT_KINDS: tuple[tuple[str, vocabulary.ResultKind], ...] = (
    (r"(证|证书|证明|执照|护照|社会保障卡|印鉴卡|医学证明|批准书)$", "出证办结"),
    (r"(批复|决定书?|意见书?|许可决定|核准文件|准予.*通知书)$", "审批办结"),
)
_AGENT = document.Situation(question="由谁来办？", options=["本人或者法定代表人办理", "委托他人办理"])

Words = Mapping[str, str]
MaterialSpec = str | dict[str, Any]
Basis = tuple[str, str, str]
StepSpec = tuple[str, str, int | Literal["rest"], str, str]
TopicPart = Literal["conditions", "materials", "questions"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sector(_Data):
    """The ground for all items of a line of government."""

    office: str
    applicants: str
    individual: list[str]
    legal: list[str]
    basis: list[Basis]


class Topic(_Data):
    """What an item is about; whatever is left out comes from the sector."""

    key: str
    sectors: list[str]
    name: str
    applicants: str | None = None
    individual: list[str] | None = None
    legal: list[str] | None = None
    certificate: str | None = None
    basis: list[Basis] | None = None
    conditions: list[str] = []
    materials: list[MaterialSpec] = []
    questions: list[tuple[str, str]] = []


class Pattern(_Data):
    """How an item is handled; patterns.yaml explains the fields."""

    key: str
    name: str
    sectors: list[str] | None = None
    types: list[str] | None = None
    summary: str | list[str]
    applicants: str | None = None
    individual: list[str] | None = None
    legal: list[str] | None = None
    days: tuple[int | None, int]
    visit: str = ""
    online: vocabulary.OnlineDepth | None = None
    mail_in: bool = False
    appointment: bool = False
    express: bool = False
    self_service: bool = False
    scope: vocabulary.HandlingScope = "本区县"
    agent: bool = False
    topic: list[TopicPart] = []
    conditions: list[str]
    materials: list[MaterialSpec]
    steps: str
    permit: str = "grant"
    fees: list[document.Fee] = []
    online_payment: bool = False
    result: str
    delivery: list[vocabulary.Delivery]
    questions: list[tuple[str, str]] = []


class Rules(_Data):
    """Everything that topics.yaml, patterns.yaml and summaries.yaml say."""

    sectors: dict[str, Sector]
    topics: list[Topic]
    applicants: dict[str, list[vocabulary.Applicant]]
    applicants_by_name: list[tuple[str, str]]
    operations: list[str]
    permit_articles: dict[str, Basis]
    flows: dict[str, list[StepSpec]]
    materials: dict[str, dict[str, Any]]
    patterns: list[Pattern]
    summaries: dict[str, str]


class Row(_Data):
    """One line of names.csv."""

    code: str
    name: str
    sector: str
    type: str
    parent_item: str
    levels: str
    aliases: str
    official_name: str


@cache
def rules() -> Rules:
    """The data files, read once."""
    topics, patterns = (template.load_yaml(_FOLDER, name) for name in ("topics.yaml", "patterns.yaml"))
    return Rules.model_validate({**topics, **patterns, "summaries": template.load_yaml(_FOLDER, "summaries.yaml")})


def rows() -> list[Row]:
    """The items of names.csv, in the order of the file."""
    text = resources.files("guides.sample").joinpath(_FOLDER, "names.csv").read_text(encoding="utf-8")
    return [Row.model_validate(line) for line in csv.DictReader(text.splitlines())]


def derived_items(skip: Collection[str]) -> list[tuple[str, template.ItemTemplate]]:
    """(sector key, template) of every item of names.csv, without those whose name or official name is in ``skip``."""
    return [(row.sector, item_of(row)) for row in rows() if row.name not in skip and row.official_name not in skip]


def topic_of(row: Row) -> Topic:
    """The first topic that fits; an item without one has only the ground of its sector."""
    text = f"{row.name}｜{row.parent_item}"
    for topic in rules().topics:
        if row.sector in topic.sectors and re.search(topic.name, text):
            return topic
    return Topic(key=row.sector, sectors=[row.sector], name=".")


def pattern_of(row: Row) -> tuple[Pattern, re.Match[str]]:
    """The first pattern that fits, and where its expression was found in the name."""
    for pattern in rules().patterns:
        if row.sector not in (pattern.sectors or [row.sector]) or row.type not in (pattern.types or [row.type]):
            continue
        if found := re.search(pattern.name, row.name):
            return pattern, found
    raise LookupError(f"no pattern fits {row.name}")


def subject_of(name: str) -> str:
    """The name without its operation: 取水许可证延续审批 -> 取水许可证."""
    subject, before = name, ""
    while subject != before:
        before = subject
        for operation in rules().operations:
            shorter = re.sub(operation, "", subject)
            subject = shorter if len(shorter) >= 2 else subject
    return subject


def item_of(row: Row) -> template.ItemTemplate:
    """The item that a line of names.csv stands for, with all its content."""
    data, topic, sector = rules(), topic_of(row), rules().sectors[row.sector]
    pattern, found = pattern_of(row)
    groups = {key: value or "" for key, value in found.groupdict().items()}
    subject = groups.get("subject") or subject_of(row.name)
    own_certificate = subject if _CERTIFICATE_NAME.search(subject) and len(subject) <= _LONGEST_FORM_SUBJECT else None
    certificate = own_certificate or topic.certificate or f"{subject}批准文件"
    form = subject if len(subject) <= _LONGEST_FORM_SUBJECT else topic.certificate or ""
    words = {**groups, "name": row.name, "subject": subject, "form": form, "certificate": certificate,
             "office": sector.office}  # fmt: skip

    named = next((group for expression, group in data.applicants_by_name if re.search(expression, row.name)), None)
    applicants = data.applicants[named or pattern.applicants or topic.applicants or sector.applicants]
    individual = pattern.individual or topic.individual or sector.individual
    legal = pattern.legal or topic.legal or sector.legal
    summaries = [pattern.summary] if isinstance(pattern.summary, str) else pattern.summary
    summary = summaries[zlib.crc32(row.code.encode()) % len(summaries)].format_map(words)
    conditions = [*pattern.conditions, *(topic.conditions if "conditions" in pattern.topic else [])]
    materials = [*pattern.materials, *(topic.materials if "materials" in pattern.topic else [])]
    questions = [*(topic.questions if "questions" in pattern.topic else []), *pattern.questions]
    basis = [
        *(topic.basis or sector.basis),
        *([data.permit_articles[pattern.permit]] if row.type == "行政许可" else []),
    ]
    statutory, promised = pattern.days
    result = pattern.result.format_map(words)
    return template.ItemTemplate(
        code=row.code,
        name=row.name,
        type=row.type,
        aliases=[alias for alias in row.aliases.split("；") if alias],
        levels=row.levels.split(),  # type: ignore[arg-type]
        summary=data.summaries.get(row.name, summary),
        applicants=applicants,
        themes_individual=individual if "自然人" in applicants else [],
        themes_legal=legal if set(applicants) - {"自然人"} else [],
        case_type="即办件" if promised <= 1 else "承诺件",
        statutory_days=statutory,
        promised_days=promised,
        visits=1 if pattern.visit else 0,
        visit_reason=pattern.visit,
        **pattern.model_dump(include={"online", "mail_in", "appointment", "express", "self_service", "scope",
                                      "delivery", "fees", "online_payment"}),
        conditions=[condition.format_map(words) for condition in dict.fromkeys(conditions)],
        result=result,
        result_kind=next((kind for ending, kind in _RESULT_KINDS if re.search(ending, result)), "其他"),
        legal_basis=[document.LegalBasis(law=law, article=article, text=text) for law, article, text in basis],
        situations=[_AGENT] if pattern.agent else [],
        materials=[_material(spec, words) for spec in [*materials, *(["agent"] if pattern.agent else [])]],
        steps=_steps(data.flows[pattern.steps], promised),
        questions=[document.Question(question=question, answer=answer) for question, answer in questions],
    )  # fmt: skip


def _material(spec: MaterialSpec, words: Words) -> document.Material:
    """A material from a key of the library, a bare name or its fields; what follows from its name is filled in."""
    fields = rules().materials.get(spec, {"name": spec}) if isinstance(spec, str) else spec
    filled = {key: value.format_map(words) if isinstance(value, str) else value for key, value in fields.items()}
    filled.setdefault("source", "政府部门核发" if "issuer" in filled else "申请人自备")
    if filled["source"] == "申请人自备" and _FORM_NAME.search(filled["name"]):
        filled.setdefault("blank_form", f"空白表样：{filled['name']}")
    return document.Material.model_validate(filled)


def _steps(flow: list[StepSpec], promised: int) -> list[document.Step]:
    """The steps of a flow; the one that takes the rest makes their days add up to the promised limit."""
    rest = promised - sum(days for _name, _handler, days, _standard, _result in flow if days != "rest")
    return [
        document.Step(name=name, handler=handler, days=rest if days == "rest" else days, standard=standard, result=end)
        for name, handler, days, standard, end in flow
    ]
