"""Lists of pairs and trios whose answers somebody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.lists import PAIR_COLUMNS, TRIO_COLUMNS
from samekind.datasets.manifest import TEST
from samekind.datasets.sampling import GENUINE, IMPOSTOR, TRIO_COMPOSITIONS
from samekind.datasets.tables import read_rows
from samekind.errors import DatasetError

ANSWER = "same"
_ANSWERS = dict.fromkeys(("1", "yes", "true", "same"), True) | dict.fromkeys(("0", "no", "false", "different"), False)
# Of each answer, to fit a calibration by; a half has five then.
FEWEST_ANSWERS = 10
# A trio two of which are alike, of a list that does not say which.
ALIKE, NONE_ALIKE = "alike", "ABC"


@dataclass(frozen=True)
class ListedItems:
    """Items of a list with their answers.

    Attributes:
        source: The list, as it was named.
        paths: The different images in it.
        items: int64 (N, 2) or (N, 3), each an index into ``paths``.
        kind: str (N,): genuine or impostor; for trios the composition, or ``ALIKE``.
    """

    source: Path
    paths: tuple[Path, ...]
    items: NDArray[np.int64]
    kind: NDArray[np.str_]

    def subset(self, chosen: NDArray[np.bool_]) -> ListedItems:
        """Some of the items, under the same paths.

        Raises:
            DatasetError: All that are left have one answer.
        """
        kept = ListedItems(self.source, self.paths, self.items[chosen], self.kind[chosen])
        kept.check()
        return kept

    @property
    def same(self) -> NDArray[np.bool_]:
        """Bool (N,), the answers."""
        return np.asarray(~np.isin(self.kind, (IMPOSTOR, NONE_ALIKE)), np.bool_)

    def check(self) -> None:
        """Make sure that there are items of both answers.

        Raises:
            DatasetError: There are not.
        """
        if self.same.all() or not self.same.any():
            only = "yes" if len(self.same) and self.same.all() else "no"
            raise DatasetError(
                f"{self.source}: all {len(self.same):,} answers are {only}; error rates need items of both answers"
            )


def read_pairs(path: Path, part: str = TEST) -> ListedItems:
    """Read a CSV list of pairs with the columns first, second and same (1 or 0, yes or no).

    If it has a column ``split`` with rows of the part (for testing, or to train on), only these count, so that a list
    of ``samekind data pairs`` can be given as it is. Paths are relative to the list's folder.

    Raises:
        DatasetError: It cannot be read; an image is missing; a row has no answer or names an image twice; or all
            answers
            are the same.
    """
    return _read(path, PAIR_COLUMNS, {True: GENUINE, False: IMPOSTOR}, part)


def read_trios(path: Path) -> ListedItems:
    """Read a CSV list of trios with the columns first, second, third and same: whether at least two are alike.

    A column ``composition`` (AAA, AAB, ABA, BAA or ABC) says which. In all else as ``read_pairs``.
    """
    return _read(path, TRIO_COLUMNS, {True: ALIKE, False: NONE_ALIKE}, TEST)


def _read(path: Path, columns: Sequence[str], kinds: dict[bool, str], part: str) -> ListedItems:
    names, rows = read_rows(path, (*columns, ANSWER))
    if "split" in names and any(row["split"] == part for _, row in rows):
        rows = [(line, row) for line, row in rows if row["split"] == part]
    places: dict[Path, int] = {}
    items, kind = [], []
    missing: list[tuple[int, Path]] = []
    for line, row in rows:
        answer = _ANSWERS.get(row[ANSWER].strip().lower())
        if answer is None:
            raise DatasetError(f"{path}: line {line} has the answer {row[ANSWER]!r}; write 1 or 0, yes or no")
        images = [path.parent / row[column] for column in columns]
        if len(set(images)) < len(images):
            raise DatasetError(f"{path}: line {line} has one image twice, which says nothing of a model")
        missing += [(line, image) for image in images if image not in places and not image.is_file()]
        items.append([places.setdefault(image, len(places)) for image in images])
        composition = row.get("composition", "")
        if len(columns) == 3 and composition in TRIO_COMPOSITIONS and (composition != NONE_ALIKE) != answer:
            raise DatasetError(f"{path}: line {line} has the answer {row[ANSWER]} and the composition {composition}")
        kind.append(composition if len(columns) == 3 and composition in TRIO_COMPOSITIONS else kinds[answer])
    if missing:
        line, image = missing[0]
        more = f", and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DatasetError(
            f"{path}: line {line}: no such file {image}{more} (paths are relative to {path.parent}, the list's folder)"
        )
    listed = ListedItems(path, tuple(places), np.array(items, np.int64), np.array(kind, np.str_))
    listed.check()
    return listed
