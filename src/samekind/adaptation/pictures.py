"""Which pictures a model is adapted to: a folder, a list, a gallery, or embeddings that are there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from samekind.errors import AdaptationError, ImageError
from samekind.images import ImageSource
from samekind.images.folder_contents import walk
from samekind.inference.embedder import Embedder
from samekind.inference.similarity import Embeddings
from samekind.progress import Progress
from samekind.system.paths import given_path

# More make the mean of a collection hardly any surer.
MOST_PICTURES = 500


@runtime_checkable
class EmbeddedPictures(Protocol):
    """A collection that is embedded already, such as a ``Gallery``."""

    def bare_embeddings(self, fingerprint: str) -> Embeddings:
        """Embeddings, float32 (N, D), unit rows, by the bare model of this fingerprint."""
        ...


Pictures: TypeAlias = str | os.PathLike[str] | Iterable[ImageSource] | NDArray[np.float32] | EmbeddedPictures


def pictures_of(folder: str | os.PathLike[str], most: int = MOST_PICTURES) -> list[Path]:
    """The pictures of a folder and its subfolders; of more than ``most``, so many from all over it.

    Raises:
        AdaptationError: There is no such folder, or it cannot be listed.
    """
    root = given_path(folder, AdaptationError)
    if not root.is_dir():
        found = "a file, not a folder" if root.exists() else "no such folder"
        raise AdaptationError(f"{root}: {found}; give a folder of your own pictures")
    try:
        found_paths = sorted(Path(image.path) for image in walk(root))
    except OSError as error:
        raise AdaptationError(f"{root}: cannot be listed ({error.strerror})") from error
    return spread_out(found_paths, most)


def spread_out(pictures: Sequence[Path], most: int) -> list[Path]:
    """At most so many, evenly spread over the list, so that each subfolder has its share.

    Example:
        >>> spread_out([Path(name) for name in "abcdef"], 3)
        [PosixPath('a'), PosixPath('c'), PosixPath('f')]
    """
    if len(pictures) <= most:
        return list(pictures)
    return [pictures[int(place)] for place in np.linspace(0, len(pictures) - 1, most).round()]


def are_embeddings(pictures: object) -> bool:
    """Whether these are embeddings rather than pictures: an array of floats with two dimensions."""
    return isinstance(pictures, np.ndarray) and pictures.ndim == 2 and bool(np.issubdtype(pictures.dtype, np.floating))


def bare_embeddings(
    embedder: Embedder,
    pictures: Pictures,
    on_progress: Progress | None,
    on_unreadable: Callable[[ImageError], None] | None,
) -> Embeddings:
    """The embeddings of a collection, of those pictures that can be read: float32 (N, D), unit rows.

    Args:
        embedder: The bare model.
        pictures: The collection.
        on_progress: Called with ("images", number done, number of all or 0).
        on_unreadable: Called with the error of each image that cannot be read.

    Raises:
        AdaptationError: None can be read, there is no such folder, or the embeddings are another model's.
    """
    if isinstance(pictures, EmbeddedPictures):
        return pictures.bare_embeddings(embedder.card.fingerprint)
    if are_embeddings(pictures):
        return np.asarray(pictures, np.float32)
    images = pictures_of(pictures) if isinstance(pictures, str | os.PathLike) else pictures
    embedded = embedder.embed(images, on_error="skip", on_progress=on_progress)
    if embedded.errors and not len(embedded.embeddings):
        first = next(iter(embedded.errors.values()))
        raise AdaptationError(f"none of the {len(embedded.errors):,} pictures can be read; the first: {first}")
    if on_unreadable:
        for error in embedded.errors.values():
            on_unreadable(error)
    return embedded.embeddings
