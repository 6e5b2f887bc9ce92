"""What a similarity loses when a part of a picture is hidden: for any network, at the cost of many runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.images import Pixels
from samekind.inference.encoder import DEFAULT_BATCH_SIZE, OnnxEncoder
from samekind.inference.similarity import Embeddings

# Places along a side, and how many of them a hidden square is wide: it must hide a thing, and not only a part of it.
GRID, _WIDE = 7, 2


def hidden_squares(pixels: Pixels) -> Pixels:
    """A picture with a square hidden at each place: uint8 (GRID × GRID, S, S, 3).

    What is hidden gets the picture's mean colour (Zeiler and Fergus, "Visualizing and understanding convolutional
    networks", 2014, hide by grey).

    Args:
        pixels: uint8 (S, S, 3).
    """
    size = len(pixels)
    hidden = np.repeat(pixels[None], GRID * GRID, axis=0)
    colour = pixels.mean(axis=(0, 1)).astype(np.uint8)
    for place in range(GRID * GRID):
        top, left = ((index + 0.5 - _WIDE / 2) * size / GRID for index in divmod(place, GRID))
        side = _WIDE * size / GRID
        rows, columns = (slice(max(0, round(start)), round(start + side)) for start in (top, left))
        hidden[place, rows, columns] = colour
    return hidden


def embeddings_of_hidden(encoder: OnnxEncoder, pixels: Pixels) -> Embeddings:
    """The embeddings of a picture with each place hidden in turn, row by row: float32 (GRID × GRID, D)."""
    hidden = hidden_squares(pixels)
    batches = range(0, len(hidden), DEFAULT_BATCH_SIZE)
    rows = [encoder.encode_pixels(hidden[start : start + DEFAULT_BATCH_SIZE]) for start in batches]
    return np.concatenate(rows)


def loss_map(hidden: Embeddings, whole: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of the similarity to another picture is lost with each place: float32 (GRID, GRID).

    Args:
        hidden: float32 (GRID × GRID, D), from ``embeddings_of_hidden``, adapted where the others are.
        whole: float32 (D,), the embedding of the picture as it is.
        other: float32 (D,), that of the other picture.
    """
    lost: NDArray[np.float32] = np.float32(whole @ other) - hidden @ other
    return lost.reshape(GRID, GRID)
