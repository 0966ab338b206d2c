"""What search must know of the catalogue besides its documents: places, authorities, themes, names to suggest.

Made with the index and stored beside it, so that search never reads the guides' tables. All words of the city come
from here: another city's catalogue brings its own.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

import sqlalchemy as sa

from guides import document, lookups
from guides.words import best_bets, synonym_groups
from indexer import pinyin
from indexer.analysis import Analyzer, exact_key
from indexer.serving import DivisionTree

_MAX_USER_WORD = 8


@dataclass(frozen=True, slots=True)
class DepartmentEntry:
    """An authority as search knows it."""

    code: str
    name: str
    sector: str
    division_code: str


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """An item as suggestions know it: its texts (the official name first) with their syllables (spaces between) and
    their initials."""

    code: str
    name: str
    sector: str
    popularity: int
    texts: tuple[str, ...]
    syllables: tuple[str, ...]
    initials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In the names and aliases of how many items a word, a pair of characters or a pair of sounds occurs.

    Engines count documents, and a street's service is in three hundred of them: to a citizen it is one service.
    """

    words: dict[str, int]
    pairs: dict[str, int]
    sounds: dict[str, int]


@dataclass(frozen=True)
class Lexicon:
    """The city's words. ``sector_aliases`` maps a sector to what citizens call its authorities.

    ``synonyms`` are groups of words as clerks wrote them, not folded; ``best_bets`` are (exact key of the query, item
    code), those of one query together and in the clerks' order.
    """

    divisions: tuple[document.Division, ...]
    departments: tuple[DepartmentEntry, ...]
    sector_aliases: dict[str, tuple[str, ...]]
    themes: tuple[tuple[str, str, str], ...]
    items: tuple[ItemEntry, ...]
    words: tuple[str, ...]
    frequencies: Frequencies = field(default_factory=lambda: Frequencies({}, {}, {}))
    synonyms: tuple[tuple[str, ...], ...] = ()
    best_bets: tuple[tuple[str, str], ...] = ()

    @property
    def tree(self) -> DivisionTree:
        """The divisions as a tree."""
        return DivisionTree(self.divisions)

    def to_json(self) -> str:
        """One line of JSON; equal lexicons give equal text."""
        return json.dumps(
            {
                "divisions": [division.model_dump() for division in self.divisions],
                "departments": [asdict(department) for department in self.departments],
                "sector_aliases": self.sector_aliases,
                "themes": self.themes,
                "items": [asdict(item) for item in self.items],
                "words": self.words,
                "frequencies": asdict(self.frequencies),
                "synonyms": self.synonyms,
                "best_bets": self.best_bets,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Lexicon:
        """Read what ``to_json`` wrote."""
        data = json.loads(text)
        return cls(
            divisions=tuple(document.Division.model_construct(**row) for row in data["divisions"]),
            departments=tuple(DepartmentEntry(**row) for row in data["departments"]),
            sector_aliases={sector: tuple(names) for sector, names in data["sector_aliases"].items()},
            themes=tuple((audience, code, name) for audience, code, name in data["themes"]),
            items=tuple(
                ItemEntry(
                    code=row["code"],
                    name=row["name"],
                    sector=row["sector"],
                    popularity=row["popularity"],
                    texts=tuple(row["texts"]),
                    syllables=tuple(row["syllables"]),
                    initials=tuple(row["initials"]),
                )
                for row in data["items"]
            ),
            words=tuple(data["words"]),
            frequencies=Frequencies(**data["frequencies"]),
            # An index of before knows none; it need not be rebuilt for that.
            synonyms=tuple(tuple(group) for group in data.get("synonyms", ())),
            best_bets=tuple((key, code) for key, code in data.get("best_bets", ())),
        )

    def counted(self, analyzer: Analyzer) -> Lexicon:
        """The same with its frequencies, by an analyzer of these words."""
        words: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        heard: Counter[str] = Counter()
        for item in self.items:
            words.update({word for text in item.texts for word in analyzer.index_tokens(text).split()})
            pairs.update({pair for text in item.texts for pair in analyzer.bigrams(text).split()})
            heard.update(analyzer.sounds(item.texts).split())
        return replace(self, frequencies=Frequencies(dict(words), dict(pairs), dict(heard)))


def build(
    connection: sa.Connection,
    published_items: Sequence[str] | None = None,
    words: tuple[str, ...] | None = None,
) -> Lexicon:
    """The lexicon of what the database holds now; ``published_items`` limits suggestions and
    best bets to items with guides.

    ``words`` are those that an index was built with: it keeps them as long as it lives, since its older documents were
    cut by them and queries must be cut alike. A new authority's name is a word from the next rebuild on.
    """
    divisions = lookups.divisions(connection)
    departments = lookups.departments(connection)
    items = lookups.items(connection)
    wanted = {item.code for item in items} if published_items is None else set(published_items)
    items = [item for item in items if item.code in wanted]
    aliases: dict[str, dict[str, None]] = defaultdict(dict)
    for department in departments:
        aliases[department.sector].update(dict.fromkeys(department.aliases))
    return Lexicon(
        divisions=tuple(divisions),
        departments=tuple(
            DepartmentEntry(department.code, department.name, department.sector, department.division_code)
            for department in departments
        ),
        sector_aliases={sector: tuple(names) for sector, names in aliases.items()},
        themes=tuple((audience, code, name) for (audience, code), name in lookups.theme_names(connection).items()),
        items=tuple(_item_entry(item) for item in items),
        words=(
            tuple(sorted(set(_user_words(divisions, departments, lookups.result_names(connection)))))
            if words is None
            else words
        ),
        synonyms=tuple(tuple(group.words) for group in synonym_groups(connection)),
        best_bets=tuple(
            (exact_key(bet.query), bet.item_code) for bet in best_bets(connection) if bet.item_code in wanted
        ),
    )


def _item_entry(item: document.Item) -> ItemEntry:
    texts = (item.name, *item.aliases)
    sounds = [pinyin.syllables(text) for text in texts]
    return ItemEntry(
        code=item.code,
        name=item.name,
        sector=item.sector,
        popularity=item.popularity,
        texts=texts,
        syllables=tuple(" ".join(parts) for parts in sounds),
        initials=tuple(pinyin.initials(text) for text in texts),
    )


def _user_words(
    divisions: Iterable[document.Division], departments: Iterable[document.Department], results: Iterable[str]
) -> Iterable[str]:
    """Words that jieba must keep whole: names of places, authorities and certificates.

    Item names are not among them: they are phrases, and a phrase kept whole hides its words from a precise reading.
    """
    for division in divisions:
        yield division.name
        if division.level != "street":
            yield from division.aliases
    for department in departments:
        yield department.sector
        yield from department.aliases
    yield from (name for name in results if 2 <= len(name) <= _MAX_USER_WORD)
