"""Verdicts from embeddings, by the calibration of a model's card."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.errors import EmbeddingError, ImageError
from samekind.images import ImageSource
from samekind.inference.embed_items import embed_items
from samekind.inference.encoder import OnnxEncoder
from samekind.inference.narrow_kinds import doubts
from samekind.inference.similarity import TRIO_PAIRS, Embeddings, checked_embeddings, paired_similarity
from samekind.inference.verdict import TrioVerdict, Verdict, remember_pictures
from samekind.model_file.calibration import choose_threshold, pair_probability, trio_probability
from samekind.model_file.card import Card, pair_calibration_of, trio_calibration_of
from samekind.progress import Progress

_AnyVerdict = TypeVar("_AnyVerdict", Verdict, TrioVerdict)
_NAMES = ("the first embeddings", "the second embeddings", "the third embeddings")


def pair_verdicts(
    card: Card, first: Embeddings, second: Embeddings, operating_point: str | None, threshold: float | None
) -> list[Verdict]:
    """As ``Recognizer.judge_pairs``."""
    name, limit = choose_threshold(pair_calibration_of(card), operating_point, threshold)
    first, second = _checked(card, first, second)
    return _pairs(card, first, second, name, limit)


def trio_verdicts(
    card: Card, members: tuple[Embeddings, ...], operating_point: str | None, threshold: float | None
) -> list[TrioVerdict]:
    """As ``Recognizer.judge_trios``."""
    calibration, of_pairs = trio_calibration_of(card), pair_calibration_of(card)
    name, limit = choose_threshold(calibration, operating_point, threshold)
    rows = _checked(card, *members)
    # With few held-out images a trio may have an operating point that pairs have not.
    pair_name = name if name in of_pairs.operating_points else None
    pair_name, pair_limit = choose_threshold(of_pairs, pair_name, None)
    pairs = [_pairs(card, rows[i], rows[j], pair_name, pair_limit) for i, j in TRIO_PAIRS]
    similarities: NDArray[np.float64] = np.array([[v.similarity for v in column] for column in pairs]).T
    verdicts = []
    doubt = doubts(card, *rows)
    for row, probability in enumerate(trio_probability(calibration, similarities.reshape(-1, 3))):
        most = int(similarities[row].argmax())
        verdicts.append(
            TrioVerdict(
                same=bool(probability >= limit),
                probability=float(probability),
                similarity=float(similarities[row, most]),
                threshold=limit,
                operating_point=name,
                model=card.name,
                pairs=(pairs[0][row], pairs[1][row], pairs[2][row]),
                most_alike=TRIO_PAIRS[most],
                rates_from=calibration.measured_on.kind_of_pictures,
                doubt=doubt[row],
            )
        )
    return verdicts


def judge_items(
    encoder: OnnxEncoder,
    items: Sequence[tuple[ImageSource, ...]],
    judge: Callable[..., list[_AnyVerdict]],
    on_progress: Progress | None,
) -> list[_AnyVerdict | ImageError]:
    """The verdict on each pair or trio, by ``judge`` from the embeddings, or the error of its first bad image."""
    members, bad = embed_items(encoder, items, on_progress)
    judged = iter(judge(*members) if len(bad) < len(items) else ())
    verdicts = [bad[i] if i in bad else next(judged) for i in range(len(items))]
    for verdict, item in zip(verdicts, items, strict=True):
        # Not arrays and the like, which a million verdicts would keep in memory.
        if not isinstance(verdict, ImageError) and all(isinstance(image, str | os.PathLike) for image in item):
            remember_pictures(verdict, item)
    return verdicts


def _pairs(card: Card, first: Embeddings, second: Embeddings, name: str | None, limit: float) -> list[Verdict]:
    similarity = paired_similarity(first, second)
    calibration = pair_calibration_of(card)
    probability = pair_probability(calibration, similarity)
    rates_from = calibration.measured_on.kind_of_pictures
    return [
        Verdict(bool(s >= limit), float(p), float(s), limit, name, card.name, rates_from, doubt)
        for s, p, doubt in zip(similarity.astype(np.float64), probability, doubts(card, first, second), strict=True)
    ]


def _checked(card: Card, *members: Embeddings) -> tuple[Embeddings, ...]:
    checked = tuple(checked_embeddings(rows, card.dimension, name) for rows, name in zip(members, _NAMES, strict=False))
    if len(counts := {len(rows) for rows in checked}) > 1:
        raise EmbeddingError(f"as many embeddings on each side are needed, not {min(counts)} and {max(counts)}")
    return checked
