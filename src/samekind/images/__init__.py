"""Images of any kind, made ready for a network: uint8 (S, S, 3), sRGB, upright."""

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
