"""The public pages. Each works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from guides import document, lookups
from indexer.serving import DivisionTree
from search.request import Hypothesis, InvalidRequestError, SearchRequest, last_page, printable
from search.results import SearchResponse
from web import guide_view, recording
from web.context import web
from web.errors import error_page
from web.metrics import count_search
from web.params import search_request
from web.presenting import search_url

blueprint = Blueprint("pages", __name__)

_ALTERNATIVES_SHOWN = 4
_DIVISION_COOKIE = "division"
_COOKIE_DAYS = 180
_POPULAR_SHOWN = 12
_PAGES_AROUND = 2


def _division_code() -> str:
    """The person's division: from the address, else as they chose before, else the city."""
    places = web().search.language.places
    wanted = request.args.get("division") or request.cookies.get(_DIVISION_COOKIE) or places.root
    try:
        return places.division(wanted).code
    except InvalidRequestError:
        return places.root


def _division_in(tree: DivisionTree) -> str:
    """The same for pages that a broken index must not take down."""
    return guide_view.find_division(tree, (request.args.get("division"), request.cookies.get(_DIVISION_COOKIE)))


@blueprint.app_context_processor
def _frame() -> dict[str, Any]:
    """What every page's frame shows."""
    return {"values": request.args, "degraded": web().search.engines.degraded_reason is not None}


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The question, and the ways in for those who rather browse."""
    service = web().search
    places = service.language.places
    division = places.tree.by_code[_division_code()]
    popular = service.search(SearchRequest(division=division.code, size=_POPULAR_SHOWN))
    return render_template(
        "home.html",
        division=division,
        root=places.root,
        districts=[places.tree.by_code[code] for code in places.tree.children[places.root]],
        popular=popular,
        facets=popular.facets,
    )


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """Results, with filters as a plain form."""
    values = request.args.copy()
    service = web().search
    places = service.language.places
    if "division" not in values:
        # A code kept from before may be gone; then it is as if none had been chosen.
        values["division"] = _division_code() if request.cookies.get(_DIVISION_COOKIE) else ""
    asked = search_request(values)
    if asked.is_empty or (not asked.text and asked.division and set(filter(values.get, values)) <= {"division"}):
        return render_template("empty_query.html", division=places.tree.by_code[_division_code()])
    response = count_search(service.search(asked))
    token = recording.record_search(response, "voice" if asked.heard else "page")
    return render_template(
        "results.html",
        response=recording.with_token(response, token),
        values=values,
        division=places.tree.by_code[response.understood.division or places.root],
        districts=[places.tree.by_code[code] for code in places.tree.children[places.root]],
        root=places.root,
        pages=_page_links(values, response, token),
        alternatives=_alternatives(response.query, asked.heard),
        chips=[(chip, _without_chip(values, chip, places.root)) for chip in response.understood.chips],
    )


def _alternatives(query: str, heard: Sequence[Hypothesis]) -> list[str]:
    """What else may have been said, likeliest first; no more than a person reads through."""
    texts = [printable(hypothesis.text) for hypothesis in heard]
    return [text for text in dict.fromkeys(texts) if text != query][:_ALTERNATIVES_SHOWN]


def _without_chip(values: Mapping[str, str], chip: Any, root: str) -> str:
    if chip.words is not None:
        # The words are now as the person wants them, and no longer as they were heard.
        changes: dict[str, str | None] = {"q": chip.without, "heard": None}
        if chip.kind == "division":
            changes["division"] = root
        return search_url(values, **changes)
    return search_url(values, **{chip.kind: root if chip.kind == "division" else None})


def _page_links(values: Mapping[str, str], response: SearchResponse, token: str | None) -> list[tuple[int | None, str]]:
    """(page number or None for a gap, address) around the current page, with the first and the last."""
    last = last_page(response.total, response.size)
    base = search_url(values)
    shown = {1, last, *range(response.page - _PAGES_AROUND, response.page + _PAGES_AROUND + 1)}
    links: list[tuple[int | None, str]] = []
    previous = 0
    for number in sorted(n for n in shown if 1 <= n <= last):
        if number > previous + 1:
            links.append((None, ""))
        address = f"{base}{'&' if '?' in base else '?'}page={number}"
        links.append((number, recording.with_parameter(address, token) if token else address))
        previous = number
    return links if last > 1 else []


@blueprint.get("/guides/<code>")
def guide(code: str) -> ResponseReturnValue:
    """One guide, whole."""
    view = guide_view.load(web().database, code)
    if view is None:
        with web().database.reading() as connection:
            abort(410 if lookups.guide_status(connection, code) == "withdrawn" else 404)
    return _guide_page(view, asks_division=False)


@blueprint.get("/items/<code>")
def item(code: str) -> ResponseReturnValue:
    """A service: straight to the guide that serves the person's division, or the question where that is."""
    tree = guide_view.division_tree(web().database)
    division_code = _division_in(tree)
    found = guide_view.serving_guide(web().database, tree, code, division_code)
    if found is None:
        found = guide_view.serving_guide(web().database, tree, code, tree.root or "")
        if found is None:
            abort(404)
        view = guide_view.load(web().database, found[0])
        return _guide_page(view, asks_division=True, not_here=division_code)
    guide_code, represents = found
    if not represents:
        return redirect(url_for("pages.guide", code=guide_code, **recording.carried()))
    return _guide_page(guide_view.load(web().database, guide_code), asks_division=True)


def _guide_page(
    view: guide_view.GuideView | None, *, asks_division: bool, not_here: str | None = None
) -> ResponseReturnValue:
    if view is None:
        abort(404)
    recording.record_opening(view.item.code)
    chosen = _chosen_options(view.guide)
    return render_template(
        "guide.html",
        view=view,
        guide=view.guide,
        chosen=chosen,
        hidden_by_choice=lambda material: _is_hidden(material, view.guide, chosen),
        asks_division=asks_division,
        not_here=view.tree.by_code[not_here] if not_here else None,
        person_division=view.tree.by_code[_division_in(view.tree)],
    )


def _chosen_options(guide: document.Guide) -> list[str]:
    """The answers given to the guide's situations, one parameter a question: situation0, situation1 ..."""
    answers = [(request.args.get(f"situation{index}"), s) for index, s in enumerate(guide.situations)]
    return [answer for answer, situation in answers if answer in situation.options and answer is not None]


def _is_hidden(material: document.Material, guide: document.Guide, chosen: list[str]) -> bool:
    """Whether the answers given rule a material out: a question it belongs to is answered otherwise."""
    answered = {o for s in guide.situations if any(c in s.options for c in chosen) for o in s.options}
    return any(o in answered for o in material.only_for) and not any(o in chosen for o in material.only_for)


@blueprint.get("/divisions")
def divisions() -> ResponseReturnValue:
    """All districts and counties with their streets; choosing one remembers it."""
    places = web().search.language.places
    return render_template(
        "divisions.html",
        tree=places.tree,
        root=places.tree.by_code[places.root],
        districts=[places.tree.by_code[code] for code in places.tree.children[places.root]],
        current=_division_code(),
        next_path=_local_path(request.args.get("next", "")),
    )


@blueprint.get("/divisions/<code>")
def division(code: str) -> ResponseReturnValue:
    """One division: what it handles, by department and theme."""
    service = web().search
    try:
        place = service.language.places.division(code)
    except InvalidRequestError as error:
        return error_page(404, "没有这个区划", error.message)
    found = service.search(SearchRequest(division=place.code, size=_POPULAR_SHOWN))
    tree = service.language.places.tree
    return render_template(
        "division.html",
        division=place,
        parents=[tree.by_code[c] for c in reversed(tree.ancestors(place.code)[1:])],
        streets=[tree.by_code[c] for c in tree.children[place.code]],
        found=found,
    )


@blueprint.get("/divisions/<code>/choose")
def choose_division(code: str) -> ResponseReturnValue:
    """Remember where the person lives (a cookie on their own device), and go back to where they were."""
    place = web().search.language.places.division(code)
    target = _local_path(request.args.get("next", "")) or url_for("pages.home")
    response = redirect(target)
    response.set_cookie(
        _DIVISION_COOKIE,
        place.code,
        max_age=_COOKIE_DAYS * 86_400,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure,
    )
    return response


def _local_path(path: str) -> str:
    """``path`` if it is one of this site's, else nothing: an address given from outside must not lead away."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and not any(c in path for c in "\r\n\t\\")
    return path if is_local else ""


@blueprint.get("/departments")
def departments() -> ResponseReturnValue:
    """The lines of government, with how many services each has where the person lives."""
    service = web().search
    code = _division_code()
    found = service.search(SearchRequest(division=code, size=1))
    return render_template(
        "departments.html",
        division=service.language.places.tree.by_code[code],
        facets=found.facets,
        aliases=service.language.lexicon.sector_aliases,
    )


@blueprint.get("/themes")
def themes() -> ResponseReturnValue:
    """Life events for individuals, business stages for legal entities."""
    service = web().search
    code = _division_code()
    found = service.search(SearchRequest(division=code, size=1))
    return render_template("themes.html", division=service.language.places.tree.by_code[code], facets=found.facets)


@blueprint.get("/about")
def about() -> ResponseReturnValue:
    """What this is, and what it is not."""
    with web().database.reading() as connection:
        count = lookups.count_published(connection)
    return render_template("about.html", count=count, divisions=len(web().search.language.lexicon.divisions))
