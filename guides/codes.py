"""Codes of the field: 统一社会信用代码 of authorities, basic codes of items, implementation codes of guides.

Sources: GB 32100-2015 (18-character unified social credit code), GB 11714-1997 (its organisation code), and the
31-character implementation code seen in published records: 18 authority + 1 level + 12 basic, two more for a
业务办理项.
"""

from __future__ import annotations

from typing import Final

from stdnum.cn import uscc

from guides import vocabulary

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)


def organisation_code(serial: int) -> str:
    """An organisation code of GB 11714: eight digits of ``serial`` and the check character."""
    if not 0 <= serial < 10**8:
        raise ValueError("an organisation serial has at most eight digits")
    digits = f"{serial:08d}"
    remainder = 11 - sum(int(d) * w for d, w in zip(digits, _ORGANISATION_WEIGHTS, strict=True)) % 11
    return digits + {10: "X", 11: "0"}.get(remainder, str(remainder))


def government_credit_code(division_code: str, serial: int) -> str:
    """The unified social credit code of a government organ (registered by 机构编制, type 11) in a division.

    ``division_code`` may be a street's nine digits; the credit code holds the first six.
    """
    stem = "11" + division_code[:6] + organisation_code(serial)
    return stem + str(uscc.calc_check_digit(stem))


def basic_code(type_code: str, serial: int, *, province: str = "23") -> str:
    """A 12-character basic code: two province digits (00 national), two of the item's type, eight of its serial."""
    return f"{province}{type_code}{serial:08d}"


def implementation_code(department_code: str, level: vocabulary.Level, item_code: str, sub_item: str = "") -> str:
    """The 31-character code of a guide (33 with a two-character 业务办理项)."""
    return f"{department_code}{vocabulary.LEVEL_CODES[level]}{item_code}{sub_item}"


def implementation_code_problem(
    code: str, *, department_code: str, level: vocabulary.Level, item_code: str
) -> str | None:
    """What is unusual about an implementation code, in words for a clerk, or None."""
    if len(code) not in (31, 33):
        return f"实施编码应为 31 位（含业务办理项为 33 位），现为 {len(code)} 位"
    if not uscc.is_valid(code[:18]):
        return f"实施编码的前 18 位“{code[:18]}”不是有效的统一社会信用代码"
    if code[:18] != department_code:
        return "实施编码的前 18 位与实施主体的统一社会信用代码不同"
    if code[18] != vocabulary.LEVEL_CODES[level]:
        return f"实施编码的第 19 位“{code[18]}”与行使层级不符"
    if code[19:31] != item_code:
        return "实施编码的后 12 位与基本编码不同"
    return None
