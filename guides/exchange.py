"""Import and export of catalogues as JSON Lines: one record a line, all or nothing, nothing lost on the way.

A file may hold divisions, departments, items and guides, in any order. An import first reads the whole file and
reports every mistake by line and field; only a file without mistakes is written, in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from pydantic import ValidationError

from guides import document, lookups, models, store
from guides.database import Database

MAX_LINE_BYTES = 1_000_000
MAX_PROBLEMS = 100
_BATCH = 400

Progress = Callable[[int], None]
_ADAPTERS: dict[str, type[document.Record]] = {
    "division": document.Division,
    "department": document.Department,
    "item": document.Item,
    "guide": document.Guide,
}
_KINDS = list(_ADAPTERS)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: line number from 1, the field where known, and what to do in plain words."""

    line: int
    field: str
    message: str


class ImportRefusedError(Exception):
    """The file has mistakes, so nothing of it was imported. ``problems`` are the first MAX_PROBLEMS of ``total``."""

    def __init__(self, problems: list[Problem], total: int) -> None:
        self.problems = problems
        self.total = total
        super().__init__(f"文件中有 {total} 处错误，没有导入任何内容")


@dataclass
class ImportReport:
    """What an import did, or would do."""

    records: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    guides: store.SaveCounts = field(default_factory=store.SaveCounts)
    dry_run: bool = False


class _DryRunDoneError(Exception):
    """Raised to leave the transaction of a dry run without committing."""


def import_file(
    database: Database, path: Path, *, note: str, dry_run: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Import a JSON Lines file whole, or raise ImportRefusedError and leave everything as it was."""
    with path.open("rb") as stream:
        _refuse_mistakes(database, stream, progress)
    return import_records(database, _references_first(path), note=note, dry_run=dry_run, progress=progress)


def _references_first(path: Path) -> Iterator[document.AnyRecord]:
    """The file's records with all guides last. The file is read twice, so that memory stays flat."""
    for guides_wanted in (False, True):
        with path.open("rb") as stream:
            for _line, record in _parse(stream, _Problems()):
                if record is not None and (record.kind == "guide") == guides_wanted:
                    yield record


def import_records(
    database: Database,
    records: Iterable[document.AnyRecord],
    *,
    note: str,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Write records in one transaction. Guides come after what they refer to, or that must exist already."""
    report = ImportReport(dry_run=dry_run)
    try:
        with database.writing() as connection:
            waiting: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
            for count, record in enumerate(records, 1):
                report.records[record.kind] += 1
                waiting[record.kind].append(record)
                if len(waiting["guide"]) >= _BATCH:
                    _save(connection, waiting, report, note)
                if progress and count % _BATCH == 0:
                    progress(_BATCH)
            _save(connection, waiting, report, note)
            if dry_run:
                raise _DryRunDoneError
    except _DryRunDoneError:
        pass
    return report


def _save(connection: sa.Connection, waiting: dict[str, list[Any]], report: ImportReport, note: str) -> None:
    if waiting["division"]:
        store.save_divisions(connection, _parents_first(waiting["division"]))
    if waiting["department"]:
        store.save_departments(connection, waiting["department"])
    if waiting["item"]:
        store.save_items(connection, waiting["item"])
    if waiting["guide"]:
        report.guides.add(store.save_guides(connection, waiting["guide"], note))
    for records in waiting.values():
        records.clear()


def _parents_first(divisions: list[document.Division]) -> list[document.Division]:
    return sorted(divisions, key=lambda division: (lookups.LEVEL_DEPTH[division.level], division.code))


class _Problems:
    """Collects mistakes; keeps the first MAX_PROBLEMS and counts them all."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.total = 0

    def add(self, line: int, field: str, message: str) -> None:
        self.total += 1
        if len(self.kept) < MAX_PROBLEMS:
            self.kept.append(Problem(line, field, message))


def _refuse_mistakes(database: Database, stream: BinaryIO, progress: Progress | None) -> None:
    problems = _Problems()
    lines_of: dict[str, dict[str, int]] = {kind: {} for kind in _KINDS}
    references: dict[tuple[str, str], tuple[int, str]] = {}
    for line, record in _parse(stream, problems):
        if progress and line % _BATCH == 0:
            progress(_BATCH)
        if record is None:
            continue
        first = lines_of[record.kind].setdefault(record.code, line)
        if first != line:
            problems.add(line, "code", f"编码 {record.code} 与第 {first} 行重复，请删去其中一行")
        for kind, code, field_name in _references(record):
            references.setdefault((kind, code), (line, field_name))
    for (kind, code), (line, field_name) in sorted(
        _missing(database, references, lines_of).items(), key=lambda pair: pair[1]
    ):
        problems.add(line, field_name, f"{_KIND_LABELS[kind]} {code} 不存在，请核对，或在文件中补上这条记录")
    if problems.total:
        raise ImportRefusedError(sorted(problems.kept, key=lambda p: p.line), problems.total)


_KIND_LABELS = {
    "division": "区划",
    "department": "部门",
    "item": "事项",
    "item_type": "事项类型",
    "theme": "主题",
    "guide": "办事指南",
}


def _references(record: document.AnyRecord) -> Iterator[tuple[str, str, str]]:
    """(kind, code, field) of everything that a record refers to."""
    match record:
        case document.Division(parent_code=str(parent)):
            yield "division", parent, "parent_code"
        case document.Department():
            yield "division", record.division_code, "division_code"
        case document.Item():
            yield "item_type", record.type, "type"
        case document.Guide():
            yield "item", record.item_code, "item_code"
            yield "division", record.division_code, "division_code"
            yield "department", record.department_code, "department_code"
            for code in record.themes_individual:
                yield "theme", f"individual/{code}", "themes_individual"
            for code in record.themes_legal:
                yield "theme", f"legal/{code}", "themes_legal"


def _missing(
    database: Database,
    references: dict[tuple[str, str], tuple[int, str]],
    lines_of: dict[str, dict[str, int]],
) -> dict[tuple[str, str], tuple[int, str]]:
    with database.reading() as connection:
        known: dict[str, set[str]] = {
            "division": set(connection.execute(sa.select(models.Division.code)).scalars()),
            "department": set(connection.execute(sa.select(models.Department.code)).scalars()),
            "item": set(connection.execute(sa.select(models.Item.code)).scalars()),
            "item_type": set(lookups.item_types(connection)),
            "theme": {f"{audience}/{code}" for audience, code in lookups.theme_names(connection)},
        }
    return {
        (kind, code): where
        for (kind, code), where in references.items()
        if code not in known[kind] and code not in lines_of.get(kind, ())
    }


def _parse(stream: BinaryIO, problems: _Problems) -> Iterator[tuple[int, document.AnyRecord | None]]:
    """Each non-empty line's number and record, or None where it has mistakes (which go to ``problems``)."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            problems.add(number, "", f"这一行超过 {MAX_LINE_BYTES:,} 字节，请检查换行")
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, _parse_line(number, line, problems)


def _parse_line(number: int, line: bytes, problems: _Problems) -> document.AnyRecord | None:
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        problems.add(number, "", f"不是 UTF-8 编码（第 {error.start + 1} 字节起），请把文件另存为 UTF-8")
        return None
    except json.JSONDecodeError as error:
        problems.add(number, "", f"不是完整的 JSON（第 {error.colno} 列附近），请检查括号、引号和逗号")
        return None
    except RecursionError:
        problems.add(number, "", "JSON 嵌套过深，请检查括号")
        return None
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in _ADAPTERS:
        problems.add(number, "kind", f"kind 应为 {'、'.join(_KINDS)} 之一")
        return None
    try:
        record: Any = _ADAPTERS[kind].model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=True):
            problems.add(number, ".".join(map(str, detail["loc"])), _in_chinese(detail))
        return None
    return record  # type: ignore[no-any-return]


def _in_chinese(detail: Any) -> str:
    """A validation message of pydantic, said so that a clerk knows what to do."""
    context: dict[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "缺少这个字段，请补上"
        case "extra_forbidden":
            return "没有这个字段，请删去或改正字段名"
        case "literal_error":
            return f"应为 {str(context.get('expected', '')).replace(' or ', '、')} 之一"
        case "string_type":
            return "应为文字"
        case "string_too_short":
            return "不能为空"
        case "string_too_long":
            return f"过长，最多 {context.get('max_length')} 个字"
        case "string_pattern_mismatch":
            return f"格式不对，应符合 {context.get('pattern')}"
        case "int_type" | "int_parsing" | "int_from_float":
            return "应为整数"
        case "bool_type" | "bool_parsing":
            return "应为 true 或 false"
        case "greater_than_equal":
            return f"不能小于 {context.get('ge')}"
        case "less_than_equal":
            return f"不能大于 {context.get('le')}"
        case "list_type":
            return "应为列表"
        case "model_type" | "model_attributes_type":
            return "应为一组字段（JSON 对象）"
        case "too_short":
            return f"至少要有 {context.get('min_length')} 项"
        case "string_unicode":
            return "含有不完整的字符（半个代理对），请重新输入该字"
        case kind if kind.startswith("date"):
            return "应为日期，写成 2026-01-31 这样"
        case "value_error":
            return str(context.get("error", detail["msg"]))
    return str(detail["msg"])


def export_file(database: Database, path: Path, *, progress: Progress | None = None) -> ImportReport:
    """Write the whole catalogue to a file: every guide's latest version, with its status.

    The file appears under its name only when it is complete, so a full disk leaves no half export behind.
    """
    report = ImportReport()
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            for record in export_records(database):
                report.records[record.kind] += 1
                stream.write(record.model_dump_json() + "\n")
                if progress and record.kind == "guide" and report.records["guide"] % _BATCH == 0:
                    progress(_BATCH)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return report


def export_records(database: Database) -> Iterator[document.AnyRecord]:
    """Every record of the catalogue in one consistent state: divisions, departments, items, guides."""
    with database.reading() as connection:
        yield from lookups.divisions(connection)
        yield from lookups.departments(connection)
        yield from lookups.items(connection)
        codes = store.guide_codes(connection)
        for start in range(0, len(codes), _BATCH):
            yield from store.latest_guides(connection, codes[start : start + _BATCH])
