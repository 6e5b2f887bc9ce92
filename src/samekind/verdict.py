"""The answers for a pair and for a trio."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The answer for a pair.

    Attributes:
        same: Whether the two are judged to share a class.
        probability: Calibrated P(same), in [0, 1], for a world where both answers are equally common.
        similarity: Cosine of the embeddings, in [-1, 1].
        threshold: ``same`` is ``similarity >= threshold``.
        operating_point: The name of the threshold, or None if it was given as a number.
        model: The name of the model.
    """

    same: bool
    probability: float
    similarity: float
    threshold: float
    operating_point: str | None
    model: str


@dataclass(frozen=True)
class TrioVerdict:
    """The answer for a trio: do at least two of the three share a class?

    Attributes:
        same: Whether at least two are judged to share a class.
        probability: Calibrated P(at least two alike), in [0, 1], where both answers are equally common.
        similarity: That of the pair most alike.
        threshold: ``same`` is ``probability >= threshold``.
        operating_point: The name of the threshold, or None if it was given as a number.
        model: The name of the model.
        pairs: The verdicts of the pairs (first, second), (first, third), (second, third), each judged alone.
        most_alike: Which two images are most alike, by position: (0, 1), (0, 2) or (1, 2).
    """

    same: bool
    probability: float
    similarity: float
    threshold: float
    operating_point: str | None
    model: str
    pairs: tuple[Verdict, Verdict, Verdict]
    most_alike: tuple[int, int]
