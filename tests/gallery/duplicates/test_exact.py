"""Exact duplicates: the same bytes, or the same pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gallery.conftest import LONG_AGO, scene
from PIL import Image

from samekind.errors import GalleryError
from samekind.gallery import Gallery


def test_exact_duplicates_have_the_same_bytes_or_the_same_pixels(
    gallery: Gallery, save: Callable[..., Path], tmp_path: Path
) -> None:
    save(scene(1), "a.png", LONG_AGO + 9)
    save(scene(1), "b.png")
    save(scene(1), "c.bmp", LONG_AGO - 9)
    turned = Image.Exif()
    turned[0x0112] = 3
    save(scene(1).transpose(Image.Transpose.ROTATE_180), "d.tif", exif=turned)
    changed = scene(1)
    changed.putpixel((5, 5), (1, 2, 3))
    save(changed, "e.png")
    save(scene(2), "f.png")
    gallery.sync(tmp_path / "photos")
    (group,) = gallery.duplicates("exact")
    assert [row.path.name for row in group.rows] == ["a.png", "b.png", "c.bmp", "d.tif"]
    assert group.similarity == 1
    assert group.keep.size == max(row.size for row in group.rows)
    (tmp_path / "photos/c.bmp").unlink()
    assert [row.path.name for row in gallery.duplicates("exact")[0].rows] == ["a.png", "b.png", "d.tif"]
    with pytest.raises(GalleryError, match="no threshold"):
        gallery.duplicates("exact", threshold=0.5)


def test_what_differs_below_eight_bits_or_in_a_later_frame_is_no_exact_duplicate(
    gallery: Gallery, save: Callable[..., Path], tmp_path: Path
) -> None:
    deep = 60_000 + np.arange(24 * 20).reshape(20, 24)
    save(Image.fromarray(deep.astype(np.uint16)), "deep.png")
    save(Image.fromarray((deep + 1).astype(np.uint16)), "deeper.png")
    save(Image.fromarray(deep.astype(np.uint16)), "deep again.png", compress_level=0)
    for low in (0, 1):  # Pillow reads three channels of 16 bits as 8
        rows = b"".join(b"\0" + b"\x80" + bytes([low]) + b"\x40\x00" * 71 for _ in range(20))
        chunks = (
            (b"IHDR", struct.pack(">IIBBBBB", 24, 20, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
        path = tmp_path / f"photos/rgb48-{low}.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
                for name, data in chunks
            )
        )
    for kind in ("gif", "tif"):
        for last in (2, 3):
            save(scene(1, 32), f"moving{last}.{kind}", save_all=True, append_images=[scene(last, 32)])
    gallery.sync(tmp_path / "photos")
    assert len(gallery) == 9
    (group,) = gallery.duplicates("exact")
    assert [row.path.name for row in group.rows] == ["deep again.png", "deep.png"]
