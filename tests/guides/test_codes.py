from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from guides import codes


@given(st.integers(0, 10**8 - 1), st.sampled_from(["230102", "230102001", "230100"]))
def test_every_made_credit_code_is_valid_and_names_its_division(serial: int, division: str) -> None:
    code = codes.government_credit_code(division, serial)
    assert uscc.is_valid(code)
    assert code[2:8] == division[:6]


def test_a_published_credit_code_is_recognised() -> None:
    assert uscc.is_valid("11440000006939756B")


def test_an_implementation_code_is_authority_level_and_basic_code() -> None:
    code = codes.implementation_code("11440000006939756B", "province", "440101007000")
    assert code == "11440000006939756B2440101007000"
    assert len(code) == 31


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("123", "31 位"),
        ("11440000006939756A2440101007000", "不是有效的统一社会信用代码"),
        ("11440000006939756B3440101007000", "行使层级"),
        ("11440000006939756B2440101007001", "基本编码"),
    ],
)
def test_an_unusual_implementation_code_is_explained(code: str, reason: str) -> None:
    problem = codes.implementation_code_problem(
        code, department_code="11440000006939756B", level="province", item_code="440101007000"
    )
    assert problem is not None
    assert reason in problem


def test_a_sub_item_makes_the_code_two_longer_and_is_not_unusual() -> None:
    code = codes.implementation_code("11440000006939756B", "province", "440101007000", "01")
    assert (
        codes.implementation_code_problem(
            code, department_code="11440000006939756B", level="province", item_code="440101007000"
        )
        is None
    )
