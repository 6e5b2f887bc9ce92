"""Rows that were embedded elsewhere, from a folder of shards: they go into the gallery, and nothing is embedded.

A row of a file that the gallery may lie beside is as a sync of its folder would have made it, so a later sync finds it
unchanged. A row of an address is kept under the address.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from samekind.embedding.embed_batch import EmbeddedImage
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.store import Store
from samekind.gallery.sync.changes import FoundFile, folder_prefix
from samekind.gallery.sync.examine import Examined
from samekind.gallery.sync.report import SyncReport
from samekind.gallery.sync.row_writer import RowWriter
from samekind.progress import Progress, stage_counter
from samekind.shards.addresses import is_address
from samekind.shards.folder import ShardFolder
from samekind.shards.shard_file import ShardRow
from samekind.system.paths import relative_path

# Rows that one transaction covers.
_BATCH = 1024


def add_shards(store: Store, db: Connection, shards: ShardFolder, on_progress: Progress | None = None) -> SyncReport:
    """Take the rows of shards into the gallery. Images that the shards do not have stay as they are.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``.
        shards: The shards, of the gallery's model.
        on_progress: Called with ``rows``, the number done and the number of all, after each batch.

    Raises:
        ShardError: A shard is missing or broken.
    """
    report, done = SyncReport(not_embedded=sum(shards.planned_rows(*shard) for shard in shards.unfinished())), 0
    folders = sorted({plan.folder for plan in shards.manifest.plans if plan.folder is not None})
    writer = RowWriter(store, db, report)
    total = sum(entry.rows for _, entry in shards.files())
    count = stage_counter(on_progress, "rows", total)
    rows = shards.rows()
    # A database lies beside nothing: its names are relative to where the first of its pictures lie.
    roots = [Path(folder).parent for folder in folders]
    while batch := list(islice(rows, _BATCH)):
        roots += [Path(row.name).parent for row in batch if not (roots or is_address(row.name))][:1]
        if roots:
            store.root_at(db, roots[0])
        writer.write_embedded(list(_news(store, db, batch, report)))
        done += len(batch)
        count(done)
    count(total)  # those for which there is a later shard are passed over
    with transaction(db):
        prefixes = ((os.fsencode(folder_prefix(store.folder, Path(folder))),) for folder in folders)
        db.executemany("INSERT OR IGNORE INTO folders VALUES (CAST(? AS TEXT))", prefixes)
    return report


def _news(
    store: Store, db: Connection, batch: list[ShardRow], report: SyncReport
) -> Iterator[tuple[Examined, EmbeddedImage]]:
    """What of a batch the gallery does not have."""
    for row in batch:
        path = row.name if is_address(row.name) else relative_path(Path(row.name), store.folder)
        if reason := db.why_no_name(path):
            report.unlisted.append((path, f"cannot be kept ({reason})"))
            continue
        own = db.execute(
            "SELECT id, size, mtime_ns, sha256, error FROM images WHERE path = CAST(? AS TEXT)", (os.fsencode(path),)
        ).fetchone()
        image = row.image
        if own is not None and _is_kept(store.folder / path, own, row):
            if own[4] is None:
                report.unchanged += 1
            else:
                report.unreadable_before += 1
            continue
        file = FoundFile(path, image.size, row.mtime_ns, None if own is None else own[0])
        yield Examined(file, image.sha256, None, image.error, row.mtime_ns), image


def _is_kept(path: Path, own: tuple[int, int, int, bytes | None, str | None], row: ShardRow) -> bool:
    """Whether the gallery's row is as good as the shard's, or is of the file as it is by now."""
    _, size, mtime_ns, sha256, _ = own
    if (size, mtime_ns, sha256) == (row.image.size, row.mtime_ns, row.image.sha256):
        return True
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (size, mtime_ns) and sha256 is not None
