"""How commands speak: JSON to standard output, everything else to standard error, errors as one sentence."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import click
import sqlalchemy.exc
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from guides.database import DatabaseNotReadyError
from guides.exchange import ImportRefusedError
from guides.use import ProposalMissingError
from guides.words import WordsRefusedError
from indexer.elasticsearch.connection import ElasticsearchUnavailableError
from indexer.follower import TooFarBehindError
from indexer.gate import GateError
from indexer.life import BusyError, IndexMissingError, IndexWriteError
from search.engines.base import EngineUnavailableError
from search.evaluation import InvalidJudgementsError
from search.request import InvalidRequestError
from voice.audio import AudioError
from voice.evaluation import InvalidManifestError
from voice.listening import VoiceBusyError
from voice.model_store import ModelError

ENGINES = ("embedded", "elasticsearch")
errors = Console(stderr=True, highlight=False, soft_wrap=True)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")

_REFUSALS = (
    DatabaseNotReadyError,
    ImportRefusedError,
    WordsRefusedError,
    ProposalMissingError,
    BusyError,
    IndexMissingError,
    IndexWriteError,
    TooFarBehindError,
    GateError,
    ElasticsearchUnavailableError,
    EngineUnavailableError,
    InvalidJudgementsError,
    InvalidRequestError,
    AudioError,
    ModelError,
    VoiceBusyError,
    InvalidManifestError,
)


class RefusedError(Exception):
    """A command can't do what was asked; the message says why and what to do."""


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def print_text(text: str) -> None:
    """A line for people on standard output."""
    click.echo(text)


@contextlib.contextmanager
def refusals(*, as_json: bool = False) -> Iterator[None]:
    """Turn known errors into a sentence and exit status 1."""
    try:
        yield
    except (*_REFUSALS, RefusedError) as error:
        code = getattr(error, "code", type(error).__name__.removesuffix("Error"))
        _refuse(as_json, str(code), str(error), getattr(error, "field", None))
    except (OSError, sqlalchemy.exc.DatabaseError) as error:
        reason = str(getattr(error, "orig", error))
        _refuse(as_json, "system", f"系统出错，没有完成：{reason}。请检查磁盘空间、权限和数据库，然后重试。", None)


def _refuse(as_json: bool, code: str, message: str, field: str | None) -> None:
    if as_json:
        print_json({"error": {"code": code, "message": message, "field": field}})
    errors.print(message, style="red", markup=False)
    sys.exit(1)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A progress bar on standard error; silent where that is no terminal."""
    with Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
    ) as progress:
        yield progress
