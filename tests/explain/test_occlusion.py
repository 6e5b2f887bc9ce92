from __future__ import annotations

from pathlib import Path

import numpy as np

from samekind.explain.occlusion import GRID, embeddings_of_hidden, hidden_squares, loss_map
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.file import read_model


def test_each_square_is_hidden_by_the_mean_colour_and_nothing_else_changes(pictures: np.ndarray) -> None:
    picture = np.repeat(np.repeat(pictures[0], 4, axis=0), 4, axis=1)  # 64 pixels
    hidden = hidden_squares(picture)
    assert hidden.shape == (GRID * GRID, 64, 64, 3)
    colour = picture.mean(axis=(0, 1)).astype(np.uint8)
    for place, changed in enumerate(hidden):
        different = (changed != picture).any(axis=2)
        assert (changed[different] == colour).all()
        rows, columns = np.nonzero(different)
        middle = np.array([place // GRID + 0.5, place % GRID + 0.5]) * 64 / GRID
        assert np.abs(rows - middle[0]).max() <= 64 / GRID + 1
        assert np.abs(columns - middle[1]).max() <= 64 / GRID + 1
    assert all((hidden != picture).any(axis=3).any(axis=0).ravel())  # every pixel is hidden once at least


def test_the_map_is_what_is_lost(pictures: np.ndarray, tiny_model: Path) -> None:
    encoder = OnnxEncoder(read_model(tiny_model).data, "tiny")
    first, second = encoder.encode_pixels(pictures[:2])
    hidden = embeddings_of_hidden(encoder, pictures[0])
    found = loss_map(hidden, first, second)
    assert found.shape == (GRID, GRID)
    for place, changed in enumerate(hidden_squares(pictures[0])):
        expected = first @ second - encoder.encode_pixels(changed[None])[0] @ second
        np.testing.assert_allclose(found.ravel()[place], expected, atol=1e-5)
