import pytest
import timm
import torch

from samekind.errors import TrainingError
from samekind.training.network import SiameseNetwork


def images(count: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_embeddings_have_unit_length(network: SiameseNetwork) -> None:
    embeddings = network(images())
    assert embeddings.shape == (3, 8)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(3))


def test_the_two_halves_are_timms_backbone(network: SiameseNetwork) -> None:
    pixels = ((images().float() - network.pixel_mean) / network.pixel_std).permute(0, 3, 1, 2)
    pooled = network.backbone(pixels).mean(dim=(2, 3))
    expected = torch.nn.functional.normalize(network.head(pooled), dim=1)
    torch.testing.assert_close(network(images()), expected)


@pytest.mark.parametrize("frozen", [0, 1, 5, 7])
def test_frozen_stages_get_no_gradient_and_keep_their_statistics(frozen: int) -> None:
    network = SiameseNetwork("tf_efficientnet_b0", 4, frozen_stages=frozen).train()
    stem_before = network.backbone.bn1.running_mean.clone()
    network(images(4)).sum().backward()
    stages = [network.backbone.conv_stem, *network.backbone.blocks, network.backbone.conv_head]
    has_gradient = [all(p.grad is not None for p in stage.parameters()) for stage in stages]
    moving = 0 if frozen == 0 else frozen + 1
    assert has_gradient == [False] * moving + [True] * (len(stages) - moving)
    assert torch.equal(stem_before, network.backbone.bn1.running_mean) == (frozen > 0)


def test_parameters_keep_timms_names(network: SiameseNetwork) -> None:
    names = {f"backbone.{name}" for name in timm.create_model("tf_efficientnet_b0", num_classes=0).state_dict()}
    own = {name for name in network.state_dict() if name.startswith("backbone.")}
    assert own == names


@pytest.mark.parametrize(
    ("backbone", "frozen", "message"),
    [("no_such_net", 0, "timm has no network"), ("resnet18", 0, "EfficientNet family"), ("tf_efficientnet_b0", 8, "7")],
)
def test_networks_that_cannot_be_trained_are_refused(backbone: str, frozen: int, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        SiameseNetwork(backbone, 4, frozen_stages=frozen)
