"""How an image becomes the square that a network gets."""

from __future__ import annotations

from typing import Literal, NamedTuple

from PIL import Image

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

    def of(self, image: Image.Image) -> Image.Image:
        """The square, in the image's own mode."""
        return self._resized(image, (self.side, self.side), self.box(*image.size))

    def within(self, image: Image.Image) -> Image.Image:
        """The whole image as wide and high as it is, made smaller where a side is longer than the square's."""
        ratio = min(1.0, self.side / max(image.size))
        width, height = (max(1, round(ratio * side)) for side in image.size)
        return self._resized(image, (width, height), None)

    @staticmethod
    def _resized(
        image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None
    ) -> Image.Image:
        return image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
