"""What tests of deploy/ share: the text of every file there, and what env.example lists."""

from __future__ import annotations

import re
from pathlib import Path

from banshi.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEXTS = {
    str(path.relative_to(DEPLOY)): path.read_text(encoding="utf-8")
    for path in sorted(DEPLOY.rglob("*"))
    if path.is_file() and path.name != ".env" and "__pycache__" not in path.parts
}
EXAMPLE = TEXTS["env.example"]
VARIABLES = {
    **dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE)),
    **dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE)),
}
SETTINGS = {f"BANSHI_{name.upper()}": field for name, field in Settings.model_fields.items()}
"""Every setting of the program by the name of its variable."""
