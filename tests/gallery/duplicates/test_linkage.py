"""Complete-linkage groups, against SciPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from strategies import unit_rows

from samekind.gallery.duplicates.linkage import dense_groups, linked_groups
from samekind.gallery.duplicates.pairs import Pairs, join_pairs


@given(st.integers(0, 10_000), st.integers(2, 14))
def test_groups_are_the_complete_linkage_of_scipy(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    similarity = rng.permutation(np.linspace(0.05, 0.99, count * (count - 1) // 2))  # no ties
    tree = linkage(1 - similarity, method="complete")
    cut = 0.5
    labels = fcluster(tree, 1 - cut, criterion="distance")
    expected = sorted(group for label in set(labels) if len(group := np.flatnonzero(labels == label).tolist()) > 1)
    square = squareform(similarity)
    first, second = np.nonzero(np.triu(square >= cut, 1))
    assert linked_groups(Pairs(first, second, square[first, second])) == expected


def test_a_chain_of_look_alikes_is_no_group() -> None:
    links = np.arange(9)
    chain = Pairs(links, links + 1, np.linspace(0.9, 0.8, 9).astype(np.float32))
    assert linked_groups(chain) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert linked_groups(join_pairs(iter(()))) == []


def test_clusters_without_a_pair_that_is_alike_enough_are_not_joined() -> None:
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0.9, 0.75, 0.8], np.float32))
    assert linked_groups(pairs, at_least_one=0.85) == [[0, 1]]
    assert linked_groups(pairs, at_least_one=0.8) == [[0, 1, 2]]


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
