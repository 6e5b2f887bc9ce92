"""The verdicts on a pair and on a trio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samekind.images import ImageSource


class _Judged:
    """What the two kinds of verdicts have in common: their truth is ``same``, and they know their pictures."""

    # Not a field: the verdicts on the same embeddings are equal, whether or not the pictures are at hand.
    _pictures: tuple[ImageSource, ...] = ()

    if TYPE_CHECKING:
        same: bool
        probability: float
        threshold: float
        operating_point: str | None
        model: str
        rates_from: str
        doubt: str | None

    def __bool__(self) -> bool:
        """The verdict itself, so that ``if model.verify(a, b):`` does what it says."""
        return self.same

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_pictures"}

    def _repr_html_(self) -> str:
        """The verdict with its pictures, for a notebook."""
        from samekind.inference.notebook import verdict_html  # noqa: PLC0415 - it draws pictures, which few verdicts need

        point = f"threshold {self.threshold:.2f}, {self.operating_point or 'given'}; model {self.model}"
        rates = f"; rates measured on {self.rates_from}" if self.rates_from else ""
        details = f"p={self.probability:.2f}, {self._similarities()} ({point}{rates})"
        if self.doubt:
            details += f". {self.doubt}"
        return verdict_html(self.same, self._word(), details, self._pictures)

    def _word(self) -> str:
        raise NotImplementedError

    def _similarities(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._word()}, p={self.probability:.2f}, {self._similarities()}>"


@dataclass(frozen=True, repr=False)
class Verdict(_Judged):
    """The verdict on a pair. It is true or false as ``same`` is.

    Attributes:
        same: Whether the two are judged to share a class.
        probability: Calibrated P(same), in [0, 1], for a world where both answers are equally common.
        similarity: Cosine of the embeddings, in [-1, 1].
        threshold: ``same`` is ``similarity >= threshold``.
        operating_point: The name of the threshold, or None if it was given as a number.
        model: The name of the model.
        rates_from: The pictures that the error rates at the threshold were measured on, in plain words.
        doubt: Why the error rates may not hold for these pictures and what to do, in one line; None where they should.

    Example:
        >>> Verdict(True, 0.98, 0.45, 0.28, "balanced", "general")
        <Verdict: same, p=0.98, similarity 0.45>
    """

    same: bool
    probability: float
    similarity: float
    threshold: float
    operating_point: str | None
    model: str
    rates_from: str = ""
    doubt: str | None = None

    def _word(self) -> str:
        return "same" if self.same else "different"

    def _similarities(self) -> str:
        return f"similarity {self.similarity:.2f}"


@dataclass(frozen=True, repr=False)
class TrioVerdict(_Judged):
    """The verdict on a trio: do at least two of the three share a class? It is true or false as ``same`` is.

    Attributes:
        same: Whether at least two are judged to share a class.
        probability: Calibrated P(at least two alike), in [0, 1], where both answers are equally common.
        similarity: That of the pair most alike.
        threshold: ``same`` is ``probability >= threshold``.
        operating_point: The name of the threshold, or None if it was given as a number.
        model: The name of the model.
        pairs: The verdicts of the pairs (first, second), (first, third), (second, third), each judged by itself.
        most_alike: Which two images are most alike, by position: (0, 1), (0, 2) or (1, 2).
        rates_from: Whose the rates are, as of a ``Verdict``.
        doubt: Why they may not hold, as of a ``Verdict``.
    """

    same: bool
    probability: float
    similarity: float
    threshold: float
    operating_point: str | None
    model: str
    pairs: tuple[Verdict, Verdict, Verdict]
    most_alike: tuple[int, int]
    rates_from: str = ""
    doubt: str | None = None

    def _word(self) -> str:
        return "two alike" if self.same else "none alike"

    def _similarities(self) -> str:
        return "similarities " + ", ".join(f"{pair.similarity:.2f}" for pair in self.pairs)


def remember_pictures(verdict: Verdict | TrioVerdict, sources: Sequence[ImageSource]) -> None:
    """Let a verdict know where its pictures are, to show them in a notebook."""
    object.__setattr__(verdict, "_pictures", tuple(sources))
