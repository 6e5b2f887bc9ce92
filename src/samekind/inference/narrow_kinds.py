"""Whether a bare model's rates can be trusted on two or three pictures, or all are of one narrow kind."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card, NarrowKinds

_REMEDY = "the error rates do not hold among such pictures; judge them among 20 or more of your own"


def doubts(card: Card, *members: Embeddings) -> list[str | None]:
    """Why the rates of a card may not hold for each pair or trio, in one line; None where they should.

    Args:
        card: A model's.
        members: Two or three of float32 (N, D), unit rows: the first of each pair, the second, ...

    Example:
        >>> from samekind.model_file.file import read_model
        >>> rows = np.eye(2, 512, dtype=np.float32)
        >>> doubts(read_model("imagenette").card, rows[:, :128], rows[:, :128])
        [None, None]
    """
    narrow = card.narrow
    if narrow is None:
        return [None] * len(members[0])
    lead = np.minimum.reduce([_lead(narrow, rows) for rows in members])
    nearest = lead.argmax(axis=1)
    return [
        f"all look like {narrow.names[kind]}, and {_REMEDY}" if of_kind[kind] > narrow.margin else None
        for kind, of_kind in zip(nearest.tolist(), lead, strict=True)
    ]


def pack(names: Sequence[str], prototypes: Sequence[Embeddings], margin: float) -> NarrowKinds:
    """Prototypes as a card keeps them.

    Args:
        names: The names of the kinds; everyday pictures last.
        prototypes: The prototypes of each kind, float32 (K, D), unit rows.
        margin: As ``NarrowKinds`` has it.
    """
    rows = np.concatenate(prototypes)
    scaled = np.rint(127 * rows / np.abs(rows).max(axis=1, keepdims=True)).astype(np.int8)
    return NarrowKinds(
        names=tuple(names),
        kinds=tuple(kind for kind, own in enumerate(prototypes) for _ in own),
        prototypes=base64.b64encode(scaled.tobytes()).decode(),
        margin=margin,
    )


def _lead(narrow: NarrowKinds, rows: Embeddings) -> NDArray[np.float32]:
    """How much nearer each image is to each narrow kind than to everyday pictures, in cosines: float32 (N, kinds)."""
    similarity = rows @ _unpacked(narrow).T
    kinds = np.array(narrow.kinds)
    nearest = np.stack([similarity[:, kinds == kind].max(axis=1) for kind in range(len(narrow.names))], axis=1)
    lead: NDArray[np.float32] = nearest[:, :-1] - nearest[:, -1:]
    return lead


@lru_cache(maxsize=8)
def _unpacked(narrow: NarrowKinds) -> Embeddings:
    rows = np.frombuffer(base64.b64decode(narrow.prototypes), np.int8).reshape(len(narrow.kinds), -1).astype(np.float32)
    unit: Embeddings = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
