"""What one entry of guides/sample/items/*.yaml holds: an item, and how every authority handles it.

A template says once what all authorities share. Places, phones and codes come from the division and the sector when
the catalogue is built (see catalogue.py).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from guides import document, vocabulary

ServiceLevel = Literal["city", "district", "street"]


class ItemTemplate(BaseModel):
    """One item with the content that its guides share. Themes are written by name, limits in working days."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    code: document.ItemCode
    name: document.Line
    type: document.Line
    aliases: list[document.Line] = []
    covers: list[document.Line] = []
    popularity: Annotated[int, Field(ge=0, le=5)] = 0
    levels: Annotated[list[ServiceLevel], Field(min_length=1)]
    summary: document.Text
    applicants: Annotated[list[vocabulary.Applicant], Field(min_length=1)]
    themes_individual: list[str] = []
    themes_legal: list[str] = []
    case_type: vocabulary.CaseType
    statutory_days: int | None = None
    promised_days: int
    visits: int = 1
    visit_reason: document.Text = ""
    online: vocabulary.OnlineDepth | None = None
    mail_in: bool = False
    appointment: bool = False
    express: bool = False
    self_service: bool = False
    scope: vocabulary.HandlingScope = "本区县"
    power_source: vocabulary.PowerSource = "法定本级行使"
    quantity_limit: document.Line | None = None
    joint_departments: list[document.Line] = []
    intermediary_services: list[document.Line] = []
    conditions: Annotated[list[document.Text], Field(min_length=1)]
    result: document.Line
    result_kind: vocabulary.ResultKind = "其他"
    delivery: Annotated[list[vocabulary.Delivery], Field(min_length=1)]
    legal_basis: Annotated[list[document.LegalBasis], Field(min_length=1)]
    situations: list[document.Situation] = []
    materials: list[document.Material] = []
    steps: Annotated[list[document.Step], Field(min_length=1)]
    fees: list[document.Fee] = []
    online_payment: bool = False
    questions: list[document.Question] = []


class SectorFile(BaseModel):
    """One file of templates: a sector's key and its items."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sector: str
    items: list[ItemTemplate]


def load_yaml(*parts: str) -> Any:
    """The parsed content of a YAML file of the sample folder."""
    text = resources.files("guides.sample").joinpath(*parts).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def theme_codes(audience: vocabulary.ThemeAudience) -> dict[str, str]:
    """Theme name -> code, from the standard's table."""
    lines = resources.files("guides").joinpath("standard", "themes.csv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split(",") for line in lines]
    return {name: code for row_audience, code, name in rows if row_audience == audience}
