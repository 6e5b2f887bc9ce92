"""The pictures to lay beside a doubtful one: the most alike of its class and of the class that is proposed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings

_SHOWN = 3


def nearest_of(embeddings: Embeddings, place: int, members: NDArray[np.int64]) -> list[int]:
    """The three of some images that are most like one of them or of others, that one itself left out.

    Example:
        >>> nearest_of(np.eye(2, dtype=np.float32)[[0, 1, 0]], 0, np.array([0, 1, 2]))
        [2, 1]
    """
    others = members[members != place]
    order = np.argsort(-(embeddings[others] @ embeddings[place]), kind="stable")
    return [int(other) for other in others[order[:_SHOWN]]]
