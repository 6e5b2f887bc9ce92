"""What inner layers see, and that looking at them changes nothing and costs no second session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind import session
from samekind.encoder import OnnxEncoder
from samekind.gallery import Gallery
from samekind.gallery.duplicates.descriptors import describe_maps, feature_maps
from samekind.model_file import read_model


def test_the_last_feature_maps_are_found_and_described() -> None:
    model = read_model()
    size = model.card.input_size
    taps = feature_maps(model)
    encoder = OnnxEncoder(model.data, "general", taps=taps)
    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    embeddings, maps = encoder.encode_pixels_with_taps(pixels)
    assert [values.shape[2:] for values in maps] == [(size // stride,) * 2 for stride in (16, 32)]
    plain = OnnxEncoder(model.data, "general").encode_pixels(pixels)
    assert embeddings == pytest.approx(plain, abs=1e-5)
    assert np.array_equal(encoder.encode_pixels(pixels), embeddings)
    described = describe_maps(embeddings, maps)
    channels = maps[0].shape[1]
    assert described[:, :channels] == pytest.approx(maps[0].mean(axis=(2, 3)), abs=1e-5)
    assert described[:, channels : 2 * channels] == pytest.approx(maps[0].std(axis=(2, 3)), abs=1e-5)
    assert described.shape == (3, 2 * sum(values.shape[1] for values in maps))


def test_a_network_without_feature_maps_is_described_by_its_embedding(tiny_model: Path) -> None:
    model = read_model(tiny_model)
    assert feature_maps(model) == []
    encoder = OnnxEncoder(model.data, "tiny")
    pixels = np.zeros((2, model.card.input_size, model.card.input_size, 3), np.uint8)
    embeddings, maps = encoder.encode_pixels_with_taps(pixels)
    assert maps == []
    assert describe_maps(embeddings, maps) is embeddings


def test_a_gallery_that_syncs_and_is_searched_opens_one_session(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    open_session = session.open_session

    def counted(onnx_model: bytes, name: str, **options: object) -> object:
        opened.append(name)
        return open_session(onnx_model, name, **options)

    monkeypatch.setattr(session, "open_session", counted)
    gallery.sync(photos)
    gallery.search(photos / "red/00.png")
    (photos / "red/00.png").rename(photos / "moved.png")
    gallery.sync(photos)
    assert opened == ["tiny"]
