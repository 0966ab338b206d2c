"""``python -m tests.docs.reference FOLDER``: the generated pages of docs/, from the code itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from banshi.cli.main import cli
from banshi.settings import Settings


def settings_page() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. This page is generated from `banshi/settings.py` by `make docs`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else ""
        lines.append(f"| `BANSHI_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """docs/commands.md."""
    parts = [
        "# Commands\n\nGenerated from the commands themselves by `make docs`. With `--json` standard output is one JSON"
        " document; progress and logs go to standard error. Exit status: 0 done, 1 refused with a reason, 2 wrong usage.\n"
    ]
    for context in _leaves(cli.make_context("banshi", [], resilient_parsing=True, terminal_width=100)):
        parts.append(f"## {context.command_path}\n\n```\n{context.command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _leaves(context: click.Context) -> Iterator[click.Context]:
    """A context for every command below, made as the command line makes it, so that the help is what people see."""
    if not isinstance(context.command, click.Group):
        yield context
        return
    for name, command in sorted(context.command.commands.items()):
        yield from _leaves(command.make_context(name, [], parent=context, resilient_parsing=True))


PAGES = {"settings.md": settings_page, "commands.md": commands_page}


def main(folder: Path) -> None:
    """Write all generated pages."""
    for name, make in PAGES.items():
        (folder / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
