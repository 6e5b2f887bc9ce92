"""More than 8 bits a sample, whole numbers or not, made 8 bits: the picture that was taken, neither black nor white.

A camera that measures 10 or 12 bits writes them into samples of 16. What a file says of its range is believed; where it
says nothing, the number of bits that are used tells, so that the same picture gives the same pixels from any depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import ImageError
from samekind.images.remarks import remark
from samekind.images.sources import Pixels

# The depths of converters and displays. 15 and 31 are those of signed samples without a negative one.
_DEPTHS = (8, 10, 12, 14, 15, 16, 20, 24, 31, 32)
# So few of 256 grey levels that a picture with more of its own would come out flat: a thermal camera's, say.
_FEW_LEVELS = 32
_SAMPLE = 1 << 20


@dataclass(frozen=True)
class Samples:
    """An image as its file stores it.

    Attributes:
        values: (H, W) grey or (H, W, 3) colour, integers or floating point.
        depth: Bits of an integer sample.
        told: The (lowest, highest) value by what the file says, or None.
        for_display: Whether it says which colours its values stand for (a profile, a gamma), so that they are final.
        inverted: Whether the lowest value is white.
        alpha: uint8 (H, W), 255 is opaque, or None.
    """

    values: NDArray[np.generic]
    depth: int
    told: tuple[float, float] | None = None
    for_display: bool = False
    inverted: bool = False
    alpha: Pixels | None = None


def to_8_bits(samples: Samples, name: str) -> Pixels:
    """The samples as uint8, of the same shape.

    Args:
        samples: As stored.
        name: What to call the image.

    Raises:
        ImageError: It has no finite value.

    Example:
        >>> twelve_bits = np.array([[0, 2048, 4095]], np.uint16)
        >>> to_8_bits(Samples(twelve_bits, 16), "x-ray.png").tolist()
        [[0, 128, 255]]
    """
    values = samples.values
    if np.issubdtype(values.dtype, np.floating):
        values, (low, high) = _finite(values, samples.told, name)
    else:
        low, high = _integer_range(samples, name)
    eight = _scaled(values, low, high)
    return np.invert(eight) if samples.inverted else eight


def _finite(
    values: NDArray[np.generic], told: tuple[float, float] | None, name: str
) -> tuple[NDArray[np.generic], tuple[float, float]]:
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        raise ImageError(f"{name}: no pixel has a finite value; nothing can be seen in it")
    least, most = float(numbers[finite].min()), float(numbers[finite].max())
    numbers = np.where(finite, numbers, least)
    if told is not None:
        return numbers, told
    for usual in (1.0, 255.0):
        if least >= 0 and most <= usual:
            return numbers, (0.0, usual)
    remark(name, f"floating-point pixels without a stated range; {least:g} is shown as black, {most:g} as white")
    return numbers, (least, most)


def _integer_range(samples: Samples, name: str) -> tuple[float, float]:
    values = samples.values
    least, most = int(values.min()), int(values.max())
    if samples.told is not None and samples.told[0] <= least and most <= samples.told[1]:
        return samples.told
    if least < 0:
        remark(name, f"signed pixels; {least:,} is shown as black, {most:,} as white")
        return float(least), float(most)
    full = (1 << samples.depth) - 1
    if samples.for_display or values.dtype == np.uint8:
        return 0.0, float(full)
    if _widened(values):
        return 0.0, float(min(full, 0xFFFF) if most <= 0xFFFF else full)
    nominal = min(full, next((1 << bits) - 1 for bits in _DEPTHS if most < 1 << bits))
    if (most - least) * 255 < _FEW_LEVELS * nominal and _loses_levels(values, nominal):
        remark(name, f"of {full:,} levels only {least:,} to {most:,} are used; they are shown as black and white")
        return float(least), float(most)
    if nominal < full:
        used = nominal.bit_length()
        once = f"bits {used} of {samples.depth}"
        remark(name, f"{used} of {samples.depth} bits are used; read as {used}-bit (as all such files)", once=once)
    return 0.0, float(nominal)


def _widened(values: NDArray[np.generic]) -> bool:
    """Whether 8 bits were made 16, by zeros below them or by the same bits again."""
    sample = _sample(values)
    return any(not np.any(sample % factor) and not np.any(values % factor) for factor in (257, 256))


def _loses_levels(values: NDArray[np.generic], top: int) -> bool:
    sample = _sample(values)
    return len(np.unique(sample)) > 2 * len(np.unique(_scaled(sample, 0.0, float(top))))


def _sample(values: NDArray[np.generic]) -> NDArray[np.generic]:
    flat = values.reshape(-1)
    return flat[:: max(1, len(flat) // _SAMPLE)]


def _scaled(values: NDArray[np.generic], low: float, high: float) -> Pixels:
    bits = int(high).bit_length()
    if low == 0 and high == (1 << bits) - 1 and bits >= 8 and np.issubdtype(values.dtype, np.integer):
        # The upper 8 bits, so that 8 bits made 16 in either way come back to the last one.
        return (values.astype(np.int64) >> (bits - 8)).astype(np.uint8)
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    share = (values.astype(np.float64) - low) / (high - low)
    return np.round(share.clip(0, 1) * 255).astype(np.uint8)
