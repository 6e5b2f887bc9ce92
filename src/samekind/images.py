"""Any source of one image in, uint8 (S, S, 3) out.

The one implementation of decode-and-resize: training, evaluation and inference all call it, so a network never
meets at work a pixel pipeline that it was not trained on.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from samekind.errors import ImageError

ImageSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[np.uint8]
Pixels: TypeAlias = NDArray[np.uint8]

# Pillow itself refuses twice its MAX_IMAGE_PIXELS; a 108-megapixel photograph from a telephone passes.
MAX_PIXELS = 178_956_970

# To draw these Pillow would start Ghostscript, or the system's own interpreter, on what may be a stranger's file.
_RUN_OTHER_PROGRAMS = frozenset({"EPS", "WMF"})

_ORIENTATION_TAG = 0x0112
# EXIF 2.32, 4.6.4.A: how to turn the stored image upright. Orientation 1 needs nothing.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(
    source: ImageSource, size: int, *, max_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None
) -> Pixels:
    """Decode one image and squash it to a square.

    The first frame of an animation stands for it. EXIF rotation is applied, transparency is laid on white,
    greyscale, palette, CMYK and 16-bit images become 8-bit RGB. The pixel count is checked before any pixel is
    decoded. The aspect ratio is not kept: the networks are trained on squashed images, and so see all of each.

    Args:
        source: A path, the encoded bytes, a binary file object (read from where it stands, not closed), a PIL
            image (left as it is), or a uint8 array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
        size: The side S of the result, in pixels.
        max_pixels: Images of more pixels (width × height, as stored) are refused.
        formats: The only encoded formats to try, by Pillow's names, such as ``("JPEG", "PNG")``; default all.

    Returns:
        uint8 (S, S, 3), RGB, 0 to 255.

    Raises:
        ImageError: The source is missing, broken, truncated, too large, or no image. The message names it.

    Example:
        >>> load_image(np.zeros((30, 40), np.uint8), 8).shape
        (8, 8, 3)
    """
    name = describe(source)
    try:
        if isinstance(source, np.ndarray):
            return _to_pixels(_from_array(source, name), size, max_pixels, name)
        if isinstance(source, Image.Image):
            return _to_pixels(source, size, max_pixels, name)
        with Image.open(_opened(source, name), formats=formats) as image:
            _check_format(image, name)
            _check_size(image, max_pixels, name)
            # A JPEG can be decoded at 1/2, 1/4 or 1/8: many times faster, and still at least twice the target.
            image.draft("RGB", (2 * size, 2 * size))
            return _to_pixels(image, size, max_pixels, name)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{name}: a folder, not an image file") from None
    except PermissionError:
        raise ImageError(f"{name}: no permission to read it") from None
    except UnidentifiedImageError:
        readable = f"not a {', '.join(formats)} image" if formats else "not an image in a format that Pillow can read"
        raise ImageError(f"{name}: {readable}") from None
    except Image.DecompressionBombError:
        raise ImageError(_too_large(name, None, max_pixels)) from None
    except OSError as error:
        # Pillow raises OSError without a number for broken images; one with a number comes from the system.
        reason = f"cannot be read ({error.strerror})" if error.errno else f"broken or truncated image ({error})"
        raise ImageError(f"{name}: {reason}") from error
    except Exception as error:  # Pillow's decoders raise almost anything on broken input
        raise ImageError(f"{name}: broken or truncated image ({error})") from error


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


def _opened(source: object, name: str) -> Path | BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        return Path(source)
    if hasattr(source, "read"):
        # Read to the end: Pillow would seek to the start of a file object, which is not where the caller left it.
        return io.BytesIO(source.read())
    raise ImageError(f"{name}: give a path, bytes, a binary file object, a PIL image or a uint8 array")


def _from_array(array: NDArray[np.uint8], name: str) -> Image.Image:
    if array.dtype != np.uint8:
        raise ImageError(f"{name}: arrays must be uint8, 0 to 255")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ImageError(f"{name}: arrays must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    if array.size == 0:
        raise ImageError(f"{name}: the image has no pixels")
    return Image.fromarray(np.ascontiguousarray(array))


def _check_format(image: Image.Image, name: str) -> None:
    if image.format in _RUN_OTHER_PROGRAMS:
        raise ImageError(f"{name}: {image.format} is a drawing, not a photograph; save it as PNG")


def _check_size(image: Image.Image, max_pixels: int, name: str) -> None:
    if image.width * image.height > max_pixels:
        raise ImageError(_too_large(name, (image.width, image.height), max_pixels))


def _too_large(name: str, size: tuple[int, int] | None, max_pixels: int) -> str:
    shape = f" ({size[0]}×{size[1]})" if size else ""
    return f"{name}: too large{shape}; at most {max_pixels:,} pixels are decoded. Make it smaller first"


def _to_pixels(image: Image.Image, size: int, max_pixels: int, name: str) -> Pixels:
    _check_size(image, max_pixels, name)
    if image.width == 0 or image.height == 0:
        raise ImageError(f"{name}: the image has no pixels")
    image.load()  # first, because Pillow turns a TIFF upright itself while it loads it
    orientation = _orientation(image)
    square = _to_rgb(image, name).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    # Turning the small square is cheaper than turning the photograph, and the same: squashing commutes with it.
    if orientation in _UPRIGHT:
        square = square.transpose(_UPRIGHT[orientation])
    return np.asarray(square)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a broken EXIF block does not make the picture unreadable
        return 1


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise ImageError(f"{name}: floating-point pixels have no agreed range; save it as 8- or 16-bit")
    if image.mode.startswith("I"):
        return _from_16_bit(image, name).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _from_16_bit(image: Image.Image, name: str) -> Image.Image:
    """Keep the upper 8 of 16 bits; Pillow's own conversion would clip everything above 255 to white."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ImageError(f"{name}: pixel values beyond 16 bits; save it as 8- or 16-bit")
    return Image.fromarray((values.astype(np.uint32) >> 8).astype(np.uint8))
