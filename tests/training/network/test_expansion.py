"""The channels inside EfficientNet's last block, pooled."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from training.runs import SMALL, run_training

import samekind
from samekind.datasets.folders import read_class_folders
from samekind.errors import TrainingError
from samekind.images import load_image
from samekind.training.network.backbone import create_backbone
from samekind.training.network.expansion import cut_expanded
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import initialise
from samekind.training.run.settings import RunSettings

STAGES = 5  # of timm's smallest EfficientNet
IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def expected(backbone: torch.nn.Module) -> torch.Tensor:
    """By hooks on timm's own network: what its last squeeze-and-excite and last convolution get, pooled."""
    inside: list[torch.Tensor] = []
    last = backbone.blocks[-1][-1]
    handles = [
        part.register_forward_hook(lambda _, given, __: inside.append(given[0])) for part in (last.se, last.conv_pwl)
    ]
    with torch.no_grad():
        backbone.forward_features(IMAGES)
    for handle in handles:
        handle.remove()
    before, after = ((x.clamp_min(0) ** 3).mean(dim=(2, 3)).clamp_min(1e-9) ** (1 / 3) for x in inside)
    return torch.cat([torch.nn.functional.normalize(part, dim=1) for part in (before, after)], dim=1)


@pytest.mark.parametrize("stages", [0, 1, STAGES - 1, STAGES])
def test_it_is_what_timms_last_block_computes_wherever_it_is_cut(stages: int) -> None:
    backbone = create_backbone("test_efficientnet").eval()
    wanted = expected(backbone)
    first, rest, width = cut_expanded(backbone, "test_efficientnet", stages)
    with torch.no_grad():
        x = IMAGES
        for module in (*first, *rest):
            x = module(x)
    assert x.shape == (2, width, 1, 1)
    torch.testing.assert_close(x.flatten(1), wanted)
    assert (bool(first), bool(rest)) == (stages > 0, stages < STAGES)


def test_parameters_keep_timms_names_and_those_behind_are_gone() -> None:
    network = SiameseNetwork("test_efficientnet", 8, frozen_stages=STAGES, features="expanded")
    own = {name.removeprefix("backbone.") for name, _ in network.named_parameters() if name.startswith("backbone.")}
    timms = {name for name, _ in timm.create_model("test_efficientnet", num_classes=0).named_parameters()}
    assert own < timms
    assert {name.split(".")[0] for name in timms - own} == {"blocks", "conv_head", "bn2"}
    assert [name for name, p in network.named_parameters() if p.requires_grad] == ["head.weight"]


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "mobilenetv3_small_050", "test_convnext"])
def test_other_families_have_none(name: str) -> None:
    with pytest.raises(TrainingError, match=rf"{name}: .*network\.features = 'last'"):
        SiameseNetwork(name, 8, frozen_stages=0, features="expanded")


def test_more_stages_than_there_are_cannot_be_cut_off() -> None:
    with pytest.raises(TrainingError, match=rf"has {STAGES} stages; freezing\.stages cannot be {STAGES + 1}"):
        SiameseNetwork("test_efficientnet", 8, frozen_stages=STAGES + 1, features="expanded")


def test_a_run_trains_the_head_alone_and_can_be_started_from(shades: Path, tmp_path: Path) -> None:
    recipe = SMALL.with_settings(
        network={"backbone": "test_efficientnet", "features": "expanded"}, freezing={"stages": STAGES}
    )
    settings = RunSettings(folder=shades, output=tmp_path / "m.onnx", recipe=recipe, init="scratch")
    run_training(settings, tmp_path / "run")
    network = SiameseNetwork.of(recipe).eval()
    assert initialise(network, str(settings.output)).fresh == set()
    pixels = np.stack([load_image(path, 32) for path in read_class_folders(shades).paths[:3]])
    with torch.no_grad():
        embeddings = network(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(embeddings, samekind.load(settings.output).encoder.encode_pixels(pixels), atol=1e-5)
