"""Tables that every catalogue starts from: the standard's themes and types of items. A city may add to them."""

from __future__ import annotations

import csv
from importlib import resources

import sqlalchemy as sa

from guides import models


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("guides.standard").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def seed(connection: sa.Connection) -> None:
    """Add the standard's rows that are missing; what a city has renamed stays as it is."""
    themes = set(connection.execute(sa.select(models.Theme.audience, models.Theme.code)))
    new_themes = [row for row in _rows("themes.csv") if (row["audience"], row["code"]) not in themes]
    if new_themes:
        connection.execute(sa.insert(models.Theme), new_themes)
    types = set(connection.execute(sa.select(models.ItemType.code)).scalars())
    new_types = [row for row in _rows("item_types.csv") if row["code"] not in types]
    if new_types:
        connection.execute(sa.insert(models.ItemType), new_types)
