"""The kinds of files that are read as images: their suffixes, their first bytes, and the extras that some need."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from PIL import Image, features

from samekind.errors import ImageError, MissingExtraError

# To draw these Pillow would start Ghostscript, or the system's own interpreter, on what may be a stranger's file.
RUN_OTHER_PROGRAMS = frozenset({"EPS", "WMF"})

# fmt: off
RAW_SUFFIXES = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef",
    ".raf", ".rw2", ".rwl", ".srf", ".sr2", ".srw", ".x3f",
})
# What a folder is searched for. Content decides how a file is read; the suffix only whether it is looked at.
IMAGE_SUFFIXES = RAW_SUFFIXES | {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif",
    ".tiff", ".tga", ".icb", ".vda", ".vst", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".jp2", ".j2k", ".jpx", ".jpf",
    ".jpc", ".j2c", ".avif", ".heic", ".heif", ".hif", ".jxl", ".ico", ".pcx", ".sgi", ".dds", ".qoi",
}
# fmt: on
# Bytes at the start of a file that suffice to tell what it is.
HEAD = 32
# ``.jpg_large``, ``.png~``, ``.jpeg:orig``: what browsers and downloads leave of a suffix. Content decides.
_WORN_SUFFIX = re.compile(r"\.(jpe?g|png|gif|webp|tiff?|bmp|heic)[^a-z0-9.][^.]*", re.IGNORECASE)


@dataclass(frozen=True)
class Plugin:
    """A format that Pillow reads with the help of another package.

    Attributes:
        label: What people call the format.
        extra: The extra of samekind that installs the package.
        module: The package's module.
        register: Tells Pillow of it.
    """

    label: str
    extra: str
    module: str
    register: Callable[[], None]


def _register_heif() -> None:
    importlib.import_module("pillow_heif").register_heif_opener()


def _register_jxl() -> None:
    importlib.import_module("pillow_jxl")  # registers itself


PLUGINS = {
    "HEIF": Plugin("HEIC or HEIF", "heif", "pillow_heif", _register_heif),
    "JXL": Plugin("JPEG XL", "jxl", "pillow_jxl", _register_jxl),
}


# What a message names for a file that an extra would read, and the module by which one knows that it is there.
EXTRAS = {plugin.extra: plugin.module for plugin in PLUGINS.values()} | {
    "raw": "rawpy",
    "tiff": "tifffile",
    "video": "av",
}


def installed_extras() -> list[str]:
    """The extras for reading files that are installed."""
    return [extra for extra, module in EXTRAS.items() if find_spec(module) is not None]


def sniff(head: bytes) -> str | None:
    """The format of a file by its first bytes, by Pillow's name; None if they are no image's that we know.

    Formats without a signature of their own (TGA, some raw files) are known by their suffix only.

    Args:
        head: ``HEAD`` bytes, or all of a shorter file.

    Example:
        >>> sniff(b"GIF89a"), sniff(b"#!/bin/sh")
        ('GIF', None)
    """
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head[:4] == b"RIFF":
        return "WEBP" if head[8:12] == b"WEBP" else None
    return next((name for signature, name in _SIGNATURES if head.startswith(signature)), None)


_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0\x10\0\0\0CR", "RAW"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    *((f"P{digit}{space}".encode(), "PPM") for digit in "123456fF" for space in " \n\r\t"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\0", "RAW"),
    (b"FOVb", "RAW"),
    (b"\0MRM", "RAW"),
)


def _iso_media(head: bytes) -> str | None:
    brands = {head[8:12]} | {head[i : i + 4] for i in range(16, len(head) - 3, 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if head[8:12] == b"crx ":
        return "RAW"
    return "HEIF" if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"} else None


def by_content(name: str) -> bool:
    """Whether a file of this name may be an image though its suffix does not say so: no suffix, or a worn one.

    Example:
        >>> [by_content(name) for name in ("IMG_0001", "cat.jpg_large", "cat.jpg", "notes.txt")]
        [True, True, False, False]
    """
    suffix = _suffix(name)
    return not suffix or bool(_WORN_SUFFIX.fullmatch(suffix))


def has_image_suffix(name: str) -> bool:
    """Whether the name ends like an image's, in any case."""
    return _suffix(name) in IMAGE_SUFFIXES


def _suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def ensure_readable(kind: str | None, name: str) -> None:
    """Have Pillow know the format, if a plugin does it.

    Raises:
        ImageError: The plugin is not installed, or this Pillow is too old; the message says what to install.
    """
    if kind in PLUGINS:
        _ensure_registered(kind, name)
    elif kind == "AVIF" and not _has_avif():
        raise ImageError(f"{name}: an AVIF image, which needs Pillow 11.3 or later: pip install --upgrade pillow")


def readable_plugins(*kinds: str) -> tuple[str, ...]:
    """Those of some formats whose plugins are installed; Pillow knows of them from then on.

    Example:
        >>> readable_plugins()
        ()
    """
    installed = tuple(kind for kind in kinds if find_spec(PLUGINS[kind].module) is not None)
    for kind in installed:
        _ensure_registered(kind, kind)
    return installed


def missing_extra(label: str, extra: str, module: str, name: str) -> ImageError:
    """The error for a file that an extra would read."""
    return ImageError(f"{name}: a {label} image. {MissingExtraError(extra, module)}")


@cache
def _has_avif() -> bool:
    Image.init()
    return "AVIF" in Image.OPEN and (features.check_module("avif") if "avif" in features.modules else True) is True


def _ensure_registered(kind: str, name: str) -> None:
    plugin = PLUGINS[kind]
    if kind in _registered:
        return
    if find_spec(plugin.module) is None:
        raise missing_extra(plugin.label, plugin.extra, plugin.module, name)
    plugin.register()
    _registered.add(kind)


_registered: set[str] = set()
