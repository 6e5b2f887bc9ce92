import numpy as np
import pytest
from copies.conftest import photo
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageFilter

from samekind.auditing.pictures.quality import hard_to_use


def reason(image: Image.Image) -> str | None:
    found = hard_to_use(np.asarray(image.convert("RGB")), *image.size)
    return found[0].partition(":")[0] if found else None


def test_a_photograph_can_be_used() -> None:
    assert [reason(photo(seed)) for seed in range(8)] == [None] * 8


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(6)), "blurred"),
        (lambda image: image.point(lambda value: value // 9), "dark"),
        (lambda image: image.point(lambda value: 120 + value // 60), "nearly uniform"),
        (lambda image: image.resize((24, 20)), "tiny"),
        (lambda image: image.crop((0, 0, 320, 40)), "extreme shape"),
    ],
)
def test_what_is_hard_to_use_is_called_by_its_reason(made: object, expected: str) -> None:
    assert [reason(made(photo(seed))) for seed in range(4)] == [expected] * 4  # type: ignore[operator]


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=31).map(lambda shape: (*shape, 3))))
def test_any_pixels_have_an_answer(pixels: np.ndarray) -> None:
    found = hard_to_use(pixels, pixels.shape[1], pixels.shape[0])
    assert found is not None  # they are all tiny, at least
    assert 0.5 < found[1] <= 1 or found[0].startswith("tiny")
