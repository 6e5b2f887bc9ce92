"""Explaining verdicts of one model: exactly where its network allows it, else by hiding."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.adaptation import Adaptation
from samekind.errors import ArgumentError
from samekind.explain.contributions import contributions, correspondences, maps_of
from samekind.explain.explanation import ExplainedPair, Explanation, Method
from samekind.explain.occlusion import embeddings_of_hidden, loss_map
from samekind.explain.places import PlacedEmbedding, placed_embeddings
from samekind.explain.pooling import PooledNetwork, pooled_network
from samekind.images import DecodedImage, ImageSource, Pixels, Square, read_image
from samekind.images.tensors import is_tensor, tensor_pixels
from samekind.inference.encoder import OnnxEncoder
from samekind.inference.similarity import TRIO_PAIRS, Embeddings, paired_similarity
from samekind.inference.verdict import TrioVerdict, Verdict, remember_pictures
from samekind.model_file.file import ModelFile

Judge = Callable[[Embeddings], Verdict | TrioVerdict]
_METHODS = ("contributions", "occlusion")


class Explainer:
    """Explains the verdicts of one model. The network is opened a second time, at the first use, to look inside.

    Args:
        model: The model file.
        encoder: Its network.
        providers: As ``load`` takes them.
        threads: As ``load`` takes them.
    """

    def __init__(
        self,
        model: ModelFile,
        encoder: OnnxEncoder,
        *,
        providers: str | Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        self._model, self._encoder = model, encoder
        self._providers, self._threads = providers, threads

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in {"_network", "_inside"}}

    @property
    def adds_up(self) -> bool:
        """Whether the network seems to have contributions that add up to the similarity."""
        return self._network is not None

    @cached_property
    def _network(self) -> PooledNetwork | None:
        return pooled_network(self._model.data, self._model.card.name)

    @cached_property
    def _inside(self) -> OnnxEncoder:
        """The network, with what the explanation needs as further outputs."""
        taps = () if self._network is None else self._network.taps
        name = self._model.card.name
        return OnnxEncoder(
            self._model.data, name, providers=self._providers, threads=self._threads, taps=taps, card=self._model.card
        )

    def explain(self, images: Sequence[ImageSource], judge: Judge, *, method: Method | None = None) -> Explanation:
        """Explain the verdict on two or three images.

        Args:
            images: The images, as ``images.load_image`` takes them.
            judge: Gives the verdict on their embeddings, float32 (2 or 3, D).
            method: Of the two; None takes contributions where the network allows them.

        Raises:
            ImageError: An image cannot be read.
            ArgumentError: There is no such method, or this network has no contributions.
        """
        self._refuse(method)
        decoded = [_decoded(image, self._encoder.square) for image in images]
        names = [_name(image, place) for place, image in enumerate(images)]
        return self.explain_decoded(decoded, names, judge, method=method)

    def explain_decoded(
        self,
        images: Sequence[DecodedImage],
        names: Sequence[str],
        judge: Judge,
        *,
        method: Method | None = None,
        adaptation: Adaptation | None = None,
    ) -> Explanation:
        """As ``explain``, for images that were decoded and squashed already.

        Args:
            images: The images.
            names: What they are called.
            judge: As ``explain``.
            method: As ``explain``.
            adaptation: One that is not in the network itself.

        Raises:
            ArgumentError: As ``explain``.
        """
        self._refuse(method)
        pixels = tuple(image.pixels for image in images)
        placed = None if method == "occlusion" else self._placed(np.stack(pixels), adaptation)
        if placed is None and method == "contributions":
            raise ArgumentError(f"{self._model.card.name}: its network does not pool and project; use occlusion")
        if placed is not None:
            rows = np.stack([found.embedding for found in placed])
            pairs = [_by_contributions(placed, pair) for pair in _pairs(len(images))]
        else:
            rows, pairs = self._by_occlusion(pixels, adaptation)
        verdict = judge(rows)
        remember_pictures(verdict, pixels)
        adapted = self._model.card.adapted if adaptation is None else adaptation.about
        return Explanation(
            verdict,
            tuple(pairs),
            "occlusion" if placed is None else "contributions",
            tuple(names),
            pixels,
            tuple(self._seen_size(image) for image in images),
            adapted.source if adapted else None,
        )

    def _seen_size(self, image: DecodedImage) -> tuple[int, int]:
        """Width and height of what the network sees of an image."""
        left, upper, right, lower = self._encoder.square.box(image.width, image.height)
        return max(1, round(right - left)), max(1, round(lower - upper))

    def _refuse(self, method: Method | None) -> None:
        if method not in {None, *_METHODS}:
            raise ArgumentError(f"an explanation is by {' or '.join(_METHODS)}, not by {method!r}")

    def _placed(self, pixels: Pixels, adaptation: Adaptation | None) -> list[PlacedEmbedding] | None:
        if self._network is None:
            return None
        embeddings, taps = self._inside.encode_pixels_with_taps(pixels)
        found = placed_embeddings(self._network, embeddings, dict(zip(self._network.taps, taps, strict=True)))
        return found if found is None or adaptation is None else [one.less(adaptation.offset) for one in found]

    def _by_occlusion(
        self, pixels: tuple[Pixels, ...], adaptation: Adaptation | None
    ) -> tuple[Embeddings, list[ExplainedPair]]:
        rows = self._encoder.encode_pixels(np.stack(pixels))
        hidden = [embeddings_of_hidden(self._encoder, picture) for picture in pixels]
        if adaptation is not None:
            rows, hidden = adaptation.apply(rows), [adaptation.apply(of_picture) for of_picture in hidden]
        pairs = []
        for i, j in _pairs(len(pixels)):
            maps = loss_map(hidden[i], rows[i], rows[j]), loss_map(hidden[j], rows[j], rows[i])
            pairs.append(ExplainedPair((i, j), _similarity(rows[i], rows[j]), maps))
        return rows, pairs


def _pairs(pictures: int) -> tuple[tuple[int, int], ...]:
    return TRIO_PAIRS if pictures == 3 else TRIO_PAIRS[:1]


def _by_contributions(placed: Sequence[PlacedEmbedding], pair: tuple[int, int]) -> ExplainedPair:
    first, second = (placed[i] for i in pair)
    found = contributions(first, second)
    similarity = _similarity(first.embedding, second.embedding)
    return ExplainedPair(pair, similarity, maps_of(found), found, correspondences(found))


def _similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(paired_similarity(first[None], second[None])[0])


def _decoded(source: ImageSource, square: Square) -> DecodedImage:
    return read_image(tensor_pixels(source) if is_tensor(source) else source, square)


def _name(source: ImageSource, place: int) -> str:
    return Path(source).name if isinstance(source, str | os.PathLike) else "abc"[place]
