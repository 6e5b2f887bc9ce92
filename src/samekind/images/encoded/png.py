"""PNG beyond what Pillow gives: the significant bits of a sample, and files with megabytes of text or profile."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# No profile of a real device is larger; more could be a bomb of zeros.
_MOST_PROFILE = 1 << 24


def significant_bits(data: bytes) -> int | None:
    """The largest number of the sBIT chunk: how many bits of a sample its maker measured; None if it does not say.

    Args:
        data: The file, or as much of its start as holds what stands before the pixels.
    """
    for kind, start, end in _chunks(data):
        if kind == b"sBIT":
            return max(data[start:end], default=None)
        if kind == b"IDAT":
            break
    return None


def without_metadata(data: bytes) -> tuple[bytes, bytes | None]:
    """The file without text and colour profile, which Pillow bounds so tightly that it gives the picture up.

    Returns:
        The file, and its colour profile if it had one that can be unpacked.
    """
    kept, profile = [SIGNATURE], None
    for kind, start, end in _chunks(data):
        if kind == b"iCCP":
            profile = _profile(data[start:end])
        elif kind not in _TEXT:
            kept.append(data[start - 8 : end + 4])
    return b"".join(kept), profile


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, and where its content begins and ends."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind, place + 8, place + 8 + length
        place += 12 + length


def _profile(content: bytes) -> bytes | None:
    _, _, packed = content.partition(b"\0")
    try:
        unpacked = zlib.decompressobj().decompress(packed[1:], _MOST_PROFILE)
    except zlib.error:
        return None
    return unpacked or None
