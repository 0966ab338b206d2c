"""``banshi voice``: what a recording says and finds, which models there are, and how well they hear."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from banshi.cli.output import RefusedError, errors, json_option, print_json, print_text, refusals
from banshi.composition import Application
from search.request import SearchRequest
from voice import evaluation
from voice.listening import Heard
from voice.model_store import ModelInfo
from voice.vocabulary import Coverage, Vocabulary, coverage

_WORDS_SHOWN = 12
_KINDS = {"item_name": "事项名称", "saying": "通俗说法", "division": "区划", "department": "部门"}


@click.group()
def group() -> None:
    """Speech: models, recordings, measurements."""


@group.command()
@click.option("--check", "is_checked", is_flag=True, help="Also report words of the catalogue that the model lacks.")
@json_option
@click.pass_obj
def models(application: Application, is_checked: bool, as_json: bool) -> None:
    """List the speech models; the one that the settings choose is marked."""
    with refusals(as_json=as_json):
        found = application.models.list()
        report: list[Coverage] = []
        if is_checked:
            model = application.models.find(application.settings.voice_model)
            if model.words is None:
                raise RefusedError(f"语音模型 {model.name} 没有 graph/words.txt，无法核对。请换一个模型。")
            language = application.search.language
            report = coverage(language.lexicon, language.analyzer, Vocabulary.read(model.word_table))
    if as_json:
        chosen = application.settings.voice_model
        print_json(
            {
                "models": [_as_json(model, chosen=model.name == chosen) for model in found],
                "coverage": [asdict(kind) for kind in report] if is_checked else None,
            }
        )
        return
    for model in found:
        _print_model(model, chosen=model.name == application.settings.voice_model)
    for kind in report:
        _print_coverage(kind)


def _as_json(model: ModelInfo, *, chosen: bool) -> dict[str, Any]:
    return {
        **asdict(model),
        "folder": str(model.folder),
        "card": str(model.card) if model.card else None,
        "chosen": chosen,
    }


def _print_model(model: ModelInfo, *, chosen: bool) -> None:
    words = f"，{model.words} 个词" if model.words else ""
    how = "，能按目录偏置" if model.takes_grammar else "，不能偏置"
    print_text(
        f"{'*' if chosen else ' '} {model.name}（{'自带' if model.is_bundled else '已安装'}，"
        f"{model.megabytes} MB{words}{how}）" + (f"  不能用：{model.problem}" if model.problem else "")
    )


def _print_coverage(kind: Coverage) -> None:
    print_text(
        f"{_KINDS[kind.kind]}：{kind.words} 个词，{len(kind.in_parts)} 个只能拆开听，{len(kind.missing)} 个听不出"
    )
    for label, words in (("拆开听", kind.in_parts), ("听不出", kind.missing)):
        if words:
            print_text(f"    {label}：" + "、".join(word for word, _count in words[:_WORDS_SHOWN]))


@group.command()
@click.argument("source")
@click.option("--sha256", help="Checksum that the ZIP file must have.")
@click.option("--replace", "is_replaced", is_flag=True, help="Replace a model of this name.")
@json_option
@click.pass_obj
def install(application: Application, source: str, sha256: str | None, is_replaced: bool, as_json: bool) -> None:
    """Install a model: an official NAME (downloaded), a ZIP file, or a FOLDER."""
    is_official = application.models.is_official(source)
    bar = Progress(
        TextColumn("下载"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        console=errors, disable=not errors.is_terminal,
    )  # fmt: skip
    with refusals(as_json=as_json), bar:
        task = bar.add_task("", total=None)
        model = application.models.install(
            source,
            sha256=sha256,
            replace=is_replaced,
            progress=lambda have, size: bar.update(task, completed=have, total=size),
        )
    if as_json:
        print_json(_as_json(model, chosen=model.name == application.settings.voice_model))
    else:
        if is_official:
            print_text("下载的文件与发布者清单里的大小和 MD5 一致。")
        print_text(f"装好了：{model.name}。要使用它，请设置 BANSHI_VOICE_MODEL={model.name}，然后重新启动。")


@group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--bias/--no-bias", default=True, show_default=True, help="Listen for the words of the catalogue.")
@json_option
@click.pass_obj
def transcribe(application: Application, file: Path, bias: bool, as_json: bool) -> None:
    """What a recording says, with other ways to read it."""
    with refusals(as_json=as_json):
        heard = application.voice_with(is_biased=bias).hear(file.read_bytes())
    if as_json:
        print_json(_heard_json(heard))
        return
    _print_heard(heard)


@group.command("search")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--division", help="Code or name of the person's division.")
@click.option("--size", type=int, default=10, show_default=True, help="Results a page, at most 50.")
@json_option
@click.pass_obj
def search_command(application: Application, file: Path, division: str | None, size: int, as_json: bool) -> None:
    """What a recording asks for."""
    with refusals(as_json=as_json):
        heard = application.voice.hear(file.read_bytes())
        found = None
        if heard.hypotheses:
            request = SearchRequest(text=heard.text, division=division, size=size, heard=heard.hypotheses)
            found = application.search.search(request)
    if as_json:
        print_json({"heard": _heard_json(heard), "search": found.to_json() if found else None})
        return
    _print_heard(heard)
    if found is not None:
        print_text(f"按“{found.query}”查找，找到 {found.total} 项")
        for number, result in enumerate(found.results, 1):
            print_text(f"{number:>3}  {result.title}  {result.department}  {result.code}")


def _heard_json(heard: Heard) -> dict[str, Any]:
    return {**asdict(heard), "text": heard.text, "message": heard.advice}


def _print_heard(heard: Heard) -> None:
    if heard.advice is not None:
        print_text(heard.advice)
    for hypothesis in heard.hypotheses:
        print_text(f"{hypothesis.weight:6.3f}  {hypothesis.text}")


@group.command()
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", type=int, default=0, help="Only so many recordings; 0 means all.")
@json_option
@click.pass_obj
def evaluate(application: Application, manifest: Path, limit: int, as_json: bool) -> None:
    """Measure hearing, and search from speech, with and without each step.

    MANIFEST is a JSON Lines file of judgements (as for `banshi evaluate`) with the recording's file name as `audio`,
    relative to it. Without `relevant` only the hearing is measured.
    """
    with refusals(as_json=as_json):
        spoken = evaluation.load(manifest)[: limit or None]
        searches = {
            "characters": application.search_by_characters().search,
            "and pinyin": application.search.search,
        }
        rows = [
            row
            for is_biased in (False, True)
            for row in evaluation.measure(
                spoken,
                application.voice_with(is_biased=is_biased),
                searches,
                model=application.settings.voice_model,
                is_biased=is_biased,
            )
        ]
    if as_json:
        print_json({"manifest": str(manifest), "rows": [asdict(row) for row in rows]})
        return
    print_text(evaluation.table(rows))
