"""The public face: load a model, ask whether two or three pictures are the same kind of thing."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.calibration import choose_threshold, pair_probability, trio_probability
from samekind.card import Card, TrioCalibration
from samekind.encoder import OnnxEncoder, Progress
from samekind.errors import ImageError, ModelFileError, OperatingPointError
from samekind.images import ImageSource, as_many
from samekind.model_file import ModelFile, read_model
from samekind.similarity import TRIO_PAIRS, Embeddings, paired_similarity
from samekind.verdict import TrioVerdict, Verdict

Pair = tuple[ImageSource, ImageSource]
Trio = tuple[ImageSource, ImageSource, ImageSource]
_AnyVerdict = TypeVar("_AnyVerdict", Verdict, TrioVerdict)


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    providers: Sequence[str] | None = None,
    threads: int | None = None,
) -> Recognizer:
    """Load a model.

    Args:
        model: The name of a model that comes with samekind, the path of a model file, or None for the default model.
        providers: ONNX Runtime execution providers, best first, such as ``("cuda", "cpu")``. The default is the CPU.
        threads: Threads for computing; the default is one a core.

    Raises:
        ModelFileError: There is no such model, it cannot be used, or a provider is not available.

    Example:
        >>> load().card.name
        'general'
    """
    return Recognizer(read_model(model), providers=providers, threads=threads)


class Recognizer:
    """A loaded model that gives verdicts. Safe to use from several threads.

    Args:
        model: From ``read_model``.
        providers: As ``load`` takes them.
        threads: As ``load`` takes them.

    Raises:
        ModelFileError: The network cannot run, or does not fit the card.

    Attributes:
        card: What the model says of itself.
        encoder: The network.
        seen_images: The images that made the model.
    """

    def __init__(self, model: ModelFile, *, providers: Sequence[str] | None = None, threads: int | None = None) -> None:
        self.card: Card = model.card
        self.seen_images = model.seen_images
        self.encoder = OnnxEncoder(model.data, model.card.name, providers=providers, threads=threads)
        if (self.encoder.input_size, self.encoder.dimension) != (self.card.input_size, self.card.dimension):
            raise ModelFileError(f"{self.card.name}: its network does not fit its card")

    def embed(self, images: ImageSource | Iterable[ImageSource], *, on_progress: Progress | None = None) -> Embeddings:
        """Embed images; one alone, not in a list, counts as one.

        Args:
            images: One image or any number of them (a uint8 array (N, H, W, 3) is N).
            on_progress: Called with the number of images done so far.

        Returns:
            float32 (N, D), unit rows, always two-dimensional.

        Raises:
            ImageError: The first image that cannot be read. (``encoder.stream`` goes on past bad ones.)

        Example:
            >>> load().embed(np.zeros((5, 40, 30, 3), np.uint8)).shape
            (5, 512)
        """
        return self.encoder.encode(as_many(images), on_progress=on_progress)

    def verify(
        self,
        first: ImageSource,
        second: ImageSource,
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
    ) -> Verdict:
        """Do two images show the same kind of thing? The order of the two makes no difference, to the bit.

        Args:
            first: An image, as ``images.load_image`` takes it.
            second: The other.
            operating_point: The name of a threshold of the model; default ``balanced``.
            threshold: A similarity in [-1, 1] instead.

        Raises:
            ImageError: An image cannot be read.
            OperatingPointError: No such operating point, both given, or a threshold out of range.

        Example:
            >>> dark, light = np.zeros((40, 30, 3), np.uint8), np.full((40, 30, 3), 255, np.uint8)
            >>> load().verify(dark, light) == load().verify(light, dark)
            True
        """
        return self.judge_pairs(
            self.embed([first]), self.embed([second]), operating_point=operating_point, threshold=threshold
        )[0]

    def verify_trio(
        self,
        first: ImageSource,
        second: ImageSource,
        third: ImageSource,
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
    ) -> TrioVerdict:
        """Do at least two of three images show the same kind of thing? Their order makes no difference to the answer.

        All three pairs count. The trio has a link and thresholds of its own: to ask whether any pair is above the
        pair threshold would give three chances to err.

        Args:
            first: An image, as ``images.load_image`` takes it.
            second: Another.
            third: The last.
            operating_point: The name of a threshold of the model; default ``balanced``.
            threshold: A probability in [0, 1] instead; the three pairs are then judged at ``balanced``.

        Raises:
            ImageError: An image cannot be read.
            OperatingPointError: No such operating point, both given, a threshold out of range, or a model that
                was calibrated for pairs only.

        Example:
            >>> dark, light = np.zeros((40, 30, 3), np.uint8), np.full((40, 30, 3), 255, np.uint8)
            >>> load().verify_trio(dark, light, dark).most_alike
            (0, 2)
        """
        rows = [self.embed([image]) for image in (first, second, third)]
        return self.judge_trios(*rows, operating_point=operating_point, threshold=threshold)[0]

    def verify_pairs(
        self,
        pairs: Iterable[Pair],
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
        on_progress: Progress | None = None,
    ) -> list[Verdict | ImageError]:
        """Judge many pairs; an image that occurs in several is decoded and embedded once.

        Args:
            pairs: The pairs. Equal paths are one image; other sources are one image if they are the same object.
            operating_point: As ``verify``.
            threshold: As ``verify``.
            on_progress: Called with the number of images embedded so far.

        Returns:
            For each pair its verdict, or the error of its first image that cannot be read.

        Raises:
            OperatingPointError: As ``verify``.

        Example:
            >>> dark = np.zeros((40, 30, 3), np.uint8)
            >>> [type(answer).__name__ for answer in load().verify_pairs([(dark, dark), (dark, "missing.jpg")])]
            ['Verdict', 'ImageError']
        """
        choose_threshold(self.card.pair, operating_point, threshold)  # refuse before the work
        judge = partial(self.judge_pairs, operating_point=operating_point, threshold=threshold)
        return self._judge_many(pairs, judge, on_progress)

    def verify_trios(
        self,
        trios: Iterable[Trio],
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
        on_progress: Progress | None = None,
    ) -> list[TrioVerdict | ImageError]:
        """Judge many trios. As ``verify_pairs``."""
        choose_threshold(self._trio_link(), operating_point, threshold)
        judge = partial(self.judge_trios, operating_point=operating_point, threshold=threshold)
        return self._judge_many(trios, judge, on_progress)

    def judge_pairs(
        self,
        first: Embeddings,
        second: Embeddings,
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
    ) -> list[Verdict]:
        """Verdicts from embeddings: row i of one with row i of the other, float32 (N, D) each.

        Raises:
            OperatingPointError: As ``verify``.
        """
        name, limit = choose_threshold(self.card.pair, operating_point, threshold)
        similarity = paired_similarity(first, second)
        probability = pair_probability(self.card.pair, similarity)
        return [
            Verdict(bool(s >= limit), float(p), float(s), limit, name, self.card.name)
            for s, p in zip(similarity.astype(np.float64), probability, strict=True)
        ]

    def judge_trios(
        self,
        first: Embeddings,
        second: Embeddings,
        third: Embeddings,
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
    ) -> list[TrioVerdict]:
        """Trio verdicts from embeddings, row by row, float32 (N, D) each.

        Raises:
            OperatingPointError: As ``verify_trio``.
        """
        link = self._trio_link()
        name, limit = choose_threshold(link, operating_point, threshold)
        members = (first, second, third)
        # With few held-out images a trio may have an operating point that pairs have not.
        pair_name = name if name in self.card.pair.operating_points else None
        pairs = [self.judge_pairs(members[i], members[j], operating_point=pair_name) for i, j in TRIO_PAIRS]
        similarities: NDArray[np.float64] = np.array([[v.similarity for v in column] for column in pairs]).T
        verdicts = []
        for row, probability in enumerate(trio_probability(link, similarities.reshape(-1, 3))):
            most = int(similarities[row].argmax())
            verdicts.append(
                TrioVerdict(
                    same=bool(probability >= limit),
                    probability=float(probability),
                    similarity=float(similarities[row, most]),
                    threshold=limit,
                    operating_point=name,
                    model=self.card.name,
                    pairs=(pairs[0][row], pairs[1][row], pairs[2][row]),
                    most_alike=TRIO_PAIRS[most],
                )
            )
        return verdicts

    def _trio_link(self) -> TrioCalibration:
        if self.card.trio is None:
            raise OperatingPointError(f"{self.card.name}: calibrated for pairs only, on fewer than three classes")
        return self.card.trio

    def _judge_many(
        self,
        items: Iterable[Iterable[ImageSource]],
        judge: Callable[..., list[_AnyVerdict]],
        on_progress: Progress | None,
    ) -> list[_AnyVerdict | ImageError]:
        listed = [tuple(item) for item in items]  # a row of an array gives new objects each time
        members, bad = self._embed_items(listed, on_progress)
        judged = iter(judge(*members) if len(bad) < len(listed) else ())
        return [bad[i] if i in bad else next(judged) for i in range(len(listed))]

    def _embed_items(
        self, items: Sequence[tuple[ImageSource, ...]], on_progress: Progress | None
    ) -> tuple[tuple[Embeddings, ...], dict[int, ImageError]]:
        """Embed each different image once; then, for items without a bad one, an array for each position."""
        places: dict[Hashable, int] = {}
        sources: list[ImageSource] = []
        for source in chain.from_iterable(items):
            if places.setdefault(_identity(source), len(places)) == len(sources):
                sources.append(source)
        rows = list(self.encoder.stream(sources, on_progress=on_progress))
        good, bad = [], {}
        for index, item in enumerate(items):
            embedded = [rows[places[_identity(source)]] for source in item]
            error = next((row for row in embedded if isinstance(row, ImageError)), None)
            if error is None:
                good.append(embedded)
            else:
                bad[index] = error
        columns = (np.stack(column) for column in zip(*good, strict=True))
        return tuple(columns), bad


def _identity(source: ImageSource) -> Hashable:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else id(source)
