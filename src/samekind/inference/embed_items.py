"""Embedding the images of pairs and trios, each different image once."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from itertools import chain

import numpy as np

from samekind.errors import ImageError
from samekind.images import ImageSource
from samekind.inference.encoder import OnnxEncoder
from samekind.inference.similarity import Embeddings
from samekind.progress import Progress


def embed_items(
    encoder: OnnxEncoder, items: Sequence[tuple[ImageSource, ...]], on_progress: Progress | None
) -> tuple[tuple[Embeddings, ...], dict[int, ImageError]]:
    """Embed each different image of some items once.

    Args:
        encoder: The network.
        items: Pairs, or trios. Equal paths are one image; other sources are one image if they are the same object.
        on_progress: Called with ("images", number embedded, number of different images).

    Returns:
        Of the items without a bad image the embeddings, for each position in an item one float32 (M, D); and of the
        others, by their number, the error of the first image that cannot be read.
    """
    places: dict[Hashable, int] = {}
    sources: list[ImageSource] = []
    for source in chain.from_iterable(items):
        if places.setdefault(_identity(source), len(places)) == len(sources):
            sources.append(source)
    rows = list(encoder.stream(sources, on_progress=on_progress))
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
