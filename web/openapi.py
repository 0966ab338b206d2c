"""The OpenAPI 3.1 description, made from the classes that make the answers, so the two cannot part."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter

from guides import document
from indexer.lexicon import DepartmentEntry
from search.request import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_QUERY_CHARACTERS
from search.results import SearchResponse
from search.suggest import MAX_PREFIX_CHARACTERS, Suggestion
from voice.sound import Condition


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


class Alternative(BaseModel):
    """Another way to read what was said, and how likely it is beside the likeliest, whose weight is 1."""

    text: str
    weight: float


class HeardView(BaseModel):
    """What was heard of a recording: ``condition`` tells what kind of sound it was, where no words were found."""

    text: str
    alternatives: list[Alternative]
    condition: Condition
    clipped: bool
    seconds: float


class VoiceAnswer(BaseModel):
    """Answer of /voice. Where nothing was understood, ``message`` tells the person what to do, and there is no search;
    ``url`` is the page of the results."""

    heard: HeardView
    search: SearchResponse | None
    message: str | None
    url: str | None


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
        _TEXT,
        "Readings of a spoken query, the likeliest first: weight:text|weight:text. The one that is answered best is "
        "answered, and is the `query` of the answer.",
    ),
]
_AUDIO = {
    "required": True,
    "description": "A recording of at most 15 seconds and 5 MB: WAV, MP3, M4A, WebM, OGG, FLAC.",
    "content": {
        "audio/*": {"schema": {"type": "string", "contentMediaType": "audio/*"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["audio"],
                "properties": {"audio": {"type": "string", "contentMediaType": "audio/*"}},
            }
        },
    },
}
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


def _operation(
    summary: str,
    answer: str,
    parameters: list[dict[str, Any]],
    errors: tuple[int, ...] = (400, 503),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    responses: dict[str, Any] = {"200": {"description": "The answer.", "content": content(answer)}}
    for status in errors:
        responses[str(status)] = {"description": "Refused, with the reason.", "content": content("Error")}
    operation = {"summary": summary, "parameters": parameters, "responses": responses}
    return {"get": operation} if body is None else {"post": {**operation, "requestBody": body}}


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
            "/api/v1/voice": _operation(
                "What a recording says, and the guides it asks for",
                "VoiceAnswer",
                [parameter for parameter in _SEARCH_PARAMETERS if parameter["name"] not in ("q", "heard")],
                (400, 413, 415, 422, 503),
                _AUDIO,
            ),
            "/api/v1/voice/stream": {
                "get": {
                    "summary": "A query spoken live, over WebSocket; docs/api.md has the messages",
                    "parameters": [_DIVISION],
                    "responses": {"101": {"description": "Speak."}, "400": {"description": "No WebSocket."}},
                }
            },
        },
        "components": {"schemas": schemas},
    }
