"""The document: what an engine keeps of a guide. The same for every engine.

Text fields hold tokens with spaces between them, keyword fields whole values, key fields those that come with every
result, so that its card need not be read to tell which it is; integer fields what results are sorted by. ``card`` is
what a page shows of a result, as JSON, so that showing results needs no database.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from guides import document, vocabulary
from indexer.analysis import Analyzer, exact_key
from indexer.serving import DivisionTree, Serving, resolve, service_key

FieldKind = Literal["tokens", "keyword", "key", "integer", "stored"]

FIELDS: Final[dict[str, FieldKind]] = {
    "code": "key",
    "item_code": "key",
    "title": "tokens",
    "aliases": "tokens",
    "keywords": "tokens",
    "summary": "tokens",
    "body": "tokens",
    "title_bigrams": "tokens",
    "alias_bigrams": "tokens",
    "title_sounds": "tokens",
    "alias_sounds": "tokens",
    "initials": "tokens",
    "exact": "keyword",
    "serves": "keyword",
    "division": "keyword",
    "level": "keyword",
    "department": "keyword",
    "sector": "keyword",
    "applicant": "keyword",
    "theme": "keyword",
    "online": "keyword",
    "popularity": "keyword",
    "visits_order": "integer",
    "limit_order": "integer",
    "popular_order": "integer",
    "checksum": "stored",
    "card": "stored",
}
"""Every field of the schema and what it is for. Search may name only these."""

_CONTENT_VERSION: Final = 3
"""Raised when the same guide gives another document, so that an index of before is rebuilt and not followed."""
SCHEMA_DIGEST: Final = hashlib.sha256(json.dumps([FIELDS, _CONTENT_VERSION]).encode()).hexdigest()[:8]
"""What an index must have been made with. Part of its name."""

NO_TOKEN: Final = "∅"
"""What an empty text is indexed as; folding leaves no query with it. Lucene counts only documents that have a field,
tantivy all: with no field ever empty, both take the same averages into BM25."""

IndexDocument = dict[str, Any]
"""Field -> tokens or stored text (str), keywords (list of str) or integer; see FIELDS."""

_DAYS_OF_UNIT: dict[vocabulary.TimeUnit, int] = {"工作日": 1, "自然日": 1, "月": 22, "年": 250}
_UNKNOWN_LIMIT_DAYS = 9999
_SERIAL_DIGITS = 12
_SERIAL_SPAN = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class References:
    """What documents take from beyond their guides."""

    tree: DivisionTree
    departments: dict[str, document.Department]
    items: dict[str, document.Item]
    themes: dict[tuple[str, str], str]


def documents(guides: Sequence[document.Guide], references: References, analyzer: Analyzer) -> Iterator[IndexDocument]:
    """The documents of all published guides of one item."""
    services: dict[str, list[document.Guide]] = {}
    for guide in guides:
        services.setdefault(service_key(guide.code, guide.item_code), []).append(guide)
    for siblings in services.values():
        serving = resolve(references.tree, [(guide.code, guide.division_code) for guide in siblings])
        for guide in siblings:
            yield _document(guide, serving[guide.code], references, analyzer)


def _document(guide: document.Guide, serving: Serving, references: References, analyzer: Analyzer) -> IndexDocument:
    item = references.items[guide.item_code]
    department = references.departments[guide.department_code]
    title, aliases, keywords, summary, body = indexed_texts(guide, item, references.themes)
    result: IndexDocument = {
        "code": [guide.code],
        "item_code": [guide.item_code],
        "title": analyzer.index_tokens(title) or NO_TOKEN,
        "aliases": analyzer.index_tokens(aliases) or NO_TOKEN,
        "keywords": analyzer.index_tokens(keywords) or NO_TOKEN,
        "summary": analyzer.index_tokens(summary) or NO_TOKEN,
        "body": analyzer.index_tokens(body) or NO_TOKEN,
        "title_bigrams": analyzer.bigrams(title) or NO_TOKEN,
        "alias_bigrams": analyzer.bigrams(aliases) or NO_TOKEN,
        "title_sounds": analyzer.sounds((title,)) or NO_TOKEN,
        "alias_sounds": analyzer.sounds(tuple(item.aliases)) or NO_TOKEN,
        "initials": analyzer.initials((title, *item.aliases)) or NO_TOKEN,
        "exact": sorted({exact_key(text) for text in (guide.title, item.name, *item.aliases)}),
        "serves": list(serving.serves),
        "division": [guide.division_code],
        "level": [guide.level],
        "department": [guide.department_code],
        # The line of government first, since facets count it; a street office's guide also answers to its own sector.
        "sector": list(dict.fromkeys([item.sector, department.sector])),
        "applicant": vocabulary.applicant_groups(guide.applicants),
        "theme": [f"individual/{code}" for code in guide.themes_individual]
        + [f"legal/{code}" for code in guide.themes_legal],
        # Looking something up online (depth I) is not yet handling it there.
        "online": ["yes" if guide.online_depth in ("II", "III", "IV") else "no"],
        "popularity": [str(item.popularity)],
        "visits_order": _order(guide.code, guide.visits, _limit_days(guide), item.popularity),
        "popular_order": _popular_order(guide.item_code, item.popularity),
        "limit_order": _order(guide.code, _limit_days(guide), guide.visits, item.popularity),
        "card": json.dumps(_card(guide, item, department, references), ensure_ascii=False, separators=(",", ":")),
    }
    result["checksum"] = checksum(result)
    return result


def indexed_texts(
    guide: document.Guide, item: document.Item, themes: dict[tuple[str, str], str]
) -> tuple[str, str, str, str, str]:
    """The texts of a guide that are searched: title, aliases, keywords, summary, body."""
    return guide.title, "；".join(item.aliases), _keywords(guide, item, themes), guide.summary, _body(guide)


def checksum(indexed: IndexDocument) -> str:
    """SHA-256 over everything that an engine keeps of a guide; equal documents have equal checksums."""
    content = {key: value for key, value in sorted(indexed.items()) if key != "checksum"}
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _keywords(guide: document.Guide, item: document.Item, themes: dict[tuple[str, str], str]) -> str:
    """What it takes and what it gives: materials, result, situations, themes, parent item, line of government."""
    parts = [material.name for material in guide.materials]
    parts += [option for situation in guide.situations for option in situation.options]
    parts += [themes.get(("individual", code), "") for code in guide.themes_individual]
    parts += [themes.get(("legal", code), "") for code in guide.themes_legal]
    parts += [guide.result.name if guide.result else "", item.parent_item or "", item.sector, item.type]
    return "；".join(filter(None, parts))


def _body(guide: document.Guide) -> str:
    """The running text: conditions, questions, notes on materials, steps, fees, laws."""
    parts = list(guide.conditions)
    parts += [text for question in guide.questions for text in (question.question, question.answer)]
    parts += [text for m in guide.materials for text in (m.acceptance_standard, m.filling_notes)]
    parts += [step.name for step in guide.steps]
    parts += [fee.name for fee in guide.fees]
    parts += [basis.law for basis in guide.legal_basis]
    return "；".join(filter(None, parts))


def _limit_days(guide: document.Guide) -> int:
    limit = guide.promised_limit or guide.statutory_limit
    return _UNKNOWN_LIMIT_DAYS if limit is None else min(limit.days * _DAYS_OF_UNIT[limit.unit], _UNKNOWN_LIMIT_DAYS)


def _order(code: str, first: int, second: int, popularity: int) -> int:
    """One integer to sort by: ``first``, then ``second``, then the more popular, then always the same way."""
    return ((first * 100_000 + second) * 10 + (9 - popularity)) << 20 | zlib.crc32(code.encode()) & 0xFFFFF


def _popular_order(item_code: str, popularity: int) -> int:
    """The more popular first, then by item code, which puts related services beside each other."""
    digits = "".join(char for char in item_code if char.isdecimal())[:_SERIAL_DIGITS]
    serial = int(digits or "0")
    return (9 - popularity) * _SERIAL_SPAN + serial


def _card(
    guide: document.Guide, item: document.Item, department: document.Department, references: References
) -> dict[str, Any]:
    division = references.tree.by_code[guide.division_code]
    limit = guide.promised_limit
    place = guide.places[0] if guide.places else None
    return {
        "code": guide.code,
        "item_code": guide.item_code,
        "title": guide.title,
        "aliases": item.aliases,
        "summary": guide.summary,
        "division": {"code": division.code, "name": division.name},
        "department": {"code": department.code, "name": department.name, "sector": item.sector},
        "level": guide.level,
        "applicants": vocabulary.applicant_groups(guide.applicants),
        "type": item.type,
        "case_type": guide.case_type,
        "promised_limit": None if limit is None else {"days": limit.days, "unit": limit.unit},
        "visits": guide.visits,
        "fees": [f"{fee.name}：{fee.standard}" for fee in guide.fees],
        "online": guide.online_depth if guide.online else None,
        "materials": [material.name for material in guide.materials if material.required],
        "place": None if place is None else {"name": place.name, "address": place.address, "window": place.window},
        "hours": place.hours if place else "",
        "phone": guide.consultation_phone,
        "revised_on": guide.revised_on.isoformat(),
    }
