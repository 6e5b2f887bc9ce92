"""Camera raw files: the preview that the camera itself developed and put inside (extra ``raw``)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from samekind.errors import ImageError
from samekind.images.encoded.exif import orientation
from samekind.images.formats import RAW_SUFFIXES, missing_extra
from samekind.images.sources import opened

# TIFF tags by which a raw file is told from a picture: DNG's version, and a first image that is only a thumbnail of
# others further down.
_DNG_VERSION, _SUBFILE_TYPE, _SUBFILES, _REDUCED = 50706, 254, 330, 1
# LibRaw's ways of turning, as EXIF's orientations.
_ORIENTATIONS = {3: 3, 5: 8, 6: 6}


def is_raw(kind: str | None, encoded: Path | bytes) -> bool:
    """Whether a file is a camera's, by its first bytes or its suffix.

    Args:
        kind: From ``formats.sniff``.
        encoded: The file. A picture that has a raw file's suffix by mistake is no raw file.
    """
    named = isinstance(encoded, Path) and encoded.suffix.lower() in RAW_SUFFIXES
    return kind == "RAW" or (named and kind in {None, "TIFF"})


def is_raw_tiff(image: Image.Image) -> bool:
    """Whether a TIFF that Pillow has opened is a raw file, of which Pillow would show a thumbnail."""
    tags = getattr(image, "tag_v2", {})
    return _DNG_VERSION in tags or (tags.get(_SUBFILE_TYPE) == _REDUCED and _SUBFILES in tags)


def read_preview(encoded: Path | bytes, name: str) -> tuple[Image.Image | bytes, int]:
    """The embedded preview, as a file where it is a JPEG, and how it is turned (EXIF's orientation).

    Raises:
        ImageError: The extra is not installed, or the file is broken or has no preview.
    """
    if find_spec("rawpy") is None:
        raise missing_extra("camera raw", "raw", "rawpy", name)
    import rawpy  # noqa: PLC0415 - extra raw

    try:
        source = opened(encoded)
        with rawpy.imread(str(source) if isinstance(source, Path) else source) as file:
            preview = file.extract_thumb()
            turned = _ORIENTATIONS.get(file.sizes.flip, 1)
    except rawpy.LibRawNoThumbnailError:
        raise ImageError(f"{name}: a raw file without a preview; save it as JPEG or TIFF") from None
    except rawpy.LibRawError as error:
        raise ImageError(f"{name}: a broken raw file, or of an unknown camera ({error})") from error
    if not isinstance(preview.data, bytes):
        return Image.fromarray(preview.data), turned
    with Image.open(opened(preview.data)) as image:
        own = orientation(image)
    return preview.data, own if own != 1 else turned
