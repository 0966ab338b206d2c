"""Rules that a guide must satisfy. Each finding says what is wrong, where, and how to put it right.

The rules are those of shared practice around GB/T 39554.1-2020; what a city sees differently (the area code) is a
parameter. A finding is an error where a citizen would be misled, a warning where the record is merely unusual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from guides import codes, document

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class LintContext:
    """What the rules need to know beside the guide: the item's type and the place's telephone area code."""

    item_type: str
    area_code: str = "0451"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one rule at one field of one guide."""

    rule: str
    severity: Severity
    field: str
    message: str
    fix: str


Rule = Callable[[document.Guide, LintContext], Iterator[Finding]]
_WORKING_DAYS = re.compile(r"周[一二三四五六日]|星期[一二三四五六日]|工作日|每天|每日|全天")
_PHONE = re.compile(r"(?P<area>0\d{2,3})-\d{7,8}(-\d{1,5})?|1[02]\d{3}|12\d{1,3}|9\d{4,5}")


def promised_within_statutory(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """The promised limit is at most the statutory limit, where both are counted in the same unit."""
    statutory, promised = guide.statutory_limit, guide.promised_limit
    if statutory and promised and statutory.unit == promised.unit and promised.days > statutory.days:
        yield Finding(
            "promised_within_statutory",
            "error",
            "promised_limit",
            f"承诺时限 {promised.days} 个{promised.unit}，长于法定时限 {statutory.days} 个{statutory.unit}",
            "把承诺时限改为不超过法定时限",
        )


def steps_within_promised(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """The steps' days add up to at most the promised limit."""
    total = sum(step.days for step in guide.steps)
    promised = guide.promised_limit
    if promised and promised.unit == "工作日" and total > promised.days:
        yield Finding(
            "steps_within_promised",
            "error",
            "steps",
            f"各步骤合计 {total} 个工作日，超过承诺时限 {promised.days} 个工作日",
            "缩短步骤用时，或改正承诺时限",
        )


def case_type_matches_limit(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """An on-the-spot case is promised within 0 or 1 working day, and the reverse."""
    promised = guide.promised_limit
    if promised is None:
        yield Finding(
            "case_type_matches_limit", "error", "promised_limit", "没有填写承诺时限", "填写承诺时限；即办件填 0 或 1"
        )
        return
    at_once = promised.days == 0 or (promised.days == 1 and promised.unit in ("工作日", "自然日"))
    if guide.case_type == "即办件" and not at_once:
        yield Finding(
            "case_type_matches_limit",
            "error",
            "case_type",
            f"即办件的承诺时限应为 0 或 1 个工作日，现为 {promised.days} 个{promised.unit}",
            "改为承诺件，或改正承诺时限",
        )
    if guide.case_type == "承诺件" and at_once:
        yield Finding(
            "case_type_matches_limit",
            "error",
            "case_type",
            f"承诺时限只有 {promised.days} 个{promised.unit}，应为即办件",
            "改为即办件，或改正承诺时限",
        )


def visits_have_reason(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """Whoever must appear in person is told why."""
    if guide.visits > 0 and not guide.visit_reason:
        yield Finding(
            "visits_have_reason",
            "error",
            "visit_reason",
            f"需到现场 {guide.visits} 次，但没有写明原因",
            "写明必须到现场的原因，或把到现场次数改为 0",
        )


def online_depth_matches_visits(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """Depth IV means no visit; no visit needs a way online or by mail; a depth needs online handling."""
    if guide.online_depth == "IV" and guide.visits > 0:
        yield Finding(
            "online_depth_matches_visits",
            "error",
            "visits",
            "网办深度为 IV（全程网办），到现场次数应为 0",
            "改正网办深度或到现场次数",
        )
    if guide.visits == 0 and not guide.online and not guide.mail_in:
        yield Finding(
            "online_depth_matches_visits",
            "error",
            "mail_in",
            "不用到现场，又不能网上办理，须能邮寄申请",
            "开通网上办理或邮寄申请，或改正到现场次数",
        )
    if guide.online != (guide.online_depth is not None):
        yield Finding(
            "online_depth_matches_visits",
            "error",
            "online_depth",
            "“是否网办”与“网办深度”不一致",
            "能网办的填写深度 I 至 IV，不能网办的留空",
        )


def phones_differ_and_have_area_code(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """Consultation and complaint are two phones, each a short number or one with its area code."""
    for field in ("consultation_phone", "complaint_phone"):
        phone: str = getattr(guide, field)
        match = _PHONE.fullmatch(phone)
        if match is None:
            yield Finding(
                "phones_differ_and_have_area_code",
                "error",
                field,
                f"电话“{phone}”缺失或没有区号",
                f"写成 {context.area_code}-加 7 或 8 位号码",
            )
        elif match["area"] not in (None, context.area_code):
            yield Finding(
                "phones_differ_and_have_area_code",
                "warning",
                field,
                f"电话“{phone}”的区号不是本市的 {context.area_code}",
                "核对区号",
            )
    if guide.consultation_phone and guide.consultation_phone == guide.complaint_phone:
        yield Finding(
            "phones_differ_and_have_area_code",
            "error",
            "complaint_phone",
            "投诉电话与咨询电话相同",
            "投诉须由另一部电话受理，改填监督电话",
        )


def places_are_reachable(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """There is a place; its address reaches the window; its hours say which working days."""
    if not guide.places:
        yield Finding("places_are_reachable", "error", "places", "没有办理地点", "填写办理地点、窗口和工作时间")
    for index, place in enumerate(guide.places):
        if not place.window:
            yield Finding(
                "places_are_reachable", "error", f"places.{index}.window", "地址没有具体到窗口", "写明楼层和窗口号"
            )
        if not _WORKING_DAYS.search(place.hours):
            yield Finding(
                "places_are_reachable",
                "error",
                f"places.{index}.hours",
                "工作时间没有写明周几",
                "写明周几办公，例如“周一至周五”",
            )


def themes_match_applicants(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """A theme for each group that may apply."""
    if "自然人" in guide.applicants and not guide.themes_individual:
        yield Finding(
            "themes_match_applicants",
            "error",
            "themes_individual",
            "服务对象有自然人，但没有自然人主题",
            "选择至少一个自然人主题",
        )
    if any(applicant != "自然人" for applicant in guide.applicants) and not guide.themes_legal:
        yield Finding(
            "themes_match_applicants",
            "error",
            "themes_legal",
            "服务对象有法人，但没有法人主题",
            "选择至少一个法人主题",
        )


def permit_has_question(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """A permit has at least one question and answer."""
    if context.item_type == "行政许可" and not guide.questions:
        yield Finding("permit_has_question", "error", "questions", "行政许可没有常见问题", "至少写一条常见问题和解答")


def fees_are_founded(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """A fee has a standard and a basis; without a fee there is nothing to pay online."""
    for index, fee in enumerate(guide.fees):
        if not fee.standard or not fee.basis:
            yield Finding(
                "fees_are_founded",
                "error",
                f"fees.{index}",
                f"收费“{fee.name}”缺少标准或依据",
                "补充收费标准和收费依据",
            )
    if not guide.fees and guide.online_payment:
        yield Finding(
            "fees_are_founded", "error", "online_payment", "不收费的事项不应有网上支付", "关闭网上支付，或填写收费项目"
        )


def result_kind_matches_name(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """A result named ...证 ends with a certificate, one named ...批复 with an approval."""
    if guide.result is None:
        yield Finding("result_kind_matches_name", "warning", "result", "没有填写办理结果", "填写结果名称和类型")
        return
    for ending, kind in (("证", "出证办结"), ("批复", "审批办结")):
        if guide.result.name.endswith(ending) and guide.result.kind != kind:
            yield Finding(
                "result_kind_matches_name",
                "error",
                "result.kind",
                f"结果“{guide.result.name}”的类型应为“{kind}”",
                f"把结果类型改为“{kind}”",
            )


def materials_are_complete(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """An own form has its blank form; only secondary materials may come later; an issued one names its issuer."""
    for index, material in enumerate(guide.materials):
        if material.deferrable and material.main:
            yield Finding(
                "materials_are_complete",
                "error",
                f"materials.{index}.deferrable",
                f"“{material.name}”是主要材料，不能容缺",
                "改为不可容缺，或改为非主要材料",
            )
        if _is_own_form(material.name) and material.source == "申请人自备" and not material.blank_form:
            yield Finding(
                "materials_are_complete",
                "error",
                f"materials.{index}.blank_form",
                f"“{material.name}”是自制表格，却没有空白表格",
                "上传空白表格",
            )
        if material.source == "政府部门核发" and not material.issuer:
            yield Finding(
                "materials_are_complete",
                "error",
                f"materials.{index}.issuer",
                f"“{material.name}”由政府部门核发，却没有写核发机关",
                "填写核发机关",
            )


def _is_own_form(name: str) -> bool:
    return bool(re.search(r"(申请表|申请书|登记表|申报表|备案表|审批表|报告表|承诺书|信息表|登记书)$", name))


def guide_has_core(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """What everyone came for is there: conditions, steps, legal basis."""
    for field, label in (("conditions", "受理条件"), ("steps", "办理流程"), ("legal_basis", "设定依据")):
        if not getattr(guide, field):
            yield Finding("guide_has_core", "error", field, f"没有填写{label}", f"填写{label}")


def code_has_standard_shape(guide: document.Guide, context: LintContext) -> Iterator[Finding]:
    """The implementation code is authority + level + basic code; other provinces' shapes are only warned of."""
    problem = codes.implementation_code_problem(
        guide.code, department_code=guide.department_code, level=guide.level, item_code=guide.item_code
    )
    if problem:
        yield Finding("code_has_standard_shape", "warning", "code", problem, "核对实施编码；外省另有编码规则的可不改")


RULES: tuple[Rule, ...] = (
    promised_within_statutory,
    steps_within_promised,
    case_type_matches_limit,
    visits_have_reason,
    online_depth_matches_visits,
    phones_differ_and_have_area_code,
    places_are_reachable,
    themes_match_applicants,
    permit_has_question,
    fees_are_founded,
    result_kind_matches_name,
    materials_are_complete,
    guide_has_core,
    code_has_standard_shape,
)


def lint(guide: document.Guide, context: LintContext) -> list[Finding]:
    """All findings of all rules on one guide, in the order of the rules."""
    return [finding for rule in RULES for finding in rule(guide, context)]
