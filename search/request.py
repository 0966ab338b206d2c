"""What may be asked of search, checked once at the door.

Every limit is stated here; every refusal says which field, what is wrong, and what to do.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Final, get_args

from guides.vocabulary import ApplicantGroup, Level
from search.engines.base import Sort

MAX_QUERY_CHARACTERS: Final = 200
MAX_HYPOTHESES: Final = 8
MAX_PAGE_SIZE: Final = 50
MAX_RESULTS: Final = 10_000
DEFAULT_PAGE_SIZE: Final = 10


class InvalidRequestError(Exception):
    """The request cannot be answered as it is. ``status`` is the HTTP status that fits."""

    def __init__(self, code: str, message: str, field: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.field = field
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to read what was said, and how likely it is beside the likeliest, whose weight is 1."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search. ``division`` is a code or a name, None for the whole city; ``department`` a name or everyday name;
    ``theme`` is ``individual/005`` or ``legal/010``. ``literal`` takes the words as they are, understanding nothing.
    ``heard`` are all readings of a spoken query, the likeliest first; ``text`` is one of them (see spoken.py).
    """

    text: str = ""
    division: str | None = None
    department: str | None = None
    applicant: str | None = None
    theme: str | None = None
    online: bool | None = None
    level: str | None = None
    sort: str = "relevance"
    page: int = 1
    size: int = DEFAULT_PAGE_SIZE
    literal: bool = False
    heard: tuple[Hypothesis, ...] = ()

    def checked(self) -> SearchRequest:
        """The request with blanks removed, or InvalidRequestError."""
        request = replace(
            self,
            text=printable(self.text),
            division=_blank_to_none(self.division),
            department=_blank_to_none(self.department),
            applicant=_blank_to_none(self.applicant),
            theme=_blank_to_none(self.theme),
            level=_blank_to_none(self.level),
            heard=tuple(replace(hypothesis, text=printable(hypothesis.text)) for hypothesis in self.heard),
        )
        if self.text.strip() and not request.text:
            raise nothing_readable()
        if len(request.text) > MAX_QUERY_CHARACTERS:
            raise InvalidRequestError(
                "query_too_long",
                f"您输入了 {len(request.text)} 个字，最多 {MAX_QUERY_CHARACTERS} 个字。"
                "请只写要办的事，例如“身份证丢了”。",
                "q",
            )
        _check_heard(request.heard)
        _check_choice("applicant", request.applicant, get_args(ApplicantGroup))
        _check_choice("level", request.level, get_args(Level))
        _check_choice("sort", request.sort, get_args(Sort))
        if not 1 <= request.size <= MAX_PAGE_SIZE:
            raise InvalidRequestError("invalid_size", f"每页条数应在 1 到 {MAX_PAGE_SIZE} 之间。", "size")
        if request.page < 1:
            raise InvalidRequestError("invalid_page", "页码应从 1 开始。", "page")
        if request.page * request.size > MAX_RESULTS:
            raise page_past_end(None)
        return request

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked: no words and no filter."""
        return not (
            self.text
            or self.division
            or self.department
            or self.applicant
            or self.theme
            or self.level
            or self.online is not None
        )


def last_page(total: int, size: int) -> int:
    """The number of the last page; an empty result has one, too."""
    return max(1, -(-total // size))


def page_past_end(last: int | None) -> InvalidRequestError:
    """There is no such page; ``last`` is the last one, where known."""
    hint = f"最后一页是第 {last} 页。" if last else "请缩小搜索范围。"
    return InvalidRequestError("page_past_end", f"没有这一页。{hint}", "page", status=404)


def empty_query() -> InvalidRequestError:
    """Nothing was asked."""
    return InvalidRequestError("empty_query", "请输入要办的事，例如“身份证丢了”，或者选择区县、部门或主题。", "q")


def nothing_readable() -> InvalidRequestError:
    """What was asked holds no letter, digit or Chinese character."""
    return InvalidRequestError(
        "nothing_readable", "没有看到文字。请用汉字、拼音或者数字写出要办的事，例如“身份证丢了”。", "q"
    )


def invalid_heard(reason: str) -> InvalidRequestError:
    """What is said to have been heard cannot be read."""
    form = "写法是“权重:文字”，例如 0.7:身份证丢了"
    return InvalidRequestError("invalid_heard", f"heard 有误：{reason}。{form}。", "heard")


def printable(text: str) -> str:
    """A text as it may be shown again: without control characters and half surrogates, blanks trimmed."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text).strip()


def _blank_to_none(value: str | None) -> str | None:
    return value.strip() or None if value is not None else None


def _check_heard(heard: tuple[Hypothesis, ...]) -> None:
    if len(heard) > MAX_HYPOTHESES:
        raise invalid_heard(f"最多 {MAX_HYPOTHESES} 种听法")
    for hypothesis in heard:
        if not hypothesis.text or len(hypothesis.text) > MAX_QUERY_CHARACTERS:
            raise invalid_heard(f"每种听法应有 1 到 {MAX_QUERY_CHARACTERS} 个字")
        if not 0 < hypothesis.weight <= 1:  # false for what is no number, too
            raise invalid_heard("权重应大于 0、不超过 1")


def _check_choice(field: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise InvalidRequestError(f"invalid_{field}", f"{field} 应为 {'、'.join(choices)} 之一。", field)
