from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.folders import LabelledImages
from samekind.evaluation.selection import at_most


@given(st.lists(st.integers(2, 40), min_size=2, max_size=30), st.integers(4, 60), st.integers(0, 99))
def test_the_most_is_a_bound_and_each_class_gives_its_share(sizes: list[int], most: int, seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    names = tuple(f"{i:02}" for i in range(len(sizes)))
    images = LabelledImages(Path("x"), tuple(Path(f"{i}.png") for i in range(len(labels))), labels, names)
    kept = at_most(images, most, seed, frozenset())
    assert len(kept) <= most
    counts = np.bincount(kept.labels, minlength=len(kept.classes))
    assert counts.min() >= 2
    assert len(kept.classes) == min(len(sizes), most // 2 if len(labels) > most else len(sizes))
    assert [names[labels[int(path.stem)]] for path in kept.paths] == [kept.classes[label] for label in kept.labels]
    of = np.array([sizes[int(name)] for name in kept.classes])
    assert (np.diff(counts[np.argsort(of, kind="stable")]) >= 0).all()  # a larger class gives no fewer
