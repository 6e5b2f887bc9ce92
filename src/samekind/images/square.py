"""How an image becomes the square that a network gets."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
