"""Bytes or paths in, rows out: what the local loop, workers of Ray, and anybody's own engine call.

Nothing is remembered from one call to the next, and no row depends on another: so it makes no difference where, in
what order and how often images are embedded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from samekind.embedding.new_image import NETWORK_BATCH, NewImage, read_new_image, stored_embeddings
from samekind.errors import ImageError
from samekind.images import Square, describe
from samekind.inference.encoder import OnnxEncoder
from samekind.system.read_ahead import read_ahead

_Item = TypeVar("_Item")
# Images that are read ahead of the network, about 200 kB each.
_AHEAD = 4 * NETWORK_BATCH


class EmbeddedImage(NamedTuple):
    """What follows from the bytes of one image. The first nine are the columns of a gallery.

    Attributes:
        sha256: The hash of the bytes, 32 bytes; None if there were none to be had.
        error: The reason why it cannot be read; None if it can.
        width: The pixels of a line, upright; None if it cannot be read, as all below.
        height: The number of lines, upright.
        taken: The time of the photograph, ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; None if the file does not say.
        phash: The perceptual hash, 8 bytes.
        picture: The small picture by which copies are found, as WebP.
        features: Its local features.
        embedding: float16 (D,), of unit length but for the rounding, as bytes.
        size: The number of bytes; 0 if there were none to be had.
        damage: What is missing of the image, in words; None if it is whole.
    """

    sha256: bytes | None
    error: str | None
    width: int | None = None
    height: int | None = None
    taken: str | None = None
    phash: bytes | None = None
    picture: bytes | None = None
    features: bytes | None = None
    embedding: bytes | None = None
    size: int = 0
    damage: str | None = None

    @property
    def content(self) -> tuple[str | int | bytes | None, ...]:
        """The values of a gallery's columns."""
        return self[:9]


def embed_batch(images: Iterable[bytes | str | os.PathLike[str]], encoder: OnnxEncoder) -> list[EmbeddedImage]:
    """Embed images, each given as its encoded bytes or as its path; one that cannot be read is a row with the reason.

    Args:
        images: A batch of them.
        encoder: The network, ``samekind.load().encoder``; with ``threads=1`` where there is a worker for each core.

    Returns:
        A row for each image, in their order.

    Example:
        >>> import io, numpy as np, samekind
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(file, "PNG")
        >>> rows = embed_batch([file.getvalue(), "gone.jpg"], samekind.load().encoder)
        >>> [(row.width, row.height, row.error) for row in rows]
        [(40, 30, None), (None, None, 'cannot be read (No such file or directory)')]
        >>> np.frombuffer(rows[0].embedding, np.float16).shape
        (512,)
    """
    return list(embed_stream(images, encoder, read_bytes))


def embed_stream(
    items: Iterable[_Item],
    encoder: OnnxEncoder,
    read: Callable[[_Item], bytes],
    name: Callable[[_Item], str] = describe,
) -> Iterator[EmbeddedImage]:
    """The same for any number of images, which are read ahead of the network. Memory does not grow with their number.

    Args:
        items: What ``read`` takes.
        encoder: The network.
        read: Gives the encoded bytes of an image, in one of several threads, or raises an ``ImageError``, whose message
            is the reason.
        name: What remarks about an image call it.
    """
    square = encoder.square
    with closing(
        read_ahead(lambda item: _look_at(item, read, name, square), items, ahead=_AHEAD, name="samekind-embed")
    ) as ahead:
        while found := list(islice(ahead, NETWORK_BATCH)):
            embeddings = iter(stored_embeddings([image for _, image in found if image is not None], encoder))
            for row, image in found:
                yield row if image is None else row._replace(embedding=next(embeddings))


def read_bytes(image: bytes | str | os.PathLike[str]) -> bytes:
    """The encoded bytes of an image.

    Raises:
        ImageError: The file cannot be read; the message is the reason alone.
    """
    if isinstance(image, bytes):
        return image
    try:
        return Path(image).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror})") from error


def _look_at(
    item: _Item, read: Callable[[_Item], bytes], name: Callable[[_Item], str], square: Square
) -> tuple[EmbeddedImage, NewImage | None]:
    """An image's row but for the embedding, and what the embedding is made of."""
    try:
        content = read(item)
    except ImageError as error:
        return EmbeddedImage(None, _text(str(error))), None
    sha256 = hashlib.sha256(content).digest()
    try:
        image = read_new_image(content, square, name(item))
    except ImageError as error:
        reason = str(error).removeprefix(f"{name(item)}: ")
        return EmbeddedImage(sha256, _text(reason), size=len(content)), None
    return (
        EmbeddedImage(
            sha256,
            None,
            *(image.decoded.width, image.decoded.height, image.decoded.taken),
            image.phash,
            *image.picture,
            size=len(content),
            damage=image.decoded.damage,
        ),
        image,
    )


def _text(reason: str) -> str:
    """The surrogates of a name that is no UTF-8 are written out."""
    return reason.encode("utf-8", "backslashreplace").decode()
