import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.training.testing import worst_classes


@given(st.integers(2, 5), st.integers(0, 1000), st.floats(-0.5, 0.9))
def test_the_worst_classes_are_those_of_counting_every_pair(classes: int, seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    labels = np.sort(np.concatenate([np.arange(classes), np.arange(classes), rng.integers(0, classes, 6)]))
    rows = rng.normal(size=(len(labels), 3)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names = tuple(f"class {i}" for i in range(classes))
    found = worst_classes(rows, labels, names, threshold, most=classes)
    same = rows @ rows.T >= threshold
    expected = {}
    for label, name in enumerate(names):
        inside = [same[i, j] for i in range(len(rows)) for j in range(i) if labels[i] == labels[j] == label]
        outside = [same[i, j] for i in range(len(rows)) for j in range(len(rows)) if labels[i] == label != labels[j]]
        expected[name] = (np.mean(inside), np.mean(outside))
    assert {rate.name for rate in found} == set(names)
    for rate in found:
        assert (rate.tar, rate.far) == (pytest.approx(expected[rate.name][0]), pytest.approx(expected[rate.name][1]))
    goodness = [rate.tar - rate.far for rate in found]
    assert goodness == sorted(goodness)
    assert worst_classes(rows, labels, names, threshold) == found[:2]
