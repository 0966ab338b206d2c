"""``banshi evaluate``: measure the search by judged queries."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from banshi.cli.output import ENGINES, json_option, print_json, refusals
from banshi.composition import Application
from search import evaluation

_MISSES_SHOWN = 20
_WIDTH = 110
_COLUMNS = ("queries", "success_1", "success_3", "mrr", "ndcg_10", "unsure", "wrong_confident")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--engine",
    type=click.Choice([*ENGINES, "all"]),
    help="One engine alone, or every engine in use; by default that of the settings.",
)
@json_option
@click.pass_obj
def evaluate(application: Application, file: Path, engine: str | None, as_json: bool) -> None:
    """Measure the search by a file of judgements: success, MRR, nDCG, and confidence where there is no answer."""
    reports: dict[str, evaluation.Report] = {}
    with refusals(as_json=as_json):
        judgements = evaluation.load(file)
        names = application.engine_names if engine == "all" else [engine or application.engine_names[0]]
        for name in names:
            search = application.search_on(name).search
            reports[name] = evaluation.evaluate(judgements, partial(evaluation.shown_by, search))
    if as_json:
        print_json({"file": file.name, "engines": {name: asdict(report) for name, report in reports.items()}})
        return
    console = Console(width=_WIDTH)
    for name, report in reports.items():
        table = Table(title=f"{file.name}，{name}")
        table.add_column("kind", no_wrap=True)
        for column in _COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for kind, figures in (("all", report.overall), *report.by_kind.items()):
            values = asdict(figures)
            table.add_row(kind, *("" if values[c] is None else str(values[c]) for c in _COLUMNS))
        console.print(table)
        for miss in report.misses[:_MISSES_SHOWN]:
            console.print(
                f"{miss.kind} {miss.query}：{'、'.join(miss.shown) or '（没有）'}", markup=False, highlight=False
            )
        if len(report.misses) > _MISSES_SHOWN:
            console.print(f"……另有 {len(report.misses) - _MISSES_SHOWN} 条没有答对，加 --json 可看全部")
