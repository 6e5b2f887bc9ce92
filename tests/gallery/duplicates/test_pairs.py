"""All pairs above a similarity, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import unit_rows

from samekind.gallery.duplicates import pairs as pairs_module
from samekind.gallery.duplicates.pairs import Pairs, join_pairs, similar_pairs


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@given(unit_rows(23), st.floats(-0.9, 0.95), st.sampled_from([1, 4, 7, 50]))
def test_pairs_are_those_of_brute_force_whatever_the_block(rows: np.ndarray, threshold: float, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_module, "_BLOCK", block)
        found = join_pairs(similar_pairs(rows, threshold))
        among = join_pairs(similar_pairs(rows[:9], threshold, rows[9:]))
    exact = rows.astype(np.float64) @ rows.T.astype(np.float64)
    sure = {(i, j) for i in range(23) for j in range(i + 1, 23) if exact[i, j] >= threshold + 1e-5}
    maybe = {(i, j) for i in range(23) for j in range(i + 1, 23) if exact[i, j] >= threshold - 1e-5}
    assert sure <= as_set(found) <= maybe
    assert len(found.first) == len(as_set(found))
    assert found.similarity == pytest.approx(exact[found.first, found.second], abs=1e-5)
    expected = {(i, j) for i in range(9) for j in range(14) if exact[i, 9 + j] >= threshold + 1e-5}
    assert expected <= as_set(among)


def test_progress_ends_with_all_rows() -> None:
    calls: list[int] = []
    list(similar_pairs(np.eye(5, dtype=np.float32), 0.5, on_progress=calls.append))
    assert calls == [5]
