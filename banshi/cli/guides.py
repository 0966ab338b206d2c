"""``banshi guides``: import, export, lint, show."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from banshi.cli.output import RefusedError, errors, json_option, print_json, print_text, progress_bar, refusals
from banshi.composition import Application
from guides import document, exchange, lint, lookups, store

_LINT_SHOWN = 50


@click.group()
def group() -> None:
    """Import, export, check and show guides."""


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check and count, but write nothing.")
@json_option
@click.pass_obj
def import_(application: Application, file: Path, dry_run: bool, as_json: bool) -> None:
    """Import a JSON Lines file, all or nothing. Mistakes are told by line and field."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        try:
            with progress_bar("导入") as bar:
                task = bar.add_task("", total=None)
                report = exchange.import_file(
                    application.database,
                    file,
                    note=f"导入 {file.name}",
                    dry_run=dry_run,
                    progress=lambda n: bar.advance(task, n),
                )
        except exchange.ImportRefusedError as error:
            if as_json:
                print_json(
                    {
                        "error": {"code": "import_refused", "message": str(error), "field": None},
                        "total": error.total,
                        "problems": [asdict(problem) for problem in error.problems],
                    }
                )
                raise SystemExit(1) from None
            for problem in error.problems:
                errors.print(f"第 {problem.line} 行 {problem.field}：{problem.message}", markup=False)
            raise
    if as_json:
        print_json(asdict(report))
    else:
        counts = report.guides
        verb = "将" if dry_run else "已"
        print_text(f"{verb}新增 {counts.added} 份，修改 {counts.changed} 份，未变 {counts.unchanged} 份")


@group.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def export(application: Application, file: Path, as_json: bool) -> None:
    """Export the whole catalogue to a JSON Lines file that can be imported again."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        if not file.parent.is_dir():
            raise RefusedError(f"文件夹 {file.parent} 不存在，请先建立")
        with progress_bar("导出") as bar:
            task = bar.add_task("", total=None)
            report = exchange.export_file(application.database, file, progress=lambda n: bar.advance(task, n))
    if as_json:
        print_json({"file": str(file), "records": report.records})
    else:
        print_text(f"已导出 {report.records['guide']} 份办事指南到 {file}")


@group.command("lint")
@json_option
@click.pass_obj
def lint_(application: Application, as_json: bool) -> None:
    """Check every guide against the rules; exit with 1 where there are errors."""
    findings: list[tuple[str, lint.Finding]] = []
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.reading() as connection:
            types = {item.code: item.type for item in lookups.items(connection)}
            codes = store.guide_codes(connection)
            for guide in store.latest_guides(connection, codes):
                context = lint.LintContext(types[guide.item_code], application.settings.area_code)
                findings += [(guide.code, finding) for finding in lint.lint(guide, context)]
    by_severity = Counter(finding.severity for _code, finding in findings)
    if as_json:
        print_json(
            {
                "guides": len(codes),
                "errors": by_severity["error"],
                "warnings": by_severity["warning"],
                "by_rule": Counter(finding.rule for _code, finding in findings),
                "findings": [{"code": code, **asdict(finding)} for code, finding in findings],
            }
        )
    else:
        for code, finding in findings[:_LINT_SHOWN]:
            print_text(f"{code} {finding.field}：{finding.message}。{finding.fix}")
        if len(findings) > _LINT_SHOWN:
            print_text(f"……另有 {len(findings) - _LINT_SHOWN} 条，加 --json 可看全部")
        print_text(f"{len(codes)} 份指南，{by_severity['error']} 个错误，{by_severity['warning']} 个提醒")
    if by_severity["error"]:
        raise SystemExit(1)


@group.command()
@click.argument("code")
@json_option
@click.pass_obj
def show(application: Application, code: str, as_json: bool) -> None:
    """Show the latest version of one guide."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.reading() as connection:
            guide = next(store.latest_guides(connection, [code]), None)
        if guide is None:
            raise RefusedError(f"没有编码为 {code} 的办事指南。可用 banshi search 查找")
    if as_json:
        print_json(document.dump(guide))
    else:
        print_text(f"{guide.title}（{guide.status}，{guide.revised_on} 修订）\n{guide.summary}\n\n申请材料：")
        for material in guide.materials:
            print_text(f"  - {material.name}（{material.type}）{'，可容缺' if material.deferrable else ''}")
        for place in guide.places:
            print_text(f"办理地点：{place.name} {place.address} {place.window} {place.hours} {place.phone}")
