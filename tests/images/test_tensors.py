from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import SIZE

from samekind.errors import ImageError
from samekind.recognizer import Recognizer, load

torch = pytest.importorskip("torch")

PIXELS = np.random.default_rng(6).integers(0, 256, (4, 30, 40, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model, threads=1)


def test_a_tensor_is_the_image_that_its_array_is(model: Recognizer) -> None:
    last = torch.from_numpy(PIXELS)
    first = last.movedim(-1, -3)
    expected = model.embed(PIXELS)
    for batch in (last, first, list(first), [first[0], PIXELS[1], last[2], first[3].contiguous()]):
        assert (model.embed(batch) == expected).all()
    assert (model.embed(first[0]) == expected[:1]).all()
    assert model.verify(first[0], last[1]) == model.verify(PIXELS[0], PIXELS[1])
    assert (model.embed(last[0, :, :, 0]) == model.embed(PIXELS[0, :, :, 0])).all()


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        (torch.zeros(3, 8, 8), r"<tensor float32 \(3, 8, 8\)>: .* give \(255 \* tensor\).round\(\).byte\(\)"),
        (torch.zeros(3, 8, 3, dtype=torch.uint8), "channels first or last"),
        (torch.zeros(5, 8, 9, dtype=torch.uint8), "no axis of 1, 3 or 4 channels"),
        (torch.zeros(8, dtype=torch.uint8), r"an image is \(H, W\)"),
    ],
)
def test_a_tensor_that_cannot_be_understood_says_how(model: Recognizer, tensor: object, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        model.embed([tensor])


def test_the_line_in_the_message_converts(model: Recognizer) -> None:
    tensor = torch.from_numpy(PIXELS[0]).movedim(-1, 0) / 255
    assert (model.embed((255 * tensor).round().byte()) == model.embed(PIXELS[0])).all()
    assert model.card.input_size == SIZE
