"""A spoken query as it is said, over a WebSocket: ``/api/v1/voice/stream``, described in docs/api.md.

The connection belongs to flask-sock and simple-websocket, whose thread reads it as fast as the client sends. Here is
what keeps a client from holding more than its share: time, memory, and a way to end every connection that was begun.
No sound and no word of it is kept or logged.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
import traceback
from dataclasses import asdict
from typing import Any, Final

import structlog
from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from search.engines.base import EngineUnavailableError
from voice.audio import AudioError
from voice.listening import Heard, Stream, VoiceBusyError
from voice.model_store import ModelError
from web import voice
from web.context import web
from web.errors import error_json
from web.metrics import count_voice

blueprint = Blueprint("voice_stream", __name__)
_sock = Sock()

MAX_MESSAGE_BYTES: Final = 65_536
_WAITING_BYTES: Final = 1_000_000
"""What may have come and not been heard yet: twice the longest query."""
_STALL_SECONDS: Final = 5.0
_WHOLE_SECONDS: Final = 25.0
_POLL_SECONDS: Final = 0.5
_PROGRESS_SECONDS: Final = 0.09
"""Between two messages of which only the level differs: a little less than a block lasts."""
_SEND_SECONDS: Final = 5
_GOODBYE_SECONDS: Final = 2.0
_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")


class _MessageError(Exception):
    """The client sent what is no message of ours."""


class _Inbox(list[Any]):
    """Messages that wait to be read, up to a limit. simple-websocket's thread ends the connection on an OSError."""

    def append(self, message: Any) -> None:
        if sum(map(len, self)) + len(message) > _WAITING_BYTES:
            raise OSError("the client sends faster than anyone speaks")
        super().append(message)


@blueprint.before_request
def _prepare() -> ResponseReturnValue | None:
    """Refuse while the connection still speaks HTTP, and hold a handle of our own on what carries it."""
    if web().voice is None:
        return error_json("not_found", "本站没有开通语音查询，请打字。", None, 404)
    if not voice.is_from_this_site():
        return error_json("foreign_origin", "语音查询只能在本站的网页上使用。", None, 403)
    # Compressed messages could unfold to a thousand times what was sent; sound hardly shrinks anyway.
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    for name in _SOCKETS:
        if name in request.environ:
            # simple-websocket closes what it is given at a moment of its own; the server must find its own open.
            g.carrier = request.environ[name]
            g.lent = request.environ[name] = g.carrier.dup()
            # Whoever does not read what we send must not hold a thread.
            g.carrier.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_SECONDS, 0))
    return None


@blueprint.teardown_request
def _release(_error: BaseException | None) -> None:
    """Let go of our handle, also where no WebSocket came about."""
    if "lent" in g:
        g.lent.close()


@blueprint.errorhandler(RemoteProtocolError)
def _no_websocket(_error: RemoteProtocolError) -> ResponseReturnValue:
    return error_json("bad_handshake", "这个地址只接受 WebSocket 连接。", None, 400)


@_sock.route("/api/v1/voice/stream", bp=blueprint)  # type: ignore[untyped-decorator]
def stream(connection: Server) -> None:
    """Listen to one person."""
    waiting = connection.input_buffer
    connection.input_buffer = _Inbox()
    connection.input_buffer.extend(waiting)
    outcome = "lost"
    try:
        outcome = _listen(connection)
    except (ConnectionClosed, OSError):
        pass  # the person went away; whatever was held is free again
    except (AudioError, VoiceBusyError, ModelError) as error:
        outcome = error.code
        voice.report(error)
        _refuse(connection, error.code, str(error))
    except EngineUnavailableError:
        outcome = "unavailable"
        _refuse(connection, outcome, "查询暂时不能用，请过一会儿再试。")
    except _MessageError:
        outcome = "bad_message"
        _refuse(connection, outcome, "没有看懂收到的消息，请刷新网页再试。")
    except Exception as error:
        outcome = "internal"
        # The message of the error is left out: it may hold what was said.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename}:{frame.lineno}"
        structlog.get_logger("web").error("unexpected", path=request.path, error=type(error).__name__, where=where)
        _refuse(connection, outcome, "语音查询出了问题，我们已经记下。请再试一次，或者打字。")
    finally:
        count_voice("stream", outcome)
        _say_goodbye(connection)


def _listen(connection: Server) -> str:
    """How it ended: the condition of the sound, or cancelled."""
    listener = voice.service()
    if not listener.is_loaded:
        _send(connection, {"type": "loading"})
    with listener.open() as listening:
        _send(connection, {"type": "ready", "rate": listener.rate, "seconds": listener.seconds})
        heard = _hear(connection, listening)
    # The place is free for the next person before this one reads the answer.
    if heard is None:
        return "cancelled"
    url = voice.results_url(heard, request.args.items())
    view = asdict(voice.heard_view(heard))
    _send(connection, {"type": "heard", **view, "message": heard.advice, "url": url})
    return heard.condition


def _hear(connection: Server, listening: Stream) -> Heard | None:
    """What was said until the person stopped, said so, or fell silent; None where they want no answer."""
    began = last = time.monotonic()
    shown, sent = "", 0.0
    while True:
        now = time.monotonic()
        if now - last > _STALL_SECONDS or now - began > _WHOLE_SECONDS or web().is_stopping():
            return listening.finish()
        message = connection.receive(timeout=_POLL_SECONDS)
        if message is None:
            continue
        if isinstance(message, str):
            return None if _wish(message) == "cancel" else listening.finish()
        last = time.monotonic()
        progress = listening.accept(message)
        if progress.partial != shown or last - sent >= _PROGRESS_SECONDS:
            shown, sent = progress.partial, last
            _send(connection, {"type": "progress", "text": shown, "level": round(progress.level, 3)})
        if progress.is_over:
            return listening.finish()


def _wish(text: str) -> str:
    """stop or cancel, or _MessageError."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise _MessageError from None
    wish = message.get("type") if isinstance(message, dict) else None
    if wish not in ("stop", "cancel"):
        raise _MessageError
    return str(wish)


def _send(connection: Server, message: dict[str, Any]) -> None:
    connection.send(json.dumps(message, ensure_ascii=False))


def _refuse(connection: Server, code: str, message: str) -> None:
    with contextlib.suppress(ConnectionClosed, OSError, LocalProtocolError):
        _send(connection, {"type": "error", "code": code, "message": message})


def _say_goodbye(connection: Server) -> None:
    """Close, and wait a moment until the client has read all and closes, too: hung up on, it might lose the answer.

    Then hang up, which ends the thread that reads: the client's machine may be gone without a word."""
    with contextlib.suppress(ConnectionClosed, OSError, LocalProtocolError):
        connection.close()
    connection.thread.join(_GOODBYE_SECONDS)
    with contextlib.suppress(OSError):
        g.carrier.shutdown(socket.SHUT_RDWR)
