"""The demo's photographs as files, under the names that the README's commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from samekind.datasets.tables import write_list
from samekind.demo.cases import Case, Photo
from samekind.errors import DatasetError
from samekind.system.atomic import replacing

# The README's three pictures: two of one kind, one of another.
_NAMED = {"a.jpg": "motorcycle, left eye", "b.jpg": "motorcycle, right eye", "c.jpg": "cat"}
_PHOTOS, _PAIRS, _QUALITY = "photos", "pairs.csv", 92
# So that there is a copy to be found among them.
_COPY = "cat"


def ensure_new(folder: Path) -> None:
    """Make sure that nothing of a folder can be written over.

    Raises:
        DatasetError: It is there and holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder}: holds something already; name a new folder for the pictures")


def save_photos(cases: Sequence[Case], folder: Path) -> list[Path]:
    """Write the photographs of cases as JPEG: ``a.jpg``, ``b.jpg``, ``c.jpg``, and all in ``photos`` by their names.

    Beside them lies ``pairs.csv``, the pairs of the cases with their answers; and one photograph has a smaller copy.

    Returns:
        What was written.

    Raises:
        DatasetError: The folder holds something already.
        OSError: It cannot be written.
    """
    ensure_new(folder)
    photos = {name: photo for case in cases for name, photo in zip(case.names, case.photos, strict=True)}
    written = [_save(photos[name], folder / file) for file, name in _NAMED.items()]
    written += [_save(photo, folder / _PHOTOS / _file(name)) for name, photo in photos.items()]
    written.append(_save(photos[_COPY][::2, ::2], folder / _PHOTOS / f"{_COPY}-small.jpg"))
    pairs = [case for case in cases if len(case.names) == 2]
    rows = [
        dict(zip(("first", "second"), (f"{_PHOTOS}/{_file(name)}" for name in case.names), strict=True))
        | {"same": "1" if case.same else "0"}
        for case in pairs
    ]
    write_list(folder / _PAIRS, rows)
    return [*written, folder / _PAIRS]


def _file(name: str) -> str:
    return f"{name.replace(', ', '-').replace(' ', '-')}.jpg"


def _save(photo: Photo, path: Path) -> Path:
    with replacing(path) as temporary:
        Image.fromarray(photo).save(temporary, "JPEG", quality=_QUALITY)
    return path
