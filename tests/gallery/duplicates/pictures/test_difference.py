"""The drawn difference lies where the two differ, whichever way the second was turned, cut or made smaller."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from copies.conftest import photo as drawn
from PIL import Image, ImageDraw, ImageOps

from samekind.gallery.duplicates.pictures.difference import SIDE, draw_difference
from samekind.gallery.duplicates.query import query_picture
from samekind.images import Pixels


def picture(image: Image.Image):
    return query_picture(np.asarray(image.convert("RGB")))


def marked(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).ellipse((300, 60, 380, 140), fill=(240, 240, 20))
    return image


def red(difference: Pixels) -> np.ndarray:
    values = difference.astype(int)
    return (values[..., 0] - values[..., 1]) > 60


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "smaller": lambda image: image.resize((300, 225), Image.Resampling.LANCZOS),
    "larger": lambda image: image.resize((960, 720), Image.Resampling.LANCZOS),
    "a quarter turn": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": ImageOps.mirror,
    "cut": lambda image: image.crop((40, 20, 470, 350)),
}


@pytest.mark.parametrize("edit", list(EDITS))
def test_a_mark_is_red_where_it_is(edit: str) -> None:
    first = drawn(1, 480, 360)
    difference = draw_difference(picture(first), picture(EDITS[edit](marked(first))))
    assert difference is not None
    assert max(difference.shape) <= SIDE
    rows, columns = np.nonzero(red(difference))
    scale = difference.shape[1] / 480
    assert len(rows) > 500 * scale**2
    assert abs(columns.mean() / scale - 340) < 12
    assert abs(rows.mean() / scale - 100) < 12


@pytest.mark.parametrize("edit", list(EDITS))
def test_where_nothing_differs_nothing_is_red(edit: str) -> None:
    first = drawn(2, 480, 360)
    difference = draw_difference(picture(first), picture(EDITS[edit](first)))
    assert difference is not None
    assert red(difference).mean() < 0.002


def test_what_the_second_does_not_show_is_striped() -> None:
    first = drawn(3, 480, 360)
    whole, cut = (draw_difference(picture(first), picture(i)) for i in (first, first.crop((240, 0, 480, 360))))
    assert whole is not None
    assert cut is not None
    blue = cut[..., 2].astype(int) - cut[..., 0] > 25
    left = blue[:, : int(0.45 * blue.shape[1])].mean()
    assert 0.15 < left < 0.35
    assert not blue[:, int(0.55 * blue.shape[1]) :].any()


def test_other_pictures_are_not_laid_on_each_other() -> None:
    assert draw_difference(picture(drawn(4)), picture(drawn(5))) is None
