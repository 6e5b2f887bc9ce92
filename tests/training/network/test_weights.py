from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from samekind.errors import TrainingError
from samekind.training.network.weights import read_weights
from samekind.wrapping.wrap import wrap


def test_a_files_tensors_have_the_networks_names(tmp_path: Path) -> None:
    save_file({"conv_stem.weight": torch.ones(2)}, tmp_path / "my-imagenet.safetensors")
    found = read_weights(str(tmp_path / "my-imagenet.safetensors"), "any", None)
    assert list(found.tensors) == ["backbone.conv_stem.weight"]
    assert (found.card, found.tag, found.licence) == (None, "", "")
    assert found.past.startswith("ImageNet-1k with labels")


def test_a_model_file_brings_its_head_its_normalising_and_its_card() -> None:
    found = read_weights("general", "any", None)
    assert {name.partition(".")[0] for name in found.tensors} == {"backbone", "head", "pixel_mean", "pixel_std"}
    assert all(tensor.dtype == torch.float32 for tensor in found.tensors.values())
    assert found.card is not None
    assert (found.past, found.licence) == (found.card.training.pretraining, found.card.licence)


def test_bundled_is_the_model_general_for_its_own_architecture() -> None:
    bundled, general = (read_weights(name, "tf_efficientnet_b0", None) for name in ("bundled", "general"))
    assert bundled.card == general.card
    assert all(torch.equal(tensor, general.tensors[name]) for name, tensor in bundled.tensors.items())
    with pytest.raises(TrainingError, match="bundled: is for tf_efficientnet_b0 only, not for resnet18"):
        read_weights("bundled", "resnet18", None)


def test_of_a_wrapped_encoder_is_said_what_to_give_instead(tmp_path: Path) -> None:
    wrap("timm:test_efficientnet", tmp_path / "wrapped.onnx", init="random")
    with pytest.raises(TrainingError, match=r"wrapped from timm:test_efficientnet .*--init WEIGHTS\.safetensors"):
        read_weights(str(tmp_path / "wrapped.onnx"), "test_efficientnet", None)
