"""Groups of a gallery as folders: links to the images or copies of them, never the images themselves."""

from __future__ import annotations

import csv
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from samekind.errors import GalleryError, ImageError
from samekind.gallery.clustering import Cluster
from samekind.gallery.store.rows import Row
from samekind.images import read_image
from samekind.images.videos import frame_of
from samekind.system.disk import shortage
from samekind.system.paths import ENCODING_ERRORS

MANIFEST = "manifest.csv"
_COLUMNS = ("group", "file", "image", "how")
_NO_GROUP = "belonging to no group"
# What Windows allows in no name, and what a terminal or a list would take for something else.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
# A file system's 255 bytes, less a number and a suffix.
_LONGEST = 60
_FRAME_SIDE, _FRAME_QUALITY = 4096, 92


def write_cluster_folders(
    folder: Path, clusters: Sequence[Cluster], indexed: Sequence[Path], *, copy: bool = False
) -> list[tuple[str, str]]:
    """Make a folder for each cluster, named by its most typical image, and a manifest; whole or not at all.

    Args:
        folder: Must be missing or empty.
        clusters: From ``Gallery.clusters``.
        indexed: The folders of the gallery, in none of which the new one may lie.
        copy: Copy the images rather than link to them. Of a frame of a video the picture is written in either case.

    Returns:
        The images that could not be taken, and why: gone since the last sync, say.

    Raises:
        GalleryError: The folder is not empty, lies within an indexed one, or has too little room; or the file system
            knows no links.
        OSError: It cannot be written.
    """
    folder = folder.absolute()
    _refuse(folder, indexed)
    rows = [row for cluster in clusters for row in cluster.rows]
    missing: list[tuple[str, str]] = []
    with _appearing(folder, sum(row.size for row in rows if frame_of(row.name) is None) if copy else 0) as building:
        put = _copied if copy else _linked
        with (building / MANIFEST).open("w", newline="", encoding="utf-8", errors=ENCODING_ERRORS) as file:
            manifest = csv.writer(file)
            manifest.writerow(_COLUMNS)
            for group, row, name in _names(clusters):
                (building / group).mkdir(exist_ok=True)
                try:
                    how = _put(row, building / group / name, put)
                except (FileNotFoundError, PermissionError, ImageError) as error:
                    missing.append((row.name, getattr(error, "strerror", None) or str(error)))
                else:
                    manifest.writerow((group, f"{group}/{name}", os.fspath(row.path.absolute()), how))
    return missing


def _refuse(folder: Path, indexed: Sequence[Path]) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise GalleryError(f"{folder}: is no folder; name one that is empty or not there")
    if folder.is_dir() and any(folder.iterdir()):
        raise GalleryError(f"{folder}: is not empty; name a folder that is empty or not there")
    for other in indexed:
        if folder.resolve().is_relative_to(other.resolve()):
            raise GalleryError(
                f"{folder}: lies within {other}, which is indexed: its images would be found twice; name a folder "
                "elsewhere"
            )


@contextmanager
def _appearing(folder: Path, needed: int) -> Iterator[Path]:
    """A new folder beside the one that is wanted, which takes its name at the end of the block."""
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    if too_little := shortage(parent, needed):
        raise GalleryError(f"{too_little}; links take none (leave --copy out)")
    building = parent / f".{folder.name}-{secrets.token_hex(4)}"
    building.mkdir()
    try:
        yield building
        if folder.is_dir():
            folder.rmdir()  # empty, or it was refused
        building.rename(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _names(clusters: Sequence[Cluster]) -> Iterator[tuple[str, Row, str]]:
    """The folder of each image and its name there; no two are alike, even where case does not count."""
    digits = len(str(len(clusters)))
    for number, cluster in enumerate(clusters, 1):
        typical = _plain(Path(cluster.rows[0].name).stem)
        group = _NO_GROUP if cluster.unclustered else f"{number:0{digits}} {typical}"
        taken: set[str] = set()
        for row in cluster.rows:
            name = Path(row.name).name
            suffix = ".jpg" if frame_of(row.name) else Path(name).suffix
            stem = _plain(name.removesuffix(suffix))
            wanted, count = f"{stem}{suffix}", 1
            while wanted.casefold() in taken:
                count += 1
                wanted = f"{stem} ({count}){suffix}"
            taken.add(wanted.casefold())
            yield group, row, wanted


def _plain(name: str) -> str:
    short = _FORBIDDEN.sub("_", name)
    while len(os.fsencode(short)) > _LONGEST:
        short = short[:-1]
    return short.rstrip(" .") or "_"


def _put(row: Row, place: Path, put: Callable[[Path, Path], str]) -> str:
    if frame_of(row.name) and not os.path.lexists(row.path):  # False for a name that is too long
        from PIL import Image  # noqa: PLC0415 - frames alone need it

        Image.fromarray(read_image(row.path, _FRAME_SIDE, squashed=False).pixels).save(place, quality=_FRAME_QUALITY)
        return "frame"
    return put(row.path, place)


def _copied(source: Path, place: Path) -> str:
    shutil.copy2(source, place)
    return "copy"


def _linked(source: Path, place: Path) -> str:
    source.stat()  # whoever is gone is named, not linked to
    target = source.absolute()
    try:
        target_text = os.path.relpath(target, place.parent.resolve())
    except ValueError:  # another drive of Windows
        target_text = os.fspath(target)
    try:
        place.symlink_to(target_text)
    except (OSError, NotImplementedError) as error:
        raise GalleryError(f"{place.parents[2]}: no links can be made here ({error}); copy: --copy") from error
    return "link"
