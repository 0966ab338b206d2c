"""The one line of a result card that answers what was asked: how much, how long, where, what to bring."""

from __future__ import annotations

from typing import Any

_MATERIALS_SHOWN = 4


def limit_text(card: dict[str, Any]) -> str:
    """承诺时限 in words."""
    limit = card["promised_limit"]
    if limit is None:
        return "未写明"
    return "当场办结" if limit["days"] == 0 else f"{limit['days']}个{limit['unit']}"


def visits_text(card: dict[str, Any]) -> str:
    """到现场次数 in words."""
    return "不用跑" if card["visits"] == 0 else f"跑{card['visits']}次"


def fee_text(card: dict[str, Any]) -> str:
    """Whether there is a fee."""
    return "收费" if card["fees"] else "不收费"


def online_text(card: dict[str, Any]) -> str:
    """Whether it can be handled online, and how far."""
    if card["online"] == "IV":
        return "全程网办"
    return "可网上办" if card["online"] in ("II", "III") else "窗口办理"


def answer(card: dict[str, Any], aspect: str | None) -> str | None:
    """The answer to the aspect asked for, or None where a card has none."""
    place = card["place"]
    match aspect:
        case "materials":
            names = card["materials"]
            if not names:
                return "不用带材料"
            more = f"等{len(names)}样" if len(names) > _MATERIALS_SHOWN else ""
            return "要带：" + "、".join(names[:_MATERIALS_SHOWN]) + more
        case "fee":
            return "；".join(card["fees"]) if card["fees"] else "不收费"
        case "time":
            return f"承诺时限：{limit_text(card)}"
        case "place" if place:
            return f"去哪办：{place['name']} {place['window']}；{card['hours']}"
        case "phone" if card["phone"]:
            return f"咨询电话：{card['phone']}"
    return None
