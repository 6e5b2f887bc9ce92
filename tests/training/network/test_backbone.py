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
    said = rf"^{name}: has {most} stages; freezing\.stages cannot be {most + 1}; half of them: "
    with pytest.raises(TrainingError, match=said):
        cut(create_backbone(name), name, most + 1)


# Networks that are more than their modules in a row, and how many stages of each to try.
WATCHED = {"test_vit": (1, 5), "test_vit2": (2,), "levit_128s": (1, 2), "efficientvit_b0": (2,), "regnetx_002": (1, 3)}


@pytest.mark.parametrize("name", WATCHED)
def test_any_network_can_be_cut_and_goes_on_from_what_was_frozen(name: str) -> None:
    backbone = create_backbone(name).eval()
    size = backbone.default_cfg["input_size"][1]
    images = torch.nn.functional.interpolate(IMAGES, size)
    with torch.no_grad():
        expected = backbone.forward_features(images)
        for stages in (0, *WATCHED[name]):
            first, rest = cut(backbone, name, stages)
            features = apply(first, images)
            torch.testing.assert_close(apply(rest, features), expected)
            # What is frozen is not run a second time: of other features something else comes.
            if stages:
                assert not torch.allclose(apply(rest, features.flip(0)), expected)
                torch.testing.assert_close(apply(rest, features.flip(0)), expected.flip(0))


@pytest.mark.parametrize("name", ["pit_ti_224", "crossvit_9_240"])
def test_a_network_whose_stages_give_several_values_can_be_cut(name: str) -> None:
    backbone = create_backbone(name).eval()
    images = torch.nn.functional.interpolate(IMAGES, backbone.default_cfg["input_size"][1])
    with torch.no_grad():
        expected = backbone.forward_head(backbone.forward_features(images), pre_logits=True)
        first, rest = cut(backbone, name, 1)
        features = apply(first, images)
        assert (features.ndim, len(features)) == (2, len(images))
        for given, wanted in ((features, expected), (features.flip(0), expected.flip(0))):
            torch.testing.assert_close(backbone.forward_head(apply(rest, given), pre_logits=True), wanted)


def test_what_is_frozen_is_never_trained_and_all_else_is() -> None:
    backbone = create_backbone("test_vit")
    first, rest = cut(backbone, "test_vit", 2)
    for module in first:
        module.requires_grad_(requires_grad=False)
    frozen = {name for name, weight in backbone.named_parameters() if not weight.requires_grad}
    parts = {name.partition(".")[0] if not name.startswith("blocks.") else name[:8] for name in frozen}
    assert parts == {"cls_token", "pos_embed", "patch_embed", "blocks.0", "blocks.1"}
    apply(rest, torch.randn(2, 101, 64)).sum().backward()
    assert {name for name, weight in backbone.named_parameters() if weight.grad is not None} == {
        name for name, _ in backbone.named_parameters() if name not in frozen and not name.startswith("fc_norm")
    }


@pytest.mark.parametrize("name", ["test_vit", "test_efficientnet"])
def test_with_all_stages_frozen_nothing_is_left_to_train(name: str) -> None:
    backbone = create_backbone(name).eval()
    images = torch.nn.functional.interpolate(IMAGES, backbone.default_cfg["input_size"][1])
    [first], rest = cut(backbone, name, "all")
    first.requires_grad_(requires_grad=False)
    assert rest == []
    assert not any(weight.requires_grad for weight in backbone.parameters())
    torch.testing.assert_close(first(images), backbone.forward_features(images))


def test_a_network_that_needs_more_than_its_features_can_only_be_trained_whole() -> None:
    backbone = create_backbone("test_efficientnet")
    cut(backbone, "test_efficientnet", 2)
    assert all(module.training for module in backbone.modules())
    plain, stem = backbone.forward_features, backbone.conv_stem
    backbone.forward_features = lambda x: plain(x) + stem(x).mean()
    with pytest.raises(TrainingError, match=r"needs .*; freezing\.stages = 0 trains the whole"):
        cut(backbone, "test_efficientnet", 2)
    cut(backbone, "test_efficientnet", 0)


def test_a_way_around_the_features_is_kept_also_where_a_weight_of_zero_hides_it() -> None:
    backbone = create_backbone("test_vit")
    plain, early, gate = backbone.forward_features, [], torch.nn.Parameter(torch.zeros(()))
    backbone.blocks[0].register_forward_hook(lambda _, __, output: early.append(output))
    backbone.forward_features = lambda x: plain(x) + gate * early.pop()
    (first,), (rest,) = cut(backbone.eval(), "test_vit", 3)
    images = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = rest(first(images))
        gate += 1
        torch.testing.assert_close(rest(first(images)), backbone.forward_features(images))
        assert not torch.allclose(before, rest(first(images)))


def test_a_network_that_needs_most_of_what_is_frozen_can_only_be_trained_whole() -> None:
    backbone = create_backbone("test_vit")
    plain, early = backbone.forward_features, []
    for block in backbone.blocks[:5]:
        block.register_forward_hook(lambda _, __, output: early.append(output))

    def with_all(images: torch.Tensor) -> torch.Tensor:
        early.clear()
        return plain(images) + sum(early)

    backbone.forward_features = with_all
    with pytest.raises(TrainingError, match=r"what lies behind blocks\.5 needs blocks\.0 as well"):
        cut(backbone, "test_vit", 6)


def test_more_stages_than_a_transformer_has_cannot_be_cut_off() -> None:
    with pytest.raises(TrainingError, match=r"^test_vit: has 6 stages; freezing\.stages cannot be 7; "):
        cut(create_backbone("test_vit"), "test_vit", 7)


def test_an_unknown_name_names_some_like_it() -> None:
    with pytest.raises(TrainingError, match=r"no network 'resnext_50'; it has .*50"):
        create_backbone("resnext_50")
    with pytest.raises(TrainingError, match=r"no network 'qwertz'$"):
        create_backbone("qwertz")
