"""What counts as one image: a path, bytes, a file object, a PIL image or an array; and how messages call it."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import ImageError
from samekind.system.paths import given_path

ImageSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[np.uint8]
Pixels: TypeAlias = NDArray[np.uint8]


def as_many(images: ImageSource | Iterable[ImageSource]) -> Iterable[ImageSource]:
    """Several images as they are, one alone in a tuple. Bytes, files and arrays can be iterated, but are one image.

    Example:
        >>> as_many("cat.jpg")
        ('cat.jpg',)
    """
    if isinstance(images, np.ndarray):
        return images if images.ndim == 4 else (images,)
    if isinstance(images, str | os.PathLike | bytes | Image.Image) or hasattr(images, "read"):
        return (images,)  # type: ignore[return-value]  # hasattr does not narrow to BinaryIO
    return images if isinstance(images, Iterable) else (images,)


def describe(source: object) -> str:
    """The name by which messages call a source: its path, or what it is.

    Example:
        >>> describe(b"1234"), describe("cat.jpg")
        ('<4 bytes>', 'cat.jpg')
    """
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, bytes):
        return f"<{len(source)} bytes>"
    if isinstance(source, np.ndarray):
        return f"<array {source.dtype} {source.shape}>"
    if isinstance(source, Image.Image):
        return f"<PIL image {source.mode} {source.width}×{source.height}>"
    return f"<{type(source).__name__}>"


def encoded_file(source: object, name: str) -> Path | bytes:
    """Where the encoded bytes of a source are: a file, or the bytes themselves.

    A file object is read to its end from where it stands, for Pillow would seek to its start. ``~`` is expanded.

    Raises:
        ImageError: It is nothing that holds an encoded image, or an address.
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | os.PathLike):
        if not os.fspath(source):
            raise ImageError("an empty path was given for an image")
        path = given_path(source, ImageError)
        return path.read_bytes() if _flows(path) else path
    if hasattr(source, "read"):
        content = source.read()
        if not isinstance(content, bytes):
            raise ImageError(f"{name}: the file is open as text; open it as binary ('rb')")
        return content
    raise ImageError(f"{name}: give a path, bytes, a binary file object, a PIL image or a uint8 array")


def _flows(path: Path) -> bool:
    """Whether a path is a pipe (``<(…)`` of a shell, /dev/stdin) or the like, which can be read only once."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def from_array(array: NDArray[np.uint8], name: str) -> Image.Image:
    """A PIL image of an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), uint8.

    Raises:
        ImageError: It has another type or shape, or no pixels.
    """
    if array.dtype != np.uint8:
        raise ImageError(f"{name}: arrays must be uint8, 0 to 255")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ImageError(f"{name}: arrays must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    if array.size == 0:
        raise ImageError(f"{name}: the image has no pixels")
    return Image.fromarray(np.ascontiguousarray(array))


def opened(encoded: Path | bytes) -> Path | BinaryIO:
    """What ``PIL.Image.open`` takes."""
    return io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded


def head_of(encoded: Path | bytes, count: int) -> bytes:
    """The first bytes, by which formats are told apart; none if they cannot be read."""
    if isinstance(encoded, bytes):
        return encoded[:count]
    try:
        with encoded.open("rb") as file:
            return file.read(count)
    except (OSError, ValueError):
        return b""


def is_empty(source: object) -> bool:
    """Whether a path or bytes hold nothing at all, as a download or a copy that failed leaves behind."""
    if isinstance(source, bytes):
        return not source
    try:
        return isinstance(source, str | os.PathLike) and Path(source).expanduser().stat().st_size == 0
    except (OSError, RuntimeError, ValueError):
        return False


def whole_of(encoded: Path | bytes) -> bytes:
    """All the bytes."""
    return encoded if isinstance(encoded, bytes) else encoded.read_bytes()
