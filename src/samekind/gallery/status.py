"""What a gallery holds, at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from samekind.gallery.embeddings.model import GalleryModel
from samekind.gallery.index.tuning import TARGET_RECALL
from samekind.gallery.index.upkeep import advised, index_facts, stale_rows
from samekind.gallery.store.store import Store
from samekind.gallery.sync.videos import is_frame


@dataclass(frozen=True)
class Status:
    """What a gallery holds.

    Attributes:
        path: The gallery's file, or the address of its database.
        images: Images that can be searched.
        frames: Those of them that are frames of videos.
        unreadable: Files that cannot be read as images, with the reason.
        folders: The folders that were synced, relative to the gallery's folder.
        model: The name of its model; None before the first sync.
        fingerprint: The fingerprint of its model; None before the first sync.
        dimension: D of its embeddings.
        bytes: The size of the gallery's file and index on the disk.
        index: The FAISS factory string of its index.
        index_recall: The share of the ten nearest others of an image that an approximate index finds, as measured on a
            sample when it was made; None for an exact one.
        index_behind: Embeddings that the index lacks or has for nothing; a search is right nevertheless.
        advised_index: The factory string that suits its size.
    """

    path: Path | str
    images: int
    frames: int
    unreadable: list[tuple[str, str]]
    folders: list[str]
    model: str | None
    fingerprint: str | None
    dimension: int | None
    bytes: int
    index: str | None
    index_recall: float | None
    index_behind: int
    advised_index: str

    @property
    def recall_is_low(self) -> bool:
        """Whether an approximate index finds less than it should."""
        return self.index_recall is not None and self.index_recall < TARGET_RECALL


def read_status(store: Store, model: GalleryModel) -> Status:
    """What a gallery holds now."""
    with store.reading() as db:
        behind, count = stale_rows(db)
        facts = index_facts(db)
        folders = [row[0].rstrip("/") or "." for row in db.execute("SELECT path FROM folders ORDER BY path")]
        unreadable = db.execute("SELECT path, error FROM images WHERE error IS NOT NULL ORDER BY path").fetchall()
        frames = sum(is_frame(path) for (path,) in db.execute("SELECT path FROM images WHERE path LIKE '%#t=%'"))
    card = model.card()
    beside = [] if store.files is None else [store.folder / str(facts.get(key)) for key in ("file", "rows")]
    return Status(
        path=store.path,
        images=count,
        frames=frames,
        unreadable=unreadable,
        folders=folders,
        model=card.name if card else None,
        fingerprint=card.fingerprint if card else None,
        dimension=card.dimension if card else None,
        bytes=store.size() + sum(file.stat().st_size for file in beside if file.is_file()),
        index=facts["factory"] if facts else None,
        index_recall=facts.get("recall"),
        index_behind=behind,
        advised_index=advised(store, count),
    )
