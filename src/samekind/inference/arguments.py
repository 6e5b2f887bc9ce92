"""Making sure that what was given as images, pairs or trios is that, before any of it is taken apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from samekind.errors import ArgumentError
from samekind.images import ImageSource, as_many
from samekind.images.tensors import is_tensor, tensor_pixels

_NOUNS = {2: ("pair", '("a.jpg", "b.jpg")'), 3: ("trio", '("a.jpg", "b.jpg", "c.jpg")')}


def image_list(images: ImageSource | Iterable[ImageSource]) -> Iterable[ImageSource]:
    """One image or many, as many.

    Raises:
        ArgumentError: It is a table or a dictionary, of which iterating would give the names.
    """
    if is_tensor(images):
        images = tensor_pixels(images)
    if isinstance(images, Mapping) or _is_frame(images):
        raise ArgumentError(f"images are given in a list, not in a {_kind(images)}; give one column of it as a list")
    return as_many(images)


def image_items(items: Iterable[Iterable[ImageSource]], size: int) -> list[tuple[ImageSource, ...]]:
    """Pairs or trios of images, as a list of tuples.

    Args:
        items: The pairs or trios. Each may be a tuple, a list, a row of an array; a generator may give them.
        size: 2 for pairs, 3 for trios.

    Raises:
        ArgumentError: They are something that Python could iterate over, but hold no pairs or trios: text, a table, a
            flat list of images, items of another size.

    Example:
        >>> image_items([["a.jpg", "b.jpg"]], 2)
        [('a.jpg', 'b.jpg')]
    """
    noun, example = _NOUNS[size]
    if _is_frame(items):
        names = ["first", "second", "third"][:size]
        raise ArgumentError(
            f"a {_kind(items)} is iterated by its columns; give its rows: "
            f"table[{names}].itertuples(index=False, name=None) in pandas, table.select({names}).iter_rows() in polars"
        )
    if _is_one_image(items) or isinstance(items, Mapping) or not isinstance(items, Iterable):
        raise ArgumentError(f"give a list of {noun}s, such as [{example}], not {_said(items)}")
    listed = []
    for number, item in enumerate(items):
        if _is_one_image(item) or isinstance(item, Mapping) or not isinstance(item, Iterable):
            raise ArgumentError(
                f"give a list of {noun}s, such as [{example}]; item {number} is {_said(item)}, which is no {noun}"
            )
        members = tuple(item)  # a row of an array gives new objects each time
        if len(members) != size:
            raise ArgumentError(f"item {number} has {len(members)} images; a {noun} has {size}")
        listed.append(members)
    return listed


def _is_one_image(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return (value.ndim < 3 and value.dtype.kind not in "OUS") or (value.ndim == 3 and value.shape[-1] in (1, 3, 4))
    return isinstance(value, str | bytes | os.PathLike | Image.Image) or hasattr(value, "read") or is_tensor(value)


def _is_frame(value: object) -> bool:
    return type(value).__name__ in {"DataFrame", "LazyFrame"} and hasattr(value, "columns")


def _kind(value: object) -> str:
    return "dictionary" if isinstance(value, Mapping) else type(value).__name__


def _said(value: Any) -> str:
    if isinstance(value, str | bytes | os.PathLike):
        return f"{os.fspath(value)!r:.80}"
    return f"one {type(value).__name__}"
