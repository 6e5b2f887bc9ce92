"""What a gallery keeps of an image."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from samekind.gallery import Gallery


def test_exif_date_and_turned_size(gallery: Gallery, photos: Path, save) -> None:

    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 10:30:00"
    save(Image.new("RGB", (40, 30), "red"), "turned.jpg", exif=exif)
    broken = Image.Exif()
    broken.get_ifd(0x8769)[0x9003] = "0000:00:00 00:00:00"
    save(Image.new("RGB", (41, 30), "red"), "clockless.jpg", exif=broken)
    gallery.sync(photos)
    rows = {row.path.name: row for row in gallery}
    assert (rows["turned.jpg"].width, rows["turned.jpg"].height) == (30, 40)
    assert rows["turned.jpg"].taken == "2024-05-17 10:30:00"
    assert rows["clockless.jpg"].taken is None
