"""What applying colour profiles costs, and how many files of a folder have one.

Usage: python benchmarks/colour_profiles.py FOLDER

Prints, for each data set in FOLDER, how many JPEGs have a profile and how many one that is not sRGB; and the processor
time of decoding 60 of its pictures to 224 × 224 with a matrix profile, as a ratio to the same files without one.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from pathlib import Path

from PIL import Image, ImageCms

from samekind.images import load_image
from samekind.images.encoded import colour

ROUNDS, PICTURES, SIDE = 5, 60, 224


def main(folder: Path) -> None:
    sets = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    for data in sets:
        counts = [_profile(path) for path in sorted(data.rglob("*")) if path.suffix.lower() in {".jpg", ".jpeg"}]
        applied = sum(kind == "other" for kind in counts)
        print(f"{data.name}: {len(counts):,} JPEGs, {sum(map(bool, counts)):,} with a profile, {applied:,} not sRGB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = _with_red_and_green_exchanged(srgb)
    for data in sets:
        paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})[
            :: max(1, PICTURES)
        ]
        opened = [Image.open(path).convert("RGB") for path in paths[:PICTURES]]
        plain, tagged = ([_jpeg(image, profile) for image in opened] for profile in (None, other))
        ratios = [_seconds(tagged) / _seconds(plain) for _ in range(ROUNDS)]
        print(f"{data.name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times as long")


def _profile(path: Path) -> str:
    with Image.open(path) as image:
        if not image.info.get("icc_profile"):
            return ""
        return "other" if colour.profile_of(image) else "sRGB"


def _with_red_and_green_exchanged(profile: bytes) -> bytes:
    """The profile with red and green exchanged, which costs what any matrix profile costs."""
    swapped = bytearray(profile)
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(swapped)


def _jpeg(image: Image.Image, profile: bytes | None) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, icc_profile=profile)
    return file.getvalue()


def _seconds(files: list[bytes]) -> float:
    start = time.process_time()
    for content in files:
        load_image(content, SIDE)
    return time.process_time() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]))
