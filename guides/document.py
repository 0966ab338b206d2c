"""The records of a catalogue as they travel: one JSON object a line, one class a kind of record.

A catalogue file holds divisions, departments, items and guides. A guide is written whole: everything that its page
shows except what belongs to its item, department or division, which it names by code. The same classes are what the
importer validates, what the exporter writes and what the indexer reads, so there is one place that says what a guide
is. Fields follow GB/T 39554.1-2020 and GB/T 39046-2020.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from guides import vocabulary


def _encodable(text: str) -> str:
    """Refuse text that no database or page can hold: half a surrogate pair, or a NUL."""
    if "\x00" in text:
        raise ValueError("含有空字符（U+0000），请删去")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("含有不完整的字符（半个代理对），请重新输入该字") from None
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000), AfterValidator(_encodable)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_encodable)
]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60), AfterValidator(_encodable)]
DivisionCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3})?$")]
ItemCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,20}$")]
GuideCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,40}$")]
DepartmentCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,24}$")]
ThemeCode = Annotated[str, StringConstraints(pattern=r"^\d{3}$")]


class Record(BaseModel):
    """Common ground of all records: unknown fields are mistakes, and a record does not change once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Division(Record):
    """A place in the tree city > district > street. ``aliases`` are everyday and former names."""

    kind: Literal["division"] = "division"
    code: DivisionCode
    name: Line
    level: vocabulary.Level
    parent_code: DivisionCode | None = None
    aliases: list[Line] = []


class Department(Record):
    """An authority. ``sector`` is the line of government it belongs to (公安, 民政 ...), one name over all places."""

    kind: Literal["department"] = "department"
    code: DepartmentCode
    name: Line
    sector: Line
    division_code: DivisionCode
    nature: vocabulary.AuthorityNature = "法定机关"
    aliases: list[Line] = []


class Item(Record):
    """A kind of service in the national catalogue; its ``code`` is the 12-character basic code.

    ``aliases`` are citizens' own words for it; ``popularity`` runs from 0 (rare) to 5 (what everyone comes for).
    """

    kind: Literal["item"] = "item"
    code: ItemCode
    name: Line
    type: Line
    sector: Line
    parent_item: Line | None = None
    aliases: list[Line] = []
    popularity: Annotated[int, Field(ge=0, le=5)] = 0


class Limit(Record):
    """A span of time; 0 working days means the same day."""

    days: Annotated[int, Field(ge=0, le=3650)]
    unit: vocabulary.TimeUnit = "工作日"


class Material(Record):
    """One thing to bring. ``only_for`` names the situation options that need it; empty means always."""

    name: Line
    required: bool = True
    main: bool = True
    type: vocabulary.MaterialType = "原件"
    form: vocabulary.MaterialForm = "纸质"
    copies: Annotated[int, Field(ge=0, le=99)] = 1
    page_size: Line | None = None
    source: vocabulary.MaterialSource
    issuer: Line | None = None
    blank_form: Line | None = None
    filled_example: Line | None = None
    filling_notes: Text = ""
    acceptance_standard: Text = ""
    deferrable: bool = False
    from_data_sharing: bool = False
    only_for: list[Line] = []


class Step(Record):
    """One step of the handling; ``days`` are working days."""

    name: Line
    handler: Line | None = None
    days: Annotated[int, Field(ge=0, le=3650)] = 0
    standard: Text = ""
    result: Text = ""


class Fee(Record):
    """One charge: what, how much, on which basis, and who pays less."""

    name: Line
    standard: Text = ""
    basis: Text = ""
    reduction: Text = ""


class LegalBasis(Record):
    """One law or document that the guide rests on, by its real name."""

    law: Line
    article: Text = ""
    text: Text = ""


class Place(Record):
    """Where it is handled, down to the window; ``hours`` say which days."""

    name: Line
    address: Line
    window: Text = ""
    hours: Text = ""
    phone: Phone = ""


class Situation(Record):
    """A question whose answer changes which materials are needed."""

    question: Line
    options: Annotated[list[Line], Field(min_length=2)]


class Question(Record):
    """A frequent question with its answer."""

    question: Line
    answer: Annotated[Text, Field(min_length=1)]


class Result(Record):
    """What the applicant holds in the end."""

    name: Line
    kind: vocabulary.ResultKind = "其他"
    sample: Line | None = None


class Guide(Record):
    """One authority's way of handling one item in one place, whole."""

    kind: Literal["guide"] = "guide"
    code: GuideCode
    item_code: ItemCode
    title: Line
    level: vocabulary.Level
    division_code: DivisionCode
    department_code: DepartmentCode
    status: vocabulary.Status = "published"
    summary: Text = ""
    power_source: vocabulary.PowerSource = "法定本级行使"
    applicants: Annotated[list[vocabulary.Applicant], Field(min_length=1)]
    themes_individual: list[ThemeCode] = []
    themes_legal: list[ThemeCode] = []
    case_type: vocabulary.CaseType
    conditions: list[Text] = []
    quantity_limit: Line | None = None
    statutory_limit: Limit | None = None
    promised_limit: Limit | None = None
    visits: Annotated[int, Field(ge=0, le=20)] = 1
    visit_reason: Text = ""
    online: bool = False
    online_depth: vocabulary.OnlineDepth | None = None
    online_payment: bool = False
    mail_in: bool = False
    appointment: bool = False
    express: bool = False
    self_service: bool = False
    handling_scope: vocabulary.HandlingScope = "本区县"
    fees: list[Fee] = []
    result: Result | None = None
    delivery: list[vocabulary.Delivery] = []
    legal_basis: list[LegalBasis] = []
    situations: list[Situation] = []
    materials: list[Material] = []
    steps: list[Step] = []
    places: list[Place] = []
    consultation_phone: Phone = ""
    complaint_phone: Phone = ""
    entrusted_department: Line | None = None
    joint_departments: list[Line] = []
    intermediary_services: list[Line] = []
    questions: list[Question] = []
    source: Text = ""
    revised_on: datetime.date

    @model_validator(mode="after")
    def _situation_options_are_distinct_and_known(self) -> Guide:
        options = [option for situation in self.situations for option in situation.options]
        if len(options) != len(set(options)):
            raise ValueError("situations：同一指南中各情形的选项不能重复")
        for material in self.materials:
            for option in material.only_for:
                if option not in options:
                    raise ValueError(f"materials：材料“{material.name}”所指的情形“{option}”不在 situations 的选项里")
        return self

    def checksum(self) -> str:
        """SHA-256 of the content that a version keeps, as hex. Status is not content: publishing changes no text."""
        return hashlib.sha256(self.model_dump_json(exclude={"status", "kind"}).encode()).hexdigest()


AnyRecord = Division | Department | Item | Guide


def dump(record: AnyRecord) -> dict[str, Any]:
    """A record as plain JSON values, every field present, in the order the class declares."""
    return record.model_dump(mode="json")
