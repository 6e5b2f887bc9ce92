"""Networks of timm are wrapped with what timm says of them; transformers exported by torch are, too."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from wrapping.conftest import MEAN, STD

import samekind
from samekind.errors import WrapError
from samekind.wrapping.wrap import wrap

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 160, 160, 3), np.uint8)


def by_timm(
    network: torch.nn.Module, pixels: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]
) -> np.ndarray:
    values = torch.from_numpy(((pixels / 255 - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        rows = network.eval()(values).numpy().astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["test_vit", "test_efficientnet"])
def test_it_gives_what_timm_gives_with_the_weights_of_a_file(tmp_path: Path, name: str) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(7)
    network = timm.create_model(name, num_classes=0)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    found = wrap(f"timm:{name}", tmp_path / "mine.onnx", init=tmp_path / "weights.safetensors", half=False)
    card = samekind.load(tmp_path / "mine.onnx").card
    config = timm.data.resolve_model_data_config(network)
    assert (card.input_size, card.shown) == (config["input_size"][1], config["crop_pct"])
    assert card.resize == ("squash" if config["crop_mode"] == "squash" else "crop")
    assert card.training.init == f"timm:{name} with weights.safetensors"
    assert len(card.training.revision) == 64
    expected = by_timm(network, PIXELS, config["mean"], config["std"])
    rows = found.recognizer().encoder.encode_pixels(PIXELS)
    assert rows == pytest.approx(expected, abs=1e-4)


def test_position_embeddings_of_another_size_are_resampled_as_timm_does(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(7)
    state = timm.create_model("test_vit", num_classes=0).state_dict()
    save_file(state, tmp_path / "weights.safetensors")
    found = wrap("timm:test_vit", init=tmp_path / "weights.safetensors", size=96, half=False)
    network = timm.create_model("test_vit", num_classes=0, img_size=96)
    network.load_state_dict(timm.models.vision_transformer.checkpoint_filter_fn(state, network))
    config = timm.data.resolve_model_data_config(network)
    pixels = PIXELS[:, :96, :96]
    expected = by_timm(network, pixels, config["mean"], config["std"])
    assert found.recognizer().encoder.encode_pixels(pixels) == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(WrapError, match=r"timm has no network 'resnext_50'; it has .*50"):
        wrap("timm:resnext_50", init="random")
    with pytest.raises(WrapError, match=r"gone\.safetensors: no such file"):
        wrap("timm:test_vit", init=tmp_path / "gone.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    with pytest.raises(WrapError, match="not a readable safetensors file"):
        wrap("timm:test_vit", init=tmp_path / "broken.safetensors")
    state = timm.create_model("test_vit", num_classes=0).state_dict()
    save_file(
        {key: value for key, value in state.items() if not key.startswith("blocks.1.")}, tmp_path / "part.safetensors"
    )
    with pytest.raises(WrapError, match=r"lacks \d+ weights of this network, such as blocks\.1\."):
        wrap("timm:test_vit", init=tmp_path / "part.safetensors")
    save_file(state | {"cls_token": torch.zeros(1, 1, 3)}, tmp_path / "odd.safetensors")
    with pytest.raises(WrapError, match=r"cls_token is \(1, 1, 3\), not"):
        wrap("timm:test_vit", init=tmp_path / "odd.safetensors")
    with pytest.raises(WrapError, match="--mean is for ONNX files"):
        wrap("timm:test_vit", init="random", mean=MEAN)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    """Patches of 14 pixels, class token, registers; and its export by torch: NCHW floats in, tokens out."""
    torch.manual_seed(1)
    network = timm.models.vision_transformer.VisionTransformer(
        img_size=56, patch_size=14, embed_dim=48, depth=2, num_heads=2, reg_tokens=4, num_classes=0
    ).eval()
    network.forward = network.forward_features
    exported = tmp_path_factory.mktemp("transformer") / "vit.onnx"
    torch.onnx.export(
        network, (torch.zeros(2, 3, 56, 56),), exported, dynamo=True, verbose=False, external_data=False,
        dynamic_shapes={"x": {0: torch.export.Dim("n")}}, input_names=["pixels"], output_names=["tokens"],
    )  # fmt: skip
    return network, exported


@pytest.mark.parametrize("outside", [False, True])
def test_a_transformer_with_registers_exported_by_torch_is_wrapped(
    transformer: tuple[torch.nn.Module, Path], tmp_path: Path, outside: bool
) -> None:
    network, exported = transformer
    shutil.copy(exported, tmp_path / "vit.onnx")
    if outside:  # its weights beside the file
        model = onnx.load(exported)
        onnx.save(model, tmp_path / "vit.onnx", save_as_external_data=True, location="vit.data", size_threshold=100)
        assert (tmp_path / "vit.data").stat().st_size > 100_000
    found = wrap(tmp_path / "vit.onnx", tmp_path / "mine.onnx", mean=MEAN, std=STD, pool="patches")
    assert (found.card.dimension, found.one_by_one) == (48, False)
    assert found.card.training.recipe["wrapped"]["output"]["prefix"] == 5  # type: ignore[index,call-overload]
    pixels = np.random.default_rng(1).integers(0, 256, (3, 56, 56, 3), np.uint8)
    values = torch.from_numpy(((pixels / 255 - MEAN) / STD).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        tokens = network(values).numpy()
    expected = tokens[:, 5:].mean(axis=1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    rows = samekind.load(tmp_path / "mine.onnx").encoder.encode_pixels(pixels)
    assert (rows * expected).sum(axis=1).min() > 0.9999
