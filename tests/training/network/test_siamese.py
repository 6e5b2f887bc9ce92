import pytest
import timm
import torch
from hypothesis import given
from strategies import pixels

from samekind.errors import TrainingError
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.recipe import Recipe


def images(count: int = 3, side: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_embeddings_have_unit_length(network: SiameseNetwork) -> None:
    embeddings = network(images())
    assert embeddings.shape == (3, 8)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(3))


@given(pixels(32))
def test_the_embedding_of_any_image_is_finite(image: object) -> None:
    torch.manual_seed(0)
    network = SiameseNetwork("test_efficientnet", 4, frozen_stages=1).eval()
    embedding = network(torch.from_numpy(image)[None])
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(1))


@pytest.mark.parametrize(
    ("backbone", "stages", "side"),
    [
        ("test_efficientnet", 2, 32),
        ("mobilenetv3_small_050", 3, 32),
        ("test_resnet", 2, 32),
        ("test_convnext", 1, 32),
        ("test_vit", 0, 160),
        ("test_resnet", 0, 32),
    ],
)
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_features_and_the_rest_are_the_whole_of_timms_network_with_a_head(
    backbone: str, stages: int, side: int, head: str
) -> None:
    network = SiameseNetwork(backbone, 8, stages, dropout=0.5, head=head).eval()
    given_images = images(3, side)
    with torch.no_grad():
        plain = ((given_images.float() - network.pixel_mean) / network.pixel_std).permute(0, 3, 1, 2)
        # Of timm, pooled and flattened, as a classifier would get it.
        whole = network.backbone(plain)
        expected = torch.nn.functional.normalize(network.head(whole), dim=1)
        torch.testing.assert_close(network(given_images), expected)
        torch.testing.assert_close(network.embed_features(network.features(given_images)), expected)


def test_pixels_are_normalised_as_the_backbone_was_trained() -> None:
    network = SiameseNetwork("test_resnet", 8, frozen_stages=0)
    grey = network.pixel_mean.round().to(torch.uint8).expand(1, 32, 32, 3)
    assert network.features(grey).abs().max() < 0.01
    assert network.features(torch.full_like(grey, 255)).max() > 0.9


def test_a_head_of_two_layers_has_a_bend_between_them() -> None:
    linear, mlp = (SiameseNetwork("test_resnet", 8, 2, head=head).head for head in ("linear", "mlp"))
    assert isinstance(linear, torch.nn.Linear)
    assert [type(layer) for layer in mlp] == [torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear]
    assert (mlp[-1].out_features, mlp[0].in_features) == (linear.out_features, linear.in_features)


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


def test_training_leaves_frozen_stages_in_evaluation_mode_and_evaluation_leaves_none_in_training() -> None:
    network = SiameseNetwork("test_resnet", 4, frozen_stages=2)
    for mode in (True, False, True):
        assert network.train(mode) is network
        assert not any(module.training for module in network.backbone.layer2.modules())
        assert not network.backbone.bn1.training
        assert all(module.training == mode for module in network.backbone.layer3.modules())
        assert network.dropout.training == mode


def test_parameters_keep_timms_names(network: SiameseNetwork) -> None:
    names = {f"backbone.{name}" for name in timm.create_model("tf_efficientnet_b0", num_classes=0).state_dict()}
    own = {name for name in network.state_dict() if name.startswith("backbone.")}
    assert own == names
    assert set(network.state_dict()) - own == {"head.weight", "pixel_mean", "pixel_std"}


def test_a_recipe_says_what_it_is_made_of() -> None:
    recipe = Recipe().with_settings(
        network={"backbone": "test_resnet", "dimension": 5, "head": "mlp", "dropout": 0.4}, freezing={"stages": 3}
    )
    network = SiameseNetwork.of(recipe)
    assert (network.frozen_stages, network.dropout.p, network.head[-1].out_features) == (3, 0.4, 5)
    assert network(images()).shape == (3, 5)


@pytest.mark.parametrize(
    ("backbone", "frozen", "message"),
    [
        ("no_such_net", 0, "timm has no network"),
        ("efficientnet-b0", 0, "it has .*efficientnet_b0"),
        ("test_vit.r160_in1k", 0, "a backbone is test_vit, and --init gives it weights"),
        ("test_vit", 99, r"freezing.stages cannot be 99; half of them: --set freezing.stages=\d"),
        ("tf_efficientnet_b0", 8, "has 7 stages"),
    ],
)
def test_networks_that_cannot_be_trained_are_refused(backbone: str, frozen: int, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        SiameseNetwork(backbone, 4, frozen_stages=frozen)
