from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from samekind.training.network.packing import (  # noqa: E402 - behind the question whether torch is there
    Shape,
    filled,
    form_of,
    packed,
    shapes_of,
    unpacked,
)


def alike(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return type(one) is type(other) and all(alike(*both) for both in zip(one, other, strict=True))
    return one == other


@pytest.mark.parametrize(
    ("output", "shape", "tensors"),
    [
        (torch.rand(3, 4, 5), (3, 4, 5), 1),
        ((torch.rand(3, 4), [torch.rand(3, 2, 2), torch.rand(3, 1)], (7, 8)), (3, 9), 3),
        ([torch.rand(3, 4), None, "a name"], (3, 4), 1),
        ((torch.rand(3, 4), torch.rand(6, 2, 2)), (3, 12), 2),  # of the second two rows an image
        (torch.rand(9, 4), (3, 12), 1),
    ],
)
def test_what_is_packed_comes_back_as_it_was(output: object, shape: tuple[int, ...], tensors: int) -> None:
    form = form_of(output, 3)
    features = packed(output, form)
    assert tuple(features.shape) == shape
    assert alike(unpacked(features, form), output)
    assert len(list(shapes_of(form))) == tensors


@pytest.mark.parametrize(
    "output", [torch.rand(4), torch.rand(2, 5), torch.zeros(3, 2, dtype=torch.int64), (torch.rand(3, 4), {"a": 1})]
)
def test_what_has_no_row_for_each_image_has_no_form(output: object) -> None:
    assert form_of(output, 3) is None


def test_a_form_is_filled_in_order() -> None:
    first, second = torch.rand(2, 3), torch.rand(2, 4)
    assert alike(filled(([Shape((3,))], 5, Shape((4,))), [first, second]), ([first], 5, second))
