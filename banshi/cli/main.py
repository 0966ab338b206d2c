"""The command group, and the commands that belong to no group: init, serve, search, suggest."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from banshi.cli import guides, index, use, voice, words
from banshi.cli.evaluate import evaluate
from banshi.cli.output import ENGINES, RefusedError, errors, json_option, print_json, print_text, progress_bar, refusals
from banshi.composition import Application
from banshi.logs import configure_logging
from banshi.settings import Settings
from guides import exchange, standard, store
from guides.sample.catalogue import SampleCatalogue
from search.request import SearchRequest
from search.results import SearchResponse, SearchResult


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """Find and keep the service guides of a city. Settings are environment variables BANSHI_*."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise click.UsageError(f"设置有误：{'；'.join(map(_problem, error.errors()))}") from None
    configure_logging(settings.log_format)
    context.obj = Application(settings)


def _problem(error: ErrorDetails) -> str:
    """What is wrong with one setting; or with several together, which then names them itself."""
    if error["loc"]:
        return f"BANSHI_{str(error['loc'][0]).upper()}：{error['msg']}"
    return str(error.get("ctx", {}).get("error", error["msg"]))


cli.add_command(guides.group, "guides")
cli.add_command(index.group, "index")
cli.add_command(words.group, "words")
cli.add_command(use.group, "use")
cli.add_command(voice.group, "voice")
cli.add_command(evaluate)


@cli.command()
@click.option("--sample/--no-sample", default=True, help="Load the sample catalogue into an empty database.")
@json_option
@click.pass_obj
def init(application: Application, sample: bool, as_json: bool) -> None:
    """Create or migrate the database; fill an empty one with the sample catalogue."""
    with refusals(as_json=as_json):
        database = application.database
        database.upgrade()
        with database.writing() as connection:
            standard.seed(connection)
        with database.reading() as connection:
            present = len(store.guide_codes(connection))
        loaded = 0
        if sample and not present:
            catalogue = SampleCatalogue()
            with progress_bar("示例目录") as bar:
                task = bar.add_task("", total=None)
                report = exchange.import_records(
                    database, catalogue.records(), note="示例目录", progress=lambda n: bar.advance(task, n)
                )
            loaded = report.guides.added
    if as_json:
        print_json({"guides": present + loaded, "loaded": loaded})
    else:
        print_text(f"数据库就绪：{present + loaded} 份办事指南" + (f"（新装入示例 {loaded} 份）" if loaded else ""))


@cli.command()
@click.argument("query", default="")
@click.option("--division", help="Code or name of the person's division.")
@click.option("--department", help="Name or everyday name of a department.")
@click.option("--applicant", type=click.Choice(["individual", "legal"]))
@click.option("--theme", help="individual/CODE or legal/CODE.")
@click.option("--sort", type=click.Choice(["relevance", "visits", "limit"]), default="relevance", show_default=True)
@click.option("--page", type=int, default=1, show_default=True)
@click.option("--size", type=int, default=10, show_default=True, help="Results a page, at most 50.")
@click.option("--engine", type=click.Choice(ENGINES), help="One engine alone; by default that of the settings.")
@json_option
@click.pass_obj
def search(
    application: Application,
    query: str,
    division: str | None,
    department: str | None,
    applicant: str | None,
    theme: str | None,
    sort: str,
    page: int,
    size: int,
    engine: str | None,
    as_json: bool,
) -> None:
    """Search the guides in a citizen's own words."""
    with refusals(as_json=as_json):
        request = SearchRequest(
            text=query,
            division=division,
            department=department,
            applicant=applicant,
            theme=theme,
            sort=sort,
            page=page,
            size=size,
        )
        service = application.search_on(engine) if engine else application.search
        response = service.search(request)
    if as_json:
        print_json(response.to_json())
    else:
        _print_results(response)


def _print_results(response: SearchResponse) -> None:
    chips = " ".join(f"[{chip.label}]" for chip in response.understood.chips)
    print_text(f"{response.total} 项  {response.understood.text} {chips}".rstrip())
    if response.degraded:
        errors.print(f"搜索引擎暂时连不上，由备用的 {response.engine} 回答", style="yellow", markup=False)
    for result in response.results:
        _print_result(result)
    for relaxed in response.relaxed:
        print_text(f"没有完全符合的。去掉{'、'.join(relaxed.labels) or '部分词语'}后有 {relaxed.total} 项：")
        for result in relaxed.results:
            _print_result(result)


def _print_result(result: SearchResult) -> None:
    where = "各区县分别办理" if result.asks_division else result.department
    print_text(f"  {result.title}  {where}  {' '.join(result.facts.values())}  {result.code}")


@cli.command()
@click.argument("prefix")
@click.option("--size", type=click.IntRange(1, 20), default=8, show_default=True)
@json_option
@click.pass_obj
def suggest(application: Application, prefix: str, size: int, as_json: bool) -> None:
    """What may be meant by a beginning, in characters, pinyin or initials."""
    with refusals(as_json=as_json):
        found = application.search.suggest(prefix, size)
    if as_json:
        print_json({"prefix": prefix, "suggestions": [asdict(suggestion) for suggestion in found]})
    else:
        for suggestion in found:
            print_text(f"{suggestion.text}  {suggestion.title}")


@cli.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.pass_obj
def serve(application: Application, host: str | None, port: int | None) -> None:
    """Serve the site, and follow changes, until stopped."""
    from banshi import server  # gunicorn is needed by this command alone

    settings = application.settings.model_copy(
        update={key: value for key, value in (("host", host), ("port", port)) if value is not None}
    )
    with refusals():
        application.database.require_ready()
        statuses = [engine.status() for engine in application.engines.all]
        if not any(status.ready for status in statuses):
            raise RefusedError("；".join(status.message for status in statuses))
        for status in statuses:
            if not status.ready:
                errors.print(f"{status.name}：{status.message}", style="yellow", markup=False)
        sys.exit(server.serve(settings))


def main() -> None:
    """Entry point. Half a surrogate in an argument becomes a replacement character instead of a crash."""
    sys.argv = [argument.encode("utf-8", "replace").decode("utf-8") for argument in sys.argv]
    try:
        cli.main(prog_name="banshi")
    except BrokenPipeError:
        errors.file.close()
        sys.exit(1)
