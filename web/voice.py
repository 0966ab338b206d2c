"""A spoken query as a recording: by the API, and by a form for whoever has no JavaScript or no WebSocket.

No sound and no word of it is kept or logged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, abort, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from search.request import Hypothesis
from search.results import SearchResponse
from voice.audio import MAX_BYTES, AudioError
from voice.listening import Heard, VoiceBusyError, VoiceService
from voice.model_store import ModelError
from voice.sound import Condition
from web import recording
from web.context import web
from web.errors import error_json, is_api
from web.metrics import count_search, count_voice
from web.params import SEARCH_PARAMETERS, heard_parameter, refuse_unknown, search_request
from web.presenting import search_url

blueprint = Blueprint("voice", __name__)

Refusal = AudioError | VoiceBusyError | ModelError
FILTERS: Final = tuple(name for name in SEARCH_PARAMETERS if name not in ("q", "heard", "literal"))
BUSY_SECONDS: Final = 5
_RAW_TYPES: Final = ("audio/", "video/webm", "video/mp4", "application/ogg", "application/octet-stream")
_STATUS: Final = {"audio_too_large": 413, "audio_unreadable": 415, "no_audio_track": 415}
_FORM_BYTES: Final = 64_000
"""What a form may hold beside the recording."""
_TOO_LARGE: Final = AudioError(
    "audio_too_large", f"录音太大了，最多 {MAX_BYTES // 1_000_000} MB。请只说要办的事，几秒钟就够。"
)


@dataclass(frozen=True, slots=True)
class HeardView:
    """What was heard. ``text`` is the likeliest reading, empty where nothing was understood; ``alternatives`` are the
    others with their weights beside it, the likeliest first."""

    text: str
    alternatives: list[Hypothesis]
    condition: Condition
    clipped: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class VoiceAnswer:
    """Answer to a recording: what was heard, its results, or a sentence that says why there are none."""

    heard: HeardView
    search: SearchResponse | None
    message: str | None
    url: str | None
    """The page with these results."""


def service() -> VoiceService:
    """Whoever listens; 404 where voice is switched off."""
    found = web().voice
    if found is None:
        abort(404)
    return found


def report(error: Refusal) -> None:
    """Tell the operator that nobody can speak, where no person can change that by speaking again."""
    if isinstance(error, ModelError):
        structlog.get_logger("web").error("voice unavailable", code=error.code, error=str(error))


def is_from_this_site() -> bool:
    """Whether no other site's page sends this: browsers say where a page is from, other programs say nothing."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host or origin == _origin_of(web().public_url)


def _origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def heard_view(heard: Heard) -> HeardView:
    """What was heard, as the API tells it."""
    return HeardView(
        text=heard.text,
        alternatives=list(heard.hypotheses[1:]),
        condition=heard.condition,
        clipped=heard.clipped,
        seconds=heard.seconds,
    )


def results_url(heard: Heard, filters: Iterable[tuple[str, str]]) -> str | None:
    """The results page for what was heard, under the filters of the form; None where nothing was understood."""
    if not heard.hypotheses:
        return None
    values = MultiDict([(name, value) for name, value in filters if name in FILTERS and name != "page"])
    values.setlist("heard", [heard_parameter(hypothesis) for hypothesis in heard.hypotheses])
    values["q"] = heard.text
    return search_url(values)


@blueprint.before_request
def _allow_recordings() -> None:
    request.max_content_length = MAX_BYTES + _FORM_BYTES


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    return _refuse(_TOO_LARGE, request.args)


@blueprint.errorhandler(AudioError)
@blueprint.errorhandler(VoiceBusyError)
@blueprint.errorhandler(ModelError)
def _refused(error: Refusal) -> ResponseReturnValue:
    return _refuse(error, request.values)


def _refuse(error: Refusal, values: Mapping[str, str]) -> ResponseReturnValue:
    count_voice("upload", error.code)
    report(error)
    is_audio = isinstance(error, AudioError)
    status = _STATUS.get(error.code, 422) if is_audio else 503
    if is_api():
        answer = make_response(error_json(error.code, str(error), "audio" if is_audio else None, status))
    else:
        answer = make_response(_form(values, str(error), status))
    if isinstance(error, VoiceBusyError):
        answer.headers["Retry-After"] = str(BUSY_SECONDS)
    return answer


@blueprint.post("/api/v1/voice")
def voice() -> ResponseReturnValue:
    """Search by a recording."""
    listener = service()
    refuse_unknown(request.args, FILTERS)
    refuse_unknown(request.form, FILTERS)
    asked = search_request(request.values)
    heard = _listen(listener)
    found = None
    if heard.hypotheses:
        found = count_search(web().search.search(replace(asked, text=heard.text, heard=heard.hypotheses)))
        recording.record_search(found, "api")
    url = results_url(heard, request.values.items())
    return jsonify(VoiceAnswer(heard_view(heard), found, heard.advice, url))


@blueprint.get("/voice")
def form() -> ResponseReturnValue:
    """A recording made elsewhere, for a browser that cannot record here."""
    service()
    return _form(request.args)


@blueprint.post("/voice")
def upload() -> ResponseReturnValue:
    """From the recording to its results."""
    listener = service()
    if not is_from_this_site():
        return _form(request.args, "这段录音不是从本站的网页发来的，没有使用。请在这里重新选择录音。", 403)
    heard = _listen(listener)
    url = results_url(heard, request.form.items())
    if url is None:
        return _form(request.form, heard.advice, 422)
    return redirect(url, 303)


def _form(values: Mapping[str, str], message: str | None = None, status: int = 200) -> ResponseReturnValue:
    filters = {name: values[name] for name in FILTERS if name in values and name != "page"}
    return render_template("voice.html", filters=filters, message=message, max_bytes=MAX_BYTES), status


def _listen(listener: VoiceService) -> Heard:
    heard = listener.hear(_recording())
    count_voice("upload", heard.condition)
    return heard


def _recording() -> bytes:
    """The recording that was sent: a file of a form, or the whole body."""
    given = request.files.get("audio")
    data: bytes
    if given is not None:
        data = given.read()
    elif request.mimetype.startswith(_RAW_TYPES):
        data = request.get_data(cache=False)
    else:
        data = b""
    if not data:
        raise AudioError("audio_empty", "没有收到录音。请选择一个录音文件，或者用表单字段 audio 发送。")
    return data
