"""Finding the copies of one picture in a gallery, again and again, without reading all of it each time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.candidates import partners_of
from samekind.copies.features import Features
from samekind.copies.picture import unpacked_features
from samekind.gallery.duplicates.matches import Match, judged_copies
from samekind.gallery.duplicates.pictures.picture_files import PictureFile, read_picture_files
from samekind.gallery.store.facts import generation
from samekind.gallery.store.store import Store

# Of the small pictures only their lowest frequencies are asked for, which are those of so small a square.
_SIDE = 24


class CopyFinder:
    """Finds copies in a gallery. It holds what proposes candidates, about 3.5 kB an image, until the gallery changes.

    Safe to use from several threads, and while another process writes.

    Args:
        store: The gallery's file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: _Held | None = None
        self._guard = threading.Lock()

    def forget(self) -> None:
        """Let go of what is held."""
        self._held = None

    def find(self, query: PictureFile) -> list[Match]:
        """What ``find_copies`` finds among all files of the gallery."""
        held = self._now()
        places = partners_of(query.picture, held.features, held.greys) if held.ids else []
        wanted = {held.ids[place]: rank for rank, place in enumerate(places)}
        same = self._ids_of_content(query.row.sha256)
        files = read_picture_files(self._store, ids=[*dict.fromkeys([*same, *wanted])])
        likeliest = sorted(files, key=lambda file: wanted.get(file.row.id, -1))
        return judged_copies(query, likeliest)

    def _ids_of_content(self, sha256: str | None) -> list[int]:
        if sha256 is None:
            return []
        query = "SELECT id FROM images WHERE sha256 = ? AND embedding IS NOT NULL"
        with self._store.reading() as db:
            return [row for (row,) in db.execute(query, (bytes.fromhex(sha256),))]

    def _now(self) -> _Held:
        with self._guard:  # one thread reads what is new; the others wait for it
            with self._store.reading() as db:
                state = (db.identity, generation(db))
            if self._held is None or self._held.state != state:
                # A disk may come back without a change of the gallery; ``find`` looks at the files each time.
                files = [file for file in read_picture_files(self._store, changed_too=True) if file.kept[0]]
                self._held = _Held(
                    state,
                    [file.row.id for file in files],
                    _Unpacked([file.kept[1] for file in files]),
                    [cv2.resize(file.picture.grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for file in files],
                )
            return self._held


@dataclass(frozen=True)
class _Held:
    """What proposes candidates.

    Attributes:
        state: The gallery's file and its generation, by which a change is noticed.
        ids: Of the images.
        features: Of the images.
        greys: uint8 (24, 24) each, the small pictures squashed.
    """

    state: tuple[object, int]
    ids: list[int]
    features: Sequence[Features]
    greys: list[NDArray[np.uint8]]


class _Unpacked(Sequence[Features]):
    """Features as they are kept, unpacked when they are asked for."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, place: int) -> Features: ...
    @overload
    def __getitem__(self, place: slice) -> _Unpacked: ...
    def __getitem__(self, place: int | slice) -> Features | _Unpacked:
        return _Unpacked(self._packed[place]) if isinstance(place, slice) else unpacked_features(self._packed[place])
