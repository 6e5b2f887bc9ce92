"""Any source of one image in, uint8 (S, S, 3) sRGB out.

The one implementation of decode-and-resize: training, evaluation and inference all call it, so a network never
meets at work a pixel pipeline that it was not trained on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from samekind.errors import ImageError
from samekind.images import formats, videos
from samekind.images.encoded import colour, exif, jpeg, png, raw, tiff
from samekind.images.encoded.samples import mend_byte_order, raw_mode, stored_samples
from samekind.images.encoded.tones import Samples, to_8_bits
from samekind.images.remarks import reading
from samekind.images.sources import (
    ImageSource,
    Pixels,
    describe,
    encoded_file,
    from_array,
    head_of,
    is_empty,
    opened,
    whole_of,
)
from samekind.system.paths import given_path

# Pillow itself refuses twice its MAX_IMAGE_PIXELS; a 108-megapixel photograph from a telephone passes.
MAX_PIXELS = 178_956_970

Damaged = Literal["refuse", "read"]
Resize = Literal["squash", "crop"]


class Square(NamedTuple):
    """How an image becomes the square that a network gets.

    Attributes:
        side: S, in pixels.
        resize: ``squash`` takes all of the image, ``crop`` the largest square in its middle.
        shown: The share of each side of that which is shown, in the middle, in (0, 1].

    Example:
        >>> Square(224, "crop", 0.875).box(640, 480)
        (110.0, 30.0, 530.0, 450.0)
    """

    side: int
    resize: Resize = "squash"
    shown: float = 1.0

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """What is shown of an image of some size: left, upper, right, lower, in pixels."""
        across, down = (min(width, height),) * 2 if self.resize == "crop" else (width, height)
        left, upper = (width - self.shown * across) / 2, (height - self.shown * down) / 2
        return left, upper, width - left, height - upper


@dataclass(frozen=True)
class DecodedImage:
    """An image, decoded once, and what its file says of it.

    Attributes:
        pixels: uint8 (S, S, 3), sRGB, upright; or (H, W, 3) where it was not squashed.
        width: The image's own, in pixels, upright.
        height: The image's own, in pixels, upright.
        taken: ``YYYY-MM-DD HH:MM:SS`` from the EXIF block, in the camera's own time; None if it does not say.
        damage: What is missing of the file, in words; None if it is whole.
    """

    pixels: Pixels
    width: int
    height: int
    taken: str | None = None
    damage: str | None = None


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

    Raises:
        ImageError: As ``load_image``.

    Example:
        >>> image = read_image(np.zeros((30, 40), np.uint8), 8)
        >>> image.width, image.height
        (40, 30)
    """
    name = describe(source)
    square = size if isinstance(size, Square) else Square(size)
    try:
        with reading(name):
            if isinstance(source, np.ndarray):
                return _Reader(name, square, max_pixels, squashed=squashed).of_image(from_array(source, name))
            if isinstance(source, Image.Image):
                return _Reader(name, square, max_pixels, squashed=squashed).of_image(source)
            if formats is None and isinstance(source, str | os.PathLike) and videos.frame_of(source):
                return _Reader(name, square, max_pixels, squashed=squashed).of_frame(given_path(source, ImageError))
            return _Reader(name, square, max_pixels, formats, damaged, squashed=squashed).of_file(
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
        raise ImageError(_too_large(name, None, max_pixels)) from None
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


class _Reader:
    """Reads one image; whatever it raises beside ImageError is put into words by ``read_image``."""

    def __init__(
        self,
        name: str,
        square: Square,
        max_pixels: int,
        allowed: tuple[str, ...] | None = None,
        damaged: Damaged = "refuse",
        *,
        squashed: bool = True,
    ) -> None:
        self._squashed = squashed
        self._name = name
        self._wanted = square
        self._max_pixels = max_pixels
        self._allowed = allowed
        self._damaged = damaged

    def of_file(self, encoded: Path | bytes) -> DecodedImage:
        kind = formats.sniff(head_of(encoded, formats.HEAD))
        if self._allowed is None:
            if raw.is_raw(kind, encoded):
                return self._of_raw(encoded)
            formats.ensure_readable(kind, self._name)
        elif kind in self._allowed:
            formats.ensure_readable(kind, self._name)
        try:
            return self._of_encoded(encoded)
        except UnidentifiedImageError:
            if kind == "TIFF" and (self._allowed is None or kind in self._allowed):
                return self._of_samples(tiff.read_tiff(encoded, self._name, self._max_pixels))
            raise
        except ValueError:
            if kind != "PNG":
                raise
            stripped, profile = png.without_metadata(whole_of(encoded))
            return self._of_encoded(stripped, profile)
        except OSError as error:
            if kind != "JPEG" or error.errno or "truncated" not in str(error):
                raise
            if self._damaged == "refuse":
                raise ImageError(f"{self._name}: broken or truncated image ({error})") from None
            return self._of_cut_jpeg(whole_of(encoded))

    def of_frame(self, named: Path) -> DecodedImage:
        """A frame of a video, by the frame's name; or the image that has such a name itself."""
        frame = videos.frame_of(named)
        if frame is None or os.path.lexists(named):  # False for a name that is too long
            return self.of_file(named)
        return self.of_image(videos.read_frame(Path(frame[0]), frame[1], self._max_pixels))

    def of_image(
        self, image: Image.Image, encoded: Path | bytes | None = None, *, turned: int | None = None
    ) -> DecodedImage:
        """A PIL image, opened or loaded."""
        stored, width_and_height = raw_mode(image), image.size
        self._check_size(image)
        if image.width == 0 or image.height == 0:
            raise ImageError(f"{self._name}: the image has no pixels")
        if encoded is not None:
            # A JPEG can be decoded at 1/2, 1/4 or 1/8: many times faster, and still at least twice the target.
            least = round(2 * self._wanted.side / self._wanted.shown)
            image.draft("RGB", (least, least))
            mend_byte_order(image)
        image.load()  # first, because Pillow turns a TIFF upright itself while it loads it
        if image.format == "TIFF":
            width_and_height = image.size
        turned = exif.orientation(image) if turned is None else turned
        samples = stored_samples(image, stored, encoded)
        eight = image if samples is None else _image_of(samples, self._name)
        width, height = exif.upright_size(width_and_height, turned)
        pixels = self._square(eight, colour.profile_of(image), turned)
        return DecodedImage(pixels, width, height, exif.taken(image))

    def _of_encoded(self, encoded: Path | bytes, profile: bytes | None = None) -> DecodedImage:
        with Image.open(opened(encoded), formats=self._allowed) as image:
            if image.format in formats.RUN_OTHER_PROGRAMS:
                raise ImageError(f"{self._name}: {image.format} is a drawing, not a photograph; save it as PNG")
            if image.format == "TIFF" and self._allowed is None and raw.is_raw_tiff(image):
                return self._of_raw(encoded)
            if profile is not None:
                image.info["icc_profile"] = profile
            if image.format == "TIFF" and tiff.is_misread(image):
                return self._of_samples(tiff.read_tiff(encoded, self._name, self._max_pixels))
            return self.of_image(image, encoded)

    def _of_raw(self, encoded: Path | bytes) -> DecodedImage:
        preview, turned = raw.read_preview(encoded, self._name)
        if isinstance(preview, bytes):
            with Image.open(opened(preview)) as image:
                return self.of_image(image, preview, turned=turned)
        return self.of_image(preview, turned=turned)

    def _of_samples(self, samples: Samples) -> DecodedImage:
        return self.of_image(_image_of(samples, self._name))

    def _of_cut_jpeg(self, data: bytes) -> DecodedImage:
        with Image.open(opened(jpeg.ended(data)), formats=("JPEG", "MPO")) as image:
            decoded = self.of_image(image, jpeg.ended(data))
            missing = jpeg.missing_share(image)
        if missing > 0.5:
            raise ImageError(f"{self._name}: broken or truncated image (the lower {missing:.0%} are missing)")
        lower = f", about the lower {missing:.0%} of the picture" if missing >= 0.02 else ""
        return replace(decoded, damage=f"damaged: the end of the file is missing{lower}")

    def _check_size(self, image: Image.Image) -> None:
        if image.width * image.height > self._max_pixels:
            raise ImageError(_too_large(self._name, (image.width, image.height), self._max_pixels))

    def _square(self, image: Image.Image, profile: bytes | None, turned: int) -> Pixels:
        side = self._wanted.side
        size = (side, side) if self._squashed else _fitted(image.size, side)
        box = self._wanted.box(*image.size) if self._squashed else None
        mode = colour.mode_of(profile) if profile else "RGB"
        square = _flat(image, mode).resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        # Of the small square all is cheaper than of the photograph, and the same: squashing commutes with turning, and
        # nearly with the change of colours.
        if profile is not None and square.mode == mode:
            square = colour.to_srgb(square, profile)
        elif square.mode != "RGB":
            square = square.convert("RGB")
        return np.asarray(exif.turned_upright(square, turned))


def _fitted(size: tuple[int, int], most: int) -> tuple[int, int]:
    ratio = min(1.0, most / max(size))
    return max(1, round(ratio * size[0])), max(1, round(ratio * size[1]))


def _image_of(samples: Samples, name: str) -> Image.Image:
    image = Image.fromarray(to_8_bits(samples, name))
    if samples.alpha is not None:
        image.putalpha(Image.fromarray(samples.alpha))
    return image


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """The image without transparency, palette and the like, in the mode that its profile is for, if it can be."""
    if image.mode == "RGB" and mode != "L" and "transparency" not in image.info:
        return image
    if image.mode == "LAB":
        return colour.lab_to_rgb(image)
    if image.mode == mode == "CMYK" or (image.mode == mode == "L" and "transparency" not in image.info):
        return image
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    # A profile for grey values is meant where all colours are grey; of another image it is somebody's mistake.
    return image.convert("L" if mode == "L" and image.mode in {"1", "L", "LA"} else "RGB")


def _too_large(name: str, size: tuple[int, int] | None, max_pixels: int) -> str:
    shape = f" ({size[0]}×{size[1]})" if size else ""
    return f"{name}: too large{shape}; at most {max_pixels:,} pixels are decoded. Make it smaller first"
