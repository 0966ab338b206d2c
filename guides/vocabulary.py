"""Closed word lists of the national standards, as the labels people read and the codes machines exchange.

Source: GB/T 39554.1-2020 (elements of a service guide) and the implementation-list standard that follows it.
Lists that differ by city (item types, themes) are not here: they are tables, seeded from guides/standard/.
"""

from typing import Final, Literal

Level = Literal["province", "city", "district", "street"]
Applicant = Literal["自然人", "企业法人", "事业法人", "社会组织法人", "非法人企业", "行政机关", "其他组织"]
ApplicantGroup = Literal["individual", "legal"]
CaseType = Literal["即办件", "承诺件"]
PowerSource = Literal["法定本级行使", "上级下放", "上级授权", "同级授权", "上级委托", "同级委托"]
AuthorityNature = Literal["法定机关", "授权组织", "受委托组织"]
TimeUnit = Literal["工作日", "自然日", "月", "年"]
OnlineDepth = Literal["I", "II", "III", "IV"]
MaterialType = Literal["原件", "复印件", "原件和复印件"]
MaterialForm = Literal["纸质", "电子", "纸质或电子"]
MaterialSource = Literal["政府部门核发", "申请人自备", "其他"]
Delivery = Literal["窗口领取", "邮寄", "网络下载"]
HandlingScope = Literal["本街道", "本区县", "全市通办", "全省通办", "跨省通办", "全国通办"]
ResultKind = Literal["出证办结", "审批办结", "上报办结", "其他"]
Status = Literal["draft", "review", "published", "withdrawn"]
ThemeAudience = Literal["individual", "legal"]

LEVEL_CODES: Final[dict[Level, str]] = {"province": "2", "city": "3", "district": "4", "street": "5"}
LEVEL_LABELS: Final[dict[Level, str]] = {
    "province": "省级",
    "city": "市级",
    "district": "区县级",
    "street": "街道（乡镇）级",
}
APPLICANT_CODES: Final[dict[Applicant, str]] = {
    "自然人": "1",
    "企业法人": "2",
    "事业法人": "3",
    "社会组织法人": "4",
    "非法人企业": "5",
    "行政机关": "6",
    "其他组织": "9",
}
APPLICANT_GROUP_LABELS: Final[dict[ApplicantGroup, str]] = {"individual": "个人", "legal": "企业和单位"}
CASE_TYPE_CODES: Final[dict[CaseType, str]] = {"即办件": "1", "承诺件": "2"}
POWER_SOURCE_CODES: Final[dict[PowerSource, str]] = {
    "法定本级行使": "1",
    "上级下放": "2",
    "上级授权": "3",
    "同级授权": "4",
    "上级委托": "5",
    "同级委托": "6",
}
ONLINE_DEPTH_LABELS: Final[dict[OnlineDepth, str]] = {
    "I": "网上查询",
    "II": "网上申报",
    "III": "网上预审",
    "IV": "全程网办",
}


def applicant_groups(applicants: list[Applicant]) -> list[ApplicantGroup]:
    """The groups that search offers, from a guide's exact applicants: code 1 is individual, 2 to 9 are legal."""
    groups: list[ApplicantGroup] = []
    if "自然人" in applicants:
        groups.append("individual")
    if any(applicant != "自然人" for applicant in applicants):
        groups.append("legal")
    return groups
