"""Bringing a gallery in step with a folder: only what changed is read, and only new content is embedded.

A file is known by path, size and modification time; where these differ, by the SHA-256 of its bytes. So a moved file
keeps its embedding, and a copy takes that of its original. Each batch is one transaction: whatever happens, the next
sync goes on where this one stood.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path

from samekind.embedding.new_image import stored_embeddings
from samekind.errors import GalleryError, MissingExtraError
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.facts import read_fact, set_fact
from samekind.gallery.store.store import Store
from samekind.gallery.sync.changes import (
    count_unchanged,
    files_to_look_at,
    folder_prefix,
    frames_seen,
    gone,
    list_files,
    refuse_sudden_emptiness,
    remove_images,
    retry_with_extras,
)
from samekind.gallery.sync.examine import examine_all
from samekind.gallery.sync.fill_pictures import fill_pictures
from samekind.gallery.sync.report import SyncReport
from samekind.gallery.sync.row_writer import RowWriter
from samekind.gallery.sync.videos import NO_FRAMES, SCENES, checked_frames, examine_videos, is_frame
from samekind.images.videos import can_read_videos
from samekind.inference.encoder import OnnxEncoder
from samekind.progress import Progress, stage_counter
from samekind.system.paths import given_folder

# Files that one transaction covers.
_BATCH = 64


def sync_folder(
    store: Store,
    db: Connection,
    folder: Path,
    encoder: Callable[[], OnnxEncoder],
    *,
    exclude: Sequence[str] = (),
    frames: str | float | None = None,
    on_progress: Progress | None = None,
    after_batch: Callable[[], None] | None = None,
) -> SyncReport:
    """Bring the gallery in step with the folder.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``.
        folder: The folder of the images, in subfolders too.
        encoder: Gives the network; called when the first new image turns up, so that nothing is loaded for nothing.
        exclude: Patterns in gitignore's form, relative to the folder, of what to pass over.
        frames: Which frames of videos to take: ``scenes``, ``none``, or the seconds between two; None is as before, and
            ``scenes`` at first.
        on_progress: Called with ``files``, the number done and the number to look at, after each batch.
        after_batch: Called after each committed batch.

    Raises:
        GalleryError: The folder is missing, or is empty while the gallery has images of it (an unmounted disk, say).
    """
    folder = given_folder(folder, GalleryError)
    store.root_at(db, folder.resolve().parent)
    prefix = folder_prefix(store.folder, folder)
    fact = f"frames of {prefix}"  # folders of one gallery may differ
    before = read_fact(db, fact) or SCENES
    how = before if frames is None else checked_frames(frames)
    other, readable = how != before, can_read_videos()
    retry_with_extras(db)
    passed = list_files(db, folder, prefix, exclude, videos=how != NO_FRAMES, all_videos=other, readable=readable)
    if how != NO_FRAMES or not passed.videos:
        refuse_sudden_emptiness(db, folder, prefix, excluded=bool(passed.excluded))
    with transaction(db):
        db.execute("INSERT OR IGNORE INTO folders VALUES (CAST(? AS TEXT))", (os.fsencode(prefix),))
    unlisted = [(prefix + name, f"cannot be looked at ({reason})") for name, reason in passed.unlisted]
    report = SyncReport(unlisted=unlisted, passed_over=passed.sentences())
    if passed.videos and not readable:
        report.passed_over.append(f"their frames need the extra video ({MissingExtraError('video', 'av')})")
    report.unchanged, report.unreadable_before = count_unchanged(db)
    total = db.execute("SELECT count(*) FROM todo").fetchone()[0]
    done, count = 0, stage_counter(on_progress, "files", total)
    writer = RowWriter(store, db, report)
    square = lambda: encoder().square  # noqa: E731 - loaded when it is first needed
    examined = chain(
        examine_all(store, files_to_look_at(db), square),
        examine_videos(store, files_to_look_at(db, videos=True), how, square, again=other),
    )
    while batch := list(islice(examined, _BATCH)):
        images = writer.new_images(batch)
        embeddings = stored_embeddings(list(images.values()), encoder()) if images else []
        writer.write(batch, dict(zip(images, embeddings, strict=True)))
        frames_taken = [found.file for found in batch if is_frame(found.file.path)]
        frames_seen(db, frames_taken)
        done += len(batch) - len(frames_taken)
        if after_batch:
            after_batch()
        count(done)
    report.removed = remove_images(db, gone(prefix))
    fill_pictures(store, db, prefix)
    if other and (readable or how == NO_FRAMES):  # only now are all of them so
        with transaction(db):
            set_fact(db, fact, how)
    return report
