from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import pixels

from samekind.adaptation.graph import fold
from samekind.explain.places import PlacedEmbedding, placed_embeddings
from samekind.explain.pooling import pooled_network
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.file import ModelFile

Networks = Callable[..., ModelFile]


def placed(data: bytes, pictures: np.ndarray) -> list[PlacedEmbedding] | None:
    network = pooled_network(data, "small")
    assert network is not None
    encoder = OnnxEncoder(data, "small", taps=network.taps)
    embeddings, taps = encoder.encode_pixels_with_taps(pictures)
    return placed_embeddings(network, embeddings, dict(zip(network.taps, taps, strict=True)))


@pytest.mark.parametrize("pooling", ["mean", "generalised", "both"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("head", ["Gemm", "MatMul"])
def test_parts_add_up_to_the_embedding_and_shares_to_one(
    network: Networks, pictures: np.ndarray, pooling: str, bias: bool, head: str
) -> None:
    found = placed(network(pooling, bias=bias, head=head).data, pictures)
    assert found is not None
    for one in found:
        assert one.parts.shape == (4, 4, 6)
        np.testing.assert_allclose(one.parts.sum(axis=(0, 1)), one.embedding, atol=1e-5)
        assert one.shares.sum() == pytest.approx(1, abs=1e-5)


def test_each_part_is_what_the_formula_says(network: Networks, pictures: np.ndarray) -> None:
    """One place after the other, in float64, from the feature map itself."""
    data = network("generalised").data
    taken = pooled_network(data, "small")
    assert taken is not None
    encoder = OnnxEncoder(data, "small", taps=["map"])
    embeddings, (maps,) = encoder.encode_pixels_with_taps(pictures)
    powers = np.maximum(maps[0].astype(np.float64), 0) ** 3
    pooled = np.maximum(powers.mean(axis=(1, 2)), 1e-9) ** (1 / 3)
    bias = taken.steps[0].constant
    assert bias is not None
    raw = taken.weight.astype(np.float64) @ pooled + bias
    length = np.linalg.norm(raw)
    np.testing.assert_allclose(raw / length, embeddings[0], atol=1e-5)
    found = placed(data, pictures)
    assert found is not None
    for row in range(4):
        for column in range(4):
            given_here = pooled * powers[:, row, column] / powers.sum(axis=(1, 2))
            share = given_here @ pooled / (pooled @ pooled)
            part = (taken.weight.astype(np.float64) @ given_here + share * bias) / length
            np.testing.assert_allclose(found[0].parts[row, column], part, atol=1e-5)
            assert found[0].shares[row, column] == pytest.approx(share, abs=1e-5)


def test_a_place_where_the_network_saw_nothing_gives_nothing(network: Networks, pictures: np.ndarray) -> None:
    dark = pictures.copy()
    dark[:, 4:8, 8:12] = 0  # the second row, third column
    found = placed(network("generalised").data, dark)
    assert found is not None
    for one in found:
        assert not one.parts[1, 2].any()
        assert one.parts[0, 0].any()


@settings(max_examples=25)
@given(pixels())
def test_any_picture_adds_up(network: Networks, picture: np.ndarray) -> None:
    for pooling in ("generalised", "both"):
        found = placed(network(pooling).data, picture[None])
        assert found is not None
        np.testing.assert_allclose(found[0].parts.sum(axis=(0, 1)), found[0].embedding, atol=1e-4)


def test_an_offset_beside_the_network_is_as_one_inside_it(network: Networks, pictures: np.ndarray) -> None:
    offset = np.linspace(-0.3, 0.2, 6, dtype=np.float32)
    data = network("both").data
    beside, inside = placed(data, pictures), placed(fold(data, offset, "small"), pictures)
    assert beside is not None
    assert inside is not None
    for one, other in zip(beside, inside, strict=True):
        less = one.less(offset)
        np.testing.assert_allclose(less.embedding, other.embedding, atol=1e-5)
        np.testing.assert_allclose(less.parts, other.parts, atol=1e-5)


def test_a_network_that_only_seems_to_be_of_the_form_is_found_out(network: Networks, pictures: np.ndarray) -> None:
    assert placed(network("mean", alpha=2.0).data, pictures) is None
