"""A spoken query as a recording: by the API, and by a form for whoever has no JavaScript or no WebSocket.

No sound and no word of it is kept or logged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, abort, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from search.request import Hypothesis
from search.results import SearchResponse
from web import recording
from web.context import web
from web.errors import error_json, is_api
from web.listening import AudioError, Heard, ListeningError, VoiceBusyError, VoiceService
from web.metrics import count_search, count_voice
from web.params import SEARCH_PARAMETERS, heard_parameter, refuse_unknown, search_request
from web.presenting import search_url

blueprint = Blueprint("voice", __name__)

MAX_BYTES: Final = 8_000_000
"""A recording of a minute in any form that browsers make, and the limit of nginx in deploy/."""
FILTERS: Final = tuple(name for name in SEARCH_PARAMETERS if name not in ("q", "heard", "literal"))
BUSY_SECONDS: Final = 5
_RAW_TYPES: Final = ("audio/", "video/webm", "video/mp4", "application/ogg", "application/octet-stream")
_STATUS: Final = {"audio_too_large": 413, "audio_unreadable": 415}
_TOO_LARGE: Final = AudioError(
    "audio_too_large", f"录音太大了，最多 {MAX_BYTES // 1_000_000} MB。请只说要办的事，几秒钟就够。"
)
_NOTHING: Final = {
    "speech": "没有听懂。请离话筒近一点，慢慢地再说一遍，例如“身份证丢了”；也可以打字。",
    "silence": "没有听到声音。请看看话筒是不是关着，再说一遍；也可以打字。",
    "quiet": "声音太小，没有听清。请离话筒近一点，再说一遍；也可以打字。",
    "noise": "周围太吵，没有听清。请换个安静的地方，或者离话筒近一点，再说一遍；也可以打字。",
}
_CLIPPED: Final = "声音太大，没有听清。请离话筒远一点，再说一遍；也可以打字。"


@dataclass(frozen=True, slots=True)
class HeardView:
    """What was heard. ``text`` is the best reading, null where nothing was understood; ``alternatives`` are all of
    them with their weights, best first."""

    text: str | None
    alternatives: list[Hypothesis]
    condition: str
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
        text=heard.hypotheses[0].text if heard.hypotheses else None,
        alternatives=list(heard.hypotheses),
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
    values["q"] = heard.hypotheses[0].text
    return search_url(values)


def trouble(heard: Heard) -> str | None:
    """What to tell the person where nothing was understood."""
    if heard.hypotheses:
        return None
    return _CLIPPED if heard.clipped else _NOTHING[heard.condition]


@blueprint.before_request
def _allow_recordings() -> None:
    request.max_content_length = MAX_BYTES


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    return _refuse(_TOO_LARGE, request.args)


@blueprint.errorhandler(ListeningError)
def _refused(error: ListeningError) -> ResponseReturnValue:
    return _refuse(error, request.values)


def _refuse(error: ListeningError, values: Mapping[str, str]) -> ResponseReturnValue:
    count_voice("upload", error.code)
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
        found = count_search(web().search.search(replace(asked, text=heard.hypotheses[0].text, heard=heard.hypotheses)))
        recording.record_search(found, "api")
    url = results_url(heard, request.values.items())
    return jsonify(VoiceAnswer(heard_view(heard), found, trouble(heard), url))


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
        return _form(request.form, trouble(heard), 422)
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
        raise AudioError("audio_missing", "没有收到录音。请选择一个录音文件，或者用表单字段 audio 发送。")
    return data
