"""Queries to measure with: the same at every run."""

from __future__ import annotations

import random

from indexer.lexicon import Lexicon
from search.request import SearchRequest

_WAYS = ("{}", "{}怎么办", "{}要带什么", "我想办{}", "{}多少钱", "请问{}在哪办")


def measured_prefixes(lexicon: Lexicon, count: int) -> list[str]:
    """Beginnings as they are typed: characters, pinyin, initials, characters then pinyin, and two swapped."""
    chance = random.Random(1)
    texts = [
        (text, syllables, initials)
        for item in lexicon.items
        for text, syllables, initials in zip(item.texts, item.syllables, item.initials, strict=True)
    ]
    chance.shuffle(texts)
    prefixes: list[str] = []
    for number, (text, syllables, initials) in enumerate(texts[:count]):
        letters, start = syllables.replace(" ", ""), chance.randint(1, 3)
        ways = (
            text[: chance.randint(1, 6)],
            letters[: chance.randint(1, 12)],
            initials[: chance.randint(1, 6)],
            text[:start] + "".join(syllables.split()[start:])[: chance.randint(1, 6)],
            text[:2][::-1] + text[2:4],
        )
        prefixes.append(ways[number % len(ways)])
    return prefixes


def measured_queries(lexicon: Lexicon, count: int) -> list[SearchRequest]:
    """Different queries in citizens' ways of speaking, over all districts."""
    chance = random.Random(1)
    texts = sorted({text for item in lexicon.items for text in item.texts})
    districts = [d.code for d in lexicon.divisions if d.level != "street"]
    chance.shuffle(texts)
    return [
        SearchRequest(text=_WAYS[n % len(_WAYS)].format(text)[:200], division=chance.choice(districts))
        for n, text in enumerate(texts[:count])
    ]
