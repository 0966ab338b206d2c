"""``python -m guides.sample.check [FILE ...]``: are the sample's item files well-formed and without lint findings?

Prints one line a problem and ends with 1 if there are any. Authors run it on the file they are writing; a test runs
it on all of them.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from guides import document, lint, vocabulary
from guides.sample import template

_MINIMUM_ALIASES = 5


def problems_of_file(name: str, text: str) -> Iterator[str]:
    """Everything wrong with one item file, each as 'file: item: what'."""
    data = yaml.safe_load(text)
    seen: set[str] = set()
    for entry in data["items"]:
        label = f"{name}: {entry.get('name')}"
        try:
            item = template.ItemTemplate.model_validate(entry)
        except ValidationError as error:
            for detail in error.errors():
                yield f"{label}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            continue
        if item.name in seen:
            yield f"{label}: the name occurs twice"
        seen.add(item.name)
        for problem in problems_of_item(item):
            yield f"{label}: {problem}"


def problems_of_item(item: template.ItemTemplate) -> Iterator[str]:
    """What an author must still mend in one item."""
    if len(set(item.aliases)) < _MINIMUM_ALIASES:
        yield f"has {len(set(item.aliases))} aliases, needs {_MINIMUM_ALIASES}"
    if item.name in item.aliases:
        yield "an alias repeats the name"
    if len(item.questions) < 1:
        yield "has no question and answer"
    if not item.materials:
        yield "has no materials"
    audiences: tuple[tuple[vocabulary.ThemeAudience, list[str]], ...] = (
        ("individual", item.themes_individual),
        ("legal", item.themes_legal),
    )
    for audience, names in audiences:
        known = template.theme_codes(audience)
        for name in names:
            if name not in known:
                yield f"theme {name} is not one of {audience}: {' '.join(known)}"
    try:
        guide = example_guide(item)
    except (ValidationError, KeyError) as error:
        yield str(error)
        return
    for finding in lint.lint(guide, lint.LintContext(item_type=item.type)):
        if finding.rule != "code_has_standard_shape":
            yield f"{finding.rule}: {finding.field}: {finding.message}"


def example_guide(item: template.ItemTemplate) -> document.Guide:
    """The item as one district's guide, with a place-holder for what the division fills in."""
    return document.Guide(
        code="0",
        item_code=item.code,
        title=item.name,
        level="district",
        division_code="230102",
        department_code="0",
        revised_on=datetime.date(2026, 1, 1),
        places=[document.Place(name="大厅", address="地址", window="1号窗口", hours="周一至周五")],
        consultation_phone="0451-01000000",
        complaint_phone="0451-01000001",
        summary=item.summary,
        applicants=item.applicants,
        themes_individual=[template.theme_codes("individual")[n] for n in item.themes_individual],
        themes_legal=[template.theme_codes("legal")[n] for n in item.themes_legal],
        case_type=item.case_type,
        conditions=item.conditions,
        statutory_limit=None if item.statutory_days is None else document.Limit(days=item.statutory_days),
        promised_limit=document.Limit(days=item.promised_days),
        visits=item.visits,
        visit_reason=item.visit_reason,
        online=item.online is not None,
        online_depth=item.online,
        mail_in=item.mail_in,
        fees=item.fees,
        online_payment=item.online_payment,
        result=document.Result(name=item.result, kind=item.result_kind),
        delivery=item.delivery,
        legal_basis=item.legal_basis,
        situations=item.situations,
        materials=item.materials,
        steps=item.steps,
        questions=item.questions,
    )


def main(arguments: list[str]) -> int:
    """Check the named files, or all of guides/sample/items/."""
    folder = resources.files("guides.sample") / "items"
    files = [Path(a) for a in arguments] or sorted(Path(str(folder)).glob("*.yaml"))
    problems = [p for f in files for p in problems_of_file(f.name, f.read_text(encoding="utf-8"))]
    items = sum(len(yaml.safe_load(f.read_text(encoding="utf-8"))["items"]) for f in files)
    print("\n".join([*problems, f"{items} items in {len(files)} files, {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
