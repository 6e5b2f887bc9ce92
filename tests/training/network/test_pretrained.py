import pytest
import timm

from samekind.errors import TrainingError
from samekind.training.network.pretrained import find_pretrained


@pytest.mark.parametrize(
    ("architecture", "name", "only_imagenet"),
    [
        # timm's own choice saw 300 million other images.
        ("tf_efficientnet_b0", "tf_efficientnet_b0.aa_in1k", True),
        ("resnet18", "resnet18.a1_in1k", True),
        # timm's own choice saw ImageNet-12k.
        ("convnext_tiny", "convnext_tiny.fb_in1k", True),
        ("vit_small_patch14_dinov2", "vit_small_patch14_dinov2.lvd142m", False),
    ],
)
def test_the_weights_are_those_of_imagenet_alone_or_say_that_they_are_not(
    architecture: str, name: str, only_imagenet: bool
) -> None:
    found = find_pretrained(architecture)
    assert found.name == name
    assert found.licence == timm.models.get_pretrained_cfg(name).license
    assert name in found.past
    assert ("more than ImageNet-1k" in found.past) != only_imagenet


@pytest.mark.parametrize(
    "architecture", [*timm.list_models("*efficientnet*", pretrained=True)[:40], "convnext_tiny", "vit_base_patch16_224"]
)
def test_weights_that_saw_more_are_never_called_imagenet_alone(architecture: str) -> None:
    if not timm.list_pretrained(f"{architecture}.*"):
        pytest.skip("timm has no weights of it")
    found = find_pretrained(architecture)
    saw_more = {"jft", "in21k", "in22k", "in12k", "lvd", "laion", "ft"} & set(found.name.partition(".")[2].split("_"))
    assert "more than ImageNet-1k" in found.past or not saw_more


def test_an_architecture_without_weights_is_refused() -> None:
    without = next(name for name in timm.list_models() if not timm.list_pretrained(f"{name}.*"))
    with pytest.raises(TrainingError, match=f"timm has no pretrained weights of {without}; use --init scratch"):
        find_pretrained(without)
