"""What people are likely to say here, as a grammar for the recognizer.

Vosk estimates a bigram model from the phrases of a grammar and composes it with the model's sounds at run time, so the
city's own words need no training: names and sayings of all items, divisions and departments, the manners of speaking
that understanding knows, and the commonest words of the language for everything else. docs/voice.md has the
measurements that decided the shares.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from indexer.analysis import Analyzer
from indexer.lexicon import Lexicon
from search.understanding import manners_of_speaking
from voice.vocabulary import Vocabulary, spoken_runs

GENERAL_WORDS = 5_000
"""So many of the commonest words come along, each once. All words of the model make it no better and twice as slow."""
_NAMES_TIMES = 2
_MANNERS_TIMES = 3
"""How often names of places and authorities and manners of speaking count: any of them may stand beside any item."""


def phrases(lexicon: Lexicon, analyzer: Analyzer, vocabulary: Vocabulary) -> list[str]:
    """What may be said, cut into words of the model with blanks between; a phrase counts as often as it occurs."""
    items = [text for item in lexicon.items for text in item.texts]
    names = [name for division in lexicon.divisions for name in (division.name, *division.aliases)]
    names += [name for aliases in lexicon.sector_aliases.values() for name in aliases]
    found = [
        *_segmented(items, vocabulary),
        *(_segmented(names, vocabulary) * _NAMES_TIMES),
        *(_segmented(manners_of_speaking(), vocabulary) * _MANNERS_TIMES),
    ]
    general = sorted(vocabulary.words, key=lambda word: (-analyzer.frequency(word), word))
    return found + general[:GENERAL_WORDS]


def grammar(lexicon: Lexicon, analyzer: Analyzer, vocabulary: Vocabulary) -> str:
    """The phrases as Vosk takes them: a JSON list."""
    return json.dumps(phrases(lexicon, analyzer, vocabulary), ensure_ascii=False)


def _segmented(texts: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    words = (vocabulary.segment(run) for text in texts for run in spoken_runs(text))
    return [" ".join(each) for each in words if each]
