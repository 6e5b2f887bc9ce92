"""Colour profiles: the numbers of an image become those that a screen (sRGB) would need to show the same colours."""

from __future__ import annotations

import io
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from PIL import Image

# A profile that moves no colour of a cube of them by more is sRGB as somebody else wrote it down.
_SAME = 2
_STEPS = 6
_MODE_OF_SPACE = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}


def profile_of(image: Image.Image) -> bytes | None:
    """The profile that must be applied to an image; None if it has none, or it is sRGB or broken."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return None
    return profile if _conversion(profile) else None


def mode_of(profile: bytes) -> str:
    """The mode that an image must have for its profile to be applied: L, RGB or CMYK."""
    conversion = _conversion(profile)
    assert conversion is not None  # profile_of gave it
    return conversion[0]


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The same colours in sRGB.

    Args:
        image: An image of the mode that ``mode_of`` names.
        profile: From ``profile_of``.
    """
    from PIL import ImageCms  # noqa: PLC0415 - most pictures have no profile

    conversion = _conversion(profile)
    assert conversion is not None  # profile_of gave it
    converted = ImageCms.applyTransform(image, conversion[1])
    assert converted is not None  # it is when the image itself is changed
    return converted


def lab_to_rgb(image: Image.Image) -> Image.Image:
    """An image in CIE Lab, as TIFF may hold it, in sRGB."""
    from PIL import ImageCms  # noqa: PLC0415 - most pictures are not in Lab

    lab, srgb = (ImageCms.createProfile(space) for space in ("LAB", "sRGB"))
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert converted is not None
    return converted


@lru_cache(maxsize=64)
def _conversion(profile: bytes) -> tuple[str, Any] | None:
    """The mode that the profile is for, and the way to sRGB; None if there is nothing to do, or nothing can be done."""
    from PIL import ImageCms  # noqa: PLC0415 - as above

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODE_OF_SPACE.get(opened.profile.xcolor_space.strip())
        if mode is None:
            return None
        conversion = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if _changes_nothing(mode, conversion) else (mode, conversion)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile is no broken picture
        return None


def _changes_nothing(mode: str, conversion: Any) -> bool:
    from PIL import ImageCms  # noqa: PLC0415 - as above

    if mode == "CMYK":
        return False
    levels = np.linspace(0, 255, 256 if mode == "L" else _STEPS).round().astype(np.uint8)
    cube = np.array(list(product(levels, repeat=3)), np.uint8) if mode == "RGB" else np.repeat(levels[:, None], 3, 1)
    probe = Image.fromarray(cube[None] if mode == "RGB" else levels[None])
    converted = np.asarray(ImageCms.applyTransform(probe, conversion), np.int16)
    return bool(np.abs(converted - cube[None]).max() <= _SAME)
