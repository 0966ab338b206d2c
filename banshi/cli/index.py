"""``banshi index``: rebuild, sync, status, check, rollback."""

from __future__ import annotations

import datetime
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import rich.progress
import sqlalchemy.exc
import structlog

from banshi.cli.output import ENGINES, json_option, print_json, print_text, progress_bar, refusals
from banshi.composition import Application
from guides import outbox, use
from indexer import follower, gate, life
from indexer.life import Indexes
from indexer.rebuild import RebuildReport
from indexer.rebuild import rebuild as rebuild_index

_PURGE_EVERY_SECONDS = 600
"""Searches are old after months, but the tokens that join them with what was opened after an hour."""
_engine_option = click.option(
    "--engine", type=click.Choice(ENGINES), help="Only this engine's index; by default those of all engines in use."
)


@click.group()
def group() -> None:
    """Build the indexes, keep them up to date, and check them against the database."""


def _chosen(application: Application, engine: str | None) -> list[Indexes]:
    return application.indexes if engine is None else [application.indexes_of(engine)]


def _print_many(values: list[Any], *, as_json: bool, text: Callable[[Any], str]) -> None:
    """JSON: the first engine's values, as ever, and all of them under ``engines``."""
    if as_json:
        print_json({**values[0], "engines": values})
    else:
        for value in values:
            print_text(text(value))


@group.command()
@click.option("--processes", type=click.IntRange(1, 64), help="Processes that analyse; one a core by default.")
@_engine_option
@json_option
@click.pass_obj
def rebuild(application: Application, processes: int | None, engine: str | None, as_json: bool) -> None:
    """Build a new index beside the old one, check it, and put it in the old one's place."""
    reports: list[RebuildReport] = []
    with refusals(as_json=as_json):
        application.database.require_ready()
        for indexes in _chosen(application, engine):
            with progress_bar(f"重建索引 {indexes.engine}") as bar:
                reports.append(
                    rebuild_index(
                        application.database,
                        indexes,
                        processes=processes or application.settings.index_processes or None,
                        progress=_shown_on(bar),
                    )
                )
    _print_many([asdict(report) for report in reports], as_json=as_json, text=_rebuilt_text)


def _shown_on(bar: rich.progress.Progress) -> Callable[[int, int], None]:
    task = bar.add_task("", total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)


def _rebuilt_text(report: dict[str, Any]) -> str:
    text = (
        f"索引 {report['name']}（{report['engine']}）已启用：{report['guides']} 份指南，{report['items']} 个事项，"
        f"{report['seconds']:.1f} 秒（每秒 {report['guides_per_second']:.0f} 份）"
    )
    refused = report["rejected"]
    return text + "".join(f"\n  引擎拒收 {each['code']}：{each['reason']}" for each in refused)


@group.command()
@click.option("--follow", is_flag=True, help="Go on until stopped.")
@_engine_option
@json_option
@click.pass_obj
def sync(application: Application, follow: bool, engine: str | None, as_json: bool) -> None:
    """Apply the changes that the index has not seen yet."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        if follow:
            _follow(application, _chosen(application, engine))
            return
        reports = [follower.sync(application.database, indexes) for indexes in _chosen(application, engine)]
    _print_many(
        [asdict(report) for report in reports],
        as_json=as_json,
        text=lambda r: f"{r['engine']}：已同步 {r['after'] - r['before']} 条变更，用时 {r['seconds']:.2f} 秒",
    )


def _follow(application: Application, followed: list[Indexes]) -> None:
    """One thread an engine: one that is out of reach does not hold up the other."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    threads = [
        threading.Thread(target=_follow_one, args=(application, indexes, stop), name=f"follow-{indexes.engine}")
        for indexes in followed
    ]
    threads.append(threading.Thread(target=_purge, args=(application, stop), name="purge"))
    for thread in threads:
        thread.start()
    for thread in threads:
        # A join without a limit would keep the signal from being handled.
        while thread.is_alive():
            thread.join(0.5)


def _purge(application: Application, stop: threading.Event) -> None:
    """Forget notes of use in time, also old ones after they were switched off. What fails is tried again."""
    log = structlog.get_logger("purge")
    while not stop.is_set():
        try:
            with application.database.writing() as connection:
                now = datetime.datetime.now(datetime.UTC)
                purged = use.purge(connection, now, application.settings.use_log_days)
            if purged.searches:
                log.info("old notes of use deleted", searches=purged.searches)
        except sqlalchemy.exc.SQLAlchemyError as error:
            log.error("purge failed, trying again", error=type(error).__name__)
        stop.wait(_PURGE_EVERY_SECONDS)


def _follow_one(application: Application, indexes: Indexes, stop: threading.Event) -> None:
    log = structlog.get_logger("follower").bind(engine=indexes.engine)
    log.info("following")
    follower.follow(
        application.database,
        indexes,
        stop,
        on_sync=lambda report: log.info(
            "synced", changes=report.after - report.before, seconds=round(report.seconds, 3)
        ),
        on_error=lambda error: log.error("sync failed, trying again", error=str(error)),
    )
    log.info("stopped")


@group.command()
@_engine_option
@json_option
@click.pass_obj
def status(application: Application, engine: str | None, as_json: bool) -> None:
    """Which index serves, how large it is, and how many changes it has yet to see."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        found = []
        with application.database.reading() as connection:
            newest = outbox.last_id(connection)
        for name in [engine] if engine else application.engine_names:
            lag = application.lag(application.engine_of(name).status())
            rejected, previous = [], None
            if lag.status.ready:
                indexes = application.indexes_of(name)
                rejected = [asdict(each) for each in indexes.reader(lag.status.index).state().rejected]
                previous = indexes.previous()
            found.append(
                {
                    **asdict(lag.status),
                    "newest_change": newest,
                    "lag": lag.changes,
                    "lag_seconds": round(lag.seconds, 1),
                    "previous": previous,
                    "rejected": rejected,
                }
            )
    _print_many(found, as_json=as_json, text=_status_text)
    if not all(each["ready"] for each in found):
        raise SystemExit(1)


def _status_text(status: dict[str, Any]) -> str:
    if not status["ready"]:
        return f"{status['name']}：{status['message']}"
    text = f"{status['name']}：{status['index']}，{status['documents']} 份指南，落后 {status['lag']} 条变更"
    if status["rejected"]:
        text += f"，拒收 {len(status['rejected'])} 份（banshi index check 列出）"
    return text + (f"。{status['message']}" if status["message"] else "")


@group.command()
@_engine_option
@json_option
@click.pass_obj
def check(application: Application, engine: str | None, as_json: bool) -> None:
    """Compare every document with the database. Changes nothing; exit with 1 where they differ."""
    found = []
    with refusals(as_json=as_json):
        application.database.require_ready()
        for indexes in _chosen(application, engine):
            report = gate.check(application.database, indexes.reader(indexes.current()))
            found.append(
                {"engine": indexes.engine, "passed": report.passed, "summary": report.summary(), **asdict(report)}
            )
    _print_many(found, as_json=as_json, text=_check_text)
    if not all(each["passed"] for each in found):
        raise SystemExit(1)


def _check_text(report: dict[str, Any]) -> str:
    text = f"{report['engine']}：{report['summary']}"
    text += "".join(f"\n  引擎拒收 {each['code']}：{each['reason']}" for each in report["rejected"])
    return text + (f"\n  另有 {report['behind']} 条变更待同步" if report["behind"] else "")


@group.command()
@_engine_option
@json_option
@click.pass_obj
def rollback(application: Application, engine: str | None, as_json: bool) -> None:
    """Let the index before the last rebuild serve again, and bring it up to date. Called twice, it is undone."""
    found = []
    with refusals(as_json=as_json):
        application.database.require_ready()
        for indexes in _chosen(application, engine):
            before, after = life.roll_back(indexes)
            report = follower.sync(application.database, indexes)
            found.append(
                {
                    "engine": indexes.engine,
                    "before": before,
                    "name": after,
                    "changes": report.after - report.before,
                }
            )
    _print_many(
        found,
        as_json=as_json,
        text=lambda r: f"{r['engine']}：已退回索引 {r['name']}，补上 {r['changes']} 条变更；{r['before']} 仍保留",
    )
