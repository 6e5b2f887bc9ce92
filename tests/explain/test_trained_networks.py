"""Networks as training writes them, with plain means of the last feature map."""

from __future__ import annotations

import numpy as np
import pytest

from samekind.explain.places import placed_embeddings
from samekind.explain.pooling import pooled_network
from samekind.inference.encoder import OnnxEncoder

pytest.importorskip("torch")


def test_a_network_with_a_linear_head_adds_up_and_one_of_two_layers_is_left_to_occlusion() -> None:
    from samekind.training.network.export import export_onnx, round_to_float16, store_as_float16
    from samekind.training.network.siamese import SiameseNetwork

    for head in ("linear", "mlp"):
        network = SiameseNetwork("test_resnet", dimension=8, frozen_stages=0, head=head, bias=True).eval()  # type: ignore[arg-type]
        round_to_float16(network)
        model = export_onnx(network, 64)
        store_as_float16(model)
        data = model.SerializeToString()
        found = pooled_network(data, head)
        if head == "mlp":
            assert found is None
            continue
        assert found is not None
        pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
        embeddings, taps = OnnxEncoder(data, head, taps=found.taps).encode_pixels_with_taps(pictures)
        placed = placed_embeddings(found, embeddings, dict(zip(found.taps, taps, strict=True)))
        assert placed is not None
        for one in placed:
            assert one.parts.shape == (2, 2, 8)
            np.testing.assert_allclose(one.parts.sum(axis=(0, 1)), one.embedding, atol=1e-4)
