"""Groups in which everything is like everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import unit_rows

from samekind.gallery.duplicates.linkage import dense_groups


@given(unit_rows(30, 3), st.floats(-0.5, 0.95))
def test_dense_groups_hold_only_what_is_alike_and_are_not_split_for_nothing(rows: np.ndarray, threshold: float) -> None:
    groups = dense_groups(rows, threshold)
    members = [row for group in groups for row in group]
    assert len(members) == len(set(members))
    cosine = rows @ rows.T
    for group in groups:
        assert cosine[np.ix_(group, group)].min() >= threshold - 1e-5
    alone = set(range(30)) - set(members)
    for row in alone:  # nothing that came before it and is alone too could have taken it
        assert all(cosine[row, other] < threshold + 1e-5 for other in alone if other < row)
