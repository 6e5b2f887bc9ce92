import numpy as np
import pytest
import torch
from hypothesis import given
from strategies import pixels

from samekind.training.augment import Augmentation


@given(pixels())
def test_view_0_is_the_image_and_view_1_its_mirror_image(image: np.ndarray) -> None:
    augment = Augmentation(16, seed=0)
    np.testing.assert_array_equal(augment(image, 3, 0), image)
    np.testing.assert_array_equal(augment(image, 3, 1), image[:, ::-1])


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def test_a_view_depends_on_seed_image_and_number_alone(image: np.ndarray) -> None:
    first = Augmentation(16, seed=0)(image, 5, 2)
    torch.manual_seed(99)
    np.testing.assert_array_equal(Augmentation(16, seed=0)(image, 5, 2), first)
    for other in (Augmentation(16, 1)(image, 5, 2), Augmentation(16, 0)(image, 6, 2), Augmentation(16, 0)(image, 5, 3)):
        assert not np.array_equal(other, first)


def test_the_callers_random_numbers_are_left_alone(image: np.ndarray) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Augmentation(16, seed=0)(image, 0, 5)
    assert torch.equal(torch.rand(3), expected)
