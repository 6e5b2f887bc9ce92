"""Copies in a gallery: each kind planted, the original kept, and look-alikes that are none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gallery.conftest import LONG_AGO, age
from PIL import Image, ImageDraw, ImageFont, ImageOps

from samekind.gallery import Gallery

Edit = Callable[[Image.Image], Image.Image]


def blobs(seed: int, width: int = 480, height: int = 360) -> Image.Image:
    """A picture with structure of every size, as photographs have."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (cells * 3, cells * 4, 3)).astype(np.uint8)).resize(
                (width, height), Image.Resampling.BICUBIC
            ),
            np.float64,
        )
        / depth
        for depth, cells in enumerate((2, 6, 20), 1)
    ]
    total = np.sum(layers, axis=0)
    return Image.fromarray((255 * (total - total.min()) / np.ptp(total)).astype(np.uint8))


# Every two of them are laid on each other in full size.
_LOOK_ALIKES = 7
SURE: dict[str, Edit] = {
    "resized": lambda image: image.resize((240, 180), Image.Resampling.LANCZOS),
    "cropped": lambda image: image.crop((40, 30, 440, 330)),
    "mirrored": ImageOps.mirror,
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "grey": ImageOps.grayscale,
    "bordered": lambda image: ImageOps.expand(image, 24, "white"),
}
LOOK: dict[str, Edit] = {
    "toned": lambda image: image.point(lambda value: round(255 * (value / 255) ** 1.6)),
}


def save(image: Image.Image, path: Path, seconds: int = LONG_AGO) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)
    age(path, seconds)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for seed in range(12):
        save(blobs(seed), tmp_path / f"photos/{seed:02}.jpg")
    for seed, (kind, edit) in enumerate((SURE | LOOK).items()):
        save(edit(blobs(seed)), tmp_path / f"photos/{seed:02}-{kind}.jpg", LONG_AGO - 9)  # an edit that seems older
    return tmp_path / "photos"


def test_each_kind_of_copy_is_told_and_the_original_kept(album: Path, gallery: Gallery) -> None:
    gallery.sync(album)
    calls: list[tuple[int, int]] = []
    groups = gallery.duplicates("near", on_progress=lambda _, done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1]
    found = {group.others[0].row.path.stem[3:]: group for group in groups if "-" in group.others[0].row.path.stem}
    undecided = {"mirrored", "turned", "toned"}  # they leave no trace of which came first
    assert set(found) | undecided >= set(SURE) | set(LOOK)
    for group in groups:
        assert len({row.path.stem[:2] for row in group.rows}) == 1
        (other,) = group.others
        (edited,) = (row.path.stem[3:] for row in group.rows if "-" in row.path.stem)
        assert edited in other.kinds
        assert other.sure == (edited in SURE) == (group.spare == (other.row,))
        assert group.why
        if edited not in undecided:
            assert "-" not in group.keep.path.stem
    assert len(groups) == len(SURE) + len(LOOK)


def page(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (620, 877), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    draw.text((60, 40), "Statement of account", font=ImageFont.load_default(28), fill="black")
    for line in range(30):
        amount = rng.integers(1, 99_999) / 100
        text = f"{rng.integers(1, 28):02}.11.  payment received {amount:9.2f}"
        draw.text((60, 100 + 24 * line), text, font=font, fill="black")
    return image


def coin(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 400), (235, 232, 226))
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 40, 360, 360), fill=(190, 150, 70), outline=(120, 90, 40), width=8)
    draw.text((200, 200), str(rng.integers(1, 500)), font=ImageFont.load_default(110), fill=(90, 70, 30), anchor="mm")
    for angle in range(0, 360, 15):
        x, y = 200 + 140 * np.cos(np.radians(angle)), 200 + 140 * np.sin(np.radians(angle))
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=(120, 90, 40))
    return image


def leaf(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, 200)
    radius = 120 + sum(rng.uniform(4, 14) * np.cos(k * turn + rng.uniform(0, 6)) for k in (2, 3, 5, 7))
    image = Image.new("RGB", (400, 400), "white")
    outline = list(zip(200 + radius * np.cos(turn), 200 + 1.3 * radius * np.sin(turn), strict=True))
    ImageDraw.Draw(image).polygon(outline, fill=(20, 20, 20))
    return image


def shirt(seed: int) -> Image.Image:
    image = Image.new("RGB", (400, 400), "white")
    colour = tuple(np.random.default_rng(seed).integers(0, 200, 3).tolist())
    outline = [(120, 80), (160, 70), (240, 70), (280, 80), (360, 150), (320, 200), (285, 170), (285, 350), (115, 350)]
    ImageDraw.Draw(image).polygon([*outline, (115, 170), (80, 200), (40, 150)], fill=colour)
    return image


@pytest.mark.parametrize("make", [page, coin, leaf, shirt])
def test_of_look_alikes_nothing_is_to_be_removed(
    make: Callable[[int], Image.Image], gallery: Gallery, tmp_path: Path
) -> None:
    for seed in range(_LOOK_ALIKES):
        save(make(seed), tmp_path / f"photos/{seed:02}.png")
    distinct = len({make(seed).tobytes() for seed in range(_LOOK_ALIKES)})
    gallery.sync(tmp_path / "photos")
    groups = gallery.duplicates("near", related=True)
    assert sum(len(group.spare) for group in groups) <= _LOOK_ALIKES - distinct
    assert all(not group.spare for group in groups if group.relation != "copy")


def test_links_are_no_copies_and_what_they_lead_to_stays(gallery: Gallery, tmp_path: Path) -> None:
    save(blobs(1), tmp_path / "elsewhere/1.jpg")
    save(blobs(2), tmp_path / "photos/2.jpg")
    (tmp_path / "photos").mkdir(exist_ok=True)
    (tmp_path / "photos/0-link.jpg").symlink_to("../elsewhere/1.jpg")
    gallery.sync(tmp_path / "photos")
    assert gallery.duplicates("near") == []
    shutil.copy2(tmp_path / "elsewhere/1.jpg", tmp_path / "photos/9.jpg")
    gallery.sync(tmp_path / "photos")
    for kind in ("exact", "near"):
        (group,) = gallery.duplicates(kind)  # type: ignore[arg-type]
        assert (group.keep.path.name, group.spare) == ("9.jpg", ())
        assert "link" in group.others[0].doubt
    (tmp_path / "photos/9.jpg").unlink()
    shutil.copy2(tmp_path / "elsewhere/1.jpg", tmp_path / "elsewhere/copy.jpg")
    gallery.sync(tmp_path)  # the link and its target are one file, and the target does not go
    (group,) = gallery.duplicates("near")
    assert {row.path.name for row in group.rows} == {"1.jpg", "copy.jpg"}
    assert "1.jpg" not in {row.path.name for row in group.spare}


def test_what_a_link_leads_to_stays_also_where_a_filter_hides_the_link(gallery: Gallery, tmp_path: Path) -> None:
    save(blobs(1), tmp_path / "photos/1.jpg")
    shutil.copy2(tmp_path / "photos/1.jpg", tmp_path / "photos/2.jpg")
    (tmp_path / "album").mkdir()
    for number in (1, 2):
        (tmp_path / f"album/link{number}.jpg").symlink_to(f"../photos/{number}.jpg")
    for folder in ("photos", "album"):
        gallery.sync(tmp_path / folder)
    for kind in ("exact", "near"):
        for where in (None, "folder = 'photos'"):
            (group,) = gallery.duplicates(kind, where=where)  # type: ignore[arg-type]
            assert {row.name for row in group.rows} == {"photos/1.jpg", "photos/2.jpg"}
            assert group.spare == ()
            assert "a link leads to it: album/link" in group.others[0].doubt
        assert gallery.duplicates(kind, where="path like 'album/link1%'") == []  # type: ignore[arg-type]


def test_what_holds_more_than_the_picture_is_looked_at(gallery: Gallery, tmp_path: Path) -> None:
    still = blobs(3)
    save(still, tmp_path / "photos/still.png")
    half = still.resize((240, 180), Image.Resampling.LANCZOS)
    half.save(tmp_path / "photos/pages.tif", save_all=True, append_images=[blobs(4)])
    alpha = Image.new("L", half.size, 255)
    alpha.putpixel((0, 0), 250)
    half.putalpha(alpha)
    half.save(tmp_path / "photos/transparent.png")
    gallery.sync(tmp_path / "photos")
    (group,) = gallery.duplicates("near")
    assert group.keep.path.name == "still.png"
    assert {other.row.path.name: other.doubt for other in group.others} == {
        "pages.tif": "it has more frames or pages",
        "transparent.png": "it is transparent",
    }
    assert group.spare == ()


def test_many_copies_of_one_file_are_one_group(gallery: Gallery, tmp_path: Path) -> None:
    save(blobs(5), tmp_path / "photos/000.jpg")
    for number in range(1, 120):
        shutil.copy2(tmp_path / "photos/000.jpg", tmp_path / f"photos/{number:03}.jpg")
    save(blobs(5).resize((240, 180)), tmp_path / "photos/small.jpg")
    gallery.sync(tmp_path / "photos")
    (group,) = gallery.duplicates("near")
    assert len(group.rows) == 121
    assert len(group.spare) == 120
    assert group.keep.path.name == "000.jpg"
