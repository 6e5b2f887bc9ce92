import numpy as np
import pytest
import torch
from hypothesis import given
from strategies import pixels

from samekind.training.batches.augmentation import Augmentation
from samekind.training.recipe import Recipe


def augmentation(seed: int = 0, **strength: float) -> Augmentation:
    recipe = Recipe().with_settings(seed=seed, network={"input_size": 32}, augmentation=strength)
    return Augmentation.of(recipe)


@given(pixels(32))
def test_view_0_is_the_image_and_view_1_its_mirror_image(image: np.ndarray) -> None:
    np.testing.assert_array_equal(augmentation()(image, 3, 0), image)
    np.testing.assert_array_equal(augmentation()(image, 3, 1), image[:, ::-1])


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_a_view_depends_on_seed_image_and_number_alone(image: np.ndarray) -> None:
    first = augmentation()(image, 5, 2)
    torch.manual_seed(99)
    np.testing.assert_array_equal(augmentation()(image, 5, 2), first)
    for other in (augmentation(1)(image, 5, 2), augmentation()(image, 6, 2), augmentation()(image, 5, 3)):
        assert not np.array_equal(other, first)


def test_the_callers_random_numbers_are_left_alone(image: np.ndarray) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    augmentation()(image, 0, 5)
    assert torch.equal(torch.rand(3), expected)


def test_without_strength_a_view_is_the_image_or_its_mirror_image(image: np.ndarray) -> None:
    still = augmentation(smallest_crop=1.0, colour=0.0, grey=0.0)
    # Of the whole image the crop may still change the proportions; of an even one nothing shows.
    even = np.full_like(image, 90)
    for view in range(2, 8):
        np.testing.assert_array_equal(still(even, 0, view), even)


def test_grey_takes_the_colour_from_all_views(image: np.ndarray) -> None:
    for view in range(2, 8):
        red, green, blue = np.moveaxis(augmentation(grey=1.0, colour=0.0)(image, 0, view), 2, 0)
        np.testing.assert_array_equal(red, green)
        np.testing.assert_array_equal(red, blue)


def test_a_view_has_the_inputs_size_and_type(image: np.ndarray) -> None:
    view = augmentation()(image, 0, 2)
    assert (view.shape, view.dtype) == ((32, 32, 3), np.uint8)
