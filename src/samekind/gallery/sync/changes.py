"""What of a folder is on the disk, what of it is in the gallery, and the difference.

The lists live in SQLite's temporary tables, not in memory, so a folder may hold any number of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from samekind.errors import GalleryError
from samekind.gallery.store.connection import CONTENT, IS_IMAGE, Connection, transaction
from samekind.gallery.store.facts import generation, set_fact
from samekind.gallery.store.rows import OF_ITS_OWN
from samekind.gallery.store.store import Store
from samekind.images.folder_contents import PassedOver, walk
from samekind.images.formats import installed_extras
from samekind.images.videos import is_video
from samekind.shards.addresses import without_file_scheme
from samekind.system.passwords import without_passwords
from samekind.system.paths import given_path, refuse_no_path, relative_path

# An SQL condition on images, and its parameters.
Condition = tuple[str, tuple[bytes, ...]]


@dataclass(frozen=True)
class FoundFile:
    """A file to look at.

    Attributes:
        path: The path as the gallery has it.
        size: The number of its bytes.
        mtime_ns: The time when it was last written, in nanoseconds since 1970.
        row: The id of its row in the gallery, if it has one.
    """

    path: str
    size: int
    mtime_ns: int
    row: int | None


def folder_prefix(gallery_folder: Path, folder: Path) -> str:
    """What the paths of a folder's images begin with in the gallery: ``photos/``, or nothing for the gallery's own."""
    relative = relative_path(folder.resolve(), gallery_folder)
    return "" if relative == "." else f"{relative}/"


def under(prefix: str) -> Condition:
    """The condition for the paths that begin with a prefix."""
    if not prefix:  # the gallery's own folder; what lies elsewhere begins with .., is absolute, or an address
        return "(path NOT LIKE '../%' AND path NOT LIKE '/%' AND path NOT LIKE '_:/%' AND path NOT LIKE '%://%')", ()
    return "(path >= CAST(? AS TEXT) AND path < CAST(? AS TEXT))", (os.fsencode(prefix), _beyond(prefix))


def _beyond(prefix: str) -> bytes:
    """The first text after all that begin with a prefix."""
    encoded = os.fsencode(prefix)
    return encoded[:-1] + bytes([encoded[-1] + 1])


def remove_images(db: Connection, condition: Condition) -> int:
    """Take the images that meet a condition out of the gallery, in one transaction; how many they were."""
    where, parameters = condition
    with transaction(db):
        if db.execute(f"SELECT 1 FROM images WHERE embedding IS NOT NULL AND {where} LIMIT 1", parameters).fetchone():
            set_fact(db, "generation", str(generation(db) + 1))
        images = f"SELECT count(*) FROM images WHERE {IS_IMAGE} AND {where}"
        (count,) = db.execute(images, parameters).fetchone()
        db.execute(f"DELETE FROM images WHERE {where}", parameters)
        return int(count)


def remove_source(store: Store, db: Connection, source: str | os.PathLike[str]) -> int:
    """Take a folder out of the gallery with its images; or those of a tar or Parquet file, or of an address.

    Returns:
        How many images they were.

    Raises:
        GalleryError: The gallery has no images of it.
    """
    refuse_no_path(source, GalleryError)
    shown = without_file_scheme(os.fsdecode(source))
    listed = 0
    if "://" in shown:
        address = shown.rstrip("/")
        (behind, edges), (within, more) = under(f"{address}/"), under(f"{address}#")
        parameters = (os.fsencode(address), *edges, *more)
        removed = remove_images(db, (f"(path = CAST(? AS TEXT) OR {behind} OR {within})", parameters))
    else:
        prefix = folder_prefix(store.folder, given_path(shown, GalleryError))
        where, parameters = under(prefix)
        removed = remove_images(db, (where, parameters))
        if prefix.lower().endswith((".tar/", ".parquet/")):
            removed += remove_images(db, under(f"{prefix[:-1]}#"))
        with transaction(db):
            listed = db.execute(f"DELETE FROM folders WHERE {where}", parameters).rowcount
    if not removed and not listed:
        raise GalleryError(
            f"{store.path}: has no images of {without_passwords(shown)}; `samekind status` lists its folders"
        )
    return removed


def gone(prefix: str) -> Condition:
    """The condition for images of a folder whose files ``list_files`` has not seen, where it could look."""
    where, parameters = under(prefix)
    seen = "SELECT 1 FROM seen WHERE seen.path = images.path"
    doubtful = (
        "SELECT 1 FROM unlisted WHERE images.path = unlisted.path"
        " OR (images.path > unlisted.path AND images.path < unlisted.beyond)"
    )
    return f"{where} AND NOT EXISTS ({seen}) AND NOT EXISTS ({doubtful}) AND {OF_ITS_OWN}", parameters


def list_files(
    db: Connection,
    folder: Path,
    prefix: str,
    exclude: Sequence[str] = (),
    *,
    videos: bool = False,
    all_videos: bool = False,
    readable: bool = True,
) -> PassedOver:
    """Look at a folder and fill the temporary tables.

    ``seen``: every image file and video, and the frames of videos that are as they were. ``unlisted``: what could not
    be looked at. ``todo``: the files that are not as the gallery has them. ``before``: the rows that may be written
    over, for a file's old content may turn up under another name when the names of a series are shifted by one.

    Args:
        db: The connection from ``store.writing``.
        folder: The folder.
        prefix: The beginning of its images' paths in the gallery.
        exclude: Patterns in gitignore's form, relative to the folder.
        videos: Whether to list videos, too.
        all_videos: Whether to look at all of them, also those that are as the gallery has them.
        readable: Whether videos can be read here. Where not they are passed over, and the gallery keeps what it has.

    Returns:
        What was passed over, and why.

    Raises:
        GalleryError: The folder cannot be listed.
        DatasetError: A pattern is none.
    """
    passed = PassedOver()
    for table in ("seen", "unlisted", "todo", "before"):
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
    db.execute(
        "CREATE TEMP TABLE seen (path TEXT PRIMARY KEY, size BIGINT, mtime_ns BIGINT, video BOOLEAN) WITHOUT ROWID"
    )
    db.execute("CREATE TEMP TABLE unlisted (path TEXT, beyond TEXT)")
    with transaction(db):
        found = _found(db, folder, prefix, passed, exclude, videos=videos)
        db.executemany("INSERT INTO seen VALUES (CAST(? AS TEXT), ?, ?, ?)", found)
        # Of a folder also what its paths come before; of a file nothing.
        db.executemany(
            "INSERT INTO unlisted VALUES (CAST(? AS TEXT), CAST(? AS TEXT))",
            (
                (os.fsencode(prefix + path), _beyond(prefix + path) if path.endswith(("/", "#")) else None)
                for name, _ in passed.unlisted
                for path in ((name, f"{name}#") if is_video(name) else (name,))
            ),
        )
        # What could not even be opened is tried again: permissions change without a trace in the time of the file.
        db.execute(
            "CREATE TEMP TABLE todo AS SELECT row_number() OVER (ORDER BY seen.path) AS place,"
            " seen.path, seen.size, seen.mtime_ns, images.id AS image, video"
            " FROM seen LEFT JOIN images USING (path)"
            " WHERE images.id IS NULL OR images.size <> seen.size OR images.mtime_ns <> seen.mtime_ns"
            " OR images.sha256 IS NULL OR (seen.video AND ?)",
            (all_videos,),
        )
        db.execute(
            "INSERT OR IGNORE INTO seen SELECT images.path, images.size, images.mtime_ns, FALSE"
            " FROM seen AS clip JOIN images ON images.path > clip.path || '#t=' AND images.path < clip.path || '#t>'"
            " WHERE clip.video AND (NOT ? OR clip.path NOT IN (SELECT path FROM todo))",
            (readable,),
        )
        if not readable:
            db.execute("DELETE FROM todo WHERE video")
            listed = db.execute("SELECT path FROM seen WHERE video")
            passed.other.update(Path(path).suffix.lower() for (path,) in listed)
        # A video's frames are written over with it, and may be another one's by now.
        db.execute(
            f"CREATE TEMP TABLE before AS SELECT {CONTENT} FROM images WHERE id IN (SELECT image FROM todo)"
            " OR id IN (SELECT images.id FROM todo JOIN images ON images.path > todo.path || '#t='"
            " AND images.path < todo.path || '#t>' WHERE todo.video)"
        )
        db.execute("CREATE INDEX before_by_content ON before (sha256)")
    return passed


def retry_with_extras(db: Connection) -> None:
    """Have those files looked at again that only lacked an extra which is installed by now."""
    with transaction(db):
        for extra in installed_extras():
            needed = f'%"samekind[{extra}]"%'
            db.execute("UPDATE images SET sha256 = NULL WHERE error LIKE ? AND embedding IS NULL", (needed,))


def _found(
    db: Connection, folder: Path, prefix: str, passed: PassedOver, exclude: Sequence[str], *, videos: bool
) -> Iterator[tuple[bytes, int, int, bool]]:
    try:
        for image in walk(folder, passed, exclude=exclude, videos=videos):
            if reason := db.why_no_name(prefix + image.name):
                passed.unlisted.append((image.name, reason))
                continue
            yield os.fsencode(prefix + image.name), image.size, image.mtime_ns, videos and is_video(image.name)
    except FileNotFoundError as error:
        raise GalleryError(f"{folder}: no such folder") from error
    except OSError as error:
        raise GalleryError(f"{folder}: cannot be listed ({error.strerror})") from error


def refuse_sudden_emptiness(db: Connection, folder: Path, prefix: str, *, excluded: bool = False) -> None:
    """Make sure that a folder without images was not full a while ago.

    Args:
        db: The connection from ``store.writing``, after ``list_files``.
        folder: The folder.
        prefix: The beginning of its images' paths in the gallery.
        excluded: Whether something in it was passed over because a pattern names it.

    Raises:
        GalleryError: The gallery has images of it. More likely than that all were deleted is an unmounted disk.
    """
    if db.execute("SELECT 1 FROM seen LIMIT 1").fetchone():
        return
    where, parameters = gone(prefix)
    known = db.execute(f"SELECT count(*) FROM images WHERE {where}", parameters).fetchone()[0]
    if known and excluded:
        raise GalleryError(
            f"{folder}: all that it holds is excluded, by --exclude or by .samekindignore, but the gallery has "
            f"{known:,} images of it. If they are to go: samekind remove"
        )
    if known:
        raise GalleryError(
            f"{folder}: holds no images, but the gallery has {known:,} of it. Is its disk mounted? "
            "If they are gone for good: samekind remove"
        )


def count_unchanged(db: Connection) -> tuple[int, int]:
    """How many files are as the gallery has them: readable ones, and unreadable ones."""
    row = db.execute(
        "SELECT count(*), count(images.error), count(CASE WHEN video AND images.error IS NULL THEN 1 END)"
        " FROM seen JOIN images USING (path)"
        " WHERE images.size = seen.size AND images.mtime_ns = seen.mtime_ns AND images.sha256 IS NOT NULL"
    ).fetchone()
    return row[0] - row[1] - row[2], row[1]  # a video itself is no image


def frames_seen(db: Connection, frames: Iterable[FoundFile]) -> None:
    """Note frames of a video as seen."""
    rows = ((os.fsencode(frame.path), frame.size, frame.mtime_ns) for frame in frames)
    db.executemany("INSERT OR IGNORE INTO seen VALUES (CAST(? AS TEXT), ?, ?, FALSE)", rows)


def files_to_look_at(db: Connection, *, videos: bool = False) -> Iterator[FoundFile]:
    """The images, or the videos, that ``list_files`` found to be new or changed, in the order of their paths."""
    last = 0
    page = "SELECT place, path, size, mtime_ns, image FROM todo WHERE place > ? AND video = ? ORDER BY place LIMIT 512"
    while rows := db.execute(page, (last, videos)).fetchall():
        last = rows[-1][0]
        yield from (FoundFile(*row[1:]) for row in rows)
