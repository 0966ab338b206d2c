"""The docs say what is true: generated pages are fresh, links lead somewhere, screenshots exist."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.reference import PAGES

ROOT = Path(__file__).parents[2]
MARKDOWN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ROOMS = ["guides", "indexer", "search", "voice", "web", "banshi"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert (
        set(re.findall(r"(?:`|^    )make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
        <= targets
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_to_its_left(room: str) -> None:
    forbidden = set(ROOMS[ROOMS.index(room) + 1 :])
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            assert not {name.split(".")[0] for name in names} & forbidden, f"{path}: {names}"


def test_no_registry_or_path_of_a_machine_is_named_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout.decode()
    files = [ROOT / name for name in listed.split("\0") if name and not name.endswith(".png")]
    words = ["pypi." + "org", "python" + "hosted", "/ro" + "ot/", "/work" + "/", "npm" + "js", "maven." + "org"]
    for path in files:
        if path.exists():
            content = path.read_bytes()
            assert not [word for word in words if word.encode() in content], path


def test_every_template_and_static_file_is_used() -> None:
    sources = "".join(
        p.read_text(encoding="utf-8") for p in [*(ROOT / "web").rglob("*.py"), *(ROOT / "web").rglob("*.html")]
    )
    for path in [*(ROOT / "web/templates").iterdir(), *(ROOT / "web/static").iterdir()]:
        assert path.name in sources, path.name
