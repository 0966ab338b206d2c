"""Every rule finds its own mistake, and a sound guide has none."""

from __future__ import annotations

from typing import Any

import pytest

from guides import document, lint
from tests import catalogue

ITEM = catalogue.item()
SOUND = catalogue.guide(ITEM)
MATERIAL: dict[str, Any] = {"name": "申请表", "source": "申请人自备"}

MISTAKES: list[tuple[str, str, dict[str, Any]]] = [
    ("promised_within_statutory", "promised_limit", {"statutory_limit": {"days": 5}}),
    ("steps_within_promised", "steps", {"steps": [{"name": "审查", "days": 11}]}),
    ("case_type_matches_limit", "case_type", {"case_type": "即办件"}),
    ("case_type_matches_limit", "case_type", {"promised_limit": {"days": 0}, "steps": [{"name": "办结"}]}),
    ("case_type_matches_limit", "promised_limit", {"promised_limit": None}),
    ("visits_have_reason", "visit_reason", {"visit_reason": ""}),
    ("online_depth_matches_visits", "visits", {"online": True, "online_depth": "IV"}),
    ("online_depth_matches_visits", "mail_in", {"visits": 0}),
    ("online_depth_matches_visits", "online_depth", {"online": True}),
    ("phones_differ_and_have_area_code", "complaint_phone", {"complaint_phone": "0451-01000001"}),
    ("phones_differ_and_have_area_code", "consultation_phone", {"consultation_phone": "84600000"}),
    ("phones_differ_and_have_area_code", "consultation_phone", {"consultation_phone": "010-84600000"}),
    ("places_are_reachable", "places", {"places": []}),
    ("places_are_reachable", "places.0.window", {"places": [{"name": "厅", "address": "路", "hours": "周一至周五"}]}),
    ("places_are_reachable", "places.0.hours", {"places": [{"name": "厅", "address": "路", "window": "1号"}]}),
    ("themes_match_applicants", "themes_individual", {"themes_individual": []}),
    ("themes_match_applicants", "themes_legal", {"applicants": ["自然人", "企业法人"]}),
    ("fees_are_founded", "fees.0", {"fees": [{"name": "工本费", "standard": "40元"}]}),
    ("fees_are_founded", "online_payment", {"online_payment": True}),
    ("result_kind_matches_name", "result.kind", {"result": {"name": "营业许可证", "kind": "审批办结"}}),
    ("result_kind_matches_name", "result.kind", {"result": {"name": "关于某事的批复", "kind": "出证办结"}}),
    ("result_kind_matches_name", "result", {"result": None}),
    (
        "materials_are_complete",
        "materials.0.deferrable",
        {"materials": [{**MATERIAL, "blank_form": "样", "deferrable": True}]},
    ),
    ("materials_are_complete", "materials.0.blank_form", {"materials": [MATERIAL]}),
    ("materials_are_complete", "materials.0.issuer", {"materials": [{"name": "户口簿", "source": "政府部门核发"}]}),
    ("guide_has_core", "conditions", {"conditions": []}),
    ("guide_has_core", "legal_basis", {"legal_basis": []}),
    ("code_has_standard_shape", "code", {"code": "ABC"}),
]


def test_a_sound_guide_has_no_findings() -> None:
    assert lint.lint(SOUND, lint.LintContext(ITEM.type)) == []


@pytest.mark.parametrize(("rule", "field", "change"), MISTAKES)
def test_a_mistake_is_found_at_its_field_with_a_fix(rule: str, field: str, change: dict[str, Any]) -> None:
    guide = document.Guide.model_validate(document.dump(SOUND) | change)
    findings = [f for f in lint.lint(guide, lint.LintContext(ITEM.type)) if f.rule == rule]
    assert field in [f.field for f in findings]
    assert all(f.message and f.fix for f in findings)


def test_a_permit_without_a_question_is_found() -> None:
    guide = document.Guide.model_validate(document.dump(SOUND) | {"questions": []})
    assert [f.rule for f in lint.lint(guide, lint.LintContext("行政许可"))] == ["permit_has_question"]
    assert lint.lint(guide, lint.LintContext("公共服务")) == []


def test_every_rule_has_a_mistake_that_it_finds() -> None:
    tested = {rule for rule, _field, _change in MISTAKES} | {"permit_has_question"}
    assert tested == {rule.__name__ for rule in lint.RULES}
