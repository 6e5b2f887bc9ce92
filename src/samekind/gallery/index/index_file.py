"""The file of an index, mapped into memory, and what FAISS finds in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.gallery.store.vectors import Ids
from samekind.inference.similarity import Embeddings
from samekind.system.atomic import replacing

# How many more are asked for where too few are what is wanted.
_WIDER = 8
# What a gallery says of its index: ``file``, ``generation``, ``factory`` string, ``recall``, ``space``; its ``rows``.
Facts = dict[str, Any]


def read_facts(text: str | None) -> Facts:
    """The facts from their text in the gallery; none if there was never an index."""
    facts: Facts = json.loads(text) if text else {}
    return facts


def write_index(index: Any, path: Path) -> None:
    """Write an index, whole or not at all.

    Raises:
        OSError: The file cannot be written, because the disk is full, say.
    """
    # FAISS itself takes only names that are UTF-8, and on Windows only ASCII; and it has no words for a full disk.
    with replacing(path, own=True) as temporary, temporary.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]  # not in its stubs


def _faiss_can_open(path: Path) -> bool:
    """Whether FAISS takes a file's name, and so can map it; any other file is read into memory."""
    name = str(path)
    return name.isascii() or (os.name != "nt" and not any("\ud800" <= c <= "\udfff" for c in name))


class IndexFile:
    """An index that is searched for the ids of images.

    Args:
        index: An index that ``index_factory`` made of ``IDMap,...``.

    Attributes:
        exact: True if its similarities are those of the embeddings themselves.
        complete: True if it looks at all of them.
        dimension: D of the embeddings.
        ids: The ids at its places, int64 (N,), rising.
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        # To translate ids, FAISS calls all its threads together for each search, and waits for the last to come.
        # On a busy machine that takes a hundred times as long as to search some lists of an IVF.
        self._inner: Any = faiss.downcast_index(index.index)
        # A subclass may compress.
        self.exact = type(self._inner) in (faiss.IndexFlat, faiss.IndexFlatIP, faiss.IndexIVFFlat)
        self.complete = type(self._inner) in (faiss.IndexFlat, faiss.IndexFlatIP)
        self.dimension: int = index.d
        self._ids = np.append(faiss.vector_to_array(index.id_map), -1)  # the last is for "none", place -1
        self.ids: Ids = self._ids[:-1]

    @classmethod
    def open(cls, folder: Path, facts: Facts) -> Self | None:
        """The index; None if there is none or it cannot be read, for it is only a help."""
        path = folder / str(facts.get("file"))
        if not path.is_file():
            return None
        # FAISS maps inverted lists by one flag and everything else by another.
        flag = faiss.IO_FLAG_MMAP if "IVF" in facts["factory"] else faiss.IO_FLAG_MMAP_IFC
        try:
            if _faiss_can_open(path):
                return cls(faiss.read_index(str(path), flag))
            with path.open("rb") as file:
                return cls(faiss.read_index(faiss.PyCallbackIOReader(file.read)))  # type: ignore[attr-defined]
        except (RuntimeError, OSError):
            return None

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, queries: Embeddings, k: int) -> tuple[NDArray[np.float32], Ids]:
        """The places of the k most alike of each query: similarities and places, where there is none -1."""
        similarity: NDArray[np.float32]
        found: Ids
        similarity, found = self._inner.search(queries, k)
        return similarity, found

    def neighbours(
        self, queries: Embeddings, k: int, dropped: Ids, among: Ids | None = None
    ) -> tuple[NDArray[np.float32], Ids]:
        """The k most alike of each query, by what the index has of them.

        Args:
            queries: float32 (Q, D), unit rows.
            k: The number of them.
            dropped: The ids to leave out.
            among: The ids to look among, rising; None is all. An approximate index may find fewer than there are.

        Returns:
            Similarities and ids, float32 and int64 (Q, k or more). Where there is none the id is -1.
        """
        if among is not None:
            return self._among(queries, k, np.setdiff1d(among, dropped))
        if not len(dropped):
            similarity, found = self.places(queries, k)
            return similarity, self._ids[found]
        if isinstance(self._inner, faiss.IndexFlat):
            return self._selected(queries, k, faiss.IDSelectorNot(faiss.IDSelectorBatch(dropped)))
        # Other kinds take their selector each in a way of its own.
        similarity, found = self._inner.search(queries, min(k + len(dropped), max(len(self), k)))
        ids = self._ids[found]
        return similarity, np.where(np.isin(ids, dropped), -1, ids)

    def _selected(self, queries: Embeddings, k: int, selector: Any) -> tuple[NDArray[np.float32], Ids]:
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # added to the class from Python
        # pytorch-metric-learning, in the same process, wraps FAISS for torch; that wrapper takes no parameters.
        search = getattr(self._index, "search_numpy", self._index.search)
        similarity, found = search(queries, k, params=parameters)
        return similarity, found

    def _among(self, queries: Embeddings, k: int, wanted: Ids) -> tuple[NDArray[np.float32], Ids]:
        if isinstance(self._inner, faiss.IndexFlat):
            return self._selected(queries, k, faiss.IDSelectorBatch(wanted))
        most = k
        while True:  # the nearest of all, ever more of them, until so many as are wanted are among them
            most = min(max(k, len(self)), most * _WIDER)
            similarity, found = self._inner.search(queries, most)
            ids = self._ids[found]
            ids = np.where(np.isin(ids, wanted), ids, -1)
            enough = (ids >= 0).sum(axis=1).min() >= k
            if enough or most >= len(self) or (found < 0).any():
                return similarity, ids
