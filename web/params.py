"""Request parameters into what search understands. Every parameter that exists is named here."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from search.request import DEFAULT_PAGE_SIZE, Hypothesis, InvalidRequestError, SearchRequest, invalid_heard

SEARCH_PARAMETERS = (
    "q", "division", "department", "applicant", "theme", "online", "level", "sort", "page", "size", "literal",
    "heard",
)  # fmt: skip
_SWITCH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_MAX_DIGITS = 9


def search_request(values: Mapping[str, str], *, size: int = DEFAULT_PAGE_SIZE) -> SearchRequest:
    """A SearchRequest from query parameters, or InvalidRequestError. Blank parameters count as absent."""
    given = {key: value for key, value in values.items() if value.strip()}
    return SearchRequest(
        text=given.get("q", ""),
        division=given.get("division"),
        department=given.get("department"),
        applicant=given.get("applicant"),
        theme=given.get("theme"),
        online=_switch(given, "online"),
        level=given.get("level"),
        sort=given.get("sort", "relevance"),
        page=integer(given, "page", 1),
        size=integer(given, "size", size),
        literal=_switch(given, "literal") or False,
        heard=heard(values),
    )


def heard(values: Mapping[str, str]) -> tuple[Hypothesis, ...]:
    """The ways to read what was said, in the order given: ``heard=WEIGHT:TEXT``, repeated; or InvalidRequestError."""
    given = values.getlist("heard") if isinstance(values, MultiDict) else [values.get("heard", "")]
    return tuple(_hypothesis(text) for text in given if text.strip())


def heard_parameter(hypothesis: Hypothesis) -> str:
    """The same way back into an address."""
    return f"{hypothesis.weight:.4g}:{hypothesis.text}"


def _hypothesis(given: str) -> Hypothesis:
    weight, separator, text = given.partition(":")
    try:
        if not separator:
            raise ValueError
        return Hypothesis(text, float(weight))
    except ValueError:
        raise invalid_heard("冒号前面应是权重") from None


def refuse_unknown(values: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise InvalidRequestError where a parameter is not one of ``known``: a typing mistake must not pass silently."""
    for name in values:
        if name not in known:
            usable = f"可用的是 {'、'.join(known)}" if known else "这个地址不带参数"
            raise InvalidRequestError("unknown_parameter", f"没有 {name[:40]} 这个参数，{usable}。", name[:40])


def integer(values: Mapping[str, str], name: str, default: int) -> int:
    """A whole number, full-width digits included, or InvalidRequestError."""
    text = values.get(name)
    if text is None:
        return default
    try:
        if len(text) > _MAX_DIGITS or not text.removeprefix("-").isdecimal():
            raise ValueError
        return int(text)
    except ValueError:
        raise InvalidRequestError(f"invalid_{name}", f"{name} 应为整数。", name) from None


def _switch(values: Mapping[str, str], name: str) -> bool | None:
    text = values.get(name)
    if text is None:
        return None
    if text not in _SWITCH:
        raise InvalidRequestError(f"invalid_{name}", f"{name} 应为 yes 或 no。", name)
    return _SWITCH[text]
