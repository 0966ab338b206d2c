"""``python -m tests.docs.reference FOLDER``: the generated pages of docs/, from the code itself."""

from __future__ import annotations

import sys
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
    for path, command in _commands(cli, ("banshi",)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=100)
        parts.append(f"## {' '.join(path)}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(group: click.Group, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
        else:
            found.append(((*path, name), command))
    return found


PAGES = {"settings.md": settings_page, "commands.md": commands_page}


def main(folder: Path) -> None:
    """Write all generated pages."""
    for name, make in PAGES.items():
        (folder / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
