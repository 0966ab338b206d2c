"""Is this an answer, or only the nearest thing there is? Wrong certainty sends people to the wrong window.

A logistic function of how the first result fits, by the weights of ranking.yaml (fitted by bench/confidence.py on the
tuning half of the judgements), and a list of what no government service answers (elsewhere.yaml).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict

from indexer.folding import fold
from search.ranking import Confidence, Spelled, Weights
from search.reranking import Fit
from search.weighing import Weighing


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for the first result: how its best saying fits; the share of what could be matched that was, and how
    much that is; the share of words that no service is called by; and how many words there were."""

    fit: float
    share: float
    matched: float
    unknown: float
    words: float


class _Topic(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    advice: str
    words: list[str] = []
    begins: list[str] = []


class Elsewhere:
    """What people ask for and no government service answers. Immutable."""

    def __init__(self) -> None:
        text = resources.files("search").joinpath("elsewhere.yaml").read_text(encoding="utf-8")
        topics = [_Topic.model_validate(topic) for topic in yaml.safe_load(text)]
        self._advice = {fold(word): topic.advice for topic in topics for word in topic.words}
        self._begins = {fold(word): topic.advice for topic in topics for word in topic.begins}

    def advice(self, folded: str) -> str | None:
        """Advice for a query that has such a word, perhaps empty; None for all others. The longest word counts."""
        found = {word: advice for word, advice in self._advice.items() if word in folded}
        found |= {word: advice for word, advice in self._begins.items() if folded.startswith(word)}
        return found[max(found, key=len)] if found else None


def features(first: Fit | None, spelled: Spelled, weighing: Weighing, weights: Weights) -> Features:
    """The features of the first result; all zero where there is none."""
    if first is None:
        return Features(0.0, 0.0, 0.0, 1.0, math.log1p(len(spelled.words)))
    possible = (
        sum(part.weight for part in spelled.words) * max(weights.fields.values())
        + sum(part.weight for part in spelled.pairs) * max(weights.bigram_fields.values())
        + sum(part.weight for part in spelled.sounds) * max(weights.sound_fields.values(), default=0.0)
        + (weights.initials_score if spelled.initials else 0.0)
    )
    total = sum(part.weight for part in spelled.words)
    unknown = sum(part.weight for part in spelled.words if not part.is_explained and not weighing.is_known(part.token))
    return Features(
        fit=first.fit,
        share=min(1.2, first.hit.score / possible) if possible else 0.0,
        matched=math.log1p(first.hit.score),
        # Pinyin and initials are known by their sound, not as words.
        unknown=unknown / total if total and spelled.pairs else 0.0,
        words=math.log1p(len(spelled.words)),
    )


def certainty(found: Features, weights: Confidence) -> float:
    """From 0 to 1: how sure it is that the first result answers."""
    logit = (
        weights.base
        + weights.fit * found.fit
        + weights.share * found.share
        + weights.matched * found.matched
        + weights.unknown * found.unknown
        + weights.words * found.words
    )
    return 1 / (1 + math.exp(-logit))


def is_sure(fits: Sequence[Fit], spelled: Spelled, weighing: Weighing, weights: Weights, *, elsewhere: bool) -> bool:
    """Whether the results may be shown as an answer. ``elsewhere``: the query speaks of what is not handled here."""
    first = fits[0] if fits else None
    found = features(first, spelled, weighing, weights)
    if first is not None and first.hit.score >= weights.best_bet_score / 2:
        return True
    if len(spelled.words) == 1 and weighing.is_known(spelled.words[0].token) and not elsewhere:
        # Whoever types one word looks through what is called by it.
        return True
    if elsewhere and found.fit < weights.confidence.fit_elsewhere:
        return False
    return certainty(found, weights.confidence) >= weights.confidence.enough
