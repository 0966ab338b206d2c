"""Errors as answers: what went wrong, what was kept, what to do next. Pages in Chinese, the API in its own form."""

from __future__ import annotations

from typing import Any

import sqlalchemy.exc
import structlog
from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from search.engines.base import EngineUnavailableError
from search.request import InvalidRequestError, printable

_MESSAGES: dict[int, tuple[str, str]] = {
    400: ("这个地址不完整", "请从首页重新查找。"),
    404: ("没有这个页面", "地址可能输错了，或者页面已经搬走。请从首页重新查找。"),
    405: ("这个页面不接受这样的请求", "请从首页重新查找。"),
    410: ("这份办事指南已经下线", "这项服务可能已经取消或者改由别处办理。请搜索事项名称，查看现在怎么办。"),
    413: ("提交的内容太大了", "请减少内容后再试。"),
    414: ("输入的内容太长了", "请只写要办的事，例如“身份证丢了”。"),
    500: ("服务出了问题", "不是您的操作有误，我们已经记下这个问题。请过几分钟再试，或者到政务服务窗口咨询。"),
    503: ("搜索暂时不可用", "正在恢复，请过几分钟再试，或者到政务服务窗口咨询。"),
}
_API_CODES = {404: "not_found", 405: "method_not_allowed", 410: "withdrawn", 413: "too_large", 503: "unavailable"}


def is_api() -> bool:
    """Whether the client asked the API or a machine's page."""
    return request.path.startswith("/api/")


def error_json(code: str, message: str, field: str | None, status: int) -> ResponseReturnValue:
    """The API's form of an error."""
    return jsonify({"error": {"code": code, "message": message, "field": field}}), status


def error_page(status: int, title: str, message: str, **more: Any) -> ResponseReturnValue:
    """An error as a page with a way on."""
    return render_template("error.html", title=title, message=message, status=status, **more), status


def register(app: Flask) -> None:
    """Answer every kind of error."""
    log = structlog.get_logger("web")

    @app.errorhandler(InvalidRequestError)
    def invalid(error: InvalidRequestError) -> ResponseReturnValue:
        if is_api():
            return error_json(error.code, error.message, error.field, error.status)
        title = "没有这一页" if error.status == 404 else "这样查不了"
        return error_page(error.status, title, error.message, query=printable(request.args.get("q", "")))

    @app.errorhandler(EngineUnavailableError)
    @app.errorhandler(sqlalchemy.exc.OperationalError)
    def unavailable(error: Exception) -> ResponseReturnValue:
        log.error("unavailable", error=str(error), path=request.path)
        title, message = _MESSAGES[503]
        if is_api():
            return error_json("unavailable", f"{title}。{message}", None, 503)
        return error_page(503, title, message, query=printable(request.args.get("q", "")))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if error.response is not None:
            return error.response
        title, message = _MESSAGES.get(status, _MESSAGES[500 if status >= 500 else 400])
        if is_api():
            return error_json(_API_CODES.get(status, "error"), f"{title}。{message}", None, status)
        return error_page(status, title, message)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        # The query is left out on purpose: what people look for is nobody's business.
        log.error("unexpected", path=request.path, exc_info=error)
        title, message = _MESSAGES[500]
        if is_api():
            return error_json("internal", f"{title}。{message}", None, 500)
        return error_page(500, title, message)
