"""A folder of good, odd and broken image files."""

from __future__ import annotations

from pathlib import Path

from conftest import save_noise
from gallery.conftest import age, scene
from PIL import Image


def odd_files(folder: Path, good: int = 9) -> list[Path]:
    """Some good images, a photograph with a date, a JPEG cut short, and files that are no images; by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(good):
        save_noise(folder / f"{number:02}.png", (20 * number % 250, 90, 160), seed=number)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 10:30:00"
    scene(1).save(folder / "dated.jpg", exif=exif)
    whole = (folder / "dated.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no image")
    (folder / "again.png").write_bytes((folder / "00.png").read_bytes())
    return sorted(age(path) for path in folder.iterdir())
