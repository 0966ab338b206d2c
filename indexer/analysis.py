"""Words out of text: jieba with the catalogue's own words, and character bigrams for what jieba does not know.

The same Analyzer makes the tokens of documents (search mode: long words and the words inside them) and of queries
(precise mode: one reading). Engines only ever see tokens with spaces between them, so they rank alike.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import jieba

from indexer import pinyin
from indexer.folding import fold, is_han

jieba.setLogLevel(logging.WARNING)

_WORD = re.compile(r"\w", re.UNICODE)
_USER_WORD_FREQUENCY = 20_000
"""Frequency of a catalogue word in jieba's terms: high enough that the word is kept whole where it occurs."""


class Analyzer:
    """Turns text into tokens. ``words`` are the catalogue's own (see lexicon.py); make one and keep it.

    An instance remembers what it has analysed: the guides of one item share most of their text.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._tokenizer = jieba.Tokenizer()
        self._tokenizer.tmp_dir = _private_folder()
        self._tokenizer.initialize()
        for word in words:
            folded = fold(word)
            if len(folded) >= 2:
                self._tokenizer.add_word(folded, freq=max(_USER_WORD_FREQUENCY, self._tokenizer.FREQ.get(folded, 0)))
        self.index_tokens = lru_cache(maxsize=50_000)(self._index_tokens)
        self.bigrams = lru_cache(maxsize=50_000)(self._bigrams)
        self.sounds = lru_cache(maxsize=20_000)(self._sounds)
        self.initials = lru_cache(maxsize=20_000)(self._initials)

    def _index_tokens(self, text: str) -> str:
        """Tokens of a document's text in search mode, with spaces between them."""
        return " ".join(token for token in self._tokenizer.cut_for_search(fold(text)) if _WORD.match(token))

    def _bigrams(self, text: str) -> str:
        """Overlapping pairs of characters of each run of Chinese, with spaces between them.

        A run of one character gives that character, so that no text is without a token.
        """
        grams: list[str] = []
        for run in _han_runs(fold(text)):
            grams.extend(run[i : i + 2] for i in range(max(1, len(run) - 1)))
        return " ".join(grams)

    def _sounds(self, texts: tuple[str, ...]) -> str:
        """Pairs of sounds of each text (see pinyin.py), with spaces between them, each once."""
        return " ".join(dict.fromkeys(pair for text in texts for pair in pinyin.sound_pairs(pinyin.sounds(text))))

    def _initials(self, texts: tuple[str, ...]) -> str:
        """The initials of every run of words of each text, with spaces between them, each once."""
        return " ".join(
            dict.fromkeys(
                letters
                for text in texts
                for letters in pinyin.initials_of_words([t for t in self._tokenizer.cut(fold(text)) if _WORD.match(t)])
            )
        )

    def frequency(self, word: str) -> int:
        """How frequent a folded word is in jieba's dictionary with the catalogue's words; 0 where it is none."""
        return int(self._tokenizer.FREQ.get(word) or 0)

    def query_tokens(self, text: str) -> list[str]:
        """Distinct tokens of a query in precise mode, in their order."""
        tokens = (token for token in self._tokenizer.cut(fold(text)) if _WORD.match(token))
        return list(dict.fromkeys(tokens))

    def query_spans(self, folded: str) -> list[tuple[str, int, int]]:
        """Tokens of an already folded text in precise mode as (token, start, end)."""
        return [(token, start, end) for token, start, end in self._tokenizer.tokenize(folded) if _WORD.match(token)]

    def known_spans(self, folded: str) -> list[tuple[str, int, int]]:
        """The same by the dictionary alone: no new words are guessed at (哪迁 in 搁哪迁户口)."""
        return [(token, a, b) for token, a, b in self._tokenizer.tokenize(folded, HMM=False) if _WORD.match(token)]

    def index_spans(self, folded: str) -> list[tuple[str, int, int]]:
        """Tokens of an already folded text in search mode as (token, start, end)."""
        spans = self._tokenizer.tokenize(folded, mode="search")
        return [(token, start, end) for token, start, end in spans if _WORD.match(token)]


def _private_folder() -> str:
    """Where jieba keeps its parsed dictionary: a folder that no other user of the machine can write to.

    Its default is one file in the shared temporary folder, which another account may own, or have planted.
    """
    folder = Path(tempfile.gettempdir()) / f"banshi-jieba-{os.getuid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077:
            return str(folder)
    return tempfile.mkdtemp(prefix="banshi-jieba-")


def exact_key(text: str) -> str:
    """The key under which a whole name is found: folded, letters and digits only, no spaces."""
    return "".join(char for char in fold(text) if char.isalnum())


def _han_runs(text: str) -> list[str]:
    runs: list[str] = []
    current: list[str] = []
    for char in text:
        if is_han(char):
            current.append(char)
        elif current:
            runs.append("".join(current))
            current = []
    if current:
        runs.append("".join(current))
    return runs
