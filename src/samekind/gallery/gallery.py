"""The public face of galleries: open, sync, search, and what to do with the rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from samekind.adaptation.adaptation import Adaptation
from samekind.errors import GalleryError
from samekind.gallery.clustering import Cluster, ClusterMethod, find_clusters
from samekind.gallery.duplicates.copy_finder import CopyFinder
from samekind.gallery.duplicates.duplicate_group import DuplicateGroup
from samekind.gallery.duplicates.duplicate_groups import DuplicateKind, find_duplicates
from samekind.gallery.duplicates.matches import Match, find_matches
from samekind.gallery.duplicates.pictures.picture_files import PictureFile, read_picture_files
from samekind.gallery.duplicates.query import query_picture
from samekind.gallery.embeddings.adapting import embeddings_of, keep_adapted
from samekind.gallery.embeddings.embedding_space import read_space
from samekind.gallery.embeddings.model import GalleryModel, nothing_yet
from samekind.gallery.filters.grammar import parse_filter
from samekind.gallery.filters.sql import EVERYTHING, Condition, condition_of
from samekind.gallery.index.snapshot import Snapshot
from samekind.gallery.index.upkeep import keep_up, keep_up_during_sync, refuse_index
from samekind.gallery.output.row_export import export_rows
from samekind.gallery.search.hit import Hit
from samekind.gallery.search.searcher import Searcher
from samekind.gallery.status import Status, read_status
from samekind.gallery.store.rows import Row, read_rows
from samekind.gallery.store.store import Store, open_store
from samekind.gallery.sync.changes import remove_source
from samekind.gallery.sync.report import SyncReport
from samekind.gallery.sync.shards import add_shards
from samekind.gallery.sync.sync import sync_folder
from samekind.images import ImageSource
from samekind.inference.similarity import Embeddings, checked_embedding
from samekind.model_file.card import Card
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.shards.folder import ShardFolder
from samekind.shards.parquet_images import require_pyarrow
from samekind.system.each import EngineName
from samekind.system.paths import given_folder, given_path

# Ids are less than this, and no database takes more.
_IDS = 2**63


class Gallery:
    """The images of one or more folders, in a SQLite file or a PostgreSQL database. ``Gallery.open`` opens it.

    Searching is safe from several threads, and while another process syncs. ``sync`` and ``remove`` are for one at a
    time: whoever comes second gets a ``GalleryError`` that names the first.
    """

    def __init__(self, store: Store, model: str | os.PathLike[str] | None, recognizer: Recognizer | None) -> None:
        self._store = store
        self._model = GalleryModel(store, model, recognizer)
        self._searcher = Searcher(store)
        self._copy_finder = CopyFinder(store)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        model: str | os.PathLike[str] | None = None,
        recognizer: Recognizer | None = None,
        read_only: bool = False,
        bare: bool = False,
    ) -> Self:
        """Open a gallery, or begin one.

        Args:
            path: The gallery's file, by custom ``NAME.samekind``; or a PostgreSQL database with pgvector (extra
                ``postgres``), ``postgresql://HOST/DATABASE``. Made if it is missing, unless ``read_only``.
            model: A model by name or path, as ``samekind.load`` takes it. None is the gallery's own, and the default
                model for a new gallery.
            recognizer: A loaded model to embed queries with, rather than load it again.
            read_only: Never write; the file must be there.
            bare: Judge as the bare model does. Otherwise a gallery of at least ten images adapts to them: what they all
                have in common does not count, and nothing is embedded again when they become others.

        Raises:
            GalleryError: The file is missing or no gallery, or its images were embedded by another model.
            ModelFileError: There is no such model.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder, Gallery.open(f"{folder}/photos.samekind") as gallery:
            ...     len(gallery)
            0
        """
        store = open_store(path, read_only=read_only, bare=bare)
        try:
            return cls(store, model, recognizer)
        except BaseException:
            store.close()
            raise

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled is where it lies, not what is in it: another process opens the same file."""
        return _reopened, (type(self), self._store.again, self._store.read_only, self._store.bare)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._store.close()
        self._searcher.forget()
        self._copy_finder.forget()

    def __len__(self) -> int:
        """The number of images that can be searched."""
        with self._store.reading() as db:
            return int(db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0])

    def __iter__(self) -> Iterator[Row]:
        """The rows, unreadable files too, in the order of their paths."""
        return read_rows(self._store)

    def rows(self, where: str | None = None) -> Iterator[Row]:
        """The rows that meet a filter, as ``search`` takes it, in the order of their paths.

        Raises:
            FilterError: The filter cannot be understood.
        """
        return read_rows(self._store, where=_condition(where))

    def row(self, row_id: int) -> Row:
        """One row by its id.

        Raises:
            GalleryError: There is none.
        """
        for row in read_rows(self._store, [row_id] if 0 < row_id < _IDS else []):
            return row
        raise GalleryError(f"{self._store.path}: no image {row_id}")

    def picture_file(self, row_id: int) -> PictureFile:
        """What copies are told by, of the file of one row.

        Raises:
            GalleryError: There is no such row, or its file is not as it was indexed.
        """
        for file in read_picture_files(self._store, ids=[row_id] if 0 < row_id < _IDS else []):
            return file
        raise GalleryError(f"{self._store.path}: image {row_id} is not there as it was indexed")

    @property
    def path(self) -> Path | str:
        """The gallery's file, or the address of its database without the password."""
        return self._store.path

    @property
    def folder(self) -> Path:
        """The folder that the names of the images are relative to."""
        return self._store.folder

    @property
    def card(self) -> Card:
        """The card of the gallery's model, as it was at the last sync.

        Raises:
            GalleryError: Nothing was synced yet.
        """
        card = self._model.card()
        if card is None:
            raise nothing_yet(self._store)
        return card

    @property
    def model(self) -> str | Path:
        """The gallery's model, as ``open`` and ``samekind.load`` take it: by name, or by the path of its file.

        Raises:
            GalleryError: Nothing was synced yet.
        """
        source = self._model.source()
        if source is None:
            raise nothing_yet(self._store)
        return source

    @property
    def adaptation(self) -> Adaptation | None:
        """What the gallery takes away from embeddings, and what similarities then mean; None where it is bare."""
        with self._store.reading() as db:
            return read_space(db, bare=self._store.bare).adaptation

    def bare_embeddings(self, fingerprint: str) -> Embeddings:
        """The embeddings as the network gave them, float32 (N, D), unit rows; of a large gallery some from all over it.

        Args:
            fingerprint: The model that they are wanted of.

        Raises:
            GalleryError: They are another model's, or nothing was synced yet.
        """
        if self.card.fingerprint != fingerprint:
            raise GalleryError(f"{self.path}: holds embeddings of the model {self.card.name}, not of this one")
        with self._store.reading() as db:
            return embeddings_of(db)

    def sync(
        self,
        folder: str | os.PathLike[str],
        *,
        index: str | None = None,
        exclude: Sequence[str] = (),
        frames: str | float | None = None,
        on_progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the gallery in step with a folder: new, changed, moved and deleted files.

        It may be stopped at any moment, by whatever means; the next one goes on where it stood.

        Args:
            folder: Its images, in subfolders too. A gallery may hold several folders.
            index: A FAISS factory string such as ``Flat``, ``IVF4096,Flat`` or ``HNSW32``; None keeps the kind there
                is, which is exact (``Flat``) at first.
            exclude: Patterns in gitignore's form of files and folders to pass over, each time. What is named so in a
                file ``.samekindignore`` of the folder, hidden, or a system's (recycle bins, thumbnails of network
                drives) is passed over anyway.
            frames: Which frames of videos to take (extra ``video``): ``scenes``, one where the scene changes; a number
                of seconds between two; or ``none``. None is as before, and ``scenes`` at first.
            on_progress: Called with ``files``, the number looked at and the number to look at.

        Raises:
            GalleryError: The folder is missing or suddenly empty, the gallery belongs to another model, somebody else
                is writing, FAISS knows no such index, or ``frames`` is none.
        """
        folder = given_folder(folder, GalleryError)
        with self._store.writing() as db:
            if index is not None:
                refuse_index(index, self._model.coming_card().dimension, in_database=self._store.files is None)
            self._model.remember(db)
            report = sync_folder(
                self._store,
                db,
                folder,
                self._model.encoder,
                exclude=exclude,
                frames=frames,
                on_progress=on_progress,
                after_batch=lambda: keep_up_during_sync(self._store, db),
            )
            keep_adapted(db, self.card)
            keep_up(self._store, db, index)
        return report

    def add_shards(
        self, folder: str | os.PathLike[str], *, index: str | None = None, on_progress: Progress | None = None
    ) -> SyncReport:
        """Take in the images of a folder of shards, as ``samekind.embed`` makes it. Nothing is embedded.

        Images of this machine's folders are as ``sync`` would have them: a later ``sync`` of their folder reads only
        what has changed since, and drops what is gone. Images behind addresses are kept under these. What the gallery
        has beside stays.

        Args:
            folder: The shards.
            index: As ``sync``.
            on_progress: Called with ``rows``, the number done and the number of all.

        Raises:
            ShardError: It is no folder of shards, or is damaged.
            GalleryError: The gallery belongs to another model, somebody else is writing, or FAISS knows no such index.
            MissingExtraError: pyarrow is not installed.
        """
        require_pyarrow()
        shards = ShardFolder(folder)
        with self._store.writing() as db:
            card = shards.manifest.card
            if index is not None:
                refuse_index(index, card.dimension, in_database=self._store.files is None)
            self._model.remember_card(db, card, shards.manifest.model)
            report = add_shards(self._store, db, shards, on_progress)
            keep_adapted(db, self.card)
            keep_up(self._store, db, index)
        return report

    def remove(self, folder: str | os.PathLike[str]) -> int:
        """Take a folder's images out of the gallery; the files stay. How many they were.

        Args:
            folder: Or the tar or Parquet file, or the address, that shards brought images of.

        Raises:
            GalleryError: The gallery has no images of it, or somebody else is writing.
        """
        with self._store.writing() as db:
            removed = remove_source(self._store, db, folder)
            keep_adapted(db, self.card)
            keep_up(self._store, db)
        return removed

    def search(
        self, image: ImageSource, k: int = 20, *, min_probability: float | None = None, where: str | None = None
    ) -> list[Hit]:
        """The images of the gallery that are most like one.

        Args:
            image: As ``samekind.load().embed`` takes it.
            k: At most so many.
            min_probability: Leave out what is less probably of the same kind.
            where: Only among the images that meet a filter, such as ``taken >= '2024' and path like 'shoes/%'``.

        Returns:
            Hits, the most alike first; ``k`` of them where so many images meet the filter.

        Raises:
            FilterError: The filter cannot be understood.
            ImageError: The query cannot be read.
            GalleryError: The gallery is empty or belongs to another model.
        """
        _condition(where)  # a filter that is none is refused before anything is embedded
        _ = self.card  # an empty gallery says so before a model is loaded
        return self.search_embedding(self._model.embed_query(image), k, min_probability=min_probability, where=where)

    def search_embedding(
        self, embedding: Embeddings, k: int = 20, *, min_probability: float | None = None, where: str | None = None
    ) -> list[Hit]:
        """As ``search``, from the query's embedding, float32 (D,), unit length, of the gallery's model.

        Raises:
            FilterError: As ``search``.
            EmbeddingError: It is not of unit length, or not finite.
            GalleryError: As ``search``, or the embedding is of another dimension.
        """
        query = checked_embedding(embedding)
        return self._searcher.hits(query, k, min_probability, None if where is None else _condition(where))

    def duplicates(
        self,
        kind: DuplicateKind = "near",
        *,
        threshold: float | None = None,
        related: bool = False,
        where: str | None = None,
        engine: EngineName = "local",
        address: str = "local",
        workers: int | None = None,
        on_progress: Progress | None = None,
        on_changed: Callable[[int], None] | None = None,
    ) -> list[DuplicateGroup]:
        """Groups of images that are duplicates, the largest first, each with the one worth keeping. Nothing is deleted.

        Files that are gone or have changed since the last sync are left out. A link and its target are one file.

        Args:
            kind: ``exact``: the same bytes or the same pixels. ``near``: the same picture, also resized, recompressed,
                cropped, mirrored, turned, grey, toned, bordered, damaged or with something laid on it; each is a copy
                of the one that is kept, by evidence, sure or to be looked at. ``same-class``: the same kind of thing,
                which is no copy.
            threshold: How alike the images of a group must be, in [-1, 1], for ``same-class``: the model's ``strict``
                threshold if None. Near copies have none.
            related: Give pairs that are no copies, too, last: variants, and other moments of one scene.
            where: Only among the images that meet a filter, as ``search`` takes it.
            engine: ``local``, threads of this process; or ``ray``, workers of a Ray cluster, for near copies (extra
                ``ray``). The groups are the same.
            address: Of the cluster: ``auto``, ``HOST:PORT``, or ``local`` for one of this machine's cores, which is
                started and ended.
            workers: Workers of Ray at most; None is one for each of its cores.
            on_progress: Called with ``compared``, how much is done and how much there is to do.
            on_changed: Called with the number of files left out, if there are such.

        Raises:
            GalleryError: The gallery is empty, or there is no such kind.
            ArgumentError: There is no such engine, or it is not for this kind.
            MissingExtraError: Ray is not installed.
            ClusterError: There is no such cluster, or it was lost.
        """
        condition = _condition(where)
        _ = self.card
        return find_duplicates(
            self._store,
            kind,
            threshold,
            related=related,
            where=condition,
            engine=engine,
            address=address,
            workers=workers,
            on_progress=on_progress,
            on_changed=on_changed,
        )

    def copies_of(self, image: ImageSource | PictureFile) -> list[Match]:
        """The images of the gallery of which one is a copy, or which are copies of it, with the evidence.

        The first call reads what proposes candidates of all images, and holds it: about 3.5 kB an image.

        Args:
            image: As ``samekind.load().embed`` takes it, or what ``query_picture`` made of it; it need not be in the
                gallery, and no model is loaded.

        Returns:
            Sure copies first, then those to look at, then what is no copy (``evidence.relation``): variants, and other
            moments of one scene. ``row`` is the gallery's image, ``other`` the query.

        Raises:
            ImageError: The query cannot be read.
            GalleryError: The gallery is empty.
        """
        _ = self.card
        return self._copy_finder.find(image if isinstance(image, PictureFile) else query_picture(image))

    def clusters(
        self,
        method: ClusterMethod = "hdbscan",
        *,
        k: int | None = None,
        threshold: float | None = None,
        where: str | None = None,
    ) -> list[Cluster]:
        """The images grouped by what they show, the largest group first, what belongs to none last.

        Args:
            method: ``hdbscan`` finds the number of groups itself; ``agglomerative`` stops at ``k`` groups or at
                ``threshold``; ``kmeans`` makes ``k``.
            k: How many groups.
            threshold: A similarity for ``agglomerative``; None is the model's ``balanced`` threshold.
            where: Only the images that meet a filter, as ``search`` takes it.

        Raises:
            FilterError: The filter cannot be understood.
            GalleryError: The gallery is empty, the method is unknown, or ``k`` does not suit it.
        """
        condition = _condition(where)
        _ = self.card
        return find_clusters(self._store, method, k, threshold, condition)

    def matches(self, other: Gallery, kind: DuplicateKind = "near", *, threshold: float | None = None) -> list[Match]:
        """Which images of this gallery are in another one: for each that is, its best counterpart there.

        Args:
            other: A gallery of the same model.
            kind: As ``duplicates``; ``exact`` compares bytes only.
            threshold: As ``duplicates``.

        Raises:
            GalleryError: A gallery is empty, or they have different models.
        """
        if self.card.fingerprint != other.card.fingerprint:
            raise GalleryError(
                f"{self.path} and {other.path} were indexed with different models ({self.card.name}, {other.card.name})"
            )
        return find_matches(self._store, other._store, kind, threshold)

    def export(self, path: str | os.PathLike[str], *, where: str | None = None) -> int:
        """Write the rows with their embeddings to ``NAME.csv``, ``NAME.parquet`` or ``NAME.npz``; how many they are.

        Args:
            path: The file.
            where: Only those of images that meet a filter, as ``search`` takes it.

        Raises:
            FilterError: The filter cannot be understood.
            GalleryError: Another suffix.
            MissingExtraError: Parquet needs pyarrow.
        """
        return export_rows(self.rows(where), given_path(path, GalleryError))

    def state(self) -> object:
        """What is equal as long as nothing was written.

        Raises:
            GalleryError: The gallery is not there any more.
        """
        return self._store.state()

    def snapshot(self) -> Snapshot:
        """The embeddings as they are now, for many searches of one state."""
        return self._searcher.snapshot()

    def status(self) -> Status:
        """What the gallery holds."""
        return read_status(self._store, self._model)


def _condition(where: str | None) -> Condition:
    return EVERYTHING if where is None else condition_of(parse_filter(where))


def _reopened(kind: type[Gallery], path: Path | str, read_only: bool, bare: bool) -> Gallery:
    return kind.open(path, read_only=read_only, bare=bare)
