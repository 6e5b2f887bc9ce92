"""Groups in which everything is like everything: complete linkage, so that a chain of look-alikes is no group."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.duplicates.pairs import Pairs
from samekind.similarity import Embeddings

_BLOCK = 512


def linked_groups(pairs: Pairs, at_least_one: float = -1.0) -> list[list[int]]:
    """Complete-linkage clusters of sparse similarities, cut where pairs are missing.

    Sørensen, "A method of establishing groups of equal amplitude in plant sociology", 1948. The two clusters whose
    least similar members are the most alike are joined, for as long as every pair between them is listed.

    Args:
        pairs: Those that may be in one group; what is not listed may not.
        at_least_one: Clusters are joined only if a pair between them is at least so alike.

    Returns:
        The groups of at least two, each sorted, in the order of their first member.

    Example:
        >>> chain = Pairs(np.array([0, 1]), np.array([1, 2]), np.array([0.9, 0.8], np.float32))
        >>> linked_groups(chain)
        [[0, 1]]
    """
    # Of each two clusters: the similarity of their least alike members, and of their most alike.
    links: dict[int, dict[int, tuple[float, float]]] = {}
    for first, second, similarity in zip(*(column.tolist() for column in pairs), strict=True):
        links.setdefault(first, {})[second] = (similarity, similarity)
        links.setdefault(second, {})[first] = (similarity, similarity)
    members = {item: [item] for item in links}
    queue = [(-least, i, j) for i, others in links.items() for j, (least, _) in others.items() if i < j]
    heapq.heapify(queue)
    following = max(links, default=-1) + 1
    while queue:
        falling, one, other = heapq.heappop(queue)
        least, most = links.get(one, {}).get(other, (0.0, -2.0))
        if least != -falling or most < at_least_one:
            continue  # one of the two has been joined to another since, or they may not be
        joined, following = following, following + 1
        first, second = links.pop(one), links.pop(other)
        members[joined] = members.pop(one) + members.pop(other)
        for neighbour in (first.keys() | second.keys()) - {one, other}:
            theirs = links[neighbour]
            theirs.pop(one, None)
            theirs.pop(other, None)
        links[joined] = {}
        for neighbour in (first.keys() & second.keys()) - {one, other}:
            least = min(first[neighbour][0], second[neighbour][0])
            links[joined][neighbour] = links[neighbour][joined] = (
                least,
                max(first[neighbour][1], second[neighbour][1]),
            )
            heapq.heappush(queue, (-least, neighbour, joined))
    return sorted(sorted(group) for group in members.values() if len(group) > 1)


def dense_groups(
    vectors: Embeddings, threshold: float, *, on_progress: Callable[[int, int], None] | None = None
) -> list[list[int]]:
    """Groups whose members are all at least ``threshold`` alike, where pairs are too many to be listed.

    Row by row: each joins the group whose least similar member is the most alike, or begins one. Unlike
    ``linked_groups`` it depends on the order of the rows. Memory grows with N, time with N × N.

    Args:
        vectors: float32 (N, D), unit rows.
        threshold: A cosine, in [-1, 1].
        on_progress: Called with the number of rows done and the number of all.

    Returns:
        The groups of at least two, each sorted, in the order of their first member.

    Example:
        >>> dense_groups(np.array([[1, 0], [0, 1], [1, 0]], np.float32), 0.5)
        [[0, 2]]
    """
    group_of = np.empty(len(vectors), np.int64)
    groups: list[list[int]] = []
    for start in range(0, len(vectors), _BLOCK):
        similarity = vectors[start : start + _BLOCK] @ vectors[: start + _BLOCK].T
        for row, values in enumerate(similarity, start):
            least = _least_of_groups(values[:row], group_of[:row], len(groups))
            best = int(least.argmax()) if groups else -1
            if best < 0 or least[best] < threshold:
                best = len(groups)
                groups.append([])
            groups[best].append(row)
            group_of[row] = best
        if on_progress:
            on_progress(min(start + _BLOCK, len(vectors)), len(vectors))
    return [group for group in groups if len(group) > 1]


def _least_of_groups(values: NDArray[np.float32], group_of: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    least = np.full(count, np.inf, np.float32)
    np.minimum.at(least, group_of, values)
    return least
