"""The JSON API, version 1. Its description is made from the same classes that make the answers (openapi.py)."""

from __future__ import annotations

from dataclasses import asdict, replace

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from guides import document, lookups
from search.request import InvalidRequestError, SearchRequest
from search.results import FacetValue
from search.suggest import MAX_PREFIX_CHARACTERS, Suggestion
from web import guide_view, openapi, recording
from web.context import web
from web.errors import error_json
from web.metrics import count_search
from web.params import SEARCH_PARAMETERS, integer, refuse_unknown, search_request

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

_MAX_SUGGESTIONS = 20


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """Search the guides."""
    refuse_unknown(request.args, SEARCH_PARAMETERS)
    response = count_search(web().search.search(search_request(request.args)))
    recording.record_search(response, "api")
    return jsonify(response.to_json())


@blueprint.get("/suggest")
def suggest() -> ResponseReturnValue:
    """What may be meant by a beginning."""
    refuse_unknown(request.args, ("q", "size", "division"))
    prefix = request.args.get("q", "")
    division = request.args.get("division", "").strip()
    size = integer(request.args, "size", 8)
    if not prefix.strip():
        raise InvalidRequestError("empty_query", "请输入开头的几个字、拼音或者首字母。", "q")
    if len(prefix) > MAX_PREFIX_CHARACTERS:
        raise InvalidRequestError("query_too_long", f"最多 {MAX_PREFIX_CHARACTERS} 个字。", "q")
    if not 1 <= size <= _MAX_SUGGESTIONS:
        raise InvalidRequestError("invalid_size", f"条数应在 1 到 {_MAX_SUGGESTIONS} 之间。", "size")
    place = web().search.language.places.division(division).code if division else None
    found = _counted(web().search.suggest(prefix, size), place)
    if place:
        found = [replace(suggestion, url=f"{suggestion.url}&division={place}") for suggestion in found]
    return jsonify({"query": prefix, "suggestions": [asdict(suggestion) for suggestion in found]})


def _counted(suggestions: list[Suggestion], division: str | None) -> list[Suggestion]:
    """The same, departments with how many services they have in a division; those that have none are left out."""
    if all(suggestion.kind != "department" for suggestion in suggestions):
        return suggestions
    place = division or web().search.language.places.root
    counts = {value.value: value.count for value in _department_counts(place)}
    counted = [
        replace(suggestion, services=counts.get(suggestion.sector, 0))
        if suggestion.kind == "department"
        else suggestion
        for suggestion in suggestions
    ]
    return [suggestion for suggestion in counted if suggestion.services != 0]


def _department_counts(division: str) -> list[FacetValue]:
    return web().search.search(SearchRequest(division=division, size=1)).facets["department"]


@blueprint.get("/guides/<code>")
def guide(code: str) -> ResponseReturnValue:
    """One published guide, whole."""
    view = guide_view.load(web().database, code)
    if view is None:
        with web().database.reading() as connection:
            withdrawn = lookups.guide_status(connection, code) == "withdrawn"
        if withdrawn:
            return error_json("withdrawn", "这份办事指南已经下线，请搜索事项名称，查看现在怎么办。", "code", 410)
        return error_json("not_found", "没有这个编码的办事指南，请用 /api/v1/search 查找。", "code", 404)
    return jsonify(
        {
            **document.dump(view.guide),
            "version": view.version,
            "item": document.dump(view.item),
            "department": document.dump(view.department),
            "division": document.dump(view.division),
            "elsewhere": [
                {"code": other.guide_code, "division": other.division.code, "division_name": other.division.name}
                for other in view.elsewhere
            ],
            "url": f"{web().public_url}/guides/{view.guide.code}",
        }
    )


@blueprint.get("/divisions")
def divisions() -> ResponseReturnValue:
    """The tree of divisions, parents before children."""
    refuse_unknown(request.args, ())
    return jsonify({"divisions": [document.dump(d) for d in web().search.language.lexicon.divisions]})


@blueprint.get("/departments")
def departments() -> ResponseReturnValue:
    """The lines of government with what citizens call them, and the authorities of one division."""
    refuse_unknown(request.args, ("division",))
    language = web().search.language
    wanted = request.args.get("division", "").strip()
    place = language.places.division(wanted) if wanted else language.places.tree.by_code[language.places.root]
    counts = _department_counts(place.code)
    return jsonify(
        {
            "division": place.code,
            "sectors": [
                {"name": v.value, "aliases": language.lexicon.sector_aliases.get(v.value, ()), "services": v.count}
                for v in counts
            ],
            "departments": [asdict(d) for d in language.lexicon.departments if d.division_code == place.code],
        }
    )


@blueprint.get("/openapi.json")
def openapi_document() -> ResponseReturnValue:
    """This API's description."""
    return jsonify(openapi.description(web().version))
