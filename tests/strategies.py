"""Hypothesis strategies and oracles that several test modules share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_curve

from samekind.evaluation.metrics.curve import ErrorCurve


def unit_rows(count: int, dimension: int = 8) -> st.SearchStrategy[np.ndarray]:
    """float32 (count, dimension) arrays with rows of unit length."""
    values = st.floats(-1, 1, width=32, allow_subnormal=False)
    raw = arrays(np.float32, (count, dimension), elements=values)
    return raw.map(_normalised)


def _normalised(raw: np.ndarray) -> np.ndarray:
    raw = raw + np.where(np.abs(raw).sum(axis=1, keepdims=True) < 1e-3, 1.0, 0.0).astype(np.float32)
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def pixels(side: int = 16) -> st.SearchStrategy[np.ndarray]:
    """uint8 (side, side, 3) images."""
    return arrays(np.uint8, (side, side, 3))


def scored_answers(lowest: int = 4, most: int = 60) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Scores (with many ties), answers of both kinds, and positive weights."""

    @st.composite
    def build(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = draw(st.integers(lowest, most))
        scores = draw(arrays(np.float64, size, elements=st.sampled_from(np.linspace(0, 1, 9))))
        same = draw(arrays(np.bool_, size))
        same[0], same[1] = True, False
        weights = draw(arrays(np.float64, size, elements=st.floats(0.1, 5)))
        return scores, same, weights

    return build()


def curve_by_scikit_learn(scores: np.ndarray, same: np.ndarray, weights: np.ndarray | None = None) -> ErrorCurve:
    """The ROC curve at every threshold."""
    far, tar, threshold = roc_curve(same, scores, sample_weight=weights, drop_intermediate=False)
    return ErrorCurve(threshold, far, tar)


def rates_by_counting(
    scores: np.ndarray, same: np.ndarray, threshold: float, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """(FAR, TAR) of judging yes at or above a threshold."""
    mass = np.ones(len(scores)) if weights is None else weights
    accepted = scores >= threshold
    no, yes = mass * ~same, mass * same
    return float((accepted * no).sum() / no.sum()), float((accepted * yes).sum() / yes.sum())
