"""Structured logs on standard error, as text for people or JSON for machines. No query text is ever logged."""

from __future__ import annotations

import sys

import structlog


def configure_logging(log_format: str) -> None:
    """Set the process's log format: ``text`` or ``json``."""
    renderer = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
