"""``python -m bench.confidence``: fit the weights under ``confidence`` in search/ranking.yaml on the tuning half.

Logistic regression with the queries without an answer weighed up, cross-validated in five parts; prints the weights and
what each threshold would cost on queries of parts that it was not fitted on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from banshi.composition import Application
from banshi.settings import Settings
from bench.tune import JUDGEMENTS
from search import evaluation
from search.confidence import features
from search.engines.base import Hit
from search.ranking import Spelled
from search.request import InvalidRequestError, SearchRequest
from search.reranking import Asked, Fit, Reranker

NEGATIVE_WEIGHT = 5.0
SMOOTHING = 0.001
PARTS = 5

Array = NDArray[np.float64]


def main() -> None:
    """Fit and print."""
    columns, answerable, talks_of_elsewhere = observed()
    design = np.c_[np.ones(len(columns)), columns]
    part = np.random.RandomState(0).permutation(len(design)) % PARTS
    held_out = np.zeros(len(design))
    for number in range(PARTS):
        held_out[part == number] = design[part == number] @ fitted(design[part != number], answerable[part != number])
    certain = 1 / (1 + np.exp(-held_out))
    print("enough  unsure of answerable  wrongly sure (elsewhere.yaml applied)")
    for enough in (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7):
        unsure = float((certain[answerable] < enough).mean())
        wrong = float(((certain >= enough) & ~talks_of_elsewhere)[~answerable].mean())
        print(f"{enough:6.2f}  {unsure:20.3f}  {wrong:12.3f}")
    print(
        dict(
            zip(
                ("base", "fit", "share", "matched", "unknown", "words"),
                fitted(design, answerable).round(2),
                strict=True,
            )
        )
    )


def fitted(design: Array, answerable: NDArray[np.bool_]) -> Array:
    """Weights of a logistic regression."""
    sample = np.where(answerable, 1.0, NEGATIVE_WEIGHT)
    sign = 2.0 * answerable - 1.0

    def loss(weights: Array) -> float:
        return float(
            (sample * np.logaddexp(0, -sign * (design @ weights))).mean() + SMOOTHING * (weights[1:] ** 2).sum()
        )

    return np.asarray(minimize(loss, np.zeros(design.shape[1])).x)


def observed() -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Features of the first result of every query of the tuning half, and what is known of it."""
    service = Application(Settings()).search_on("embedded")
    language = service.language
    seen: list[tuple[list[Fit], Spelled]] = []
    rank = Reranker.rank

    def watched(self: Reranker, hits: list[Hit], asked: Asked) -> list[Fit]:
        fits = rank(self, hits, asked)
        seen.append((fits, asked.spelled))
        return fits

    Reranker.rank = watched  # type: ignore[method-assign, assignment]
    rows: list[list[float]] = []
    answerable: list[bool] = []
    elsewhere: list[bool] = []
    for judgement in evaluation.load(JUDGEMENTS):
        seen.clear()
        try:
            service.search(SearchRequest(judgement.query, division=judgement.division, applicant=judgement.applicant))
        except InvalidRequestError:
            continue
        ranked = [(fits, spelled) for fits, spelled in seen if fits]
        if not ranked:
            continue
        fits, spelled = ranked[-1]
        found = features(fits[0], spelled, language.weighing, service.weights)
        rows.append([found.fit, found.share, found.matched, found.unknown, found.words])
        answerable.append(bool(judgement.relevant))
        elsewhere.append(language.elsewhere.advice(judgement.query) is not None)
    return np.array(rows), np.array(answerable), np.array(elsewhere)


if __name__ == "__main__":
    main()
