"""From a model file to the embeddings of images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from samekind.errors import ArgumentError, ImageError, ModelFileError
from samekind.images import ImageSource
from samekind.inference.arguments import image_list
from samekind.inference.encoder import DEFAULT_BATCH_SIZE, OnnxEncoder
from samekind.inference.similarity import Embeddings, paired_similarity
from samekind.model_file.card import Card
from samekind.model_file.file import ModelFile, write_model
from samekind.progress import Progress
from samekind.system.paths import given_path


class Embedded(NamedTuple):
    """The embeddings of those images that could be read, and what became of the others.

    Attributes:
        embeddings: float32 (M, D), unit rows, in the order of the images.
        positions: intp (M,), ascending: which image each row is of, from 0, so that ``labels[positions]`` fits them.
        errors: By position, why each other image could not be read.
    """

    embeddings: Embeddings
    positions: NDArray[np.intp]
    errors: dict[int, ImageError]


class Embedder:
    """A loaded model that embeds images. What the embeddings mean, ``Recognizer`` says.

    Args:
        model: From ``read_model``.
        providers: ONNX Runtime execution providers, best first, or one.
        threads: Threads for computing; None for one on each core that this process may use.

    Raises:
        ModelFileError: The network cannot run, or does not fit the card.

    Attributes:
        card: What the model says of itself.
        encoder: The network.
        seen_images: The images that made the model.
    """

    def __init__(
        self, model: ModelFile, *, providers: str | Sequence[str] | None = None, threads: int | None = None
    ) -> None:
        self._model = model
        self._providers, self._threads = providers, threads
        self.card: Card = model.card
        self.seen_images = model.seen_images
        self.encoder = OnnxEncoder(model.data, model.card.name, providers=providers, threads=threads, card=model.card)
        if (self.encoder.input_size, self.encoder.dimension) != (self.card.input_size, self.card.dimension):
            raise ModelFileError(f"{self.card.name}: its network does not fit its card")

    @property
    def model_file(self) -> ModelFile:
        """The model file that this runs, in memory."""
        return self._model

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.card.name!r}: {self.card.backbone}, {self.card.dimension} dimensions>"

    @overload
    def embed(
        self,
        images: ImageSource | Iterable[ImageSource],
        *,
        batch_size: int = ...,
        on_error: Literal["raise"] = ...,
        on_progress: Progress | None = ...,
    ) -> Embeddings: ...
    @overload
    def embed(
        self,
        images: ImageSource | Iterable[ImageSource],
        *,
        batch_size: int = ...,
        on_error: Literal["skip"],
        on_progress: Progress | None = ...,
    ) -> Embedded: ...
    def embed(
        self,
        images: ImageSource | Iterable[ImageSource],
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        on_error: Literal["raise", "skip"] = "raise",
        on_progress: Progress | None = None,
    ) -> Embeddings | Embedded:
        """Embed images; one alone, not in a list, counts as one.

        Args:
            images: One image or any number of them (a uint8 array (N, H, W, 3) is N).
            batch_size: Images for each run of the network. It changes the speed and the memory, and no embedding.
            on_error: What becomes of an image that cannot be read: ``raise`` its error, or ``skip`` it and say so.
            on_progress: Called with ("images", number done, number of all or 0).

        Returns:
            float32 (N, D), unit rows, always two-dimensional; with ``on_error="skip"`` always an ``Embedded``, whose
            ``positions`` say which image each of its rows is of.

        Raises:
            ImageError: The first image that cannot be read, unless such are skipped.
            ArgumentError: ``images`` is a table, the batch holds no image, or ``on_error`` is neither word.

        Example:
            >>> import samekind
            >>> model, grey = samekind.load(), np.zeros((40, 30), np.uint8)
            >>> model.embed([grey] * 5).shape
            (5, 512)
            >>> rows, positions, errors = model.embed(["gone.jpg", grey], on_error="skip")
            >>> rows.shape, positions.tolist(), str(errors[0])
            ((1, 512), [1], 'gone.jpg: no such file')
        """
        if on_error not in {"raise", "skip"}:
            raise ArgumentError(f"on_error is 'raise' or 'skip', not {on_error!r}")
        sources = image_list(images)
        if on_error == "raise":
            return self.encoder.encode(sources, batch_size=batch_size, on_progress=on_progress)
        rows = list(self.encoder.stream(sources, batch_size=batch_size, on_progress=on_progress))
        errors = {i: row for i, row in enumerate(rows) if isinstance(row, ImageError)}
        good = [row for row in rows if not isinstance(row, ImageError)]
        embeddings = np.stack(good) if good else np.empty((0, self.card.dimension), np.float32)
        return Embedded(embeddings, np.array([i for i in range(len(rows)) if i not in errors], np.intp), errors)

    def similarity(self, first: ImageSource, second: ImageSource) -> float:
        """The cosine of the embeddings of two images, in [-1, 1]; higher is more alike.

        Raises:
            ImageError: An image cannot be read.

        Example:
            >>> import samekind
            >>> dark = np.zeros((40, 30, 3), np.uint8)
            >>> round(samekind.load().similarity(dark, dark), 5)
            1.0
        """
        return float(paired_similarity(self._embed_one(first), self._embed_one(second))[0])

    def save(self, path: str | os.PathLike[str]) -> Card:
        """Write the model as one file, whole or not at all; its stem becomes the model's name. The card as written.

        Raises:
            OSError: The file cannot be written.

        Example:
            >>> import samekind, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     samekind.load().save(f"{folder}/mine.onnx").name
            'mine'
        """
        output = given_path(path, ArgumentError)
        card = self.card.model_copy(update={"name": output.stem})
        return write_model(output, self._model.data, card, self.seen_images)

    def _embed_one(self, image: ImageSource) -> Embeddings:
        return self.encoder.encode([image])
