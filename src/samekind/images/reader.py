"""Reading one image: by what kind of file it is, also where its own way fails, to upright sRGB of the wanted size."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from samekind.errors import ImageError
from samekind.images import formats, videos
from samekind.images.encoded import colour, exif, jpeg, png, raw, tiff
from samekind.images.encoded.samples import mend_byte_order, raw_mode, stored_samples
from samekind.images.encoded.tones import Samples, to_8_bits
from samekind.images.sources import Pixels, head_of, opened, whole_of
from samekind.images.square import Square

Damaged = Literal["refuse", "read"]


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


class Reader:
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
        """An image file, or its bytes."""
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
            raise ImageError(too_large(self._name, (image.width, image.height), self._max_pixels))

    def _square(self, image: Image.Image, profile: bytes | None, turned: int) -> Pixels:
        mode = colour.mode_of(profile) if profile else "RGB"
        flat = _flat(image, mode)
        square = self._wanted.of(flat) if self._squashed else self._wanted.within(flat)
        # Of the small square all is cheaper than of the photograph, and the same: squashing commutes with turning, and
        # nearly with the change of colours.
        if profile is not None and square.mode == mode:
            square = colour.to_srgb(square, profile)
        elif square.mode != "RGB":
            square = square.convert("RGB")
        return np.asarray(exif.turned_upright(square, turned))


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


def too_large(name: str, size: tuple[int, int] | None, max_pixels: int) -> str:
    """Why an image of so many pixels, where they are known, is refused."""
    shape = f" ({size[0]}×{size[1]})" if size else ""
    return f"{name}: too large{shape}; at most {max_pixels:,} pixels are decoded. Make it smaller first"
