"""The cut of a backbone is timm's network, family by family."""

import pytest
import torch

from samekind.errors import TrainingError
from samekind.training.network.backbone import create_backbone, cut

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
# The smallest that timm has of each family whose stages are known.
FAMILIES = {
    "test_efficientnet": 5,
    "mobilenetv2_035": 7,
    "mobilenetv3_small_050": 6,
    "mobilenetv4_conv_small_035": 5,
    "resnet10t": 4,
    "test_resnet": 4,
    "convnext_atto": 4,
    "test_convnext": 4,
    "ghostnet_100": 10,
    "ghostnetv2_100": 10,
    "repghostnet_050": 10,
}


def apply(modules: list[torch.nn.Module], x: torch.Tensor) -> torch.Tensor:
    for module in modules:
        x = module(x)
    return x


@pytest.mark.parametrize("name", FAMILIES)
def test_both_parts_together_are_timms_network_wherever_it_is_cut(name: str) -> None:
    backbone = create_backbone(name).eval()
    with torch.no_grad():
        expected = backbone.forward_features(IMAGES)
        for stages in (0, 1, FAMILIES[name] - 1, FAMILIES[name]):
            first, rest = cut(backbone, name, stages)
            torch.testing.assert_close(apply(rest, apply(first, IMAGES)), expected)
            assert bool(first) == (stages > 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_more_stages_than_there_are_cannot_be_cut_off(name: str) -> None:
    most = FAMILIES[name]
    with pytest.raises(TrainingError, match=rf"^{name}: has {most} stages; freezing\.stages cannot be {most + 1}$"):
        cut(create_backbone(name), name, most + 1)


def test_a_network_without_known_stages_can_only_be_trained_whole() -> None:
    backbone = create_backbone("test_vit").eval()
    images = torch.nn.functional.interpolate(IMAGES, 160)
    first, rest = cut(backbone, "test_vit", 0)
    assert first == []
    with torch.no_grad():
        torch.testing.assert_close(apply(rest, images), backbone.forward_features(images))
    with pytest.raises(TrainingError, match=r"only the whole can be trained: freezing\.stages = 0"):
        cut(backbone, "test_vit", 1)


def test_a_network_that_does_more_than_its_known_parts_can_only_be_trained_whole() -> None:
    """As a family would that timm adds, with parts of the names that are known here."""
    backbone = create_backbone("test_efficientnet")
    cut(backbone, "test_efficientnet", 2)
    assert all(module.training for module in backbone.modules())
    plain = backbone.forward_features
    backbone.forward_features = lambda x: plain(x).relu()
    with pytest.raises(TrainingError, match=r"only the whole can be trained: freezing\.stages = 0"):
        cut(backbone, "test_efficientnet", 2)
    cut(backbone, "test_efficientnet", 0)


def test_an_unknown_name_names_some_like_it() -> None:
    with pytest.raises(TrainingError, match=r"no network 'resnext_50'; it has .*50"):
        create_backbone("resnext_50")
    with pytest.raises(TrainingError, match=r"no network 'qwertz'$"):
        create_backbone("qwertz")
