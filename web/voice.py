"""Speaking instead of typing: a stream over WebSocket while somebody speaks, or a whole recording by POST.

No sound is kept, and neither sound nor words are logged. A stream holds one of the worker's threads, so there is a
limit on how many there are, how long one lasts, and how long it waits for a client that sends nothing.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, abort, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from search.engines.base import EngineUnavailableError
from search.request import SearchRequest
from voice.audio import MAX_BYTES, AudioError
from voice.listening import Heard, Stream, VoiceBusyError, VoiceService
from voice.model_store import ModelError
from web.context import web
from web.metrics import count_search, count_voice
from web.params import SEARCH_PARAMETERS, heard_parameter, refuse_unknown, search_request
from web.presenting import search_url

blueprint = Blueprint("voice", __name__)
_sock = Sock()

SOCKET_OPTIONS: Final = {"max_message_size": 64_000, "ping_interval": 10}
_STALLED_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 25.0
"""From the first block to the answer: the query's fifteen seconds, and time for a slow connection."""
_GOODBYE_SECONDS: Final = 2.0
_MOST_WAITING: Final = 400
"""Messages that may wait to be heard. Who sends faster than people speak is no person."""
_FORM_BYTES: Final = 64_000
_ALTERNATIVES_SHOWN: Final = 4
_FIELDS: Final = tuple(name for name in SEARCH_PARAMETERS if name not in ("q", "page", "size", "heard", "literal"))
_STATUS: Final = {
    "audio_too_large": 413,
    "audio_unreadable": 415,
    "no_audio_track": 415,
    "audio_empty": 422,
    "audio_too_hard": 422,
}


def service() -> VoiceService:
    """The voice service, or 404 where voice is switched off."""
    voice = web().voice
    if voice is None:
        abort(404)
    return voice


def status_of(error: AudioError | VoiceBusyError | ModelError) -> int:
    """The HTTP status that says what kind of trouble it is."""
    return _STATUS.get(error.code, 503)


def results_url(heard: Heard, values: Mapping[str, str]) -> str:
    """The results page of what was heard, with the filters of the form that it was spoken into."""
    filters = {name: values[name] for name in _FIELDS if values.get(name)}
    return search_url(filters, q=heard.text, heard=heard_parameter(heard.hypotheses))


@_sock.route("/api/v1/voice/stream", bp=blueprint)  # type: ignore[untyped-decorator]
def stream(socket: Server) -> None:
    """One query spoken live; docs/api.md has the messages."""
    _converse(socket)
    _await_goodbye(socket)


def _converse(socket: Server) -> None:
    if not _is_same_site():
        _send(socket, "error", code="wrong_origin", message="这个页面不能使用语音。请在办事网站上说。")
        return
    voice = service()
    try:
        if not voice.is_loaded:
            _send(socket, "loading")
        with voice.open() as hearing:
            _send(socket, "ready", rate=voice.rate, seconds=voice.seconds)
            if not _listen(socket, hearing):
                count_voice("cancelled")
                return
            heard = hearing.finish()
    except (VoiceBusyError, ModelError, EngineUnavailableError) as error:
        code = getattr(error, "code", "unavailable")
        count_voice(code)
        message = "语音暂时不能用，请直接打字。" if isinstance(error, EngineUnavailableError) else str(error)
        if not isinstance(error, VoiceBusyError):
            structlog.get_logger("voice").error("voice unavailable", code=code, error=str(error))
        _send(socket, "error", code=code, message=message)
        return
    count_voice("heard" if heard.hypotheses else heard.condition)
    _send(
        socket,
        "heard",
        **_view(heard),
        message=heard.advice,
        url=results_url(heard, request.args) if heard.hypotheses else None,
    )


def _await_goodbye(socket: Server) -> None:
    """The client closes once it has read the answer; closing first could cut it off."""
    deadline = time.monotonic() + _GOODBYE_SECONDS
    with contextlib.suppress(ConnectionClosed, OSError):
        while time.monotonic() < deadline:
            socket.receive(timeout=_GOODBYE_SECONDS)


def _listen(socket: Server, hearing: Stream) -> bool:
    """Hear blocks until the person has finished; False where they took it back or went away."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    shown = ""
    try:
        while time.monotonic() < deadline:
            message = socket.receive(timeout=_STALLED_SECONDS)
            if message is None:
                # Nothing comes any more: what was said until then is what there is.
                return True
            if len(socket.input_buffer) > _MOST_WAITING:
                socket.close(1008, "too fast")
                return False
            if isinstance(message, str):
                kind = _kind(message)
                if kind == "stop":
                    return True
                if kind == "cancel":
                    return False
                continue
            progress = hearing.accept(message)
            if progress.partial != shown or not socket.input_buffer:
                shown = progress.partial
                _send(socket, "progress", text=shown, level=round(progress.level, 3))
            if progress.is_over:
                return True
    except (ConnectionClosed, OSError):
        return False
    return True


def _kind(message: str) -> str | None:
    """The type of a control message; what is none is passed over."""
    with contextlib.suppress(ValueError):
        value = json.loads(message)
        if isinstance(value, dict) and isinstance(value.get("type"), str):
            return str(value["type"])
    return None


def _send(socket: Server, kind: str, **values: Any) -> None:
    """A message, if there is still somebody to read it."""
    with contextlib.suppress(ConnectionClosed, OSError):
        socket.send(json.dumps({"type": kind, **values}, ensure_ascii=False))


def _view(heard: Heard) -> dict[str, Any]:
    return {
        "text": heard.text,
        "alternatives": [
            {"text": hypothesis.text, "weight": round(hypothesis.weight, 4)} for hypothesis in heard.hypotheses[1:]
        ],
        "condition": heard.condition,
        "clipped": heard.clipped,
        "seconds": round(heard.seconds, 2),
    }


def _is_same_site() -> bool:
    """Whether a page of ours asks, or no page at all: another site must not listen through a visitor's browser."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


@blueprint.post("/api/v1/voice")
def recording_to_search() -> ResponseReturnValue:
    """A recording, and the answer to what it says."""
    _check_size()
    values = _values()
    refuse_unknown(values, SEARCH_PARAMETERS)
    heard = _hear_upload()
    found = None
    if heard.hypotheses:
        asked = search_request({**values, "q": heard.text, "heard": heard_parameter(heard.hypotheses)})
        response = count_search(web().search.search(asked))
        found = response.to_json()
    url = results_url(heard, values) if heard.hypotheses else None
    return jsonify({"heard": _view(heard), "search": found, "message": heard.advice, "url": url})


@blueprint.get("/voice")
def voice_page() -> ResponseReturnValue:
    """Sending a recording, for browsers that cannot listen themselves."""
    service()
    return render_template("voice.html", message=None)


@blueprint.post("/voice")
def recording_to_page() -> ResponseReturnValue:
    """A recording from the form, and on to the results."""
    if not _is_same_site():
        abort(403)
    try:
        _check_size()
        heard = _hear_upload()
    except (AudioError, VoiceBusyError, ModelError) as error:
        return render_template("voice.html", message=str(error)), status_of(error)
    if heard.advice is not None:
        return render_template("voice.html", message=heard.advice), 422
    return redirect(results_url(heard, _values()), 303)


@blueprint.before_request
def _make_room() -> None:
    """A recording may be larger than what other pages take."""
    request.max_content_length = MAX_BYTES + _FORM_BYTES


def _check_size() -> None:
    """Refuse what is too large before any of it is read."""
    if (request.content_length or 0) > MAX_BYTES + _FORM_BYTES:
        raise AudioError("audio_too_large", f"录音太大，最多 {MAX_BYTES // 1_000_000} MB。请只说要办的事，15 秒以内。")


def _hear_upload() -> Heard:
    voice = service()
    upload = request.files.get("audio")
    heard = voice.hear(upload.read() if upload is not None else request.get_data())
    count_voice("heard" if heard.hypotheses else heard.condition)
    return heard


def _values() -> dict[str, str]:
    """Parameters of the address and of the form, blank ones left out."""
    return {name: value for name, value in {**request.args, **request.form}.items() if value.strip()}


def other_readings(asked: SearchRequest, chosen: str) -> list[str]:
    """The other readings of a spoken query, to be offered beside the one that was answered."""
    return list(dict.fromkeys(each.text for each in asked.heard if each.text != chosen))[:_ALTERNATIVES_SHOWN]
