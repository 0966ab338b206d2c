"""``python -m bench.tune``: tune the weights of search/ranking.yaml on the tuning half of the judgements.

Coordinate ascent: each number in turn is tried a step up and a step down, and kept where the tuning half gets better.
Prints the weights that are better than those in the file, with what each gained; writing them into the file, with the
reason beside each, is left to a person. The held-out half is never read here.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from banshi.composition import Application
from banshi.settings import Settings
from search import evaluation, ranking
from search.service import SearchService

JUDGEMENTS = Path(__file__).parents[1] / "tests" / "search" / "judgements" / "tuning.jsonl"
STEP = 1.3
_FIXED = ("exact_score", "exact_stripped_score", "name_fields")
_WHOLE = ("names_enough", "words_enough", "bigrams_enough", "sounds_enough")
_SHARES = ("minimum_share", "telling_share", "field_tie", "sound_share", "fit_enough")

_service: SearchService


def main() -> None:
    """Tune and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.tune", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--step", type=float, default=STEP)
    arguments = parser.parse_args()
    weights = ranking.load_weights().model_dump()
    with multiprocessing.get_context("spawn").Pool(2, initializer=_start) as pool:
        best = pool.apply(objective, (weights,))
        print(f"start {best:.4f}", flush=True)
        for turn in range(arguments.rounds):
            for path in _numbers(weights):
                candidates = [
                    _changed(weights, path, value) for value in _tries(path, _at(weights, path), arguments.step)
                ]
                values = pool.map(objective, candidates)
                value, candidate = max(zip(values, candidates, strict=True), key=lambda pair: pair[0])
                if value > best + 0.0003:
                    print(
                        f"{turn} {'.'.join(path)} {_at(weights, path):g} -> {_at(candidate, path):g}: "
                        f"{best:.4f} -> {value:.4f}",
                        flush=True,
                    )
                    best, weights = value, candidate
    print(weights)


def _start() -> None:
    global _service, _judgements  # noqa: PLW0603 - how a pool's worker keeps what its initializer made
    _service = Application(Settings()).search_on("embedded")
    _judgements = [j for j in evaluation.load(JUDGEMENTS) if j.relevant]


_judgements: list[evaluation.Judgement]


def objective(values: dict[str, Any]) -> float:
    """One number for the tuning half: the first must be right, the others in good order."""
    _service.weights = ranking.Weights.model_validate(values)
    figures = evaluation.evaluate(
        _judgements, lambda judgement: evaluation.shown_by(_service.search, judgement)
    ).overall
    assert figures.success_1 is not None
    assert figures.success_3 is not None
    assert figures.ndcg_10 is not None
    return 0.35 * figures.success_1 + 0.3 * figures.success_3 + 0.35 * figures.ndcg_10


def _numbers(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        if key in _FIXED:
            continue
        if isinstance(value, dict):
            yield from _numbers(value, (*path, key))
        elif isinstance(value, int | float):
            yield (*path, key)


def _tries(path: tuple[str, ...], value: float, step: float) -> list[float]:
    if path[-1] in _WHOLE:
        return [value + 1, max(1, value - 1)]
    if path[-1] in _SHARES:
        return [min(1.0, value * step), value / step]
    return [value * step, value / step]


def _at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def _changed(values: dict[str, Any], path: tuple[str, ...], value: float) -> dict[str, Any]:
    if len(path) == 1:
        return {**values, path[0]: value}
    return {**values, path[0]: _changed(values[path[0]], path[1:], value)}


if __name__ == "__main__":
    main()
