from __future__ import annotations

import io

import numpy as np
import pytest
from copies.conftest import photo, side
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from samekind.copies.compare import Side, compare
from samekind.copies.evidence import Edit, Evidence, better_of


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


CHANGES = {
    "recompressed": lambda image: jpeg(image, 75),
    "resized": lambda image: image.resize((160, 120), Image.Resampling.LANCZOS),
    "cropped": lambda image: image.crop((30, 20, 290, 210)),
    "mirrored": ImageOps.mirror,
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "turned": lambda image: image.rotate(90, expand=True),
    "bordered": lambda image: ImageOps.expand(image, 16, "white"),
    "toned": lambda image: image.point(lambda v: round(255 * (v / 255) ** 1.5)),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("seed", range(2))
def test_the_kind_of_a_copy_is_named(kind: str, seed: int) -> None:
    original = photo(seed)
    found = compare(side(original), side(CHANGES[kind](original)))
    assert found is not None
    assert found.relation == "copy"
    assert kind in found.kinds
    assert found.sure == (kind != "toned"), found.words()


def nearly_symmetric(seed: int) -> Image.Image:
    """A picture that differs from its mirror image in one short line, under more noise than that is worth in small."""
    image = photo(seed, 256, 320)
    image = Image.blend(image, ImageOps.mirror(image), 0.5).filter(ImageFilter.GaussianBlur(2))
    shade = tuple(max(0, v - 45) for v in image.getpixel((128, 150)))
    ImageDraw.Draw(image).line((128, 140, 134, 172, 126, 175), shade, 3)
    values = np.asarray(image) + np.random.default_rng(seed).normal(0, 3, (320, 256, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("seed", range(3))
def test_a_nearly_symmetric_picture_is_told_from_its_mirror_image(seed: int) -> None:
    original = nearly_symmetric(seed)
    for changed, mirrored in ((original, False), (ImageOps.mirror(original), True)):
        found = compare(side(original), side(jpeg(changed, 85)))
        assert found is not None
        assert ("mirrored" in found.kinds) == mirrored
        assert found.sure, found.words()


@pytest.mark.parametrize(
    ("kind", "better"), [("grey", 0), ("cropped", 0), ("bordered", 0), ("resized", 0), ("mirrored", None)]
)
def test_the_one_that_was_not_edited_is_better(kind: str, better: int | None) -> None:
    original, changed = photo(11), CHANGES[kind](photo(11))
    for order in (1, -1):
        pair = [side(image) for image in (original, changed)][::order]
        found = compare(*pair)
        assert found is not None
        chosen = better_of(found)
        assert (None if chosen is None else chosen[0]) == (better if better is None or order == 1 else 1 - better)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 5), st.sampled_from(sorted(CHANGES)), st.integers(0, 5), st.sampled_from(sorted(CHANGES)))
def test_the_verdict_does_not_depend_on_the_order(one: int, change: str, other: int, second: str) -> None:
    first, last = side(CHANGES[change](photo(one))), side(CHANGES[second](photo(other)))
    there, back = compare(first, last), compare(last, first)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert back.swapped() == there or back == there.swapped()
    if one != other:
        assert there is None or not there.sure


def test_another_thing_in_the_picture_is_never_a_sure_copy() -> None:
    for seed in range(6):
        changed = photo(seed)
        ImageDraw.Draw(changed).rectangle((150, 100, 178, 124), (250, 20, 20) if seed % 2 else (10, 240, 240))
        found = compare(side(photo(seed)), side(changed))
        assert found is None or not found.sure


def test_a_page_with_one_other_word_is_never_a_sure_copy() -> None:
    pages = []
    for word in ("fourteen", "thirteen"):
        rng = np.random.default_rng(0)
        image = Image.new("RGB", (827, 1169), "white")
        draw = ImageDraw.Draw(image)
        for row in range(30):
            text = " ".join("".join(rng.choice(list("abcdefghiklmnoprstuw"), rng.integers(2, 9))) for _ in range(8))
            draw.text((60, 60 + 34 * row), word + text[8:] if row == 14 else text, "black", ImageFont.load_default(20))
        pages.append(side(image))
    found = compare(*pages)
    assert found is None or not found.sure


@pytest.mark.parametrize(
    "pair", [((200, 30, 30), (40, 60, 200)), ((200, 30, 30), (120, 20, 20)), ((70, 70, 70), (60, 74, 70))]
)
def test_a_thing_in_another_colour_is_never_a_sure_copy(
    pair: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    sides = []
    for colour in pair:
        image = Image.new("RGB", (600, 600), "white")
        ImageDraw.Draw(image).polygon(
            [(180, 120), (420, 120), (540, 220), (430, 260), (430, 520), (170, 520), (170, 260)], colour
        )
        sides.append(side(image))
    found = compare(*sides)
    assert found is None or not found.sure


def test_without_the_files_nothing_is_sure() -> None:
    pair = [side(image) for image in (photo(12), ImageOps.mirror(photo(12)))]
    blind = [Side(one.picture, None, one.width, one.height) for one in pair]
    found = compare(*blind)
    assert found is not None
    assert found.relation == "copy"
    assert found.certainty == "look"


def test_a_small_picture_with_another_part_of_the_scene_loses_nothing() -> None:
    whole = photo(13, 480, 360)
    left, right = whole.crop((0, 0, 320, 360)), whole.crop((160, 0, 480, 360))
    found = compare(side(left), side(right))
    assert found is not None
    assert not found.sure
    assert "each shows" in found.why


def test_a_white_border_around_a_white_ground_is_the_edit() -> None:
    thing = Image.new("RGB", (320, 240), "white")
    thing.paste(photo(15).resize((200, 140)), (60, 50))
    for order in (1, -1):
        found = compare(*[side(image) for image in (thing, ImageOps.expand(thing, 14, "white"))][::order])
        assert found is not None
        assert "bordered" in found.kinds
        assert better_of(found) == ((order < 0) * 1, "the other has a frame around it")


def test_a_number_in_the_margin_is_not_lost() -> None:
    framed = ImageOps.expand(photo(16), 40, "white")
    ImageDraw.Draw(framed).text((180, 292), "17", "black", ImageFont.load_default(20))
    found = compare(side(photo(16)), side(framed))
    assert found is not None
    assert not found.sure


def test_flat_pictures_say_nothing() -> None:
    flat = [side(Image.new("RGB", (100, 80), colour)) for colour in ("white", "black", "#fefefe")]
    assert compare(flat[0], flat[1]) is None
    assert compare(flat[0], flat[2]) is None


def test_the_same_pixels_are_exact_whatever_they_show() -> None:
    for image in (Image.new("RGB", (100, 80), "white"), photo(14)):
        found = compare(side(image), side(image.copy()))
        assert found is not None
        assert found.kinds == ("exact",)
        assert found.sure


def test_swapping_twice_gives_the_evidence_back() -> None:
    edits = (Edit("turned", None, 90.0), Edit("grey", 1), Edit("turned", 0, 180.0))
    evidence = Evidence("copy", edits, "sure", "", 9, 0.5, (1.0, 0.5), 2.0)
    assert evidence.swapped().swapped() == evidence
    assert evidence.swapped().edits[0].degrees == -90


def sheet_of_music(seed: int) -> Image.Image:
    """Staves with one kind of note, so that every feature is repeated many times."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (560, 720), "white")
    draw = ImageDraw.Draw(image)
    for top in range(70, 680, 90):
        for line in range(5):
            draw.line((40, top + 10 * line, 520, top + 10 * line), "black")
        for place, note in enumerate(rng.integers(0, 9, 18).tolist()):
            x, y = 60 + 26 * place, top + 5 * note
            draw.ellipse((x - 6, y - 4, x + 6, y + 4), "black")
            draw.line((x + 5, y, x + 5, y - 28), "black", 2)
    return image


@pytest.mark.parametrize("seed", range(3))
def test_a_strong_border_around_a_pale_thing_does_not_hide_it(seed: int) -> None:
    pale = Image.blend(Image.new("RGB", (320, 240), (128, 128, 128)), photo(seed), 0.3)
    found = compare(side(pale), side(ImageOps.expand(pale, 18, "white")))
    assert found is not None
    assert found.kinds == ("bordered",)


def test_ink_under_a_half_transparent_mark_does_not_make_the_clean_one_the_edit() -> None:
    original = sheet_of_music(0)
    layer = Image.new("RGBA", original.size, (255, 255, 255, 0))
    ImageDraw.Draw(layer).text((280, 360), "© sample", (255, 255, 255, 120), ImageFont.load_default(90), "mm")
    marked = Image.alpha_composite(original.convert("RGBA"), layer).convert("RGB")
    found = compare(side(original), side(marked))
    assert found is not None
    assert found.kinds == ("overlaid",)
    assert better_of(found) is None


@pytest.mark.parametrize("seed", range(9))
def test_a_half_transparent_mark_on_a_light_ground_is_laid_on_it(seed: int) -> None:
    """The mark is seen on the dark only, and takes contrast as well as it adds some."""
    rng, original = np.random.default_rng(seed), Image.new("RGB", (400, 300), "white")
    for _ in range(90):
        (x, y), (across, down) = rng.integers((30, 60), (370, 240)).tolist(), rng.integers(-60, 60, 2).tolist()
        grey, width = int(rng.integers(0, 110)), int(rng.integers(2, 7))
        ImageDraw.Draw(original).line((x, y, x + across, y + down), (grey, grey, grey + 20), width)
    layer = Image.new("RGBA", original.size, (255, 255, 255, 0))
    ImageDraw.Draw(layer).text((200, 150), "© sample", (255, 255, 255, 120), ImageFont.load_default(50), "mm")
    found = compare(side(original), side(Image.alpha_composite(original.convert("RGBA"), layer).convert("RGB")))
    assert found is not None
    assert (found.kinds, found.sure) == (("overlaid",), False)


def test_what_shows_a_picture_smaller_is_not_what_it_was_cut_from() -> None:
    original = photo(0)
    screen = photo(1, 320, 280)
    screen.paste(original.resize((200, 150), Image.Resampling.LANCZOS), (50, 60))
    found = compare(side(original), side(screen))
    assert found is not None
    assert not found.sure
    assert better_of(found) == (0, "the other is smaller")
