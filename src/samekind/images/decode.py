"""Any source of one image in, uint8 (S, S, 3) sRGB out.

The one implementation of decode-and-resize: training, evaluation and inference all call it, so a network never
meets at work a pixel pipeline that it was not trained on.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from samekind.errors import ImageError
from samekind.images import videos
from samekind.images.reader import Damaged, DecodedImage, Reader, too_large
from samekind.images.remarks import reading
from samekind.images.sources import ImageSource, Pixels, describe, encoded_file, from_array, is_empty
from samekind.images.square import Square
from samekind.system.paths import given_path

# Pillow itself refuses twice its MAX_IMAGE_PIXELS; a 108-megapixel photograph from a telephone passes.
MAX_PIXELS = 178_956_970


def load_image(
    source: ImageSource,
    size: int | Square,
    *,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
    damaged: Damaged = "refuse",
) -> Pixels:
    """Decode one image and squash it to a square, or as an encoder from elsewhere wants it.

    The first frame of an animation stands for it. EXIF rotation and the colour profile are applied, transparency is
    laid on white, greyscale, palette, CMYK and deeper images become 8-bit sRGB. The pixel count is checked before any
    pixel is decoded. The aspect ratio is not kept: our networks are trained on squashed images, and so see all of each.

    Args:
        source: A path (``clip.mp4#t=12.5`` is a frame of a video; extra ``video``), the encoded bytes, a binary file
            object (read from where it stands, not closed), a PIL image (left as it is), or a uint8 array (H, W),
            (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
        size: The side S of the result, in pixels; or a ``Square``.
        max_pixels: Images of more pixels (width × height, as stored) are refused.
        formats: The only encoded formats to try, by Pillow's names, such as ``("JPEG", "PNG")``; default all.
        damaged: What to do with a JPEG whose end is missing: ``refuse`` it, which training does, or ``read`` what is
            there, which galleries do.

    Returns:
        uint8 (S, S, 3), sRGB, 0 to 255.

    Raises:
        ImageError: The source is missing, broken, truncated, too large, or no image. The message names it.

    Example:
        >>> load_image(np.zeros((30, 40), np.uint8), 8).shape
        (8, 8, 3)
    """
    return read_image(source, size, max_pixels=max_pixels, formats=formats, damaged=damaged).pixels


def read_image(
    source: ImageSource,
    size: int | Square,
    *,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
    damaged: Damaged = "refuse",
    squashed: bool = True,
    name: str | None = None,
) -> DecodedImage:
    """``load_image``, with what else there is to know of the image.

    Args:
        source: As ``load_image``.
        size: The side S of the square, or a ``Square``; or, where it is not squashed, the most pixels of the longer
            side.
        max_pixels: As ``load_image``.
        formats: As ``load_image``.
        damaged: As ``load_image``.
        squashed: False keeps the ratio of the sides, and makes nothing larger: pixels are uint8 (H, W, 3).
        name: What messages and remarks call it; None for what ``describe`` does.

    Raises:
        ImageError: As ``load_image``.

    Example:
        >>> image = read_image(np.zeros((30, 40), np.uint8), 8)
        >>> image.width, image.height
        (40, 30)
    """
    name = describe(source) if name is None else name
    square = size if isinstance(size, Square) else Square(size)
    try:
        with reading(name):
            if isinstance(source, np.ndarray):
                return Reader(name, square, max_pixels, squashed=squashed).of_image(from_array(source, name))
            if isinstance(source, Image.Image):
                return Reader(name, square, max_pixels, squashed=squashed).of_image(source)
            if formats is None and isinstance(source, str | os.PathLike) and videos.frame_of(source):
                return Reader(name, square, max_pixels, squashed=squashed).of_frame(given_path(source, ImageError))
            return Reader(name, square, max_pixels, formats, damaged, squashed=squashed).of_file(
                encoded_file(source, name)
            )
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{name}: a folder, not an image file") from None
    except PermissionError:
        raise ImageError(f"{name}: no permission to read it") from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: {_what_it_is_not(source, name, formats)}") from None
    except Image.DecompressionBombError:
        raise ImageError(too_large(name, None, max_pixels)) from None
    except OSError as error:
        # Pillow raises OSError without a number for broken images; one with a number comes from the system.
        reason = f"cannot be read ({error.strerror})" if error.errno else f"broken or truncated image ({error})"
        raise ImageError(f"{name}: {reason}") from error
    except Exception as error:  # Pillow's decoders raise almost anything on broken input
        raise ImageError(f"{name}: broken or truncated image ({error})") from error


def _what_it_is_not(source: ImageSource, name: str, allowed: tuple[str, ...] | None) -> str:
    if is_empty(source):
        return "the file is empty"
    if allowed:
        return f"not a {', '.join(allowed)} image"
    if videos.is_video(name):
        return f"a video, not an image; name one of its frames, such as {videos.frame_name(Path(name).name, 12.5)}"
    return "not an image in a format that Pillow can read"
