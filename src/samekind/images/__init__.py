"""Images of any kind, made ready for a network: uint8 (S, S, 3), sRGB, upright.

Each name is imported when it is first used: whoever only asks which files of a folder are images decodes none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samekind.images.decode import MAX_PIXELS, load_image, read_image
    from samekind.images.reader import DecodedImage
    from samekind.images.remarks import name_warnings
    from samekind.images.sources import ImageSource, Pixels, as_many, describe
    from samekind.images.square import Resize, Square
    from samekind.images.thumbnails import data_uri, thumbnail

__all__ = [
    "MAX_PIXELS",
    "DecodedImage",
    "ImageSource",
    "Pixels",
    "Resize",
    "Square",
    "as_many",
    "data_uri",
    "describe",
    "load_image",
    "name_warnings",
    "read_image",
    "thumbnail",
]

# Where each name comes from.
_MODULES = {
    "decode": ("MAX_PIXELS", "load_image", "read_image"),
    "reader": ("DecodedImage",),
    "remarks": ("name_warnings",),
    "sources": ("ImageSource", "Pixels", "as_many", "describe"),
    "square": ("Resize", "Square"),
    "thumbnails": ("data_uri", "thumbnail"),
}


def __getattr__(name: str) -> object:
    """Import what is asked for by name (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
