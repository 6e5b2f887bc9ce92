"""The public face: load a model, ask whether two or three pictures are the same kind of thing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path

from samekind.adaptation.adaptation import adapt, adapted_model, refuse_unmeasured
from samekind.adaptation.bare import bare_model
from samekind.adaptation.pictures import Pictures, are_embeddings, bare_embeddings
from samekind.errors import AdaptationError, ImageError
from samekind.explain.explainer import Explainer
from samekind.explain.explanation import Explanation, Method
from samekind.images import ImageSource
from samekind.inference.arguments import image_items
from samekind.inference.embedder import Embedder
from samekind.inference.judging import judge_items, pair_verdicts, trio_verdicts
from samekind.inference.similarity import Embeddings
from samekind.inference.verdict import TrioVerdict, Verdict, remember_pictures
from samekind.model_file.calibration import choose_threshold
from samekind.model_file.card import pair_calibration_of, trio_calibration_of
from samekind.model_file.file import read_model
from samekind.progress import Progress

Pair = tuple[ImageSource, ImageSource]
Trio = tuple[ImageSource, ImageSource, ImageSource]


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    providers: str | Sequence[str] | None = None,
    threads: int | None = None,
) -> Recognizer:
    """Load a model.

    Args:
        model: The name of a model that comes with samekind, the path of a model file, its address on a hub
            (``hf://owner/name@revision/file``; extra ``hub``), or None for the default model.
        providers: ONNX Runtime execution providers, best first, such as ``("cuda", "cpu")``, or one. The default is the
            CPU.
        threads: Threads for computing; the default is one for each core that this process may use.

    Raises:
        ModelFileError: There is no such model, it cannot be used, or a provider is not available.
        HubError: It cannot be fetched.
        ArgumentError: The threads are no number of threads.

    Example:
        >>> load().card.name
        'general'
    """
    return Recognizer(read_model(model), providers=providers, threads=threads)


class Recognizer(Embedder):
    """A loaded model that gives verdicts. Safe to use from several threads, and in forked processes.

    It can be pickled, and then holds the whole model file: give it to each process of a pool once (``initializer``),
    with ``threads=1`` where there is a process for each core.
    """

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
            >>> import numpy as np
            >>> dark, light = np.zeros((40, 30, 3), np.uint8), np.full((40, 30, 3), 255, np.uint8)
            >>> load().verify(dark, light) == load().verify(light, dark)
            True
        """
        choose_threshold(pair_calibration_of(self.card), operating_point, threshold)  # refuse before the work
        rows = [self._embed_one(image) for image in (first, second)]
        [verdict] = self.judge_pairs(*rows, operating_point=operating_point, threshold=threshold)
        remember_pictures(verdict, (first, second))
        return verdict

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

        All three pairs count. The trio has a calibration and thresholds of its own: to ask whether any pair is above
        the pair threshold would give three chances to err.

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
            >>> import numpy as np
            >>> dark, light = np.zeros((40, 30, 3), np.uint8), np.full((40, 30, 3), 255, np.uint8)
            >>> load().verify_trio(dark, light, dark).most_alike
            (0, 2)
        """
        choose_threshold(trio_calibration_of(self.card), operating_point, threshold)
        rows = [self._embed_one(image) for image in (first, second, third)]
        [verdict] = self.judge_trios(*rows, operating_point=operating_point, threshold=threshold)
        remember_pictures(verdict, (first, second, third))
        return verdict

    def explain(
        self, first: ImageSource, second: ImageSource, third: ImageSource | None = None, *, method: Method | None = None
    ) -> Explanation:
        """Where the similarity of two images comes from, or that of each pair of three.

        Args:
            first: An image, as ``images.load_image`` takes it.
            second: Another.
            third: One more, or None; with it the verdict is that on the trio.
            method: ``contributions``, which add up to the similarity exactly, or ``occlusion``, which takes a hundred
                runs; None takes contributions where the network allows them, which the models of samekind do.

        Raises:
            ImageError: An image cannot be read.
            ArgumentError: There is no such method, or this network has no contributions.
            OperatingPointError: Three images, and a model that was calibrated for pairs only.

        Example:
            >>> import numpy as np
            >>> rng = np.random.default_rng(0)
            >>> model, (a, b) = load(), rng.integers(0, 255, (2, 40, 30, 3), np.uint8)
            >>> [pair] = model.explain(a, b).pairs
            >>> pair.maps[0].shape, pair.contributions.shape
            ((7, 7), (7, 7, 7, 7))
            >>> bool(abs(pair.contributions.sum() - model.similarity(a, b)) < 1e-4)
            True
        """
        pair_calibration_of(self.card)  # refuse before the work
        if third is None:
            return self.explainer.explain(
                (first, second), lambda rows: self.judge_pairs(rows[:1], rows[1:])[0], method=method
            )
        trio_calibration_of(self.card)
        return self.explainer.explain(
            (first, second, third),
            lambda rows: self.judge_trios(rows[:1], rows[1:2], rows[2:])[0],
            method=method,
        )

    @cached_property
    def explainer(self) -> Explainer:
        """What explains verdicts of this model; it opens the network a second time when it is first used."""
        return Explainer(self._model, self.encoder, providers=self._providers, threads=self._threads)

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
            on_progress: Called with ("images", number embedded, number of different images).

        Returns:
            For each pair its verdict, or the error of its first image that cannot be read.

        Raises:
            OperatingPointError: As ``verify``.
            ArgumentError: These are no pairs, but text, a table, a flat list of images or the like.

        Example:
            >>> import numpy as np
            >>> dark = np.zeros((40, 30, 3), np.uint8)
            >>> [type(answer).__name__ for answer in load().verify_pairs([(dark, dark), (dark, "missing.jpg")])]
            ['Verdict', 'ImageError']
        """
        choose_threshold(pair_calibration_of(self.card), operating_point, threshold)
        judge = partial(self.judge_pairs, operating_point=operating_point, threshold=threshold)
        return judge_items(self.encoder, image_items(pairs, 2), judge, on_progress)

    def verify_trios(
        self,
        trios: Iterable[Trio],
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
        on_progress: Progress | None = None,
    ) -> list[TrioVerdict | ImageError]:
        """Judge many trios. As ``verify_pairs``."""
        choose_threshold(trio_calibration_of(self.card), operating_point, threshold)
        judge = partial(self.judge_trios, operating_point=operating_point, threshold=threshold)
        return judge_items(self.encoder, image_items(trios, 3), judge, on_progress)

    def judge_pairs(
        self,
        first: Embeddings,
        second: Embeddings,
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
    ) -> list[Verdict]:
        """Verdicts from embeddings: row i of one with row i of the other, float32 (N, D) each, unit rows.

        Raises:
            OperatingPointError: As ``verify``.
            EmbeddingError: The embeddings are of another size, not of unit length, not finite, or not as many.
        """
        return pair_verdicts(self.card, first, second, operating_point, threshold)

    def judge_trios(
        self,
        first: Embeddings,
        second: Embeddings,
        third: Embeddings,
        *,
        operating_point: str | None = None,
        threshold: float | None = None,
    ) -> list[TrioVerdict]:
        """Trio verdicts from embeddings, row by row, float32 (N, D) each, unit rows.

        Raises:
            OperatingPointError: As ``verify_trio``.
            EmbeddingError: As ``judge_pairs``.
        """
        return trio_verdicts(self.card, (first, second, third), operating_point, threshold)

    def adapt(
        self,
        pictures: Pictures,
        *,
        name: str | None = None,
        source: str | None = None,
        on_progress: Progress | None = None,
        on_unreadable: Callable[[ImageError], None] | None = None,
    ) -> Recognizer:
        """A model that judges among pictures like these: what they all have in common no longer counts.

        No labels are needed. Twenty pictures serve, 200 are better; they should be as different from each other as
        those that will be judged.

        Args:
            pictures: A folder (with its subfolders; of more than 500 pictures, 500), images, a ``Gallery``, or
                embeddings of this model, float32 (N, D). A model that is adapted already takes no embeddings.
            name: The name of the new model; None keeps this one's.
            source: What the card calls the pictures; None is the folder's name, or their number.
            on_progress: Called with ("images", number done, number of all or 0).
            on_unreadable: Called with the error of each image that cannot be read, which is left out.

        Returns:
            Another recognizer; this one stays as it is.

        Raises:
            AdaptationError: There are fewer than ten different readable pictures, the embeddings are another model's,
                or the model cannot be adapted.

        Example:
            >>> import numpy as np
            >>> rng = np.random.default_rng(0)
            >>> mine = load().adapt(list(rng.integers(0, 255, (12, 40, 30, 3), np.uint8)))
            >>> mine.card.adapted.pictures
            12
        """
        refuse_unmeasured(self.card)  # before the pictures are read
        bare = bare_model(self._model)
        as_it_is = self.card.adapted is None
        embedder = self if as_it_is else Embedder(bare, providers=self._providers, threads=self._threads)
        if not as_it_is and are_embeddings(pictures):
            raise AdaptationError(f"{self.card.name}: adapted already; embed with the bare model, or give images")
        rows = bare_embeddings(embedder, pictures, on_progress, on_unreadable)
        if source is None:
            source = f"{len(rows)} pictures"
            if isinstance(pictures, str | os.PathLike):
                source = Path(pictures).resolve().name
        adapted = adapted_model(bare, adapt(rows, bare.card, source), name or self.card.name)
        return Recognizer(adapted, providers=self._providers, threads=self._threads)
