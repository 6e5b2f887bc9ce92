"""Noticing that a network has learned to call everything the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samekind.errors import TrainingError

# Similarities that vary by less than this tell nothing apart: float16 weights alone move them by as much.
_LEAST_SPREAD = 1e-3
# No better than guessing, and the loss this near to that of embeddings which are all alike.
_GUESSING = 0.45
_NEAR = 0.01

_ADVICE = (
    "Start another run (--run) with a lower rate (--set optimizer.lr=..., optimizer.pretrained_lr=...), another miner "
    "(objectives.0.miner=semihard) or a smaller margin"
)


def refuse_collapse(similarity: NDArray[np.float32], rate: float, losses: Sequence[tuple[float, float]]) -> None:
    """Make sure that embeddings have not collapsed into one.

    Wu, Manmatha, Smola and Krähenbühl, "Sampling matters in deep embedding learning", ICCV 2017, describe it for
    triplets: the loss then sits at its margin.

    Args:
        similarity: (P,), the cosines of pairs of held-out images.
        rate: The equal error rate of these pairs.
        losses: The loss of each step since the last time, and what it would be with all embeddings alike.

    Raises:
        TrainingError: All similarities are the same, or the loss sits at what it would then be and no class is told
            from another.
    """
    spread = float(similarity.std())
    if not spread >= _LEAST_SPREAD:
        raise TrainingError(
            f"the embeddings have collapsed: all held-out images are equally alike (their similarities vary by "
            f"{spread:.1g}). {_ADVICE}"
        )
    if losses and rate > _GUESSING:
        loss, collapsed = np.median(np.array(losses), axis=0)
        if abs(loss - collapsed) <= _NEAR * abs(collapsed):
            raise TrainingError(
                f"the embeddings have collapsed: the loss sits at {loss:.3g}, where it is if all are alike, and the "
                f"held-out equal error rate is {rate:.0%}. {_ADVICE}"
            )
