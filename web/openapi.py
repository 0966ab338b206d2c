"""The OpenAPI 3.1 description, made from the classes that make the answers, so the two cannot part."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter

from guides import document
from indexer.lexicon import DepartmentEntry
from search.request import DEFAULT_PAGE_SIZE, MAX_HYPOTHESES, MAX_PAGE_SIZE, MAX_QUERY_CHARACTERS
from search.results import SearchResponse
from search.suggest import MAX_PREFIX_CHARACTERS, Suggestion
from web.voice import FILTERS, VoiceAnswer


class ErrorDetail(BaseModel):
    """What went wrong, in words for a person, and the parameter it is about."""

    code: str
    message: str
    field: str | None


class Error(BaseModel):
    """The form of every error."""

    error: ErrorDetail


class Suggestions(BaseModel):
    """Answer of /suggest."""

    query: str
    suggestions: list[Suggestion]


class OtherPlace(BaseModel):
    """The same service in another division."""

    code: str
    division: str
    division_name: str


class GuideAnswer(document.Guide):
    """A guide with what its codes stand for."""

    version: int
    item: document.Item
    department: document.Department
    division: document.Division
    elsewhere: list[OtherPlace]
    url: str


class Divisions(BaseModel):
    """Answer of /divisions."""

    divisions: list[document.Division]


class Sector(BaseModel):
    """A line of government, with how many services it has in the division."""

    name: str
    aliases: list[str]
    services: int


class Departments(BaseModel):
    """Answer of /departments."""

    division: str
    sectors: list[Sector]
    departments: list[DepartmentEntry]


def _parameter(name: str, schema: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description, **more}


_TEXT = {"type": "string"}
_DIVISION = _parameter("division", _TEXT, "Code or name of the person's division; the city when absent.")
_SEARCH_PARAMETERS = [
    _parameter("q", {"type": "string", "maxLength": MAX_QUERY_CHARACTERS}, "The person's own words."),
    _DIVISION,
    _parameter("department", _TEXT, "Name or everyday name of a department."),
    _parameter("applicant", {"enum": ["individual", "legal"]}, "Who applies."),
    _parameter("theme", _TEXT, "individual/CODE or legal/CODE."),
    _parameter("online", {"enum": ["yes", "no"]}, "Whether it can be handled online."),
    _parameter("level", {"enum": ["province", "city", "district", "street"]}, "Level that handles it."),
    _parameter("sort", {"enum": ["relevance", "visits", "limit"], "default": "relevance"}, "Order of the results."),
    _parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Page, from 1."),
    _parameter(
        "size",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE},
        "Results a page.",
    ),
    _parameter("literal", {"enum": ["yes", "no"]}, "Take the words as they are; understand no filters in them."),
    _parameter(
        "heard",
        {"type": "array", "items": _TEXT, "maxItems": MAX_HYPOTHESES},
        "Where q was said: every way to read it, best first, each as WEIGHT:TEXT with a weight in (0, 1].",
    ),
]
_SPOKEN_PARAMETERS = [parameter for parameter in _SEARCH_PARAMETERS if parameter["name"] in FILTERS]
_CODE = {"name": "code", "in": "path", "required": True, "schema": _TEXT, "description": "Implementation code."}
_ANSWERS: dict[str, type[Any]] = {
    "SearchResponse": SearchResponse,
    "Suggestions": Suggestions,
    "Guide": GuideAnswer,
    "Divisions": Divisions,
    "Departments": Departments,
    "VoiceAnswer": VoiceAnswer,
    "Error": Error,
}


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _refusals(errors: tuple[int, ...]) -> dict[str, Any]:
    return {
        str(status): {"description": "Refused, with the reason.", "content": _content("Error")} for status in errors
    }


def _operation(
    summary: str, answer: str, parameters: list[dict[str, Any]], errors: tuple[int, ...] = (400, 503)
) -> dict[str, Any]:
    responses = {"200": {"description": "The answer.", "content": _content(answer)}, **_refusals(errors)}
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


def _recording() -> dict[str, Any]:
    form = {"type": "object", "required": ["audio"], "properties": {"audio": {"contentMediaType": "audio/*"}}}
    return {
        "post": {
            "summary": "Search by a recording",
            "parameters": _SPOKEN_PARAMETERS,
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": form}, "audio/*": {"schema": {}}},
            },
            "responses": {
                "200": {"description": "What was heard, and its results.", "content": _content("VoiceAnswer")},
                **_refusals((400, 404, 413, 415, 422, 503)),
            },
        }
    }


def _stream() -> dict[str, Any]:
    return {
        "get": {
            "summary": "Search by speaking, over a WebSocket; its messages are described in docs/api.md",
            "parameters": _SPOKEN_PARAMETERS,
            "responses": {"101": {"description": "The WebSocket is open."}, **_refusals((400, 403, 404))},
        }
    }


@cache
def description(version: str) -> dict[str, Any]:
    """The whole description."""
    schemas: dict[str, Any] = {}
    for name, answer in _ANSWERS.items():
        schema = TypeAdapter(answer).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        schemas[name] = schema
    suggest_q = _parameter(
        "q",
        {"type": "string", "maxLength": MAX_PREFIX_CHARACTERS},
        "Characters, pinyin, initials, or all of them mixed.",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Banshi", "version": version, "description": "Search of government service guides."},
        "paths": {
            "/api/v1/search": _operation("Search the guides", "SearchResponse", _SEARCH_PARAMETERS, (400, 404, 503)),
            "/api/v1/suggest": _operation(
                "Suggestions while typing",
                "Suggestions",
                [
                    {**suggest_q, "required": True},
                    _parameter("size", {"type": "integer", "minimum": 1, "maximum": 20, "default": 8}, "How many."),
                    _DIVISION,
                ],
            ),
            "/api/v1/guides/{code}": _operation("One published guide", "Guide", [_CODE], (404, 410)),
            "/api/v1/divisions": _operation("The tree of divisions", "Divisions", []),
            "/api/v1/departments": _operation("Departments of a division", "Departments", [_DIVISION]),
            "/api/v1/voice": _recording(),
            "/api/v1/voice/stream": _stream(),
        },
        "components": {"schemas": schemas},
    }
