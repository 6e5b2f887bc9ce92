"""The public face of galleries: open, sync, search, and what to do with the rows."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from samekind.calibration import pair_probability
from samekind.card import Card
from samekind.errors import GalleryError, ModelFileError
from samekind.gallery.describe import DescribingEncoder
from samekind.gallery.folders import folder_prefix, remove_images, under
from samekind.gallery.index import Snapshot, advised_index, build_index, index_facts, stale_share, take_snapshot
from samekind.gallery.rows import Row, read_rows
from samekind.gallery.store import Store, set_about, transaction
from samekind.gallery.sync import SyncProgress, SyncReport, sync_folder
from samekind.images import ImageSource
from samekind.model_file import DEFAULT_MODEL, ModelFile, bundled_models, read_model
from samekind.recognizer import Recognizer
from samekind.similarity import Embeddings

# While a sync goes on the index is made anew when it lacks so many rows, and half of all; at its end, 1 %.
_REBUILD_ABOVE = 50_000


@dataclass(frozen=True)
class Hit:
    """An image of the gallery that is like the query.

    Attributes:
        path: The file, ready to open.
        similarity: Cosine of the embeddings, in [-1, 1].
        probability: Calibrated P(same kind), in [0, 1], for a world where both answers are equally common.
        image: What the gallery knows of it.
    """

    path: Path
    similarity: float
    probability: float
    image: Row


@dataclass(frozen=True)
class Status:
    """What a gallery holds.

    Attributes:
        path: The gallery's file.
        images: Images that can be searched.
        unreadable: Files that cannot be read as images, with the reason.
        folders: The folders that were synced, relative to the gallery's folder.
        model: The name of its model; None before the first sync.
        fingerprint: Of its model.
        dimension: D of its embeddings.
        bytes: The size of the gallery's file and index on the disk.
        index: The FAISS factory string of its index.
        index_behind: Embeddings that the index lacks or has for nothing; a search is right nevertheless.
        advised_index: The factory string that suits its size.
    """

    path: Path
    images: int
    unreadable: list[tuple[str, str]]
    folders: list[str]
    model: str | None
    fingerprint: str | None
    dimension: int | None
    bytes: int
    index: str | None
    index_behind: int
    advised_index: str


class Gallery:
    """The images of one or more folders, in one SQLite file. ``Gallery.open`` opens it.

    Searching is safe from several threads, and while another process syncs. ``sync`` and ``remove`` are for one at a
    time: whoever comes second gets a ``GalleryError`` that names the first.
    """

    def __init__(self, store: Store, model: str | os.PathLike[str] | None, recognizer: Recognizer | None) -> None:
        self._store = store
        self._wanted_model = model
        self._recognizer = recognizer
        self._encoder: DescribingEncoder | None = None
        self._snapshot: Snapshot | None = None
        self._guard = threading.RLock()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        model: str | os.PathLike[str] | None = None,
        recognizer: Recognizer | None = None,
        read_only: bool = False,
    ) -> Self:
        """Open a gallery, or begin one.

        Args:
            path: The gallery's file, by custom ``NAME.samekind``; made if it is missing, unless ``read_only``.
            model: A model by name or path, as ``samekind.load`` takes it. None is the gallery's own, and the default
                model for a new gallery.
            recognizer: A loaded model to embed queries with, rather than load it again.
            read_only: Never write; the file must be there.

        Raises:
            GalleryError: The file is missing or no gallery, or its images were embedded by another model.
            ModelFileError: There is no such model.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder, Gallery.open(f"{folder}/photos.samekind") as gallery:
            ...     len(gallery)
            0
        """
        store = Store(path, read_only=read_only)
        try:
            gallery = cls(store, model, recognizer)
            if recognizer is not None:
                gallery._refuse_other_model(recognizer.card)
            elif model is not None:
                gallery._refuse_other_model(read_model(model).card)
        except BaseException:
            store.close()
            raise
        return gallery

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._store.close()
        self._snapshot = None

    def __len__(self) -> int:
        """The number of images that can be searched."""
        with self._store.reading() as db:
            return int(db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0])

    def __iter__(self) -> Iterator[Row]:
        """The rows, unreadable files too, in the order of their paths."""
        return read_rows(self._store)

    def image(self, image_id: int) -> Row:
        """One row by its id.

        Raises:
            GalleryError: There is none.
        """
        for row in read_rows(self._store, [image_id]):
            return row
        raise GalleryError(f"{self._store.path}: no image {image_id}")

    @property
    def path(self) -> Path:
        """The gallery's file."""
        return self._store.path

    @property
    def card(self) -> Card:
        """The card of the gallery's model, as it was at the last sync.

        Raises:
            GalleryError: Nothing was synced yet.
        """
        text = self._store.about("card")
        if text is None:
            raise GalleryError(f"{self._store.path}: holds no images yet; `samekind index FOLDER` fills it")
        return Card.model_validate_json(text)

    @property
    def model(self) -> str:
        """The name or path of the gallery's model, as ``samekind.load`` takes it.

        Raises:
            GalleryError: Nothing was synced yet.
        """
        _ = self.card
        return str(self._store.about("model"))

    def sync(
        self,
        folder: str | os.PathLike[str],
        *,
        index: str | None = None,
        on_progress: SyncProgress | None = None,
    ) -> SyncReport:
        """Bring the gallery in step with a folder: new, changed, moved and deleted files.

        It may be stopped at any moment, by whatever means; the next one goes on where it stood.

        Args:
            folder: Its images, in subfolders too. A gallery may hold several folders.
            index: A FAISS factory string such as ``Flat``, ``IVF4096,Flat`` or ``HNSW32``; None keeps the kind there
                is, which is exact (``Flat``) at first.
            on_progress: Called with the number of files looked at and the number to look at.

        Raises:
            GalleryError: The folder is missing or suddenly empty, the gallery belongs to another model, somebody else
                is writing, or FAISS knows no such index.
        """
        with self._store.writing() as db:
            self._remember_model(db)
            report = sync_folder(
                self._store,
                db,
                Path(folder),
                self._describing_encoder,
                on_progress=on_progress,
                after_batch=lambda: self._keep_index_up(db, None, least=_REBUILD_ABOVE, share=0.5),
            )
            self._keep_index_up(db, index, least=0, share=0.01)
        return report

    def remove(self, folder: str | os.PathLike[str]) -> int:
        """Take a folder's images out of the gallery; the files stay. How many they were.

        Raises:
            GalleryError: The gallery has no images of that folder, or somebody else is writing.
        """
        prefix = folder_prefix(self._store.folder, Path(folder))
        with self._store.writing() as db:
            removed = remove_images(db, under(prefix))
            where, parameters = under(prefix)
            with transaction(db):
                listed = db.execute(f"DELETE FROM folders WHERE {where}", parameters).rowcount
            if not removed and not listed:
                raise GalleryError(
                    f"{self._store.path}: has no images of {folder}; `samekind status` lists its folders"
                )
            self._keep_index_up(db, None, least=0, share=0.01)
        return removed

    def search(self, image: ImageSource, k: int = 20, *, min_probability: float | None = None) -> list[Hit]:
        """The images of the gallery that are most like one.

        Args:
            image: As ``samekind.load().embed`` takes it.
            k: At most so many.
            min_probability: Leave out what is less probably of the same kind.

        Returns:
            Hits, the most alike first.

        Raises:
            ImageError: The query cannot be read.
            GalleryError: The gallery is empty or belongs to another model.
        """
        _ = self.card  # an empty gallery says so before a model is loaded
        return self.search_embedding(self._queries().embed([image])[0], k, min_probability=min_probability)

    def search_embedding(
        self, embedding: Embeddings, k: int = 20, *, min_probability: float | None = None
    ) -> list[Hit]:
        """As ``search``, from the query's embedding, float32 (D,), of the gallery's model."""
        if k < 1:
            raise GalleryError(f"a search finds at least one image; got k = {k}")
        card = self.card
        similarities, ids = self.snapshot().search(np.ascontiguousarray(embedding[None], np.float32), k)
        keep = ids[0] >= 0
        probabilities = pair_probability(card.pair, similarities[0])
        if min_probability is not None:
            keep &= probabilities >= min_probability
        rows = {row.id: row for row in read_rows(self._store, ids[0][keep].tolist())}
        return [
            Hit(rows[i].path, float(similarity), float(probability), rows[i])
            for i, similarity, probability in zip(
                ids[0][keep].tolist(), similarities[0][keep], probabilities[keep], strict=True
            )
            if i in rows  # a file may have been removed just now
        ]

    def snapshot(self) -> Snapshot:
        """The embeddings as they are now, for many searches of one state."""
        with self._guard:
            self._snapshot = take_snapshot(self._store, self._snapshot)
            return self._snapshot

    def status(self) -> Status:
        """What the gallery holds."""
        with self._store.reading() as db:
            behind, count = stale_share(db)
            folders = [row[0].rstrip("/") or "." for row in db.execute("SELECT path FROM folders ORDER BY path")]
            unreadable = db.execute("SELECT path, error FROM images WHERE error IS NOT NULL ORDER BY path").fetchall()
        card = self.card if self._store.about("card") else None
        facts = index_facts(self._store)
        files = [self._store.path, self._store.folder / str(facts.get("file"))]
        return Status(
            path=self._store.path,
            images=count,
            unreadable=unreadable,
            folders=folders,
            model=card.name if card else None,
            fingerprint=card.fingerprint if card else None,
            dimension=card.dimension if card else None,
            bytes=sum(file.stat().st_size for file in files if file.is_file()),
            index=facts["factory"] if facts else None,
            index_behind=behind,
            advised_index=advised_index(count),
        )

    def _keep_index_up(self, db: sqlite3.Connection, factory: str | None, *, least: int, share: float) -> None:
        behind, count = stale_share(db)
        other = factory is not None and factory != index_facts(self._store).get("factory")
        if count and (other or behind > max(least, share * count)):
            build_index(self._store, db, factory)

    def _remember_model(self, db: sqlite3.Connection) -> None:
        """Note the model of a new gallery, and the newer calibration of an old one's."""
        if self._store.about("card") is not None and self._wanted_model is None:
            return
        card = self._read_model().card
        name = os.fspath(self._wanted_model) if self._wanted_model is not None else DEFAULT_MODEL
        with transaction(db):
            set_about(db, "card", card.model_dump_json())
            set_about(db, "model", name if name in bundled_models() else str(Path(name).resolve()))

    def _read_model(self) -> ModelFile:
        wanted = self._wanted_model if self._wanted_model is not None else self._store.about("model")
        try:
            model = read_model(wanted)
        except ModelFileError as error:
            if self._wanted_model is not None:
                raise
            raise GalleryError(f"{self._store.path}: its model is gone ({error}); name it with --model") from error
        self._refuse_other_model(model.card)
        return model

    def _refuse_other_model(self, card: Card) -> None:
        text = self._store.about("card")
        if text is None:
            return
        own = Card.model_validate_json(text)
        if own.fingerprint != card.fingerprint:
            raise GalleryError(
                f"{self._store.path}: was indexed with the model {own.name!r} (fingerprint {own.fingerprint[:12]}), "
                f"not with {card.name!r} ({card.fingerprint[:12]}). Use that model, or index the folder into a new "
                "gallery: samekind index FOLDER --gallery NEW.samekind --model MODEL"
            )

    def _describing_encoder(self) -> DescribingEncoder:
        with self._guard:
            if self._encoder is None:
                self._encoder = DescribingEncoder(self._read_model())
            return self._encoder

    def _queries(self) -> Recognizer:
        with self._guard:
            if self._recognizer is None:
                self._recognizer = Recognizer(self._read_model())
            return self._recognizer
