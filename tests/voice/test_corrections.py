from __future__ import annotations

import pytest

from voice.corrections import corrected


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("补身份证哦不对补户口本", "补户口本"),
        ("办结婚登记不是不是办离婚登记", "办离婚登记"),
        ("道里区我说错了南岗区开饭店", "南岗区开饭店"),
        ("营业执照注销啊不对营业执照变更", "营业执照变更"),
        ("护照说错了港澳通行证", "港澳通行证"),
        ("办低保不对我是想说办低收入家庭认定", "办低收入家庭认定"),
    ],
)
def test_what_a_speaker_takes_back_is_left_out(said: str, meant: str) -> None:
    assert corrected(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "登记信息不对怎么改",
        "不是本地户口能上学吗",
        "身份证丢了",
        "户口本名字错了",
        "补身份证哦不对",
        "应该是哪个部门管",
    ],
)
def test_what_only_sounds_like_a_correction_is_kept(said: str) -> None:
    assert corrected(said) == said
