"""``banshi index``: rebuild, sync, status, check."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict

import click
import structlog

from banshi.cli.output import json_option, print_json, print_text, progress_bar, refusals
from banshi.composition import Application
from banshi.logs import configure_logging
from guides import outbox
from indexer import follower, gate
from indexer.rebuild import rebuild as rebuild_index


@click.group()
def group() -> None:
    """Build the index, keep it up to date, and check it against the database."""


@group.command()
@click.option("--processes", type=click.IntRange(1, 64), help="Processes that analyse; one a core by default.")
@json_option
@click.pass_obj
def rebuild(application: Application, processes: int | None, as_json: bool) -> None:
    """Build a new index beside the old one, check it, and put it in the old one's place."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with progress_bar("重建索引") as bar:
            task = bar.add_task("", total=None)
            report = rebuild_index(
                application.database,
                application.index_folder,
                processes=processes or application.settings.index_processes or None,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    if as_json:
        print_json(asdict(report))
    else:
        print_text(
            f"索引 {report.name} 已启用：{report.guides} 份指南，{report.items} 个事项，"
            f"{report.seconds:.1f} 秒（每秒 {report.guides_per_second:.0f} 份）"
        )


@group.command()
@click.option("--follow", is_flag=True, help="Go on until stopped.")
@json_option
@click.pass_obj
def sync(application: Application, follow: bool, as_json: bool) -> None:
    """Apply the changes that the index has not seen yet."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        if follow:
            _follow(application)
            return
        report = follower.sync(application.database, application.index_folder)
    if as_json:
        print_json(asdict(report))
    else:
        print_text(f"已同步 {report.after - report.before} 条变更，用时 {report.seconds:.2f} 秒")


def _follow(application: Application) -> None:
    configure_logging(application.settings.log_format)
    log = structlog.get_logger("follower")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    log.info("following")
    follower.follow(
        application.database,
        application.index_folder,
        stop,
        on_sync=lambda report: log.info(
            "synced", changes=report.after - report.before, seconds=round(report.seconds, 3)
        ),
        on_error=lambda error: log.error("sync failed, trying again", error=str(error)),
    )
    log.info("stopped")


@group.command()
@json_option
@click.pass_obj
def status(application: Application, as_json: bool) -> None:
    """Which index serves, how large it is, and how many changes it has yet to see."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        engine = application.engine.status()
        with application.database.reading() as connection:
            newest = outbox.last_id(connection)
    lag = newest - engine.position
    if as_json:
        print_json({**asdict(engine), "newest_change": newest, "lag": lag})
    elif engine.ready:
        print_text(f"{engine.name}：{engine.index}，{engine.documents} 份指南，落后 {lag} 条变更")
    else:
        print_text(engine.message)
    if not engine.ready:
        raise SystemExit(1)


@group.command()
@json_option
@click.pass_obj
def check(application: Application, as_json: bool) -> None:
    """Compare every document with the database. Changes nothing; exit with 1 where they differ."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        report = gate.check(application.database, application.engine.reader())
    if as_json:
        print_json({"passed": report.passed, **asdict(report)})
    else:
        print_text(report.summary())
        if report.behind:
            print_text(f"另有 {report.behind} 条变更待同步")
    if not report.passed:
        raise SystemExit(1)
