"""Pairs of pictures that are worth laying on each other, found without comparing each with each.

Local features vote: those of all pictures are put into cells about some of themselves, and within a cell those whose bits
agree vote for their two pictures; so a cut half, a quarter turn or a mirror image is found. Pictures with few features
are found by their lowest frequencies, in all eight ways to lay one on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.features import BITS, Features, mirrored_bits, signs
from samekind.copies.picture import Picture

Places = NDArray[np.int64]

# The strongest features of each picture vote, in two sets of cells of about so many features each.
_VOTERS, _TABLES, _CELL, _MOST_CELLS = 64, 2, 400, 2048
_BITS_APART = 26
_LEAST_VOTES = 3
# One feature votes for at most so many pictures: the first ones, which are the best of many copies, and the most alike.
_FIRST, _NEAREST = 12, 12
_MOST_PARTNERS = 10
_FREQUENCIES, _LEAST_ALIKE, _BLOCK = 8, 0.95, 1024


def voted_pairs(features: Sequence[Features], seed: int = 0) -> tuple[Places, Places, Places]:
    """Pairs of pictures that share local features, and the number of votes.

    Args:
        features: Of the pictures, those that are likely to be kept first.
        seed: For the choice of cells.

    Returns:
        int64 (P,) thrice: the later of the two, the earlier, the votes; by the later, most votes first.
    """
    bits = [picture.bits[:_VOTERS] for picture in features]
    owner = np.repeat(np.arange(len(bits)), [len(part) for part in bits])
    if len(owner) < 2:
        return _no_pairs()
    all_bits = np.concatenate(bits)
    rng = np.random.default_rng(seed)
    cells = int(np.clip(len(owner) // _CELL, 1, _MOST_CELLS))
    keys = []
    for _ in range(_TABLES):
        centres = signs(all_bits[np.sort(rng.choice(len(owner), cells, replace=False))])
        own = _nearest(all_bits, centres)
        keys.append(_votes(all_bits, own, all_bits, own, owner, len(bits)))
        flipped = mirrored_bits(all_bits)
        keys.append(_votes(flipped, _nearest(flipped, centres), all_bits, own, owner, len(bits)))
    pairs, votes = np.unique(np.concatenate(keys), return_counts=True)
    kept = votes >= _LEAST_VOTES
    later, earlier = np.divmod(pairs[kept], len(bits))
    return _best_partners(later, earlier, votes[kept])


def alike_pairs(greys: Sequence[NDArray[np.uint8]]) -> tuple[Places, Places, Places]:
    """Pairs of whole pictures that are alike in one of the eight ways to lay a rectangle on another.

    Args:
        greys: uint8 (h, w) each, the small pictures.

    Returns:
        As ``voted_pairs``; for votes thousandths of the correlation of the lowest frequencies.
    """
    if len(greys) < 2:
        return _no_pairs()
    waves = np.stack([_waves(grey) for grey in greys])
    flip = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    turned = [w * (flip if x else 1) * (flip[:, None] if y else 1)
              for w in (waves, waves.transpose(0, 2, 1)) for x in (0, 1) for y in (0, 1)]  # fmt: skip
    rows = [w.reshape(len(waves), -1) for w in turned]
    found: list[tuple[Places, Places, Places]] = []
    for start in range(0, len(waves), _BLOCK):
        later = rows[0][start : start + _BLOCK]
        for other in range(0, start + 1, _BLOCK):
            best = np.max([later @ row[other : other + _BLOCK].T for row in rows], axis=0)
            i, j = np.nonzero(best >= _LEAST_ALIKE)
            kept = i + start > j + other
            i, j = i[kept], j[kept]
            found.append((i + start, j + other, (best[i, j] * 1000).astype(np.int64)))
    later, earlier, votes = (np.concatenate(column) for column in zip(*found, strict=True))
    return _best_partners(later, earlier, votes)


def _no_pairs() -> tuple[Places, Places, Places]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)


def _nearest(bits: NDArray[np.uint8], centres: NDArray[np.float32]) -> Places:
    """The cell of each feature."""
    parts = [(signs(bits[i : i + 8192]) @ centres.T).argmax(axis=1) for i in range(0, len(bits), 8192)]
    return np.concatenate(parts)


def _votes(
    bits: NDArray[np.uint8], cell: Places, all_bits: NDArray[np.uint8], all_cells: Places, owner: Places, count: int
) -> Places:
    """Votes of features, as they are or mirrored, for all earlier pictures: later × count + earlier, one a vote."""
    order, others = np.argsort(cell, kind="stable"), np.argsort(all_cells, kind="stable")
    ends, other_ends = (np.searchsorted(c[o], np.arange(all_cells.max() + 2)) for c, o in ((cell, order), (all_cells, others)))
    keys = [np.empty(0, np.int64)]
    for number in range(len(ends) - 1):
        mine = order[ends[number] : ends[number + 1]]
        theirs = others[other_ends[number] : other_ends[number + 1]]
        if not len(mine) or not len(theirs):
            continue
        columns = signs(all_bits[theirs])
        for start in range(0, len(mine), _BLOCK):
            part = mine[start : start + _BLOCK]
            product = signs(bits[part]) @ columns.T
            row, column = np.nonzero((product >= BITS - 2 * _BITS_APART) & (owner[theirs] < owner[part][:, None]))
            row, column = _trimmed(row, column, product[row, column])
            keys.append(owner[part[row]] * count + owner[theirs[column]])
    return np.concatenate(keys)


def _trimmed(row: Places, column: Places, score: NDArray[np.float32]) -> tuple[Places, Places]:
    """Of each row's columns the first and the best."""
    if not len(row):
        return row, column
    first = _rank(row) < _FIRST
    order = np.lexsort((-score, row))
    best = np.empty(len(row), bool)
    best[order] = _rank(row[order]) < _NEAREST
    kept = first | best
    return row[kept], column[kept]


def _rank(sorted_rows: Places) -> Places:
    return np.arange(len(sorted_rows)) - np.searchsorted(sorted_rows, sorted_rows)


def _best_partners(later: Places, earlier: Places, votes: Places) -> tuple[Places, Places, Places]:
    """Each later picture's partners with the most votes, most first."""
    order = np.lexsort((earlier, -votes, later))
    later, earlier, votes = later[order], earlier[order], votes[order]
    kept = _rank(later) < _MOST_PARTNERS
    return later[kept], earlier[kept], votes[kept]


def _waves(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The lowest frequencies of a picture squashed to a square, float32 (8, 8), of length 1 and without the mean."""
    small = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves: NDArray[np.float32] = cv2.dct(small)[:_FREQUENCIES, :_FREQUENCIES].copy()
    waves[0, 0] = 0
    return waves / max(float(np.linalg.norm(waves)), 1e-3)


def partners(*found: tuple[Places, Places, Places]) -> Iterator[tuple[int, list[int]]]:
    """Each picture and the earlier ones that it may be a copy of, of several ways to find them, the likeliest first."""
    lists: dict[int, list[int]] = {}
    for later, earlier, _ in found:
        for one, other in zip(later.tolist(), earlier.tolist(), strict=True):
            lists.setdefault(one, []).append(other)
    for one in sorted(lists):
        yield one, list(dict.fromkeys(lists[one]))


def partners_of(query: Picture, features: Sequence[Features], greys: Sequence[NDArray[np.uint8]]) -> list[int]:
    """The pictures that one may be a copy of, the likeliest first.

    Args:
        query: The one.
        features: Of the pictures.
        greys: uint8 (h, w) each, the small pictures in grey.
    """
    votes = np.zeros(len(features), np.int64)
    counts = [min(_VOTERS, len(part)) for part in features]
    if len(query.features) and sum(counts):
        owner = np.repeat(np.arange(len(features)), counts)
        theirs = np.concatenate([part.bits[:_VOTERS] for part in features])
        mine = np.concatenate([query.features.bits, mirrored_bits(query.features.bits)])
        for start in range(0, len(theirs), 8192):
            product = signs(theirs[start : start + 8192]) @ signs(mine).T
            agree = product.max(axis=1) >= BITS - 2 * _BITS_APART
            np.add.at(votes, owner[start : start + 8192][agree], 1)
    by_votes = np.argsort(-votes, kind="stable")[:_MOST_PARTNERS]
    wave = _waves(query.grey)
    flip = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    ways = np.stack([w * (flip if x else 1) * (flip[:, None] if y else 1)
                     for w in (wave, wave.T) for x in (0, 1) for y in (0, 1)]).reshape(8, -1)  # fmt: skip
    alike = np.array([float((ways @ _waves(grey).ravel()).max()) for grey in greys])
    by_look = np.argsort(-alike, kind="stable")[:_MOST_PARTNERS]
    listed = [i for i in by_votes.tolist() if votes[i] >= _LEAST_VOTES] + [i for i in by_look.tolist() if alike[i] >= _LEAST_ALIKE]
    return list(dict.fromkeys(listed))
